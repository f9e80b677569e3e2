import { afterEach, describe, expect, it, vi } from 'vitest'
import { createWebLock } from '../lock/lock.ts'
import { indexedDbStorage } from '../storage/indexed-db-storage.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer, type FakeServer } from '../testing/fake-server.ts'

/** Of a test user of BankID. */
const typed = '16879826555'
const consent = { version: 'v1' }
const clients: ReturnType<typeof createFakeClient>[] = []

/** A tab with the adapters of a browser: only the server is not real. */
function openTab(server: FakeServer, database: string) {
  const client = createFakeClient(server, { storage: indexedDbStorage({ name: database }), lock: createWebLock() })
  clients.push(client)
  return client
}

/** Everything in the rows of a database, as latin-1 text. */
async function bytesOf(database: string): Promise<string> {
  const opened = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(database)
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
  const all = opened.transaction('value').objectStore('value').getAll()
  await new Promise((resolve) => {
    all.onsuccess = resolve
  })
  opened.close()
  const rows = all.result as { readonly envelope: Uint8Array }[]
  return rows.map(({ envelope }) => Array.from(envelope, (byte) => String.fromCharCode(byte)).join('')).join('\n')
}

afterEach(() => {
  vi.restoreAllMocks()
  for (const { nokkel } of clients.splice(0)) nokkel.close()
})

describe('the identity in a browser', () => {
  it('is cached for all tabs, unreadable in the database, and gone from it after a sign-out in any', async () => {
    const server = createFakeServer()
    const database = `test-${crypto.randomUUID()}`
    const [one, two] = [openTab(server, database), openTab(server, database)]
    await Promise.all([one.nokkel.start(), two.nokkel.start()])
    await one.logIn()
    await vi.waitFor(() => expect(two.nokkel.keys.getSnapshot().status).toBe('ready'))
    const { id } = server.member
    let changes = 0
    two.nokkel.identity.subscribe(() => changes++)
    await one.nokkel.identity.storePersonnummer(id, typed, consent)
    await vi.waitFor(() => expect(changes).toBeGreaterThan(0))
    server.log.length = 0
    const row = await two.nokkel.identity.getIdentityByUserId(id)
    expect(row).toEqual(server.identity.rows.get(id))
    expect(server.log).toEqual([])
    const bytes = await bytesOf(database)
    expect(bytes.length).toBeGreaterThan(1000)
    for (const text of [typed, row?.personnummer ?? '', id]) expect(bytes.includes(text), text).toBe(false)
    await one.nokkel.auth.signOut()
    await vi.waitFor(() => expect(two.nokkel.auth.getSnapshot().status).toBe('signed_out'))
    expect(await two.storage.list('identity_')).toEqual([])
  })

  it('is fetched once by two tabs that ask at the same time', async () => {
    const server = createFakeServer()
    const database = `test-${crypto.randomUUID()}`
    const [one, two] = [openTab(server, database), openTab(server, database)]
    await one.logIn()
    await two.nokkel.start()
    const { id } = server.member
    await one.nokkel.identity.upsertIdentity({ userId: id })
    await one.nokkel.identity.purgeLocalIdentityData()
    server.log.length = 0
    const rows = await Promise.all([one, two].map(({ nokkel }) => nokkel.identity.getIdentityByUserId(id)))
    expect(rows[0]).toEqual(rows[1])
    expect(server.log.filter((endpoint) => endpoint === 'getIdentity')).toHaveLength(1)
  })

  it.each([
    ['QuotaExceededError', 'storage_full'],
    ['InvalidStateError', 'storage_private_mode'],
  ])('says so when the browser refuses with %s, and leaves nothing', async (name, code) => {
    const server = createFakeServer()
    const { nokkel, storage, logIn } = openTab(server, `test-${crypto.randomUUID()}`)
    await logIn()
    const { id } = server.member
    await nokkel.identity.upsertIdentity({ userId: id })
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('no', name)
    })
    const error = { name: 'IdentityRepositoryError', code }
    await expect(nokkel.identity.storePersonnummer(id, typed, consent)).rejects.toMatchObject(error)
    expect(await storage.list('identity_')).toEqual([])
  })
})
