import type { ProblemCode, UnlockChallenge } from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { sessionProblem } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { sha256 } from '../keyring/digest.ts'
import { creationOptions, requestOptions } from './options.ts'
import type { RelyingParties } from './relying-party.ts'
import { insertChallenge, type Unlocking } from './store.ts'

export interface UnlockDependencies {
  readonly database: Database
  readonly relyingParties: RelyingParties
}

/**
 * Begins to unlock a session for whoever holds its key. Only the hash of the challenge is kept.
 *
 * @throws {ServerError} `session_ended` for a session that is not there or is bound to another key, or why it has ended;
 * `biometrics_not_enrolled`; `biometrics_unavailable`: not on a page of that origin, or not with the credential that there is.
 */
export async function createChallenge(
  { database, relyingParties }: UnlockDependencies,
  unlocking: Unlocking,
  origin: string | undefined,
): Promise<UnlockChallenge> {
  const { id } = relyingParties.ofPage(origin)
  const challenge = crypto.getRandomValues(new Uint8Array(32))
  const { state, credentialId, userHandle, organizationName, expiresAt } = await insertChallenge(
    database,
    unlocking,
    await sha256(challenge),
    id,
  )
  if (state !== 'live') throw new ServerError(unlockProblem(state))
  return {
    ...(credentialId
      ? { kind: 'get', options: { ...requestOptions(id, challenge, new Uint8Array(credentialId)) } }
      : {
          kind: 'create',
          options: {
            ...creationOptions(id, challenge, new Uint8Array(userHandle), organizationName),
          },
        }),
    expiresAt: instant(expiresAt),
  }
}

/** What a caller is told of a session that cannot be unlocked. */
export function unlockProblem(state: string): ProblemCode {
  if (state === 'not_enrolled') return 'biometrics_not_enrolled'
  return state === 'elsewhere' ? 'biometrics_unavailable' : sessionProblem(state)
}
