// Writes the pinned vectors of the formats. Run it only for a new format version: what is pinned stays pinned.
//   npx -c 'node --conditions=source vectors/generate.ts [name …]'
// Without names it writes all of them.
import { createHash, hkdfSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import {
  asRfxKey,
  calculateKeyCommitment,
  calculateThumbprint,
  calculateWrapLeaf,
  chunkCount,
  decodeBase64,
  decodeBase64Url,
  decryptEnvelope,
  deriveOpeningKeyPair,
  encodeBase64,
  encodeBase64Url,
  encodeContext,
  encodePae,
  encodeRfxBidContent,
  encodeRfxComment,
  encodeRfxDocument,
  encodeRfxTitle,
  encodeSpecification,
  exportPublicJwk,
  FILE_CHUNK_BYTE_LENGTH,
  formatEncryptedPrivateKey,
  formatFingerprint,
  hashWrap,
  importEnvelopeKey,
  importPrivateKey,
  type JwsType,
  type KeyOwner,
  open,
  parseHeader,
  type PublicJwk,
  privateKeyContext,
  readdressAssignment,
  type SignedRfxManifest,
  sealRfxBid,
  sealRfxEntry,
  sealRfxValue,
  signJws,
  signRfxManifest,
  splitSecret,
  type Thumbprint,
  type VerifyRfxManifestOptions,
} from '@nokkel/crypto'
import { type CompactJWSHeaderParameters, CompactSign } from 'jose'
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
import { certifyErasure } from '../packages/server/src/rights/certificate.ts'
import { formatErasure } from '../packages/server/src/rights/ledger.ts'
import { createBlindIndex } from '../packages/server/src/auth/blind-index.ts'
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
await write('rfx', await rfxs())
await write('personal-data', await personalData())
await write('client-vault', await clientVault())
await write('erasure', await erasures())

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
  const one = { masterKeys: [key], indexKeys: [patternOf(160).slice(128)] }
  const two = { ...one, masterKeys: [key, otherKey] }
  const rotating = { ...two, indexKeys: [patternOf(224).slice(192), ...one.indexKeys] }
  const shared = await wrapKeyring(two, pinned, set)
  const plain = await wrapKeyring(one, pinned)
  const both = await wrapKeyring(rotating, pinned)
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
        { name: 'with the previous index key', kek: toHex(secret), ...hexOf(rotating), file: both },
      ],
      invalid: [
        { name: 'another threshold', file: change(shared, { shares: { ...set, threshold: 3 } }) },
        { name: 'another set', file: change(shared, { shares: { ...set, set: '000000000000' } }) },
        { name: 'shares left out', file: JSON.stringify({ format: 'nokkel/keyring/v1', keyring }) },
        { name: 'shares put in', file: change(plain, { shares: set }) },
        { name: 'another format', file: change(shared, { format: 'nokkel/keyring/v3' }) },
        { name: 'version 1 as version 2', file: change(plain, { format: 'nokkel/keyring/v2' }) },
        { name: 'version 2 as version 1', file: change(both, { format: 'nokkel/keyring/v1' }) },
        { name: 'a further member', file: change(shared, { note: '' }) },
        { name: 'one character of the keyring', file: change(shared, { keyring: `${keyring.slice(0, 80)}${keyring[80] === 'A' ? 'B' : 'A'}${keyring.slice(81)}` }) },
        { name: 'cut short', file: change(shared, { keyring: keyring.slice(0, -8) }) },
        { name: 'not JSON', file: 'nokkel' },
      ],
    },
  }
}

function hexOf({ masterKeys, indexKeys }: RootKeys) {
  return { masterKeys: masterKeys.map(toHex), indexKeys: indexKeys.map(toHex) }
}

async function personalData() {
  const userId = '00000000-0000-4000-8000-00000000000a'
  const waitingId = '00000000-0000-4000-8000-00000000000b'
  const contact = {
    phoneNumber: '+4747000002',
    email: 'kari@person.example',
    address: { street: 'Prøvegata 12, H0302', postalCode: '0603', place: 'OSLO', country: 'NO' },
  }
  const [master, person] = [await importEnvelopeKey(key), await importEnvelopeKey(otherKey)]
  const encrypt = async (plaintext: Uint8Array, { id, key: by }: typeof master, [purpose, table, column, row, owner]: string[]) =>
    toHex(
      await encryptEnvelopeWithNonce(plaintext, by, encodeHeader('envelope', decodeBase64Url(id)), nonce, {
        ...context,
        ...{ purpose, table, column, row, owner },
      } as typeof context),
    )
  const plaintext = fromText(JSON.stringify(contact))
  const indexKey = patternOf(160).slice(128)
  const blindIndex = createBlindIndex(indexKey)
  return {
    masterKey: toHex(key),
    userId,
    personKey: toHex(otherKey),
    wrappedKey: await encrypt(otherKey, master, ['person-key', 'person_key', 'wrapped_key', userId, userId]),
    contact,
    plaintext: toHex(plaintext),
    encryptedContact: await encrypt(plaintext, person, ['contact', 'user_identities', 'contact', userId, userId]),
    waitingId,
    waitingContact: await encrypt(plaintext, master, ['waiting-contact', 'waiting_identity', 'contact', waitingId, 'server']),
    indexKey: toHex(indexKey),
    phoneIndex: toHex(new Uint8Array(await blindIndex.index('phone', contact.phoneNumber))),
    emailIndex: toHex(new Uint8Array(await blindIndex.index('email', contact.email))),
    ...(await personnummer(userId, encrypt)),
  }
}

/** Of a made-up person. */
async function personnummer(
  userId: string,
  encrypt: (plaintext: Uint8Array, by: Awaited<ReturnType<typeof importEnvelopeKey>>, place: string[]) => Promise<string>,
) {
  const [master, person] = [await importEnvelopeKey(key), await importEnvelopeKey(otherKey)]
  const digits = fromText('17838400140')
  const deviceId = '00000000-0000-4000-8000-00000000000c'
  const [identityKey, deviceKey, ephemeral] = [await privateJwk(), await privateJwk(), await privateJwk()]
  const { d: _, ...publicKey } = identityKey
  const kid = await calculateThumbprint(publicKey)
  const algorithm = { name: 'ECDH', namedCurve: 'P-256' }
  const extractable = await crypto.subtle.importKey('jwk', identityKey, algorithm, true, ['deriveBits'])
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', extractable))
  const place = (purpose: string, table: string, column: string, row: string) => ({ purpose, table, column, row, owner: userId })
  const kept = place('personnummer', 'user_identities', 'personnummer', userId)
  const revealed = place('personnummer-reveal', 'device_key', 'encryption_key', deviceId)
  return {
    personnummer: '17838400140',
    encryptedPersonnummer: await encrypt(digits, person, Object.values(kept)),
    offeredPersonnummer: await encrypt(digits, person, ['offered-personnummer', 'offered_personnummer', 'personnummer', userId, userId]),
    identityKey,
    identityKeyId: kid,
    pkcs8: toHex(pkcs8),
    wrappedIdentityKey: await encrypt(pkcs8, master, ['identity-key', 'identity_key', 'wrapped_private_key', kid, 'server']),
    ephemeral,
    sealedPersonnummer: toHex(await sealTo(identityKey, ephemeral, digits, kept)),
    deviceId,
    deviceKey,
    revealedPersonnummer: toHex(await sealTo(deviceKey, ephemeral, digits, revealed)),
  }
}

async function clientVault() {
  const userId = '00000000-0000-4000-8000-00000000000a'
  const secret = patternOf(96).slice(64)
  const vaultKey = new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(), 'nokkel/client-vault/v1', 32))
  const { id, key: by } = await importEnvelopeKey(vaultKey)
  const values = [
    { name: 'session_v1', column: 'lockedRefreshToken', text: `nrt_${encodeBase64Url(otherKey)}` },
    { name: `identity_v1.${userId}`, column: 'lockedValue', text: '{"userId":"00000000-0000-4000-8000-00000000000a"}' },
  ]
  const header = encodeHeader('envelope', decodeBase64Url(id))
  return {
    spec: 'docs/spec/browser-storage.md',
    userId,
    salt: toHex(new Uint8Array(createHash('sha256').update('nokkel/prf/v1').update(userId).digest())),
    secret: toHex(secret),
    key: toHex(vaultKey),
    keyId: id,
    values: await Promise.all(
      values.map(async ({ name, column, text }) => {
        const place = { purpose: 'client-vault', table: 'storage', column, row: name, owner: userId }
        const envelope = await encryptEnvelopeWithNonce(fromText(text), by, header, nonce, place)
        return { name, column, text, envelope: encodeBase64Url(envelope) }
      }),
    ),
  }
}

async function erasures() {
  const jwk = await privateJwk()
  const publicKey = publicOf(jwk) as PublicJwk
  const { privateKey } = await importSigningPair(jwk)
  const kid = await calculateThumbprint(publicKey)
  const issuer = 'https://keys.example.no/nokkel'
  const entry = {
    id: '00000000-0000-4000-8000-0000000000e1',
    userId: '00000000-0000-4000-8000-00000000000a',
    formerIds: ['00000000-0000-4000-8000-00000000000b'],
    erasedAt: '2026-11-21T12:00:00.123Z',
    backupsExpireAt: '2026-12-21T12:00:00.123Z',
    removed: { app_user: 2, device_key: 1, external_identity: 2, session: 3 },
  }
  const sign = (header: Partial<CompactJWSHeaderParameters>, payload: object) =>
    new CompactSign(fromText(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'ES256', typ: 'nokkel-erasure+jwt', kid, ...header })
      .sign(privateKey)
  const { certificate } = await certifyErasure(entry, { kid, key: privateKey }, issuer)
  const [header, payload, signature] = certificate.split('.') as [string, string, string]
  const said = JSON.parse(new TextDecoder().decode(decodeBase64Url(payload))) as object
  const flipped = encodeBase64Url(decodeBase64Url(signature).map((byte, at) => (at === 5 ? byte ^ 1 : byte)))
  const unsigned = encodeBase64Url(fromText('{"alg":"none","typ":"nokkel-erasure+jwt"}'))
  const another = encodeBase64Url(fromText(JSON.stringify({ ...said, erasedAt: '2026-11-22T12:00:00.123Z' })))
  return {
    ledgerLine: formatErasure(entry),
    jwks: { keys: [{ ...publicKey, kid, alg: 'ES256', use: 'sig' }] },
    issuer,
    certificate,
    payload: said,
    refused: [
      { name: 'another byte of the signature', certificate: `${header}.${payload}.${flipped}` },
      { name: 'another payload', certificate: `${header}.${another}.${signature}` },
      { name: 'no signature', certificate: `${unsigned}.${payload}.` },
      { name: 'an access token', certificate: await sign({ typ: 'JWT' }, said) },
      { name: 'another issuer', certificate: await sign({}, { ...said, iss: 'https://other.example.no/nokkel' }) },
      { name: 'a key that is not published', certificate: await sign({ kid: 'other' }, said) },
      { name: 'a further member', certificate: await sign({}, { ...said, name: 'Kari Nordmann' }) },
      { name: 'a member that is missing', certificate: await sign({}, { ...said, removed: undefined }) },
      { name: 'cut short', certificate: certificate.slice(0, -2) },
    ],
  }
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

async function rfxs() {
  const id = (end: string) => `00000000-0000-4000-8000-${end.padStart(12, '0')}`
  const ids = { organizationId: id('b'), rfxId: id('1'), openingId: id('2'), bidderId: id('3'), bidId: id('4') }
  const companyId = id('c')
  const { organizationId, rfxId, bidId } = ids
  const device = { userId: id('a'), deviceId: id('d'), signing: await privateJwk() }
  const signer = { ...device, signing: await importSigningPair(device.signing) }
  const now = () => new Date('2026-11-21T10:00:00Z')
  const [first, second] = [asRfxKey(key), asRfxKey(otherKey)]

  const previousKeyPlace = {
    purpose: 'rfx-previous-key',
    table: 'rfx_key_version',
    column: 'previous_key',
    row: `${rfxId}/2`,
    owner: rfxId,
  }
  const { key: secondAes } = await importEnvelopeKey(second)
  const secondHeader = encodeHeader('envelope', await calculateKeyId(second))
  const previousKey = await encryptEnvelopeWithNonce(first, secondAes, secondHeader, nonce, previousKeyPlace)

  const wrapped = patternOf(512)
  const wrapHash = await hashWrap(wrapped)
  const thumbprint = encodeBase64Url(patternOf(32)) as Thumbprint
  const members = [
    { owner: 'user', ownerId: device.userId, role: 'buyer' },
    { owner: 'company', ownerId: companyId, role: 'supplier' },
    { owner: 'user', ownerId: id('e'), role: 'developer' },
  ] as const
  const leaf = (groupId: string, version: number, member: (typeof members)[number]) =>
    calculateWrapLeaf({ groupId, version, ...member, thumbprint, wrapHash })
  const leavesOf = (groupId: string, version: number) =>
    Promise.all(members.map((member) => leaf(groupId, version, member)))

  const manifests = []
  let previous: Bytes | null = null
  for (const [version, revision] of [
    [1, 1],
    [1, 2],
    [2, 1],
  ] as const) {
    const all = await leavesOf(rfxId, version)
    const given = revision === 1 ? all.slice(0, 2) : all.slice(2)
    const place = { organizationId, groupId: rfxId, kind: 'project', version, revision } as const
    const made = await signRfxManifest({
      ...place,
      previous,
      key: version === 1 ? first : second,
      leaves: given,
      signer,
      now,
    })
    manifests.push({ name: `project, version ${version}, revision ${revision}`, ...place, ...textOf(made) })
    previous = made.digest
  }
  const openingPlace = {
    organizationId,
    groupId: ids.openingId,
    kind: 'opening',
    version: 1,
    revision: 1,
  } as const
  const opening = await signRfxManifest({
    ...openingPlace,
    previous: null,
    key: second,
    leaves: await leavesOf(ids.openingId, 1),
    signer,
    now,
  })
  manifests.push({ name: 'opening', ...openingPlace, ...textOf(opening) })

  /** The same statement with other members, signed anew by the same device. */
  const resigned = async (statement: string, typ: JwsType, changes: [string, object, JwsType?][]) => {
    const payload = JSON.parse(new TextDecoder().decode(decodeBase64Url(statement.split('.')[1] ?? ''))) as object
    return Promise.all(
      changes.map(async ([name, change, other]) => {
        return { name, statement: await signJws({ ...payload, ...change }, signer.signing, other ?? typ) }
      }),
    )
  }
  const strangeDevice = { user: device.userId, device: 'dev_1' }
  const common: [string, object][] = [
    ['another version of the format', { v: 2 }],
    ['another purpose', { purpose: 'assignment' }],
    ['another organisation', { organization: id('bb') }],
    ['a further member', { note: '' }],
    ['no time', { iat: undefined }],
    ['a fraction of a second', { iat: 1.5 }],
    ['a time before 1970', { iat: -1 }],
    ['a time that no Date holds', { iat: 8_640_000_000_001 }],
  ]
  const [one, two] = manifests as [(typeof manifests)[number], (typeof manifests)[number]]
  const leaves = decodeBase64Url(two.leaves)
  const descending = concatBytes(leaves, new Uint8Array(32))
  const twice = concatBytes(leaves, leaves)
  const digest = async (bytes: Bytes) => encodeBase64Url(await sha256(bytes))
  const manifestsInvalid = [
    ...(await resigned(two.statement, 'nokkel-rfx-manifest+jwt', [
      ...common,
      ['signed as an entry', {}, 'nokkel-rfx-entry+jwt'],
      ['another group', { group: id('11') }],
      ['another version', { version: 2 }],
      ['another revision', { revision: 3 }],
      ['a revision that is text', { revision: '2' }],
      ['another kind', { kind: 'bidder' }],
      ['a short commitment', { commitment: encodeBase64Url(new Uint8Array(31)) }],
      ['a commitment with padding', { commitment: `${encodeBase64Url(new Uint8Array(32))}=` }],
      ['no commitment', { commitment: null }],
      ['a public key in a project', { sealTo: publicOf(device.signing) }],
      ['nothing before the second revision', { previous: null }],
      ['a short digest of what was before', { previous: encodeBase64Url(new Uint8Array(31)) }],
      ['a count that is not so', { count: 2 }],
      ['a count of none', { count: 0 }],
      ['other leaves', { leaves: await digest(new Uint8Array(32)) }],
      ['a device that is no UUID', { signer: strangeDevice }],
      ['a signer with a further member', { signer: { ...strangeDevice, device: device.deviceId, name: '' } }],
    ])).map((bad) => ({ ...bad, ...placeOf(two), leaves: two.leaves })),
    ...(await resigned(two.statement, 'nokkel-rfx-manifest+jwt', [
      ['descending leaves', { count: 2, leaves: await digest(descending) }],
    ])).map((bad) => ({ ...bad, ...placeOf(two), leaves: encodeBase64Url(descending) })),
    ...(await resigned(two.statement, 'nokkel-rfx-manifest+jwt', [
      ['one leaf twice', { count: 2, leaves: await digest(twice) }],
    ])).map((bad) => ({ ...bad, ...placeOf(two), leaves: encodeBase64Url(twice) })),
    ...(await resigned(two.statement, 'nokkel-rfx-manifest+jwt', [
      ['no leaves', { count: 0, leaves: await digest(new Uint8Array()) }],
    ])).map((bad) => ({ ...bad, ...placeOf(two), leaves: '' })),
    ...(await resigned(one.statement, 'nokkel-rfx-manifest+jwt', [
      ['something before the very first', { previous: encodeBase64Url(new Uint8Array(32)) }],
    ])).map((bad) => ({ ...bad, ...placeOf(one), leaves: one.leaves })),
    ...(await resigned(opening.statement, 'nokkel-rfx-manifest+jwt', [
      ['an opening group without a public key', { sealTo: null }],
      ['a private key', { sealTo: device.signing }],
      ['a public key that is no point', { sealTo: { ...publicOf(device.signing), y: device.signing.x } }],
    ])).map((bad) => ({ ...bad, ...openingPlace, leaves: encodeBase64Url(opening.leaves) })),
    { name: 'leaves of another revision', ...placeOf(two), statement: two.statement, leaves: one.leaves },
    { name: 'at the place of another revision', ...placeOf(one), statement: two.statement, leaves: two.leaves },
  ]

  const file = {
    blobId: id('f'),
    name: 'plan.pdf',
    type: 'application/pdf',
    byteLength: 1000,
    key: otherKey,
    digests: await sha256(fromText('a stored chunk')),
  }
  const field = { id: id('51'), label: 'Frist', type: 'date', value: '2027-02-01' } as const
  const price = { id: id('52'), label: 'Ramme', type: 'number', value: '2400000.50' } as const
  const specification = { sections: [{ id: id('50'), heading: 'Leveranse', fields: [field, price] }] }
  const plaintexts = {
    title: encodeRfxTitle('Ny skole på Vestre Haugen'),
    specification: encodeSpecification(specification),
    comment: encodeRfxComment({ text: 'Når er befaring? 🔑', section: id('50') }),
    document: encodeRfxDocument({ file }),
    bid: encodeRfxBidContent({ text: 'Som beskrevet.', amount: '2400000.50', currency: 'NOK', files: [file] }),
  }
  const utf8 = (bytes: Bytes) => new TextDecoder().decode(bytes)
  const changed = (kind: keyof typeof plaintexts, from: string, to: string) => ({
    kind,
    text: utf8(plaintexts[kind]).replace(from, to),
  })
  const sectionText = utf8(plaintexts.specification)
  const contentsInvalid = [
    { name: 'nothing', kind: 'title', text: '' },
    { name: 'another version', ...changed('title', '"v":1', '"v":2') },
    { name: 'a further member', ...changed('title', '"v":1', '"v":1,"a":1') },
    { name: 'white space', ...changed('title', '{', '{ ') },
    { name: 'an empty title', kind: 'title', text: '{"v":1,"title":""}' },
    { name: 'a title of 201 characters', kind: 'title', text: `{"v":1,"title":"${'ø'.repeat(201)}"}` },
    { name: 'a title that is a number', kind: 'title', text: '{"v":1,"title":1}' },
    { name: 'a lone surrogate', kind: 'title', text: '{"v":1,"title":"\\ud800"}' },
    { name: 'a type that is not known', ...changed('specification', '"date"', '"time"') },
    { name: 'a day that is not', ...changed('specification', '2027-02-01', '2027-02-30') },
    { name: 'another form of date', ...changed('specification', '2027-02-01', '01.02.2027') },
    { name: 'a negative number', ...changed('specification', '2400000.50', '-1') },
    { name: 'a number with a comma', ...changed('specification', '2400000.50', '2400000,50') },
    { name: 'a number with two points', ...changed('specification', '2400000.50', '2.400.000') },
    { name: 'a number with a point alone', ...changed('specification', '2400000.50', '.') },
    { name: 'a value that is a number', ...changed('specification', '"2400000.50"', '2400000.5') },
    { name: 'an id that is no UUID', ...changed('specification', id('51'), 'field_1') },
    { name: 'an id in upper case', ...changed('specification', id('51'), id('AB')) },
    { name: 'an id of a field twice', ...changed('specification', id('52'), id('51')) },
    { name: 'the id of the section in a field', ...changed('specification', id('52'), id('50')) },
    { name: 'a field without a label', ...changed('specification', '"label":"Frist",', '') },
    { name: 'sections that are no list', kind: 'specification', text: '{"v":1,"sections":{}}' },
    { name: 'a section that is null', kind: 'specification', text: '{"v":1,"sections":[null]}' },
    { name: 'an empty comment', kind: 'comment', text: '{"v":1,"text":"","section":null}' },
    { name: 'a comment of 10 001 characters', kind: 'comment', text: `{"v":1,"text":"${'a'.repeat(10_001)}","section":null}` },
    { name: 'a section that is no UUID', ...changed('comment', id('50'), '') },
    { name: 'a comment without a section', kind: 'comment', text: '{"v":1,"text":"a"}' },
    { name: 'a document without a file', kind: 'document', text: '{"v":1,"file":null}' },
    { name: 'too few digests', ...changed('document', '"byteLength":1000', '"byteLength":2000000') },
    { name: 'a file key of 16 bytes', kind: 'document', text: utf8(plaintexts.document).replace(/"key":"[^"]*"/, `"key":"${encodeBase64Url(nonce)}AAAAAA"`) },
    { name: 'three decimals', ...changed('bid', '2400000.50', '2400000.500') },
    { name: 'an empty amount', ...changed('bid', '2400000.50', '') },
    { name: 'a negative amount', ...changed('bid', '2400000.50', '-2400000') },
    { name: 'an amount that is a number', ...changed('bid', '"2400000.50"', '2400000.5') },
    { name: 'another currency', ...changed('bid', 'NOK', 'EUR') },
    { name: 'files that are no list', kind: 'bid', text: '{"v":1,"text":"","amount":null,"currency":"NOK","files":null}' },
    { name: 'one kind as another', kind: 'comment', text: sectionText },
  ]

  const author = signer
  const log = [
    { kind: 'title', object: rfxId, revision: 1, current: { title: 1, specification: 0 } },
    { kind: 'specification', object: rfxId, revision: 1, current: { title: 1, specification: 2 } },
    { kind: 'comment', object: id('61'), revision: 1, current: { title: 1, specification: 2 } },
    { kind: 'document', object: id('62'), revision: 1, current: { title: 1, specification: 2 } },
    { kind: 'removal', object: id('62'), revision: 2, current: { title: 1, specification: 2 } },
  ] as const
  const sealOne = async (entry: (typeof log)[number], sequence: number, before: Bytes | null) => {
    const plaintext = entry.kind === 'removal' ? null : plaintexts[entry.kind]
    const place = { organizationId, rfxId, sequence }
    const rest = { previous: before, plaintext, key: first, version: 1, author, now }
    const { wrappedKey, content, statement, digest } = await sealRfxEntry({ ...place, ...entry, ...rest })
    return {
      ...place,
      ...entry,
      version: 1,
      previous: before && encodeBase64Url(before),
      plaintext: plaintext && utf8(plaintext),
      wrappedKey: wrappedKey && encodeBase64Url(wrappedKey),
      content: content && encodeBase64Url(content),
      statement,
      digest: encodeBase64Url(digest),
    }
  }
  type Entry = Awaited<ReturnType<typeof sealOne>>
  const entries: Entry[] = []
  for (const [index, entry] of log.entries()) {
    const before = entries.at(-1)?.digest
    entries.push(await sealOne(entry, index + 1, before ? decodeBase64Url(before) : null))
  }
  const [title, , comment, , removal] = entries as [Entry, Entry, Entry, Entry, Entry]
  const entryPlace = ({ sequence, content }: Entry) => ({
    organizationId,
    rfxId,
    sequence,
    content,
  })
  const entriesInvalid = [
    ...(await resigned(comment.statement, 'nokkel-rfx-entry+jwt', [
      ...common,
      ['signed as a manifest', {}, 'nokkel-rfx-manifest+jwt'],
      ['another project', { rfx: id('11') }],
      ['another sequence', { sequence: 4 }],
      ['a kind that is not known', { kind: 'note' }],
      ['a removal with content', { kind: 'removal' }],
      ['a title that is not of the project', { kind: 'title', current: { title: 3, specification: 2 } }],
      ['an object that is no UUID', { object: '61' }],
      ['revision 0', { revision: 0 }],
      ['nothing before the third', { previous: null }],
      ['a short digest of what was before', { previous: encodeBase64Url(new Uint8Array(31)) }],
      ['a title that is still to come', { current: { title: 4, specification: 2 } }],
      ['a specification that it is not itself', { current: { title: 1, specification: 3 } }],
      ['a further member of current', { current: { title: 1, specification: 2, comment: 3 } }],
      ['no current', { current: null }],
      ['other content', { content: await digest(new Uint8Array(32)) }],
      ['no content', { content: null }],
      ['a device that is no UUID', { author: strangeDevice }],
    ])).map((bad) => ({ ...bad, ...entryPlace(comment) })),
    ...(await resigned(title.statement, 'nokkel-rfx-entry+jwt', [
      ['something before the first', { previous: encodeBase64Url(new Uint8Array(32)) }],
      ['a title of another object', { object: id('61') }],
      ['a title that does not hold', { current: { title: 0, specification: 0 } }],
    ])).map((bad) => ({ ...bad, ...entryPlace(title) })),
    { name: 'a removal given with content', ...entryPlace(removal), content: comment.content, statement: removal.statement },
    { name: 'a comment given without content', ...entryPlace(comment), content: null, statement: comment.statement },
    { name: 'the content of another entry', ...entryPlace(comment), content: title.content, statement: comment.statement },
  ]

  const place = { table: 'lot', column: 'budget', row: '17' }
  const value = await sealRfxValue(fromText('2400000'), { key: first, rfxId, version: 1, place })

  const [serverPart, bidder] = [patternOf(96).slice(64), { groupId: ids.bidderId, version: 1, key: first }]
  const openingKeyPair = await deriveOpeningKeyPair(second)
  const bidIds = { rfxId, bidId, companyId }
  const bid = await sealRfxBid({
    ...bidIds,
    organizationId,
    revision: 1,
    plaintext: plaintexts.bid,
    serverPart,
    sealTo: await exportPublicJwk(openingKeyPair.publicKey),
    bidder,
    author,
    now,
  })
  const bidPlace = { table: 'rfx_bid', row: bidId }
  const partPlace = { ...bidPlace, purpose: 'rfx-bid-part', column: 'sealed_part', owner: companyId }
  const ownPlace = { ...bidPlace, purpose: 'rfx-bid-key', column: 'own_key', owner: `${ids.bidderId}/1` }
  const bidTexts = { content: encodeBase64Url(bid.content), sealedPart: encodeBase64Url(bid.sealedPart) }
  const openersPart = await open(bid.sealedPart, openingKeyPair, partPlace)
  const bidsInvalid = [
    ...(await resigned(bid.statement, 'nokkel-rfx-bid+jwt', [
      ...common,
      ['signed as an entry', {}, 'nokkel-rfx-entry+jwt'],
      ['another project', { rfx: id('11') }],
      ['another bid', { bid: id('44') }],
      ['another company', { company: id('cc') }],
      ['revision 0', { revision: 0 }],
      ['other content', { content: await digest(new Uint8Array(32)) }],
      ['another sealed part', { sealedPart: await digest(new Uint8Array(32)) }],
      ['sealed to another key', { sealTo: thumbprint }],
      ['sealed to no key', { sealTo: null }],
      ['a device that is no UUID', { author: strangeDevice }],
    ])).map((bad) => ({ ...bad, ...bidTexts })),
    { name: 'other content given', ...bidTexts, content: comment.content, statement: bid.statement },
    { name: 'another sealed part given', ...bidTexts, sealedPart: comment.content, statement: bid.statement },
  ]

  return {
    ...ids,
    companyId,
    signer: device,
    signedAt: now().toISOString(),
    keys: [
      { key: toHex(first), groupId: rfxId, version: 1, commitment: toHex(await calculateKeyCommitment(first, { groupId: rfxId, version: 1 })) },
      { key: toHex(second), groupId: rfxId, version: 2, commitment: toHex(await calculateKeyCommitment(second, { groupId: rfxId, version: 2 })) },
      { key: toHex(second), groupId: ids.openingId, version: 1, commitment: toHex(await calculateKeyCommitment(second, { groupId: ids.openingId, version: 1 })) },
    ],
    previousKey: { key: toHex(second), groupId: rfxId, version: 2, nonce: toHex(nonce), previous: toHex(previousKey), previousKey: toHex(first) },
    openingKeys: [{ key: toHex(second), publicKey: await exportPublicJwk(openingKeyPair.publicKey) }],
    wraps: await Promise.all(
      members.map(async (member) => ({
        groupId: rfxId,
        version: 1,
        ...member,
        thumbprint,
        wrapped: encodeBase64(wrapped),
        hash: toHex(wrapHash),
        leaf: toHex(await leaf(rfxId, 1, member)),
      })),
    ),
    manifests,
    manifestsInvalid,
    contents: Object.entries(plaintexts).map(([kind, bytes]) => ({ kind, text: utf8(bytes) })),
    contentsInvalid,
    entries,
    entriesInvalid,
    values: [{ key: toHex(first), rfxId, version: 1, place, plaintext: toHex(fromText('2400000')), sealed: toHex(value) }],
    bid: {
      ...bidIds,
      organizationId,
      revision: 1,
      openingKey: toHex(second),
      bidder: { ...bidder, key: toHex(first) },
      openersPart: toHex(openersPart),
      serverPart: toHex(serverPart),
      contentKey: toHex(await decryptEnvelope(bid.ownKey, await importEnvelopeKey(first), ownPlace)),
      plaintext: utf8(plaintexts.bid),
      ...bidTexts,
      ownKey: encodeBase64Url(bid.ownKey),
      statement: bid.statement,
    },
    bidsInvalid,
  }
}

function textOf({ statement, digest, leaves }: SignedRfxManifest) {
  return { statement, digest: encodeBase64Url(digest), leaves: encodeBase64Url(leaves) }
}

function placeOf(manifest: Pick<VerifyRfxManifestOptions, 'organizationId' | 'groupId' | 'kind' | 'version' | 'revision'>) {
  const { organizationId, groupId, kind, version, revision } = manifest
  return { organizationId, groupId, kind, version, revision }
}

function publicOf({ d: _, ...jwk }: PrivateJwk) {
  return jwk
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
  const only = process.argv.slice(2)
  if (only.length > 0 && !only.includes(name)) return
  await writeFile(
    new URL(`${name}.json`, import.meta.url),
    `${JSON.stringify({ spec: `docs/spec/${name}.md`, ...value }, null, 2)}\n`,
  )
}
