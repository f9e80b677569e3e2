import type { CompleteLogin, SignedIn } from '@nokkel/contract'
import { encodeBase64Url } from '@nokkel/crypto'
import { codeOf, NokkelError } from '../errors.ts'
import type { AnswerOf } from '../http/endpoints.ts'
import type { Entering } from '../session/session-controller.ts'
import type { AuthState } from './authentication-service.ts'
import type { Callback } from './callback.ts'
import {
  type DoneRecord,
  doneName,
  isUnanswered,
  type LinkRecord,
  linkName,
  type RetryRecord,
  readDone,
  retryName,
} from './login-records.ts'
import type { Departure, Finishing, LoginSteps, LoginTools } from './login-steps.ts'
import type { PendingLogin } from './pending-login.ts'

/** What came of a login, and the session it led to or added a way in to. */
interface Outcome {
  readonly state: AuthState
  readonly sessionId?: string
}

/** What the code is exchanged by. */
type Exchange = Omit<CompleteLogin, 'deviceName'>

/**
 * The invariants: a callback is exchanged at most once that the server has answered; what came of it is stored before
 * the verifier goes; whoever brings it again gets that.
 */
export function createFinishing(tools: LoginTools): Pick<LoginSteps, 'finish' | 'continueWith'> {
  const { organization, deviceName, storage, pendingLogins, request, call, session, entry, keyGenerator } = tools
  const { now, serverNow, link, redirectUris, appCallbackUris } = tools
  return { finish, continueWith }

  async function finish(callback: Callback, service: Finishing): Promise<AuthState | Departure> {
    const { provider, found } = service
    const digest = await digestOf(callback)
    const done = await readDone(storage, now())
    if (done?.digest === digest) return again(done, service)
    // Whoever brings a state that none of them has, by a link or from before, takes nothing from the others.
    const underWay = await pendingLogins.list(provider)
    const pending = underWay.find(({ state }) => state === callback.state)
    if (!pending) throw new NokkelError(underWay.length > 0 ? 'login_state_mismatch' : 'login_lost')
    const purpose = pending.login.linkSessionId === undefined ? 'login' : 'link'
    found(purpose, pending.login.confirms ?? false)
    const clear = () => pendingLogins.clear(provider, pending.state)
    const loginId = pending.login.id
    if (loginId === undefined) {
      await clear()
      throw new NokkelError('login_lost')
    }
    if (callback.resumeUri !== undefined) return resume(callback, pending, loginId, clear)
    const record = ({ state, sessionId }: Outcome) => {
      const ended = { provider, loginId, digest, endedAt: now().toISOString(), state }
      return storage.put(doneName, { ...ended, ...(sessionId !== undefined && { sessionId }) } satisfies DoneRecord)
    }
    try {
      if (!fits(callback, pending)) throw new NokkelError('login_state_mismatch')
      const { verifier: codeVerifier, nonce, login } = pending
      const body = { loginId, provider, organization, callback: callback.query, codeVerifier, nonce }
      const outcome = await (purpose === 'link' ? add(body, login) : enter(body, login, service))
      await record(outcome)
      await clear()
      return outcome.state
    } catch (error) {
      const named = withReason(error)
      const reason = codeOf(named) ?? 'answer_unexpected'
      if (isUnanswered(reason) || service.isGivenUp()) throw named
      await clear()
      await forget(reason)
      await record({ state: { status: 'error', purpose, reason } })
      throw named
    }
  }

  /** A code comes to a redirect URI only; where the app of the provider opens ours it may hand over, or give up. */
  function fits({ provider, organization: of, redirectUri, hasCode }: Callback, { login }: PendingLogin): boolean {
    const isOurs = redirectUris(provider).includes(redirectUri)
    const isOpened = !hasCode && appCallbackUris[provider] === redirectUri
    return of === organization && of === login.organization && (isOurs || isOpened)
  }

  /** The same callback once more, here or in another tab: what came of it is still so, or it is lost. */
  async function again({ state, sessionId }: DoneRecord, { told }: Finishing): Promise<AuthState> {
    told(state.purpose)
    if (state.status === 'error') throw new NokkelError(state.reason ?? 'login_lost')
    const isSame = sessionId !== undefined && (await session.read())?.sessionId === sessionId
    if (!(state.linking ? await link() : isSame)) throw new NokkelError('login_lost')
    return state
  }

  /** The app of the provider opened ours, and the login goes on in the browser it was begun in. */
  async function resume(
    callback: Callback,
    pending: PendingLogin,
    loginId: string,
    clear: () => Promise<void>,
  ): Promise<Departure> {
    const { resumeUri = '' } = callback
    const { state, login } = pending
    const url = URL.canParse(resumeUri) ? new URL(resumeUri) : undefined
    if (url && url.origin === login.providerOrigin && fits(callback, pending)) return { url, loginId, state }
    await clear()
    throw new NokkelError('login_state_mismatch')
  }

  async function add(body: Exchange, login: PendingLogin['login']): Promise<Outcome> {
    const record = await session.read()
    if (!record) throw new NokkelError('signed_out')
    // Somebody else has logged in meanwhile: they would get the way in of another person.
    if (record.sessionId !== login.linkSessionId) throw new NokkelError('login_state_mismatch')
    const { outcome: linked, personnummer } = await call('completeLink', { body })
    await storage.delete(retryName)
    await entry.refresh()
    const state = { status: 'authenticated', purpose: 'link', linked, personnummer, ...backOf(login) } as const
    return { state, sessionId: record.sessionId }
  }

  async function enter(body: Exchange, login: PendingLogin['login'], { isGivenUp }: Finishing): Promise<Outcome> {
    const { provider } = body
    const confirmed = login.confirms && (await link())
    const keys = login.confirms ? confirmed?.keys : await keyGenerator.generate()
    if (!keys) throw new NokkelError('link_unknown')
    const answer = await request('completeLogin', { body: { ...body, deviceName } }, { dpopSigner: keys.signing })
    const back = backOf(login.returnTo === undefined && confirmed ? confirmed : login)
    if (answer.outcome !== 'needs_linking') {
      const linked = confirmed && { linkedProvider: confirmed.provider }
      const state = await signIn(answer, { keys, provider, isGivenUp }, { ...back, ...linked })
      return { state, sessionId: answer.tokens.sessionId }
    }
    if (isGivenUp()) throw new NokkelError('cancelled')
    return offer(answer, { provider, organization, keys, ...back })
  }

  async function offer(
    { linking }: Extract<AnswerOf<'completeLogin'>, { outcome: 'needs_linking' }>,
    rest: Pick<LinkRecord, 'provider' | 'organization' | 'keys' | 'returnTo'>,
  ): Promise<Outcome> {
    const { ways, expiresAt } = linking
    const left = Date.parse(expiresAt) - serverNow().getTime()
    const keptUntil = new Date(now().getTime() + left).toISOString()
    await storage.put(linkName, { ...linking, ...rest, keptUntil } satisfies LinkRecord)
    return { state: { status: 'needs_linking', purpose: 'login', linking: { ways, expiresAt } } }
  }

  async function signIn(
    login: SignedIn,
    entering: Entering,
    rest: Pick<AuthState, 'returnTo' | 'linkedProvider'>,
  ): Promise<AuthState> {
    await entry.adopt(login, entering)
    await storage.delete(retryName)
    await storage.delete(linkName)
    const { outcome, personnummer } = login
    return { status: 'authenticated', purpose: 'login', outcome, personnummer, ...rest }
  }

  async function continueWith(stored: LinkRecord, isGivenUp: Finishing['isGivenUp']): Promise<AuthState> {
    const { token: linkToken, keys, provider } = stored
    try {
      const body = { linkToken, deviceName }
      const answer = await request('continueLogin', { body }, { dpopSigner: keys.signing })
      return await signIn(answer, { keys, provider, isGivenUp }, backOf(stored))
    } catch (error) {
      await forget(codeOf(error))
      throw error
    }
  }

  /** What is of no use any more, or would only fail the same way again. */
  async function forget(reason: ReturnType<typeof codeOf>): Promise<void> {
    if (reason === 'link_unknown') await storage.delete(linkName)
    if (reason !== 'login_scope_refused') return
    const stored = (await storage.get(retryName)) as RetryRecord | undefined
    if (stored) await storage.put(retryName, { ...stored, withoutPersonnummer: true } satisfies RetryRecord)
  }
}

function backOf({ returnTo }: { readonly returnTo?: string }): Pick<AuthState, 'returnTo'> {
  return returnTo === undefined ? {} : { returnTo }
}

/** What the provider refused to be asked for is a case of its own: there is something that a person can do about it. */
function withReason(error: unknown): unknown {
  const isScope =
    error instanceof NokkelError && error.code === 'login_refused' && error.data?.error === 'invalid_scope'
  return isScope ? new NokkelError('login_scope_refused', { cause: error }) : error
}

/** Names a callback without keeping its code. */
async function digestOf({ redirectUri, query }: Callback): Promise<string> {
  const bytes = new TextEncoder().encode(`${redirectUri}?${query}`)
  return encodeBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}
