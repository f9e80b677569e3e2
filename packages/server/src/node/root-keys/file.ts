import { parseRootKeys, type RootKeyProvider, type RootKeys, type RootKeyTexts } from '../../keyring/root-keys.ts'
import { sharedRootKeys } from '../../keyring/shared-keyring.ts'
import { readSecretFile } from './secret-file.ts'

/**
 * Root keys from a file that only its owner may read (mode 0600 or 0400): JSON with `masterKeys`, of which the first
 * wraps, and `indexKey`, each key 64 hexadecimal digits.
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
export function formatRootKeyFile({ masterKeys, indexKey }: RootKeys): string {
  const hex = (key: Uint8Array) => Buffer.from(key).toString('hex')
  return `${JSON.stringify({ masterKeys: masterKeys.map(hex), indexKey: hex(indexKey) }, null, 2)}\n`
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
  if (Object.keys(Object(value)).sort().join() !== 'indexKey,masterKeys' || !Array.isArray(value.masterKeys)) {
    throw new SyntaxError('not a key file')
  }
  return value
}
