import type { CompleteLogin, LoginCompleted } from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { ServerError } from '../http/server-error.ts'
import type { AccessTokens } from '../session/access-token.ts'
import { generateRefreshToken, hashRefreshToken } from '../session/refresh-token.ts'
import { type ExchangeDependencies, exchangeLogin } from './exchange.ts'
import { cleanName } from './identity.ts'
import type { IndexPersonnummer } from './personnummer.ts'
import { signIn, takeAttempt } from './store.ts'

export interface CompleteLoginDependencies extends ExchangeDependencies {
  readonly database: Database
  readonly accessTokens: AccessTokens
  readonly indexPersonnummer: IndexPersonnummer
}

/** How long a session lives at most; rotation never extends it. */
const SESSION_LIFETIME_DAYS = 30

/**
 * Finishes a login: consumes the attempt, exchanges the code, finds or makes the account, opens a session.
 *
 * The attempt is consumed before anything is asked of the provider, so a code is never tried twice.
 *
 * @param thumbprint - Of the key that made the DPoP proof; the session is bound to it.
 * @throws {ServerError} A code that begins with `login_`, `provider_unavailable` or `provider_unreachable`.
 * @see OpenID Connect Core §3.1.3.7
 */
export async function completeLogin(
  dependencies: CompleteLoginDependencies,
  request: CompleteLogin,
  thumbprint: string,
): Promise<LoginCompleted> {
  const { database, accessTokens, indexPersonnummer } = dependencies
  const attempt = await takeAttempt(database, request.loginId, null)
  if (!attempt) throw new ServerError('login_unknown')
  const { provider, client, subject, name, acr, personnummer, personnummerOutcome } = await exchangeLogin(
    dependencies,
    attempt,
    request,
  )
  const indexed = personnummer && (await indexPersonnummer(personnummer))
  const refreshToken = generateRefreshToken()
  const { userId, sessionId, sessionExpiresAt, outcome } = await signIn(database, {
    provider,
    clientId: client,
    subject,
    organizationId: attempt.organizationId,
    name,
    acr,
    personnummerIndex: indexed?.index ?? null,
    personnummerIndexKey: indexed?.keyId ?? null,
    thumbprint,
    deviceName: request.deviceName === undefined ? '' : cleanName(request.deviceName),
    refreshHash: await hashRefreshToken(refreshToken),
    lifetimeDays: SESSION_LIFETIME_DAYS,
  })
  const { accessToken, expiresAt } = await accessTokens.issue({
    sub: userId,
    sid: sessionId,
    organization: attempt.organizationId,
  })
  return {
    tokens: {
      accessToken,
      accessTokenExpiresAt: instant(expiresAt),
      refreshToken,
      sessionId,
      sessionExpiresAt: instant(sessionExpiresAt),
    },
    userId,
    outcome,
    personnummer: personnummerOutcome,
  }
}
