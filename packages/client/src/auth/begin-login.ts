import type { LoginBegun } from '@nokkel/contract'
import { codeOf, NokkelError } from '../errors.ts'
import type { InputOf } from '../http/endpoints.ts'
import { checkAuthorizationUrl } from './authorization-url.ts'
import type { LinkRecord } from './login-records.ts'
import type { LoginRequest, LoginSteps, LoginTools } from './login-steps.ts'
import type { PendingLogin } from './pending-login.ts'
import { VippsPkceGenerator } from './pkce.ts'

type BeginLoginBody = InputOf<'beginLogin'>['body']

const pkce = new VippsPkceGenerator()

export function createBeginning(tools: LoginTools): LoginSteps['begin'] {
  const { organization, pendingLogins, request, call, session, now, link, redirectUris } = tools
  return async (login, signal) => {
    const { provider, purpose, consent, returnTo, hint } = login
    const { verifier, challenge: codeChallenge, state, nonce } = await pkce.generate()
    const linkSessionId = purpose === 'link' ? (await session.read())?.sessionId : undefined
    if (purpose === 'link' && linkSessionId === undefined) throw new NokkelError('signed_out')
    const confirmed = purpose === 'login' ? await linkFor(login) : undefined
    const record: PendingLogin['login'] = {
      organization,
      startedAt: now().toISOString(),
      shares: consent.shares,
      ...(returnTo !== undefined && { returnTo }),
      ...(linkSessionId !== undefined && { linkSessionId }),
      ...(confirmed && { confirms: true }),
    }
    const keep = async (more: Partial<PendingLogin['login']>) => {
      signal.throwIfAborted()
      await pendingLogins.store(provider, { verifier, state, nonce, login: { ...record, ...more } })
      signal.throwIfAborted()
    }
    try {
      await keep({})
      const agreed = { version: consent.version, shares: [...consent.shares] }
      const body = { provider, codeChallenge, state, nonce, consent: agreed, flow: login.flow }
      const begun =
        purpose === 'link'
          ? await call('beginLink', { body }, { signal })
          : await beginOutside({ ...body, organization, ...extras(login, confirmed) }, signal)
      const url = checkAuthorizationUrl(begun.authorizationUrl, {
        state,
        nonce,
        codeChallenge,
        redirectUris: redirectUris(provider),
        shares: consent.shares,
        hint,
      })
      await keep({ id: begun.loginId, providerOrigin: url.origin })
      return { url, loginId: begun.loginId, state }
    } catch (error) {
      await pendingLogins.clear(provider, state).catch(() => {})
      throw error
    }
  }

  /** Past a cap goes only an administrator who is logged in. */
  async function beginOutside(body: BeginLoginBody, signal: AbortSignal): Promise<LoginBegun> {
    try {
      return await request('beginLogin', { body }, { signal })
    } catch (error) {
      const loggedIn = codeOf(error) === 'provider_unavailable' && (await session.read()) !== undefined
      const { accessToken } = (loggedIn && (await session.usable().catch(() => undefined))) || {}
      if (accessToken === undefined) throw error
      return request('beginLogin', { body: { ...body, accessToken } }, { signal })
    }
  }

  /** The link that a login shows to be the person's: by a way of the account it may belong to. */
  async function linkFor({ provider, supabaseToken }: LoginRequest): Promise<LinkRecord | undefined> {
    const stored = await link()
    const way = supabaseToken !== undefined && stored?.ways.includes('supabase') ? 'supabase' : provider
    return stored?.ways.includes(way) ? stored : undefined
  }
}

function extras({ supabaseToken, hint }: LoginRequest, confirmed: LinkRecord | undefined) {
  return {
    ...(confirmed && { linkToken: confirmed.token }),
    ...(supabaseToken !== undefined && { supabaseToken }),
    ...(hint !== undefined && { loginHint: { personnummer: hint } }),
  }
}
