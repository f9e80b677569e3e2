import type { Caller } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import type { Database } from '../db/database.ts'
import { destroyKey, type KeyPlace, revokeKey } from './lifecycle-store.ts'
import type { PrivateKeys } from './private-key-cache.ts'

export interface LifecycleDependencies {
  readonly database: Database
  readonly privateKeys: PrivateKeys
}

/** Marks a key as compromised. Gives how many versions of RFX keys it could open; each of them needs a new one. */
export async function markCompromised(
  { database, privateKeys }: LifecycleDependencies,
  caller: Caller,
  place: KeyPlace,
): Promise<{ compromisedVersions: number }> {
  const compromisedVersions = await recordRefusal(database, caller, subjectOf(place, 'revoke'), () =>
    revokeKey(database, caller, place),
  )
  privateKeys.forget(place.keyId)
  return { compromisedVersions }
}

/** Destroys the private half of a key. */
export async function destroy(
  { database, privateKeys }: LifecycleDependencies,
  caller: Caller,
  place: KeyPlace,
): Promise<void> {
  await recordRefusal(database, caller, subjectOf(place, 'destroy'), () => destroyKey(database, caller, place))
  privateKeys.forget(place.keyId)
}

export function subjectOf({ companyId, keyId }: KeyPlace, verb: string) {
  const type = companyId === null ? 'user_key' : 'company_key'
  return { action: `${type}.${verb}`, type, id: keyId }
}
