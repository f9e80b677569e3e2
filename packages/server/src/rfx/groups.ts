import type {
  createRfxGroup as createOperation,
  ParsedOf,
  RfxGroup,
  addRfxWraps as wrapsOperation,
} from '@nokkel/contract'
import type { Caller } from '../audit/caller.ts'
import type { Database, Transaction } from '../db/database.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { requireOwnDevice } from './device.ts'
import { findGroupKind, insertGroup, insertWraps, selectGroups } from './key-store.ts'
import { recorded } from './refusals.ts'
import { parseWraps, verifyWraps } from './wraps.ts'

type SignedWraps = ParsedOf<typeof wrapsOperation>['body']

/** A revision that is stored. */
export interface StoredRevision {
  readonly version: number
  readonly revision: number
}

/**
 * Makes the group that opens bids, or that of a company that bids, with its key. One that is there already stays as it
 * is, and is given.
 *
 * @throws {ServerError} `conflict`: the id stands for something else, or there is one that the person is not in.
 * `not_found`, `forbidden`, `device_required`, `statement_invalid`, `recipients_changed` or `request_malformed`.
 */
export async function createGroup(
  database: Database,
  caller: Caller,
  rfxId: string,
  { groupId, kind, companyId, manifest }: ParsedOf<typeof createOperation>['body'],
): Promise<RfxGroup> {
  const { claims, requestId } = caller
  return recorded(database, caller, { action: 'rfx_group.create', id: rfxId }, async (transaction) => {
    const parsed = await parseWraps(groupId, manifest)
    const verified = await verifyWraps(parsed, kind, claims, await requireOwnDevice(transaction))
    const id = await insertGroup(transaction, { groupId, rfxId, kind, companyId }, parsed.wraps, requestId)
    const before = await readGroup(transaction, id)
    if (before.manifest.length > 0) return before
    if (id !== groupId) throw new ServerError('conflict')
    await insertWraps(transaction, id, verified, parsed.wraps, requestId)
    return readGroup(transaction, id)
  })
}

/** @throws {ServerError} `not_found`: it does not concern the person. */
export async function getGroup(database: Database, claims: Claims, groupId: string): Promise<RfxGroup> {
  return withClaims(database, claims, (transaction) => readGroup(transaction, groupId))
}

async function readGroup(transaction: Transaction, groupId: string): Promise<RfxGroup> {
  const [group] = await selectGroups(transaction, { groupId })
  if (!group) throw new ServerError('not_found')
  return group
}

/**
 * Stores wraps with the next revision of the manifest of the present version. The same again changes nothing.
 *
 * @throws {ServerError} `manifest_stale`: another revision came first, see `data.revision`. `version_stale`: see
 * `data.version`. `rekey_pending`. `recipients_changed`: see `data.ownerIds`; they are not in the group as this, their
 * key is another, or they have a wrap already. `not_found`, `forbidden`, `device_required`, `statement_invalid` or
 * `request_malformed`.
 */
export async function addWraps(
  database: Database,
  caller: Caller,
  groupId: string,
  body: SignedWraps,
): Promise<StoredRevision> {
  const { claims, requestId } = caller
  return recorded(database, caller, { action: 'rfx_key.wrap', id: groupId }, async (transaction) => {
    const parsed = await parseWraps(groupId, body)
    const kind = await findGroupKind(transaction, groupId)
    if (!kind) throw new ServerError('not_found')
    const verified = await verifyWraps(parsed, kind, claims, await requireOwnDevice(transaction))
    await insertWraps(transaction, groupId, verified, parsed.wraps, requestId)
    const { version, revision } = verified
    return { version, revision }
  })
}
