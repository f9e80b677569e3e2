import { afterEach, describe, expect, it, vi } from 'vitest'
import { createMutex } from '../lock/lock.ts'
import type { Nokkel } from '../nokkel.ts'
import type { SessionRecord } from '../session/auth-token-store.ts'
import { memoryStorage } from '../storage/memory-storage.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import { createMemoryAuthenticator } from '../testing/fake-biometrics.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { Refusal } from '../testing/refusal.ts'

const minute = 60_000
const clients: Nokkel[] = []

afterEach(() => {
  for (const nokkel of clients.splice(0)) nokkel.close()
})

async function copyOf(storage: SecureStorage): Promise<SecureStorage> {
  const copy = memoryStorage()
  for (const name of await storage.list('')) await copy.put(name, await storage.get(name))
  return copy
}

/** A person whose session was unlocked by an authenticator that gives a secret. */
async function unlocked() {
  const clock = { time: Date.parse('2026-11-21T09:00:00Z') }
  const now = () => new Date(clock.time)
  const server = createFakeServer({ now })
  const device = createMemoryAuthenticator()
  device.hasPrf = true
  const storage = memoryStorage()
  const lock = createMutex()
  const open = (options = {}) => {
    const { authenticator } = device
    const client = createFakeClient(server, { now, storage, authenticator, lock, ...options })
    clients.push(client.nokkel)
    return client
  }
  const { nokkel, logIn } = open()
  await logIn()
  await nokkel.biometrics.enrollBiometrics(server.member.id)
  clock.time += 10 * minute
  await nokkel.auth.accessToken()
  const unlock = async (page: Nokkel) => {
    clock.time += 31 * minute
    await expect(page.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    await page.biometrics.unlock()
    await settled(page)
    server.log.length = 0
    device.log.length = 0
  }
  await nokkel.identity.upsertIdentity({ userId: server.member.id })
  await unlock(nokkel)
  const session = async () => (await storage.get('session_v1')) as SessionRecord
  const dump = async () => {
    const names = await storage.list('')
    return (await Promise.all(names.map(async (name) => JSON.stringify([name, await storage.get(name)])))).join()
  }
  return { clock, now, server, device, storage, open, nokkel, logIn, unlock, session, dump, id: server.member.id }
}

async function settled({ auth, keys, userKeys, rfx }: Nokkel): Promise<void> {
  expect(auth.getSnapshot().status).toBe('signed_in')
  await keys.settled()
  await userKeys.settled()
  await rfx.settled()
}

describe('the vault', () => {
  it('has the refresh token, and every one after it', async () => {
    const { clock, server, nokkel, session, dump } = await unlocked()
    for (let time = 0; time < 2; time++) {
      const refreshToken = server.sessions[0]?.refreshToken
      expect(refreshToken).toBeTruthy()
      expect(await dump()).not.toContain(refreshToken)
      expect(await session()).not.toHaveProperty('refreshToken')
      expect((await session()).lockedRefreshToken).toMatch(/^[\w-]+$/)
      clock.time += 10 * minute
      await nokkel.auth.accessToken()
      expect(server.log).toContain('refreshSession')
      server.log.length = 0
    }
  })

  it('makes a copy of the storage useless: it asks for a face or finger, and sends nothing', async () => {
    const { clock, server, storage, nokkel, open } = await unlocked()
    const copy = await copyOf(storage)
    nokkel.close()
    clock.time += 10 * minute
    const thief = open({ storage: copy, authenticator: createMemoryAuthenticator().authenticator })
    await thief.nokkel.start()
    expect(thief.nokkel.auth.getSnapshot()).toMatchObject({ status: 'locked' })
    await expect(thief.nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    expect(server.log).toEqual([])
    await expect(thief.nokkel.biometrics.unlock()).rejects.toMatchObject({ code: 'biometrics_cancelled' })
  })

  it('does not lock the tab that has its key because another one has not', async () => {
    const { clock, storage, session, nokkel, open } = await unlocked()
    const before = await session()
    clock.time += 10 * minute
    vi.stubGlobal('BroadcastChannel', undefined)
    const second = open()
    await second.nokkel.start()
    vi.unstubAllGlobals()
    expect(second.nokkel.auth.getSnapshot().status).toBe('locked')
    expect(await storage.get('session_v1')).toEqual(before)
    await nokkel.auth.accessToken()
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
  })

  it('is opened for another tab by the one that is open', async () => {
    const { clock, server, device, open } = await unlocked()
    clock.time += 10 * minute
    const second = open()
    await second.nokkel.start()
    await settled(second.nokkel)
    expect(server.log.slice(0, 2)).toEqual(['refreshSession', 'getMe'])
    expect(device.log).toEqual([])
  })

  it('is opened by the authenticator after the page was closed', async () => {
    const { clock, device, nokkel, open, session } = await unlocked()
    nokkel.close()
    clock.time += 10 * minute
    const { nokkel: next } = open()
    await next.start()
    expect(next.auth.getSnapshot()).toEqual({ status: 'locked', lastProvider: 'vipps' })
    await next.biometrics.unlock()
    await settled(next)
    expect(device.log).toEqual(['get'])
    expect(await session()).toHaveProperty('lockedRefreshToken')
  })

  it('loses its key with the lock of the session', async () => {
    const { clock, server, nokkel } = await unlocked()
    clock.time += 31 * minute
    await expect(nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    // A clock that was set back: by the time, it is not due any more.
    clock.time -= 21 * minute
    await expect(nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    expect(server.log).toEqual([])
  })

  it('stays closed where the authenticator gives no secret any more; a login goes on', async () => {
    const { clock, server, device, nokkel, open } = await unlocked()
    nokkel.close()
    clock.time += 31 * minute
    device.hasPrf = false
    const { nokkel: next, logIn } = open()
    await next.start()
    await expect(next.biometrics.unlock()).rejects.toMatchObject({ code: 'unlock_failed' })
    expect(next.auth.getSnapshot()).toMatchObject({ status: 'locked', reason: 'unlock_failed' })
    expect(server.log).not.toContain('refreshSession')
    await logIn()
    await settled(next)
  })

  it('is of one session: the next one begins without, and is in it after the next unlocking', async () => {
    const { nokkel, logIn, session, unlock } = await unlocked()
    await logIn()
    expect(await session()).toHaveProperty('refreshToken')
    expect(await session()).not.toHaveProperty('lockedRefreshToken')
    await unlock(nokkel)
    expect(await session()).toHaveProperty('lockedRefreshToken')
  })

  it('is given up with the enrolment, and the session goes on', async () => {
    const { clock, nokkel, session, server } = await unlocked()
    await nokkel.biometrics.removeBiometrics()
    expect(await session()).toMatchObject({ refreshToken: server.sessions[0]?.refreshToken, unlockedUntil: null })
    expect(await session()).not.toHaveProperty('lockedRefreshToken')
    clock.time += 60 * minute
    await expect(nokkel.auth.accessToken()).resolves.toBeTruthy()
  })

  it('is not given up by a page without its key', async () => {
    const { server, nokkel, open, session } = await unlocked()
    nokkel.close()
    const { nokkel: next } = open()
    await next.start()
    await settled(next)
    server.log.length = 0
    await expect(next.biometrics.removeBiometrics()).rejects.toMatchObject({ code: 'locked' })
    expect(next.auth.getSnapshot().status).toBe('locked')
    expect(server.log).toEqual([])
    await next.biometrics.unlock()
    await settled(next)
    await next.biometrics.removeBiometrics()
    expect(await session()).toHaveProperty('refreshToken')
  })

  it.each(['removeBiometrics', 'enrollBiometrics'] as const)(
    'gives the refresh token as it is after %s, not as it was before it was refreshed meanwhile',
    async (endpoint) => {
      const { clock, server, nokkel, session, id } = await unlocked()
      const [enrollment] = server.biometrics.enrollments.values()
      server.intercept(endpoint, () => new Refusal('token_expired', 401).toResponse())
      if (endpoint === 'removeBiometrics') await nokkel.biometrics.removeBiometrics()
      else {
        server.intercept(endpoint, () => Response.json({ ...enrollment, credential: null }))
        expect(await nokkel.biometrics.enrollBiometrics(id, { renew: true })).toMatchObject({ status: 'enrolled' })
      }
      expect(server.log).toEqual([endpoint, 'refreshSession', endpoint])
      expect((await session()).refreshToken).toBe(server.sessions.at(-1)?.refreshToken)
      clock.time += 10 * minute
      await nokkel.auth.accessToken()
      expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
    },
  )

  it('has what is cached of who the person is', async () => {
    const { server, storage, nokkel, open, id } = await unlocked()
    expect(await storage.list('identity_v1')).toEqual([])
    const row = await nokkel.identity.getIdentityByUserId(id)
    expect(row).toMatchObject({ userId: id })
    expect(await storage.get(`identity_v1.${id}`)).toEqual({ lockedValue: expect.stringMatching(/^[\w-]+$/) })
    server.log.length = 0
    expect(await nokkel.identity.getIdentityByUserId(id)).toEqual(row)
    expect(server.log).toEqual([])
    const copy = await copyOf(storage)
    nokkel.close()
    const thief = open({ storage: copy })
    await thief.nokkel.identity.getIdentityByUserId(id)
    expect(server.log).toEqual(['getIdentity'])
    expect(await copy.list('identity_v1')).toEqual([])
  })
})

describe('what was stored by the version before', () => {
  it('goes on working, and is in the vault after the first unlocking', async () => {
    const { clock, server, storage, nokkel, open, logIn, session, id } = await unlocked()
    await nokkel.biometrics.removeBiometrics()
    await logIn()
    nokkel.close()
    // As it was written then: `refreshToken` in the clear, nothing of a lock.
    const { unlockedUntil: _, ...released } = await session()
    expect(Object.keys(released).sort()).toEqual(
      ['accessToken', 'accessTokenExpiresAt', 'boundKey', 'organization', 'provider']
        .concat(['refreshToken', 'sessionExpiresAt', 'sessionId', 'userId'])
        .sort(),
    )
    await storage.put('session_v1', released)
    clock.time += 60 * minute
    server.log.length = 0
    const { nokkel: next, logIn: logInAgain } = open()
    await next.start()
    await settled(next)
    expect(server.log[0]).toBe('refreshSession')
    expect(await session()).toMatchObject({ unlockedUntil: null, refreshToken: server.sessions.at(-1)?.refreshToken })
    await logInAgain()
    expect(await next.biometrics.enrollBiometrics(id)).toMatchObject({ status: 'enrolled' })
    clock.time += 31 * minute
    next.close()
    const { nokkel: last } = open()
    await last.start()
    expect(last.auth.getSnapshot().status).toBe('locked')
    await last.biometrics.unlock()
    await settled(last)
    expect(await session()).not.toHaveProperty('refreshToken')
  })
})
