import type { Tokens } from '@nokkel/contract'
import type { DeviceKeys } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { Request } from '../http/request.ts'
import type { KeyGenerator } from '../keys/key-generator.ts'
import type { ProviderId } from '../session/auth-token-store.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import { checkAuthorizationUrl } from './authorization-url.ts'
import { parseCallback } from './callback.ts'
import { storePendingLogin, takePendingLogin } from './pending-login.ts'
import { deriveCodeChallenge, generateCodeVerifier, generateState } from './pkce.ts'

export interface SignInOptions {
  /** Where the app goes afterwards: handed back by `completeSignIn`. A path of the app, never a whole URL. */
  readonly returnTo?: string
}

const shares = {
  bankid: ['name', 'birthDate', 'personnummer'],
  vipps: ['name', 'phoneNumber', 'email', 'address', 'personnummer'],
} as const

interface FinishedLogin {
  readonly tokens: Tokens
  readonly userId: string
  readonly provider: ProviderId
  /** The signing pair is the one the tokens are bound to. */
  readonly keys: DeviceKeys
  readonly returnTo: string | undefined
}

export interface LoginFlow {
  /** Stores what the callback will need, then asks for the URL to leave for. */
  begin(provider: ProviderId, options: SignInOptions): Promise<URL>
  /** Uses the pending login up and exchanges the code. The code verifier leaves this device only here. */
  finish(callbackUrl: URL): Promise<FinishedLogin>
}

interface LoginDependencies {
  readonly organization: string
  readonly deviceName: string
  readonly storage: SecureStorage
  readonly request: Request
  readonly keyGenerator: KeyGenerator
  readonly now: () => Date
}

export function createLoginFlow(dependencies: LoginDependencies): LoginFlow {
  const { organization, deviceName, storage, request, keyGenerator, now } = dependencies
  return { begin, finish }

  async function begin(provider: ProviderId, { returnTo }: SignInOptions): Promise<URL> {
    const [verifier, state, nonce] = [generateCodeVerifier(), generateState(), generateState()]
    const login = { organization, startedAt: now().toISOString(), ...(returnTo === undefined ? {} : { returnTo }) }
    await storePendingLogin(storage, provider, { verifier, state, nonce, login })
    const consent = { version: 'v1', shares: [...shares[provider]] }
    const codeChallenge = await deriveCodeChallenge(verifier)
    const begun = await request('beginLogin', {
      body: { provider, organization, codeChallenge, state, nonce, consent },
    })
    const url = checkAuthorizationUrl(begun.authorizationUrl, { state, nonce, codeChallenge })
    await storePendingLogin(storage, provider, { verifier, state, nonce, login: { ...login, id: begun.loginId } })
    return url
  }

  async function finish(callbackUrl: URL): Promise<FinishedLogin> {
    const callback = parseCallback(callbackUrl)
    const { provider } = callback
    const pending = await takePendingLogin(storage, provider)
    const loginId = pending?.login.id
    if (!pending || !loginId) throw new NokkelError('login_lost')
    const { verifier, nonce, login } = pending
    const fits = callback.state === pending.state && callback.organization === login.organization
    if (!fits || callback.organization !== organization) throw new NokkelError('login_state_mismatch')
    const keys = await keyGenerator.generate()
    const body = {
      loginId,
      provider,
      organization,
      callback: callback.query,
      codeVerifier: verifier,
      nonce,
      deviceName,
    }
    const completed = await request('completeLogin', { body }, { dpopSigner: keys.signing })
    if (completed.outcome === 'needs_linking') throw new NokkelError('answer_unexpected')
    const { tokens, userId } = completed
    return { tokens, userId, provider, keys, returnTo: login.returnTo }
  }
}
