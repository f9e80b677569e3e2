import { generateDeviceKeys, signJws } from '@nokkel/crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { indexedDbStorage } from './indexed-db-storage.ts'
import type { SecureStorage } from './secure-storage.ts'

const opened: SecureStorage[] = []

function storageOf(name: string): SecureStorage {
  const storage = indexedDbStorage({ name })
  opened.push(storage)
  return storage
}

function rowsOf(name: string, store: string): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name)
    request.onerror = () => reject(request.error)
    request.onsuccess = () => {
      const all = request.result.transaction(store).objectStore(store).getAll()
      all.onsuccess = () => {
        request.result.close()
        resolve(all.result)
      }
    }
  })
}

/** Every byte and text to be found in what IndexedDB gives back, as latin-1 text. */
function textIn(value: unknown): string {
  if (value instanceof Uint8Array) return Array.from(value, (byte) => String.fromCharCode(byte)).join('')
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null || value instanceof CryptoKey) return ''
  return Object.entries(value)
    .map(([name, member]) => name + textIn(member))
    .join('\n')
}

afterEach(() => {
  vi.restoreAllMocks()
  for (const storage of opened.splice(0)) storage.close?.()
})

describe('indexedDbStorage', () => {
  const name = () => `test-${crypto.randomUUID()}`

  it('gives back what was put, keys included, after it is opened again', async () => {
    const database = name()
    const keys = await generateDeviceKeys()
    const first = storageOf(database)
    await first.open()
    await first.put('device_v1.kari', { deviceId: 'd1', keys, list: [1, null, 'æøå'] })
    first.close?.()

    const second = storageOf(database)
    const value = (await second.get('device_v1.kari')) as { deviceId: string; keys: typeof keys; list: unknown[] }
    expect(value.list).toEqual([1, null, 'æøå'])
    expect(value.keys.signing.privateKey.extractable).toBe(false)
    await expect(crypto.subtle.exportKey('pkcs8', value.keys.signing.privateKey)).rejects.toThrow()
    await expect(signJws({ a: 1 }, value.keys.signing, 'dpop+jwt')).resolves.toMatch(/^ey/)
  })

  it('leaves nothing readable in the database, and no key that can be exported', async () => {
    const database = name()
    const storage = storageOf(database)
    await storage.put('session_v1', { refreshToken: 'nrt_findable-refresh-token' })
    const rows = await rowsOf(database, 'value')
    // The same search finds it where it is not encrypted.
    expect(textIn([{ bytes: new TextEncoder().encode('nrt_findable-refresh-token') }])).toContain('findable')
    expect(rows).toHaveLength(1)
    expect(textIn(rows)).not.toContain('findable')
    const [envelopeKey] = (await rowsOf(database, 'key')) as { key: CryptoKey }[]
    expect(envelopeKey?.key.extractable).toBe(false)
    await expect(crypto.subtle.exportKey('raw', envelopeKey?.key as CryptoKey)).rejects.toThrow()
  })

  it('lists by prefix and deletes', async () => {
    const storage = storageOf(name())
    for (const key of ['device_v1.b', 'device_v1.a', 'session_v1']) await storage.put(key, key)
    expect(await storage.list('device_v1.')).toEqual(['device_v1.a', 'device_v1.b'])
    await storage.delete('device_v1.a')
    expect(await storage.list('device_v1.')).toEqual(['device_v1.b'])
    expect(await storage.get('device_v1.a')).toBeUndefined()
  })

  it('takes a value moved to another name for missing', async () => {
    const database = name()
    const storage = storageOf(database)
    await storage.put('a', 'of a')
    await new Promise<void>((resolve) => {
      const request = indexedDB.open(database)
      request.onsuccess = () => {
        const transaction = request.result.transaction('value', 'readwrite')
        const store = transaction.objectStore('value')
        store.get('a').onsuccess = (event) => store.put((event.target as IDBRequest).result, 'b')
        transaction.oncomplete = () => {
          request.result.close()
          resolve()
        }
      }
    })
    expect(await storage.get('a')).toBe('of a')
    expect(await storage.get('b')).toBeUndefined()
  })

  it('lets two tabs that start at once share one key', async () => {
    const database = name()
    const [one, two] = [storageOf(database), storageOf(database)]
    await Promise.all([one.put('a', 1), two.put('b', 2)])
    expect([await two.get('a'), await one.get('b')]).toEqual([1, 2])
    expect(await rowsOf(database, 'key')).toHaveLength(1)
  })

  it('tells the other tab what was written', async () => {
    const database = name()
    const [one, two] = [storageOf(database), storageOf(database)]
    const told = new Promise((resolve) => two.subscribe?.(resolve))
    await one.put('session_v1', {})
    expect(await told).toBe('session_v1')
  })

  it('opens again when the browser has closed the database', async () => {
    const database = name()
    const storage = storageOf(database)
    await storage.put('a', 1)
    // A newer version elsewhere makes this one close; deleting the database does the same.
    await new Promise((resolve) => {
      indexedDB.deleteDatabase(database).onsuccess = resolve
    })
    expect(await storage.get('a')).toBeUndefined()
    await storage.put('a', 2)
    expect(await storage.get('a')).toBe(2)
  })

  it.each([
    ['QuotaExceededError', 'storage_full'],
    ['DataCloneError', 'storage_private_mode'],
    ['InvalidStateError', 'storage_private_mode'],
    ['UnknownError', 'storage_unavailable'],
  ])('explains %s when writing as %s', async (errorName, code) => {
    const storage = storageOf(name())
    await storage.get('a')
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('no', errorName)
    })
    await expect(storage.open()).rejects.toMatchObject({ name: 'NokkelError', code })
  })

  it('explains a browser without storage', async () => {
    vi.stubGlobal('indexedDB', undefined)
    await expect(storageOf(name()).open()).rejects.toMatchObject({ code: 'storage_unavailable' })
    vi.unstubAllGlobals()
  })
})
