import type { ChangedPerson } from '@nokkel/sandbox'
import type { Provider } from '@nokkel/server'
import { sql } from 'kysely'
import type { TestDatabase } from './database.ts'
import { type Answer, firstPerson, type LoginSystem } from './login.ts'

export interface LoginTrip {
  readonly person?: string | ChangedPerson
  /** The key of the browser; default another one at each login. */
  readonly signing?: CryptoKeyPair
  /** Further members of the request that begins it. */
  readonly begin?: Record<string, unknown>
}

/** Somebody who is asked by Vipps or BankID, and gives everything but the personnummer. */
export const withoutNumber = (id: string = firstPerson): ChangedPerson => ({ id, nationalNumber: null })

/** A login from the beginning to the answer, whatever it is. */
export async function tryLogin(
  system: LoginSystem,
  provider: Provider,
  { person = firstPerson, signing, begin = {} }: LoginTrip = {},
): Promise<Answer & { readonly signing: CryptoKeyPair }> {
  const login = await system.begin(provider, begin)
  const key = signing ?? login.signing
  const answer = await system.complete({ ...login, signing: key }, await system.visit(login, { person }))
  return { ...answer, signing: key }
}

/** Somebody who came by BankID and then by Vipps, both of which gave the personnummer. */
export async function arriveByBoth(system: LoginSystem, person: string = firstPerson): Promise<string> {
  const { userId } = await system.logIn('bankid', person)
  const vipps = await system.logIn('vipps', person)
  if (vipps.userId !== userId) throw new Error('The two logins are of two accounts.')
  return userId
}

export async function countAccounts({ owner }: TestDatabase): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*)::int as count from public.app_user`.execute(owner)
  return rows[0]?.count ?? 0
}

/** The suspected pairs as `evidence` and the two accounts, the smaller id first. */
export async function suspicions({ owner }: TestDatabase): Promise<{ evidence: string; pair: string[] }[]> {
  const { rows } = await sql<{ evidence: string; pair: string[] }>`
    select evidence, array[first_id::text, second_id::text] as pair from nokkel.suspected_duplicate
    order by evidence, first_id, second_id`.execute(owner)
  return rows
}

/** Forgets everybody, and who waits. */
export async function forgetEverybody({ owner }: TestDatabase): Promise<void> {
  await sql`delete from public.app_user`.execute(owner)
  await sql`delete from nokkel.waiting_identity`.execute(owner)
}

/** What was recorded, without times; the pseudonyms tell nobody from another. */
export async function recorded({ owner }: TestDatabase): Promise<{ action: string; problem: string | null }[]> {
  const { rows } = await sql<{ action: string; problem: string | null }>`
    select action, problem from nokkel.audit_log order by id`.execute(owner)
  return rows
}
