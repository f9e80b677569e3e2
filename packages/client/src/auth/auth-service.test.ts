import { afterEach, describe, expect, it, vi } from 'vitest'
import { memoryStorage } from '../storage/memory-storage.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'

afterEach(() => vi.useRealTimers())

describe('start', () => {
  it('takes up the session in storage', async () => {
    const server = createFakeServer()
    const first = createFakeClient(server)
    await first.logIn()
    const { nokkel } = createFakeClient(server, { storage: first.storage })
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'starting' })
    await nokkel.start()
    expect(nokkel.auth.getSnapshot()).toMatchObject({ status: 'signed_in', me: { name: 'Kari Nordmann' } })
    expect(await nokkel.keys.settled()).toMatchObject({ status: 'ready' })
    expect(server.devices).toHaveLength(1)
  })

  it('leaves the session of another organisation alone', async () => {
    const server = createFakeServer()
    const first = createFakeClient(server)
    await first.logIn()
    const { nokkel } = createFakeClient(server, { storage: first.storage, organization: 'hjertelaget' })
    await nokkel.start()
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' })
    expect(await first.storage.get('session_v1')).toBeDefined()
  })

  it('explains a storage that cannot be written', async () => {
    const storage = memoryStorage()
    const { NokkelError } = await import('../errors.ts')
    storage.open = () => Promise.reject(new NokkelError('storage_private_mode'))
    const { nokkel } = createFakeClient(createFakeServer(), { storage })
    await nokkel.start()
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'error', reason: 'storage_private_mode' })
  })

  it.each([
    ['session_ended', 'session_expired'],
    ['session_expired', 'session_expired'],
    ['device_superseded', 'device_superseded'],
    ['device_revoked', 'device_revoked'],
    ['account_merged', 'account_merged'],
  ] as const)('clears a session the server has ended as %s', async (ended, notice) => {
    const server = createFakeServer()
    const first = createFakeClient(server)
    await first.logIn()
    for (const session of server.sessions) session.ended = ended
    const { nokkel } = createFakeClient(server, { storage: first.storage })
    await nokkel.start()
    const isExpiry = notice === 'session_expired'
    expect(nokkel.auth.getSnapshot()).toEqual({
      status: 'signed_out',
      notice,
      ...(isExpiry && { lastProvider: 'vipps' }),
    })
    const device = ended.startsWith('device_') ? [] : [`device_v1.${server.member.id}`]
    const kept = isExpiry ? [...device, 'last_provider_v1.likeperson'] : device
    expect(await first.storage.list('')).toEqual(kept)
  })

  it('keeps the session when the server cannot be reached', async () => {
    const server = createFakeServer()
    const first = createFakeClient(server)
    await first.logIn()
    const fetch = () => Promise.reject(new TypeError('offline'))
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const { nokkel } = createFakeClient(server, { storage: first.storage, fetch })
    const started = nokkel.start()
    await vi.advanceTimersByTimeAsync(10_000)
    await started
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'error', reason: 'network_unreachable' })
    expect(await first.storage.get('session_v1')).toBeDefined()
  })
})

describe('signOut', () => {
  it('ends the session here and there, and keeps the device for the next login', async () => {
    const server = createFakeServer()
    const client = createFakeClient(server)
    await client.logIn()
    await client.nokkel.auth.signOut()
    expect(client.nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' })
    expect(client.nokkel.keys.getSnapshot()).toEqual({ status: 'none' })
    expect(server.sessions[0]?.ended).toBe('session_ended')
    expect(await client.storage.list('')).toEqual([`device_v1.${server.member.id}`])
    await expect(client.nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'signed_out' })
  })

  it('ends the session here when the server cannot be reached', async () => {
    const server = createFakeServer()
    const client = createFakeClient(server)
    await client.logIn()
    for (let attempt = 0; attempt < 4; attempt++) {
      server.intercept('signOut', () => new Response('', { status: 500 }))
    }
    await client.nokkel.auth.signOut()
    expect(await client.storage.get('session_v1')).toBeUndefined()
  })
})

describe('signOutEverywhere', () => {
  it('ends the other sessions, then this one', async () => {
    const server = createFakeServer()
    const other = createFakeClient(server)
    await other.logIn()
    const client = createFakeClient(server)
    await client.logIn()
    server.log.length = 0
    await client.nokkel.auth.signOutEverywhere()
    expect(server.log).toEqual(['revokeOtherSessions', 'signOut'])
    expect(server.sessions.map(({ ended }) => ended)).toEqual(['session_ended', 'session_ended'])
    expect(client.nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' })
  })

  it('leaves this one, too, when the others could not be ended', async () => {
    const server = createFakeServer()
    const client = createFakeClient(server)
    await client.logIn()
    server.intercept('revokeOtherSessions', () => new Response('', { status: 500 }))
    await expect(client.nokkel.auth.signOutEverywhere()).rejects.toMatchObject({ code: 'answer_unexpected' })
    expect(client.nokkel.auth.getSnapshot().status).toBe('signed_in')
  })
})

describe('endSession', () => {
  async function signedIn() {
    const server = createFakeServer()
    const client = createFakeClient(server)
    await client.logIn()
    server.log.length = 0
    return { server, ...client }
  }

  it('signs out when it is this one', async () => {
    const { nokkel, server } = await signedIn()
    await nokkel.auth.endSession(server.sessions[0]?.id ?? '')
    expect(server.log).toEqual(['signOut'])
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' })
  })

  it('ends another one, and this one goes on', async () => {
    const { nokkel, server } = await signedIn()
    const id = crypto.randomUUID()
    server.intercept('revokeSession', ({ params }) => {
      return params.id === id ? new Response(null, { status: 204 }) : undefined
    })
    await nokkel.auth.endSession(id)
    expect(server.log).toEqual(['revokeSession'])
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
  })
})

describe('what another tab does', () => {
  /** A storage of which is told what another tab has written. */
  function watched(storage: SecureStorage) {
    const listeners = new Set<(name: string) => void>()
    const subscribe = (listener: (name: string) => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    }
    const tell = (name: string) => {
      for (const listener of listeners) listener(name)
    }
    return { storage: { ...storage, subscribe }, tell }
  }

  it('is followed: it signs in, somebody else does, and it signs out', async () => {
    const server = createFakeServer()
    const other = createFakeClient(server)
    const { storage, tell } = watched(other.storage)
    const { nokkel } = createFakeClient(server, { storage })
    const seen: string[] = []
    nokkel.auth.subscribe(() => {
      const { status, me } = nokkel.auth.getSnapshot()
      seen.push(me ? me.name : status)
    })
    tell('session_v1')
    await nokkel.start()
    await other.logIn()
    tell('session_v1')
    await vi.waitFor(() => expect(seen.at(-1)).toBe('Kari Nordmann'))
    await other.logIn(server.coordinator)
    tell('session_v1')
    await vi.waitFor(() => expect(seen.at(-1)).toBe('Ingrid Solberg'))
    expect(seen.filter((text) => text === 'signed_out')).toHaveLength(2)
    await other.nokkel.auth.signOut()
    tell('session_v1')
    await vi.waitFor(() => expect(seen.at(-1)).toBe('signed_out'))
  })

  it('shows an error of the storage to whoever asks next, not here', async () => {
    const server = createFakeServer()
    const other = createFakeClient(server)
    await other.logIn()
    const { storage, tell } = watched(other.storage)
    const { nokkel } = createFakeClient(server, { storage })
    await nokkel.start()
    storage.get = () => Promise.reject(new TypeError('gone'))
    tell('session_v1')
    tell('login_done_v1')
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
  })
})
