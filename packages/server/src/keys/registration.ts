import type { Device } from '@nokkel/contract'
import { CryptoError, calculateThumbprint, decodeBase64Url, type PublicJwk } from '@nokkel/crypto'
import type { Database } from '../db/database.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { RegistrationPayload, verifyDeviceProof } from './proof.ts'
import { requireLiveSession } from './session.ts'
import { insertDevice, selectDevices, takeChallenge } from './store.ts'

/**
 * Registers a device that signed the challenge with one key and opened the nonce with the other. The challenge is spent
 * by the first attempt that names it, whatever becomes of the attempt.
 */
export async function registerDevice(
  database: Database,
  claims: Claims,
  registration: string,
  now: Date,
): Promise<Device> {
  await requireLiveSession(database, claims)
  const proof = await verifyDeviceProof(registration, 'nokkel-device+jwt', RegistrationPayload, now)
  const { payload, signingKey, signingThumbprint } = proof
  const taken = await takeChallenge(database, claims.sid, payload.id)
  if (!taken) throw new ServerError('device_challenge_unknown')

  const encryptionThumbprint = await thumbprintOf(payload.encryptionKey)
  const nonceHash = new Uint8Array(await crypto.subtle.digest('SHA-256', decode(payload.nonce)))
  const proven =
    payload.user === claims.sub &&
    payload.session === claims.sid &&
    encryptionThumbprint === taken.encryptionThumbprint &&
    equal(decode(payload.challenge), taken.challenge) &&
    equal(nonceHash, taken.nonceHash)
  if (!proven) throw new ServerError('device_proof_invalid')

  await insertDevice(database, {
    sessionId: claims.sid,
    name: payload.name,
    encryptionKey: payload.encryptionKey,
    encryptionThumbprint,
    signingKey,
    signingThumbprint,
    registration,
    replaces: payload.replaces,
  })
  const devices = await withClaims(database, claims, selectDevices)
  const device = devices.find(({ current }) => current)
  if (!device) throw new ServerError('conflict')
  return device
}

async function thumbprintOf(jwk: PublicJwk): Promise<string> {
  try {
    return await calculateThumbprint(jwk)
  } catch (cause) {
    if (cause instanceof CryptoError) throw new ServerError('device_proof_invalid', { cause })
    throw cause
  }
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  try {
    return decodeBase64Url(text)
  } catch (cause) {
    throw new ServerError('device_proof_invalid', { cause })
  }
}

/** In a time that tells nothing of where they differ. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.byteLength ^ b.byteLength
  for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] ?? 0)
  return difference === 0
}
