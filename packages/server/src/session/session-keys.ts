import type { Context } from '@nokkel/crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import type { Database } from '../db/database.ts'
import type { Keyring } from '../keyring/keyring.ts'
import { insertSessionKey, selectSessionKeys } from './store.ts'

/** The keys of access tokens: one that signs, all that verify. */
interface SessionKeys {
  readonly signer: { readonly kid: string; readonly key: CryptoKey }
  readonly verifiers: ReadonlyMap<string, CryptoKey>
  /** RFC 7517 §5. */
  readonly jwks: { readonly keys: readonly JWK[] }
}

export interface SessionKeyStore {
  current(): Promise<SessionKeys>
  /** The key of a token, also one that another server made since; `undefined` when nobody made it. */
  find(kid: string): Promise<CryptoKey | undefined>
}

const reloadMilliseconds = 10_000
const algorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const

const place = (kid: string): Context => ({
  purpose: 'session-key',
  table: 'session_key',
  column: 'wrapped_private_key',
  row: kid,
  owner: 'server',
})

/** Reads the session keys and opens the one that signs; makes the first one when there is none. */
export function createSessionKeyStore(database: Database, keyring: Keyring, now: () => Date): SessionKeyStore {
  let loaded: Promise<SessionKeys> | undefined
  let loadedAt = 0

  function load(): Promise<SessionKeys> {
    loadedAt = now().getTime()
    const loading = loadKeys(database, keyring)
    loading.catch(() => {
      if (loaded === loading) loaded = undefined
    })
    loaded = loading
    return loading
  }

  return {
    current: () => loaded ?? load(),
    async find(kid) {
      const known = (await (loaded ?? load())).verifiers.get(kid)
      if (known || now().getTime() - loadedAt < reloadMilliseconds) return known
      return (await load()).verifiers.get(kid)
    },
  }
}

async function loadKeys(database: Database, keyring: Keyring): Promise<SessionKeys> {
  let rows = await selectSessionKeys(database)
  if (!rows.some(({ retired }) => !retired)) {
    await insertSessionKey(database, await generateSessionKey(keyring))
    rows = await selectSessionKeys(database)
  }
  const active = rows.find(({ retired }) => !retired)
  if (!active) throw new Error('There is no session key.')
  const pkcs8 = await keyring.unwrap(active.wrappedPrivateKey, place(active.kid))
  const key = await crypto.subtle.importKey('pkcs8', pkcs8 as Uint8Array<ArrayBuffer>, algorithm, false, ['sign'])
  pkcs8.fill(0)
  const verifiers = rows.map(
    async ({ kid, publicKey }) =>
      [kid, await crypto.subtle.importKey('jwk', publicKey, algorithm, true, ['verify'])] as const,
  )
  return {
    signer: { kid: active.kid, key },
    verifiers: new Map(await Promise.all(verifiers)),
    jwks: { keys: rows.map(({ kid, publicKey }) => ({ ...publicKey, kid, alg: 'ES256', use: 'sig' })) },
  }
}

async function generateSessionKey(keyring: Keyring) {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const { kty, crv, x, y } = await exportJWK(publicKey)
  const jwk = { kty, crv, x, y } as JWK
  const kid = await calculateJwkThumbprint(jwk)
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', privateKey))
  const wrappedPrivateKey = await keyring.wrap(pkcs8, place(kid))
  pkcs8.fill(0)
  return { kid, publicKey: jwk, wrappedPrivateKey }
}
