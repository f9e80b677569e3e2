import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMutex } from '../lock/lock.ts'
import { memoryStorage } from '../storage/memory-storage.ts'
import { createMemoryAuthenticator } from '../testing/fake-biometrics.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { Refusal } from '../testing/refusal.ts'
import { watchedStorage } from '../testing/watched-storage.ts'

const minute = 60_000

async function signedIn() {
  const clock = { time: Date.parse('2026-11-21T09:00:00Z') }
  const now = () => new Date(clock.time)
  const server = createFakeServer({ now })
  const device = createMemoryAuthenticator()
  const storage = watchedStorage(memoryStorage())
  const lock = createMutex()
  const client = createFakeClient(server, { now, storage, lock, authenticator: device.authenticator })
  await client.logIn()
  await client.nokkel.biometrics.enrollBiometrics(server.member.id)
  clock.time += 10 * minute
  await client.nokkel.auth.accessToken()
  server.log.length = 0
  const stored = () => storage.get('session_v1')
  return { clock, now, server, device, storage, lock, client, nokkel: client.nokkel, stored }
}

describe('signing out', () => {
  it('ends a locked session at the server, too, without unlocking it', async () => {
    const { clock, server, device, nokkel, stored } = await signedIn()
    clock.time += 31 * minute
    await expect(nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    await nokkel.auth.signOut()
    expect(server.sessions[0]?.ended).toBe('session_ended')
    expect(server.log).toEqual(['endSession'])
    expect(device.log).toEqual([])
    expect(await stored()).toBeUndefined()
  })

  it('takes the access token while that is good', async () => {
    const { server, nokkel } = await signedIn()
    await nokkel.auth.signOut()
    expect(server.log).toEqual(['signOut'])
    expect(server.sessions[0]?.ended).toBe('session_ended')
  })

  it('takes the key when the server does not take the access token', async () => {
    const { server, nokkel } = await signedIn()
    server.intercept('signOut', () => new Refusal('token_expired', 401).toResponse())
    await nokkel.auth.signOut()
    expect(server.log).toEqual(['signOut', 'endSession'])
    expect(server.sessions[0]?.ended).toBe('session_ended')
  })

  it('finds the key that the session is bound to when nobody has told it', async () => {
    const { clock, server, storage, nokkel, stored } = await signedIn()
    const device = await storage.get(`device_v1.${server.member.id}`)
    await storage.put('login_key_v1', { keys: (await createOtherKeys()).keys })
    await storage.put('session_v1', { ...((await stored()) as object), boundKey: 'login_key_v1' })
    expect(device).toBeDefined()
    clock.time += 11 * minute
    await nokkel.auth.signOut()
    expect(server.log).toEqual(['endSession', 'endSession'])
    expect(server.sessions[0]?.ended).toBe('session_ended')
  })

  it('by somebody else who logs in ends the locked session before, too', async () => {
    const { clock, server, client, nokkel } = await signedIn()
    clock.time += 31 * minute
    await expect(nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    await client.logIn(server.coordinator)
    expect(server.sessions.map(({ ended }) => ended)).toEqual(['session_ended', undefined])
  })

  it('lets the tokens go when something else cannot be deleted', async () => {
    const { storage, nokkel, stored } = await signedIn()
    for (const name of [/^login_done_v1/, /^last_provider_v1/, /^login_key_v1/]) storage.fail('delete', name)
    await nokkel.auth.signOut()
    expect(await stored()).toBeUndefined()
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notPurged: 'storage_unavailable' })
  })

  async function createOtherKeys() {
    const { storage, client } = await signedIn()
    const record = (await storage.get((await storage.list('device_v1'))[0] ?? '')) as { keys: unknown }
    client.nokkel.close()
    return record
  }
})

describe('a server that does not answer', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())
  const silence = () => new Promise<never>(() => {})

  it.each(['signOut', 'endSession'] as const)(
    'to %s keeps nobody signed in for longer than five seconds',
    async (endpoint) => {
      vi.useRealTimers()
      const { clock, server, nokkel, stored } = await signedIn()
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      if (endpoint === 'endSession') clock.time += 31 * minute
      for (let times = 0; times < 9; times++) server.intercept(endpoint, silence)
      const isOut = vi.fn()
      const done = nokkel.auth.signOut().then(isOut)
      await vi.waitFor(() => expect(server.log).toEqual([endpoint]))
      await vi.advanceTimersByTimeAsync(4000)
      expect(isOut).not.toHaveBeenCalled()
      await vi.advanceTimersByTimeAsync(1000)
      await done
      expect(nokkel.auth.getSnapshot().status).toBe('signed_out')
      expect(await stored()).toBeUndefined()
    },
  )

  it('does not keep a refresh under way in front of the sign-out', async () => {
    vi.useRealTimers()
    const { clock, server, nokkel, stored } = await signedIn()
    clock.time += 11 * minute
    server.intercept('refreshSession', silence)
    void nokkel.auth.accessToken().catch(() => {})
    await vi.waitFor(() => expect(server.log).toEqual(['refreshSession']))
    await nokkel.auth.signOut()
    expect(await stored()).toBeUndefined()
    expect(server.log).toEqual(['refreshSession', 'endSession'])
    expect(server.sessions[0]?.ended).toBe('session_ended')
  })
})
