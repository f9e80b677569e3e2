import * as contract from '@nokkel/contract'
import { callerOf } from '../audit/caller.ts'
import type { Database } from '../db/database.ts'
import type { Api } from '../http/api.ts'
import { createChallenge } from './challenge.ts'
import { enroll, readEnrollment, removeEnrollment } from './enrollment.ts'
import { createRelyingParty } from './relying-party.ts'
import { unlockSession } from './unlock.ts'

export interface BiometricsDependencies {
  readonly database: Database
  readonly publicUrl: string
  readonly allowedOrigins: readonly string[]
}

export function registerBiometrics(api: Api, { database, publicUrl, allowedOrigins }: BiometricsDependencies): void {
  const dependencies = { database, relyingParty: createRelyingParty(publicUrl, allowedOrigins) }
  api.implement(contract.getBiometricEnrollment, async ({ claims }) => ({
    enrollment: await readEnrollment(database, claims),
  }))
  api.implement(contract.enrollBiometrics, (request) => enroll(database, callerOf(request)))
  api.implement(contract.removeBiometrics, async (request) => {
    await removeEnrollment(database, callerOf(request))
    return undefined
  })
  api.implement(contract.createUnlockChallenge, ({ body: { sessionId }, thumbprint }) =>
    createChallenge(dependencies, { sessionId, thumbprint }),
  )
  api.implement(contract.unlockSession, ({ body: { sessionId, credential }, thumbprint, context }) =>
    unlockSession(dependencies, { sessionId, thumbprint }, credential, context.get('requestId') as string),
  )
}
