import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createDpopProof,
  decodeBase64,
  encodeBase64,
  FILE_CHUNK_BYTE_LENGTH,
  generateContentKey,
  importPublicKey,
  sealedByteLength,
  wrapKey,
} from '@nokkel/crypto'
import { createRequestListener, type Listening, listen } from '@nokkel/server/node'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { composeDevelopment, type Development } from '../../tools/compose.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { testPrivateKeys } from '../../tools/testing/rsa-keys.ts'
import { useFixedRsaKeys } from './testing/fixed-rsa-keys.ts'
import { type RawAnswer, sendRaw } from './testing/raw-request.ts'
import { seedDatabase } from './testing/seed.ts'
import { digestTables, readAuditLog } from './testing/table-digests.ts'
import { arrive, fileOf, type Visitor } from './testing/visitor.ts'

interface Stored {
  readonly refreshToken: string
  readonly boundKey: string
}

describe.each(databaseEngines)('what is refused changes nothing [%s]', (engine) => {
  let database: TestDatabase
  let system: Development
  let files: Listening
  let home: string
  let coordinator: Visitor
  let stranger: Visitor
  let assignmentId: string
  let token: string
  let strangersToken: string
  let sentBlobId: string | undefined
  let memberId: string
  let memberToken: string
  let endedToken: string
  let envelope: { data: string; iv: string }
  let endedEnvelope: { data: string; iv: string }
  let keyId: string
  let rfxId: string
  let company: string
  let companyKeyId: string
  let usedCode: string
  const pendingBlob = randomUUID()
  const failures: unknown[] = []
  const recorded: { url: string; init: RequestInit }[] = []

  beforeAll(async () => {
    useFixedRsaKeys()
    database = await createTestDatabase(engine)
    await seedDatabase(database)
    system = await composeDevelopment({
      port: 0,
      web: false,
      database: database.server,
      logger: ({ level, code }) => level === 'error' && failures.push(code),
    })
    home = mkdtempSync(join(tmpdir(), 'nokkel-limits-'))
    writeFileSync(join(home, 'index.html'), '<h1>Nøkkel</h1>')
    files = await listen(await createRequestListener({ server: system.server, directory: home, mode: 'development' }), {
      port: 0,
      host: 'localhost',
    })
    const { url } = system
    const recording: typeof fetch = (input, init = {}) => {
      recorded.push({ url: String(input), init })
      return fetch(input, init)
    }
    coordinator = await arrive({ url, person: 'likeperson-koordinator', fetch: recording })
    const member = await arrive({ url, person: 'likeperson-medlem-1' })
    stranger = await arrive({ url, organization: 'hjertelaget', person: 'hjertelaget-koordinator' })
    const to = member.nokkel.auth.getSnapshot().me?.id ?? ''
    const file = fileOf(new Uint8Array(randomBytes(2000)))
    assignmentId = (await coordinator.nokkel.assignments.send({ to, title: 'Tur', body: 'Kl. 12', files: [file] })).id
    sentBlobId = recorded.map(({ url }) => /blobs\/([^/]+)\/chunks/.exec(url)?.[1]).find((id) => id !== undefined)
    token = await coordinator.nokkel.auth.accessToken()
    strangersToken = await stranger.nokkel.auth.accessToken()
    memberToken = await member.nokkel.auth.accessToken()
    memberId = to
    const ended = await arrive({ url, person: 'likeperson-medlem-2' })
    endedToken = await ended.nokkel.auth.accessToken()
    endedEnvelope = await activeEnvelope(endedToken)
    await ended.nokkel.auth.signOut()
    await makeKeys(member)
    await call('POST', '/nokkel/blobs', {
      body: { id: pendingBlob, byteLength: sealedByteLength(FILE_CHUNK_BYTE_LENGTH + 10), chunkCount: 2 },
    })
  })

  afterAll(async () => {
    await files?.close()
    await system?.close()
    await database?.close()
    rmSync(home, { recursive: true, force: true })
  })

  async function activeEnvelope(of: string): Promise<{ data: string; iv: string }> {
    const answer = await fetch(`${system.url}/nokkel/keys`, { headers: { authorization: `Bearer ${of}` } })
    const { keys } = (await answer.json()) as { keys: { encryptedPrivateKey: { data: string; iv: string } }[] }
    const { data = '', iv = '' } = keys[0]?.encryptedPrivateKey ?? {}
    return { data, iv }
  }

  /** A company of the coordinator's with a key and a member, and a project wrapped to it and to the coordinator. */
  async function makeKeys(member: Visitor): Promise<void> {
    const { companies, userKeys, auth } = coordinator.nokkel
    envelope = await activeEnvelope(token)
    const own = (await userKeys.settled()).key
    keyId = own?.id ?? ''
    company = (await companies.create({ name: 'Fjordbygg' })).id
    const ofCompany = await companies.generateKey(company)
    companyKeyId = ofCompany.id
    usedCode = (await companies.invite(company)).code
    await member.nokkel.companies.join(usedCode)
    rfxId = randomUUID()
    const secret = generateContentKey()
    const wrapTo = async (publicKey = '') =>
      encodeBase64(await wrapKey(secret, (await importPublicKey(decodeBase64(publicKey))).key))
    const organization = auth.getSnapshot().me?.organization.id
    const rows = [
      sql`insert into public.rfxs (id, organization_id) values (${rfxId}::uuid, ${organization}::uuid)`,
      sql`insert into public.rfx_key_version (rfx_id, version) values (${rfxId}::uuid, 1)`,
      sql`insert into public.rfx_key_members (rfx_id, user_id, encrypted_symmetric_key, key_id)
        values (${rfxId}::uuid, ${auth.getSnapshot().me?.id}::uuid, ${await wrapTo(own?.publicKey)}, ${keyId}::uuid)`,
      sql`insert into public.rfx_key_companies (rfx_id, company_id, encrypted_symmetric_key, key_id)
        values (${rfxId}::uuid, ${company}::uuid, ${await wrapTo(ofCompany.publicKey)},
          ${companyKeyId}::uuid)`,
    ]
    for (const row of rows) await row.execute(database.owner)
  }

  interface Call {
    readonly body?: unknown
    readonly bytes?: Uint8Array<ArrayBuffer>
    readonly text?: string
    readonly type?: string
    readonly token?: string
    readonly headers?: Record<string, string>
  }

  async function call(method: string, path: string, options: Call = {}) {
    const { body, bytes, text, headers = {} } = options
    const type = options.type ?? (bytes ? 'application/octet-stream' : 'application/json')
    const payload = bytes ?? text ?? (body === undefined ? undefined : JSON.stringify(body))
    const response = await fetch(`${system.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${options.token ?? token}`,
        ...(payload === undefined ? {} : { 'content-type': type }),
        ...headers,
      },
      ...(payload === undefined ? {} : { body: payload }),
    })
    const answer = await response.text()
    const code = answer.startsWith('{') ? (JSON.parse(answer) as { code?: string }).code : undefined
    return { status: response.status, code }
  }

  async function expectUnchanged<T>(work: () => Promise<T>): Promise<T> {
    // What was asked is recorded and counted.
    const digest = () => digestTables(database, { leavingOut: ['audit_log', 'crypto_usage'] })
    const [before, recorded] = [await digest(), await readAuditLog(database)]
    const result = await work()
    expect(await digest()).toEqual(before)
    expect((await readAuditLog(database)).slice(0, recorded.length)).toEqual(recorded)
    expect(failures.splice(0)).toEqual([])
    expect((await fetch(`${system.url}/nokkel/ready`)).status).toBe(200)
    return result
  }

  const repeat = (path: string) => {
    const { url, init } = recorded.find((request) => new URL(request.url).pathname === path) ?? {}
    if (!url) throw new Error(`Nobody called ${path}`)
    return fetch(url, { ...init, signal: null } as RequestInit).then(async (response) => ({
      status: response.status,
      code: ((await response.json()) as { code: string }).code,
    }))
  }

  const flip = (text: string, at: number) => `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
  const unsigned = () => {
    const [, payload] = token.split('.')
    return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
  }

  const refused: readonly (readonly [
    string,
    () => Promise<{ status: number; code?: string | undefined }>,
    number,
    string,
  ])[] = [
    ['no token', () => call('GET', '/nokkel/me', { headers: { authorization: '' } }), 401, 'token_invalid'],
    [
      'a token with another signature',
      () => call('GET', '/nokkel/me', { token: flip(token, token.length - 20) }),
      401,
      'token_invalid',
    ],
    [
      'a token with another payload',
      () => call('GET', '/nokkel/me', { token: flip(token, token.indexOf('.') + 20) }),
      401,
      'token_invalid',
    ],
    ['a token without a signature', () => call('GET', '/nokkel/me', { token: unsigned() }), 401, 'token_invalid'],
    ['a token of 20 kB', () => call('GET', '/nokkel/me', { token: 'a'.repeat(5000) }), 401, 'token_invalid'],
    [
      'the assignment of another organisation',
      () => call('GET', `/nokkel/assignments/${assignmentId}`, { token: strangersToken }),
      404,
      'not_found',
    ],
    [
      'opening what another organisation got',
      () => call('POST', `/nokkel/assignments/${assignmentId}/opened`, { token: strangersToken }),
      404,
      'not_found',
    ],
    [
      'the file of another organisation',
      () => call('GET', `/nokkel/blobs/${sentBlobId}/chunks/0`, { token: strangersToken }),
      404,
      'not_found',
    ],
    [
      'a chunk for a file of somebody else',
      () => call('PUT', `/nokkel/blobs/${pendingBlob}/chunks/1`, { token: strangersToken, bytes: new Uint8Array(26) }),
      404,
      'not_found',
    ],
    [
      'a file announced under the id of another',
      () =>
        call('POST', '/nokkel/blobs', {
          token: strangersToken,
          body: { id: pendingBlob, byteLength: sealedByteLength(5), chunkCount: 1 },
        }),
      409,
      'conflict',
    ],
    [
      'a chunk of a file that is sent',
      () => call('PUT', `/nokkel/blobs/${sentBlobId}/chunks/0`, { bytes: new Uint8Array(2052) }),
      409,
      'blob_sealed',
    ],
    [
      'ending a session of somebody else',
      async () =>
        call('DELETE', `/nokkel/sessions/${(await coordinator.nokkel.auth.sessions())[0]?.id}`, {
          token: strangersToken,
        }),
      404,
      'not_found',
    ],
    [
      'removing a device of somebody else',
      async () =>
        call('DELETE', `/nokkel/devices/${(await coordinator.nokkel.devices.list())[0]?.id}`, {
          token: strangersToken,
        }),
      404,
      'not_found',
    ],

    ['a login completed again', () => repeat('/nokkel/login/complete'), 401, 'dpop_proof_invalid'],
    ['a device registered again', () => repeat('/nokkel/devices'), 400, 'device_challenge_unknown'],
    [
      'a refresh without a proof',
      async () =>
        call('POST', '/nokkel/session/refresh', {
          body: { refreshToken: ((await coordinator.storage.get('session_v1')) as Stored).refreshToken },
        }),
      401,
      'dpop_proof_invalid',
    ],
    ['a refresh with the proof of another person', () => stolenRefresh(), 401, 'dpop_proof_invalid'],

    [
      'a chunk one byte too large',
      () => call('PUT', `/nokkel/blobs/${pendingBlob}/chunks/0`, { bytes: new Uint8Array(1_048_577) }),
      413,
      'body_too_large',
    ],
    [
      'a chunk one byte too small',
      () => call('PUT', `/nokkel/blobs/${pendingBlob}/chunks/1`, { bytes: new Uint8Array(25) }),
      400,
      'request_malformed',
    ],
    [
      'a chunk past the last',
      () => call('PUT', `/nokkel/blobs/${pendingBlob}/chunks/2`, { bytes: new Uint8Array(26) }),
      404,
      'not_found',
    ],
    [
      'a body of 66 kB',
      () => call('POST', '/nokkel/blobs', { text: `{"id":"${'a'.repeat(66_000)}"}` }),
      413,
      'body_too_large',
    ],
    [
      'a file larger than any',
      () => call('POST', '/nokkel/blobs', { body: { id: randomUUID(), byteLength: 4_294_967_297, chunkCount: 4097 } }),
      400,
      'request_malformed',
    ],
    [
      'a file whose chunks do not add up',
      () => call('POST', '/nokkel/blobs', { body: { id: randomUUID(), byteLength: 3_000_000, chunkCount: 1 } }),
      400,
      'request_malformed',
    ],

    ['half a JSON', () => call('POST', '/nokkel/blobs', { text: '{"id":"' }), 400, 'request_malformed'],
    [
      'JSON 20 000 deep',
      () => call('POST', '/nokkel/blobs', { text: `${'['.repeat(20_000)}${']'.repeat(20_000)}` }),
      400,
      'request_malformed',
    ],
    [
      'a member that is not known',
      () =>
        call('POST', '/nokkel/blobs', {
          body: { id: randomUUID(), byteLength: sealedByteLength(5), chunkCount: 1, owner: 'me' },
        }),
      400,
      'request_malformed',
    ],
    [
      'bytes that are not UTF-8',
      () => call('POST', '/nokkel/blobs', { bytes: new Uint8Array([0x22, 0xff, 0x22]), type: 'application/json' }),
      400,
      'request_malformed',
    ],
    [
      'a null byte in text',
      () => call('POST', '/nokkel/members/lookup', { text: '{"ids":["\\u0000"]}' }),
      400,
      'request_malformed',
    ],
    [
      'half a character',
      () => call('POST', '/nokkel/devices', { text: '{"registration":"\\ud800"}' }),
      400,
      'request_malformed',
    ],
    ['a null byte in a query', () => call('GET', '/nokkel/members?search=%00'), 400, 'request_malformed'],
    ['a parameter twice', () => call('GET', '/nokkel/members?limit=1&limit=2'), 400, 'request_malformed'],
    [
      "a cursor of somebody else's making",
      () => call('GET', '/nokkel/assignments?cursor=e30'),
      400,
      'request_malformed',
    ],
    [
      'a form instead of JSON',
      () => call('POST', '/nokkel/blobs', { text: 'id=1', type: 'application/x-www-form-urlencoded' }),
      415,
      'media_type_unsupported',
    ],
    [
      'a compressed body',
      () => call('POST', '/nokkel/blobs', { text: '{}', headers: { 'content-encoding': 'gzip' } }),
      415,
      'media_type_unsupported',
    ],
    ['a method the path does not take', () => call('DELETE', '/nokkel/blobs'), 405, 'method_not_allowed'],
    [
      'SQL in an id',
      () => call('GET', `/nokkel/assignments/${encodeURIComponent("x'; drop table assignment; --")}`),
      400,
      'request_malformed',
    ],
  ]

  const service = (body: unknown, options: Call = {}) => call('POST', '/crypto-service', { ...options, body })
  const sealedWith = (changes: object, options?: Call) =>
    service({ action: 'decrypt', ...envelope, ...changes }, options)
  const unwrap = (changes: object, options?: Call) =>
    service({ action: 'unwrap', rfxId, version: 1, via: 'user', ...changes }, options)
  const ofStranger = () => ({ token: strangersToken })
  const ofMember = () => ({ token: memberToken })
  const own = (path = '') => `/nokkel/keys/${keyId}${path}`
  const ours = (path = '') => `/nokkel/companies/${company}${path}`
  const refusedKeys: typeof refused = [
    ['a private key of somebody else', () => sealedWith({}, ofStranger()), 404, 'open_refused'],
    ['a private key with a flipped bit', () => sealedWith({ data: flip(envelope.data, 900) }), 404, 'open_refused'],
    ['a private key under another header', () => sealedWith({ data: flip(envelope.data, 8) }), 404, 'open_refused'],
    ['a private key with another nonce', () => sealedWith({ iv: endedEnvelope.iv }), 404, 'open_refused'],
    ['a private key cut off', () => sealedWith({ data: envelope.data.slice(0, 400) }), 404, 'open_refused'],
    [
      'a private key of a session that has ended',
      () => sealedWith(endedEnvelope, { token: endedToken }),
      401,
      'session_ended',
    ],
    ['a private key and its owner', () => sealedWith({ owner: memberId }), 400, 'request_malformed'],
    [
      '101 private keys',
      () => service({ action: 'decrypt', items: Array(101).fill(envelope) }),
      400,
      'request_malformed',
    ],
    ['no private keys', () => service({ action: 'decrypt', items: [] }), 400, 'request_malformed'],
    ['an action that is not known', () => service({ action: 'sign', ...envelope }), 400, 'request_malformed'],
    [
      'a request of 525 kB',
      () => service({ action: 'decrypt', data: 'A'.repeat(525_000), iv: 'A' }),
      413,
      'body_too_large',
    ],
    ['the RFX key of another organisation', () => unwrap({}, ofStranger()), 404, 'open_refused'],
    ['an RFX key wrapped to somebody else', () => unwrap({}, ofMember()), 404, 'open_refused'],
    [
      'an RFX key of another organisation’s company',
      () => unwrap({ via: 'company' }, ofStranger()),
      404,
      'open_refused',
    ],
    ['a version of an RFX key that is not there', () => unwrap({ version: 2 }), 404, 'open_refused'],
    [
      'an RFX key with a wrap of one’s own',
      () => unwrap({ encryptedSymmetricKey: 'A'.repeat(684) }),
      400,
      'request_malformed',
    ],
    [
      'a key that is none',
      () => service({ action: 'encrypt', text: randomBytes(2360).toString('base64') }),
      400,
      'key_unsupported',
    ],
    [
      'a key in place of one that is not active',
      () => service({ action: 'encrypt', text: unusedKey(), replaces: randomUUID() }),
      409,
      'key_exists',
    ],
    ['a second key', () => call('POST', '/generate-user-keys', { body: {} }), 409, 'key_exists'],
    [
      'a key for somebody else',
      () => call('POST', '/generate-user-keys', { body: { userId: memberId } }),
      400,
      'request_malformed',
    ],
    ['somebody else’s key as compromised', () => call('POST', own('/compromised'), ofStranger()), 404, 'not_found'],
    ['somebody else’s wraps', () => call('POST', own('/rewraps'), { ...ofStranger(), body: {} }), 404, 'not_found'],
    ['somebody else’s key destroyed', () => call('DELETE', own(), ofMember()), 404, 'not_found'],
    ['wraps moved to the key they are wrapped to', () => call('POST', own('/rewraps'), { body: {} }), 409, 'conflict'],
    [
      'wraps after a cursor of one’s own',
      () => call('POST', own('/rewraps'), { body: { cursor: 'x' } }),
      400,
      'request_malformed',
    ],
    ['a key destroyed that is in use', () => call('DELETE', own()), 409, 'key_in_use'],

    [
      'a second key of a company',
      () => call('POST', '/generate-company-keys', { body: { companyId: company } }),
      409,
      'key_exists',
    ],
    [
      'a key of a company, by a member',
      () =>
        call('POST', '/generate-company-keys', { ...ofMember(), body: { companyId: company, replaces: companyKeyId } }),
      403,
      'forbidden',
    ],
    [
      'a key of another organisation’s company',
      () =>
        call('POST', '/generate-company-keys', {
          ...ofStranger(),
          body: { companyId: company, replaces: companyKeyId },
        }),
      404,
      'not_found',
    ],
    [
      'a company’s key as compromised, by a member',
      () => call('POST', ours(`/keys/${companyKeyId}/compromised`), ofMember()),
      403,
      'forbidden',
    ],
    ['a person’s key as a company’s', () => call('DELETE', ours(`/keys/${keyId}`)), 404, 'not_found'],
    ['a company’s key as one’s own', () => call('DELETE', `/nokkel/keys/${companyKeyId}`), 404, 'not_found'],
    [
      'a company’s wraps, by a stranger',
      () => call('POST', ours(`/keys/${companyKeyId}/rewraps`), { ...ofStranger(), body: {} }),
      404,
      'not_found',
    ],

    ['a company of another organisation', () => call('GET', ours(), ofStranger()), 404, 'not_found'],
    [
      'a company made by a member',
      () => call('POST', '/nokkel/companies', { ...ofMember(), body: { name: 'x' } }),
      403,
      'forbidden',
    ],
    [
      'a company with a null byte',
      () => call('POST', '/nokkel/companies', { body: { name: 'x\0' } }),
      400,
      'request_malformed',
    ],
    [
      'a company with a name of 201 letters',
      () => call('POST', '/nokkel/companies', { body: { name: 'å'.repeat(201) } }),
      400,
      'request_malformed',
    ],
    [
      'an invitation by a member',
      () => call('POST', ours('/invitations'), { ...ofMember(), body: { role: 'member' } }),
      403,
      'forbidden',
    ],
    [
      'an invitation by a stranger',
      () => call('POST', ours('/invitations'), { ...ofStranger(), body: { role: 'administrator' } }),
      404,
      'not_found',
    ],
    [
      'an invitation to a role there is not',
      () => call('POST', ours('/invitations'), { body: { role: 'owner' } }),
      400,
      'request_malformed',
    ],
    [
      'a code used before',
      () => call('POST', '/nokkel/companies/join', { body: { code: usedCode } }),
      404,
      'invitation_unknown',
    ],
    [
      'a code of another organisation',
      () => call('POST', '/nokkel/companies/join', { ...ofStranger(), body: { code: usedCode } }),
      404,
      'invitation_unknown',
    ],
    [
      'a role taken by oneself',
      () => call('PUT', ours(`/members/${memberId}`), { ...ofMember(), body: { role: 'administrator' } }),
      403,
      'forbidden',
    ],
    [
      'a member removed by a stranger',
      () => call('DELETE', ours(`/members/${memberId}`), ofStranger()),
      404,
      'not_found',
    ],
    [
      'the last administrator leaving',
      () => call('DELETE', ours(`/members/${coordinator.nokkel.auth.getSnapshot().me?.id}`)),
      409,
      'company_needs_administrator',
    ],
  ]

  /** One that is neither the coordinator's nor anyone's before it. */
  const unusedKey = () => testPrivateKeys.at(-1)

  it('a private key and an RFX key are not refused to those whose they are', async () => {
    const answers = [await sealedWith({}), await unwrap({}), await unwrap({ via: 'company' }, ofMember())]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  })

  it('a private key put again changes nothing', async () => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ action: 'decrypt', ...envelope })
    const opened = await fetch(`${system.url}/crypto-service`, { method: 'POST', headers, body })
    const { text } = (await opened.json()) as { text: string }
    const putAgain = () => service({ action: 'encrypt', text })
    expect(await expectUnchanged(putAgain)).toEqual({ status: 200, code: undefined })
  })

  it.each(refusedKeys)('%s', async (_, send, status, code) => {
    expect(await expectUnchanged(send)).toEqual({ status, code })
  })

  async function stolenRefresh() {
    const { refreshToken } = (await coordinator.storage.get('session_v1')) as Stored
    const { boundKey } = (await stranger.storage.get('session_v1')) as Stored
    const { keys } = (await stranger.storage.get(boundKey)) as { keys: { signing: CryptoKeyPair } }
    const url = `${system.url}/nokkel/session/refresh`
    const dpop = await createDpopProof({ signer: keys.signing, method: 'POST', url })
    return call('POST', '/nokkel/session/refresh', { body: { refreshToken }, headers: { dpop } })
  }

  it.each(refused)('%s', async (_, send, status, code) => {
    expect(await expectUnchanged(send)).toEqual({ status, code })
  })

  describe('over a raw socket', () => {
    const port = () => Number(new URL(system.url).port)
    const lines = (...parts: string[]) => `${parts.join('\r\n')}\r\n\r\n`
    const post = (...headers: string[]) =>
      lines('POST /nokkel/login HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', ...headers)
    const smuggled = lines('DELETE /nokkel/session HTTP/1.1', 'Host: localhost', 'Authorization: Bearer TOKEN')

    const requests: readonly (readonly [string, string, readonly number[]])[] = [
      ['a length and chunks', `${post('Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\n${smuggled}`, [400]],
      ['two lengths', `${post('Content-Length: 4', 'Content-Length: 400')}{}{}${smuggled}`, [400]],
      ['a length with a sign', `${post('Content-Length: +4')}{}{}${smuggled}`, [400]],
      ['a coding that is not known', `${post('Transfer-Encoding: chunked, identity')}0\r\n\r\n${smuggled}`, [400]],
      ['a blank before the colon', `${post('Content-Length : 4')}{}{}${smuggled}`, [400]],
      ['a chunk size past 64 bits', `${post('Transfer-Encoding: chunked')}fffffffffffffffff\r\n{}`, [400]],
      ['lines that end in LF', `${post('Content-Length: 2').replaceAll('\r', '')}{}${smuggled}`, [400]],
      ['a null byte in a header', post('X-Name: a\0b', 'Content-Length: 0'), [400]],
      ['no host', lines('GET /nokkel/health HTTP/1.1'), [400]],
      [
        '20 kB of headers',
        lines('GET /nokkel/health HTTP/1.1', 'Host: localhost', `X-Fill: ${'a'.repeat(20_000)}`),
        [431],
      ],
      ['no HTTP at all', 'hei\r\n\r\n', [400]],
      [
        'a request inside a body',
        `${post(`Content-Length: ${smuggled.length}`, 'Connection: close')}${smuggled}`,
        [400],
      ],
    ]

    it.each(requests)('%s', async (_, bytes, statuses) => {
      const answer = await expectUnchanged(() => sendRaw(port(), bytes.replace('TOKEN', token)))
      expect(answer.statuses).toEqual(statuses)
      expect(answer.text).not.toMatch(/ at |node:|packages\//)
    })

    it('two proofs in one request', async () => {
      const { boundKey, refreshToken } = (await coordinator.storage.get('session_v1')) as Stored
      const { keys } = (await coordinator.storage.get(boundKey)) as { keys: { signing: CryptoKeyPair } }
      const url = `${system.url}/nokkel/session/refresh`
      const proof = () => createDpopProof({ signer: keys.signing, method: 'POST', url })
      const body = JSON.stringify({ refreshToken })
      const request = [
        'POST /nokkel/session/refresh HTTP/1.1',
        `Host: ${new URL(url).host}`,
        'Content-Type: application/json',
        `DPoP: ${await proof()}`,
        `DPoP: ${await proof()}`,
        `Content-Length: ${body.length}`,
        'Connection: close',
      ]
      const answer = await expectUnchanged(() => sendRaw(port(), `${lines(...request)}${body}`))
      expect(answer).toMatchObject({ statuses: [401], code: 'dpop_proof_invalid' })
    })

    const upload = (byteLength: number) =>
      lines(
        `PUT /nokkel/blobs/${pendingBlob}/chunks/1 HTTP/1.1`,
        'Host: localhost',
        `Authorization: Bearer ${token}`,
        'Content-Type: application/octet-stream',
        `Content-Length: ${byteLength}`,
      )

    it('a body that breaks off', async () => {
      const answer = await expectUnchanged(() => sendRaw(port(), `${upload(26)}abc`, { end: true }))
      expect(answer.statuses.filter((status) => status < 400)).toEqual([])
    })

    it('a body that does not come keeps nobody else waiting', async () => {
      await expectUnchanged(async () => {
        const sockets = Array.from({ length: 30 }, () => {
          const socket = connect(port(), 'localhost')
          socket.on('error', () => undefined).write(`${upload(26)}abc`)
          return socket
        })
        const started = performance.now()
        expect(await call('GET', '/nokkel/me')).toEqual({ status: 200, code: undefined })
        expect(performance.now() - started).toBeLessThan(2000)
        for (const socket of sockets) socket.destroy()
        await Promise.all(sockets.map((socket) => once(socket, 'close')))
      })
    })

    const paths: readonly (readonly [string, number, string?])[] = [
      ['/nokkel/..%2fnokkel/me', 404, 'route_unknown'],
      ['/nokkel%2fme', 404, 'route_unknown'],
      ['//nokkel/me', 404, 'route_unknown'],
      ['/nokkel/me/', 404, 'route_unknown'],
      ['/nokkel/assignments/..%2f..%2fme', 400, 'request_malformed'],
      ['/nokkel/assignments/%00', 400, 'request_malformed'],
      ['/nokkel/assignments/%ff', 400, 'request_malformed'],
      ['/nokkel/blobs/%2e%2e/chunks/0', 404, 'route_unknown'],
      ['/..%2f..%2f..%2fetc/passwd', 404, 'route_unknown'],
      ['/../../etc/passwd', 404, 'route_unknown'],
      ['/%2e%2e/%2e%2e/etc/passwd', 404, 'route_unknown'],
      ['/assets/..%5c..%5cetc', 404, 'route_unknown'],
      ['/index.html%00.js', 404, 'route_unknown'],
    ]

    it.each(paths)('the path %s', async (path, status, code) => {
      const request = lines(
        `GET ${path} HTTP/1.1`,
        'Host: localhost',
        `Authorization: Bearer ${token}`,
        'Connection: close',
      )
      const answers: RawAnswer[] = await expectUnchanged(() =>
        Promise.all([port(), files.port].map((each) => sendRaw(each, request))),
      )
      const [api, withFiles] = answers
      for (const answer of [api, withFiles]) expect(answer).toMatchObject({ statuses: [status], code })
    })
  })
})
