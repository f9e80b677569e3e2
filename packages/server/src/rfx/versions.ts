import type {
  activateRfxVersion as activateOperation,
  beginRfxVersion as beginOperation,
  ParsedOf,
  addRfxWraps as wrapsOperation,
} from '@nokkel/contract'
import type { Caller } from '../audit/caller.ts'
import type { Database } from '../db/database.ts'
import { decode } from '../http/decode.ts'
import { ServerError } from '../http/server-error.ts'
import { requireOwnDevice } from './device.ts'
import type { StoredRevision } from './groups.ts'
import {
  type AttemptPath,
  activateAttempt,
  deleteOwnWrap,
  findGroupKind,
  insertAttempt,
  insertAttemptWraps,
} from './key-store.ts'
import { recorded } from './refusals.ts'
import { parseWraps, verifyWraps } from './wraps.ts'

/**
 * Begins an attempt at the next version.
 *
 * @throws {ServerError} `version_stale`: it is not the next one, see `data.version`. `conflict`: the id stands for
 * something else. `forbidden`: not for those who wrap, or who do not have the present one. `not_found` or
 * `request_malformed`.
 */
export async function beginVersion(
  database: Database,
  caller: Caller,
  groupId: string,
  { attemptId, version, previousKey }: ParsedOf<typeof beginOperation>['body'],
): Promise<void> {
  await recorded(database, caller, { action: 'rfx_key.begin', id: groupId }, (transaction) =>
    insertAttempt(
      transaction,
      { groupId, attemptId, version, previousKey: decode(previousKey, 'previousKey') },
      caller.requestId,
    ),
  )
}

/**
 * Stores wraps of the next version. The same again changes nothing.
 *
 * @throws {ServerError} `version_stale`: somebody left meanwhile, or another attempt was faster; begin again.
 * `manifest_stale`: see `data.revision`. `recipients_changed`: see `data.ownerIds`. `not_found`, `forbidden`,
 * `device_required`, `statement_invalid` or `request_malformed`.
 */
export async function addVersionWraps(
  database: Database,
  caller: Caller,
  { id, attemptId }: AttemptPath,
  body: ParsedOf<typeof wrapsOperation>['body'],
): Promise<StoredRevision> {
  return recorded(database, caller, { action: 'rfx_key.wrap', id }, async (transaction) => {
    const parsed = await parseWraps(id, body)
    const kind = await findGroupKind(transaction, id)
    if (!kind) throw new ServerError('not_found')
    const verified = await verifyWraps(parsed, kind, caller.claims, await requireOwnDevice(transaction))
    await insertAttemptWraps(transaction, id, attemptId, verified, parsed.wraps, caller.requestId)
    const { version, revision } = verified
    return { version, revision }
  })
}

/**
 * Puts the next version in force. Those omitted need no wrap; they wait for one then.
 *
 * @throws {ServerError} `recipients_changed`: `data.missing` have no wrap yet; with anyone in `data.surplus` the attempt
 * cannot become right. `version_stale`: somebody left meanwhile, another attempt was faster, or somebody was wrapped to
 * in the present version; begin again. `not_found` or `forbidden`.
 */
export async function activateVersion(
  database: Database,
  caller: Caller,
  path: AttemptPath,
  { omitted }: ParsedOf<typeof activateOperation>['body'],
): Promise<{ version: number }> {
  return recorded(database, caller, { action: 'rfx_key.activate', id: path.id }, async (transaction) => ({
    version: await activateAttempt(transaction, path, omitted, caller.requestId),
  }))
}

/**
 * Takes away the person's own wrap of the present version, because it does not open. Again, it changes nothing.
 *
 * @throws {ServerError} `version_stale`: it is not the present version, see `data.version`. `not_found`: not in the group.
 */
export async function reportBrokenWrap(
  database: Database,
  caller: Caller,
  groupId: string,
  version: number,
): Promise<void> {
  await recorded(database, caller, { action: 'rfx_key.broken', id: groupId }, (transaction) =>
    deleteOwnWrap(transaction, groupId, version, caller.requestId),
  )
}
