import type { Assignment, AssignmentSummary, Member } from '@nokkel/contract'
import { type AddressedAssignment, CryptoError, decodeBase64Url, readdressAssignment } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { OwnKeys } from '../keys/key-management-service.ts'
import { type AssignmentTools, readerOf, wireKey, withCurrentDevices } from './assignment-tools.ts'
import { knownSigners } from './known-signers.ts'
import { assertReachable, recipientsOf } from './recipients.ts'

export async function resendAssignment(tools: AssignmentTools, id: string): Promise<AssignmentSummary> {
  const { call, members, own } = tools
  const keys = await own()
  return withCurrentDevices(async () => {
    const assignment = await call('getAssignment', { params: { id } })
    const { deliveries = [], key } = assignment
    if (assignment.sender.id !== keys.userId || !key) throw new NokkelError('own_copy_unreadable')
    const userIds = deliveries.map(({ userId }) => userId)
    const people = await members.lookup([...userIds, keys.userId])
    const reachable = people.some((person) => person.id !== keys.userId && person.devices.length > 0)
    if (!reachable) assertReachable(userIds, people)
    const { statement, keys: wraps } = await readdress(tools, id, assignment, key.wrappedKey, keys, people)
    return await call('readdressAssignment', { params: { id }, body: { statement, keys: wraps.map(wireKey) } })
  })
}

async function readdress(
  { me, storage, now }: AssignmentTools,
  id: string,
  assignment: Assignment,
  wrappedKey: string,
  keys: OwnKeys,
  people: readonly Member[],
): Promise<AddressedAssignment> {
  const { organization } = await me()
  const trustedSigners = await knownSigners(storage, keys.userId, keys.userId)
  try {
    return await readdressAssignment({
      id,
      organizationId: organization.id,
      sender: { userId: keys.userId, deviceId: keys.deviceId, signing: keys.keys.signing },
      content: decodeBase64Url(assignment.content),
      statement: assignment.statement,
      own: readerOf(keys, wrappedKey),
      recipients: await recipientsOf(keys, people),
      trustedSigners,
      now,
    })
  } catch (cause) {
    if (!(cause instanceof CryptoError || cause instanceof TypeError)) throw cause
    const untrusted = cause instanceof CryptoError && cause.code === 'signature_invalid'
    throw new NokkelError(untrusted ? 'signature_untrusted' : 'own_copy_unreadable', { cause })
  }
}
