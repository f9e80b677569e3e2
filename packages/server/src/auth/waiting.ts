import type { SignedIn } from '@nokkel/contract'
import { decodeBase64Url, encodeBase64Url } from '@nokkel/crypto'
import { ServerError } from '../http/server-error.ts'
import { sha256 } from '../keyring/digest.ts'
import type { CompleteLoginDependencies, LoginCaller } from './complete-login.ts'
import { keepContact, unwrapWaitingContact } from './contact-store.ts'
import { answerSignedIn, prepareSession } from './new-session.ts'
import { continueWaiting, selectWaitingId } from './store.ts'

/** 32 random bytes in base64url. Only the hash is stored. */
export function generateLinkToken(): string {
  return encodeBase64Url(crypto.getRandomValues(new Uint8Array(32)))
}

export function hashLinkToken(token: string): Promise<Uint8Array> {
  return sha256(decodeBase64Url(token))
}

/** The waiting login that a token is of. @throws {ServerError} `link_unknown`: of none, or of another organisation. */
export async function findWaiting(
  { database }: Pick<CompleteLoginDependencies, 'database'>,
  linkToken: string,
  organization: string,
): Promise<string> {
  const id = await selectWaitingId(database, await hashLinkToken(linkToken), organization)
  if (id === null) throw new ServerError('link_unknown')
  return id
}

/**
 * Goes on with an account of its own for a login that waits, once.
 *
 * @throws {ServerError} `link_unknown`: expired, used, or of another key; `login_not_member`.
 */
export async function continueLogin(
  dependencies: CompleteLoginDependencies,
  { linkToken, deviceName }: { readonly linkToken: string; readonly deviceName?: string | undefined },
  { thumbprint, requestId }: LoginCaller,
): Promise<SignedIn> {
  const { database, keyring, accessTokens } = dependencies
  const { refreshToken, session } = await prepareSession(thumbprint, deviceName)
  const signedIn = await continueWaiting(database, await hashLinkToken(linkToken), session, requestId)
  const { userId, organizationId, waitingId, contact } = signedIn
  if (contact) await keepContact(dependencies, userId, () => unwrapWaitingContact(keyring, contact, waitingId))
  return answerSignedIn(accessTokens, signedIn, organizationId, refreshToken)
}
