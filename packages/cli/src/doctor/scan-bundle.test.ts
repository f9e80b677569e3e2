import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { type FindingKind, scanBundle } from './scan-bundle.ts'

const rsa = createPrivateKey({ key: Buffer.from(testPrivateKeys[0], 'base64'), format: 'der', type: 'pkcs8' })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pkcs8 = rsa.export({ format: 'der', type: 'pkcs8' })
const pkcs1 = rsa.export({ format: 'der', type: 'pkcs1' })
const sec1 = ec.privateKey.export({ format: 'der', type: 'sec1' })
const locked = ec.privateKey.export({ format: 'der', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' })
const spki = ec.publicKey.export({ format: 'der', type: 'spki' })
const pem = String(ec.privateKey.export({ format: 'pem', type: 'pkcs8' }))
const jwk = ec.privateKey.export({ format: 'jwk' })
const publicJwk = ec.publicKey.export({ format: 'jwk' })
const master = randomBytes(32)
const hex = master.toString('hex')

const token = (payload: unknown) =>
  [{ alg: 'HS256', typ: 'JWT' }, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat('c2lnbmF0dXJl')
    .join('.')

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'nokkel-bundle-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function write(name: string, content: string | Uint8Array) {
  const file = join(directory, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}

/** The kinds found in a script with this line in it. */
async function kindsIn(line: string, environment: Record<string, string> = {}): Promise<FindingKind[]> {
  write('index.js', `const a=1\n${line}\nexport{a}\n`)
  return (await scanBundle(directory, { environment })).findings.map(({ kind }) => kind)
}

describe('bundle scan finds', () => {
  const planted: readonly (readonly [string, string, FindingKind])[] = [
    ['the name of the master key', 'Deno.env.get("MASTER_ENCRYPTION_KEY")', 'secret_name'],
    ['the name of a service role key', 'x.VITE_SUPABASE_SERVICE_ROLE_KEY', 'secret_name'],
    ['the name of the index key', 'env.INDEX_KEY', 'secret_name'],
    ['the name of the previous index key', 'env.INDEX_KEY_OLD', 'secret_name'],
    ['the name of the database URL', 'process.env.DATABASE_URL', 'secret_name'],
    ['the name of a client secret', 'process.env.VIPPS_LIKEPERSON_CLIENT_SECRET', 'secret_name'],
    ['a service role token', `k="${token({ iss: 'supabase', role: 'service_role' })}"`, 'service_role_token'],
    [
      'a token without a signature',
      `k="${token({ role: 'service_role' }).replace(/[^.]*$/, '')}"`,
      'service_role_token',
    ],
    ['a secret key of Supabase', 'k="sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz"', 'supabase_secret_key'],
    ['PEM over several lines', `k=\`${pem}\``, 'private_key_pem'],
    ['PEM in one string', `k=${JSON.stringify(pem)}`, 'private_key_pem'],
    ['PEM of RSA', `k=${JSON.stringify(rsa.export({ format: 'pem', type: 'pkcs1' }))}`, 'private_key_pem'],
    ['PKCS#8 in base64', `k="${pkcs8.toString('base64')}"`, 'private_key_der'],
    ['PKCS#8 in base64url', `k="${pkcs8.toString('base64url')}"`, 'private_key_der'],
    [
      'PKCS#8 in lines without a header',
      `k=${JSON.stringify(pkcs8.toString('base64').replace(/.{64}/g, '$&\n'))}`,
      'private_key_der',
    ],
    ['PKCS#8 in hexadecimal', `k="${pkcs8.toString('hex')}"`, 'private_key_der'],
    ['encrypted PKCS#8', `k="${locked.toString('base64')}"`, 'private_key_der'],
    ['PKCS#1', `k="${pkcs1.toString('base64')}"`, 'private_key_der'],
    ['SEC1', `k="${sec1.toString('base64')}"`, 'private_key_der'],
    ['a private JWK', `k=${JSON.stringify(jwk)}`, 'private_jwk'],
    ['a private JWK as an object', `k={kty:"EC",crv:"P-256",x:"${jwk.x}",y:"${jwk.y}",d:"${jwk.d}"}`, 'private_jwk'],
    ['a private JWK within a string', `k=${JSON.stringify(JSON.stringify(jwk))}`, 'private_jwk'],
    ['a secret JWK', `k={"k":"${master.toString('base64url')}","kty":"oct"}`, 'private_jwk'],
    ['a master key', `k="${hex}"`, 'hex_key'],
    ['a master key in capitals', `k='${hex.toUpperCase()}'`, 'hex_key'],
    [
      'a database URL with a password',
      'u="postgres://nokkel_server:hunter2hunter2@db.example.no/nokkel"',
      'database_url',
    ],
    ...['$9xKq7vP2m', '%wonderful', '<3hunter2hunter2', '[x7Kq', '{p}x7Kq', '***x7Kq', 'xxl-hunter2', '$ecret'].map(
      (password) =>
        [`the password ${password}`, `u="postgres://nokkel_server:${password}@db/nokkel"`, 'database_url'] as const,
    ),
    ['a master key after a statement about digests', `u(v).digest();const MK="${hex}"`, 'hex_key'],
  ]
  it.each(planted)('%s', async (_what, line, kind) => {
    expect(await kindsIn(line)).toEqual([kind])
  })

  it.each([
    ['as it is', hex],
    ['in capitals', hex.toUpperCase()],
    ['in base64', master.toString('base64')],
    ['in base64url', master.toString('base64url')],
    ['in base64 one byte further on', Buffer.concat([Buffer.from('a'), master]).toString('base64')],
    ['in base64url two bytes further on', Buffer.concat([Buffer.from('ab'), master]).toString('base64url')],
    ['its digits in base64', Buffer.from(`key=${hex};`).toString('base64')],
    ['among other digits', `00${hex}00`],
  ])('the master key of this environment, %s', async (_how, value) => {
    expect(await kindsIn(`k="${value}"`, { MASTER_ENCRYPTION_KEY: hex })).toEqual(['environment_value'])
  })

  it('the password of a URL in this environment', async () => {
    expect(
      await kindsIn('p="correct-horse"', { DATABASE_URL: 'postgres://nokkel_server:correct-horse@localhost/nokkel' }),
    ).toEqual(['environment_value'])
  })

  it('what lies in a source map: modules of the server, and secrets in their text', async () => {
    const sources = [
      '../../packages/server/src/keyring/keyring.ts',
      '../../node_modules/kysely/dist/index.js',
      'main.tsx',
    ]
    const sourcesContent = ['', null, `const a = 1\n  const key = '${hex}'\n`]
    write('assets/index.js.map', JSON.stringify({ version: 3, sources, sourcesContent, names: [], mappings: 'AAAA' }))
    expect((await scanBundle(directory)).findings).toEqual([
      { file: 'assets/index.js.map', line: 1, column: 1, kind: 'server_source', excerpt: sources[0] },
      { file: 'assets/index.js.map', line: 1, column: 1, kind: 'server_source', excerpt: sources[1] },
      {
        file: 'assets/index.js.map › main.tsx',
        line: 2,
        column: 16,
        kind: 'hex_key',
        excerpt: `${hex.slice(0, 4)}… (64 characters)`,
      },
    ])
  })

  it('what lies in an inline source map', async () => {
    const map = { version: 3, sources: ['node_modules/pg/lib/client.js'], sourcesContent: [`k='${hex}'`], mappings: '' }
    const data = Buffer.from(JSON.stringify(map)).toString('base64')
    expect(await kindsIn(`//# sourceMappingURL=data:application/json;charset=utf-8;base64,${data}`)).toEqual([
      'server_source',
      'hex_key',
    ])
  })

  it('what lies in compressed copies', async () => {
    write('a.js.gz', gzipSync(`k="${hex}"`))
    write('b.js.br', brotliCompressSync(`k="${hex}"`))
    const { findings } = await scanBundle(directory)
    expect(findings.map(({ file, kind }) => [file, kind])).toEqual([
      ['a.js.gz', 'hex_key'],
      ['b.js.br', 'hex_key'],
    ])
  })

  it('a file that is a private key', async () => {
    write('server.key', pkcs8)
    expect((await scanBundle(directory)).findings).toMatchObject([{ file: 'server.key', kind: 'private_key_der' }])
  })

  it('what symbolic links lead to, once round a circle of them', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'nokkel-elsewhere-'))
    writeFileSync(join(elsewhere, 'key.pem'), pem)
    write('assets/a.js', 'a')
    symlinkSync(join(elsewhere, 'key.pem'), join(directory, 'linked.txt'))
    symlinkSync(elsewhere, join(directory, 'folder'))
    symlinkSync('..', join(directory, 'assets/up'))
    symlinkSync('nowhere', join(directory, 'dangling'))
    symlinkSync('itself', join(directory, 'itself'))
    const { findings, texts } = await scanBundle(directory)
    rmSync(elsewhere, { recursive: true })
    expect(texts).toBe(3)
    expect(findings.map(({ file, kind }) => [file, kind])).toEqual([
      ['folder/key.pem', 'private_key_pem'],
      ['linked.txt', 'private_key_pem'],
    ])
  })

  it('every one of several, and shows none of them', async () => {
    write('index.html', `<p>a</p>\n<script>k="${hex}";j=${JSON.stringify(jwk)}</script>`)
    const { findings, texts } = await scanBundle(directory, { environment: { INDEX_KEY: hex } })
    expect(texts).toBe(1)
    expect(findings).toMatchObject([
      { line: 2, column: 12, kind: 'environment_value', excerpt: 'the value of INDEX_KEY' },
      { line: 2, kind: 'private_jwk' },
    ])
    const shown = JSON.stringify(findings)
    expect(shown).not.toContain(hex.slice(0, 8))
    expect(shown).not.toContain(jwk.d)
  })
})

describe('bundle scan leaves alone', () => {
  const innocent: readonly (readonly [string, string])[] = [
    ['an anonymous token', `k="${token({ iss: 'supabase', role: 'anon' })}"`],
    ['a publishable key of Supabase', 'k="sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH"'],
    ['the word service_role', 'if(role==="service_role")throw 1'],
    ['a public JWK', `k=${JSON.stringify(publicJwk)}`],
    ['a public JWK beside another d', `k=[${JSON.stringify(publicJwk)},{d:"AAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]`],
    ['a public key in base64', `k="${spki.toString('base64')}"`],
    ['a public key as PEM', `k=${JSON.stringify(ec.publicKey.export({ format: 'pem', type: 'spki' }))}`],
    ['code that reads PEM', 'if(t.startsWith("-----BEGIN PRIVATE KEY-----"))return r(t,"-----END PRIVATE KEY-----")'],
    ['the digest of a file', `{"file":"a.js","sha256":"${hex}"}`],
    ['the integrity of a lock file', `{"checksum":"${hex}"}`],
    ['the digest in a name', `import("./assets/index-${hex}.js")`],
    ['the constant of a curve', 'const p=0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn'],
    ['zeros', `k="${'0'.repeat(64)}"`],
    ['longer and shorter digits', `k="${hex}ab";j="${hex.slice(2)}"`],
    ['a database URL without a password', 'u="postgres://nokkel_server@localhost/nokkel"'],
    ['a database URL in an example', `u="postgresql://user:password@host/name";v='postgres://me:\${p}@h'`],
    ...[
      `\${e(t)}`,
      '$PGPASSWORD',
      '%s',
      '<password>',
      '[YOUR-PASSWORD]',
      '{{password}}',
      '***',
      '...',
      'xxxx',
      'your-password',
    ].map((password) => [`the placeholder ${password}`, `u="postgres://me:${password}@host/name"`] as const),
    ['random bytes', `k="${randomBytes(3000).toString('base64')}"`],
    ['a word with a secret’s name in it', 'const DATABASE_URLS_SEEN=1,MASTERKEY=2,Z_INDEX_KEY=3'],
  ]
  it.each(innocent)('%s', async (_what, line) => {
    expect(await kindsIn(line)).toEqual([])
  })

  it('what this environment publishes, and short or ordinary values', async () => {
    const environment = { VITE_SUPABASE_ANON_KEY: hex, PUBLIC_KEY: hex, API_TOKEN: 'export', HOME: 'const a=1\nconst' }
    expect(await kindsIn('sha256="x"', environment)).toEqual([])
    expect(await kindsIn(`sha256="${hex}"`, environment)).toEqual([])
  })

  it('an ordinary source map', async () => {
    write(
      'a.js.map',
      JSON.stringify({ version: 3, sources: ['src/server-list.tsx'], sourcesContent: ['a'], mappings: '' }),
    )
    expect((await scanBundle(directory)).findings).toEqual([])
  })
})
