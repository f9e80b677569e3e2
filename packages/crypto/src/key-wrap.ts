import { assertByteLength, type Bytes } from './bytes.ts'
import { assertContentKey, type ContentKey } from './content-key.ts'
import { CryptoError } from './errors.ts'
import type { RfxKey } from './rfx-key.ts'

const wrappedByteLength = 512

/**
 * Wraps a key of 32 bytes to a user or a company.
 *
 * RSA-OAEP with SHA-256, MGF1 with SHA-256 and no label. It says neither who wrapped it nor what it is for: who must
 * know that needs a signature beside it.
 *
 * @param key - Exactly 32 bytes. Not modified.
 * @param recipient - The `key` of `importPublicKey`.
 * @returns 512 bytes, different each time.
 * @throws {CryptoError} `key_unusable`: the recipient's key is not for RSA-OAEP with SHA-256.
 *
 * @example
 * ```ts
 * const { key, privateKey } = await importPrivateKey(await generatePrivateKey())
 * const wrapped = await wrapKey(generateContentKey(), key)
 * const again = await unwrapKey(wrapped, privateKey)
 * ```
 * @see RFC 8017 §7.1.1
 */
export async function wrapKey(key: ContentKey | RfxKey, recipient: CryptoKey): Promise<Bytes> {
  assertContentKey(key, 'key')
  assertUsable(recipient, 'encrypt')
  return new Uint8Array(await crypto.subtle.encrypt('RSA-OAEP', recipient, key))
}

/**
 * Opens what {@link wrapKey} made. The key of a group comes out with {@link asRfxKey}.
 *
 * @param privateKey - The `privateKey` of `importPrivateKey` or `openPrivateKey`.
 * @throws {CryptoError} `open_failed`: another key, altered, or not a key of 32 bytes. `key_unusable`: the private key
 *   is not for RSA-OAEP with SHA-256.
 * @throws {TypeError | RangeError} `wrapped` is not a `Uint8Array` of 512 bytes.
 *
 * @see RFC 8017 §7.1.2
 */
export async function unwrapKey(wrapped: Uint8Array, privateKey: CryptoKey): Promise<ContentKey> {
  assertByteLength(wrapped, wrappedByteLength, 'wrapped')
  assertUsable(privateKey, 'decrypt')
  const opened = await crypto.subtle.decrypt('RSA-OAEP', privateKey, wrapped).catch((cause: unknown) => {
    throw new CryptoError('open_failed', { cause })
  })
  if (opened.byteLength !== 32) throw new CryptoError('open_failed')
  return new Uint8Array(opened) as ContentKey
}

// WebCrypto takes the hash of MGF1 from the key, too.
function assertUsable(key: CryptoKey, usage: KeyUsage): void {
  const { name, hash, modulusLength } = (key?.algorithm ?? {}) as Partial<RsaHashedKeyAlgorithm>
  const usable = name === 'RSA-OAEP' && hash?.name === 'SHA-256' && modulusLength === 4096 && key.usages.includes(usage)
  if (!usable) throw new CryptoError('key_unusable')
}
