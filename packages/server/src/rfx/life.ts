import type { createRfx as createOperation, ParsedOf, Rfx, changeRfxStatus as statusOperation } from '@nokkel/contract'
import { digestOfJws } from '@nokkel/crypto'
import type { Caller } from '../audit/caller.ts'
import type { Database } from '../db/database.ts'
import { ServerError } from '../http/server-error.ts'
import { insertEntry } from './content/write.ts'
import { requireOwnDevice } from './device.ts'
import { hasBegunWith, insertRfx, insertWraps } from './key-store.ts'
import { readRfx } from './read.ts'
import { recorded } from './refusals.ts'
import { deleteRfx, updateDeadline, updateStatus } from './store.ts'
import { parseWraps, verifyWraps } from './wraps.ts'

type StatusChange = ParsedOf<typeof statusOperation>['body']

/**
 * Creates a project with its key and its title, or nothing. The same again changes nothing.
 *
 * @throws {ServerError} `not_found`: not in that company. `conflict`: the id stands for something else.
 * `device_required`, `statement_invalid`, `recipients_changed` or `request_malformed`.
 */
export async function createRfx(
  database: Database,
  caller: Caller,
  { id, companyId, manifest, title }: ParsedOf<typeof createOperation>['body'],
): Promise<Rfx> {
  const { claims, requestId } = caller
  return recorded(database, caller, { action: 'rfx.create', id }, async (transaction) => {
    const parsed = await parseWraps(id, manifest)
    const verified = await verifyWraps(parsed, 'project', claims, await requireOwnDevice(transaction))
    if (await insertRfx(transaction, { id, companyId }, parsed.wraps, requestId)) {
      await insertWraps(transaction, id, verified, parsed.wraps, requestId)
      await insertEntry(transaction, claims, id, title, requestId)
    } else if (!(await hasBegunWith(transaction, id, verified.digest, await digestOfJws(title.statement)))) {
      throw new ServerError('conflict')
    }
    return readRfx(transaction, id)
  })
}

/** @throws {ServerError} `rfx_status`: not a draft. `not_found` or `forbidden`. */
export async function removeRfx(database: Database, caller: Caller, id: string): Promise<void> {
  await recorded(database, caller, { action: 'rfx.delete', id }, (transaction) =>
    deleteRfx(transaction, id, caller.requestId),
  )
}

/**
 * Takes a project to its next stage.
 *
 * @throws {ServerError} `rfx_status`: it is not at the stage before. `sequence_stale`: something was written since.
 * `rekey_pending`, `suppliers_missing`, `openers_missing`, `deadline_passed`, `deadline_not_passed`, `not_found` or
 * `forbidden`.
 */
export async function changeStatus(database: Database, caller: Caller, id: string, change: StatusChange): Promise<Rfx> {
  return recorded(database, caller, { action: `rfx.${change.status}`, id }, async (transaction) => {
    await updateStatus(transaction, id, change, caller.requestId)
    return readRfx(transaction, id)
  })
}

/**
 * @throws {ServerError} `request_malformed`: more than two years ahead. `deadline_passed`, `deadline_shortened`,
 * `openers_missing`, `rfx_status`, `not_found` or `forbidden`: also of who may not name openers, once it is approved.
 */
export async function setDeadline(
  database: Database,
  caller: Caller,
  id: string,
  deadline: string | null,
): Promise<Rfx> {
  return recorded(database, caller, { action: 'rfx.deadline', id }, async (transaction) => {
    await updateDeadline(transaction, id, deadline, caller.requestId)
    return readRfx(transaction, id)
  })
}
