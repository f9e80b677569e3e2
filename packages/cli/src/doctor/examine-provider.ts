import {
  checkProviders,
  type Database,
  type ProviderReport,
  readAppOrigins,
  readAppUrl,
  readPublicUrl,
  readVippsIssuers,
} from '@nokkel/server'
import { type ExitCode, text, UsageError, type Values } from '../command.ts'
import { withOperatorDatabase } from '../settings/operator-database.ts'
import { readKnownProviders } from '../settings/providers.ts'
import { readRootKeys, rootKeySources } from '../settings/root-keys.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** Tries a provider for one organisation or for all that have it. */
export async function examineProvider(values: Values, terminal: Terminal): Promise<ExitCode> {
  const { environment, print } = terminal
  const [provider, organization] = [text(values, 'provider'), text(values, 'organization')]
  if (provider !== 'vipps' && provider !== 'bankid') throw new UsageError('--provider takes vipps or bankid.')
  const settings = {
    provider,
    ...(organization !== undefined && { organization }),
    providers: await readKnownProviders(environment),
    publicUrl: readPublicUrl(environment),
    appUrl: readAppUrl(environment),
    vippsIssuers: readVippsIssuers(environment),
    appOrigins: readAppOrigins(environment),
  } as const
  const stored = provider === 'vipps' && Boolean(environment.DATABASE_URL || values.data)
  const examine = async (database?: Database) => {
    const rootKeys =
      database && rootKeySources.some((name) => environment[name]) ? await readRootKeys(environment) : undefined
    const mode = values.data === undefined ? 'production' : 'development'
    return checkProviders({ ...settings, ...(database && { database }), ...(rootKeys && { rootKeys }), mode })
  }
  const reports = stored ? await withOperatorDatabase(values, terminal, { migrate: false }, examine) : await examine()
  if (values.json) print(JSON.stringify({ provider, organizations: reports }, null, 2))
  else if (reports.length === 0) print(`No organisation has ${provider}.`)
  else for (const line of describe(reports)) print(line)
  return reports.length > 0 && reports.every(isWell) ? 0 : 1
}

const isWell = ({ findings }: ProviderReport): boolean => findings.every(({ result }) => result === 'ok')

function* describe(reports: readonly ProviderReport[]): Iterable<string> {
  for (const { organization, findings } of reports) {
    yield organization
    for (const { check, result, detail } of findings) yield `  ${result.padEnd(7)}  ${check}: ${detail}`
  }
}
