import {
  type Context,
  CryptoError,
  decryptEnvelope,
  type EnvelopeKey,
  encryptEnvelope,
  generateContentKey,
  importEnvelopeKey,
} from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { SecureStorage } from './secure-storage.ts'
import { decodeValue, encodeValue } from './value-codec.ts'

interface Row {
  readonly envelope: Uint8Array<ArrayBuffer>
  readonly keys: readonly CryptoKey[]
}

export interface IndexedDbStorageOptions {
  /** Name of the database. Default `nokkel`. */
  readonly name?: string
}

const envelopeKeyName = 'envelope_v1'

/**
 * Keeps values in IndexedDB, each encrypted for its own name under an AES-256-GCM key of this browser that cannot be
 * exported; `CryptoKey` objects lie beside as such. Code that runs in the page can use the keys while it runs, but never take
 * them away. Files can be copied: browsers keep such keys in the profile, so that a copy of it works as this browser does,
 * unless the system protects its files.
 *
 * @example
 * ```ts
 * const nokkel = createNokkel({ organization: 'likeperson', storage: indexedDbStorage({ name: 'my-app' }) })
 * ```
 */
export function indexedDbStorage(options: IndexedDbStorageOptions = {}): SecureStorage {
  const { name: databaseName = 'nokkel' } = options
  let channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(`${databaseName}.storage`)
  let opened: Promise<{ database: IDBDatabase; key: EnvelopeKey }> | undefined

  const contextOf = (name: string): Context => {
    return { purpose: 'client-storage', table: databaseName, column: 'value', row: name, owner: 'this-browser' }
  }

  async function connect() {
    opened ??= openDatabase(databaseName).then(async (database) => {
      const forget = () => {
        opened = undefined
      }
      database.onclose = forget
      database.onversionchange = () => {
        database.close()
        forget()
      }
      return { database, key: await envelopeKeyOf(database) }
    })
    try {
      return await opened
    } catch (error) {
      opened = undefined
      throw storageError(error)
    }
  }

  async function run<T>(mode: IDBTransactionMode, action: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const { database } = await connect()
    try {
      return await inTransaction(database, 'value', mode, action)
    } catch (error) {
      throw storageError(error)
    }
  }

  async function get(name: string): Promise<unknown> {
    const { key } = await connect()
    const row: Row | undefined = await run('readonly', (store) => store.get(name))
    if (row === undefined) return undefined
    try {
      return decodeValue(await decryptEnvelope(row.envelope, key, contextOf(name)), row.keys)
    } catch (error) {
      // The browser has lost the key it was encrypted under, or the row was altered: it is as good as gone.
      if (error instanceof CryptoError) return undefined
      throw error
    }
  }

  async function write(name: string, value: unknown): Promise<void> {
    const { key } = await connect()
    const { bytes, keys } = encodeValue(value)
    const row: Row = { envelope: await encryptEnvelope(bytes, key, contextOf(name)), keys }
    await run('readwrite', (store) => store.put(row, name))
  }

  async function remove(name: string): Promise<void> {
    await run('readwrite', (store) => store.delete(name))
  }

  return {
    get,
    async open() {
      const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
      const name = `probe_v1.${crypto.randomUUID()}`
      await write(name, { privateKey })
      const probe = await get(name)
      await remove(name)
      if (probe === undefined) throw new NokkelError('storage_unavailable')
    },
    async put(name, value) {
      await write(name, value)
      channel?.postMessage(name)
    },
    async delete(name) {
      await remove(name)
      channel?.postMessage(name)
    },
    async list(prefix) {
      const names = await run('readonly', (store) => store.getAllKeys(IDBKeyRange.lowerBound(prefix)))
      return names.filter((name): name is string => typeof name === 'string' && name.startsWith(prefix))
    },
    persist: async () => (await navigator.storage?.persist?.()) ?? false,
    subscribe(listener) {
      const receive = ({ data }: MessageEvent) => listener(String(data))
      channel?.addEventListener('message', receive)
      return () => channel?.removeEventListener('message', receive)
    },
    close() {
      channel?.close()
      channel = undefined
      void opened?.then(({ database }) => database.close()).catch(() => {})
      opened = undefined
    },
  }
}

function openDatabase(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore('key')
      request.result.createObjectStore('value')
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
    request.onblocked = () => reject(new DOMException('The database is open in an older version', 'AbortError'))
  })
}

/** The key of this browser. Of two tabs that make one at the same time, the first to store it wins. */
async function envelopeKeyOf(database: IDBDatabase): Promise<EnvelopeKey> {
  const read = () =>
    inTransaction<EnvelopeKey | undefined>(database, 'key', 'readonly', (store) => store.get(envelopeKeyName))
  const existing = await read()
  if (existing) return existing
  const bytes = generateContentKey()
  const made = await importEnvelopeKey(bytes)
  bytes.fill(0)
  try {
    await inTransaction(database, 'key', 'readwrite', (store) => store.add(made, envelopeKeyName))
    return made
  } catch (error) {
    const winner = await read()
    if (winner) return winner
    throw error
  }
}

/** Resolves when the transaction is committed, not when the request was accepted. */
function inTransaction<T>(
  database: IDBDatabase,
  storeName: 'key' | 'value',
  mode: IDBTransactionMode,
  action: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(storeName, mode, { durability: 'strict' })
    const request = action(transaction.objectStore(storeName))
    transaction.oncomplete = () => resolve(request.result)
    transaction.onabort = () => reject(transaction.error ?? request.error)
  })
}

function storageError(cause: unknown): NokkelError {
  if (cause instanceof NokkelError) return cause
  const name = cause instanceof Error || cause instanceof DOMException ? cause.name : ''
  if (name === 'QuotaExceededError') return new NokkelError('storage_full', { cause })
  // Private windows of some browsers refuse every write, or only that of a key.
  if (name === 'InvalidStateError' || name === 'DataCloneError')
    return new NokkelError('storage_private_mode', { cause })
  return new NokkelError('storage_unavailable', { cause })
}
