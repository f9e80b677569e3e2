import type { DeviceKeys, Thumbprint } from '@nokkel/crypto'
import type { SecureStorage } from '../storage/secure-storage.ts'

/** Keys in storage, made for a login and not yet those of a device. */
export interface StoredKeys {
  readonly keys: DeviceKeys
}

/** A registered device of this person in this browser. */
export interface DeviceRecord extends StoredKeys {
  readonly deviceId: string
  readonly encryptionThumbprint: Thumbprint
  readonly signingThumbprint: Thumbprint
  readonly registeredAt: string
}

export const loginKeyName = 'login_key_v1'

export function deviceName(userId: string): `device_v1.${string}` {
  return `device_v1.${userId}`
}

export async function readDevice(storage: SecureStorage, userId: string): Promise<DeviceRecord | undefined> {
  return (await storage.get(deviceName(userId))) as DeviceRecord | undefined
}
