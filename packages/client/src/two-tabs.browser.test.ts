import { afterEach, describe, expect, it, vi } from 'vitest'
import { workerKeyGenerator } from './keys/worker-key-generator.ts'
import { createWebLock } from './lock/lock.ts'
import { indexedDbStorage } from './storage/indexed-db-storage.ts'
import { consented, createFakeClient } from './testing/fake-client.ts'
import { createFakeServer, type FakeServer } from './testing/fake-server.ts'
import { fixedKeyGenerator } from './testing/fixed-key-generator.ts'

const clients: ReturnType<typeof createFakeClient>[] = []

/** A tab with the adapters of a browser: only the server is not real. */
function openTab(server: FakeServer, database: string, now?: () => Date) {
  const client = createFakeClient(server, {
    storage: indexedDbStorage({ name: database }),
    keyGenerator: { ...fixedKeyGenerator, generate: workerKeyGenerator.generate },
    lock: createWebLock(),
    ...(now && { now }),
  })
  clients.push(client)
  return client
}

afterEach(() => {
  for (const { nokkel } of clients.splice(0)) nokkel.close()
})

describe('two tabs', () => {
  it('say both that the person was erased, and keep nothing that says so', async () => {
    const server = createFakeServer()
    const database = `test-${crypto.randomUUID()}`
    const [one, two] = [openTab(server, database), openTab(server, database)]
    await Promise.all([one.nokkel.start(), two.nokkel.start()])
    await one.logIn()
    await vi.waitFor(() => expect(two.nokkel.keys.getSnapshot()).toMatchObject({ status: 'ready' }))
    await one.nokkel.privacy.erase()
    const over = { status: 'signed_out', notice: 'account_erased' }
    await vi.waitFor(() => expect(two.nokkel.auth.getSnapshot()).toEqual(over))
    expect(one.nokkel.auth.getSnapshot()).toEqual(over)
    expect(await one.storage.list('')).toEqual([])
  })

  it('log in together and out together', async () => {
    const server = createFakeServer()
    const database = `test-${crypto.randomUUID()}`
    const [one, two] = [openTab(server, database), openTab(server, database)]
    await Promise.all([one.nokkel.start(), two.nokkel.start()])
    await one.logIn()
    await vi.waitFor(() => expect(two.nokkel.auth.getSnapshot()).toMatchObject({ status: 'signed_in' }))
    await vi.waitFor(() => expect(two.nokkel.keys.getSnapshot()).toMatchObject({ status: 'ready' }))
    expect(server.devices).toHaveLength(1)
    await two.nokkel.auth.signOut()
    await vi.waitFor(() => expect(one.nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' }))
    expect(one.nokkel.keys.getSnapshot()).toEqual({ status: 'none' })
  })

  it('let go of one person before they show the next', async () => {
    const server = createFakeServer()
    const database = `test-${crypto.randomUUID()}`
    const [one, two] = [openTab(server, database), openTab(server, database)]
    await Promise.all([one.nokkel.start(), two.nokkel.start()])
    await one.logIn()
    await vi.waitFor(() => expect(two.nokkel.keys.getSnapshot()).toMatchObject({ status: 'ready' }))
    const seen: string[] = []
    two.nokkel.auth.subscribe(() => seen.push(two.nokkel.auth.getSnapshot().status))
    await one.logIn(server.coordinator)
    const next = { status: 'signed_in', me: { id: server.coordinator.id } }
    await vi.waitFor(() => expect(two.nokkel.auth.getSnapshot()).toMatchObject(next))
    expect(seen[0]).toBe('signed_out')
    await vi.waitFor(() =>
      expect(two.nokkel.keys.getSnapshot()).toMatchObject({ device: { userId: server.coordinator.id } }),
    )
  })

  it('follow a login that comes back in the other one', async () => {
    const server = createFakeServer()
    const database = `test-${crypto.randomUUID()}`
    const [waiting, opened] = [openTab(server, database), openTab(server, database)]
    await waiting.nokkel.start()
    await waiting.nokkel.vipps.signIn({ ...consented, returnTo: '/inbox' })
    expect(waiting.nokkel.vipps.getSnapshot()).toEqual({ status: 'awaiting_callback', purpose: 'login' })
    const { state } = await opened.nokkel.auth.completeSignIn(waiting.callback())
    expect(state).toMatchObject({ status: 'authenticated', returnTo: '/inbox' })
    await vi.waitFor(() => expect(waiting.nokkel.vipps.getSnapshot()).toEqual(state))
    await vi.waitFor(() => expect(waiting.nokkel.auth.getSnapshot()).toMatchObject({ status: 'signed_in' }))
    await vi.waitFor(() => expect(waiting.nokkel.keys.getSnapshot()).toMatchObject({ status: 'ready' }))
    expect(server.devices).toHaveLength(1)
  })

  it('exchange a callback once that comes in both, and end alike', async () => {
    const server = createFakeServer()
    const database = `test-${crypto.randomUUID()}`
    const [one, two] = [openTab(server, database), openTab(server, database)]
    await one.nokkel.vipps.signIn(consented)
    const url = one.callback()
    const results = await Promise.all([one, two].map(({ nokkel }) => nokkel.auth.completeSignIn(url)))
    expect(results[0]).toEqual(results[1])
    expect(results[0]?.state.status).toBe('authenticated')
    expect(server.log.filter((endpoint) => endpoint === 'completeLogin')).toHaveLength(1)
    for (const { nokkel } of [one, two]) expect(nokkel.auth.getSnapshot()).toMatchObject({ status: 'signed_in' })
  })

  it('follow a login that has to be confirmed, with the key that lies in the storage', async () => {
    const server = createFakeServer()
    const database = `test-${crypto.randomUUID()}`
    const [waiting, opened] = [openTab(server, database), openTab(server, database)]
    await waiting.nokkel.vipps.signIn(consented)
    server.offerLinking('bankid')
    await opened.nokkel.auth.completeSignIn(waiting.callback())
    await vi.waitFor(() => expect(waiting.nokkel.vipps.getSnapshot().status).toBe('needs_linking'))
    const reloaded = openTab(server, database)
    await reloaded.nokkel.start()
    expect(reloaded.nokkel.vipps.getSnapshot()).toEqual(waiting.nokkel.vipps.getSnapshot())
    await reloaded.nokkel.bankId.signIn(consented)
    const { state } = await reloaded.nokkel.auth.completeSignIn(reloaded.callback('bankid'))
    expect(state).toMatchObject({ status: 'authenticated', outcome: 'identity_linked' })
    expect(await indexedDbStorage({ name: database }).list('link_')).toEqual([])
  })

  it('leave each other’s logins of one provider alone', async () => {
    const server = createFakeServer()
    const database = `test-${crypto.randomUUID()}`
    const [one, two] = [openTab(server, database), openTab(server, database)]
    await one.nokkel.vipps.signIn(consented)
    await two.nokkel.vipps.signIn(consented)
    for (const { nokkel, callback } of [one, two]) {
      await nokkel.auth.completeSignIn(callback())
      expect(nokkel.vipps.getSnapshot().status).toBe('authenticated')
    }
  })

  it('refresh once', async () => {
    const clock = { time: Date.now() }
    const now = () => new Date(clock.time)
    const server = createFakeServer({ now })
    const database = `test-${crypto.randomUUID()}`
    await openTab(server, database, now).logIn()
    const tabs = [openTab(server, database, now), openTab(server, database, now)]
    clock.time += 600_000
    server.log.length = 0
    const tokens = await Promise.all(
      tabs.flatMap(({ nokkel }) => [nokkel.auth.accessToken(), nokkel.auth.accessToken()]),
    )
    expect(new Set(tokens).size).toBe(1)
    expect(server.log).toEqual(['refreshSession'])
  })

  it('keep the device after the browser was closed', async () => {
    const server = createFakeServer()
    const database = `test-${crypto.randomUUID()}`
    const first = openTab(server, database)
    await first.logIn()
    first.nokkel.close()
    const second = openTab(server, database)
    await second.nokkel.start()
    expect(await second.nokkel.keys.settled()).toMatchObject({ status: 'ready' })
    expect(server.devices).toHaveLength(1)
  })

  it('are logged out, with the reason, when the keys are gone from storage', async () => {
    const server = createFakeServer()
    const database = `test-${crypto.randomUUID()}`
    const first = openTab(server, database)
    await first.logIn()
    first.nokkel.close()
    await new Promise<void>((resolve) => {
      const request = indexedDB.open(database)
      request.onsuccess = () => {
        const transaction = request.result.transaction('value', 'readwrite')
        transaction.objectStore('value').delete(`device_v1.${server.member.id}`)
        transaction.oncomplete = () => {
          request.result.close()
          resolve()
        }
      }
    })
    const second = openTab(server, database)
    await second.nokkel.start()
    expect(second.nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notice: 'keys_lost' })
    expect(second.nokkel.keys.getSnapshot()).toEqual({ status: 'lost' })
  })
})
