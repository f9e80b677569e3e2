import type { CompleteLogin, LoginCompleted } from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { ServerError } from '../http/server-error.ts'
import { offerPersonnummer } from '../identity/offer.ts'
import type { AccessTokens } from '../session/access-token.ts'
import type { BlindIndex } from './blind-index.ts'
import { type ContactDependencies, keepContact, unwrapWaitingContact, wrapWaitingContact } from './contact-store.ts'
import { type ExchangeDependencies, exchangeLogin, unavailable } from './exchange.ts'
import { makeLoginRecord } from './login-record.ts'
import { answerSignedIn, prepareSession } from './new-session.ts'
import { reaches } from './providers/assurance.ts'
import type { Provider } from './providers/provider.ts'
import { definitionOf } from './providers/registry.ts'
import { type Attempt, isPastCapOfAnother, type LinkingWay, signIn, takeAttempt } from './store.ts'
import type { VerifiedContact } from './verified-login.ts'
import { generateLinkToken, hashLinkToken } from './waiting.ts'

export interface CompleteLoginDependencies extends ExchangeDependencies, ContactDependencies {
  readonly database: Database
  readonly accessTokens: AccessTokens
  readonly blindIndex: BlindIndex
  /** Whether somebody can show that an account of Supabase is theirs. */
  readonly supabase: boolean
}

/** Who asks: the key that made the DPoP proof, and the id under which it is recorded. */
export interface LoginCaller {
  readonly thumbprint: string
  readonly requestId: string
}

/**
 * Finishes a login: consumes the attempt, exchanges the code, finds or makes the account, opens a session.
 *
 * The attempt is consumed before anything is asked of the provider, so a code is never tried twice. Whose the login is
 * is decided in one statement; what the provider told of the person is kept after it, under a key of theirs.
 *
 * @throws {ServerError} A code that begins with `login_`, `link_` or `provider_`.
 * @see OpenID Connect Core §3.1.3.7, docs/adr/0010-login.md
 */
export async function completeLogin(
  dependencies: CompleteLoginDependencies,
  request: CompleteLogin,
  { thumbprint, requestId }: LoginCaller,
): Promise<LoginCompleted> {
  const { database, keyring, accessTokens, blindIndex } = dependencies
  const attempt = await takeAttempt(database, request.loginId, null)
  if (!attempt) throw new ServerError('login_unknown')
  const login = await exchangeLogin(dependencies, attempt, request)
  if (await isPastCapOfAnother(database, request.loginId, login)) {
    throw await unavailable(dependencies.connections, attempt)
  }
  const { contact } = login
  const { refreshToken, session } = await prepareSession(thumbprint, request.deviceName)
  const [linkToken, waitingId] = [generateLinkToken(), crypto.randomUUID()]
  const mayWait =
    attempt.waitingId === null && attempt.supabaseUserId === null && (canFit(contact) || login.personnummer !== null)
  const signedIn = await signIn(database, {
    login: await makeLoginRecord(login, attempt, blindIndex),
    supabaseUserId: attempt.supabaseUserId,
    confirms: attempt.waitingId,
    ways: mayWait ? await waysAt(dependencies, attempt) : [],
    phoneNumber: contact?.phoneNumber ?? null,
    email: contact?.email ?? null,
    waiting: {
      id: waitingId,
      tokenHash: await hashLinkToken(linkToken),
      contact: mayWait && contact ? await wrapWaitingContact(keyring, contact, waitingId) : null,
    },
    session,
    requestId,
  })
  if (signedIn.outcome === 'needs_linking') {
    const { ways, waitsUntil } = signedIn
    return { outcome: 'needs_linking', linking: { token: linkToken, ways, expiresAt: instant(waitsUntil) } }
  }
  const { userId, confirmedContact } = signedIn
  const { waitingId: confirmed } = attempt
  if (confirmed !== null && confirmedContact) {
    await keepContact(dependencies, userId, () => unwrapWaitingContact(keyring, confirmedContact, confirmed))
  }
  if (contact) await keepContact(dependencies, userId, async () => contact)
  await offerPersonnummer(dependencies, userId, login, attempt)
  return answerSignedIn(accessTokens, signedIn, attempt.organizationId, refreshToken)
}

/** Whether it could be that of an account: one of the two alone is no evidence. */
function canFit(contact: VerifiedContact | null): boolean {
  return contact !== null && contact.phoneNumber !== null && contact.email !== null
}

/** How people can log in to the organisation now, the surest first. */
async function waysAt(
  { connections, supabase }: Pick<CompleteLoginDependencies, 'connections' | 'supabase'>,
  { organization, minimumAssurance }: Attempt,
): Promise<readonly LinkingWay[]> {
  const works = async (provider: Provider) => {
    const connection = await connections.find(provider, organization)
    return connection && reaches(definitionOf(connection).highestAssurance, minimumAssurance) ? [provider] : []
  }
  const [bankid, vipps] = await Promise.all([works('bankid'), works('vipps')])
  return [...bankid, ...vipps, ...(supabase ? ['supabase' as const] : [])]
}
