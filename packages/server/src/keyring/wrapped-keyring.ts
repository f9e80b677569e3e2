import {
  type Context,
  decodeBase64Url,
  encodeBase64Url,
  encodeContext,
  encodeHeader,
  encodePae,
  type KeyId,
  parseHeader,
  type SecretShareSet,
} from '@nokkel/crypto'
import { type KeyringVersion, keyringVersionOf, parseKeyringBytes, serializeKeyring } from './keyring-bytes.ts'
import type { RootKeys } from './root-keys.ts'

/**
 * A key-encryption key (KEK) for AES-256-GCM: in memory, or in a hardware module that does the computing itself.
 */
export interface KeyringKek {
  /** 16 bytes that name the key; chosen with it, for one that cannot be read. */
  readonly id: KeyId
  /** @param additionalData - Authenticated. @returns A fresh 12-byte nonce, and ciphertext with 16-byte tag. */
  encrypt(plaintext: Uint8Array, additionalData: Uint8Array): Promise<Encrypted>
  /** @throws {Error} It does not open. */
  decrypt(encrypted: Encrypted, additionalData: Uint8Array): Promise<Uint8Array>
}

export interface Encrypted {
  readonly nonce: Uint8Array
  readonly ciphertext: Uint8Array
}

/** The file of a wrapped keyring, as far as it can be read without its key. */
export interface WrappedKeyring {
  readonly version: KeyringVersion
  readonly kekId: KeyId
  /** Among how many its key is split; absent when a hardware module has it. */
  readonly shares: SecretShareSet | undefined
  readonly envelope: Uint8Array
}

const formats: Readonly<Record<KeyringVersion, string>> = { 1: 'nokkel/keyring/v1', 2: 'nokkel/keyring/v2' }
const headerByteLength = 20
const nonceByteLength = 12

const place = (version: KeyringVersion, shares: SecretShareSet | undefined): Context => ({
  purpose: 'keyring',
  table: 'keyring',
  column: version === 1 ? 'keys' : 'keys-v2',
  row: shares ? `shares ${shares.set} ${shares.threshold}/${shares.count}` : 'kek',
  owner: 'operator',
})

/**
 * Encrypts root keys under a key-encryption key, as the text of a file.
 *
 * @param shares - How the key is split, if it is.
 * @see docs/spec/keyring.md
 */
export async function wrapKeyring(keys: RootKeys, kek: KeyringKek, shares?: SecretShareSet): Promise<string> {
  const plaintext = serializeKeyring(keys)
  const version = keyringVersionOf(keys)
  const header = encodeHeader('envelope', decodeBase64Url(kek.id))
  const { nonce, ciphertext } = await kek.encrypt(plaintext, encodePae(header, encodeContext(place(version, shares))))
  plaintext.fill(0)
  const envelope = new Uint8Array([...header, ...nonce, ...ciphertext])
  const named = shares && { set: shares.set, threshold: shares.threshold, count: shares.count }
  return `${JSON.stringify({ format: formats[version], ...(named && { shares: named }), keyring: encodeBase64Url(envelope) }, null, 2)}\n`
}

/**
 * Opens the text of a file that {@link wrapKeyring} made.
 *
 * @throws {Error} The file is malformed, is of another key, or was altered; says which.
 * @see docs/spec/keyring.md
 */
export async function openWrappedKeyring(file: string, kek: KeyringKek): Promise<RootKeys> {
  const { version, envelope, kekId, shares } = parseWrappedKeyring(file)
  if (kekId !== kek.id) throw new Error(`The keyring file needs the key with id ${kekId}, and was given ${kek.id}.`)
  const nonce = envelope.slice(headerByteLength, headerByteLength + nonceByteLength)
  const ciphertext = envelope.slice(headerByteLength + nonceByteLength)
  const additionalData = encodePae(envelope.slice(0, headerByteLength), encodeContext(place(version, shares)))
  const plaintext = await kek.decrypt({ nonce, ciphertext }, additionalData).catch((cause) => {
    throw new Error('The keyring file does not open: it was altered, or its key is another one.', { cause })
  })
  try {
    return parseKeyringBytes(plaintext, version)
  } finally {
    plaintext.fill(0)
  }
}

/** @throws {Error} The text is not that of a wrapped keyring. */
export function parseWrappedKeyring(file: string): WrappedKeyring {
  const value = parseJson(file)
  const envelope = typeof value.keyring === 'string' ? decode(value.keyring) : undefined
  const header = envelope && parseHeader(envelope)
  const shares = value.shares as SecretShareSet | undefined
  const members = Object.keys(value).sort().join()
  const expected = shares === undefined ? 'format,keyring' : 'format,keyring,shares'
  const version = ([1, 2] as const).find((known) => value.format === formats[known])
  if (members !== expected || !version || header?.algorithm !== 'envelope') throw malformed()
  if (shares !== undefined && !isShareSet(shares)) throw malformed()
  return { version, kekId: header.keyId, shares, envelope: envelope as Uint8Array }
}

function isShareSet(value: unknown): value is SecretShareSet {
  const { set, threshold, count } = Object(value) as SecretShareSet
  return (
    Object.keys(Object(value)).sort().join() === 'count,set,threshold' &&
    /^[0-9a-f]{12}$/.test(String(set)) &&
    Number.isInteger(threshold) &&
    Number.isInteger(count) &&
    2 <= threshold &&
    threshold <= count &&
    count <= 255
  )
}

function parseJson(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text))
  } catch {
    throw malformed()
  }
}

function decode(text: string): Uint8Array | undefined {
  try {
    return decodeBase64Url(text)
  } catch {
    return undefined
  }
}

const malformed = () => new Error('The keyring file is not one that nokkel keyring made.')
