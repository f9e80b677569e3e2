import * as contract from '@nokkel/contract'
import { callerOf } from '../audit/caller.ts'
import type { Database } from '../db/database.ts'
import type { Api } from '../http/api.ts'
import { createChallenge } from './challenge.ts'
import { enroll, readEnrollment, removeEnrollment } from './enrollment.ts'
import { createRelyingParties } from './relying-party.ts'
import { unlockSession } from './unlock.ts'

export interface BiometricsDependencies {
  readonly database: Database
  readonly publicUrl: string
  readonly allowedOrigins: readonly string[]
  readonly production: boolean
}

export function registerBiometrics(
  api: Api,
  { database, publicUrl, allowedOrigins, production }: BiometricsDependencies,
): void {
  const relyingParties = createRelyingParties(publicUrl, allowedOrigins, production)
  const dependencies = { database, relyingParties }
  api.implement(contract.getBiometricEnrollment, async ({ claims }) => ({
    enrollment: await readEnrollment(database, claims),
  }))
  api.implement(contract.enrollBiometrics, (request) =>
    enroll(dependencies, callerOf(request), request.context.req.header('origin')),
  )
  api.implement(contract.removeBiometrics, (request) => removeEnrollment(database, callerOf(request)))
  api.implement(contract.createUnlockChallenge, ({ body: { sessionId }, thumbprint, context }) =>
    createChallenge(dependencies, { sessionId, thumbprint }, context.req.header('origin')),
  )
  api.implement(contract.unlockSession, ({ body: { sessionId, credential }, thumbprint, context }) =>
    unlockSession(dependencies, { sessionId, thumbprint }, credential, context.get('requestId') as string),
  )
}
