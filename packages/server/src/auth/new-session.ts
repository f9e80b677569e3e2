import type { SignedIn } from '@nokkel/contract'
import { instant } from '../db/instant.ts'
import type { AccessTokens } from '../session/access-token.ts'
import { generateRefreshToken, hashRefreshToken, type RefreshToken } from '../session/refresh-token.ts'
import { cleanName } from './identity.ts'
import type { NewSession, SignedInRow } from './store.ts'

/** How long a session lives at most; rotation never extends it. */
const SESSION_LIFETIME_DAYS = 30

/** @param thumbprint - Of the key that made the DPoP proof; the session is bound to it. */
export async function prepareSession(
  thumbprint: string,
  deviceName: string | undefined,
): Promise<{ readonly refreshToken: RefreshToken; readonly session: NewSession }> {
  const refreshToken = generateRefreshToken()
  return {
    refreshToken,
    session: {
      thumbprint,
      deviceName: deviceName === undefined ? '' : cleanName(deviceName),
      refreshHash: await hashRefreshToken(refreshToken),
      lifetimeDays: SESSION_LIFETIME_DAYS,
    },
  }
}

export async function answerSignedIn(
  accessTokens: AccessTokens,
  { userId, sessionId, sessionExpiresAt, outcome, personnummer }: SignedInRow,
  organizationId: string,
  refreshToken: RefreshToken,
): Promise<SignedIn> {
  const { accessToken, expiresAt } = await accessTokens.issue({
    sub: userId,
    sid: sessionId,
    organization: organizationId,
  })
  return {
    tokens: {
      accessToken,
      accessTokenExpiresAt: instant(expiresAt),
      refreshToken,
      sessionId,
      sessionExpiresAt: instant(sessionExpiresAt),
      unlockedUntil: null,
    },
    userId,
    outcome,
    personnummer,
  }
}
