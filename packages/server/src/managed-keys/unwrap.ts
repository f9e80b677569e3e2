import { encodeBase64, unwrapKey } from '@nokkel/crypto'
import type { Caller } from '../audit/caller.ts'
import { computeAllowed } from './compute-allowed.ts'
import type { CryptoDependencies } from './dependencies.ts'
import type { Outcome } from './item-outcome.ts'
import { decodeWrap } from './wrap-text.ts'

/** One version of the key of an RFX, and whose wrap of it to open. */
export interface WrapToOpen {
  readonly rfxId: string
  readonly version: number
  readonly via: 'user' | 'company'
}

/** Opens RFX keys that the caller may read now. The wraps are those in the database, never any of the caller's. */
export async function unwrapReadable(
  dependencies: CryptoDependencies,
  caller: Caller,
  items: readonly WrapToOpen[],
): Promise<Outcome<{ key: string }>[]> {
  const { authorise, queue, privateKeys } = dependencies
  const room = queue.reserve(items.length)
  try {
    const decisions = await authorise(items.map((item) => ({ ...caller, ...item, action: 'unwrap' })))
    return await computeAllowed(dependencies, caller, decisions, {
      subject: (_, index) => ({ action: 'crypto_service.unwrap', type: 'rfx_key_version', id: name(items, index) }),
      compute: ({ keyId, ownerId, encryptedPrivateKey, encryptedSymmetricKey }, index) =>
        room.run(async () => {
          const stored = {
            owner: items[index]?.via ?? 'user',
            keyId: keyId ?? '',
            ownerId: ownerId ?? '',
            encryptedPrivateKey: encryptedPrivateKey ?? '',
          }
          const key = await privateKeys.use(stored, (privateKey) => open(encryptedSymmetricKey ?? '', privateKey))
          return { key }
        }),
    })
  } finally {
    room.release()
  }
}

async function open(encryptedSymmetricKey: string, privateKey: CryptoKey): Promise<string> {
  const key = await unwrapKey(decodeWrap(encryptedSymmetricKey), privateKey)
  const text = encodeBase64(key)
  key.fill(0)
  return text
}

function name(items: readonly WrapToOpen[], index: number): string {
  const { rfxId, version, via } = items[index] as WrapToOpen
  return `${rfxId}/${version}/${via}`
}
