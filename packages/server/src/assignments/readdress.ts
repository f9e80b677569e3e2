import type { AssignmentSummary, ParsedOf, readdressAssignment as readdressOperation } from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { findChanged, parseKeys } from './addressing.ts'
import { verifyStatement } from './statement.ts'
import { deleteKeys, findOwnDevice, holdDevices, insertKeys, lockSentAssignment, updateStatement } from './store.ts'
import { selectSummary } from './summaries.ts'

/**
 * Seals an assignment to the devices its recipients have now. Content, files and persons stay what they were; a person
 * without a device is left out until there is one. The statement that stands already changes nothing.
 *
 * @throws {ServerError} `revision_stale`: another revision came first. `recipients_changed`: see `data.userIds`.
 * `statement_invalid`: the statement does not fit, or names somebody it was not sent to. `device_required`.
 * `not_found`: not sent by this person. `request_malformed`.
 */
export async function readdressAssignment(
  database: Database,
  claims: Claims,
  id: string,
  body: ParsedOf<typeof readdressOperation>['body'],
): Promise<AssignmentSummary> {
  const { statement } = body
  const keys = parseKeys(body.keys)
  const senderId = claims.sub

  return withClaims(database, claims, async (transaction) => {
    const device = await findOwnDevice(transaction)
    if (!device) throw new ServerError('device_required')
    const sent = await lockSentAssignment(transaction, id, senderId)
    if (!sent) throw new ServerError('not_found')
    if (statement !== sent.statement) {
      const { organizationId, contentDigest, recipients } = sent
      const { revision } = await verifyStatement(
        { statement, id, organizationId, senderUserId: senderId, contentDigest: new Uint8Array(contentDigest), keys },
        device,
      )
      if (revision !== sent.revision + 1) {
        throw new ServerError('revision_stale', { data: { revision: sent.revision } })
      }
      if (keys.some(({ userId }) => userId !== senderId && !recipients.includes(userId))) {
        throw new ServerError('statement_invalid', { detail: 'keys' })
      }
      const devices = await holdDevices(transaction, organizationId, [...recipients, senderId])
      const changed = findChanged(keys, recipients, devices, { userId: senderId, deviceId: device.id })
      if (changed.length > 0) throw new ServerError('recipients_changed', { data: { userIds: changed } })
      await updateStatement(transaction, id, { statement, signerThumbprint: device.signingThumbprint, revision })
      await deleteKeys(transaction, id)
      await insertKeys(transaction, id, body.keys)
    }
    const summary = await selectSummary(transaction, id, senderId)
    if (!summary) throw new ServerError('not_found')
    return summary
  })
}
