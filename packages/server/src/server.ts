import { registerAssignments } from './assignments/routes.ts'
import { createProviderConnections } from './auth/connections.ts'
import { createProviderClients } from './auth/providers/client.ts'
import { isAppOrigin } from './auth/providers/redirect-uri.ts'
import type { ProviderRegistry } from './auth/providers/registry.ts'
import { registerLogin } from './auth/routes.ts'
import { createSupabaseTokens, type SupabaseProject } from './auth/supabase-token.ts'
import { registerBiometrics } from './biometrics/routes.ts'
import { registerBlobs } from './blobs/routes.ts'
import { registerCompanies } from './companies/routes.ts'
import { registerConsents } from './consents/routes.ts'
import { connect } from './db/connect.ts'
import type { Database } from './db/database.ts'
import { checkSchema } from './db/schema-version.ts'
import { createSweeper } from './db/sweep.ts'
import { registerDuplicates } from './duplicates/routes.ts'
import { createAuthenticate } from './http/authenticate.ts'
import type { RequestEnvironment } from './http/client-address.ts'
import { createApi } from './http/create-api.ts'
import { createApp } from './http/create-app.ts'
import { createLocalRateLimiter } from './http/local-rate-limiter.ts'
import { createJsonLogger, describeFailure, type Logger } from './http/logger.ts'
import { createVerifyProof } from './http/proof.ts'
import { appUrlOf, publicUrlOf } from './http/public-url.ts'
import { defaultRateLimits, type RateLimits } from './http/rate-limit.ts'
import { createRateLimiter } from './http/rate-limiter.ts'
import { registerIdentity } from './identity/routes.ts'
import type { RootKeyProvider } from './keyring/root-keys.ts'
import { createServerKeys } from './keyring/server-keys.ts'
import { registerKeys } from './keys/routes.ts'
import { assertIssuers, knownVippsIssuers, type VippsIssuers } from './login-settings/login-setup.ts'
import { registerLoginSettings } from './login-settings/routes.ts'
import { recordPaidLogin, recordRefusedClient } from './login-settings/usage.ts'
import { registerManagedKeys } from './managed-keys/routes.ts'
import { registerOrganizations } from './organizations/routes.ts'
import { registerRfx } from './rfx/routes.ts'
import { createErasures } from './rights/erasures.ts'
import type { ErasureLedger } from './rights/ledger.ts'
import { registerRights } from './rights/routes.ts'
import { registerOpenApi } from './service/openapi.ts'
import { registerReference } from './service/reference/routes.ts'
import { registerService } from './service/routes.ts'
import { registerSeal } from './service/seal.ts'
import { createStartup } from './service/startup.ts'
import { createAccessTokens } from './session/access-token.ts'
import { registerDiscovery } from './session/discovery.ts'
import { registerSessions } from './session/routes.ts'
import { createSessionKeyStore } from './session/session-keys.ts'
import { VERSION } from './version.ts'

export interface NokkelServerOptions {
  /** A database connected as `nokkel_server`, which stays the caller's to close, or where to connect to. */
  readonly database: Database | string
  /** Where browsers reach this server, without a final slash: the only source of the issuer, and what proofs are made for. */
  readonly publicUrl: string
  /**
   * The origin of the application, where it is another one: providers send people back to `<appUrl>/callback/…`. One of
   * `allowedOrigins`. Default: `publicUrl`.
   */
  readonly appUrl?: string
  /** Where the master keys and the index key come from: {@link environmentRootKeys}, or one of `@nokkel/server/node`. */
  readonly rootKeys: RootKeyProvider
  readonly providers: ProviderRegistry
  /**
   * Which environments of Vipps administrators may choose for their organisation, each with its issuer exactly as Vipps writes it.
   * Default: `production` alone in production, both of them in development.
   */
  readonly vippsIssuers?: VippsIssuers
  /**
   * The apps that administrators may have people sent back into from Vipps: origins with https, or schemes in reverse-domain
   * form such as `no.example.app:`. Default none. What the operator configures in `providers` needs not stand here.
   */
  readonly appOrigins?: readonly string[]
  readonly now?: () => Date
  /** Default: one line of JSON per event on standard output. */
  readonly logger?: Logger
  /** Default `production`, in which everything outside is reached over TLS and made-up people do not count. */
  readonly mode?: 'development' | 'production'
  readonly limits?: Partial<RateLimits>
  /** Origins besides our own whose pages may call the API. Default none. */
  readonly allowedOrigins?: readonly string[]
  /** How many proxies of our own write `X-Forwarded-For`. Default 0: the header is not believed. */
  readonly trustedProxies?: number
  /** How long to wait for each answer of a provider. Default 10. */
  readonly providerTimeoutSeconds?: number
  /** RSA key pairs made ahead, one after another while nothing else needs the cores. Default 0. */
  readonly warmKeyPairs?: number
  /** The Supabase project that people may have accounts of already. Default: none. */
  readonly supabase?: SupabaseProject
  /**
   * Where erasures are written down beside the database: whoever it names and a restored backup brings back is erased again before
   * anything is answered. On Node `fileErasureLedger` of `@nokkel/server/node`. Default: none.
   */
  readonly erasureLedger?: ErasureLedger
  /**
   * How long backups of the database are kept, from 1 to 3650, as people who are erased are told. Default 30, which is logged in
   * production as `backup_retention_assumed`.
   */
  readonly backupRetentionDays?: number
}

const defaultBackupRetentionDays = 30

/** Where the operations are; the last three where other EKM-05 software expects them. */
const apiPaths = ['/nokkel/*', '/crypto-service', '/generate-user-keys', '/generate-company-keys']

export interface NokkelServer {
  /** Answers one request of the API. */
  fetch(request: Request, environment?: RequestEnvironment): Promise<Response>
  /**
   * Checks root keys, schema and session keys, once; until it is done, requests wait.
   *
   * @throws {Error} Says in one sentence what is wrong, also that the root keys are sealed.
   */
  ready(): Promise<void>
  /** Whether the root keys wait for shares. The server starts by itself once it has them. */
  sealed(): boolean
  /** Waits for requests under way, then lets go of the database. */
  close(): Promise<void>
}

/**
 * Makes the server: the whole HTTP API over one database, for whatever can call `fetch`.
 *
 * @throws {TypeError} An option cannot be right; says which and why.
 *
 * @example
 * ```ts
 * const server = createNokkelServer({
 *   database: 'postgres://nokkel_server@localhost/nokkel',
 *   publicUrl: 'https://keys.example.no',
 *   rootKeys: environmentRootKeys(process.env),
 *   providers: createProviderRegistry([]),
 * })
 * await server.ready()
 * const response = await server.fetch(new Request('https://keys.example.no/nokkel/health'))
 * ```
 */
export function createNokkelServer(options: NokkelServerOptions): NokkelServer {
  const {
    providers,
    now = () => new Date(),
    logger = createJsonLogger(),
    mode = 'production',
    allowedOrigins = [],
    appOrigins = [],
    trustedProxies = 0,
    providerTimeoutSeconds = 10,
    warmKeyPairs = 0,
    supabase,
    erasureLedger,
    backupRetentionDays = defaultBackupRetentionDays,
  } = options
  const production = mode === 'production'
  const publicUrl = publicUrlOf(options.publicUrl, production)
  const appUrl = appUrlOf(options.appUrl, { publicUrl, allowedOrigins }, production)
  const { vippsIssuers = production ? { production: knownVippsIssuers.production } : knownVippsIssuers } = options
  assertIssuers({ registry: providers, vippsIssuers }, production)
  if (!appOrigins.every(isAppOrigin))
    throw new TypeError('appOrigins must hold https origins and reverse-domain schemes.')
  if (!(Number.isInteger(backupRetentionDays) && backupRetentionDays >= 1 && backupRetentionDays <= 3650))
    throw new TypeError('backupRetentionDays must be a whole number from 1 to 3650.')
  const database = typeof options.database === 'string' ? connect(options.database) : options.database

  const { seal } = options.rootKeys
  const keys = createServerKeys(options.rootKeys, { database, logger, production })
  const { keyring } = keys
  const issuer = `${publicUrl}/nokkel`
  const sessionKeys = createSessionKeyStore(database, keyring, now)
  const accessTokens = createAccessTokens(issuer, sessionKeys, now)
  const providerClients = createProviderClients({ production, timeoutSeconds: providerTimeoutSeconds, now })
  const connections = createProviderConnections({ registry: providers, vippsIssuers, appOrigins, database, keyring })
  const sweeper = createSweeper(database, logger, now)
  const erasures = createErasures({ database, logger, ledger: erasureLedger, backupRetentionDays })
  const startup = createStartup(async () => {
    await keys.load()
    await checkSchema(database)
    await keys.check()
    await sessionKeys.current()
    await erasures.begin()
    // People are given that number signed, so nobody but the operator can promise it.
    if (production && options.backupRetentionDays === undefined)
      logger({ level: 'warn', event: 'backup_retention_assumed', count: backupRetentionDays })
  })

  const limiter = createRateLimiter({ database, now })
  const limits = { ...defaultRateLimits, ...options.limits }
  const app = createApp({ logger, production, allowedOrigins, trustedProxies })
  const api = createApi(app, {
    authenticate: createAuthenticate(accessTokens.verify, now),
    verifyProof: createVerifyProof({ database, publicUrl, now }),
    limiter,
    localLimiter: createLocalRateLimiter(now),
    limits,
  })
  registerService(api.local, { version: VERSION, checkReadiness: () => startup.check(database) })
  registerSeal(api.local, { seal, onUnsealed: startUnasked })
  for (const path of apiPaths) {
    app.use(path, async (_, next) => {
      await startup.run()
      await erasures.settle()
      await next()
    })
  }
  registerLogin(api, {
    database,
    appUrl,
    connections,
    providerClients,
    accessTokens,
    keyring,
    logger,
    blindIndex: keys.blindIndex,
    allowSynthetic: !production,
    exchanged: (attempt) => recordPaidLogin(database, attempt),
    async refused({ provider, organization, organizationId }) {
      logger({ level: 'error', event: 'provider_misconfigured', provider, organization })
      await recordRefusedClient(database, { provider, organizationId })
    },
    verifySupabaseToken:
      supabase && createSupabaseTokens(supabase, { production, timeoutSeconds: providerTimeoutSeconds, now }),
  })
  registerSessions(api, { database, accessTokens })
  registerBiometrics(api, { database, publicUrl, allowedOrigins, production })
  registerIdentity(api, { database, keyring, logger, allowSynthetic: !production })
  registerConsents(api, { database })
  registerRights(api, { database, keyring, logger, now, erasures, sessionKeys, issuer, backupRetentionDays })
  registerOrganizations(api, { database, offers: connections.offers })
  registerLoginSettings(api, {
    database,
    keyring,
    appUrl,
    registry: providers,
    vippsIssuers,
    appOrigins,
    production,
    timeoutSeconds: providerTimeoutSeconds,
    now,
  })
  registerCompanies(api, { database })
  registerDuplicates(api, { database, keyring })
  registerKeys(api, { database, now })
  const managedKeys = registerManagedKeys(api, { database, keyring, now, limiter, limits, warmKeyPairs })
  registerAssignments(api, { database })
  registerBlobs(api, { database })
  registerRfx(api, { database, keyring, now })
  registerDiscovery(app, issuer, sessionKeys)
  registerOpenApi(app, publicUrl, VERSION)
  registerReference(app)
  api.seal()

  const underWay = new Set<Promise<unknown>>()
  function track(work: Promise<unknown>): void {
    underWay.add(work)
    const settle = () => underWay.delete(work)
    work.then(settle, settle)
  }
  const maybeSweep = async () => (startup.hasPassed() ? sweeper.maybeSweep() : undefined)
  async function start(): Promise<void> {
    await startup.run()
    managedKeys.warm()
  }
  // Whoever gave the last share is not kept waiting; what goes wrong is told to every request after it.
  function startUnasked(): void {
    const report = (error: unknown) => logger({ level: 'error', event: 'start_failed', error: describeFailure(error) })
    track(start().catch(report))
  }
  return {
    fetch(request, environment = {}) {
      const answering = Promise.resolve(app.fetch(request, environment))
      track(answering)
      const upkeep = answering.then(maybeSweep, maybeSweep)
      environment.waitUntil?.(upkeep)
      return answering
    },
    sealed: () => seal?.status().sealed ?? false,
    async ready() {
      try {
        await start()
      } catch (error) {
        throw error instanceof Error && error.cause instanceof Error ? error.cause : error
      }
    },
    async close() {
      await Promise.allSettled(underWay)
      await managedKeys.close()
      await sweeper.finish()
      if (typeof options.database === 'string') await database.destroy()
    },
  }
}
