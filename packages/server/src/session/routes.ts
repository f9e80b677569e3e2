import * as contract from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { withClaims } from '../db/with-claims.ts'
import type { Api } from '../http/api.ts'
import { ServerError } from '../http/server-error.ts'
import type { AccessTokens } from './access-token.ts'
import { refreshSession } from './rotation.ts'
import { endOtherSessions, endSession, endSessionByKey, type SessionRow, selectSessions } from './store.ts'

export interface SessionDependencies {
  readonly database: Database
  readonly accessTokens: AccessTokens
}

export function registerSessions(api: Api, dependencies: SessionDependencies): void {
  const { database } = dependencies
  api.implement(contract.refreshSession, ({ body, thumbprint }) =>
    refreshSession(dependencies, body.refreshToken, thumbprint),
  )
  api.implement(contract.listSessions, async ({ claims }) => {
    const sessions = await withClaims(database, claims, selectSessions)
    return { sessions: sessions.map((session) => describe(session, claims.sid)) }
  })
  api.implement(contract.revokeSession, async ({ claims, params }) => {
    const ended = await withClaims(database, claims, (transaction) => endSession(transaction, params.id, 'revoked'))
    if (!ended) throw new ServerError('not_found')
  })
  api.implement(contract.revokeOtherSessions, async ({ claims }) => ({
    ended: await withClaims(database, claims, endOtherSessions),
  }))
  api.implement(contract.signOut, async ({ claims }) => {
    await withClaims(database, claims, (transaction) => endSession(transaction, claims.sid, 'signed_out'))
  })
  api.implement(contract.endSession, ({ body: { sessionId }, thumbprint }) =>
    endSessionByKey(database, sessionId, thumbprint),
  )
}

function describe(session: SessionRow, current: string): contract.Session {
  const { authenticatedAt, lastUsedAt, expiresAt, ...rest } = session
  return {
    ...rest,
    current: session.id === current,
    authenticatedAt: instant(authenticatedAt),
    lastUsedAt: instant(lastUsedAt),
    expiresAt: instant(expiresAt),
  }
}
