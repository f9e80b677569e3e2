import { sql } from 'kysely'
import type { Caller } from '../audit/caller.ts'
import type { Database } from '../db/database.ts'
import { retryDeadlock } from '../db/retry.ts'
import type { StoredPrivateKey } from './private-key-cache.ts'

/** A key of the caller's, or of a company they administer. */
export interface KeyPlace {
  readonly companyId: string | null
  readonly keyId: string
}

const acting = ({ claims, requestId }: Caller, { companyId, keyId }: KeyPlace) => sql`
  ${claims.sid}::uuid, ${claims.sub}::uuid, ${claims.organization}::uuid, ${requestId}::uuid, ${companyId}::uuid,
  ${keyId}::uuid`

export async function revokeKey(database: Database, caller: Caller, place: KeyPlace): Promise<number> {
  const { rows } = await retryDeadlock(() =>
    sql<{ versions: number }>`select nokkel.revoke_key(${acting(caller, place)}) as versions`.execute(database),
  )
  return rows[0]?.versions ?? 0
}

export async function destroyKey(database: Database, caller: Caller, place: KeyPlace): Promise<void> {
  await sql`select nokkel.destroy_key(${acting(caller, place)})`.execute(database)
}

/** A wrap that names the old key, or none. */
export interface OldWrap {
  readonly rfxId: string
  readonly version: number
  /** Whether it is to the owner of the key and names it; only these open. */
  readonly own: boolean
  readonly wrap: string
}

export interface MovedWrap extends OldWrap {
  readonly moved: string
}

export interface RewrapPage {
  readonly old: StoredPrivateKey
  readonly activeId: string
  readonly activePublicKey: string
  readonly remaining: number
  readonly wraps: readonly OldWrap[]
}

interface RewrapRow {
  readonly encrypted_private_key: string
  readonly active_id: string
  readonly active_public_key: string
  readonly remaining: number
  readonly rfx_ids: string[] | null
  readonly versions: number[] | null
  readonly owned: boolean[] | null
  readonly wraps: string[] | null
}

/** @throws `not_found`, `forbidden`, or `conflict`: there is no other key to move to. */
export async function beginRewrap(
  database: Database,
  caller: Caller,
  place: KeyPlace,
  after: { readonly rfxId: string; readonly version: number } | null,
  limit: number,
): Promise<RewrapPage> {
  const { rows } = await sql<RewrapRow>`
    select * from nokkel.begin_rewrap(${acting(caller, place)}, ${after?.rfxId ?? null}::uuid,
      ${after?.version ?? null}::integer, ${limit}::integer)`.execute(database)
  const [row] = rows as [RewrapRow]
  const { rfx_ids: rfxIds, versions, owned, wraps } = row
  return {
    old: {
      owner: place.companyId === null ? 'user' : 'company',
      keyId: place.keyId,
      ownerId: place.companyId ?? caller.claims.sub,
      encryptedPrivateKey: row.encrypted_private_key,
    },
    activeId: row.active_id,
    activePublicKey: row.active_public_key,
    remaining: row.remaining,
    wraps: (rfxIds ?? []).map((rfxId, index) => ({
      rfxId,
      version: versions?.[index] ?? 0,
      own: owned?.[index] ?? false,
      wrap: wraps?.[index] ?? '',
    })),
  }
}

/** Gives how many were moved: a wrap that has changed meanwhile is left. */
export async function finishRewrap(
  database: Database,
  caller: Caller,
  place: KeyPlace,
  activeId: string,
  wraps: readonly MovedWrap[],
): Promise<number> {
  const moving = sql<{ moved: number }>`
    select nokkel.finish_rewrap(${acting(caller, place)}, ${activeId}::uuid,
      ${wraps.map(({ rfxId }) => rfxId)}::uuid[], ${wraps.map(({ version }) => version)}::integer[],
      ${wraps.map(({ wrap }) => wrap)}::text[], ${wraps.map(({ moved }) => moved)}::text[]) as moved`
  const { rows } = await retryDeadlock(() => moving.execute(database))
  return rows[0]?.moved ?? 0
}
