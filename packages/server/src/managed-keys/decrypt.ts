import { type Bytes, type EncryptedPrivateKey, encodeBase64, joinEnvelope, privateKeyContext } from '@nokkel/crypto'
import type { Caller } from '../audit/caller.ts'
import { sha256 } from '../keyring/digest.ts'
import { computeAllowed } from './compute-allowed.ts'
import type { CryptoDependencies } from './dependencies.ts'
import type { Outcome } from './item-outcome.ts'

/** Opens private keys of the caller's own: each for the row whose envelope it is, and for no other. */
export async function decryptOwn(
  dependencies: CryptoDependencies,
  caller: Caller,
  items: readonly EncryptedPrivateKey[],
): Promise<Outcome<{ text: string }>[]> {
  const { authorise, keyring } = dependencies
  const envelopes = items.map(parse)
  const hashes = await Promise.all(envelopes.map((envelope) => envelope && sha256(envelope)))
  const decisions = await authorise(
    hashes.map((hash) => ({ ...caller, action: 'decrypt', envelopeHash: hash ?? null })),
  )
  return computeAllowed(dependencies, caller, decisions, {
    subject: ({ keyId }) => ({ action: 'crypto_service.decrypt', type: 'user_key', id: keyId }),
    async compute({ keyId, ownerId }, index) {
      const context = privateKeyContext('user', keyId ?? '', ownerId ?? '')
      const bytes = await keyring.unwrap(envelopes[index] as Bytes, context)
      const text = encodeBase64(bytes)
      bytes.fill(0)
      return { text }
    },
  })
}

/** What is no envelope is refused by the database, as everything that is not the caller's. */
function parse(item: EncryptedPrivateKey): Bytes | undefined {
  try {
    return joinEnvelope(item)
  } catch {
    return undefined
  }
}
