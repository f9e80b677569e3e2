import type { CompanyKey, UserKey } from '@nokkel/contract'
import type { Caller } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import { selectCompanyKeys } from '../companies/store.ts'
import { withClaims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { computeAllowed } from './compute-allowed.ts'
import type { CryptoDependencies } from './dependencies.ts'
import { isRefused } from './item-outcome.ts'
import type { KeyPairPool } from './key-pair-pool.ts'
import { type PreparedKey, prepareKey } from './prepare-key.ts'
import { findActiveKey, insertCompanyKey, insertUserKeys, readCompanyRole, selectUserKeys } from './store.ts'

export interface GenerateDependencies extends CryptoDependencies {
  readonly pool: KeyPairPool
}

/** Makes a key for the caller, who cannot make one. */
export async function generateUserKey(
  dependencies: GenerateDependencies,
  caller: Caller,
  replaces: string | undefined,
): Promise<UserKey> {
  const { database } = dependencies
  const { claims } = caller
  const subject = { action: 'user_key.create', type: 'user_key', id: null }
  await recordRefusal(database, caller, subject, () =>
    withClaims(database, claims, async (transaction) => {
      assertReplaces(await findActiveKey(transaction, 'user', claims.sub), replaces)
    }),
  )
  const key = await generateKey(dependencies, caller, 'user', claims.sub)
  await recordRefusal(database, caller, subject, () => insertUserKeys(database, caller, [key], replaces))
  const keys = await withClaims(database, claims, selectUserKeys)
  return found(keys, key)
}

/** Makes a key for a company that the caller administers. */
export async function generateCompanyKey(
  dependencies: GenerateDependencies,
  caller: Caller,
  companyId: string,
  replaces: string | undefined,
): Promise<CompanyKey> {
  const { database } = dependencies
  const { claims } = caller
  const subject = { action: 'company_key.create', type: 'company', id: companyId }
  await recordRefusal(database, caller, subject, () =>
    withClaims(database, claims, async (transaction) => {
      const role = await readCompanyRole(transaction, companyId)
      if (role === null) throw new ServerError('not_found')
      if (role !== 'administrator') throw new ServerError('forbidden')
      assertReplaces(await findActiveKey(transaction, 'company', companyId), replaces)
    }),
  )
  const key = await generateKey(dependencies, caller, 'company', companyId)
  await recordRefusal(database, caller, subject, () => insertCompanyKey(database, caller, companyId, key, replaces))
  const keys = await withClaims(database, claims, (transaction) => selectCompanyKeys(transaction, companyId))
  return found(keys, key)
}

/** Before a key is made for nothing; decided when it is stored. */
function assertReplaces(active: string | null, replaces: string | undefined): void {
  if (active !== (replaces ?? null)) throw new ServerError('key_exists', { data: { keyId: active } })
}

async function generateKey(
  dependencies: GenerateDependencies,
  caller: Caller,
  owner: 'user' | 'company',
  ownerId: string,
): Promise<PreparedKey> {
  const { authorise, pool, queue, keyring } = dependencies
  const room = queue.reserve(1)
  try {
    const place = pool.reserve()
    try {
      const decisions = await authorise([{ ...caller, action: 'encrypt' }])
      const [outcome] = await computeAllowed(dependencies, caller, decisions, {
        subject: () => ({ action: 'crypto_service.encrypt', type: `${owner}_key`, id: null }),
        async compute() {
          const bytes = await place.take()
          return room.run(() => prepareKey(keyring, owner, ownerId, bytes))
        },
      })
      if (!outcome) throw new Error('An item has no outcome')
      if (isRefused(outcome)) throw new ServerError(outcome.code)
      return outcome
    } finally {
      place.release()
    }
  } finally {
    room.release()
  }
}

function found<Key extends { readonly id: string }>(keys: readonly Key[], { id }: PreparedKey): Key {
  const key = keys.find((other) => other.id === id)
  if (!key) throw new ServerError('not_found')
  return key
}
