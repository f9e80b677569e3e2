import { decodeBase64 } from '@nokkel/crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { workerKeyGenerator } from '../keys/worker-key-generator.ts'
import { indexedDbStorage } from '../storage/indexed-db-storage.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { fixedKeyGenerator } from '../testing/fixed-key-generator.ts'
import { findStoredKeys, type StoredKey } from '../testing/stored-keys.ts'

const [base64] = testPrivateKeys
const bytes = decodeBase64(base64)
const algorithm = { name: 'RSA-OAEP', hash: 'SHA-256' }
const extractable = await crypto.subtle.importKey('pkcs8', bytes, algorithm, true, ['decrypt'])
const jwk = await crypto.subtle.exportKey('jwk', extractable)
const fixed = await crypto.subtle.importKey('pkcs8', bytes, algorithm, false, ['decrypt'])

const texts: readonly (readonly [StoredKey['form'], string])[] = [
  ['base64', base64],
  ['base64', `{"key":"${base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}"}`],
  ['base64', `x${base64}`],
  ['PEM', `-----BEGIN PRIVATE KEY-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----`],
  ['JWK', JSON.stringify(jwk)],
  ['hexadecimal', Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')],
]
const name = 'planted'

async function inDatabase(value: unknown): Promise<() => void> {
  await new Promise<void>((resolve, reject) => {
    const opening = indexedDB.open(name)
    opening.onupgradeneeded = () => opening.result.createObjectStore('store')
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const transaction = opening.result.transaction('store', 'readwrite')
      transaction.objectStore('store').put(value, 'value')
      transaction.oncomplete = () => {
        opening.result.close()
        resolve()
      }
    }
  })
  return () => indexedDB.deleteDatabase(name)
}

async function inCache(body: BodyInit): Promise<() => Promise<boolean>> {
  await (await caches.open(name)).put('/planted', new Response(body))
  return () => caches.delete(name)
}

function inStorage(storage: Storage, text: string): () => void {
  storage.setItem(name, text)
  return () => storage.removeItem(name)
}

function inCookie(text: string): () => void {
  // biome-ignore lint/suspicious/noDocumentCookie: what a careless page would do
  document.cookie = `${name}=${text}`
  return () => {
    // biome-ignore lint/suspicious/noDocumentCookie: removes it
    document.cookie = `${name}=; max-age=0`
  }
}

type Planting = readonly [StoredKey['place'], StoredKey['form'], () => unknown]

const plantings: readonly Planting[] = [
  ...texts.flatMap(([form, text]): Planting[] => [
    ['localStorage', form, () => inStorage(localStorage, text)],
    ['sessionStorage', form, () => inStorage(sessionStorage, text)],
    ['IndexedDB', form, () => inDatabase({ deep: [text] })],
    ['cache', form, () => inCache(text)],
  ]),
  ['cookie', 'base64', () => inCookie(encodeURIComponent(base64))],
  ['IndexedDB', 'bytes', () => inDatabase({ deep: new Map([['key', bytes.slice()]]) })],
  ['IndexedDB', 'bytes', () => inDatabase(bytes.slice().buffer)],
  ['IndexedDB', 'bytes', () => inDatabase(new Blob([bytes]))],
  ['IndexedDB', 'JWK', () => inDatabase(jwk)],
  ['IndexedDB', 'CryptoKey', () => inDatabase({ keys: [extractable] })],
  ['IndexedDB', 'CryptoKey', () => inDatabase({ keys: [fixed] })],
  ['cache', 'bytes', () => inCache(bytes)],
]

let remove: unknown
afterEach(async () => {
  if (typeof remove === 'function') await remove()
  remove = undefined
})

describe('the search for stored keys', () => {
  it.each(plantings)('finds one in %s as %s, and nothing once it is gone', async (place, form, plant) => {
    remove = await plant()
    expect(await findStoredKeys()).toContainEqual({ place, form })
    if (typeof remove === 'function') await remove()
    expect(await findStoredKeys()).toEqual([])
  })
})

describe('a session that makes, opens, uses and replaces its key', () => {
  it('stores none', async () => {
    const server = createFakeServer()
    const database = `test-${crypto.randomUUID()}`
    const storage = indexedDbStorage({ name: database })
    const keyGenerator = { ...fixedKeyGenerator, generate: workerKeyGenerator.generate }
    const { nokkel, logIn } = createFakeClient(server, { storage, keyGenerator })
    await logIn()
    const key = await nokkel.userKeys.privateKey()
    await nokkel.userKeys.unwrap({ rfxId: crypto.randomUUID(), version: 1, via: 'user' })
    await nokkel.userKeys.regenerate()
    await nokkel.userKeys.privateKey()
    expect(await findStoredKeys()).toEqual([])
    // What is stored is encrypted, so that the search sees through none of it: these are all the names.
    expect(await storage.list('')).toEqual([`device_v1.${server.member.id}`, 'login_done_v1', 'session_v1'])
    // The search would have found this one in the same place.
    remove = await inDatabase(key)
    expect(await findStoredKeys()).toEqual([{ place: 'IndexedDB', form: 'CryptoKey' }])
    nokkel.close()
  })
})
