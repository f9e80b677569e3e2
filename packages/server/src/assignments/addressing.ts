import { type AssignmentKey, decodeBase64Url, encodeBase64Url, parseHeader } from '@nokkel/crypto'
import { decode } from '../http/decode.ts'
import { ServerError } from '../http/server-error.ts'

/** A wrapped key as it comes over the wire. */
export interface WireKey {
  readonly userId: string
  readonly deviceId: string
  readonly wrappedKey: string
}

/** A device that is active while the transaction lasts. */
export interface HeldDevice {
  readonly id: string
  readonly userId: string
  readonly encryptionThumbprint: string
}

/** @throws {ServerError} `request_malformed`: a device twice, or a wrap that is not one. */
export function parseKeys(keys: readonly WireKey[]): AssignmentKey[] {
  if (new Set(keys.map(({ deviceId }) => deviceId)).size < keys.length) {
    throw new ServerError('request_malformed', { detail: 'keys' })
  }
  return keys.map(({ userId, deviceId, wrappedKey }) => ({ userId, deviceId, wrappedKey: decode(wrappedKey, 'keys') }))
}

/** The persons something is sent to: all that have a key, without the sender, who has one to read their own copy. */
export function recipientsOf(keys: readonly AssignmentKey[], senderId: string): string[] {
  return [...new Set(keys.map(({ userId }) => userId))].filter((userId) => userId !== senderId)
}

/**
 * The persons whose keys do not fit their devices: each recipient has a key for every active device and for no other,
 * each key names the device's own encryption key, and the sender has one for the device in use.
 */
export function findChanged(
  keys: readonly AssignmentKey[],
  recipients: readonly string[],
  devices: readonly HeldDevice[],
  sender: { readonly userId: string; readonly deviceId: string },
): string[] {
  const active = new Map(devices.map((device) => [device.id, device]))
  const changed = new Set<string>()
  for (const { userId, deviceId, wrappedKey } of keys) {
    const device = active.get(deviceId)
    if (device?.userId !== userId || !isSealedTo(wrappedKey, device.encryptionThumbprint)) changed.add(userId)
  }
  const sealed = new Set(keys.map(({ deviceId }) => deviceId))
  for (const device of devices) {
    const needed = recipients.includes(device.userId) || device.id === sender.deviceId
    if (needed && !sealed.has(device.id)) changed.add(device.userId)
  }
  if (!active.has(sender.deviceId)) changed.add(sender.userId)
  return [...changed].sort()
}

function isSealedTo(wrappedKey: Uint8Array, thumbprint: string): boolean {
  const header = parseHeader(wrappedKey)
  return header?.algorithm === 'sealed' && header.keyId === encodeBase64Url(decodeBase64Url(thumbprint).subarray(0, 16))
}
