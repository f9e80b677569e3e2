import type { BiometricEnrollment } from '@nokkel/contract'
import type { Caller } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import type { Database } from '../db/database.ts'
import { instant, optionalInstant } from '../db/instant.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import type { RelyingParties } from './relying-party.ts'
import { deleteEnrollment, type EnrollmentRow, insertEnrollment, selectEnrollment } from './store.ts'

export interface EnrollmentDependencies {
  readonly database: Database
  readonly relyingParties: RelyingParties
}

/** Of the device of this session; `null` where it has none or is not enrolled. */
export async function readEnrollment(database: Database, claims: Claims): Promise<BiometricEnrollment | null> {
  const row = await withClaims(database, claims, selectEnrollment)
  return row ? describe(row) : null
}

/**
 * Records that the person wants biometrics on the device of this session. Asked again it answers the same; a credential
 * older than the login is given up, so that a lost one is made anew.
 *
 * @param origin - Of the page that asks, which is where it is going to be used.
 * @throws {ServerError} `biometrics_unavailable`: it could never be used there; `device_required` or `login_too_old`.
 */
export async function enroll(
  { database, relyingParties }: EnrollmentDependencies,
  caller: Caller,
  origin: string | undefined,
): Promise<BiometricEnrollment> {
  const { claims, requestId } = caller
  const userHandle = crypto.getRandomValues(new Uint8Array(32))
  return recordRefusal(database, caller, { action: 'biometrics.enroll', type: 'session', id: claims.sid }, async () => {
    relyingParties.ofPage(origin)
    return withClaims(database, claims, async (transaction) => {
      await insertEnrollment(transaction, userHandle, requestId)
      const row = await selectEnrollment(transaction)
      if (!row) throw new ServerError('conflict')
      return describe(row)
    })
  })
}

/** @throws {ServerError} `biometrics_not_enrolled` or `login_too_old`. */
export async function removeEnrollment(database: Database, caller: Caller): Promise<void> {
  const { claims, requestId } = caller
  await recordRefusal(database, caller, { action: 'biometrics.remove', type: 'session', id: claims.sid }, () =>
    withClaims(database, claims, (transaction) => deleteEnrollment(transaction, requestId)),
  )
}

function describe({
  userId,
  deviceId,
  enrolledAt,
  createdAt,
  lastUsedAt,
  backedUp,
}: EnrollmentRow): BiometricEnrollment {
  return {
    userId,
    deviceId,
    enrolledAt: instant(enrolledAt),
    credential: createdAt && {
      createdAt: instant(createdAt),
      lastUsedAt: optionalInstant(lastUsedAt),
      backedUp: backedUp === true,
    },
  }
}
