import type { AnswerOf, Duplicate, listDuplicates as listOperation, ParsedOf } from '@nokkel/contract'
import { CryptoError, decodeBase64 } from '@nokkel/crypto'
import { decryptContact } from '../auth/contact-store.ts'
import { openPersonKey } from '../auth/person-key.ts'
import type { VerifiedContact } from '../auth/verified-login.ts'
import type { Database } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { decodeCursor, toPage } from '../db/page-cursor.ts'
import type { Claims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import type { Keyring } from '../keyring/keyring.ts'
import { maskContact } from './mask-contact.ts'
import { type AccountRow, type DuplicateRow, selectDuplicates } from './store.ts'

export interface DuplicatesDependencies {
  readonly database: Database
  readonly keyring: Keyring
}

/** A page of the pairs found in the organisation. @throws {ServerError} `forbidden`: for all but administrators. */
export async function listDuplicates(
  { database, keyring }: DuplicatesDependencies,
  claims: Claims,
  { cursor, limit, state }: ParsedOf<typeof listOperation>['query'],
): Promise<AnswerOf<typeof listOperation>> {
  const after = decodeCursor(cursor)
  if (after && Number.isNaN(Date.parse(after.key))) throw new ServerError('request_malformed', { detail: 'cursor' })
  const found = await selectDuplicates(database, claims, { state, after, limit: limit + 1 })
  const { rows, ...rest } = toPage(found, limit, ({ foundAtText, id }) => ({ key: foundAtText, id }))
  return { duplicates: await Promise.all(rows.map((row) => toDuplicate(keyring, row))), ...rest }
}

/** One of them. @throws {ServerError} `not_found`, `forbidden`. */
export async function readDuplicate(
  { database, keyring }: DuplicatesDependencies,
  claims: Claims,
  id: string,
): Promise<Duplicate> {
  const [row] = await selectDuplicates(database, claims, { id, limit: 1 })
  if (!row) throw new ServerError('not_found')
  return toDuplicate(keyring, row)
}

async function toDuplicate(keyring: Keyring, row: DuplicateRow): Promise<Duplicate> {
  const { id, evidence, state, foundAt, survivorId, mergedAt, undoUntil } = row
  return {
    id,
    evidence,
    state,
    foundAt: instant(foundAt),
    accounts: await Promise.all(row.accounts.map((account) => toAccount(keyring, account))),
    merge:
      survivorId && mergedAt && undoUntil
        ? { survivor: survivorId, mergedAt: instant(mergedAt), undoUntil: instant(undoUntil) }
        : null,
  }
}

async function toAccount(
  keyring: Keyring,
  { contact, contactShares, personKey, createdAt, lastLoginAt, ...account }: AccountRow,
): Promise<Duplicate['accounts'][number]> {
  return {
    ...account,
    createdAt: instant(new Date(createdAt)),
    lastLoginAt: lastLoginAt && instant(new Date(lastLoginAt)),
    ...maskContact(await openContact(keyring, account.id, contact, personKey), contactShares),
  }
}

/** What does not open is shown as absent: the rest of the evidence stands. */
async function openContact(
  keyring: Keyring,
  userId: string,
  contact: string | null,
  personKey: string | null,
): Promise<VerifiedContact | null> {
  if (contact === null || personKey === null) return null
  try {
    const key = await openPersonKey(keyring, userId, decodeBase64(personKey))
    return await decryptContact(decodeBase64(contact), key, userId)
  } catch (cause) {
    if (cause instanceof CryptoError) return null
    throw cause
  }
}
