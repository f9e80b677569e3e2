import type {
  AnswerOf,
  addRfxEntry as addOperation,
  moveContentKeys as moveOperation,
  ParsedOf,
  RfxEntry,
} from '@nokkel/contract'
import { verifyRfxEntry } from '@nokkel/crypto'
import type { Caller } from '../../audit/caller.ts'
import { recordRefusal } from '../../audit/record.ts'
import type { Database, Transaction } from '../../db/database.ts'
import { type Claims, withClaims } from '../../db/with-claims.ts'
import { decode } from '../../http/decode.ts'
import { ServerError } from '../../http/server-error.ts'
import { requireOwnDevice, requireOwnSigner } from '../device.ts'
import { verifiedRevision } from '../statement.ts'
import { readEntry } from './read.ts'
import { insertEntry as insertStored, updateContentKeys } from './store.ts'

/** An entry as it comes over the wire. */
export type NewEntry = ParsedOf<typeof addOperation>['body']

/**
 * Verifies an entry and writes it, within a transaction of the person. The same again changes nothing.
 *
 * @throws {ServerError} `request_malformed`. `device_required`. `statement_invalid`: what is signed does not fit, or not
 * by this device. `not_found`: not in the project, or no such document. `forbidden` and `rfx_status`: not for this
 * role, or not at this stage. `rekey_pending`. `version_stale`. `sequence_stale` and `revision_stale`: something else
 * was written before. `conflict`: the object is something else. `blob_incomplete`: see `data.blobIds`.
 */
export async function insertEntry(
  transaction: Transaction,
  claims: Claims,
  rfxId: string,
  entry: NewEntry,
  requestId: string,
): Promise<void> {
  const { sequence, statement } = entry
  const content = entry.content === null ? null : decode(entry.content, 'content')
  const wrappedKey = entry.wrappedKey === null ? null : decode(entry.wrappedKey, 'wrappedKey')
  if ((content === null) !== (wrappedKey === null)) throw new ServerError('request_malformed', { detail: 'wrappedKey' })
  const device = await requireOwnDevice(transaction)
  const organizationId = claims.organization
  const entryVerified = await verifiedRevision(verifyRfxEntry({ statement, organizationId, rfxId, sequence, content }))
  requireOwnSigner(entryVerified.author, claims, device)
  await insertStored(transaction, { ...entry, rfxId, content, wrappedKey }, entryVerified, requestId)
}

/** @throws {ServerError} As {@link insertEntry}. */
export async function addEntry(database: Database, caller: Caller, rfxId: string, entry: NewEntry): Promise<RfxEntry> {
  const { claims, requestId } = caller
  const subject = { action: 'rfx_entry.create', type: 'rfx_entry', id: `${rfxId}/${entry.sequence}` }
  return recordRefusal(database, caller, subject, () =>
    withClaims(database, claims, async (transaction) => {
      await insertEntry(transaction, claims, rfxId, entry, requestId)
      return readEntry(transaction, rfxId, entry.sequence)
    }),
  )
}

/** @throws {ServerError} `not_found`, `forbidden` or `version_stale`. */
export async function moveContentKeys(
  database: Database,
  caller: Caller,
  rfxId: string,
  { version, keys }: ParsedOf<typeof moveOperation>['body'],
): Promise<AnswerOf<typeof moveOperation>> {
  const moved = keys.map((key) => ({
    sequence: key.sequence,
    old: decode(key.old, 'keys'),
    new: decode(key.new, 'keys'),
  }))
  const subject = { action: 'rfx_entry.rewrap', type: 'rfx_key_version', id: `${rfxId}/${version}` }
  return recordRefusal(database, caller, subject, () =>
    withClaims(database, caller.claims, async (transaction) => ({
      moved: await updateContentKeys(transaction, rfxId, { version, keys: moved }, caller.requestId),
    })),
  )
}
