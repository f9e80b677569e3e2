import type { Tokens } from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import { instant, optionalInstant } from '../db/instant.ts'
import { sessionProblem } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import type { AccessTokens } from './access-token.ts'
import {
  generateRefreshToken,
  hashRefreshToken,
  openSuccessor,
  parseRefreshToken,
  type RefreshToken,
  sealSuccessor,
} from './refresh-token.ts'
import { type Rotation, rotateRefreshToken } from './store.ts'

/** For so long the same token gives the same successor: two tabs, or an answer that was lost. */
const GRACE_SECONDS = 30

export interface RotationDependencies {
  readonly database: Database
  readonly accessTokens: AccessTokens
}

/**
 * Trades a refresh token for its successor and a new access token.
 *
 * @throws {ServerError} `refresh_token_unknown`; `refresh_token_reused`, which also ends the session;
 * `dpop_proof_invalid` for a proof by another key than the session is bound to; `unlock_required`, which changes nothing, where
 * the device is enrolled for biometrics and an unlocking is due; or why the session has ended.
 * @see RFC 9700 §4.14.2
 */
export async function refreshSession(
  { database, accessTokens }: RotationDependencies,
  text: string,
  thumbprint: string,
): Promise<Tokens> {
  const token = parseRefreshToken(text)
  if (!token) throw new ServerError('refresh_token_unknown')
  const fresh = generateRefreshToken()
  const rotation = await rotateRefreshToken(database, {
    hash: await hashRefreshToken(token),
    nextHash: await hashRefreshToken(fresh),
    sealedSuccessor: await sealSuccessor(token, fresh),
    thumbprint,
    graceSeconds: GRACE_SECONDS,
  })
  const { userId: sub, sessionId: sid, organizationId: organization, sessionExpiresAt, unlockedUntil } = rotation
  const refreshToken = await successorOf(rotation, token, fresh)
  const { accessToken, expiresAt } = await accessTokens.issue({ sub, sid, organization })
  return {
    accessToken,
    accessTokenExpiresAt: instant(expiresAt),
    refreshToken,
    sessionId: sid,
    sessionExpiresAt: instant(sessionExpiresAt),
    unlockedUntil: optionalInstant(unlockedUntil),
  }
}

async function successorOf(rotation: Rotation, token: RefreshToken, fresh: RefreshToken): Promise<RefreshToken> {
  switch (rotation.result) {
    case 'rotated':
      return fresh
    case 'same_successor': {
      const successor = rotation.sealedSuccessor && (await openSuccessor(token, rotation.sealedSuccessor))
      if (!successor) throw new ServerError('refresh_token_unknown')
      return successor
    }
    case 'unknown':
      throw new ServerError('refresh_token_unknown')
    case 'other_key':
      throw new ServerError('dpop_proof_invalid', { detail: 'The session is bound to another key.' })
    case 'unlock_required':
      throw new ServerError('unlock_required')
    case 'reused':
      throw new ServerError('refresh_token_reused')
    default:
      throw new ServerError(sessionProblem(rotation.result))
  }
}
