import type { Me, ProblemCode, Tokens } from '@nokkel/contract'
import { encodeBase64Url, verifyDpopProof } from '@nokkel/crypto'
import { type Exchange, type Handlers, Refusal } from './refusal.ts'

export interface FakePerson {
  readonly id: string
  readonly name: string
  readonly role: Me['role']
}

export interface FakeSession {
  readonly id: string
  readonly user: FakePerson
  readonly authenticatedAt: string
  accessTokens: string[]
  refreshToken: string
  thumbprint: string
  deviceId: string | null
  ended?: ProblemCode
}

interface FakeSessionOptions {
  readonly organization: Me['organization']
  /** Until when a session that is refreshed stays unlocked. */
  readonly refreshed: (session: FakeSession) => string | null
  readonly now: () => Date
}

export const randomToken = () => encodeBase64Url(crypto.getRandomValues(new Uint8Array(32)))

/** Sessions and their tokens for the fake server: like that, they keep no promises of their own. */
export function createFakeSessions({ organization, refreshed, now }: FakeSessionOptions) {
  const list: FakeSession[] = []
  const inMilliseconds = (milliseconds: number) => new Date(now().getTime() + milliseconds).toISOString()

  function tokensOf(session: FakeSession, unlockedUntil: string | null = null): Tokens {
    const accessToken = randomToken()
    session.accessTokens.push(accessToken)
    session.refreshToken = randomToken()
    return {
      accessToken,
      accessTokenExpiresAt: inMilliseconds(600_000),
      refreshToken: session.refreshToken,
      sessionId: session.id,
      sessionExpiresAt: inMilliseconds(30 * 86_400_000),
      unlockedUntil,
    }
  }

  async function proofOf({ headers, url }: Exchange): Promise<string> {
    try {
      const proof = await verifyDpopProof(headers.get('dpop') ?? '', { method: 'POST', url, now })
      return proof.thumbprint
    } catch {
      throw new Refusal('dpop_proof_invalid', 401)
    }
  }

  function sessionOf({ headers }: Exchange): FakeSession {
    const token = headers.get('authorization')?.replace('Bearer ', '')
    const session = list.find(({ accessTokens }) => token !== undefined && accessTokens.includes(token))
    if (!session) throw new Refusal('token_invalid', 401)
    if (session.ended) throw new Refusal(session.ended, 401)
    return session
  }

  const handlers: Handlers = {
    revokeOtherSessions(exchange) {
      const current = sessionOf(exchange)
      const others = list.filter((session) => session !== current && !session.ended)
      for (const session of others) session.ended = 'session_ended'
      return { ended: others.length }
    },
    async refreshSession(exchange) {
      const thumbprint = await proofOf(exchange)
      const session = list.find(({ refreshToken }) => refreshToken === exchange.body.refreshToken)
      if (!session) throw new Refusal('refresh_token_unknown', 401)
      if (session.thumbprint !== thumbprint) throw new Refusal('dpop_proof_invalid', 401)
      if (session.ended) throw new Refusal(session.ended, 401)
      return tokensOf(session, refreshed(session))
    },
    signOut(exchange) {
      sessionOf(exchange).ended = 'session_ended'
    },
    async endSession(exchange) {
      const thumbprint = await proofOf(exchange)
      const session = list.find(({ id }) => id === exchange.body.sessionId)
      if (session?.thumbprint === thumbprint) session.ended ??= 'session_ended'
    },
    getMe(exchange) {
      const { user, id, authenticatedAt, deviceId } = sessionOf(exchange)
      return {
        ...user,
        organization,
        session: { id, provider: 'vipps', authenticatedAt, expiresAt: now().toISOString(), deviceId },
        personnummerVerified: false,
        formerIds: [],
      } satisfies Me
    },
  }

  return {
    handlers,
    list,
    sessionOf,
    userOf: (exchange: Exchange) => sessionOf(exchange).user,
    /** The thumbprint of the key that a request proves possession of. */
    proofOf,
    start(user: FakePerson, thumbprint: string): Tokens {
      const session: FakeSession = {
        id: crypto.randomUUID(),
        user,
        authenticatedAt: now().toISOString(),
        accessTokens: [],
        refreshToken: '',
        thumbprint,
        deviceId: null,
      }
      list.push(session)
      return tokensOf(session)
    },
  }
}

export type FakeSessions = ReturnType<typeof createFakeSessions>
