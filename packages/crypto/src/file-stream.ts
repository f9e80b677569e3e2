import { cut, mapInOrder, type Piece, transformBytes } from './byte-stream.ts'
import { assertByteLength, assertBytes, type Bytes, concatBytes, equalBytes, sha256 } from './bytes.ts'
import { assertContentKey, type ContentKey, calculateKeyId } from './content-key.ts'
import { type Context, encodeContext } from './context.ts'
import { CryptoError } from './errors.ts'
import { FILE_CHUNK_BYTE_LENGTH, preambleByteLength, saltByteLength, tagByteLength } from './file-layout.ts'
import { chunkParameters, derivePayloadKey, encryptChunk } from './hazmat/file-stream.ts'
import { encodeHeader, headerByteLength } from './header.ts'

export interface EncryptStreamOptions {
  /** A fresh key for this file alone. */
  readonly key: ContentKey
  /** The place the file belongs to. */
  readonly context: Context
  /** Called once for each stored chunk, in order, just before it comes out: its SHA-256 and its index from 0. */
  readonly onDigest?: (digest: Uint8Array, index: number) => void
  /**
   * The salt of an interrupted upload, 16 bytes, to make the same stored chunks once more. Default: a fresh one.
   *
   * The same salt and key with other bytes of file uses a nonce twice, which gives up the confidentiality of both and
   * the authentication. The caller must therefore keep the digest of each chunk before it sends that chunk, compare
   * every one of them with that of the chunk made anew, before it leaves the device, and at the first that differs
   * give up upload, key and salt.
   */
  readonly resumeSalt?: Uint8Array
}

export interface DecryptStreamOptions {
  readonly key: ContentKey
  readonly context: Context
  /**
   * The SHA-256 of every stored chunk, 32 bytes each, in order, from a source that is signed. Without it, anyone who
   * has the key can put another file in place of this one.
   */
  readonly digests?: Uint8Array
}

const digestByteLength = 32
const sealedChunkByteLength = FILE_CHUNK_BYTE_LENGTH + tagByteLength

/**
 * Makes the salt of one file, for an upload that may have to be made again: keep it with the key, and give it as
 * `resumeSalt` the first time, too.
 *
 * @returns 16 random bytes.
 */
export function generateStreamSalt(): Bytes {
  return crypto.getRandomValues(new Uint8Array(saltByteLength))
}

/**
 * Encrypts a file as it streams through, in constant memory. Whatever the sizes going in, each `Uint8Array` coming out
 * is one stored chunk of at most 1 MiB.
 *
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @example
 * ```ts
 * const key = generateContentKey()
 * const context = { purpose: 'file', table: 'blob_chunk', column: 'bytes', row: 'blob_1', owner: 'usr_1' }
 * const chunks = new Blob(['hei']).stream().pipeThrough(encryptStream({ key, context }))
 * const text = await new Response(chunks.pipeThrough(decryptStream({ key, context }))).text() // 'hei'
 * ```
 * @see docs/spec/file-stream.md; the STREAM construction: Hoang, Reyhanitabar, Rogaway, Vizár 2015
 */
export function encryptStream(options: EncryptStreamOptions): ReadableWritablePair<Bytes, Uint8Array> {
  const { key, context, onDigest, resumeSalt = generateStreamSalt() } = options
  assertContentKey(key, 'key')
  encodeContext(context)
  assertByteLength(resumeSalt, saltByteLength, 'resumeSalt')
  const fileKey = key.slice()
  const salt = resumeSalt.slice()
  return transformBytes(async function* (source) {
    const header = encodeHeader('stream', await calculateKeyId(fileKey))
    const payloadKey = await derivePayloadKey(fileKey, salt, header, context)
    const sealPiece = async ({ bytes, index, last }: Piece) => {
      const sealed = await encryptChunk(payloadKey, bytes, index, last)
      const stored = index === 0 ? concatBytes(header, salt, sealed) : sealed
      return { stored, index, digest: onDigest && (await sha256(stored)) }
    }
    for await (const { stored, index, digest } of mapInOrder(
      cut(source, () => FILE_CHUNK_BYTE_LENGTH),
      sealPiece,
    )) {
      if (digest) onDigest?.(digest, index)
      yield stored
    }
  })
}

/**
 * Decrypts a stored file as it streams through, in constant memory. Takes stored chunks cut up in any way.
 *
 * A chunk comes out only when its digest and its tag are right and it is known whether it is the last. At the first
 * fault (altered, moved, missing, doubled, cut short, continued) the stream fails and nothing after it is released;
 * what came out before is authentic, but the file is complete only when the stream ends without an error.
 *
 * Fails with a {@link CryptoError} `open_failed`.
 *
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @see docs/spec/file-stream.md
 */
export function decryptStream(options: DecryptStreamOptions): ReadableWritablePair<Bytes, Uint8Array> {
  const { key, context, digests } = options
  assertContentKey(key, 'key')
  encodeContext(context)
  if (digests !== undefined) assertDigests(digests)
  const fileKey = key.slice()
  const expected = digests?.slice()
  const byteLengthOf = (index: number) => sealedChunkByteLength + (index === 0 ? preambleByteLength : 0)
  return transformBytes(async function* (source) {
    const header = encodeHeader('stream', await calculateKeyId(fileKey))
    let payloadKey: Promise<CryptoKey> | undefined
    const openPiece = async ({ bytes, index, last }: Piece) => {
      // Set before anything is awaited: the next pieces are already on their way.
      payloadKey ??= payloadKeyOf(fileKey, bytes, header, context)
      const [payload] = await Promise.all([payloadKey, expected && checkDigest(expected, bytes, index, last)])
      const sealed = index === 0 ? bytes.subarray(preambleByteLength) : bytes
      const emptyAfterOthers = index > 0 && sealed.byteLength <= tagByteLength
      if (emptyAfterOthers) throw new CryptoError('open_failed')
      return openChunk(payload, sealed, index, last)
    }
    yield* mapInOrder(cut(source, byteLengthOf), openPiece)
  })
}

function assertDigests(digests: unknown): asserts digests is Bytes {
  assertBytes(digests, 'digests')
  if (digests.byteLength === 0 || digests.byteLength % digestByteLength !== 0) {
    throw new RangeError('digests must be 32 bytes for each chunk')
  }
}

async function checkDigest(digests: Uint8Array, stored: Bytes, index: number, last: boolean): Promise<void> {
  const end = (index + 1) * digestByteLength
  const placed = last ? end === digests.byteLength : end < digests.byteLength
  if (!placed || !equalBytes(digests.subarray(end - digestByteLength, end), await sha256(stored))) {
    throw new CryptoError('open_failed')
  }
}

async function payloadKeyOf(fileKey: Bytes, stored: Bytes, header: Bytes, context: Context): Promise<CryptoKey> {
  const fits = stored.byteLength >= preambleByteLength && equalBytes(stored.subarray(0, headerByteLength), header)
  if (!fits) throw new CryptoError('open_failed')
  return derivePayloadKey(fileKey, stored.subarray(headerByteLength, preambleByteLength), header, context)
}

async function openChunk(key: CryptoKey, sealed: Bytes, index: number, last: boolean): Promise<Bytes> {
  try {
    return new Uint8Array(await crypto.subtle.decrypt(chunkParameters(index, last), key, sealed))
  } catch (cause) {
    throw new CryptoError('open_failed', { cause })
  }
}
