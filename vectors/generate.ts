// Writes the pinned vectors of the formats. Run it only for a new format version: what is pinned stays pinned.
//   npx -c 'node --conditions=source vectors/generate.ts'
import { writeFile } from 'node:fs/promises'
import {
  calculateThumbprint,
  chunkCount,
  decodeBase64,
  decodeBase64Url,
  encodeBase64,
  encodeBase64Url,
  encodeContext,
  encodePae,
  exportPublicJwk,
  FILE_CHUNK_BYTE_LENGTH,
  formatEncryptedPrivateKey,
  formatFingerprint,
  importEnvelopeKey,
  importPrivateKey,
  type KeyOwner,
  parseHeader,
  privateKeyContext,
  readdressAssignment,
  signJws,
  splitSecret,
} from '@nokkel/crypto'
import { encodeAssignmentContent } from '../packages/crypto/src/assignment-content.ts'
import { signStatement } from '../packages/crypto/src/assignment-statement.ts'
import { type Bytes, concatBytes, sha256 } from '../packages/crypto/src/bytes.ts'
import { type ContentKey, calculateKeyId } from '../packages/crypto/src/content-key.ts'
import { encryptEnvelopeWithNonce } from '../packages/crypto/src/hazmat/envelope.ts'
import { derivePayloadKey, encryptChunk } from '../packages/crypto/src/hazmat/file-stream.ts'
import { sealWithEphemeral } from '../packages/crypto/src/hazmat/seal.ts'
import { encodeHeader } from '../packages/crypto/src/header.ts'
import { publicKeyId } from '../packages/crypto/src/seal.ts'
import { fromHex, fromText, patternOf, toHex } from '../packages/crypto/src/testing/bytes.ts'
import { importEncryptionPair, importSigningPair, type PrivateJwk } from '../packages/crypto/src/testing/keys.ts'
import { importKek } from '../packages/server/src/keyring/kek.ts'
import type { RootKeys } from '../packages/server/src/keyring/root-keys.ts'
import { type KeyringKek, wrapKeyring } from '../packages/server/src/keyring/wrapped-keyring.ts'
import { testPrivateKeys } from '../tools/testing/rsa-keys.ts'

const key = patternOf(32) as ContentKey
const otherKey = patternOf(64).slice(32) as ContentKey
const nonce = fromHex('a0a1a2a3a4a5a6a7a8a9aaab')
const salt = fromHex('b0b1b2b3b4b5b6b7b8b9babbbcbdbebf')
const context = { purpose: 'note', table: 'note', column: 'body', row: '17', owner: 'usr_1' }
const contexts = {
  purpose: { ...context, purpose: 'other' },
  table: { ...context, table: 'other' },
  column: { ...context, column: 'other' },
  row: { ...context, row: '18' },
  owner: { ...context, owner: 'usr_2' },
}

await write('encodings', await encodings())
await write('envelope', await envelopes())
await write('seal', await seals())
await write('file-stream', await fileStreams())
await write('jws', await signatures())
await write('assignment', await assignments())
await write('managed-key', await managedKeys())
await write('keyring', await keyrings())

async function encodings() {
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
    y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
  } as const
  const thumbprint = await calculateThumbprint(jwk)
  const pae = [[], [''], ['test'], ['ab', 'c'], ['a', 'bc'], ['nøkkel', '🔑']]
  return {
    base64url: ['', '00', 'fb', 'fbff', 'fbffbe', 'fbffbe00'].map((hex) => ({
      hex,
      text: encodeBase64Url(fromHex(hex)),
    })),
    base64urlInvalid: ['A', 'AA==', '+w', '-x', 'AAB', 'A A', 'AA\n', '-_8=', 'å'],
    pae: pae.map((parts) => ({ parts, hex: toHex(encodePae(...parts)) })),
    context: [context, { ...context, row: 'rad ø', owner: '🔑' }].map((value) => ({
      context: value,
      hex: toHex(encodeContext(value)),
    })),
    symmetricKeyId: [{ key: toHex(key), keyId: (await importEnvelopeKey(key)).id }],
    publicKey: [
      { jwk, thumbprint, keyId: encodeBase64Url(await publicKeyId(jwk)), fingerprint: formatFingerprint(thumbprint) },
    ],
    header: [
      { hex: toHex(encodeHeader('envelope', salt)), header: parseHeader(encodeHeader('envelope', salt)) },
      { hex: toHex(encodeHeader('sealed', salt)), header: parseHeader(encodeHeader('sealed', salt)) },
      { hex: toHex(encodeHeader('stream', salt)), header: parseHeader(encodeHeader('stream', salt)) },
    ],
    headerInvalid: [
      '',
      '4e4b0101',
      `4e4b02${'01'}${toHex(salt)}`,
      `4e4b0110${toHex(salt)}`,
      `4e4b0100${toHex(salt)}`,
      `4e4c0101${toHex(salt)}`,
    ],
  }
}

async function envelopes() {
  const { key: aes } = await importEnvelopeKey(key)
  const header = encodeHeader('envelope', await calculateKeyId(key))
  const make = async (name: string, plaintext: Bytes) => {
    const envelope = await encryptEnvelopeWithNonce(plaintext, aes, header, nonce, context)
    return {
      name,
      key: toHex(key),
      context,
      nonce: toHex(nonce),
      plaintext: toHex(plaintext),
      envelope: toHex(envelope),
    }
  }
  const valid = [
    await make('empty', new Uint8Array()),
    await make('text', fromText('Nøkkel')),
    await make('100 bytes', patternOf(100)),
  ]
  const good = fromHex(valid[1]?.envelope ?? '')
  return {
    valid,
    invalid: [
      ...spoiled(good, 'envelope').map((bad) => ({ ...bad, key: toHex(key) })),
      ...moved('envelope', good).map((bad) => ({ ...bad, key: toHex(key) })),
      { name: 'another key', context, envelope: toHex(good), key: toHex(otherKey) },
    ],
  }
}

async function seals() {
  const [recipient, other, ephemeral] = [await privateJwk(), await privateJwk(), await privateJwk()]
  const make = async (name: string, plaintext: Bytes) => {
    const sealed = await sealTo(recipient, ephemeral, plaintext, context)
    return { name, recipient, ephemeral, context, plaintext: toHex(plaintext), sealed: toHex(sealed) }
  }
  const valid = [await make('a content key', key), await make('empty', new Uint8Array())]
  const good = fromHex(valid[0]?.sealed ?? '')
  const invalid = [...spoiled(good, 'sealed'), ...moved('sealed', good)].map((bad) => ({ ...bad, recipient }))
  return { valid, invalid: [...invalid, { name: 'another recipient', context, sealed: toHex(good), recipient: other }] }
}

async function sealTo(recipient: PrivateJwk, ephemeral: PrivateJwk, plaintext: Bytes, where: typeof context) {
  const { publicKey } = await importEncryptionPair(recipient)
  const header = encodeHeader('sealed', await publicKeyId(await exportPublicJwk(publicKey)))
  return sealWithEphemeral(plaintext, publicKey, header, where, await importEncryptionPair(ephemeral))
}

async function fileStreams() {
  const header = encodeHeader('stream', await calculateKeyId(key))
  const payloadKey = await derivePayloadKey(key, salt, header, context)
  const store = async (byteLength: number) => {
    const file = patternOf(byteLength)
    const stored: Bytes[] = []
    for (let index = 0; index < chunkCount(byteLength); index++) {
      const plaintext = file.slice(index * FILE_CHUNK_BYTE_LENGTH, (index + 1) * FILE_CHUNK_BYTE_LENGTH)
      const sealed = await encryptChunk(payloadKey, plaintext, index, index === chunkCount(byteLength) - 1)
      stored.push(index === 0 ? concatBytes(header, salt, sealed) : sealed)
    }
    return stored
  }
  const make = async (name: string, byteLength: number) => {
    const stored = await store(byteLength)
    const digests = toHex(concatBytes(...(await Promise.all(stored.map(sha256)))))
    const whole = byteLength <= 100 ? { stored: toHex(concatBytes(...stored)) } : {}
    return { name, key: toHex(key), salt: toHex(salt), context, byteLength, digests, ...whole }
  }
  const good = concatBytes(...(await store(100)))
  const notLast = await encryptChunk(payloadKey, patternOf(100), 0, false)
  const second = await encryptChunk(payloadKey, patternOf(100), 1, true)
  const invalid = [
    ...spoiled(good, 'stored'),
    ...moved('stored', good),
    { name: 'only chunk without the last flag', context, stored: toHex(concatBytes(header, salt, notLast)) },
    { name: 'second chunk in place of the first', context, stored: toHex(concatBytes(header, salt, second)) },
    { name: 'header and salt alone', context, stored: toHex(concatBytes(header, salt)) },
  ].map((bad) => ({ ...bad, key: toHex(key) }))
  return {
    valid: [
      await make('empty', 0),
      await make('1 byte', 1),
      await make('100 bytes', 100),
      await make('one full chunk', FILE_CHUNK_BYTE_LENGTH),
      await make('one full chunk and 1 byte', FILE_CHUNK_BYTE_LENGTH + 1),
      await make('two full chunks and 5 bytes', 2 * FILE_CHUNK_BYTE_LENGTH + 5),
    ],
    invalid: [...invalid, { name: 'another key', context, stored: toHex(good), key: toHex(otherKey) }],
  }
}

async function signatures() {
  const jwk = await privateJwk()
  const signer = await importSigningPair(jwk)
  const { d: _, ...publicJwk } = jwk
  const typ = 'nokkel-device+jwt' as const
  const payload = { purpose: 'device', name: 'Ødegård' }
  const jws = await signJws(payload, signer, typ)
  const [header = '', body = '', signature = ''] = jws.split('.')
  const resigned = async (name: string, headerText: string, payloadText: string) => {
    const input = `${encodeBase64Url(fromText(headerText))}.${encodeBase64Url(fromText(payloadText))}`
    const bytes = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, signer.privateKey, fromText(input))
    return { name, typ, jws: `${input}.${encodeBase64Url(new Uint8Array(bytes))}` }
  }
  const good = { alg: 'ES256', typ, jwk: publicJwk }
  const goodPayload = JSON.stringify(payload)
  const invalid = [
    await resigned('another type', JSON.stringify({ ...good, typ: 'dpop+jwt' }), goodPayload),
    await resigned('no type', JSON.stringify({ alg: 'ES256', jwk: publicJwk }), goodPayload),
    await resigned('alg none', JSON.stringify({ ...good, alg: 'none' }), goodPayload),
    await resigned('alg HS256', JSON.stringify({ ...good, alg: 'HS256' }), goodPayload),
    await resigned('alg ES384', JSON.stringify({ ...good, alg: 'ES384' }), goodPayload),
    await resigned('critical member', JSON.stringify({ ...good, crit: ['b64'], b64: false }), goodPayload),
    await resigned('key id', JSON.stringify({ ...good, kid: '1' }), goodPayload),
    await resigned('key by address', JSON.stringify({ ...good, jku: 'https://keys.example/' }), goodPayload),
    await resigned('private key in the header', JSON.stringify({ ...good, jwk }), goodPayload),
    await resigned('another curve', JSON.stringify({ ...good, jwk: { ...publicJwk, crv: 'P-384' } }), goodPayload),
    await resigned(
      'point off the curve',
      JSON.stringify({ ...good, jwk: { ...publicJwk, y: publicJwk.x } }),
      goodPayload,
    ),
    await resigned('no key', JSON.stringify({ alg: 'ES256', typ }), goodPayload),
    await resigned('header with white space', JSON.stringify(good, null, 1), goodPayload),
    await resigned('doubled header member', JSON.stringify(good).replace('{', '{"alg":"none",'), goodPayload),
    await resigned('header is not an object', '[]', goodPayload),
    await resigned('header is not JSON', '{', goodPayload),
    await resigned('doubled payload member', JSON.stringify(good), goodPayload.replace('{', '{"purpose":"other",')),
    await resigned('payload is an array', JSON.stringify(good), '[1]'),
    await resigned('payload is not JSON', JSON.stringify(good), 'hei'),
    await resigned('payload with a byte order mark', JSON.stringify(good), `\ufeff${goodPayload}`),
    { name: 'another payload', typ, jws: `${header}.${encodeBase64Url(fromText('{"purpose":"other"}'))}.${signature}` },
    { name: 'no signature', typ, jws: `${header}.${body}.` },
    { name: 'signature of zeros', typ, jws: `${header}.${body}.${encodeBase64Url(new Uint8Array(64))}` },
    { name: 'short signature', typ, jws: `${header}.${body}.${encodeBase64Url(decodeBase64Url(signature).slice(1))}` },
    { name: 'two parts', typ, jws: `${header}.${body}` },
    { name: 'four parts', typ, jws: `${jws}.AA` },
    { name: 'padded', typ, jws: `${jws}==` },
    { name: 'left-over bits', typ, jws: leftOverBits(jws) },
    { name: 'white space', typ, jws: ` ${jws}` },
    { name: 'empty', typ, jws: '' },
    { name: 'expected as another type', typ: 'nokkel-assignment+jwt', jws },
  ]
  const thumbprint = await calculateThumbprint(await exportPublicJwk(signer.publicKey))
  return { signer: jwk, valid: [{ name: 'device', typ, jws, payload, thumbprint }], invalid }
}

/** The last of 86 characters carries two bits of the signature and four that must be zero. */
function leftOverBits(jws: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return jws.slice(0, -1) + alphabet[alphabet.indexOf(jws.at(-1) ?? '') + 1]
}

async function assignments() {
  const devices = {
    sender: {
      userId: 'usr_sender',
      deviceId: 'dev_sender',
      encryption: await privateJwk(),
      signing: await privateJwk(),
    },
    recipient: {
      userId: 'usr_member',
      deviceId: 'dev_member',
      encryption: await privateJwk(),
      signing: await privateJwk(),
    },
    added: { userId: 'usr_member', deviceId: 'dev_added', encryption: await privateJwk(), signing: await privateJwk() },
  }
  const id = 'asg_1'
  const organizationId = 'org_1'
  const now = () => new Date('2026-11-21T10:00:00Z')
  const digests = await sha256(fromText('a stored chunk'))
  const file = { blobId: 'blob_1', name: 'plan.pdf', type: 'application/pdf', byteLength: 1000, key: otherKey, digests }
  const content = { title: 'Besøk på mandag', body: 'Ta med nøkkelen.', files: [file] }
  const envelopeKey = await importEnvelopeKey(key)
  const where = { purpose: 'assignment-content', table: 'assignment', column: 'content', row: id, owner: 'usr_sender' }
  const plaintext = encodeAssignmentContent(content)
  const header = encodeHeader('envelope', await calculateKeyId(key))
  const envelope = await encryptEnvelopeWithNonce(plaintext, envelopeKey.key, header, nonce, where)
  const keys = []
  for (const { userId, deviceId, encryption } of [devices.sender, devices.recipient]) {
    const place = {
      purpose: 'assignment-key',
      table: 'assignment_key',
      column: 'wrapped_key',
      row: id,
      owner: deviceId,
    }
    keys.push({ userId, deviceId, wrappedKey: await sealTo(encryption, await privateJwk(), key, place) })
  }
  const sender = { ...devices.sender, signing: await importSigningPair(devices.sender.signing) }
  const statement = await signStatement({ id, organizationId, sender, content: envelope, keys, revision: 1, now })
  const ownKey = keys[0]
  if (!ownKey) throw new Error('no key for the sender')
  const recipients = await Promise.all(
    [devices.sender, devices.added].map(async ({ userId, deviceId, encryption }) => {
      const { publicKey } = await importEncryptionPair(encryption)
      return { userId, deviceId, encryptionKey: await exportPublicJwk(publicKey) }
    }),
  )
  const readdressed = await readdressAssignment({
    id,
    organizationId,
    sender,
    content: envelope,
    statement,
    recipients,
    now,
    own: { ...ownKey, encryption: await importEncryptionPair(devices.sender.encryption) },
  })
  const text = (list: readonly { userId: string; deviceId: string; wrappedKey: Uint8Array }[]) =>
    list.map((entry) => ({ ...entry, wrappedKey: encodeBase64Url(entry.wrappedKey) }))
  return {
    devices,
    id,
    organizationId,
    senderUserId: 'usr_sender',
    signedAt: now().toISOString(),
    contentKey: encodeBase64Url(key),
    contentNonce: encodeBase64Url(nonce),
    plaintext: new TextDecoder().decode(plaintext),
    content: encodeBase64Url(envelope),
    revisions: [
      { revision: 1, statement, keys: text(keys) },
      { revision: 2, statement: readdressed.statement, keys: text(readdressed.keys) },
    ],
  }
}

async function keyrings() {
  const secret = patternOf(96).slice(64)
  const { texts, ...set } = await splitSecret(secret, { count: 3, threshold: 2 })
  const kek = await importKek(secret)
  const pinned: KeyringKek = {
    ...kek,
    async encrypt(plaintext, additionalData) {
      const aesKey = await crypto.subtle.importKey('raw', secret, 'AES-GCM', false, ['encrypt'])
      const parameters = { name: 'AES-GCM', iv: nonce, additionalData: additionalData as Bytes }
      return { nonce, ciphertext: new Uint8Array(await crypto.subtle.encrypt(parameters, aesKey, plaintext as Bytes)) }
    },
  }
  const one = { masterKeys: [key], indexKey: patternOf(160).slice(128) }
  const two = { ...one, masterKeys: [key, otherKey] }
  const shared = await wrapKeyring(two, pinned, set)
  const plain = await wrapKeyring(one, pinned)
  const change = (file: string, changes: object) => JSON.stringify({ ...JSON.parse(file), ...changes })
  const { keyring } = JSON.parse(shared) as { keyring: string }
  const [first = '', second = ''] = texts
  return {
    shares: {
      secret: toHex(secret),
      ...set,
      shares: texts,
      invalid: [
        { name: 'empty', text: '' },
        { name: 'without its prefix', text: first.slice(5) },
        { name: 'another prefix', text: first.replace('nks1', 'nks2') },
        { name: 'a group missing', text: first.slice(0, -5) },
        { name: 'a group more', text: `${first}-0000` },
        { name: 'two groups exchanged', text: `${first.slice(0, 60)}${first.slice(65, 69)}-${first.slice(60, 64)}${first.slice(69)}` },
        { name: 'the end of another share', text: first.slice(0, -9) + second.slice(-9) },
        { name: 'a letter that is none', text: `${first.slice(0, -1)}u` },
      ],
    },
    wrapped: {
      valid: [
        { name: 'split among three', kek: toHex(secret), ...hexOf(two), file: shared },
        { name: 'under a key of a module', kek: toHex(secret), ...hexOf(one), file: plain },
      ],
      invalid: [
        { name: 'another threshold', file: change(shared, { shares: { ...set, threshold: 3 } }) },
        { name: 'another set', file: change(shared, { shares: { ...set, set: '000000000000' } }) },
        { name: 'shares left out', file: JSON.stringify({ format: 'nokkel/keyring/v1', keyring }) },
        { name: 'shares put in', file: change(plain, { shares: set }) },
        { name: 'another format', file: change(shared, { format: 'nokkel/keyring/v2' }) },
        { name: 'a further member', file: change(shared, { note: '' }) },
        { name: 'one character of the keyring', file: change(shared, { keyring: `${keyring.slice(0, 80)}${keyring[80] === 'A' ? 'B' : 'A'}${keyring.slice(81)}` }) },
        { name: 'cut short', file: change(shared, { keyring: keyring.slice(0, -8) }) },
        { name: 'not JSON', file: 'nokkel' },
      ],
    },
  }
}

function hexOf({ masterKeys, indexKey }: RootKeys) {
  return { masterKeys: masterKeys.map(toHex), indexKey: toHex(indexKey) }
}

async function managedKeys() {
  const [privateKey, other] = testPrivateKeys
  const { publicKey, thumbprint, key: recipient } = await importPrivateKey(decodeBase64(privateKey))
  const master = await importEnvelopeKey(key)
  const header = encodeHeader('envelope', decodeBase64Url(master.id))
  const user = { owner: 'user', keyId: '00000000-0000-4000-8000-000000000001', ownerId: '00000000-0000-4000-8000-00000000000a' } as const
  const company = { ...user, owner: 'company' } as const
  const encrypt = async ({ owner, keyId, ownerId }: { owner: KeyOwner; keyId: string; ownerId: string }) => {
    const context = privateKeyContext(owner, keyId, ownerId)
    return encryptEnvelopeWithNonce(decodeBase64(privateKey), master.key, header, nonce, context)
  }
  const text = formatEncryptedPrivateKey(await encrypt(user))
  const parsed = JSON.parse(text) as { data: string; iv: string; v: number; kid: string }
  const change = (members: object) => JSON.stringify({ ...parsed, ...members })
  const data = (offset: number, value: number) => {
    const bytes = decodeBase64(parsed.data)
    bytes[offset] = value
    return encodeBase64(bytes)
  }
  const rsa = async (modulusLength: number, exponent: number[]) => {
    const parameters = { name: 'RSA-OAEP', hash: 'SHA-256', modulusLength, publicExponent: new Uint8Array(exponent) }
    const pair = await crypto.subtle.generateKey(parameters, true, ['encrypt', 'decrypt'])
    return {
      privateKey: encodeBase64(new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey))),
      publicKey: encodeBase64(new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey))),
    }
  }
  const [small, cubic] = [await rsa(2048, [1, 0, 1]), await rsa(4096, [3])]
  const elliptic = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits'])
  const ellipticPublic = encodeBase64(new Uint8Array(await crypto.subtle.exportKey('spki', elliptic.publicKey)))
  const ellipticPrivate = encodeBase64(new Uint8Array(await crypto.subtle.exportKey('pkcs8', elliptic.privateKey)))
  const wrap = async (bytes: Uint8Array<ArrayBuffer>, label?: string) => {
    const parameters = { name: 'RSA-OAEP', ...(label && { label: fromText(label) }) }
    return encodeBase64(new Uint8Array(await crypto.subtle.encrypt(parameters, recipient, bytes)))
  }
  const wrapped = await wrap(otherKey)
  const stranger = await importPrivateKey(decodeBase64(other))
  return {
    masterKey: toHex(key),
    privateKey,
    publicKey: encodeBase64(publicKey),
    thumbprint,
    valid: [
      { ...user, nonce: toHex(nonce), encryptedPrivateKey: text },
      { ...company, nonce: toHex(nonce), encryptedPrivateKey: formatEncryptedPrivateKey(await encrypt(company)) },
    ],
    moved: [
      { name: 'another person', ...user, ownerId: '00000000-0000-4000-8000-00000000000b', encryptedPrivateKey: text },
      { name: 'another key of the person', ...user, keyId: '00000000-0000-4000-8000-000000000002', encryptedPrivateKey: text },
      { name: 'a company', ...company, encryptedPrivateKey: text },
    ],
    invalid: [
      ['nothing', ''],
      ['not JSON', '{'],
      ['an array', '[]'],
      ['an extra member', change({ extra: 1 })],
      ['no iv', JSON.stringify({ ...parsed, iv: undefined })],
      ['plain data and iv', JSON.stringify({ data: parsed.data, iv: parsed.iv })],
      ['no header in data', change({ data: encodeBase64(decodeBase64(parsed.data).slice(20)) })],
      ['another copy of the version', change({ v: 2 })],
      ['another copy of the key id', change({ kid: `A${parsed.kid.slice(1)}` })],
      ['another magic in data', change({ data: data(0, 0x4f) })],
      ['another version in data', change({ data: data(2, 2) })],
      ['another algorithm in data', change({ data: data(3, 2) })],
      ['another key id in data', change({ data: data(4, (decodeBase64(parsed.data)[4] ?? 0) ^ 1) })],
      ['an iv of 16 bytes', change({ iv: encodeBase64(new Uint8Array(16)) })],
      ['base64url', change({ iv: '-_-_-_-_-_-_-_-_' })],
      ['white space in data', change({ data: `${parsed.data.slice(0, 4)}\n${parsed.data.slice(4)}` })],
      ['oversize', change({ data: 'A'.repeat(8192) })],
    ].map(([name, encryptedPrivateKey]) => ({ name, encryptedPrivateKey })),
    privateKeyInvalid: [
      { name: '2048 bits', privateKey: small.privateKey },
      { name: 'exponent 3', privateKey: cubic.privateKey },
      { name: 'an elliptic curve', privateKey: ellipticPrivate },
      { name: 'a public key', privateKey: encodeBase64(publicKey) },
    ],
    publicKeyInvalid: [
      { name: '2048 bits', publicKey: small.publicKey },
      { name: 'exponent 3', publicKey: cubic.publicKey },
      { name: 'an elliptic curve', publicKey: ellipticPublic },
      { name: 'one byte short', publicKey: encodeBase64(publicKey.slice(0, -1)) },
      { name: 'one byte more', publicKey: encodeBase64(concatBytes(publicKey, new Uint8Array(1))) },
      { name: 'a private key', publicKey: privateKey },
    ],
    wraps: [{ name: 'a key of 32 bytes', wrapped, key: toHex(otherKey) }],
    wrapsInvalid: [
      { name: 'a key of 16 bytes', wrapped: await wrap(otherKey.slice(0, 16)) },
      { name: 'a key of 64 bytes', wrapped: await wrap(patternOf(64)) },
      { name: 'with a label', wrapped: await wrap(otherKey, 'rfx') },
      {
        name: 'to another key',
        wrapped: encodeBase64(new Uint8Array(await crypto.subtle.encrypt('RSA-OAEP', stranger.key, otherKey))),
      },
      { name: 'zeros', wrapped: encodeBase64(new Uint8Array(512)) },
      { name: 'ones', wrapped: encodeBase64(new Uint8Array(512).fill(255)) },
    ],
  }
}

function spoiled<Name extends string>(good: Bytes, member: Name) {
  const change = (offset: number, value: number) => {
    const bad = good.slice()
    bad[offset] = value
    return bad
  }
  const bad: [string, Bytes][] = [
    ['nothing', new Uint8Array()],
    ['header alone', good.slice(0, 20)],
    ['one byte short', good.slice(0, -1)],
    ['one byte more', concatBytes(good, new Uint8Array(1))],
    ['another magic', change(0, 0x4f)],
    ['another version', change(2, 2)],
    ['another algorithm', change(3, good[3] === 1 ? 2 : 1)],
    ['reserved algorithm', change(3, 0x10)],
    ['another key id', change(4, (good[4] ?? 0) ^ 1)],
    ['another byte after the header', change(20, (good[20] ?? 0) ^ 1)],
    ['another tag', change(good.byteLength - 1, (good[good.byteLength - 1] ?? 0) ^ 0x80)],
  ]
  return bad.map(([name, bytes]) => ({ name, context, [member]: toHex(bytes) }))
}

function moved<Name extends string>(member: Name, good: Bytes) {
  return Object.entries(contexts).map(([name, other]) => ({
    name: `another ${name}`,
    context: other,
    [member]: toHex(good),
  }))
}

async function privateJwk(): Promise<PrivateJwk> {
  const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits'])
  const { kty = '', crv = '', x = '', y = '', d = '' } = await crypto.subtle.exportKey('jwk', privateKey)
  return { kty, crv, x, y, d }
}

async function write(name: string, value: object): Promise<void> {
  await writeFile(
    new URL(`${name}.json`, import.meta.url),
    `${JSON.stringify({ spec: `docs/spec/${name}.md`, ...value }, null, 2)}\n`,
  )
}
