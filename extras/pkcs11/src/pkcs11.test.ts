import assert from 'node:assert/strict'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createRootKeys } from './index.ts'
import { createSoftHsm, type SoftHsm } from './testing/soft-hsm.ts'

const label = 'nokkel-test'
const keys = {
  MASTER_ENCRYPTION_KEY: '8f0e'.repeat(16),
  INDEX_KEY: '17c2'.repeat(16),
  INDEX_KEY_OLD: '35d1'.repeat(16),
}

describe('nokkel-pkcs11', () => {
  let hsm: SoftHsm
  let made: string
  before(async () => {
    hsm = createSoftHsm(label)
    const { status, stdout, stderr } = await hsm.run(['create-key'])
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
    made = stdout
    const wrapped = await hsm.run(['wrap', '--out', file()], keys)
    assert.deepEqual(wrapped, { status: 0, stdout: `Made ${file()}, which the token "${label}" opens.`, stderr: '' })
  })
  after(() => hsm.remove())

  const file = () => hsm.environment.PKCS11_KEYRING_FILE ?? ''

  it('makes a key in the token, and names the token', () => {
    assert.match(made, /^Made the key [\w-]{22} in the token "nokkel-test"\.$/)
  })

  it('opens what it wrapped, in this process, and names the token', async () => {
    process.env.SOFTHSM2_CONF = hsm.environment.SOFTHSM2_CONF
    const lines: string[] = []
    const environment = { ...hsm.environment, PKCS11_PIN: hsm.pin }
    const opened = await createRootKeys(environment, (line) => lines.push(line)).load()
    assert.equal(Buffer.from(opened.masterKeys[0] ?? []).toString('hex'), keys.MASTER_ENCRYPTION_KEY)
    assert.deepEqual(
      opened.indexKeys.map((key) => Buffer.from(key).toString('hex')),
      [keys.INDEX_KEY, keys.INDEX_KEY_OLD],
    )
    assert.deepEqual(lines, [`The root keys were opened by the token "${label}".`])
    assert.equal(environment.PKCS11_PIN, undefined)
    console.log(lines.join())
  })

  it('writes a file for its owner alone that tells nothing, and never over another', async () => {
    const content = readFileSync(file(), 'utf8')
    assert.equal(statSync(file()).mode & 0o777, 0o600)
    for (const secret of [...Object.values(keys), hsm.pin]) assert.ok(!content.includes(secret))
    const again = await hsm.run(['wrap', '--out', file()], keys)
    assert.deepEqual(again, { status: 1, stdout: '', stderr: `${file()} is there already; nothing was overwritten.` })
    assert.equal(readFileSync(file(), 'utf8'), content)
  })

  it('refuses a file that was altered, and one of another key', async () => {
    const altered = JSON.parse(readFileSync(file(), 'utf8')) as { keyring: string }
    const at = altered.keyring.length - 10
    const flipped = altered.keyring[at] === 'A' ? 'B' : 'A'
    const path = join(hsm.directory, 'altered.json')
    writeFileSync(
      path,
      JSON.stringify({ ...altered, keyring: altered.keyring.slice(0, at) + flipped + altered.keyring.slice(at + 1) }),
    )
    const answer = await hsm.run(['check'], { PKCS11_KEYRING_FILE: path })
    assert.deepEqual(answer, {
      status: 1,
      stdout: '',
      stderr: 'The keyring file does not open: it was altered, or its key is another one.',
    })
    assert.equal((await hsm.run(['create-key'], { PKCS11_KEY: 'second' })).status, 0)
    const other = await hsm.run(['check'], { PKCS11_KEY: 'second' })
    assert.match(other.stderr, /^The keyring file needs the key with id [\w-]{22}, and was given [\w-]{22}\.$/)
  })

  const refusals: readonly (readonly [string, string, Record<string, string>, RegExp])[] = [
    ['a wrong PIN', 'check', { PKCS11_PIN: 'wrong-pin-0000' }, /^The PIN of the token "nokkel-test" is wrong\.$/],
    [
      'a token that is not there',
      'check',
      { PKCS11_TOKEN: 'none' },
      /^There is no token labelled "none"; the module has "nokkel-test"\.$/,
    ],
    [
      'a key that is not there',
      'check',
      { PKCS11_KEY: 'none' },
      /^The token "nokkel-test" has no key labelled "none"; .*\.$/,
    ],
    [
      'a second key of the same label',
      'create-key',
      {},
      /^The token "nokkel-test" has a key labelled "nokkel" already\.$/,
    ],
    [
      'a module that is not there',
      'check',
      { PKCS11_MODULE: '/nonexistent.so' },
      /^PKCS11_MODULE \/nonexistent\.so cannot be loaded: .*\.$/,
    ],
    [
      'a module that is none',
      'check',
      { PKCS11_MODULE: process.execPath },
      /^PKCS11_MODULE \S+ cannot be loaded: .*\.$/,
    ],
    ['no token', 'check', { PKCS11_TOKEN: '' }, /^PKCS11_TOKEN is not set; .*\.$/],
    ['no PIN', 'check', { PKCS11_PIN_FILE: '' }, /^Set PKCS11_PIN_FILE .*\.$/],
    ['no keyring file', 'check', { PKCS11_KEYRING_FILE: '/nonexistent.json' }, /cannot be read: ENOENT\.$/],
  ]
  for (const [what, command, changes, expected] of refusals) {
    it(`refuses ${what} in one sentence, without the PIN`, async () => {
      const { status, stdout, stderr } = await hsm.run([command], changes)
      assert.deepEqual({ status, stdout }, { status: 1, stdout: '' })
      assert.match(stderr, expected)
      for (const pin of [hsm.pin, 'wrong-pin-0000']) assert.ok(!stderr.includes(pin))
    })
  }

  it('refuses a PIN file that others may read', async () => {
    const path = join(hsm.directory, 'open-pin')
    writeFileSync(path, hsm.pin)
    chmodSync(path, 0o644)
    const { status, stderr } = await hsm.run(['check'], { PKCS11_PIN_FILE: path })
    assert.equal(status, 1)
    assert.match(stderr, /chmod 600/)
  })

  it('is told what it takes', async () => {
    assert.match((await hsm.run(['--help'])).stdout, /PKCS11_MODULE/)
    assert.deepEqual(await hsm.run(['destroy']), {
      status: 2,
      stdout: '',
      stderr: 'There is no command "destroy". --help says more.',
    })
  })
})
