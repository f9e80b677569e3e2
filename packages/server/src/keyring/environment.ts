import { parseRootKeys, type RootKeyProvider, type RootKeys } from './root-keys.ts'

/**
 * Root keys from environment variables, each 64 hexadecimal digits: `MASTER_ENCRYPTION_KEY` wraps;
 * `MASTER_ENCRYPTION_KEYS_OLD`, separated by commas, only open; `INDEX_KEY`.
 *
 * The variables are removed from `environment` at once, so that no child process inherits them.
 *
 * @param environment - Usually `process.env`.
 * @throws {TypeError} A variable is missing or malformed; names it, without its value.
 *
 * @example
 * ```ts
 * const rootKeys = environmentRootKeys(process.env)
 * ```
 */
export function environmentRootKeys(environment: Record<string, string | undefined>): RootKeyProvider {
  const take = (name: string): string => {
    const value = environment[name]
    delete environment[name]
    return value ?? ''
  }
  const [current, old, indexKey] = [
    take('MASTER_ENCRYPTION_KEY'),
    take('MASTER_ENCRYPTION_KEYS_OLD'),
    take('INDEX_KEY'),
  ]
  if (current === '')
    throw new TypeError('MASTER_ENCRYPTION_KEY is not set; it holds 64 hexadecimal digits (256 bits).')
  if (indexKey === '') throw new TypeError('INDEX_KEY is not set; it holds 64 hexadecimal digits (256 bits).')
  let keys: RootKeys | undefined = parseRootKeys({
    masterKeys: [current, ...(old === '' ? [] : old.split(',').map((text) => text.trim()))],
    indexKey,
  })
  return {
    async load() {
      const given = keys
      keys = undefined
      if (!given) throw new Error('The keys of the environment were already taken by another server.')
      return given
    },
  }
}
