import { readFile } from 'node:fs/promises'
import { createProviderRegistry, type ProviderRegistry, readProviders } from '@nokkel/server'

/** What the operator has configured, if it is told at all. @throws {ConfigurationError} It is wrong. */
export async function readKnownProviders(environment: Record<string, string | undefined>): Promise<ProviderRegistry> {
  if (!environment.PROVIDERS && !environment.PROVIDERS_FILE) return createProviderRegistry([])
  return readProviders(environment, (file) => readFile(file, 'utf8'))
}
