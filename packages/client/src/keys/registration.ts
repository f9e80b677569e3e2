import type { Device } from '@nokkel/contract'
import {
  type Clock,
  calculateThumbprint,
  type DeviceKeys,
  decodeBase64Url,
  encodeBase64Url,
  exportPublicJwk,
  open,
  signJws,
} from '@nokkel/crypto'
import type { Call } from '../http/api.ts'
import type { SessionRecord } from '../session/auth-token-store.ts'
import type { DeviceRecord } from './device-record.ts'

interface Registration {
  readonly call: Call
  readonly session: SessionRecord
  readonly keys: DeviceKeys
  readonly now: Clock
}

/** Registers both public keys: signs the server's challenge and shows that a nonce sealed to the encryption key opens. */
export async function registerDevice(
  registration: Registration & { readonly name: string; readonly replaces: boolean },
): Promise<{ device: Device; record: DeviceRecord }> {
  const { call, session, keys, now, name, replaces } = registration
  const options = { ofSession: session.sessionId }
  const encryptionKey = await exportPublicJwk(keys.encryption.publicKey)
  const { id, challenge, sealedNonce } = await call('createDeviceChallenge', { body: { encryptionKey } }, options)
  const context = {
    purpose: 'device-registration',
    table: 'device_key',
    column: 'nonce',
    row: id,
    owner: session.userId,
  }
  const nonce = await open(decodeBase64Url(sealedNonce), keys.encryption, context)
  const payload = {
    v: 1,
    id,
    challenge,
    nonce: encodeBase64Url(nonce),
    user: session.userId,
    session: session.sessionId,
    encryptionKey,
    suites: [2],
    name,
    replaces,
    iat: seconds(now),
  }
  const proof = await signJws(payload, keys.signing, 'nokkel-device+jwt')
  const device = await call('registerDevice', { body: { registration: proof } }, options)
  return { device, record: await recordOf(device.id, keys, device.registeredAt) }
}

/** Binds the session to a device registered before, signed by that device over the key the session is bound to now. */
export async function resumeDevice(resumption: Registration & { readonly device: DeviceRecord }): Promise<void> {
  const { call, session, keys, now, device } = resumption
  const thumbprint = await calculateThumbprint(await exportPublicJwk(keys.signing.publicKey))
  const payload = { session: session.sessionId, thumbprint, iat: seconds(now) }
  const proof = await signJws(payload, device.keys.signing, 'nokkel-device-resume+jwt')
  const notOfSession = ['device_superseded', 'device_revoked'] as const
  await call('resumeDevice', { body: { proof } }, { ofSession: session.sessionId, notOfSession })
}

/** The record of a registration whose answer never arrived, if these keys are those of the session's device. */
export async function adoptDevice(
  call: Call,
  { sessionId }: SessionRecord,
  keys: DeviceKeys,
): Promise<DeviceRecord | undefined> {
  const { devices } = await call('listDevices', {}, { ofSession: sessionId })
  const current = devices.find((device) => device.current)
  const record = current && (await recordOf(current.id, keys, current.registeredAt))
  const own =
    record?.encryptionThumbprint === current?.encryptionThumbprint &&
    record?.signingThumbprint === current?.signingThumbprint
  return own ? record : undefined
}

async function recordOf(deviceId: string, keys: DeviceKeys, registeredAt: string): Promise<DeviceRecord> {
  const [encryptionThumbprint, signingThumbprint] = (await Promise.all(
    [keys.encryption, keys.signing].map(async ({ publicKey }) => calculateThumbprint(await exportPublicJwk(publicKey))),
  )) as [DeviceRecord['encryptionThumbprint'], DeviceRecord['signingThumbprint']]
  return { deviceId, keys, encryptionThumbprint, signingThumbprint, registeredAt }
}

function seconds(now: Clock): number {
  return Math.floor(now().getTime() / 1000)
}
