import type { Contact } from '@nokkel/contract'
import { type Context, CryptoError, decryptEnvelope, type EnvelopeKey, encryptEnvelope } from '@nokkel/crypto'
import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { describeFailure, type Logger } from '../http/logger.ts'
import type { Keyring } from '../keyring/keyring.ts'
import { keepUnderPersonKey, openPersonKey } from './person-key.ts'
import type { VerifiedContact } from './verified-login.ts'

export interface ContactDependencies {
  readonly database: Database
  readonly keyring: Keyring
  readonly logger: Logger
}

const contextOf = (userId: string): Context => ({
  purpose: 'contact',
  table: 'user_identities',
  column: 'contact',
  row: userId,
  owner: userId,
})

const waitingContextOf = (waitingId: string): Context => ({
  purpose: 'waiting-contact',
  table: 'waiting_identity',
  column: 'contact',
  row: waitingId,
  owner: 'server',
})

/** Encrypts it under the key of the person. @see docs/spec/personal-data.md */
export function encryptContact(contact: VerifiedContact, key: EnvelopeKey, userId: string): Promise<Uint8Array> {
  return encryptEnvelope(encode(contact), key, contextOf(userId))
}

/** @throws {CryptoError} `open_failed`: of another person, or under another key. */
export async function decryptContact(envelope: Uint8Array, key: EnvelopeKey, userId: string): Promise<VerifiedContact> {
  return decode(await decryptEnvelope(envelope, key, contextOf(userId)))
}

/** For a login that waits, of which nobody knows yet whose it is. */
export function wrapWaitingContact(keyring: Keyring, contact: VerifiedContact, waitingId: string): Promise<Uint8Array> {
  return keyring.wrap(encode(contact), waitingContextOf(waitingId))
}

export async function unwrapWaitingContact(
  keyring: Keyring,
  envelope: Uint8Array,
  waitingId: string,
): Promise<VerifiedContact> {
  return decode(await keyring.unwrap(envelope, waitingContextOf(waitingId)))
}

/**
 * Keeps what a provider told of a person, in place of what was there. Call it outside transactions, once the login is theirs.
 *
 * A failure is logged and no more: the login stands, and the next one brings the same again.
 */
export async function keepContact(
  { database, keyring, logger }: ContactDependencies,
  userId: string,
  read: () => Promise<VerifiedContact>,
): Promise<void> {
  try {
    const contact = await read()
    await keepUnderPersonKey({ database, keyring }, userId, async (key, wrappedKey) => {
      const envelope = await encryptContact(contact, key, userId)
      await sql`select nokkel.keep_contact(${userId}::uuid, ${envelope}, ${wrappedKey})`.execute(database)
    })
  } catch (cause) {
    logger({ level: 'error', event: 'contact_not_kept', error: describeFailure(cause) })
  }
}

/** What is kept of a person; `null` also when it does not open. */
export async function readContact(
  { database, keyring, logger }: ContactDependencies,
  userId: string,
): Promise<Contact | null> {
  const { rows } = await sql<{ contact: Uint8Array; updatedAt: Date; wrappedKey: Uint8Array }>`
    select contact, updated_at as "updatedAt", wrapped_key as "wrappedKey"
    from nokkel.contact_of(${userId}::uuid)`.execute(database)
  const [row] = rows
  if (!row) return null
  try {
    const key = await openPersonKey(keyring, userId, new Uint8Array(row.wrappedKey))
    const contact = await decryptContact(new Uint8Array(row.contact), key, userId)
    return { ...contact, updatedAt: instant(row.updatedAt) }
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    logger({ level: 'error', event: 'contact_unreadable', error: describeFailure(cause) })
    return null
  }
}

function encode({ phoneNumber, email, address }: VerifiedContact): Uint8Array {
  const place = address && {
    street: address.street,
    postalCode: address.postalCode,
    place: address.place,
    country: address.country,
  }
  return new TextEncoder().encode(JSON.stringify({ phoneNumber, email, address: place }))
}

function decode(bytes: Uint8Array): VerifiedContact {
  return JSON.parse(new TextDecoder().decode(bytes)) as VerifiedContact
}
