import type { Contact, PersonalDataExport } from '@nokkel/contract'
import { CryptoError, decodeBase64, type EnvelopeKey, encodeBase64Url } from '@nokkel/crypto'
import type { Caller } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import { decryptContact } from '../auth/contact-store.ts'
import { openPersonKey } from '../auth/person-key.ts'
import type { Database } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { describeFailure, type Logger } from '../http/logger.ts'
import { decryptPersonnummer, maskPersonnummer, sealPersonnummer } from '../identity/personnummer-envelope.ts'
import type { Keyring } from '../keyring/keyring.ts'
import { type ExportNote, exportNotes, notes } from './export-notes.ts'
import { type ExportRow, exportRow } from './store.ts'

export interface ExportDependencies {
  readonly database: Database
  readonly keyring: Keyring
  readonly logger: Logger
  readonly now: () => Date
}

/**
 * Gives a person everything that is held on them. What is under their key is opened; the number only for the device that asks. What is
 * held and not given stands in the notes.
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
  const opener = createOpener(keyring, logger)
  const contact = await openContact(opener, row, sub)
  const sealedPersonnummer = await sealNumber(opener, row, sub)
  const offers = await maskOffers(opener, row)
  const told = [
    ...exportNotes,
    ...(row.contact !== null && contact === null ? [notes.contactUnreadable] : []),
    ...(row.personnummer !== null && sealedPersonnummer === null
      ? [row.deviceId === null ? notes.numberWithoutDevice : notes.numberUnreadable]
      : []),
    ...(offers.length > 0 ? [notes.offered] : []),
    ...(row.data.account_merge?.length ? [notes.merged] : []),
  ] satisfies ExportNote[]
  return {
    format: 'nokkel/export/v1',
    exportedAt: instant(now()),
    userId: sub,
    contact,
    sealedPersonnummer,
    data: { notes: told.map((note) => ({ ...note })), ...row.data, offered_personnummer: offers },
  }
}

/** Opens what is under the key of a person; `null`, and an entry in the log, where something does not open. */
type Opener = <T>(
  event: 'contact_unreadable' | 'personnummer_unreadable',
  owner: { readonly userId: string; readonly wrappedKey: Uint8Array | null },
  open: (key: EnvelopeKey) => Promise<T>,
) => Promise<T | null>

function createOpener(keyring: Keyring, logger: Logger): Opener {
  return async (event, { userId, wrappedKey }, open) => {
    if (wrappedKey === null) return null
    try {
      return await open(await openPersonKey(keyring, userId, new Uint8Array(wrappedKey)))
    } catch (cause) {
      if (!(cause instanceof CryptoError)) throw cause
      logger({ level: 'error', event, error: describeFailure(cause) })
      return null
    }
  }
}

async function openContact(
  opener: Opener,
  { contact, contactUpdatedAt, wrappedKey }: ExportRow,
  userId: string,
): Promise<Contact | null> {
  if (contact === null || contactUpdatedAt === null) return null
  return opener('contact_unreadable', { userId, wrappedKey }, async (key) => ({
    ...(await decryptContact(new Uint8Array(contact), key, userId)),
    updatedAt: instant(contactUpdatedAt),
  }))
}

async function sealNumber(
  opener: Opener,
  { personnummer, deviceId, encryptionKey, wrappedKey }: ExportRow,
  userId: string,
): Promise<string | null> {
  if (personnummer === null || deviceId === null || encryptionKey === null) return null
  const opened = await opener('personnummer_unreadable', { userId, wrappedKey }, (key) =>
    decryptPersonnummer(new Uint8Array(personnummer), key, 'kept', userId),
  )
  return opened && encodeBase64Url(await sealPersonnummer(opened, { id: deviceId, encryptionKey }, userId))
}

/** The rows of what is offered, each with the number as it is shown. */
async function maskOffers(opener: Opener, { data, offers }: ExportRow): Promise<Record<string, unknown>[]> {
  return Promise.all(
    (data.offered_personnummer ?? []).map(async (row) => {
      const offer = offers.find(({ userId }) => userId === row.user_id)
      if (!offer) return { ...row, masked: null }
      const { userId, personnummer, wrappedKey } = offer
      const opened = await opener(
        'personnummer_unreadable',
        { userId, wrappedKey: wrappedKey === null ? null : decodeBase64(wrappedKey) },
        (key) => decryptPersonnummer(decodeBase64(personnummer), key, 'offered', userId),
      )
      return { ...row, masked: opened && maskPersonnummer(opened) }
    }),
  )
}
