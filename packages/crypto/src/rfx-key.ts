import { assertByteLength, type Bytes } from './bytes.ts'
import { assertUuid, assertWhole } from './claims.ts'
import type { Context } from './context.ts'
import { deriveKeyPair } from './hazmat/seal.ts'
import { decryptKeyUnder, encryptUnder } from './key-envelope.ts'
import { encodePae } from './pae.ts'

/** The key of one version of a group of a project: 32 secret bytes. */
export type RfxKey = Bytes & { readonly __brand: 'RfxKey' }

/** Which version of which group a key is of. */
export interface RfxKeyVersion {
  /** A UUID. Of the project's own group, the project's. */
  readonly groupId: string
  /** From 1. */
  readonly version: number
}

const keyByteLength = 32

/**
 * Makes the random key of a version of a group.
 *
 * @example
 * ```ts
 * const key = generateRfxKey()
 * key.byteLength // 32
 * ```
 * @see docs/spec/rfx.md
 */
export function generateRfxKey(): RfxKey {
  return crypto.getRandomValues(new Uint8Array(keyByteLength)) as RfxKey
}

/**
 * Takes what came out of a wrap as the key of a group. The same bytes, not a copy. Compare them with the commitment of
 * the manifest before use: see {@link verifyRfxManifests}.
 *
 * @throws {TypeError | RangeError} `bytes` is not a `Uint8Array` of 32 bytes.
 */
export function asRfxKey(bytes: Uint8Array): RfxKey {
  assertRfxKey(bytes, 'bytes')
  return bytes
}

export function assertRfxKey(value: unknown, name: string): asserts value is RfxKey {
  assertByteLength(value, keyByteLength, name)
}

export function assertKeyVersion({ groupId, version }: RfxKeyVersion): void {
  assertUuid(groupId, 'groupId')
  assertWhole(version, 1, 'version')
}

/**
 * Calculates what a manifest says about the key, so that all members can tell that they have the same one. Nothing
 * can be learnt from it about a random key.
 *
 * @returns 32 bytes.
 * @throws {TypeError | RangeError} An argument is not what its type says.
 *
 * @example
 * ```ts
 * const groupId = '00000000-0000-4000-8000-000000000001'
 * const commitment = await calculateKeyCommitment(generateRfxKey(), { groupId, version: 1 }) // 32 bytes
 * ```
 * @see docs/spec/rfx.md
 */
export async function calculateKeyCommitment(key: RfxKey, of: RfxKeyVersion): Promise<Bytes> {
  assertRfxKey(key, 'key')
  assertKeyVersion(of)
  const hmac = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const data = encodePae('nokkel/rfx-key-commitment/v1', of.groupId, String(of.version))
  return new Uint8Array(await crypto.subtle.sign('HMAC', hmac, data))
}

export interface EncryptPreviousKeyOptions extends RfxKeyVersion {
  /** Of the new version, `version`. */
  readonly key: RfxKey
  /** Of the version before it. */
  readonly previousKey: RfxKey
}

export interface OpenPreviousKeyOptions extends RfxKeyVersion {
  /** Of `version`. */
  readonly key: RfxKey
  /** As stored with `version`, 80 bytes. */
  readonly previous: Uint8Array
}

/**
 * Encrypts the key of a version under that of the next, so that its members can read what was written before.
 *
 * @returns 80 bytes.
 * @throws {TypeError | RangeError} An option is not what its type says, or `version` is the first.
 *
 * @example
 * ```ts
 * const next = { groupId: '00000000-0000-4000-8000-000000000001', version: 2 }
 * const [key, previousKey] = [generateRfxKey(), generateRfxKey()]
 * const previous = await encryptPreviousKey({ key, previousKey, ...next })
 * const again = await openPreviousKey({ key, previous, ...next })
 * ```
 * @see docs/spec/rfx.md
 */
export async function encryptPreviousKey(options: EncryptPreviousKeyOptions): Promise<Bytes> {
  const { key, previousKey, groupId, version } = options
  assertRfxKey(key, 'key')
  assertRfxKey(previousKey, 'previousKey')
  return encryptUnder(key, previousKey, previousKeyContext(groupId, version))
}

/**
 * Opens what {@link encryptPreviousKey} made. Compare the key with the commitment of the version before, if that is
 * known.
 *
 * @throws {CryptoError} `open_failed`: another key, group or version, or altered.
 * @throws {TypeError | RangeError} An option is not what its type says, or `version` is the first.
 *
 * @see docs/spec/rfx.md
 */
export async function openPreviousKey({ key, previous, groupId, version }: OpenPreviousKeyOptions): Promise<RfxKey> {
  assertRfxKey(key, 'key')
  return asRfxKey(await decryptKeyUnder(key, previous, previousKeyContext(groupId, version)))
}

/**
 * Derives the key pair of an opening group from its key. Bids are sealed to the public half; {@link open} takes the
 * pair.
 *
 * @throws {TypeError | RangeError} `key` is not 32 bytes.
 *
 * @example
 * ```ts
 * const { publicKey } = await deriveOpeningKeyPair(generateRfxKey())
 * const sealTo = await exportPublicJwk(publicKey)
 * ```
 * @see docs/spec/rfx.md, RFC 9180 §7.1.3
 */
export async function deriveOpeningKeyPair(key: RfxKey): Promise<CryptoKeyPair> {
  assertRfxKey(key, 'key')
  return deriveKeyPair(key)
}

function previousKeyContext(groupId: string, version: number): Context {
  assertUuid(groupId, 'groupId')
  assertWhole(version, 2, 'version')
  return {
    purpose: 'rfx-previous-key',
    table: 'rfx_key_version',
    column: 'previous_key',
    row: `${groupId}/${version}`,
    owner: groupId,
  }
}
