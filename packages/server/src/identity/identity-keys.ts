import {
  type Context,
  CryptoError,
  calculateThumbprint,
  decodeBase64Url,
  encodeBase64Url,
  exportPublicJwk,
  importEncryptionKey,
  open,
  type PublicJwk,
  parseHeader,
} from '@nokkel/crypto'
import type { Database } from '../db/database.ts'
import { ServerError } from '../http/server-error.ts'
import type { Keyring } from '../keyring/keyring.ts'
import { type IdentityKeyRow, insertIdentityKey, selectIdentityKeys } from './store.ts'

export interface IdentityKeyDependencies {
  readonly database: Database
  readonly keyring: Keyring
}

const algorithm = { name: 'ECDH', namedCurve: 'P-256' } as const

const place = (kid: string): Context => ({
  purpose: 'identity-key',
  table: 'identity_key',
  column: 'wrapped_private_key',
  row: kid,
  owner: 'server',
})

/** The key that is given out, made if there is none. Call it outside transactions. */
export async function currentIdentityKey({ database, keyring }: IdentityKeyDependencies): Promise<PublicJwk> {
  const current = await findCurrent(database)
  if (current) return current.publicKey
  // Another server may have been faster; its key stands then.
  await insertIdentityKey(database, await generateIdentityKey(keyring), null)
  const made = await findCurrent(database)
  if (!made) throw new Error('There is no identity key.')
  return made.publicKey
}

/**
 * Makes a new one in the place of the one that is given out, or the first. Call it outside transactions.
 *
 * @returns Its id; `null` when another one was made at the same time, which stands.
 */
export async function replaceIdentityKey({ database, keyring }: IdentityKeyDependencies): Promise<string | null> {
  const current = await findCurrent(database)
  const key = await generateIdentityKey(keyring)
  return (await insertIdentityKey(database, key, current?.kid ?? null)) ? key.kid : null
}

/**
 * Opens what was sealed to one of the keys that open still.
 *
 * @returns `null`: sealed to somebody else or for another place, altered, or no seal at all.
 * @throws {ServerError} `identity_key_unknown`: sealed to a key that was replaced, or that never was one.
 */
export async function openSealed(
  { database, keyring }: IdentityKeyDependencies,
  sealed: Uint8Array,
  context: Context,
): Promise<Uint8Array | null> {
  const header = parseHeader(sealed)
  if (header?.algorithm !== 'sealed') return null
  const row = (await selectIdentityKeys(database)).find(({ kid }) => keyIdOf(kid) === header.keyId)
  if (!row) throw new ServerError('identity_key_unknown')
  const key = await openIdentityKey(keyring, row)
  try {
    return await open(sealed, key, context)
  } catch (cause) {
    if (cause instanceof CryptoError && cause.code === 'open_failed') return null
    throw cause
  }
}

/** As the header of a seal names it. */
const keyIdOf = (thumbprint: string) => encodeBase64Url(decodeBase64Url(thumbprint).subarray(0, 16))

const findCurrent = async (database: Database) =>
  (await selectIdentityKeys(database)).find(({ replacedAt }) => replacedAt === null)

/** @throws {CryptoError} `open_failed`: it is not what it was made as. */
export async function openIdentityKey(
  keyring: Pick<Keyring, 'unwrap'>,
  { kid, publicKey, wrappedPrivateKey }: Pick<IdentityKeyRow, 'kid' | 'publicKey' | 'wrappedPrivateKey'>,
): Promise<CryptoKeyPair> {
  const pkcs8 = await keyring.unwrap(wrappedPrivateKey, place(kid))
  try {
    return {
      privateKey: await crypto.subtle.importKey('pkcs8', pkcs8 as Uint8Array<ArrayBuffer>, algorithm, false, [
        'deriveBits',
      ]),
      publicKey: await importEncryptionKey(publicKey),
    }
  } finally {
    pkcs8.fill(0)
  }
}

async function generateIdentityKey(keyring: Keyring) {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(algorithm, true, ['deriveBits'])
  const jwk = await exportPublicJwk(publicKey)
  const kid = await calculateThumbprint(jwk)
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', privateKey))
  const wrappedPrivateKey = await keyring.wrap(pkcs8, place(kid)).finally(() => pkcs8.fill(0))
  return { kid, publicKey: jwk, wrappedPrivateKey }
}
