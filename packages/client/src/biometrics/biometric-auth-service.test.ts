import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { NokkelError } from '../errors.ts'
import { createMutex } from '../lock/lock.ts'
import { memoryStorage } from '../storage/memory-storage.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import { userNamespace } from '../storage/user-namespace.ts'
import { createMemoryAuthenticator } from '../testing/fake-biometrics.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { Refusal } from '../testing/refusal.ts'
import type { BiometricEvent } from './biometric-auth-service.ts'

const enrolledName = async (userId: string) => `biometric_enrolled_v1.${await userNamespace(userId)}`
const declinedName = async (userId: string) => `biometric_declined_v1.${await userNamespace(userId)}`

/** What is written and deleted, by name; a name may be made to fail. */
function recorded(inner: SecureStorage = memoryStorage()) {
  const written: [name: string, value: unknown][] = []
  const failing = new Map<string, NokkelError>()
  const storage: SecureStorage = {
    ...inner,
    async put(name, value) {
      const failure = failing.get(name)
      if (failure) throw failure
      written.push([name, value])
      await inner.put(name, value)
    },
  }
  const writtenTo = (prefix: string) => written.filter(([name]) => name.startsWith(prefix))
  return { storage, written, writtenTo, failing }
}

async function signedIn() {
  const clock = { time: Date.parse('2026-11-21T09:00:00Z') }
  const now = () => new Date(clock.time)
  const server = createFakeServer({ now })
  const device = createMemoryAuthenticator()
  const { storage, writtenTo, failing } = recorded()
  const options = { now, storage, authenticator: device.authenticator, lock: createMutex() }
  const client = createFakeClient(server, options)
  const events: BiometricEvent[] = []
  client.nokkel.biometrics.onEvent((event) => events.push(event))
  await client.logIn()
  server.log.length = 0
  const { biometrics } = client.nokkel
  const { member, coordinator, devices, sessions } = server
  const people = { member, coordinator, devices, sessions }
  return { clock, now, server, device, storage, writtenTo, failing, options, client, events, biometrics, ...people }
}

/** What the router does after a login. */
async function afterLogin({ biometrics }: Awaited<ReturnType<typeof signedIn>>, userId: string, answer: 'yes' | 'no') {
  const prompted = await biometrics.shouldPrompt(userId)
  if (prompted) await (answer === 'yes' ? biometrics.enrollBiometrics(userId) : biometrics.declineEnrollment(userId))
  return prompted
}

describe('BiometricAuthService enrollment', () => {
  it('(1) first-time login with biometrics available: prompt shown, user confirms, Secure Storage write called with correct key/value', async () => {
    const page = await signedIn()
    const { member, writtenTo, biometrics, server, events, devices } = page
    expect(await afterLogin(page, member.id, 'yes')).toBe(true)
    expect(writtenTo('biometric_')).toEqual([[await enrolledName(member.id), true]])
    const record = { userId: member.id, deviceId: devices[0]?.id, enrolledAt: '2026-11-21T09:00:00.000Z' }
    expect(biometrics.getSnapshot()).toEqual({ status: 'enrolled', record })
    expect(events).toEqual([{ type: 'BiometricEnrollmentComplete', record }])
    expect(server.log).toEqual(['enrollBiometrics'])
  })

  it('(2) first-time login with biometrics available: user declines, declined flag written, no enrollment flag', async () => {
    const page = await signedIn()
    const { member, writtenTo, biometrics, server, events, sessions } = page
    expect(await afterLogin(page, member.id, 'no')).toBe(true)
    const said = { sessionId: sessions[0]?.id, declinedAt: '2026-11-21T09:00:00.000Z' }
    expect(writtenTo('biometric_')).toEqual([[await declinedName(member.id), said]])
    expect(biometrics.getSnapshot()).toEqual({ status: 'declined' })
    expect(events).toEqual([{ type: 'BiometricEnrollmentDeclined', userId: member.id }])
    expect(await biometrics.isBiometricEnrolled(member.id)).toBe(false)
    expect(await biometrics.shouldPrompt(member.id)).toBe(false)
    expect(server.log).toEqual([])
  })

  it('(3) biometrics unavailable: enrollment silently skipped, no Secure Storage write', async () => {
    const page = await signedIn()
    page.device.isAvailable = false
    expect(await page.biometrics.capability()).toEqual({ isAvailable: false })
    expect(await afterLogin(page, page.member.id, 'yes')).toBe(false)
    expect(page.writtenTo('biometric_')).toEqual([])
    expect(page.events).toEqual([])
    expect(page.server.log).toEqual([])
  })

  it.each(['storage_full', 'storage_private_mode', 'storage_unavailable'] as const)(
    '(4) Secure Storage write throws (%s): error caught, state set to enrollmentError, no crash',
    async (code) => {
      const page = await signedIn()
      const { member, biometrics, server, events, storage, failing } = page
      failing.set(await enrolledName(member.id), new NokkelError(code))
      expect(await afterLogin(page, member.id, 'yes')).toBe(true)
      expect(biometrics.getSnapshot()).toEqual({ status: 'enrollmentError', error: code })
      expect(await storage.get(await enrolledName(member.id))).toBeUndefined()
      expect(await biometrics.isBiometricEnrolled(member.id)).toBe(false)
      expect(await biometrics.enrollment()).toBeNull()
      expect(events).toEqual([])
      expect(server.log).toEqual(['enrollBiometrics', 'removeBiometrics', 'getBiometricEnrollment'])
      failing.clear()
      expect(await biometrics.enrollBiometrics(member.id)).toMatchObject({ status: 'enrolled' })
    },
  )

  it.each([
    ['https:', '203.0.113.1'],
    ['http:', '127.0.0.1'],
    ['https:', '[2001:db8::1]'],
    ['http:', 'app.example.no'],
    ['capacitor:', 'localhost'],
  ])('is not offered on a page of %s//%s', async (protocol, hostname) => {
    const page = await signedIn()
    const { biometrics, member, server } = page
    vi.stubGlobal('location', { protocol, hostname })
    onTestFinished(() => void vi.unstubAllGlobals())
    expect(await biometrics.capability()).toEqual({ isAvailable: false })
    expect(await biometrics.shouldPrompt(member.id)).toBe(false)
    const refused = { status: 'enrollmentError', error: 'biometrics_unavailable' }
    expect(await biometrics.enrollBiometrics(member.id)).toEqual(refused)
    expect(server.log).toEqual([])
    for (const there of [
      { protocol: 'https:', hostname: 'app.example.no' },
      { protocol: 'http:', hostname: 'localhost' },
    ]) {
      vi.stubGlobal('location', there)
      expect(await biometrics.shouldPrompt(member.id)).toBe(true)
    }
  })

  it('is not offered again in a page that the server refuses', async () => {
    const page = await signedIn()
    const { biometrics, member, server, storage, events } = page
    server.intercept('enrollBiometrics', () => new Refusal('biometrics_unavailable', 409).toResponse())
    const refused = { status: 'enrollmentError', error: 'biometrics_unavailable' }
    expect(await biometrics.enrollBiometrics(member.id)).toEqual(refused)
    expect(await biometrics.capability()).toEqual({ isAvailable: false })
    expect(await biometrics.shouldPrompt(member.id)).toBe(false)
    expect(await biometrics.refresh()).toEqual({ status: 'unavailable' })
    expect(await storage.list('biometric_')).toEqual([])
    expect(events).toEqual([])
    expect(server.log).toEqual(['enrollBiometrics'])
  })

  it('(5) second login with enrolled flag present: enrollment prompt not shown', async () => {
    const page = await signedIn()
    const { member, client, biometrics, server, clock } = page
    await afterLogin(page, member.id, 'yes')
    await client.nokkel.auth.signOut()
    clock.time += 86_400_000
    await client.logIn()
    server.log.length = 0
    expect(await biometrics.shouldPrompt(member.id)).toBe(false)
    expect(await biometrics.enrollBiometrics(member.id)).toEqual({ status: 'enrolled' })
    expect(server.log).toEqual([])
  })

  it('(6) isBiometricEnrolled returns true when flag is present and false when absent', async () => {
    const { member, biometrics, storage } = await signedIn()
    expect(await biometrics.isBiometricEnrolled(member.id)).toBe(false)
    await storage.put(await enrolledName(member.id), true)
    expect(await biometrics.isBiometricEnrolled(member.id)).toBe(true)
    await storage.put(await enrolledName(member.id), 'true')
    expect(await biometrics.isBiometricEnrolled(member.id)).toBe(false)
  })

  it('asks nobody for face or finger, and leaves the session where it is', async () => {
    const { member, biometrics, device, storage } = await signedIn()
    const before = await storage.get('session_v1')
    await biometrics.enrollBiometrics(member.id)
    expect(device.log).toEqual([])
    expect(await storage.get('session_v1')).toEqual(before)
    const { refreshToken } = before as { refreshToken: string }
    const names = await storage.list('')
    const holding = await Promise.all(names.map(async (name) => JSON.stringify(await storage.get(name))))
    expect(names.filter((_, index) => holding[index]?.includes(refreshToken))).toEqual(['session_v1'])
  })

  it('is of one person only: what Kari chooses is not what Ingrid did, on the same device', async () => {
    const page = await signedIn()
    const { member, coordinator, client, biometrics, storage } = page
    await afterLogin(page, member.id, 'yes')
    await client.logIn(coordinator)
    expect(biometrics.getSnapshot().status).not.toBe('enrolled')
    expect(await biometrics.isBiometricEnrolled(coordinator.id)).toBe(false)
    expect(await afterLogin(page, coordinator.id, 'no')).toBe(true)
    expect(await biometrics.isBiometricEnrolled(member.id)).toBe(true)
    await client.logIn(member)
    expect(await biometrics.shouldPrompt(member.id)).toBe(false)
    expect(await biometrics.enrollment()).toMatchObject({ userId: member.id })
    await biometrics.removeBiometrics()
    expect(await biometrics.isBiometricEnrolled(member.id)).toBe(false)
    await client.logIn(coordinator)
    expect(biometrics.getSnapshot().status).not.toBe('enrolled')
    expect(await biometrics.shouldPrompt(coordinator.id)).toBe(false)
    for (const name of await storage.list('biometric_')) {
      expect(name).not.toContain(member.id)
      expect(name).not.toContain(coordinator.id)
    }
  })

  it('is not of somebody who is not logged in', async () => {
    const { coordinator, biometrics, server, writtenTo } = await signedIn()
    expect(await biometrics.shouldPrompt(coordinator.id)).toBe(false)
    expect(await biometrics.enrollBiometrics(coordinator.id)).toEqual({
      status: 'enrollmentError',
      error: 'signed_out',
    })
    await expect(biometrics.declineEnrollment(coordinator.id)).rejects.toMatchObject({ code: 'signed_out' })
    expect(server.log).toEqual([])
    expect(writtenTo('biometric_')).toEqual([])
  })

  it('needs a refresh token in the storage', async () => {
    const { member, biometrics, server, storage, writtenTo } = await signedIn()
    const { refreshToken: _, ...session } = (await storage.get('session_v1')) as { refreshToken: string }
    await storage.put('session_v1', session)
    expect(await biometrics.enrollBiometrics(member.id)).toEqual({ status: 'enrollmentError', error: 'signed_out' })
    expect(server.log).toEqual([])
    expect(writtenTo('biometric_')).toEqual([])
  })

  it('is not recorded for somebody else who logs in meanwhile', async () => {
    const { member, coordinator, biometrics, client, server, writtenTo } = await signedIn()
    server.intercept('enrollBiometrics', async (exchange) => {
      const answer = await server.respond(exchange)
      await client.logIn(coordinator)
      return answer
    })
    expect(await biometrics.enrollBiometrics(member.id)).toEqual({ status: 'enrollmentError', error: 'signed_out' })
    expect(writtenTo('biometric_')).toEqual([])
  })

  it('waits for the keys of the device', async () => {
    const clock = { time: Date.parse('2026-11-21T09:00:00Z') }
    const server = createFakeServer({ now: () => new Date(clock.time) })
    const { authenticator } = createMemoryAuthenticator()
    const { nokkel, callback } = createFakeClient(server, { authenticator, now: () => new Date(clock.time) })
    await nokkel.auth.signIn('vipps', { consent: { personnummer: false } })
    await nokkel.auth.completeSignIn(callback())
    expect(await nokkel.biometrics.enrollBiometrics(server.member.id)).toMatchObject({ status: 'enrolled' })
    expect(server.log.indexOf('registerDevice')).toBeLessThan(server.log.indexOf('enrollBiometrics'))
    await nokkel.userKeys.settled()
  })

  it('says that the device has no keys', async () => {
    const { server, options } = await signedIn()
    const { nokkel, logIn } = createFakeClient(server, { ...options, storage: memoryStorage() })
    await logIn()
    expect(nokkel.keys.getSnapshot().status).toBe('confirm_replace')
    const state = await nokkel.biometrics.enrollBiometrics(server.member.id)
    expect(state).toEqual({ status: 'enrollmentError', error: 'device_required' })
    expect(server.biometrics.enrollments.size).toBe(0)
  })

  it('needs a new login after five minutes, and asks nobody then', async () => {
    const { member, biometrics, clock, storage } = await signedIn()
    clock.time += 300_001
    expect(await biometrics.shouldPrompt(member.id)).toBe(false)
    const state = await biometrics.enrollBiometrics(member.id)
    expect(state).toEqual({ status: 'enrollmentError', error: 'login_too_old' })
    expect(await storage.get(await enrolledName(member.id))).toBeUndefined()
  })

  it('leaves nothing at the server when its answer is lost', async () => {
    const { member, biometrics, server } = await signedIn()
    for (let attempt = 0; attempt < 4; attempt++) {
      server.intercept('enrollBiometrics', async (exchange) => {
        await server.respond(exchange)
        return new Response('', { status: 200 })
      })
    }
    const state = await biometrics.enrollBiometrics(member.id)
    expect(state).toEqual({ status: 'enrollmentError', error: 'answer_unexpected' })
    expect(server.biometrics.enrollments.size).toBe(0)
  })

  it('is asked of the server once by two who ask at once', async () => {
    const { member, biometrics, server } = await signedIn()
    await Promise.all([biometrics.enrollBiometrics(member.id), biometrics.enrollBiometrics(member.id)])
    expect(server.log).toEqual(['enrollBiometrics'])
  })

  it('may be asked for again in a new session, thirty days after a no', async () => {
    const page = await signedIn()
    await afterLogin(page, page.member.id, 'no')
    page.clock.time += 30 * 24 * 60 * 60_000
    await page.client.logIn()
    expect(await page.biometrics.shouldPrompt(page.member.id)).toBe(true)
  })

  it('is not asked for again in this page, also when the no could not be stored', async () => {
    const page = await signedIn()
    const { member, biometrics, failing, events } = page
    failing.set(await declinedName(member.id), new NokkelError('storage_full'))
    await afterLogin(page, member.id, 'no')
    expect(await biometrics.shouldPrompt(member.id)).toBe(false)
    expect(events).toEqual([{ type: 'BiometricEnrollmentDeclined', userId: member.id }])
  })

  it('is not asked for where the storage does not say', async () => {
    const { member, biometrics, storage } = await signedIn()
    storage.get = () => Promise.reject(new NokkelError('storage_unavailable'))
    expect(await biometrics.shouldPrompt(member.id)).toBe(false)
    await expect(biometrics.isBiometricEnrolled(member.id)).rejects.toMatchObject({ code: 'storage_unavailable' })
  })
})

describe('a no', () => {
  it('holds on this device for thirty days, also in another session, and for this person alone', async () => {
    const page = await signedIn()
    const { member, coordinator, biometrics, client, clock, server } = page
    await afterLogin(page, member.id, 'no')
    await client.nokkel.auth.signOut()
    await client.logIn()
    expect(await biometrics.shouldPrompt(member.id)).toBe(false)
    expect(await biometrics.refresh()).toEqual({ status: 'declined' })
    await client.nokkel.auth.signOut()
    clock.time += 30 * 24 * 60 * 60_000 - 1
    await client.logIn()
    expect(await biometrics.shouldPrompt(member.id)).toBe(false)
    await client.nokkel.auth.signOut()
    await client.logIn(coordinator)
    expect(await biometrics.shouldPrompt(coordinator.id)).toBe(true)
    await client.nokkel.auth.signOut()
    clock.time += 1
    await client.logIn()
    expect(await biometrics.shouldPrompt(member.id)).toBe(true)
    expect(server.log).not.toContain('enrollBiometrics')
  })
})

describe('the state', () => {
  it('is looked up, and forgotten with the person', async () => {
    const { biometrics, client, device, member } = await signedIn()
    expect(biometrics.getSnapshot()).toEqual({ status: 'unknown' })
    expect(await biometrics.refresh()).toEqual({ status: 'notEnrolled' })
    device.isAvailable = false
    expect(await biometrics.refresh()).toEqual({ status: 'unavailable' })
    device.isAvailable = true
    await biometrics.declineEnrollment(member.id)
    expect(await biometrics.refresh()).toEqual({ status: 'declined' })
    await client.nokkel.auth.signOut()
    expect(biometrics.getSnapshot()).toEqual({ status: 'unknown' })
    expect(await biometrics.refresh()).toEqual({ status: 'unknown' })
  })
})

describe('what the server has said', () => {
  it('holds where the flag is lost', async () => {
    const { member, biometrics, client, clock, storage, server } = await signedIn()
    await biometrics.enrollBiometrics(member.id)
    clock.time += 9 * 60_000 + 1
    await client.nokkel.auth.accessToken()
    clock.time -= 9 * 60_000
    await storage.delete(await enrolledName(member.id))
    expect(server.log).toContain('refreshSession')
    expect(await biometrics.refresh()).toEqual({ status: 'enrolled' })
    expect(await biometrics.shouldPrompt(member.id)).toBe(false)
  })
})

describe('removing', () => {
  it('takes the flag and the wish away, under a login of the last five minutes', async () => {
    const { member, biometrics, clock, server, storage } = await signedIn()
    await biometrics.enrollBiometrics(member.id)
    clock.time += 300_001
    await expect(biometrics.removeBiometrics()).rejects.toMatchObject({ code: 'login_too_old' })
    expect(await biometrics.isBiometricEnrolled(member.id)).toBe(true)
    clock.time -= 300_001
    await biometrics.removeBiometrics()
    expect(biometrics.getSnapshot()).toEqual({ status: 'notEnrolled' })
    expect(await storage.list('biometric_')).toEqual([])
    expect(server.biometrics.enrollments.size).toBe(0)
  })

  it('tells that the storage failed; the server does not want it any more, and unlocking finds that out', async () => {
    const { member, biometrics, client, clock, storage, server } = await signedIn()
    await biometrics.enrollBiometrics(member.id)
    const { delete: remove } = storage
    storage.delete = (name) => {
      return name.startsWith('biometric_') ? Promise.reject(new NokkelError('storage_unavailable')) : remove(name)
    }
    await expect(biometrics.removeBiometrics()).rejects.toMatchObject({ code: 'storage_unavailable' })
    storage.delete = remove
    expect(server.biometrics.enrollments.size).toBe(0)
    clock.time += 31 * 60_000
    await client.nokkel.start()
    expect(client.nokkel.auth.getSnapshot().status).toBe('locked')
    await biometrics.unlock()
    expect(client.nokkel.auth.getSnapshot().status).toBe('signed_in')
    expect(await biometrics.isBiometricEnrolled(member.id)).toBe(false)
    await client.nokkel.keys.settled()
    await client.nokkel.userKeys.settled()
    await client.nokkel.rfx.settled()
  })

  it('goes with the device', async () => {
    const { member, biometrics, server, storage, client } = await signedIn()
    await biometrics.enrollBiometrics(member.id)
    for (const device of server.devices) server.endDevice(device, 'superseded')
    await expect(client.nokkel.devices.list()).rejects.toMatchObject({ code: 'device_superseded' })
    expect(await storage.list('biometric_')).toEqual([])
  })

  it('goes with the device as well when that is found out at the next login: the new one is asked about', async () => {
    const page = await signedIn()
    const { member, biometrics, server, client } = page
    await afterLogin(page, member.id, 'yes')
    await client.nokkel.auth.signOut()
    for (const device of server.devices) server.endDevice(device, 'superseded')
    await client.logIn()
    expect(server.devices).toHaveLength(2)
    expect(await biometrics.isBiometricEnrolled(member.id)).toBe(false)
    expect(await afterLogin(page, member.id, 'yes')).toBe(true)
    expect(biometrics.getSnapshot()).toMatchObject({ record: { deviceId: server.devices[1]?.id } })
  })

  it('says that nobody is logged in', async () => {
    const { biometrics, client } = await signedIn()
    await client.nokkel.auth.signOut()
    await expect(biometrics.removeBiometrics()).rejects.toMatchObject({ code: 'signed_out' })
  })
})

describe('onEvent', () => {
  it('tells until it is ended', async () => {
    const { member, biometrics, server } = await signedIn()
    const listener = vi.fn()
    const end = biometrics.onEvent(listener)
    server.intercept('enrollBiometrics', () => new Refusal('forbidden', 403).toResponse())
    await biometrics.enrollBiometrics(member.id)
    expect(listener).not.toHaveBeenCalled()
    await biometrics.declineEnrollment(member.id)
    expect(listener).toHaveBeenCalledOnce()
    end()
    await biometrics.enrollBiometrics(member.id)
    expect(listener).toHaveBeenCalledOnce()
  })
})
