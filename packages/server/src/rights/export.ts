import type { Contact, PersonalDataExport } from '@nokkel/contract'
import { CryptoError, type EnvelopeKey, encodeBase64Url } from '@nokkel/crypto'
import type { Caller } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import { decryptContact } from '../auth/contact-store.ts'
import { openPersonKey } from '../auth/person-key.ts'
import type { Database } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { describeFailure, type Logger } from '../http/logger.ts'
import { decryptPersonnummer, sealPersonnummer } from '../identity/personnummer-envelope.ts'
import type { Keyring } from '../keyring/keyring.ts'
import { exportNotes } from './export-notes.ts'
import { type ExportRow, exportRow } from './store.ts'

export interface ExportDependencies {
  readonly database: Database
  readonly keyring: Keyring
  readonly logger: Logger
  readonly now: () => Date
}

/**
 * Gives a person everything that is held on them. What is under their key is opened; the number only for the device that asks.
 *
 * @throws {ServerError} `login_too_old`: they logged in more than five minutes ago; or what is told of a session that is not live.
 */
export async function exportPersonalData(
  { database, keyring, logger, now }: ExportDependencies,
  caller: Caller,
): Promise<PersonalDataExport> {
  const { sub } = caller.claims
  const subject = { action: 'person.export', type: 'person', id: null }
  const row = await recordRefusal(database, caller, subject, () => exportRow(database, caller))
  const exported = {
    format: 'nokkel/export/v1',
    exportedAt: instant(now()),
    userId: sub,
    data: { notes: exportNotes.map((note) => ({ ...note })), ...row.data },
  } as const
  if (row.wrappedKey === null) return { ...exported, contact: null, sealedPersonnummer: null }
  const key = await openPersonKey(keyring, sub, new Uint8Array(row.wrappedKey))
  return {
    ...exported,
    contact: await openContact(logger, row, key, sub),
    sealedPersonnummer: await sealNumber(row, key, sub),
  }
}

async function openContact(
  logger: Logger,
  { contact, contactUpdatedAt }: ExportRow,
  key: EnvelopeKey,
  userId: string,
): Promise<Contact | null> {
  if (contact === null || contactUpdatedAt === null) return null
  try {
    const opened = await decryptContact(new Uint8Array(contact), key, userId)
    return { ...opened, updatedAt: instant(contactUpdatedAt) }
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    logger({ level: 'error', event: 'contact_unreadable', error: describeFailure(cause) })
    return null
  }
}

async function sealNumber(
  { personnummer, deviceId, encryptionKey }: ExportRow,
  key: EnvelopeKey,
  userId: string,
): Promise<string | null> {
  if (personnummer === null || deviceId === null || encryptionKey === null) return null
  const opened = await decryptPersonnummer(new Uint8Array(personnummer), key, 'kept', userId)
  return encodeBase64Url(await sealPersonnummer(opened, { id: deviceId, encryptionKey }, userId))
}
