import type { LoginFlow, Share, SignedIn } from '@nokkel/contract'
import { encodeBase64Url } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { Call } from '../http/api.ts'
import type { AnswerOf } from '../http/endpoints.ts'
import type { Request } from '../http/request.ts'
import type { KeyGenerator } from '../keys/key-generator.ts'
import type { ProviderId } from '../session/auth-token-store.ts'
import type { SessionManager } from '../session/session-manager.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import { checkAuthorizationUrl } from './authorization-url.ts'
import type { Callback } from './callback.ts'
import { type LinkRecord, linkName } from './login-records.ts'
import { clearPendingLogin, type PendingLogin, storePendingLogin } from './pending-login.ts'
import { VippsPkceGenerator } from './pkce.ts'

/** A login that the person has agreed to. */
export interface LoginRequest {
  readonly provider: ProviderId
  readonly purpose: 'login' | 'link'
  readonly consent: { readonly version: string; readonly shares: readonly Share[] }
  readonly flow: LoginFlow
  readonly returnTo: string | undefined
  readonly supabaseToken: string | undefined
  readonly hint: string | undefined
}

export interface Departure {
  readonly url: URL
  readonly loginId: string
  readonly state: string
}

export type Exchanged =
  | { readonly purpose: 'login'; readonly answer: AnswerOf<'completeLogin'>; readonly keys: LinkRecord['keys'] }
  | { readonly purpose: 'link'; readonly answer: AnswerOf<'completeLink'>; readonly sessionId: string }

export interface Logins {
  /**
   * Stores what the callback will need, then asks for the URL to leave for. What was stored is gone again when that
   * fails.
   */
  begin(request: LoginRequest, signal: AbortSignal): Promise<Departure>
  /** Exchanges the code. The code verifier leaves this device only here. */
  exchange(callback: Callback, pending: PendingLogin): Promise<Exchanged>
  /** An account of its own for the login of a link. */
  continueWith(link: LinkRecord): Promise<SignedIn>
  /** Stores a link for as long as the server keeps it. */
  keep(link: Omit<LinkRecord, 'keptUntil'>): Promise<void>
  /** The stored link of this organisation, while it can be used. */
  link(): Promise<LinkRecord | undefined>
  /** Where a login may come back to. */
  redirectUris(provider: ProviderId): readonly string[]
}

interface LoginDependencies {
  readonly organization: string
  readonly deviceName: string
  readonly storage: SecureStorage
  readonly request: Request
  readonly call: Call
  readonly session: SessionManager
  readonly keyGenerator: KeyGenerator
  /** Where pages of the application may be, without a slash at the end. */
  readonly origins: readonly string[]
  readonly appRedirectUris: Readonly<Partial<Record<ProviderId, string>>>
  readonly now: () => Date
  /** The time as the server has it. */
  readonly serverNow: () => Date
}

const pkce = new VippsPkceGenerator()

export function createLogins(dependencies: LoginDependencies): Logins {
  const { organization, deviceName, storage, request, call, session, keyGenerator, now, serverNow } = dependencies
  const { origins, appRedirectUris } = dependencies
  return { begin, exchange, continueWith, keep: keepLink, link, redirectUris }

  async function begin(login: LoginRequest, signal: AbortSignal): Promise<Departure> {
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
      await storePendingLogin(storage, provider, { verifier, state, nonce, login: { ...record, ...more } })
      signal.throwIfAborted()
    }
    try {
      await keep({})
      const body = { provider, codeChallenge, state, nonce, consent: mutable(consent), flow: login.flow }
      const begun =
        purpose === 'link'
          ? await call('beginLink', { body }, { signal })
          : await request('beginLogin', { body: { ...body, organization, ...extras(login, confirmed) } }, { signal })
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
      await clearPendingLogin(storage, provider, state).catch(() => {})
      throw error
    }
  }

  async function exchange(callback: Callback, pending: PendingLogin): Promise<Exchanged> {
    const { provider, query } = callback
    const { verifier: codeVerifier, nonce, login } = pending
    const body = { loginId: login.id ?? '', provider, organization, callback: query, codeVerifier, nonce }
    if (login.linkSessionId !== undefined) {
      const record = await session.read()
      if (!record) throw new NokkelError('signed_out')
      // Somebody else has logged in meanwhile: they would get the way in of another person.
      if (record.sessionId !== login.linkSessionId) throw new NokkelError('login_state_mismatch')
      return { purpose: 'link', answer: await call('completeLink', { body }), sessionId: record.sessionId }
    }
    const keys = login.confirms ? (await link())?.keys : await keyGenerator.generate()
    if (!keys) throw new NokkelError('link_unknown')
    const named = { ...body, deviceName }
    const answer = await request('completeLogin', { body: named }, { dpopSigner: keys.signing })
    return { purpose: 'login', answer, keys }
  }

  async function continueWith({ token: linkToken, keys }: LinkRecord): Promise<SignedIn> {
    return request('continueLogin', { body: { linkToken, deviceName } }, { dpopSigner: keys.signing })
  }

  async function keepLink(offered: Omit<LinkRecord, 'keptUntil'>): Promise<void> {
    const left = Date.parse(offered.expiresAt) - serverNow().getTime()
    const keptUntil = new Date(now().getTime() + left).toISOString()
    await storage.put(linkName, { ...offered, keptUntil } satisfies LinkRecord)
  }

  async function link(): Promise<LinkRecord | undefined> {
    const stored = (await storage.get(linkName)) as LinkRecord | undefined
    const usable = stored?.organization === organization && new Date(stored.keptUntil) > now()
    return usable ? stored : undefined
  }

  /** The link that a login shows to be the person's: by a way of the account it may belong to. */
  async function linkFor({ provider, supabaseToken }: LoginRequest): Promise<LinkRecord | undefined> {
    const stored = await link()
    const way = supabaseToken !== undefined && stored?.ways.includes('supabase') ? 'supabase' : provider
    return stored?.ways.includes(way) ? stored : undefined
  }

  function redirectUris(provider: ProviderId): readonly string[] {
    const app = appRedirectUris[provider]
    const pages = origins.map((origin) => `${origin}/callback/${provider}/${organization}`)
    return app === undefined ? pages : [...pages, app]
  }
}

function extras({ supabaseToken, hint }: LoginRequest, confirmed: LinkRecord | undefined) {
  return {
    ...(confirmed && { linkToken: confirmed.token }),
    ...(supabaseToken !== undefined && { supabaseToken }),
    ...(hint !== undefined && { loginHint: { personnummer: hint } }),
  }
}

function mutable({ version, shares }: LoginRequest['consent']) {
  return { version, shares: [...shares] }
}

/** Names a callback without keeping its code. */
export async function digestOf({ redirectUri, query }: Callback): Promise<string> {
  const bytes = new TextEncoder().encode(`${redirectUri}?${query}`)
  return encodeBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}
