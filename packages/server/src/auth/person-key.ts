import { type Context, type EnvelopeKey, importEnvelopeKey } from '@nokkel/crypto'
import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import { toServerError } from '../db/refusal.ts'
import type { Keyring } from '../keyring/keyring.ts'

const byteLength = 32

const contextOf = (userId: string): Context => ({
  purpose: 'person-key',
  table: 'person_key',
  column: 'wrapped_key',
  row: userId,
  owner: userId,
})

/** Opens the key of a person's stored data. @throws {CryptoError} `open_failed`: it is not of this person. */
export async function openPersonKey(keyring: Keyring, userId: string, wrappedKey: Uint8Array): Promise<EnvelopeKey> {
  const bytes = await keyring.unwrap(wrappedKey, contextOf(userId))
  try {
    return await importEnvelopeKey(bytes)
  } finally {
    bytes.fill(0)
  }
}

/**
 * The key of a person's stored data, made if there is none. Call it outside transactions.
 *
 * Of two that are made at the same time one is kept, and that one both callers get: nothing is ever encrypted under
 * the other.
 */
export async function obtainPersonKey(
  database: Database,
  keyring: Keyring,
  userId: string,
): Promise<{ readonly key: EnvelopeKey; readonly wrappedKey: Uint8Array }> {
  const known = await sql<{ key: Uint8Array | null }>`select nokkel.person_key_of(${userId}::uuid) as key`.execute(
    database,
  )
  const wrappedKey = new Uint8Array(known.rows[0]?.key ?? (await makePersonKey(database, keyring, userId)))
  return { key: await openPersonKey(keyring, userId, wrappedKey), wrappedKey }
}

/**
 * Runs `work`, and once more when the database refused with `conflict` what it had encrypted: the key of the person that it is under
 * went meanwhile.
 */
export async function retryLostKey<T>(work: () => Promise<T>): Promise<T> {
  return work().catch((cause: unknown) => {
    if (toServerError(cause).code !== 'conflict') throw cause
    return work()
  })
}

/**
 * Encrypts something for a person and keeps it, under the key that {@link obtainPersonKey} gives; as {@link retryLostKey}.
 *
 * @param keep - Gives the database the wrapped key with what it keeps.
 */
export async function keepUnderPersonKey<T>(
  { database, keyring }: { readonly database: Database; readonly keyring: Keyring },
  userId: string,
  keep: (key: EnvelopeKey, wrappedKey: Uint8Array) => Promise<T>,
): Promise<T> {
  return retryLostKey(async () => {
    const { key, wrappedKey } = await obtainPersonKey(database, keyring, userId)
    return keep(key, wrappedKey)
  })
}

/** A new key for a person's stored data, wrapped. Counts a wrap in the database: call it outside transactions. */
export async function generatePersonKey(keyring: Keyring, userId: string): Promise<Uint8Array> {
  const bytes = crypto.getRandomValues(new Uint8Array(byteLength))
  return keyring.wrap(bytes, contextOf(userId)).finally(() => bytes.fill(0))
}

async function makePersonKey(database: Database, keyring: Keyring, userId: string): Promise<Uint8Array> {
  const wrapped = await generatePersonKey(keyring, userId)
  const { rows } = await sql<{ key: Uint8Array }>`
    select nokkel.keep_person_key(${userId}::uuid, ${wrapped}, ${keyring.keyId}) as key`.execute(database)
  const [row] = rows
  if (!row) throw new Error('keep_person_key gave no row')
  return row.key
}
