import type { ProviderFinding } from '@nokkel/contract'
import type { Provider } from '../auth/providers/provider.ts'
import type { ProviderRegistry } from '../auth/providers/registry.ts'
import type { Database } from '../db/database.ts'
import { checkSchema } from '../db/schema-version.ts'
import type { RootKeyProvider } from '../keyring/root-keys.ts'
import { createServerKeys } from '../keyring/server-keys.ts'
import { checkOrganization } from './check.ts'
import { checkCallbackPage } from './check-callback-page.ts'
import type { VippsIssuers } from './login-setup.ts'
import { redirectUriOf } from './redirect-uri.ts'
import { selectSetups } from './store.ts'

export interface CheckProvidersOptions {
  readonly provider: Provider
  /** Slug of the only organisation to look at. Default: every one that has this provider. */
  readonly organization?: string
  readonly providers: ProviderRegistry
  readonly publicUrl: string
  /** As the server has it: providers send people back there. Default: `publicUrl`. */
  readonly appUrl?: string
  readonly vippsIssuers: VippsIssuers
  /** As the server has them. Default none. */
  readonly appOrigins?: readonly string[]
  /** Connected as `nokkel_server`. Without it, only what the operator has configured is looked at. */
  readonly database?: Database
  /** Of the server; needed where an organisation has stored a client secret. */
  readonly rootKeys?: RootKeyProvider
  /** Default `production`, in which everything outside is reached over TLS. */
  readonly mode?: 'development' | 'production'
  /** How long to wait for each answer of a provider. Default 10. */
  readonly timeoutSeconds?: number
}

/** What was found for one organisation. */
export interface ProviderReport {
  readonly organization: string
  readonly findings: readonly ProviderFinding[]
}

/**
 * Tries how organisations let their people log in against the provider itself, without logging anybody in.
 *
 * @returns One report for each organisation, by slug.
 * @throws {Error} The database or the root keys cannot be used.
 */
export async function checkProviders(options: CheckProvidersOptions): Promise<ProviderReport[]> {
  const { provider, organization, providers, publicUrl, vippsIssuers, database, rootKeys } = options
  const { appUrl = publicUrl, appOrigins = [], mode = 'production', timeoutSeconds = 10 } = options
  const production = mode === 'production'
  if (database) await checkSchema(database)
  const stored = provider === 'vipps' && database ? await selectSetups(database, null) : []
  const slugs = new Set([
    ...providers.connections
      .filter((connection) => connection.provider === provider)
      .map((known) => known.organization),
    ...stored.filter(({ vipps }) => vipps !== null).map(({ slug }) => slug),
  ])
  const keyring =
    database && rootKeys && createServerKeys(rootKeys, { database, logger: () => undefined, production }).keyring
  const unwrap = keyring?.unwrap ?? (() => Promise.reject(new Error('A client secret is stored; set the root keys.')))
  const reports: ProviderReport[] = []
  for (const slug of organization === undefined ? [...slugs].sort() : [organization]) {
    const findings = await checkOrganization(
      {
        registry: providers,
        vippsIssuers,
        ...(database && { database }),
        keyring: { unwrap },
        appUrl,
        appOrigins,
        production,
        timeoutSeconds,
        now: () => new Date(),
      },
      provider,
      slug,
    )
    const page = await checkCallbackPage(redirectUriOf(appUrl, provider, slug), timeoutSeconds)
    reports.push({ organization: slug, findings: [...findings, ...page] })
  }
  return reports
}
