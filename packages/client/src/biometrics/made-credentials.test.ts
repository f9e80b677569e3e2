import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createMutex } from '../lock/lock.ts'
import type { Nokkel } from '../nokkel.ts'
import { memoryStorage } from '../storage/memory-storage.ts'
import { userNamespace } from '../storage/user-namespace.ts'
import { createMemoryAuthenticator } from '../testing/fake-biometrics.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { watchedStorage } from '../testing/watched-storage.ts'
import { forget } from './web-authenticator.ts'

const minute = 60_000

const settled = async ({ keys, userKeys, rfx }: Nokkel) => {
  await keys.settled()
  await userKeys.settled()
  await rfx.settled()
}

/** A person who is enrolled, on a device that was never unlocked. */
async function enrolled() {
  const clock = { time: Date.parse('2026-11-21T09:00:00Z') }
  const now = () => new Date(clock.time)
  const server = createFakeServer({ now })
  const device = createMemoryAuthenticator()
  const storage = watchedStorage(memoryStorage())
  const options = { now, storage, authenticator: device.authenticator, lock: createMutex() }
  const client = createFakeClient(server, options)
  await client.logIn()
  const { id } = server.member
  await client.nokkel.biometrics.enrollBiometrics(id)
  clock.time += 10 * minute
  await client.nokkel.auth.accessToken()
  const name = `biometric_credential_v1.${await userNamespace(id)}`
  const lock = async ({ auth }: Nokkel = client.nokkel) => {
    clock.time += 31 * minute
    await expect(auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
  }
  const credentialId = () => [...server.biometrics.enrollments.values()][0]?.credentialId
  return { clock, server, device, storage, options, client, nokkel: client.nokkel, id, name, lock, credentialId }
}

/** Copies all there is, as a backup of the profile does. */
async function copyOf({ storage, options, server }: Awaited<ReturnType<typeof enrolled>>) {
  const copy = memoryStorage()
  for (const name of await storage.list('')) await copy.put(name, await storage.get(name))
  const device = createMemoryAuthenticator()
  return createFakeClient(server, {
    ...options,
    storage: copy,
    authenticator: device.authenticator,
    lock: createMutex(),
  })
}

describe('the first credential', () => {
  it('is known to the browser that made it', async () => {
    const { nokkel, device, storage, name, lock, credentialId } = await enrolled()
    await lock()
    await nokkel.biometrics.unlock()
    expect(await storage.get(name)).toEqual([{ id: credentialId(), rpId: 'localhost' }])
    await lock()
    await nokkel.biometrics.unlock()
    expect(device.log).toEqual(['create', 'get'])
    await settled(nokkel)
  })

  it('that somebody else made with a copy is found out at the next unlocking; a login makes another one', async () => {
    const page = await enrolled()
    const { nokkel, client, server, device, id, lock, credentialId } = page
    await lock()
    const thief = (await copyOf(page)).nokkel
    await thief.start()
    await thief.biometrics.unlock()
    await settled(thief)
    const stolen = credentialId()
    expect(stolen).toBeDefined()
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(nokkel.biometrics.unlock()).rejects.toMatchObject({ code: 'credential_unknown' })
      expect(nokkel.auth.getSnapshot()).toMatchObject({ status: 'locked', reason: 'credential_unknown' })
    }
    expect(device.log).toEqual([])
    await client.logIn()
    await settled(nokkel)
    // The copy is of the session before.
    await expect(thief.devices.list()).rejects.toMatchObject({ code: 'session_ended' })
    expect(await nokkel.biometrics.shouldPrompt(id)).toBe(true)
    await nokkel.biometrics.enrollBiometrics(id)
    await nokkel.auth.accessToken()
    await lock()
    await nokkel.biometrics.unlock()
    expect(device.log).toEqual(['create'])
    expect(credentialId()).not.toBe(stolen)
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
    expect(server.biometrics.enrollments.size).toBe(1)
    await settled(nokkel)
  })

  it('that was replaced by somebody else is found out, too', async () => {
    const { nokkel, server, lock, name, storage } = await enrolled()
    await lock()
    await nokkel.biometrics.unlock()
    for (const enrollment of server.biometrics.enrollments.values()) enrollment.credentialId = 'another'
    await lock()
    await expect(nokkel.biometrics.unlock()).rejects.toMatchObject({ code: 'credential_unknown' })
    expect(await storage.get(name)).toHaveLength(1)
    await settled(nokkel)
  })

  it('may be that of either of two tabs that make one at once', async () => {
    const { nokkel, server, options, storage, name, lock, credentialId } = await enrolled()
    const { nokkel: other } = createFakeClient(server, options)
    await lock()
    await other.start()
    await Promise.allSettled([nokkel.biometrics.unlock(), other.biometrics.unlock()])
    expect(await storage.get(name)).toHaveLength(2)
    expect(await storage.get(name)).toContainEqual({ id: credentialId(), rpId: 'localhost' })
    await lock()
    await nokkel.biometrics.unlock()
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
    await settled(nokkel)
  })

  it('is not told to the server while this browser cannot remember it', async () => {
    const { nokkel, server, storage, lock, credentialId } = await enrolled()
    await lock()
    storage.fail('put', /^biometric_credential/, 'storage_full' as never)
    await expect(nokkel.biometrics.unlock()).rejects.toMatchObject({ code: 'storage_full' })
    expect(server.log).not.toContain('unlockSession')
    expect(credentialId()).toBeUndefined()
    storage.heal()
    await nokkel.biometrics.unlock()
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
    await settled(nokkel)
  })
})

describe('a credential that is of no use any more', () => {
  async function unlocked() {
    const page = await enrolled()
    await page.lock()
    await page.nokkel.biometrics.unlock()
    await settled(page.nokkel)
    const credential = { id: page.credentialId(), rpId: 'localhost' }
    page.server.log.length = 0
    return { ...page, credential }
  }

  it('is told to the device when biometrics are turned off', async () => {
    const { nokkel, device, storage, credential } = await unlocked()
    await nokkel.biometrics.removeBiometrics()
    expect(device.forgotten).toEqual([credential])
    expect(await storage.list('biometric_')).toEqual([])
  })

  it('is told to the device when the person was erased', async () => {
    const { nokkel, device, storage, credential } = await unlocked()
    await nokkel.privacy.erase()
    expect(device.forgotten).toEqual([credential])
    expect(await storage.list('')).toEqual([])
  })

  it('keeps nothing from being deleted where the device does not listen', async () => {
    const { nokkel, options, storage } = await unlocked()
    options.authenticator.forget = () => Promise.reject(new Error('no'))
    await nokkel.biometrics.removeBiometrics()
    expect(await storage.list('biometric_')).toEqual([])
  })

  it('is told by WebAuthn, where the browser has that', async () => {
    const signalUnknownCredential = vi.fn(async () => {})
    onTestFinished(() => void vi.unstubAllGlobals())
    await forget({ id: 'a', rpId: 'localhost' })
    vi.stubGlobal('PublicKeyCredential', {})
    await forget({ id: 'a', rpId: 'localhost' })
    vi.stubGlobal('PublicKeyCredential', { signalUnknownCredential })
    await forget({ id: 'a', rpId: 'localhost' })
    expect(signalUnknownCredential.mock.calls).toEqual([[{ rpId: 'localhost', credentialId: 'a' }]])
  })

  it('counts as given up when the answer to that was lost', async () => {
    const { nokkel, server, storage } = await unlocked()
    server.intercept('removeBiometrics', async (exchange) => {
      await server.respond(exchange)
      throw new TypeError('connection reset')
    })
    await nokkel.biometrics.removeBiometrics()
    expect(server.log).toEqual(['removeBiometrics', 'removeBiometrics'])
    expect(nokkel.biometrics.getSnapshot()).toEqual({ status: 'notEnrolled' })
    expect(await storage.list('biometric_')).toEqual([])
  })
})

describe('enrolling somebody', () => {
  it('needs a session of theirs, also where the flag is here; what is shown of another stays', async () => {
    const { client, nokkel, server, id } = await enrolled()
    await client.logIn(server.coordinator)
    const before = await nokkel.biometrics.refresh()
    expect(before).toEqual({ status: 'notEnrolled' })
    const refused = { status: 'enrollmentError', error: 'signed_out' }
    for (const renew of [false, true]) {
      expect(await nokkel.biometrics.enrollBiometrics(id, { renew })).toEqual(refused)
      expect(nokkel.biometrics.getSnapshot()).toEqual(before)
    }
    await nokkel.auth.signOut()
    expect(await nokkel.biometrics.enrollBiometrics(id)).toEqual(refused)
    await settled(nokkel)
  })

  it('needs one that goes on as it is', async () => {
    const { clock, nokkel, server, id, lock } = await enrolled()
    await lock()
    server.log.length = 0
    expect(await nokkel.biometrics.enrollBiometrics(id)).toEqual({ status: 'enrollmentError', error: 'locked' })
    clock.time += 31 * 24 * 60 * minute
    const over = { status: 'enrollmentError', error: 'session_expired' }
    expect(await nokkel.biometrics.enrollBiometrics(id)).toEqual(over)
    expect(server.log).toEqual([])
  })
})
