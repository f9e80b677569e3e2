import { codeOf, NokkelError, type NokkelErrorCode } from '../errors.ts'
import { isSessionEnd } from '../session/session-end.ts'
import type { SessionManager } from '../session/session-manager.ts'
import type { AnswerOf, Endpoint, InputOf } from './endpoints.ts'
import type { Request } from './request.ts'

interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** The only session it is for. Default: the one that is there when it is asked for. */
  readonly ofSession?: string
  /** Refusals that say something of what was asked, not of this session. */
  readonly notOfSession?: readonly NokkelErrorCode[]
}

/** Calls the API as the person who is logged in. */
export type Call = <N extends Endpoint>(endpoint: N, input: InputOf<N>, options?: CallOptions) => Promise<AnswerOf<N>>

/**
 * A refused access token is refreshed once; an answer that says the session is over ends it here too.
 *
 * @param shown - The id of whom the page shows: what is asked there is not asked as somebody who has just logged in elsewhere.
 */
export function createCall(request: Request, session: SessionManager, shown: () => string | undefined): Call {
  return async (endpoint, input, options = {}) => {
    const { signal, ofSession, notOfSession = [] } = options
    const asker = shown()
    const attempt = async (accessToken: string) => request(endpoint, input, { accessToken, signal })
    const { accessToken, sessionId, userId } = await session.usable({ ofSession })
    if (asker !== undefined && asker !== userId) throw new NokkelError('signed_out')
    try {
      return await attempt(accessToken).catch(async (error: unknown) => {
        if (codeOf(error) !== 'token_expired' && codeOf(error) !== 'token_invalid') throw error
        return await attempt((await session.usable({ not: accessToken, ofSession: sessionId })).accessToken)
      })
    } catch (error) {
      const code = codeOf(error)
      const record = code === 'unlock_required' ? await session.read() : undefined
      if (record?.sessionId === sessionId) await session.lock(record)
      if (code && isSessionEnd(code) && !notOfSession.includes(code)) await session.end(code, sessionId)
      throw error
    }
  }
}
