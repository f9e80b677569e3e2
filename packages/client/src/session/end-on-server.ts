import type { SignedIn } from '@nokkel/contract'
import type { Clock, DeviceKeys } from '@nokkel/crypto'
import { codeOf } from '../errors.ts'
import type { Request } from '../http/request.ts'
import type { SessionRecord } from './auth-token-store.ts'
import type { SessionManager } from './session-manager.ts'

const longestSignOutSeconds = 5

interface EndingDependencies {
  readonly request: Request
  readonly session: SessionManager
  /** The time as the server has it. */
  readonly now: Clock
}

/** Ends a session on the server, as far as it can be told in a few seconds: nobody waits longer to be logged out here. */
export function createEnding({ request, session, now }: EndingDependencies) {
  return { endOnServer, discard }

  /** It takes no refresh. */
  async function endOnServer(record: SessionRecord): Promise<void> {
    const { sessionId, accessToken, accessTokenExpiresAt } = record
    await withinSeconds(longestSignOutSeconds, async (signal) => {
      if (Date.parse(accessTokenExpiresAt) > now().getTime()) {
        const isTold = request('signOut', {}, { accessToken, signal }).then(
          () => true,
          (error: unknown) => !isRefusedToken(error),
        )
        if (await isTold) return
      }
      for (const keys of await session.keysOf(record)) await endByProof(sessionId, keys, signal)
    })
  }

  async function discard({ tokens: { sessionId, accessToken } }: SignedIn, keys: DeviceKeys): Promise<void> {
    await withinSeconds(longestSignOutSeconds, (signal) => {
      return request('signOut', {}, { accessToken, signal }).catch(() => endByProof(sessionId, keys, signal))
    })
  }

  async function endByProof(sessionId: string, { signing }: DeviceKeys, signal: AbortSignal): Promise<void> {
    await request('endSession', { body: { sessionId } }, { dpopSigner: signing, signal })
  }
}

function isRefusedToken(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'token_expired' || code === 'token_invalid'
}

/** Does what can be done in that time, and fails with nothing. */
async function withinSeconds(seconds: number, task: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const end = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      end.abort()
      resolve()
    }, seconds * 1000)
  })
  await Promise.race([task(end.signal).catch(() => {}), over])
  clearTimeout(timer)
}
