import { parseRootKeys, type RootKeyProvider, type RootKeys, type RootKeyTexts } from '../../keyring/root-keys.ts'
import { sharedRootKeys } from '../../keyring/shared-keyring.ts'
import { readSecretFile } from './secret-file.ts'

/**
 * Root keys from a file that only its owner may read (mode 0600 or 0400): JSON with `masterKeys`, of which the first
 * wraps, and `indexKey`, or `indexKeys` with the previous one after it; each key 64 hexadecimal digits.
 *
 * @throws {Error} On loading: the file is missing, is a symbolic link, belongs to another user, may be read by others or
 *   holds something else; says which, without its content.
 *
 * @example
 * ```ts
 * const rootKeys = fileRootKeys('/etc/nokkel/keys.json')
 * ```
 */
export function fileRootKeys(path: string): RootKeyProvider {
  return {
    async load() {
      const bytes = await readSecretFile(path)
      try {
        return parseFile(bytes, path)
      } finally {
        bytes.fill(0)
      }
    },
  }
}

/**
 * Root keys from a file that stays sealed until enough people have given their shares.
 *
 * @throws {Error} The file cannot be read as {@link fileRootKeys} says, or is none that `splitKeyring` made.
 */
export async function sealedFileRootKeys(path: string): Promise<RootKeyProvider> {
  return sharedRootKeys((await readSecretFile(path)).toString('utf8'))
}

/** The text of a file for {@link fileRootKeys}. */
export function formatRootKeyFile({ masterKeys, indexKeys }: RootKeys): string {
  const hex = (key: Uint8Array) => Buffer.from(key).toString('hex')
  const [indexKey, ...previous] = indexKeys.map(hex)
  // One alone stands as every reader knows it.
  const index = previous.length === 0 ? { indexKey } : { indexKeys: [indexKey, ...previous] }
  return `${JSON.stringify({ masterKeys: masterKeys.map(hex), ...index }, null, 2)}\n`
}

function parseFile(bytes: Buffer, path: string): RootKeys {
  try {
    return parseRootKeys(textsOf(bytes))
  } catch (cause) {
    // What a JSON parser says quotes what it was given.
    if (!(cause instanceof TypeError)) throw new Error(`${path} does not hold masterKeys and an indexKey.`)
    throw new Error(`${path}: ${cause.message}`)
  }
}

function textsOf(bytes: Buffer): RootKeyTexts {
  const value = JSON.parse(bytes.toString('utf8'))
  const members = Object.keys(Object(value)).sort().join()
  const indexKeys = members === 'indexKey,masterKeys' ? [value.indexKey] : value?.indexKeys
  const isKnown = members === 'indexKey,masterKeys' || members === 'indexKeys,masterKeys'
  if (!isKnown || !Array.isArray(value.masterKeys) || !Array.isArray(indexKeys)) {
    throw new SyntaxError('not a key file')
  }
  return { masterKeys: value.masterKeys, indexKeys }
}
