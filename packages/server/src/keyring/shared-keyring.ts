import {
  combineSecretShares,
  parseSecretShare,
  type SecretShare,
  type SecretShareSet,
  splitSecret,
} from '@nokkel/crypto'
import { ServerError } from '../http/server-error.ts'
import { importKek } from './kek.ts'
import type { RootKeyProvider, RootKeys, Seal } from './root-keys.ts'
import { openWrappedKeyring, parseWrappedKeyring, wrapKeyring } from './wrapped-keyring.ts'

/**
 * Encrypts root keys under a new key, and splits that key among people.
 *
 * @param options.count - How many shares, 2 to 255.
 * @param options.threshold - How many of them open the keyring, 2 to `count`.
 * @returns The text of the file, which without shares tells nothing, and the shares: kept nowhere else.
 *
 * @example
 * ```ts
 * const { file, shares } = await splitKeyring(generateRootKeys(), { count: 3, threshold: 2 })
 * const rootKeys = sharedRootKeys(file)
 * ```
 * @see docs/spec/keyring.md
 */
export async function splitKeyring(
  keys: RootKeys,
  { count, threshold }: { readonly count: number; readonly threshold: number },
): Promise<{ readonly file: string; readonly shares: readonly string[] }> {
  const secret = crypto.getRandomValues(new Uint8Array(32))
  try {
    const { texts, ...set } = await splitSecret(secret, { count, threshold })
    return { file: await wrapKeyring(keys, await importKek(secret), set), shares: texts }
  } finally {
    secret.fill(0)
  }
}

/**
 * Root keys that stay sealed until enough people have given their shares.
 *
 * @param file - The text of a file made by {@link splitKeyring}.
 * @throws {Error} The text is not that of such a file.
 */
export function sharedRootKeys(file: string): RootKeyProvider {
  const { shares: set } = parseWrappedKeyring(file)
  if (!set) throw new Error('The keyring file is not one that shares open.')
  let received = new Map<number, SecretShare>()
  let opened: RootKeys | 'taken' | undefined

  const status: Seal['status'] = () => ({
    sealed: opened === undefined,
    required: set.threshold,
    received: opened === undefined ? received.size : set.threshold,
  })

  return {
    seal: {
      status,
      async give(text) {
        const share = await parseSecretShare(text)
        if (opened) return status()
        if (!share || !isOf(share, set)) throw new ServerError('share_invalid')
        if (received.has(share.number)) throw new ServerError('share_repeated')
        received.set(share.number, share)
        if (received.size < set.threshold) return status()
        const enough = [...received.values()]
        received = new Map()
        opened = await open(file, enough)
        return status()
      },
    },
    async load() {
      if (opened === undefined) {
        throw new ServerError('sealed', { detail: `${received.size} of ${set.threshold} shares are given.` })
      }
      if (opened === 'taken') throw new Error('The root keys were already given to a server.')
      const keys = opened
      opened = 'taken'
      return keys
    },
  }
}

const isOf = (share: SecretShare, { set, threshold, count }: SecretShareSet): boolean =>
  share.set === set && share.threshold === threshold && share.number <= count

async function open(file: string, shares: readonly SecretShare[]): Promise<RootKeys> {
  let secret: Uint8Array | undefined
  try {
    secret = await combineSecretShares(shares)
    return await openWrappedKeyring(file, await importKek(secret))
  } catch (cause) {
    throw new ServerError('shares_wrong', { cause })
  } finally {
    secret?.fill(0)
    for (const { value } of shares) value.fill(0)
  }
}
