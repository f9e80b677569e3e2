import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Assurance, SignedIn, Tokens } from '@nokkel/contract'
import { createDpopProof, encodeBase64Url, generateDeviceKeys } from '@nokkel/crypto'
import { createSandbox, people, type Sandbox, type SandboxClient, type SignInOptions, signIn } from '@nokkel/sandbox'
import {
  type ClientAuthentication,
  createNokkelServer,
  createProviderRegistry,
  givenRootKeys,
  type LogEntry,
  type NokkelServer,
  type NokkelServerOptions,
  type Provider,
  type ProviderConnection,
} from '@nokkel/server'
import { sql } from 'kysely'
import type { TestDatabase } from './database.ts'
import { createOrganization } from './people.ts'

export const publicUrl = 'http://localhost:3000'
/** Of the app that organisations may have. */
export const appOrigins = ['https://app.example.no', 'no.example.app:']

/** A server with one organisation and both providers, in front of a real sandbox. */
export interface LoginSystem {
  readonly server: NokkelServer
  readonly sandbox: Sandbox
  readonly organization: string
  readonly organizationId: string
  readonly logged: LogEntry[]
  /** What the clock of the server adds to the time. */
  readonly clock: { offsetSeconds: number }
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>
  /** @param changes - Other or further members of the request. */
  begin(provider: Provider, changes?: Record<string, unknown>): Promise<BegunLogin>
  /** Goes to the provider and comes back: the query of the callback. */
  visit(login: BegunLogin, options?: Partial<SignInOptions>): Promise<string>
  complete(login: BegunLogin, callback: string, changes?: Record<string, unknown>): Promise<Answer>
  /** All of it, for someone who succeeds. */
  logIn(provider: Provider, person?: string): Promise<LoggedInOverHttp>
  refresh(tokens: Tokens, signing: CryptoKeyPair): Promise<Answer>
  close(): Promise<void>
}

interface RequestOptions {
  readonly token?: string
  readonly signing?: CryptoKeyPair
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came back
  readonly body: any
}

interface BegunLogin {
  readonly provider: Provider
  readonly organization: string
  readonly loginId: string
  readonly authorizationUrl: string
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  readonly signing: CryptoKeyPair
}

interface LoggedInOverHttp extends SignedIn {
  readonly signing: CryptoKeyPair
}

export const firstPerson = (people.find(({ id }) => id === 'likeperson-medlem-1') ?? people[0])?.id ?? ''

/** A yes to everything that a provider can be asked for. */
export const consentTo = (provider: Provider, via?: ProviderConnection['via']) => ({
  version: 'v1',
  shares:
    provider === 'bankid'
      ? ['name', 'birthDate', 'personnummer']
      : ['name', ...(via === undefined ? ['phoneNumber', 'email'] : []), 'address', 'personnummer'],
})

type Connections = Partial<Record<Provider, Partial<ProviderConnection>>>
const byItself = (): Connections => ({})

export async function createLoginSystem(
  database: TestDatabase,
  options: Partial<NokkelServerOptions> & {
    readonly enrollment?: 'open' | 'invited'
    readonly personnummer?: boolean
    /** How the server proves to the providers who it is. Default: `client_secret_basic`. */
    readonly authentication?: Partial<
      Record<Provider, ClientAuthentication & { readonly jwks?: SandboxClient['jwks'] }>
    >
    /** How else the organisation with that slug is a client: by a broker, with an app. */
    readonly connection?: (organization: string) => Connections
    readonly minimumAssurance?: Assurance
  } = {},
): Promise<LoginSystem> {
  const { enrollment = 'open', personnummer = true, authentication = {}, ...rest } = options
  const { connection = byItself, minimumAssurance = 'low', ...changes } = rest
  const authenticationAt = (provider: Provider) =>
    authentication[provider] ?? { method: 'client_secret_basic', secret: 'not-a-secret' }
  const organization = `org-${randomBytes(4).toString('hex')}`
  const organizationId = await createOrganization(database, { slug: organization })
  await sql`
    update public.organization set enrollment = ${enrollment}, minimum_assurance = ${minimumAssurance}
    where id = ${organizationId}::uuid`.execute(database.owner)
  const host = createServer((req, res) => {
    if (!sandbox.handle(req, res)) res.writeHead(404).end()
  })
  await new Promise<void>((resolve) => host.listen(0, 'localhost', resolve))
  const sandboxUrl = `http://localhost:${(host.address() as AddressInfo).port}`
  const client = (provider: Provider) => {
    const { appRedirectUri, appCallbackUri } = connection(organization)[provider] ?? {}
    return {
      clientId: `${organization}-${provider}`,
      ...clientKeys(authenticationAt(provider)),
      redirectUris: [
        `${publicUrl}/callback/${provider}/${organization}`,
        ...(appRedirectUri === undefined ? [] : [appRedirectUri]),
      ],
      ...(appCallbackUri === undefined ? {} : { appCallbackUris: [appCallbackUri] }),
      nationalNumber: personnummer,
    }
  }
  const hostOf = (provider: Provider) => connection(organization)[provider]?.via ?? provider
  const clientsAt = (host: string) =>
    (['bankid', 'vipps'] as const).filter((provider) => hostOf(provider) === host).map(client)
  const sandbox = createSandbox({
    publicUrl: sandboxUrl,
    clients: {
      bankid: clientsAt('bankid'),
      vipps: clientsAt('vipps'),
      idura: clientsAt('idura'),
      signicat: clientsAt('signicat'),
    },
  })
  const logged: LogEntry[] = []
  const clock = { offsetSeconds: 0 }
  const now = () => new Date(Date.now() + clock.offsetSeconds * 1000)
  const server = createNokkelServer({
    database: database.server,
    publicUrl,
    rootKeys: givenRootKeys({ masterKeys: ['07'.repeat(32)], indexKeys: ['09'.repeat(32)] }),
    providers: createProviderRegistry(
      (['bankid', 'vipps'] as const).map((provider) => ({
        provider,
        organization,
        issuer: sandbox[hostOf(provider)].issuer,
        clientId: client(provider).clientId,
        authentication: authenticationAt(provider),
        personnummer,
        ...connection(organization)[provider],
      })),
    ),
    vippsIssuers: { test: sandbox.vipps.issuer },
    appOrigins,
    mode: 'development',
    now,
    logger: (entry) => logged.push(entry),
    limits: { login: { address: Infinity, person: Infinity }, refresh: { address: Infinity, person: Infinity } },
    ...changes,
  })
  await server.ready()

  const system: LoginSystem = {
    server,
    sandbox,
    organization,
    organizationId,
    logged,
    clock,
    async request(method, path, { token, signing, body, headers = {} } = {}) {
      const url = `${publicUrl}${path}`
      const response = await server.fetch(
        new Request(url, {
          method,
          headers: {
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(signing ? { dpop: await createDpopProof({ signer: signing, method, url, now }) } : {}),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        }),
      )
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
    },
    async begin(provider, requestChanges = {}) {
      const [state, nonce, codeVerifier] = [random(), random(), random()]
      const { status, body } = await system.request('POST', '/nokkel/login', {
        body: {
          provider,
          organization,
          state,
          nonce,
          codeChallenge: await challengeOf(codeVerifier),
          consent: consentTo(provider, connection(organization)[provider]?.via),
          ...requestChanges,
        },
      })
      if (status !== 201) throw new Error(`login answered ${status} ${body.code}`)
      const { signing } = await generateDeviceKeys()
      return { provider, organization, state, nonce, codeVerifier, signing, ...body }
    },
    async visit(login, signInOptions = {}) {
      const callback = await signIn(login.authorizationUrl, { person: firstPerson, ...signInOptions })
      return callback.slice(callback.indexOf('?') + 1)
    },
    complete({ provider, loginId, nonce, codeVerifier, signing }, callback, overrides = {}) {
      const body = { loginId, provider, organization, callback, codeVerifier, nonce, ...overrides }
      return system.request('POST', '/nokkel/login/complete', { body, signing })
    },
    async logIn(provider, person = firstPerson) {
      const login = await system.begin(provider)
      const { status, body } = await system.complete(login, await system.visit(login, { person }))
      if (status !== 200) throw new Error(`login/complete answered ${status} ${body.code}`)
      return { ...body, signing: login.signing }
    },
    refresh: ({ refreshToken }, signing) =>
      system.request('POST', '/nokkel/session/refresh', { body: { refreshToken }, signing }),
    async close() {
      await server.close()
      sandbox.close()
      await new Promise((resolve) => {
        host.close(resolve)
        host.closeAllConnections()
      })
    },
  }
  return system
}

function clientKeys(chosen: ClientAuthentication & { readonly jwks?: SandboxClient['jwks'] }) {
  const { method: authentication, jwks } = chosen
  return {
    authentication,
    ...(chosen.method === 'private_key_jwt' ? jwks && { jwks } : { clientSecret: chosen.secret }),
  }
}

const random = () => encodeBase64Url(crypto.getRandomValues(new Uint8Array(32)))

async function challengeOf(verifier: string): Promise<string> {
  return encodeBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))))
}
