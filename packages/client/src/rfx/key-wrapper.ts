import {
  CryptoError,
  calculateWrapLeaf,
  decodeBase64,
  encodeBase64,
  hashWrap,
  importPublicKey,
  type RfxKey,
  type RfxOwner,
  type RfxRole,
  type Thumbprint,
  wrapKey,
} from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'

/** Whom a key is wrapped to. */
export interface WrapRecipient {
  readonly owner: RfxOwner
  readonly ownerId: string
  readonly role: RfxRole
  /** SubjectPublicKeyInfo, DER in base64. */
  readonly publicKey: string
  /** What that key must have; it is what a person compared, or this device remembers. */
  readonly thumbprint: string
}

export interface WrapJob {
  readonly key: RfxKey
  readonly groupId: string
  readonly version: number
}

export interface MadeWrap {
  /** 512 bytes as base64. */
  readonly encryptedSymmetricKey: string
  readonly leaf: Uint8Array<ArrayBuffer>
}

export interface WrapOptions {
  readonly signal?: AbortSignal | undefined
  /** Told after each part how many are done with it. */
  readonly onWrapped?: ((count: number) => void) | undefined
}

export interface WrapSession {
  /**
   * Wraps the key of the session to each.
   *
   * @returns In the same order; `null` where the public key cannot be used, or is not that of the thumbprint.
   * @throws {NokkelError} `cancelled`
   */
  wrap(recipients: readonly WrapRecipient[], options?: WrapOptions): Promise<(MadeWrap | null)[]>
  /** Overwrites what the session has of the key. */
  close(): void
}

/** Wraps one key to many. */
export interface KeyWrapper {
  open(job: WrapJob): WrapSession
}

/** At most this many at a time: more would only lie in memory, waiting for a thread. */
const concurrency = 16

/** Wraps on the thread that asks: for Node, whose cryptography has threads of its own, and for tests. */
export const directKeyWrapper: KeyWrapper = {
  open({ key, ...of }) {
    const own = key.slice() as RfxKey
    return {
      async wrap(recipients, { signal, onWrapped } = {}) {
        return makeWraps({ key: own, ...of }, recipients, () => {
          if (signal?.aborted) throw new NokkelError('cancelled', { cause: signal.reason })
          onWrapped?.(1)
        })
      },
      close: () => void own.fill(0),
    }
  },
}

/** One wrap after the other, several under way at once; `onWrapped` after each may end it. */
export async function makeWraps(
  job: WrapJob,
  recipients: readonly WrapRecipient[],
  onWrapped?: () => void,
): Promise<(MadeWrap | null)[]> {
  const wraps = new Array<MadeWrap | null>(recipients.length)
  const waiting = recipients.entries()
  const run = async () => {
    for (const [index, recipient] of waiting) {
      wraps[index] = await makeWrap(job, recipient)
      onWrapped?.()
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, recipients.length) }, run))
  return wraps
}

/** One wrap with its leaf, or `null` if the recipient's key cannot be used. */
async function makeWrap({ key, ...of }: WrapJob, recipient: WrapRecipient): Promise<MadeWrap | null> {
  try {
    const imported = await importPublicKey(decodeBase64(recipient.publicKey))
    if (imported.thumbprint !== recipient.thumbprint) return null
    const wrapped = await wrapKey(key, imported.key)
    const { owner, ownerId, role } = recipient
    const thumbprint = recipient.thumbprint as Thumbprint
    const leaf = await calculateWrapLeaf({ ...of, owner, ownerId, role, thumbprint, wrapHash: await hashWrap(wrapped) })
    return { encryptedSymmetricKey: encodeBase64(wrapped), leaf }
  } catch (error) {
    // Base64 or a key that is none: somebody's broken key must not keep the others from theirs.
    if (error instanceof CryptoError || error instanceof TypeError || error instanceof RangeError) return null
    throw error
  }
}
