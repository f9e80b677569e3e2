import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as oidc from 'openid-client'
import type { SandboxClient } from '../client.ts'
import { createSandbox, type Sandbox, type SandboxOptions } from '../sandbox.ts'
import type { ProviderName } from '../scenarios/scenario.ts'
import { type SignInOptions, signIn } from '../sign-in.ts'

export const REDIRECT_URI = 'http://localhost:3000/callback'
const SECRET = 'sandbox-client-secret'

export const client = (clientId: string, more: Partial<SandboxClient> = {}): SandboxClient => ({
  clientId,
  name: `Partner ${clientId}`,
  clientSecret: SECRET,
  redirectUris: [REDIRECT_URI],
  ...more,
})

const DEFAULT_CLIENTS = {
  bankid: [client('trusted', { nationalNumber: true }), client('plain')],
  vipps: [client('trusted', { nationalNumber: true, merchantSerialNumber: '123456' }), client('plain')],
  idura: [client('trusted', { nationalNumber: true }), client('plain')],
  signicat: [client('trusted', { nationalNumber: true }), client('plain')],
}

export interface RunningSandbox {
  readonly sandbox: Sandbox
  readonly origin: string
  stop(): Promise<void>
}

/** A sandbox on a free port of this machine. */
export async function startSandbox(options: Partial<SandboxOptions> = {}): Promise<RunningSandbox> {
  let sandbox: Sandbox | undefined
  const server = createServer((req, res) => {
    if (!sandbox?.handle(req, res)) res.writeHead(418).end('not the sandbox')
  })
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`
  sandbox = createSandbox({ publicUrl: origin, clients: DEFAULT_CLIENTS, ...options })
  const started = sandbox
  return {
    sandbox: started,
    origin,
    stop: () =>
      new Promise((resolve) => {
        started.close()
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

export interface LoginRequest {
  readonly clientId?: string
  readonly scope?: string
  readonly parameters?: Record<string, string>
  readonly authentication?: oidc.ClientAuth
}

export interface BegunLogin {
  readonly url: URL
  readonly state: string
  readonly signIn: (options?: Partial<SignInOptions>) => Promise<string>
  readonly exchange: (callback: string) => ReturnType<typeof oidc.authorizationCodeGrant>
  readonly userinfo: (accessToken: string, subject: string) => ReturnType<typeof oidc.fetchUserInfo>
  readonly configuration: oidc.Configuration
}

const ALL_SCOPES = {
  bankid: 'openid profile nnin_altsub',
  vipps: 'openid name phoneNumber email address birthDate gender nin',
  idura: 'openid ssn',
  signicat: 'openid profile nin nbid-extra idp-id',
} as const

/** What the brokers want to know of every request. */
const EID: Partial<Record<ProviderName, Record<string, string>>> = {
  idura: { acr_values: 'urn:grn:authn:no:bankid:high' },
  signicat: { acr_values: 'idp:nbid nbid_idp:BID' },
}

/** A login as an application does it: openid-client with every check on. */
export async function beginLogin(
  { sandbox }: RunningSandbox,
  provider: ProviderName,
  request: LoginRequest = {},
): Promise<BegunLogin> {
  const { clientId = 'trusted', scope = ALL_SCOPES[provider], parameters = {} } = request
  const { authentication = oidc.ClientSecretBasic(SECRET) } = request
  const configuration = await oidc.discovery(new URL(sandbox[provider].issuer), clientId, undefined, authentication, {
    execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
  })
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const nonce = oidc.randomNonce()
  const url = oidc.buildAuthorizationUrl(configuration, {
    redirect_uri: REDIRECT_URI,
    scope,
    state,
    nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...EID[provider],
    ...parameters,
  })
  return {
    url,
    state,
    configuration,
    signIn: (options = {}) => signIn(url, { person: 'likeperson-medlem-1', ...options }),
    exchange: (callback) =>
      oidc.authorizationCodeGrant(configuration, new URL(callback), {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      }),
    userinfo: (accessToken, subject) => oidc.fetchUserInfo(configuration, accessToken, subject),
  }
}
