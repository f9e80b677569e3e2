import type { UserIdentity } from '@nokkel/contract'
import { encodeBase64Url, type PublicJwk } from '@nokkel/crypto'
import { sql } from 'kysely'
import type { Caller } from '../audit/caller.ts'
import type { Provider } from '../auth/providers/provider.ts'
import type { Database, Transaction } from '../db/database.ts'
import { instant, optionalInstant } from '../db/instant.ts'
import { retryDeadlock } from '../db/retry.ts'
import type { Claims } from '../db/with-claims.ts'

const acting = ({ sid, sub, organization }: Claims) => sql`${sid}::uuid, ${sub}::uuid, ${organization}::uuid`

interface IdentityRow extends Omit<UserIdentity, 'personnummer' | 'bankidVerifiedAt' | 'createdAt' | 'updatedAt'> {
  readonly personnummer: Uint8Array | null
  readonly bankidVerifiedAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** One's own; `null` where there is none. */
export async function selectIdentity(transaction: Transaction, { sub }: Claims): Promise<UserIdentity | null> {
  const { rows } = await sql<IdentityRow>`
    select id, user_id as "userId", personnummer, personnummer_source as "personnummerSource", personnummer_verified as "personnummerVerified",
      bankid_verified as "bankidVerified", bankid_verified_at as "bankidVerifiedAt", vipps_sub as "vippsSub",
      created_at as "createdAt", updated_at as "updatedAt"
    from public.user_identities where user_id = ${sub}::uuid`.execute(transaction)
  const [row] = rows
  if (!row) return null
  const { personnummer, bankidVerifiedAt, createdAt, updatedAt, ...rest } = row
  return {
    ...rest,
    personnummer: personnummer && encodeBase64Url(new Uint8Array(personnummer)),
    bankidVerifiedAt: optionalInstant(bankidVerifiedAt),
    createdAt: instant(createdAt),
    updatedAt: instant(updatedAt),
  }
}

export async function upsertIdentityRow(transaction: Transaction): Promise<void> {
  await sql`select nokkel.upsert_identity()`.execute(transaction)
}

export async function markBankIdRow(transaction: Transaction, { sub }: Claims): Promise<void> {
  await sql`select public.mark_bankid_verified(${sub}::uuid)`.execute(transaction)
}

interface KeptPersonnummer {
  readonly envelope: Uint8Array
  readonly source: Provider | 'typed'
  readonly keptAt: Date
}

interface OfferedPersonnummer {
  readonly envelope: Uint8Array
  readonly source: Provider
  readonly expiresAt: Date
}

export interface PersonnummerRow {
  readonly kept: KeptPersonnummer | null
  readonly offered: OfferedPersonnummer | null
  /** Of the person; `null` where nothing was ever kept of them. */
  readonly wrappedKey: Uint8Array | null
}

/** @throws What is told of a session that is not live. */
export async function selectPersonnummer(database: Database, claims: Claims): Promise<PersonnummerRow> {
  const { rows } = await sql<{
    kept: Uint8Array | null
    source: KeptPersonnummer['source']
    keptAt: Date
    offered: Uint8Array | null
    offeredSource: Provider
    expiresAt: Date
    wrappedKey: Uint8Array | null
  }>`
    select kept, source, kept_at as "keptAt", offered, offered_source as "offeredSource", expires_at as "expiresAt",
      wrapped_key as "wrappedKey"
    from nokkel.personnummer_of(${acting(claims)})`.execute(database)
  const [row] = rows
  if (!row) throw new Error('personnummer_of gave no row')
  const { kept, source, keptAt, offered, offeredSource, expiresAt, wrappedKey } = row
  return {
    kept: kept && { envelope: new Uint8Array(kept), source, keptAt },
    offered: offered && { envelope: new Uint8Array(offered), source: offeredSource, expiresAt },
    wrappedKey: wrappedKey && new Uint8Array(wrappedKey),
  }
}

/** Whether there is any use in offering: the person agrees to be recognised, has not said no, and no provider's is kept. */
export async function mayOfferPersonnummer(database: Database, userId: string): Promise<boolean> {
  const { rows } = await sql<{ may: boolean }>`
    select nokkel.may_offer_personnummer(${userId}::uuid) as may`.execute(database)
  return rows[0]?.may ?? false
}

export async function insertOffer(
  database: Database,
  userId: string,
  offer: { readonly envelope: Uint8Array; readonly source: Provider; readonly wrappedKey: Uint8Array },
): Promise<void> {
  await retryDeadlock(() =>
    sql`
      select nokkel.offer_personnummer(${userId}::uuid, ${offer.envelope}, ${offer.source},
        ${offer.wrappedKey})`.execute(database),
  )
}

/**
 * @param offer.from - The envelope that was offered, of which `envelope` was made; both `null`: none was found.
 * @param offer.wrappedKey - Of the person: what `envelope` is under.
 * @throws `personnummer_offer_gone`; `conflict`: the person has another key by now, or none.
 */
export async function keepOffered(
  database: Database,
  { claims, requestId }: Caller,
  version: string,
  offer: {
    readonly from: Uint8Array | null
    readonly envelope: Uint8Array | null
    readonly wrappedKey: Uint8Array | null
  },
): Promise<void> {
  await retryDeadlock(() =>
    sql`
      select nokkel.keep_offered_personnummer(${acting(claims)}, ${requestId}::uuid, ${version}, ${offer.from}::bytea,
        ${offer.envelope}::bytea, ${offer.wrappedKey}::bytea)`.execute(database),
  )
}

/** @throws `personnummer_known`; `conflict`: the person has another key by now, or none. */
export async function keepTyped(
  database: Database,
  { claims, requestId }: Caller,
  version: string,
  { envelope, wrappedKey }: { readonly envelope: Uint8Array; readonly wrappedKey: Uint8Array },
): Promise<void> {
  await retryDeadlock(() =>
    sql`
      select nokkel.keep_typed_personnummer(${acting(claims)}, ${requestId}::uuid, ${version},
        ${envelope}, ${wrappedKey})`.execute(database),
  )
}

export async function declineOffer(transaction: Transaction, requestId: string): Promise<void> {
  await sql`select nokkel.decline_personnummer(${requestId}::uuid)`.execute(transaction)
}

export interface RevealedRow {
  readonly personnummer: Uint8Array
  readonly wrappedKey: Uint8Array
  readonly deviceId: string
  readonly encryptionKey: PublicJwk
}

/** @throws `login_too_old`, `device_required` or `not_found`. */
export async function revealRow(database: Database, { claims, requestId }: Caller): Promise<RevealedRow> {
  const { rows } = await sql<RevealedRow>`
    select personnummer, wrapped_key as "wrappedKey", device_id as "deviceId", encryption_key as "encryptionKey"
    from nokkel.reveal_personnummer(${acting(claims)}, ${requestId}::uuid)`.execute(database)
  const [row] = rows
  if (!row) throw new Error('reveal_personnummer gave no row')
  return row
}

export interface IdentityKeyRow {
  readonly kid: string
  readonly publicKey: PublicJwk
  readonly wrappedPrivateKey: Uint8Array
  readonly createdAt: Date
  readonly replacedAt: Date | null
}

/** Those that open still, the one that is given out first. */
export async function selectIdentityKeys(database: Database): Promise<readonly IdentityKeyRow[]> {
  const { rows } = await sql<IdentityKeyRow>`
    select kid, public_key as "publicKey", wrapped_private_key as "wrappedPrivateKey", created_at as "createdAt",
      replaced_at as "replacedAt"
    from nokkel.identity_keys()`.execute(database)
  return rows.map((row) => ({ ...row, wrappedPrivateKey: new Uint8Array(row.wrappedPrivateKey) }))
}

/**
 * @param replaces - The one it takes the place of; `null` for the first.
 * @returns Whether it stands: of two that are made at the same time one does.
 */
export async function insertIdentityKey(
  database: Database,
  { kid, publicKey, wrappedPrivateKey }: Pick<IdentityKeyRow, 'kid' | 'publicKey' | 'wrappedPrivateKey'>,
  replaces: string | null,
): Promise<boolean> {
  const { rows } = await sql<{ stands: boolean }>`
    select nokkel.add_identity_key(${kid}, ${JSON.stringify(publicKey)}::jsonb, ${wrappedPrivateKey}, ${replaces})
      as stands`.execute(database)
  return rows[0]?.stands ?? false
}
