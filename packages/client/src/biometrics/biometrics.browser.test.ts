import { afterEach, describe, expect, it, vi } from 'vitest'
import { createWebLock } from '../lock/lock.ts'
import type { Nokkel } from '../nokkel.ts'
import type { SessionRecord } from '../session/auth-token-store.ts'
import { indexedDbStorage } from '../storage/indexed-db-storage.ts'
import { userNamespace } from '../storage/user-namespace.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { addVirtualAuthenticator, type VirtualAuthenticator } from '../testing/virtual-authenticator.ts'

const minute = 60_000
const clients: Nokkel[] = []
let device: VirtualAuthenticator | undefined

afterEach(async () => {
  vi.restoreAllMocks()
  for (const nokkel of clients.splice(0)) nokkel.close()
  await device?.remove()
  device = undefined
})

const statusOf = ({ auth }: Nokkel) => auth.getSnapshot().status

async function settled({ keys, userKeys, rfx }: Nokkel): Promise<void> {
  await keys.settled()
  await userKeys.settled()
  await rfx.settled()
}

/** A person who has logged in, in a browser with its own storage, locks and authenticator: only the server is not real. */
async function loggedIn() {
  const clock = { time: Date.parse('2026-11-21T09:00:00Z') }
  const now = () => new Date(clock.time)
  const server = createFakeServer({ now })
  const name = `test-${crypto.randomUUID()}`
  const storage = indexedDbStorage({ name })
  const open = () => {
    const tab = createFakeClient(server, { storage: indexedDbStorage({ name }), lock: createWebLock(), now })
    clients.push(tab.nokkel)
    return tab
  }
  const tab = open()
  await tab.logIn()
  const reopen = async (milliseconds: number) => {
    for (const nokkel of clients.splice(0)) nokkel.close()
    clock.time += milliseconds
    const { nokkel } = open()
    await nokkel.start()
    return nokkel
  }
  const session = async () => (await storage.get('session_v1')) as SessionRecord
  const flag = `biometric_enrolled_v1.${await userNamespace(server.member.id)}`
  return { clock, server, storage, tab, open, reopen, session, flag, id: server.member.id }
}

describe('biometrics in a browser', () => {
  it('are enrolled, make a credential at the first challenge, and use it at the next', async () => {
    device = await addVirtualAuthenticator()
    const { server, tab, reopen, session, id } = await loggedIn()
    const asked = vi.fn()
    for (const kind of ['create', 'get'] as const) {
      const ask = navigator.credentials[kind].bind(navigator.credentials) as (
        options?: object,
      ) => Promise<Credential | null>
      vi.spyOn(navigator.credentials, kind).mockImplementation((options?: object) => {
        asked(kind)
        return ask(options)
      })
    }
    expect(await tab.nokkel.biometrics.shouldPrompt(id)).toBe(true)
    expect(await tab.nokkel.biometrics.enrollBiometrics(id)).toMatchObject({ status: 'enrolled' })
    expect(asked).not.toHaveBeenCalled()
    for (const kind of ['create', 'get']) {
      const nokkel = await reopen(31 * minute)
      expect(nokkel.auth.getSnapshot()).toEqual({ status: 'locked', lastProvider: 'vipps' })
      server.log.length = 0
      await nokkel.biometrics.unlock()
      expect(asked).toHaveBeenLastCalledWith(kind)
      expect(server.log.slice(0, 3)).toEqual(['createUnlockChallenge', 'unlockSession', 'refreshSession'])
      expect(statusOf(nokkel)).toBe('signed_in')
      expect(await session()).toHaveProperty('lockedRefreshToken')
      expect(await session()).not.toHaveProperty('refreshToken')
      await settled(nokkel)
    }
  })

  it('work without a secret of the authenticator', async () => {
    device = await addVirtualAuthenticator({ hasPrf: false })
    const { tab, reopen, session, id } = await loggedIn()
    await tab.nokkel.biometrics.enrollBiometrics(id)
    const nokkel = await reopen(31 * minute)
    await nokkel.biometrics.unlock()
    expect(statusOf(nokkel)).toBe('signed_in')
    expect(await session()).toHaveProperty('refreshToken')
    await settled(nokkel)
  })

  it('lock a page that is seen again after its time, without a request', async () => {
    device = await addVirtualAuthenticator()
    const { clock, server, tab, id } = await loggedIn()
    await tab.nokkel.biometrics.enrollBiometrics(id)
    clock.time += 31 * minute
    server.log.length = 0
    document.dispatchEvent(new Event('visibilitychange'))
    await vi.waitFor(() => expect(statusOf(tab.nokkel)).toBe('locked'))
    expect(server.log).toEqual([])
  })

  it('are turned off, and nothing is left of the credential here', async () => {
    device = await addVirtualAuthenticator()
    const { tab, reopen, storage, id } = await loggedIn()
    await tab.nokkel.biometrics.enrollBiometrics(id)
    const nokkel = await reopen(31 * minute)
    await nokkel.biometrics.unlock()
    await settled(nokkel)
    expect(await storage.list('biometric_credential_v1')).toHaveLength(1)
    await nokkel.biometrics.removeBiometrics()
    expect(await storage.list('biometric_')).toEqual([])
  })

  it('are silently skipped where there are none', async () => {
    const { tab, storage, id } = await loggedIn()
    expect(await tab.nokkel.biometrics.capability()).toEqual({ isAvailable: false })
    expect(await tab.nokkel.biometrics.shouldPrompt(id)).toBe(false)
    expect(await tab.nokkel.biometrics.refresh()).toEqual({ status: 'unavailable' })
    expect(await storage.list('biometric_')).toEqual([])
  })

  it('can be tried again after the person did not pass', async () => {
    device = await addVirtualAuthenticator()
    const { tab, reopen, id } = await loggedIn()
    await tab.nokkel.biometrics.enrollBiometrics(id)
    const nokkel = await reopen(31 * minute)
    await device.refuse()
    await expect(nokkel.biometrics.unlock()).rejects.toMatchObject({ code: 'biometrics_cancelled' })
    expect(nokkel.auth.getSnapshot()).toMatchObject({ status: 'locked', reason: 'biometrics_cancelled' })
    await device.recover()
    await nokkel.biometrics.unlock()
    expect(statusOf(nokkel)).toBe('signed_in')
    await settled(nokkel)
  })

  it('give way to a login when the credential is lost, and are renewed under it', async () => {
    device = await addVirtualAuthenticator()
    const { clock, tab, open, reopen, id } = await loggedIn()
    await tab.nokkel.biometrics.enrollBiometrics(id)
    const first = await reopen(31 * minute)
    await first.biometrics.unlock()
    await settled(first)
    await device.lose()
    first.close()
    clock.time += 31 * minute
    const { nokkel, logIn } = open()
    await nokkel.start()
    await expect(nokkel.biometrics.unlock()).rejects.toMatchObject({ code: 'biometrics_cancelled' })
    await logIn()
    expect(await nokkel.biometrics.enrollBiometrics(id, { renew: true })).toMatchObject({ status: 'enrolled' })
    const next = await reopen(31 * minute)
    await next.biometrics.unlock()
    expect(statusOf(next)).toBe('signed_in')
    await settled(next)
  })

  it('unlock two tabs at once, and the second has the key of the vault from the first', async () => {
    device = await addVirtualAuthenticator()
    const { clock, server, tab, open, reopen, id } = await loggedIn()
    await tab.nokkel.biometrics.enrollBiometrics(id)
    const one = await reopen(31 * minute)
    const { nokkel: two } = open()
    await two.start()
    expect([statusOf(one), statusOf(two)]).toEqual(['locked', 'locked'])
    await one.biometrics.unlock()
    await vi.waitFor(() => expect([statusOf(one), statusOf(two)]).toEqual(['signed_in', 'signed_in']))
    await Promise.all([settled(one), settled(two)])
    clock.time += 10 * minute
    server.log.length = 0
    await two.auth.accessToken()
    expect(server.log).toEqual(['refreshSession'])
    clock.time += 31 * minute
    await expect(two.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    await vi.waitFor(() => expect(statusOf(one)).toBe('locked'))
  })

  it.each([
    ['QuotaExceededError', 'storage_full'],
    ['InvalidStateError', 'storage_private_mode'],
  ])('are not enrolled where the flag meets %s', async (name, code) => {
    device = await addVirtualAuthenticator()
    const { tab, storage, server, flag, id } = await loggedIn()
    const put = IDBObjectStore.prototype.put
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, value, key) {
      if (key === flag) throw new DOMException('no', name)
      return put.call(this, value, key)
    })
    const state = await tab.nokkel.biometrics.enrollBiometrics(id)
    expect(state).toEqual({ status: 'enrollmentError', error: code })
    expect(await storage.list('biometric_')).toEqual([])
    expect(await tab.nokkel.biometrics.isBiometricEnrolled(id)).toBe(false)
    expect(server.biometrics.enrollments.size).toBe(0)
    expect(statusOf(tab.nokkel)).toBe('signed_in')
  })
})
