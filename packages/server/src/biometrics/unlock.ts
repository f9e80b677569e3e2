import type { UnlockCredential } from '@nokkel/contract'
import { recordRefusal } from '../audit/record.ts'
import { instant } from '../db/instant.ts'
import { ServerError } from '../http/server-error.ts'
import { sha256 } from '../keyring/digest.ts'
import { type UnlockDependencies, unlockProblem } from './challenge.ts'
import { type ClientData, parseClientData } from './client-data.ts'
import {
  insertCredential,
  type TakenChallenge,
  takeChallenge,
  type UnlockedRow,
  type Unlocking,
  updateCredential,
} from './store.ts'
import { verifyAssertion, verifyNewCredential } from './verify.ts'

const nothing = new Uint8Array()

/**
 * Unlocks a session by the answer of its authenticator. The challenge is spent by the first answer that names it, whatever
 * becomes of it.
 *
 * @returns Until when the session can be refreshed without another one.
 * @throws {ServerError} As {@link createChallenge}; `unlock_challenge_unknown`, after which another challenge may succeed;
 * `unlock_failed`.
 */
export async function unlockSession(
  dependencies: UnlockDependencies,
  unlocking: Unlocking,
  credential: UnlockCredential,
  requestId: string,
): Promise<{ unlockedUntil: string }> {
  const { database } = dependencies
  const clientData = parseClientData(credential.response.clientDataJSON)
  const taken = await takeChallenge(database, unlocking, await sha256(clientData?.challengeBytes ?? nothing))
  const { userId: sub, organizationId: organization } = taken
  // A session that is not there, or another's: there is nobody of whom it could be recorded.
  if (sub === null || organization === null) throw new ServerError(unlockProblem(taken.result))
  const claims = { sub, sid: unlocking.sessionId, role: 'authenticated', organization } as const
  const subject = { action: 'session.unlock', type: 'session', id: unlocking.sessionId }
  return recordRefusal(database, { claims, requestId }, subject, async () => {
    if (taken.result === 'unknown' || clientData === null) throw new ServerError('unlock_challenge_unknown')
    if (taken.result !== 'taken') throw new ServerError(unlockProblem(taken.result))
    const { result, unlockedUntil } = await verifyAndStore(dependencies, unlocking, {
      taken,
      clientData,
      credential,
      requestId,
    })
    if (result === 'unknown') throw new ServerError('unlock_challenge_unknown')
    if (result === 'foreign') throw new ServerError('unlock_failed')
    if (result !== 'unlocked' || unlockedUntil === null) throw new ServerError(unlockProblem(result))
    return { unlockedUntil: instant(unlockedUntil) }
  })
}

interface Answer {
  readonly taken: TakenChallenge
  readonly clientData: ClientData
  readonly credential: UnlockCredential
  readonly requestId: string
}

async function verifyAndStore(
  { database, relyingParties }: UnlockDependencies,
  unlocking: Unlocking,
  { taken, clientData, credential, requestId }: Answer,
): Promise<UnlockedRow> {
  const { credentialId, publicKey, deviceType } = taken
  const userHandle = new Uint8Array(taken.userHandle)
  const relyingParty = relyingParties.ofId(taken.rpId)
  if (credentialId === null) {
    const made = await verifyNewCredential(relyingParty, clientData, credential)
    return insertCredential(database, unlocking, userHandle, made, requestId)
  }
  const known = {
    credentialId: new Uint8Array(credentialId),
    publicKey: new Uint8Array(publicKey),
    signCount: Number(taken.signCount),
    deviceType,
    userHandle,
  }
  const assertion = await verifyAssertion(relyingParty, clientData, credential, known)
  return updateCredential(
    database,
    unlocking,
    userHandle,
    { ...assertion, credentialId: known.credentialId },
    requestId,
  )
}
