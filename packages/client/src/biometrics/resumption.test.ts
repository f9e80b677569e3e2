import { describe, expect, it, vi } from 'vitest'
import { NokkelError } from '../errors.ts'
import { createMutex } from '../lock/lock.ts'
import type { Nokkel } from '../nokkel.ts'
import type { SessionRecord } from '../session/auth-token-store.ts'
import { userNamespace } from '../storage/user-namespace.ts'
import { createMemoryAuthenticator } from '../testing/fake-biometrics.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { Refusal } from '../testing/refusal.ts'
import { sharedStorage } from '../testing/shared-storage.ts'

const minute = 60_000
const month = 31 * 24 * 60 * minute

/** A person who is enrolled on this device, and whose page was refreshed once since. */
async function enrolled({ hasPrf = false } = {}) {
  const clock = { time: Date.parse('2026-11-21T09:00:00Z') }
  const now = () => new Date(clock.time)
  const server = createFakeServer({ now })
  const device = createMemoryAuthenticator()
  device.hasPrf = hasPrf
  const shared = sharedStorage()
  const lock = createMutex()
  const clients: Nokkel[] = []
  const open = (options = {}) => {
    const { authenticator } = device
    const client = createFakeClient(server, { now, storage: shared.tab(), authenticator, lock, ...options })
    clients.push(client.nokkel)
    return client
  }
  const first = open()
  await first.logIn()
  await first.nokkel.biometrics.enrollBiometrics(server.member.id)
  clock.time += 10 * minute
  await first.nokkel.auth.accessToken()
  server.log.length = 0
  const session = async () => (await shared.inner.get('session_v1')) as SessionRecord
  const change = async (changes: Partial<SessionRecord>) => {
    await shared.inner.put('session_v1', { ...(await session()), ...changes })
  }
  /** The page is closed, and opened again later. */
  const reopen = async (milliseconds: number, options = {}) => {
    for (const nokkel of clients.splice(0)) nokkel.close()
    clock.time += milliseconds
    server.log.length = 0
    device.log.length = 0
    const client = open(options)
    await client.nokkel.start()
    return client
  }
  const flag = `biometric_enrolled_v1.${await userNamespace(server.member.id)}`
  const locked = { status: 'locked', lastProvider: 'vipps' }
  return { clock, now, server, device, shared, open, first, reopen, session, change, flag, locked }
}

const settled = async ({ keys, userKeys, rfx }: Nokkel) => {
  await keys.settled()
  await userKeys.settled()
  await rfx.settled()
}

describe('the order at start', () => {
  it('is expiry first: a session that is over is ended without a request or a question', async () => {
    const { server, device, shared, reopen } = await enrolled()
    const { nokkel } = await reopen(month)
    const over = { status: 'signed_out', notice: 'session_expired', lastProvider: 'vipps' }
    expect(nokkel.auth.getSnapshot()).toEqual(over)
    expect(server.log).toEqual([])
    expect(device.log).toEqual([])
    expect(await shared.inner.get('session_v1')).toBeUndefined()
    await expect(nokkel.biometrics.unlock()).resolves.toBeUndefined()
    expect(device.log).toEqual([])
  })

  it('is then the challenge, then the refresh', async () => {
    const { server, device, locked, reopen } = await enrolled()
    const { nokkel } = await reopen(31 * minute)
    expect(nokkel.auth.getSnapshot()).toEqual(locked)
    expect(server.log).toEqual([])
    expect(device.log).toEqual([])
    await nokkel.biometrics.unlock()
    expect(nokkel.auth.getSnapshot()).toMatchObject({ status: 'signed_in', me: { name: 'Kari Nordmann' } })
    expect(server.log.slice(0, 4)).toEqual(['createUnlockChallenge', 'unlockSession', 'refreshSession', 'getMe'])
    expect(device.log).toEqual(['create'])
    await settled(nokkel)
  })

  it('makes the credential at the first challenge, and uses it at the next', async () => {
    const { device, reopen } = await enrolled()
    const { nokkel } = await reopen(31 * minute)
    await nokkel.biometrics.unlock()
    await settled(nokkel)
    expect(await nokkel.biometrics.enrollment()).toMatchObject({ credential: { backedUp: false } })
    const next = await reopen(31 * minute)
    await next.nokkel.biometrics.unlock()
    expect(device.log).toEqual(['get'])
    expect(next.nokkel.auth.getSnapshot().status).toBe('signed_in')
    await settled(next.nokkel)
  })

  it('asks for nothing while it is not due', async () => {
    const { server, device, reopen } = await enrolled()
    const { nokkel } = await reopen(29 * minute)
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
    expect(server.log.slice(0, 2)).toEqual(['refreshSession', 'getMe'])
    expect(device.log).toEqual([])
    await settled(nokkel)
  })

  it('asks first, too, when nothing was refreshed since the device was enrolled', async () => {
    const { server, change, locked, reopen } = await enrolled()
    await change({ unlockedUntil: null })
    const { nokkel } = await reopen(31 * minute)
    expect(nokkel.auth.getSnapshot()).toEqual(locked)
    expect(server.log).toEqual([])
  })

  it('is asked for by the server where the flag is gone, which is there again afterwards', async () => {
    const { server, change, shared, flag, locked, reopen } = await enrolled()
    await change({ unlockedUntil: null })
    await shared.inner.delete(flag)
    const { nokkel } = await reopen(31 * minute)
    expect(nokkel.auth.getSnapshot()).toEqual(locked)
    expect(server.log).toEqual(['refreshSession'])
    await nokkel.biometrics.unlock()
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
    expect(await nokkel.biometrics.isBiometricEnrolled(server.member.id)).toBe(true)
    await settled(nokkel)
  })

  it('goes on without where the server does not want it any more', async () => {
    const { server, device, flag, shared, reopen } = await enrolled()
    server.biometrics.enrollments.clear()
    const { nokkel } = await reopen(31 * minute)
    await nokkel.biometrics.unlock()
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
    expect(device.log).toEqual([])
    expect(await shared.inner.get(flag)).toBeUndefined()
    await settled(nokkel)
  })

  it('remembers how the person logged in last until they do, for the page of the login', async () => {
    const { server, reopen } = await enrolled()
    await reopen(month)
    const { nokkel, logIn } = await reopen(0)
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', lastProvider: 'vipps' })
    await logIn(server.coordinator)
    await nokkel.auth.signOut()
    const again = await reopen(0)
    expect(again.nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' })
  })
})

describe('a locked session', () => {
  it('shows nothing of the person, and deletes nothing', async () => {
    const { clock, server, first, shared, locked } = await enrolled()
    const { nokkel } = first
    const before = await shared.inner.list('')
    clock.time += 31 * minute
    await expect(nokkel.assignments.inbox()).rejects.toMatchObject({ code: 'locked' })
    expect(nokkel.auth.getSnapshot()).toEqual(locked)
    expect(nokkel.keys.getSnapshot()).toEqual({ status: 'none' })
    expect(nokkel.userKeys.getSnapshot()).toEqual({ status: 'idle' })
    expect(nokkel.biometrics.getSnapshot()).toEqual({ status: 'unknown' })
    expect(nokkel.vipps.getSnapshot().status).toBe('idle')
    expect(await shared.inner.list('')).toEqual(before)
    await expect(nokkel.identity.getIdentityByUserId(server.member.id)).rejects.toMatchObject({ code: 'locked' })
    expect(server.log).toEqual([])
  })

  it('is locked when the server says so to a session in use', async () => {
    const { clock, server, first, locked } = await enrolled()
    clock.time += 10 * minute
    server.intercept('refreshSession', () => new Refusal('unlock_required', 401).toResponse())
    await expect(first.nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    expect(first.nokkel.auth.getSnapshot()).toEqual(locked)
  })

  it('gives nothing of what is cached of the person, however new', async () => {
    const { clock, server, first } = await enrolled()
    const { auth, biometrics, identity } = first.nokkel
    const { id } = server.member
    await identity.upsertIdentity({ userId: id })
    clock.time += 10 * minute
    server.intercept('refreshSession', () => new Refusal('unlock_required', 401).toResponse())
    await expect(auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    server.log.length = 0
    await expect(identity.getIdentityByUserId(id)).rejects.toMatchObject({ code: 'locked' })
    await biometrics.unlock()
    await settled(first.nokkel)
    expect(await identity.getIdentityByUserId(id)).toMatchObject({ userId: id })
    expect(server.log).not.toContain('getIdentity')
  })

  it('is locked when the server says so to any other request', async () => {
    const { server, first, locked } = await enrolled()
    server.intercept('listSessions', () => new Refusal('unlock_required', 401).toResponse())
    await expect(first.nokkel.auth.sessions()).rejects.toMatchObject({ code: 'unlock_required' })
    expect(first.nokkel.auth.getSnapshot()).toEqual(locked)
  })

  it.each(['biometrics_cancelled', 'biometrics_unavailable', 'unlock_failed'] as const)(
    'stays so after %s, says why, and can be tried again',
    async (code) => {
      const { server, device, locked, reopen } = await enrolled()
      const { nokkel } = await reopen(31 * minute)
      device.failNext(code)
      await expect(nokkel.biometrics.unlock()).rejects.toMatchObject({ code })
      expect(nokkel.auth.getSnapshot()).toEqual({ ...locked, reason: code })
      expect(server.log).toEqual(['createUnlockChallenge'])
      await nokkel.biometrics.unlock()
      expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
      await settled(nokkel)
    },
  )

  it.each([
    ['unlock_failed', 400],
    ['unlock_challenge_unknown', 400],
    ['rate_limited', 429],
  ] as const)('stays so when the server answers %s', async (code, status) => {
    const { server, locked, reopen } = await enrolled()
    const { nokkel } = await reopen(31 * minute)
    server.intercept('unlockSession', () => new Refusal(code, status).toResponse())
    await expect(nokkel.biometrics.unlock()).rejects.toMatchObject({ code })
    expect(nokkel.auth.getSnapshot()).toEqual({ ...locked, reason: code })
    await nokkel.biometrics.unlock()
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
    await settled(nokkel)
  })

  it('gives way to a login where the credential is of another host, after which the person is asked again', async () => {
    const { server, device, locked, reopen } = await enrolled()
    const { id } = server.member
    const { nokkel, logIn } = await reopen(31 * minute)
    server.intercept('createUnlockChallenge', () => new Refusal('biometrics_unavailable', 409).toResponse())
    await expect(nokkel.biometrics.unlock()).rejects.toMatchObject({ code: 'biometrics_unavailable' })
    expect(nokkel.auth.getSnapshot()).toEqual({ ...locked, reason: 'biometrics_unavailable' })
    expect(device.log).toEqual([])
    await logIn()
    await settled(nokkel)
    expect(await nokkel.biometrics.shouldPrompt(id)).toBe(true)
    expect(await nokkel.biometrics.enrollBiometrics(id)).toMatchObject({ status: 'enrolled' })
  })

  it('is opened when the answer of the server was lost, by asking again', async () => {
    const { server, device, locked, reopen } = await enrolled()
    const { nokkel } = await reopen(31 * minute)
    server.intercept('unlockSession', async (exchange) => {
      await server.respond(exchange)
      throw new TypeError('connection reset')
    })
    await expect(nokkel.biometrics.unlock()).rejects.toMatchObject({ code: 'network_unreachable' })
    expect(nokkel.auth.getSnapshot()).toEqual({ ...locked, reason: 'network_unreachable' })
    await nokkel.biometrics.unlock()
    expect(device.log).toEqual(['create', 'get'])
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
    await settled(nokkel)
  })

  it('stays so while what came of it cannot be stored', async () => {
    const { shared, locked, reopen } = await enrolled()
    const storage = shared.tab()
    const { nokkel } = await reopen(31 * minute, { storage })
    const { put } = storage
    storage.put = () => Promise.reject(new NokkelError('storage_full'))
    await expect(nokkel.biometrics.unlock()).rejects.toMatchObject({ code: 'storage_full' })
    expect(nokkel.auth.getSnapshot()).toEqual({ ...locked, reason: 'storage_full' })
    storage.put = put
    await nokkel.biometrics.unlock()
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
    await settled(nokkel)
  })

  it('asks once for all who ask at once', async () => {
    const { device, server, reopen } = await enrolled()
    const { nokkel } = await reopen(31 * minute)
    await Promise.all([nokkel.biometrics.unlock(), nokkel.biometrics.unlock()])
    expect(device.log).toEqual(['create'])
    expect(server.log.filter((endpoint) => endpoint === 'unlockSession')).toHaveLength(1)
    await settled(nokkel)
  })

  it.each([
    ['session_ended', 'session_expired'],
    ['device_revoked', 'device_revoked'],
    ['account_merged', 'account_merged'],
    ['account_erased', 'account_erased'],
  ] as const)('is over when the server says %s to the challenge', async (ended, notice) => {
    const { server, device, reopen } = await enrolled()
    for (const session of server.sessions) session.ended = ended
    const { nokkel } = await reopen(31 * minute)
    await expect(nokkel.biometrics.unlock()).rejects.toMatchObject({ code: ended })
    expect(nokkel.auth.getSnapshot()).toMatchObject({ status: 'signed_out', notice })
    expect(device.log).toEqual([])
  })

  it('is over when the key of the device is gone meanwhile', async () => {
    const { server, shared, reopen } = await enrolled()
    const { nokkel } = await reopen(31 * minute)
    await shared.inner.delete(`device_v1.${server.member.id}`)
    await expect(nokkel.biometrics.unlock()).rejects.toMatchObject({ code: 'keys_missing' })
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notice: 'keys_lost' })
    expect(server.log).toEqual([])
  })

  it('is opened by a login as well, where the credential was lost; enrolling again makes another', async () => {
    const { clock, server, device, first, reopen } = await enrolled()
    clock.time += 31 * minute
    await expect(first.nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    await first.nokkel.biometrics.unlock()
    device.lose()
    const { nokkel, logIn } = await reopen(31 * minute)
    await expect(nokkel.biometrics.unlock()).rejects.toMatchObject({ code: 'biometrics_cancelled' })
    await logIn()
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
    const { id } = server.member
    expect(await nokkel.biometrics.enrollBiometrics(id, { renew: true })).toMatchObject({ status: 'enrolled' })
    const next = await reopen(31 * minute)
    await next.nokkel.biometrics.unlock()
    expect(device.log).toEqual(['create'])
    expect(next.nokkel.auth.getSnapshot().status).toBe('signed_in')
    await settled(next.nokkel)
  })

  it('gives way to somebody else who logs in', async () => {
    const { server, reopen } = await enrolled()
    const { nokkel, logIn } = await reopen(31 * minute)
    await logIn(server.coordinator)
    expect(nokkel.auth.getSnapshot()).toMatchObject({ status: 'signed_in', me: { name: 'Ingrid Solberg' } })
    expect(await nokkel.biometrics.isBiometricEnrolled(server.coordinator.id)).toBe(false)
    expect(await nokkel.biometrics.shouldPrompt(server.coordinator.id)).toBe(true)
  })

  it('can be left by logging out', async () => {
    const { server, device, shared, flag, reopen } = await enrolled()
    const { nokkel } = await reopen(31 * minute)
    await nokkel.auth.signOut()
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' })
    expect(await shared.inner.list('')).toEqual([flag, `device_v1.${server.member.id}`].sort())
    expect(device.log).toEqual([])
  })

  it('says that it is not locked by doing nothing', async () => {
    const { server, device, first } = await enrolled()
    await first.nokkel.biometrics.unlock()
    expect(server.log).toEqual([])
    expect(device.log).toEqual([])
  })
})

describe('two tabs', () => {
  const status = ({ nokkel }: { readonly nokkel: Nokkel }) => nokkel.auth.getSnapshot().status

  it('are locked and unlocked together', async () => {
    const { clock, first, open } = await enrolled()
    const second = open()
    await second.nokkel.start()
    await settled(second.nokkel)
    clock.time += 31 * minute
    await expect(first.nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    await vi.waitFor(() => expect(status(second)).toBe('locked'))
    await second.nokkel.biometrics.unlock()
    expect(status(second)).toBe('signed_in')
    await vi.waitFor(() => expect(status(first)).toBe('signed_in'))
    await settled(first.nokkel)
    await settled(second.nokkel)
  })

  it('go on once each, however often they are told that it is unlocked', async () => {
    const { clock, server, shared, first, open } = await enrolled()
    const second = open()
    await second.nokkel.start()
    await settled(second.nokkel)
    clock.time += 31 * minute
    await expect(first.nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    await vi.waitFor(() => expect(status(second)).toBe('locked'))
    server.log.length = 0
    let told = 0
    shared.tab().subscribe?.((name) => {
      if (name === 'session_v1') told += 1
    })
    await first.nokkel.biometrics.unlock()
    await vi.waitFor(() => expect(status(second)).toBe('signed_in'))
    await settled(first.nokkel)
    await settled(second.nokkel)
    // When it was unlocked, and when it was refreshed.
    expect(told).toBe(2)
    expect(server.log.filter((endpoint) => endpoint === 'getMe')).toHaveLength(2)
    expect(server.log.filter((endpoint) => endpoint === 'listUserKeys')).toHaveLength(2)
  })

  it('take back the question in one when it was answered in the other', async () => {
    const { clock, server, device, first, open } = await enrolled()
    const second = open({ authenticator: createMemoryAuthenticator().authenticator })
    await second.nokkel.start()
    await settled(second.nokkel)
    clock.time += 31 * minute
    await expect(first.nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    device.hesitate()
    const waiting = first.nokkel.biometrics.unlock()
    await vi.waitFor(() => expect(device.log).toEqual(['create']))
    await vi.waitFor(() => expect(status(second)).toBe('locked'))
    await second.nokkel.biometrics.unlock()
    await expect(waiting).resolves.toBeUndefined()
    expect([status(first), status(second)]).toEqual(['signed_in', 'signed_in'])
    expect(server.log.filter((endpoint) => endpoint === 'unlockSession')).toHaveLength(1)
    await settled(first.nokkel)
    await settled(second.nokkel)
  })

  it('show alike what was chosen in one', async () => {
    const { server, first, open } = await enrolled()
    const second = open()
    await second.nokkel.start()
    await settled(second.nokkel)
    expect(await second.nokkel.biometrics.refresh()).toEqual({ status: 'enrolled' })
    await first.logIn()
    await vi.waitFor(() => expect(second.nokkel.keys.getSnapshot().status).toBe('ready'))
    await first.nokkel.biometrics.removeBiometrics()
    await vi.waitFor(() => expect(second.nokkel.biometrics.getSnapshot()).toEqual({ status: 'notEnrolled' }))
    expect(server.biometrics.enrollments.size).toBe(0)
    await settled(second.nokkel)
  })

  it('do not lock over what the other has just unlocked', async () => {
    const { clock, server, first, open } = await enrolled()
    const second = open()
    await second.nokkel.start()
    await settled(second.nokkel)
    clock.time += 31 * minute
    await expect(first.nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    await Promise.all([first.nokkel.biometrics.unlock(), second.nokkel.auth.accessToken().catch(() => {})])
    await vi.waitFor(() => expect([status(first), status(second)]).toEqual(['signed_in', 'signed_in']))
    expect(server.sessions[0]?.ended).toBeUndefined()
    await settled(first.nokkel)
    await settled(second.nokkel)
  })
})
