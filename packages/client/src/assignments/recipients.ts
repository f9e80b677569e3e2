import type { Member } from '@nokkel/contract'
import { type AssignmentRecipient, exportPublicJwk } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { OwnKeys } from '../keys/key-management-service.ts'

/**
 * Every active device of these people and of the sender. The key of the sender's own device is the one in this device's
 * storage, whatever the directory says.
 */
export async function recipientsOf(own: OwnKeys, members: readonly Member[]): Promise<AssignmentRecipient[]> {
  const listed = members.flatMap(({ id, devices }) =>
    devices.map((device) => ({ userId: id, deviceId: device.id, encryptionKey: device.encryptionKey })),
  )
  const encryptionKey = await exportPublicJwk(own.keys.encryption.publicKey)
  return [
    { userId: own.userId, deviceId: own.deviceId, encryptionKey },
    ...listed.filter(({ deviceId }) => deviceId !== own.deviceId),
  ]
}

/** @throws {NokkelError} `recipient_without_device`: `data.userIds` names those who cannot be sealed to. */
export function assertReachable(userIds: readonly string[], members: readonly Member[]): void {
  const reachable = new Set(members.filter(({ devices }) => devices.length > 0).map(({ id }) => id))
  const missing = userIds.filter((id) => !reachable.has(id))
  if (missing.length > 0) throw new NokkelError('recipient_without_device', { data: { userIds: missing } })
}
