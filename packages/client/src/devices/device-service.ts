import type { Device } from '@nokkel/contract'
import { formatFingerprint, type Thumbprint } from '@nokkel/crypto'
import type { Call } from '../http/api.ts'

/** A device as its owner sees it. */
export interface DeviceView extends Device {
  /** Of its encryption key: 30 digits in 6 groups, to compare by telephone. */
  readonly encryptionFingerprint: string
  /** Of its signing key, the same way; the one recipients see. */
  readonly fingerprint: string
}

/** The devices of the person who is logged in. */
export interface DeviceService {
  /** All of them, ended ones included, this one marked `current`. */
  list(): Promise<DeviceView[]>
  /** Ends a device and its sessions at once; ending this one logs out and deletes its keys. */
  revoke(id: string): Promise<void>
}

export function createDeviceService(call: Call, endThisSession: () => Promise<void>): DeviceService {
  const list = async () => (await call('listDevices', {})).devices.map(viewOf)
  return {
    list,
    async revoke(id) {
      const isThis = (await list()).some((device) => device.id === id && device.current)
      await call('revokeDevice', { params: { id } })
      if (isThis) await endThisSession()
    },
  }
}

function viewOf(device: Device): DeviceView {
  return {
    ...device,
    encryptionFingerprint: formatFingerprint(device.encryptionThumbprint as Thumbprint),
    fingerprint: formatFingerprint(device.signingThumbprint as Thumbprint),
  }
}
