import { type Bytes, decodeBase64, parseEncryptedPrivateKey } from '@nokkel/crypto'
import type { Caller } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import { ServerError } from '../http/server-error.ts'
import { computeAllowed } from './compute-allowed.ts'
import type { CryptoDependencies } from './dependencies.ts'
import { isRefused, type Outcome } from './item-outcome.ts'
import { type PreparedKey, prepareKey } from './prepare-key.ts'
import { insertUserKeys } from './store.ts'

export interface StoredKey {
  readonly keyId: string
  readonly publicKey: string
  readonly data: string
  readonly iv: string
}

/**
 * Wraps private keys of the caller's own and stores them, in order: the last one becomes the active one. When it is refused,
 * nothing is stored.
 */
export async function encryptOwn(
  dependencies: CryptoDependencies,
  caller: Caller,
  texts: readonly string[],
  replaces: string | undefined,
): Promise<Outcome<StoredKey>[]> {
  const { database, keyring, authorise, queue } = dependencies
  const room = queue.reserve(texts.length)
  try {
    const decisions = await authorise(texts.map(() => ({ ...caller, action: 'encrypt' })))
    const outcomes = await computeAllowed(dependencies, caller, decisions, {
      subject: () => ({ action: 'crypto_service.encrypt', type: 'user_key', id: null }),
      compute: (_, index) =>
        room.run(() => prepareKey(keyring, 'user', caller.claims.sub, decodeText(texts[index] ?? ''))),
    })
    const prepared = outcomes.filter((outcome): outcome is PreparedKey => !isRefused(outcome))
    if (prepared.length === 0) return outcomes as Outcome<StoredKey>[]
    const subject = { action: 'user_key.create', type: 'user_key', id: null }
    const last = outcomes.at(-1)
    const stored = await recordRefusal(database, caller, subject, async () => {
      if (last && isRefused(last)) throw new ServerError(last.code)
      return insertUserKeys(database, caller, prepared, replaces)
    })
    return outcomes.map((outcome) => (isRefused(outcome) ? outcome : toStoredKey(stored[prepared.indexOf(outcome)])))
  } finally {
    room.release()
  }
}

function decodeText(text: string): Bytes {
  try {
    return decodeBase64(text)
  } catch (cause) {
    throw new ServerError('key_unsupported', { cause })
  }
}

function toStoredKey(row: Awaited<ReturnType<typeof insertUserKeys>>[number] | undefined): StoredKey {
  if (!row) throw new Error('The key was not stored')
  const { data, iv } = parseEncryptedPrivateKey(row.encryptedPrivateKey)
  return { keyId: row.id, publicKey: row.publicKey, data, iv }
}
