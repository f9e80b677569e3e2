import type {
  AnswerOf,
  beginLink as beginLinkOperation,
  CompleteLogin,
  completeLink as completeLinkOperation,
  LoginBegun,
  ParsedOf,
} from '@nokkel/contract'
import type { Caller } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import { withClaims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { offerPersonnummer } from '../identity/offer.ts'
import { type BeginLoginDependencies, beginLogin } from './begin-login.ts'
import type { CompleteLoginDependencies } from './complete-login.ts'
import { keepContact } from './contact-store.ts'
import { exchangeLogin } from './exchange.ts'
import { makeLoginRecord } from './login-record.ts'
import { linkLogin, selectLinkingSession, takeAttempt } from './store.ts'

const subject = { action: 'login.link', type: 'identity', id: null }

/**
 * Begins to add a way in to the account that is logged in. Only this very session can finish it.
 *
 * @throws {ServerError} `login_too_old`: the person logged in more than five minutes ago; what `beginLogin` refuses with.
 */
export async function beginLink(
  dependencies: BeginLoginDependencies,
  caller: Caller,
  request: ParsedOf<typeof beginLinkOperation>['body'],
): Promise<LoginBegun> {
  const { database } = dependencies
  const { claims } = caller
  return recordRefusal(database, caller, subject, async () => {
    const session = await withClaims(database, claims, selectLinkingSession)
    if (!session.isFresh) throw new ServerError('login_too_old')
    return beginLogin(dependencies, { ...request, organization: session.organization }, { linkSessionId: claims.sid })
  })
}

/**
 * Finishes adding a way in.
 *
 * @throws {ServerError} `login_unknown`: not begun in this session, or not as this; `login_of_other_account`;
 * `login_other_person`; what the exchange with the provider refuses with.
 */
export async function completeLink(
  dependencies: CompleteLoginDependencies,
  caller: Caller,
  request: Omit<CompleteLogin, 'deviceName'>,
): Promise<AnswerOf<typeof completeLinkOperation>> {
  const { database, blindIndex } = dependencies
  const { claims, requestId } = caller
  const { attempt, login } = await recordRefusal(database, caller, subject, async () => {
    await withClaims(database, claims, async () => undefined)
    const attempt = await takeAttempt(database, request.loginId, claims.sid)
    if (!attempt) throw new ServerError('login_unknown')
    return { attempt, login: await exchangeLogin(dependencies, attempt, request) }
  })
  const record = await makeLoginRecord(login, attempt, blindIndex)
  const linked = await linkLogin(database, { userId: claims.sub, sessionId: claims.sid, login: record, requestId })
  const { contact } = login
  if (contact) await keepContact(dependencies, claims.sub, async () => contact)
  await offerPersonnummer(dependencies, claims.sub, login, attempt)
  return linked
}
