import type { AssignmentSummary, ParsedOf, sendAssignment as sendOperation } from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import { decode } from '../http/decode.ts'
import { ServerError } from '../http/server-error.ts'
import { findChanged, parseKeys, recipientsOf } from './addressing.ts'
import { verifyStatement } from './statement.ts'
import {
  attachFiles,
  findOwnDevice,
  holdDevices,
  insertAssignment,
  insertKeys,
  insertRecipients,
  isSameAssignment,
} from './store.ts'
import { selectSummary } from './summaries.ts'

/**
 * Sends an assignment, all of it or nothing. The same one again changes nothing.
 *
 * @throws {ServerError} `device_required`: the session has no device. `statement_invalid`: the signed statement does not
 * fit. `recipients_changed`: see `data.userIds`. `blob_incomplete`: see `data.blobIds`. `conflict`: the id stands for
 * something else. `forbidden`: for members. `request_malformed`.
 */
export async function sendAssignment(
  database: Database,
  claims: Claims,
  body: ParsedOf<typeof sendOperation>['body'],
): Promise<AssignmentSummary> {
  const { id, statement } = body
  const blobs = [...new Set(body.blobs)]
  const content = decode(body.content, 'content')
  const keys = parseKeys(body.keys)
  const recipients = recipientsOf(keys, claims.sub)
  if (recipients.length === 0) throw new ServerError('request_malformed', { detail: 'keys' })

  return withClaims(database, claims, async (transaction) => {
    const device = await findOwnDevice(transaction)
    if (!device) throw new ServerError('device_required')
    const { organization: organizationId, sub: senderId } = claims
    const { revision } = await verifyStatement(
      { statement, id, organizationId, senderUserId: senderId, content, keys },
      device,
    )
    if (revision !== 1) throw new ServerError('statement_invalid', { detail: 'revision' })

    const signerThumbprint = device.signingThumbprint
    const assignment = { id, organizationId, senderId, content, statement, signerThumbprint, fileCount: blobs.length }
    if (await insertAssignment(transaction, assignment)) {
      const devices = await holdDevices(transaction, organizationId, [...recipients, senderId])
      const changed = findChanged(keys, recipients, devices, { userId: senderId, deviceId: device.id })
      if (changed.length > 0) throw new ServerError('recipients_changed', { data: { userIds: changed } })
      await insertRecipients(transaction, id, recipients)
      await insertKeys(transaction, id, body.keys)
      if (blobs.length > 0) {
        const complete = await attachFiles(transaction, assignment, blobs)
        const incomplete = blobs.filter((blob) => !complete.includes(blob))
        if (incomplete.length > 0) throw new ServerError('blob_incomplete', { data: { blobIds: incomplete } })
      }
    } else if (!(await isSameAssignment(transaction, assignment))) {
      throw new ServerError('conflict')
    }
    const summary = await selectSummary(transaction, id, senderId)
    if (!summary) throw new ServerError('not_found')
    return summary
  })
}
