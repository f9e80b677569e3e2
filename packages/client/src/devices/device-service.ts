import type { Device } from '@nokkel/contract'
import { formatFingerprint, type Thumbprint } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { Call } from '../http/api.ts'
import type { SessionManager } from '../session/session-manager.ts'

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

export function createDeviceService(call: Call, session: Pick<SessionManager, 'read' | 'end'>): DeviceService {
  return {
    list: async () => (await call('listDevices', {})).devices.map(viewOf),
    async revoke(id) {
      const record = await session.read()
      if (!record) throw new NokkelError('signed_out')
      const ofSession = record.sessionId
      const { devices } = await call('listDevices', {}, { ofSession })
      await call('revokeDevice', { params: { id } }, { ofSession })
      const isThis = devices.some((device) => device.id === id && device.current)
      if (isThis) await session.end('device_revoked', ofSession)
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
