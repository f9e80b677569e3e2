import { givenOnce } from './given-once.ts'
import { parseKey } from './key-text.ts'
import { assertRootKeys, type RootKeyProvider } from './root-keys.ts'

/**
 * Root keys from environment variables, each 64 hexadecimal digits: `MASTER_ENCRYPTION_KEY` wraps;
 * `MASTER_ENCRYPTION_KEYS_OLD`, separated by commas, only open; `INDEX_KEY` recognises people, and `INDEX_KEY_OLD` those
 * who are still under the previous one.
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
  const current = take('MASTER_ENCRYPTION_KEY')
  const old = take('MASTER_ENCRYPTION_KEYS_OLD')
  const [indexKey, oldIndexKey] = [take('INDEX_KEY'), take('INDEX_KEY_OLD')]
  const keys = {
    masterKeys: [
      parseVariable(current, 'MASTER_ENCRYPTION_KEY'),
      ...(old === '' ? [] : old.split(',')).map((text) => parseKey(text.trim(), 'Each of MASTER_ENCRYPTION_KEYS_OLD')),
    ],
    indexKeys: [
      parseVariable(indexKey, 'INDEX_KEY'),
      ...(oldIndexKey === '' ? [] : [parseKey(oldIndexKey, 'INDEX_KEY_OLD')]),
    ],
  }
  assertRootKeys(keys)
  return givenOnce(keys)
}

function parseVariable(text: string, name: string): Uint8Array {
  if (text === '') throw new TypeError(`${name} is not set; it holds 64 hexadecimal digits (256 bits).`)
  return parseKey(text, name)
}
