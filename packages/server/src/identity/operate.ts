import type { Database } from '../db/database.ts'
import { instant, optionalInstant } from '../db/instant.ts'
import { checkSchema } from '../db/schema-version.ts'
import type { RootKeyProvider } from '../keyring/root-keys.ts'
import { createServerKeys } from '../keyring/server-keys.ts'
import { replaceIdentityKey } from './identity-keys.ts'
import { selectIdentityKeys } from './store.ts'

/** A key that personnummer are sealed to on their way to the server. */
export interface IdentityKeyVersion {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  /** RFC 3339. */
  readonly createdAt: string
  /** RFC 3339: since when another one is given out, an hour after which it is destroyed; `null` for that one. */
  readonly replacedAt: string | null
}

/**
 * Lists the identity keys that open still, the one that is given out first; none before the first is needed.
 *
 * @throws {Error} The database is not one of this version, or the URL logs in as somebody else.
 */
export async function listIdentityKeys(database: Database): Promise<readonly IdentityKeyVersion[]> {
  await checkSchema(database)
  return (await selectIdentityKeys(database)).map(({ kid, createdAt, replacedAt }) => ({
    kid,
    createdAt: instant(createdAt),
    replacedAt: optionalInstant(replacedAt),
  }))
}

export interface RotateIdentityKeyOptions {
  /** Connected as `nokkel_server`. */
  readonly database: Database
  readonly rootKeys: RootKeyProvider
  /** Of the server that has the same root keys. Default `production`, in which they must be random. */
  readonly mode?: 'development' | 'production'
}

/**
 * Makes a new identity key in the place of the one that is given out. That one opens what is under way for an hour.
 *
 * @returns The id of the new one; `null` when another one was made at the same time, which stands.
 * @throws {Error} The database or the root keys cannot be used; nothing was changed.
 */
export async function rotateIdentityKey(options: RotateIdentityKeyOptions): Promise<string | null> {
  const { database, rootKeys, mode = 'production' } = options
  await checkSchema(database)
  const keys = createServerKeys(rootKeys, { database, logger: () => undefined, production: mode === 'production' })
  await keys.load()
  await keys.check()
  return replaceIdentityKey({ database, keyring: keys.keyring })
}
