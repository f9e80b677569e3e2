import type { LoginFlow, Share } from '@nokkel/contract'
import type { Call } from '../http/api.ts'
import type { Request } from '../http/request.ts'
import type { KeyGenerator } from '../keys/key-generator.ts'
import { lazily } from '../lazily.ts'
import type { ProviderId } from '../session/auth-token-store.ts'
import type { SessionEntry } from '../session/session-controller.ts'
import type { SessionManager } from '../session/session-manager.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import type { AuthState } from './authentication-service.ts'
import type { Callback } from './callback.ts'
import { type LinkRecord, linkName } from './login-records.ts'
import type { PendingLogins } from './pending-login.ts'

/** A login that the person has agreed to. */
export interface LoginRequest {
  readonly provider: ProviderId
  readonly purpose: AuthState['purpose']
  readonly consent: { readonly version: string; readonly shares: readonly Share[] }
  readonly flow: LoginFlow
  readonly returnTo: string | undefined
  readonly supabaseToken: string | undefined
  readonly hint: string | undefined
}

export interface Departure {
  readonly url: URL
  readonly loginId: string
  /** The `state` parameter it is recognised by. */
  readonly state: string
}

/** What a login that is being finished has to do with the service that shows it. */
export interface Finishing {
  readonly provider: ProviderId
  /** The callback is of a login under way: this one. */
  readonly found: (purpose: AuthState['purpose'], confirms: boolean) => void
  /** The callback is of a login that has ended: what that was begun for. */
  readonly told: (purpose: AuthState['purpose']) => void
  /** Whether the person has given it up meanwhile. */
  readonly isGivenUp: () => boolean
}

/** The steps of a login; what they need is loaded when they are first taken. */
export interface LoginSteps {
  /** Has what {@link LoginSteps.begin} needs loaded meanwhile. */
  prepare(): void
  /**
   * Stores what the callback will need, then asks for the URL to leave for. What was stored is gone again when that
   * fails.
   */
  begin(request: LoginRequest, signal: AbortSignal): Promise<Departure>
  /**
   * Exchanges the code and enters. The code verifier leaves this device only here.
   *
   * @returns What came of it; a departure when the app of the provider wants the browser to go on elsewhere first.
   */
  finish(callback: Callback, finishing: Finishing): Promise<AuthState | Departure>
  /** Enters with an account of its own for the login of a link. @throws {NokkelError} `cancelled`: it was given up meanwhile. */
  continueWith(link: LinkRecord, isGivenUp: Finishing['isGivenUp']): Promise<AuthState>
  /** The stored link of this organisation; one whose time is over is deleted. */
  link(): Promise<LinkRecord | undefined>
}

export interface LoginDependencies {
  readonly organization: string
  readonly deviceName: string
  readonly storage: SecureStorage
  readonly pendingLogins: PendingLogins
  readonly request: Request
  readonly call: Call
  readonly session: SessionManager
  readonly entry: SessionEntry
  readonly keyGenerator: KeyGenerator
  /** Where pages of the application may be, without a slash at the end. */
  readonly origins: readonly string[]
  readonly appRedirectUris: Readonly<Partial<Record<ProviderId, string>>>
  readonly appCallbackUris: Readonly<Partial<Record<ProviderId, string>>>
  readonly now: () => Date
  /** The time as the server has it. */
  readonly serverNow: () => Date
}

/** What the steps have besides. */
export interface LoginTools extends LoginDependencies, Pick<LoginSteps, 'link'> {
  /** Where a login may come back to. */
  redirectUris(provider: ProviderId): readonly string[]
}

export function createLoginSteps(dependencies: LoginDependencies): LoginSteps {
  const { organization, storage, origins, appRedirectUris, now } = dependencies
  const tools: LoginTools = { ...dependencies, link, redirectUris }
  const beginning = lazily(async () => (await import('./begin-login.ts')).createBeginning(tools))
  const finishing = lazily(async () => (await import('./finish-login.ts')).createFinishing(tools))
  return {
    prepare: () => void beginning().catch(() => {}),
    begin: async (login, signal) => (await beginning())(login, signal),
    finish: async (callback, service) => (await finishing()).finish(callback, service),
    continueWith: async (stored, isGivenUp) => (await finishing()).continueWith(stored, isGivenUp),
    link,
  }

  async function link(): Promise<LinkRecord | undefined> {
    const stored = (await storage.get(linkName)) as LinkRecord | undefined
    if (stored?.organization !== organization) return undefined
    if (new Date(stored.keptUntil) > now()) return stored
    await storage.delete(linkName)
    return undefined
  }

  function redirectUris(provider: ProviderId): readonly string[] {
    const app = appRedirectUris[provider]
    const pages = origins.map((origin) => `${origin}/callback/${provider}/${organization}`)
    return app === undefined ? pages : [...pages, app]
  }
}
