import { isAppOrigin } from '../auth/providers/redirect-uri.ts'
import type { ProviderRegistry } from '../auth/providers/registry.ts'
import type { SupabaseProject } from '../auth/supabase-token.ts'
import { appUrlOf, publicUrlOf } from '../http/public-url.ts'
import {
  assertIssuers,
  knownVippsIssuers,
  type OperatorWays,
  type VippsIssuers,
} from '../login-settings/login-setup.ts'
import { ConfigurationError } from './configuration-error.ts'
import { parseProviders } from './providers.ts'

/** Everything a server in production is told but its root keys. */
export interface Configuration {
  readonly databaseUrl: string
  readonly publicUrl: string
  readonly appUrl: string
  readonly providers: ProviderRegistry
  readonly vippsIssuers: VippsIssuers
  readonly allowedOrigins: readonly string[]
  readonly appOrigins: readonly string[]
  readonly trustedProxies: number
  readonly backupRetentionDays?: number
  readonly supabase?: SupabaseProject
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the settings of a server from environment variables: the same on Node and in an edge function.
 *
 * - `DATABASE_URL`: logs in as `nokkel_server`.
 * - `PUBLIC_URL`: where browsers reach the server, with https and without a final slash.
 * - `APP_URL`: the origin of the application where it is another one, which `ALLOWED_ORIGINS` names: logins come back there.
 *   Default: `PUBLIC_URL`.
 * - `PROVIDERS`, or `PROVIDERS_FILE` with `readText`: a JSON list of how organisations let their people log in.
 * - `VIPPS_ISSUER`: the production environment of Vipps, for organisations that set it up themselves. Default: that of Vipps.
 * - `VIPPS_TEST_ISSUER`: another one for them to choose. Default none. The test environments of Vipps and BankID themselves are
 *   refused, here as in `PROVIDERS`: made-up people do not stand beside real ones.
 * - `ALLOWED_ORIGINS`: origins whose pages may call the API, separated by commas. Default none.
 * - `APP_ORIGINS`: the apps that administrators may have people sent back into, separated by commas: https origins, or
 *   reverse-domain schemes such as `no.example.app:`. Default none.
 * - `TRUSTED_PROXIES`: how many proxies of one's own write `X-Forwarded-For`. Default 0.
 * - `BACKUP_RETENTION_DAYS`: how long backups of the database are kept, from 1 to 3650. Without it a server says 30, and logs that
 *   nobody has promised so.
 * - `SUPABASE_URL`: the project whose accounts people may bring along; edge functions have it already. One without https, as
 *   that of a gateway on the same machine, is not used.
 * - `SUPABASE_JWKS_URL`: where its keys are. Default: `<SUPABASE_URL>/auth/v1/.well-known/jwks.json`.
 *
 * @param readText - Reads a file; without it `PROVIDERS_FILE` is refused.
 * @throws {ConfigurationError} A setting is missing or wrong.
 *
 * @example
 * ```ts
 * const { databaseUrl, ...settings } = await readConfiguration(process.env)
 * const server = createNokkelServer({ database: databaseUrl, ...settings, rootKeys: environmentRootKeys(process.env) })
 * ```
 */
export async function readConfiguration(
  environment: Environment,
  readText?: (file: string) => Promise<string>,
): Promise<Configuration> {
  const databaseUrl = readDatabaseUrl(environment)
  const publicUrl = readPublicUrl(environment)
  const allowedOrigins = readOrigins(environment.ALLOWED_ORIGINS)
  const appUrl = readAppUrl(environment)
  const appOrigins = readAppOrigins(environment)
  const trustedProxies = readCount(environment.TRUSTED_PROXIES)
  const backupRetentionDays = readDays(environment.BACKUP_RETENTION_DAYS)
  const vippsIssuers = readVippsIssuers(environment)
  const supabase = readSupabase(environment)
  const providers = await readProviders(environment, readText)
  assertForRealPeople({ registry: providers, vippsIssuers })
  return {
    databaseUrl,
    publicUrl,
    appUrl,
    providers,
    vippsIssuers,
    allowedOrigins,
    appOrigins,
    trustedProxies,
    ...(backupRetentionDays !== undefined && { backupRetentionDays }),
    ...(supabase && { supabase }),
  }
}

function assertForRealPeople(ways: OperatorWays): void {
  try {
    assertIssuers(ways, true)
  } catch (cause) {
    throw new ConfigurationError((cause as Error).message, { cause })
  }
}

/** @throws {ConfigurationError} `DATABASE_URL` is missing or no URL of a Postgres. */
export function readDatabaseUrl(environment: Environment): string {
  const url = environment.DATABASE_URL
  if (!url) throw new ConfigurationError('DATABASE_URL is not set; it logs in to Postgres as nokkel_server.')
  if (!/^postgres(?:ql)?:\/\/./.test(url)) {
    throw new ConfigurationError('DATABASE_URL must begin with postgres:// or postgresql://.')
  }
  return url
}

/** @throws {ConfigurationError} `PUBLIC_URL` is missing or no https URL. */
export function readPublicUrl(environment: Environment): string {
  const url = environment.PUBLIC_URL
  if (!url) throw new ConfigurationError('PUBLIC_URL is not set; it says where browsers reach the server.')
  try {
    return publicUrlOf(url, true)
  } catch {
    throw new ConfigurationError('PUBLIC_URL must be an absolute https URL.')
  }
}

/** @throws {ConfigurationError} `APP_URL` is neither `PUBLIC_URL` nor an https origin that is its or of `ALLOWED_ORIGINS`. */
export function readAppUrl(environment: Environment): string {
  const publicUrl = readPublicUrl(environment)
  const allowedOrigins = readOrigins(environment.ALLOWED_ORIGINS)
  try {
    return appUrlOf(environment.APP_URL || undefined, { publicUrl, allowedOrigins }, true)
  } catch {
    throw new ConfigurationError('APP_URL must be an https origin that ALLOWED_ORIGINS names, without a path.')
  }
}

/** @throws {ConfigurationError} `VIPPS_ISSUER` or `VIPPS_TEST_ISSUER` is no https URL. */
export function readVippsIssuers(environment: Environment): VippsIssuers {
  const { VIPPS_ISSUER, VIPPS_TEST_ISSUER } = environment
  for (const [name, issuer] of Object.entries({ VIPPS_ISSUER, VIPPS_TEST_ISSUER })) {
    if (issuer && !(URL.canParse(issuer) && new URL(issuer).protocol === 'https:')) {
      throw new ConfigurationError(`${name} must be an https URL.`)
    }
  }
  return {
    production: VIPPS_ISSUER || knownVippsIssuers.production,
    ...(VIPPS_TEST_ISSUER && { test: VIPPS_TEST_ISSUER }),
  }
}

/** @throws {ConfigurationError} `PROVIDERS` and `PROVIDERS_FILE` are missing, or what they hold is wrong. */
export async function readProviders(
  environment: Environment,
  readText: ((file: string) => Promise<string>) | undefined,
): Promise<ProviderRegistry> {
  const { PROVIDERS: inline, PROVIDERS_FILE: file } = environment
  if (inline) return parseProviders(inline, 'PROVIDERS', environment)
  if (!file || !readText) {
    const where = readText ? 'PROVIDERS or PROVIDERS_FILE' : 'PROVIDERS'
    throw new ConfigurationError(`${where} is not set; it says in JSON how organisations let their people log in.`)
  }
  const text = await readText(file).catch((cause: NodeJS.ErrnoException) => {
    throw new ConfigurationError(`PROVIDERS_FILE ${file} cannot be read: ${cause.code ?? cause.name}.`, { cause })
  })
  return parseProviders(text, file, environment)
}

/** @throws {ConfigurationError} `APP_ORIGINS` holds something that is neither an https origin nor a reverse-domain scheme. */
export function readAppOrigins({ APP_ORIGINS }: Environment): string[] {
  const origins = listOf(APP_ORIGINS)
  if (origins.every(isAppOrigin)) return origins
  throw new ConfigurationError(
    'APP_ORIGINS must hold https origins, or schemes such as no.example.app: with the colon, separated by commas.',
  )
}

const listOf = (text = '') => text.split(',').flatMap((part) => part.trim() || [])

function readOrigins(text: string | undefined): string[] {
  const origins = listOf(text)
  for (const origin of origins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new ConfigurationError(
        'ALLOWED_ORIGINS must hold origins such as https://app.example.no, separated by commas.',
      )
    }
  }
  return origins
}

function readCount(text = '0'): number {
  if (!/^\d$/.test(text)) throw new ConfigurationError('TRUSTED_PROXIES must be a number from 0 to 9.')
  return Number(text)
}

function readDays(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (days < 1 || days > 3650) throw new ConfigurationError('BACKUP_RETENTION_DAYS must be a number from 1 to 3650.')
  return days
}

function readSupabase({ SUPABASE_URL: url, SUPABASE_JWKS_URL: jwksUrl }: Environment): SupabaseProject | undefined {
  if (jwksUrl && !isHttps(jwksUrl)) throw new ConfigurationError('SUPABASE_JWKS_URL must be an absolute https URL.')
  if (jwksUrl && !url)
    throw new ConfigurationError('SUPABASE_URL is not set; SUPABASE_JWKS_URL has the keys of that project.')
  if (url && !URL.canParse(url)) throw new ConfigurationError('SUPABASE_URL must be an absolute https URL.')
  if (!url || !isHttps(url)) return undefined
  return { issuer: `${url.replace(/\/+$/, '')}/auth/v1`, ...(jwksUrl && { jwksUrl }) }
}

const isHttps = (url: string) => URL.canParse(url) && new URL(url).protocol === 'https:'
