import type { Database } from '../db/database.ts'
import type { Claims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { ResumePayload, verifyDeviceProof } from './proof.ts'
import { requireLiveSession } from './session.ts'
import { bindSession } from './store.ts'

/** Binds the session to a device of this person, whose id it gives; refused with the reason when the device has ended. */
export async function resumeDevice(database: Database, claims: Claims, proof: string, now: Date): Promise<string> {
  await requireLiveSession(database, claims)
  const { payload, signingThumbprint } = await verifyDeviceProof(proof, 'nokkel-device-resume+jwt', ResumePayload, now)
  if (payload.session !== claims.sid) throw new ServerError('device_proof_invalid')
  return bindSession(database, claims.sid, payload.thumbprint, signingThumbprint)
}
