import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { bankidDefinition } from './bankid/definition.ts'
import type { SandboxClient } from './client.ts'
import { iduraDefinition } from './idura/definition.ts'
import { indexPage } from './index-page.ts'
import { notFoundPage } from './login/error-page.ts'
import { sendPage } from './login/layout.ts'
import { mountProvider } from './mounted-provider.ts'
import { people as defaultPeople } from './people.ts'
import type { Person } from './person.ts'
import type { ProviderDefinition } from './provider-definition.ts'
import { SandboxError } from './sandbox-error.ts'
import type { ScenarioName } from './scenarios/index.ts'
import type { ScenarioSettings } from './scenarios/plan.ts'
import type { ProviderName } from './scenarios/scenario.ts'
import { signicatDefinition } from './signicat/definition.ts'
import { TESTING_ONLY } from './testing-only.ts'
import { VIPPS_USERINFO, VIPPS_USERINFO_ROUTE, vippsDefinition } from './vipps/definition.ts'

export interface SandboxOptions {
  /** Origin that browsers and servers reach the sandbox at, such as `http://localhost:3000`. */
  readonly publicUrl: string
  /** Where on that origin. Default `/sandbox`. */
  readonly basePath?: string
  readonly clients: {
    readonly bankid?: readonly SandboxClient[]
    readonly vipps?: readonly SandboxClient[]
    readonly idura?: readonly SandboxClient[]
    readonly signicat?: readonly SandboxClient[]
  }
  /** Who can log in. Default: {@link people}. */
  readonly people?: readonly Person[]
  /** Clock of the ID Tokens. Default: the system's. */
  readonly now?: () => Date
  /** Whether the host runs for real, in which case there is no sandbox. Default `false`. */
  readonly production?: boolean
}

export interface Sandbox {
  readonly bankid: { readonly issuer: string }
  readonly vipps: { readonly issuer: string }
  /** A broker of BankID and Vipps. */
  readonly idura: { readonly issuer: string }
  /** A broker of BankID. */
  readonly signicat: { readonly issuer: string }
  readonly people: readonly Person[]
  /**
   * Answers a request below the base path.
   *
   * @returns `false`, with nothing touched, when the path belongs to someone else.
   */
  handle(req: IncomingMessage, res: ServerResponse): boolean
  /**
   * Makes a provider misbehave in every login that names no scenario itself; `null` ends it.
   *
   * @throws {TypeError} `name` is not a scenario of that provider.
   */
  setScenario(provider: ProviderName, name: ScenarioName | null, settings?: ScenarioSettings): void
  /** Ends what still waits on purpose. */
  close(): void
}

/**
 * Creates a BankID and a Vipps for development and tests, and the brokers Idura and Signicat: real OpenID providers
 * with made-up people, able to misbehave on purpose. For testing only.
 *
 * What it remembers lives in memory and ends with the process. How a login misbehaves is decided by, in this
 * order: the choice on the login page, the authorization request's `scenario` parameter, the cookie
 * `sandbox_scenario`, the person, {@link Sandbox.setScenario}.
 *
 * @throws {SandboxError} `production_mode` — the host runs in production mode, or `NODE_ENV` is `production`.
 * @throws {TypeError} A client lacks something, or names what its provider does not offer.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createSandbox } from '@nokkel/sandbox'
 *
 * const redirectUris = ['http://localhost:3000/callback/bankid/likeperson']
 * const sandbox = createSandbox({
 *   publicUrl: 'http://localhost:3000',
 *   clients: { bankid: [{ clientId: 'likeperson', clientSecret: 'not-a-secret', redirectUris }] },
 * })
 * createServer((req, res) => {
 *   if (!sandbox.handle(req, res)) res.writeHead(404).end()
 * }).listen(3000)
 * ```
 *
 * @see OpenID Connect Core 1.0; RFC 7636 (PKCE); RFC 9126 (PAR, BankID); RFC 9207 (`iss`, BankID)
 */
export function createSandbox(options: SandboxOptions): Sandbox {
  const { publicUrl, basePath = '/sandbox', clients, people = defaultPeople, now = () => new Date() } = options
  if (options.production || process.env.NODE_ENV === 'production') {
    throw new SandboxError('production_mode', 'The sandbox is for testing only and does not start in production mode.')
  }
  const closing = new AbortController()
  const dependencies = {
    people,
    now,
    wait: (milliseconds: number) => delay(milliseconds, undefined, { signal: closing.signal }).catch(() => undefined),
  }
  const { origin } = new URL(publicUrl)
  const baseUrl = `${origin}${basePath}`
  const byId = (list: readonly SandboxClient[] = []) => new Map(list.map((client) => [client.clientId, client]))
  const mount = (definition: ProviderDefinition) => ({
    issuer: definition.issuer,
    ...mountProvider(definition, { ...dependencies, clients: byId(clients[definition.name]) }),
  })
  const mounted = {
    bankid: mount(bankidDefinition(baseUrl)),
    vipps: mount(vippsDefinition(baseUrl)),
    idura: mount(iduraDefinition(baseUrl)),
    signicat: mount(signicatDefinition(baseUrl)),
  }
  const all = Object.values(mounted)
  const index = indexPage(
    all.map(({ issuer }) => issuer),
    people,
  )

  async function answer(req: IncomingMessage, res: ServerResponse, url: URL): Promise<void> {
    res.setHeader('X-Sandbox', TESTING_ONLY)
    if (url.pathname === `${basePath}${VIPPS_USERINFO}`) {
      if ('ocp-apim-subscription-key' in req.headers) return void res.writeHead(401).end()
      return mounted.vipps.handle(req, res, url, VIPPS_USERINFO_ROUTE)
    }
    const provider = all.find(({ owns }) => owns(url.pathname))
    if (provider && !url.pathname.endsWith(VIPPS_USERINFO_ROUTE)) return provider.handle(req, res, url)
    return url.pathname === basePath ? sendPage(res, 200, index) : sendPage(res, 404, notFoundPage())
  }

  return {
    bankid: { issuer: mounted.bankid.issuer },
    vipps: { issuer: mounted.vipps.issuer },
    idura: { issuer: mounted.idura.issuer },
    signicat: { issuer: mounted.signicat.issuer },
    people,
    handle(req, res) {
      const url = req.url?.startsWith('/') ? URL.parse(`${origin}${req.url}`) : null
      if (!url || (url.pathname !== basePath && !url.pathname.startsWith(`${basePath}/`))) return false
      answer(req, res, url).catch((error: unknown) => {
        console.error('sandbox:', error)
        if (!res.headersSent) res.statusCode = 500
        res.end()
      })
      return true
    },
    setScenario: (provider, name, settings) => mounted[provider].plan.set(name, settings),
    close: () => closing.abort(),
  }
}
