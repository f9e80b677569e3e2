import { afterEach, describe, expect, it, vi } from 'vitest'
import { memoryStorage } from '../storage/memory-storage.ts'
import { consented, createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { Refusal } from '../testing/refusal.ts'

afterEach(() => vi.useRealTimers())

describe('the keys of a device', () => {
  it('are made and registered by a login, with nothing to do', async () => {
    const server = createFakeServer()
    const { nokkel, storage, logIn } = createFakeClient(server)
    const seen: string[] = []
    nokkel.keys.subscribe(() => seen.push(nokkel.keys.getSnapshot().status))
    await logIn()
    expect(seen).toEqual(['generating', 'registering', 'ready'])
    const [device] = server.devices
    expect(nokkel.keys.getSnapshot()).toMatchObject({
      status: 'ready',
      device: { id: device?.id, encryptionThumbprint: device?.encryptionThumbprint },
    })
    const name = `device_v1.${server.member.id}`
    expect(await storage.list('')).toEqual([name, 'login_done_v1', 'session_v1'])
    const stored = (await storage.get(name)) as { keys: { signing: CryptoKeyPair; encryption: CryptoKeyPair } }
    expect(stored.keys.signing.privateKey.extractable).toBe(false)
    expect(stored.keys.encryption.privateKey.extractable).toBe(false)
    expect(nokkel.auth.getSnapshot().me?.session.deviceId).toBe(device?.id)
  })

  it('do not wait for the browser to be told by the person whether it may keep them for good', async () => {
    const persist = vi.fn(() => new Promise<boolean>(() => {}))
    const { nokkel, callback } = createFakeClient(createFakeServer(), { storage: { ...memoryStorage(), persist } })
    await nokkel.auth.signIn('vipps', consented)
    await nokkel.auth.completeSignIn(callback())
    await vi.waitFor(() => expect(nokkel.keys.getSnapshot().status).toBe('ready'))
    expect(persist).toHaveBeenCalledOnce()
  })

  it('never go over the wire', async () => {
    const server = createFakeServer()
    const sent: string[] = []
    const fetch = (async (input, init) => {
      sent.push(String(input), JSON.stringify([...new Headers(init?.headers)]), String(init?.body))
      return server.fetch(input, init)
    }) as typeof globalThis.fetch
    await createFakeClient(server, { fetch }).logIn()
    // The registration travels as a JWS: look into its parts as well.
    const decoded = sent
      .flatMap((text) => text.match(/[\w-]{20,}/g) ?? [])
      .map((part) =>
        atob(
          part
            .replace(/-/g, '+')
            .replace(/_/g, '/')
            .slice(0, part.length - (part.length % 4)),
        ),
      )
    expect(decoded.some((text) => text.includes('"encryptionKey"'))).toBe(true)
    for (const text of [...sent, ...decoded]) expect(text).not.toMatch(/"d":/)
  })

  it('serve again after the next login', async () => {
    const server = createFakeServer()
    const { nokkel, logIn } = createFakeClient(server)
    await logIn()
    const before = nokkel.keys.getSnapshot().device
    await nokkel.auth.signOut()
    await logIn()
    expect(nokkel.keys.getSnapshot()).toEqual({ status: 'ready', device: before })
    expect(server.devices).toHaveLength(1)
    expect(server.sessions.at(-1)?.thumbprint).toBe(before?.signingThumbprint)
  })

  it('are registered once by two tabs', async () => {
    const server = createFakeServer()
    const first = createFakeClient(server)
    server.intercept('createDeviceChallenge', () => new Refusal('server_failed', 500).toResponse())
    await first.logIn()
    const { createMutex } = await import('../lock/lock.ts')
    const lock = createMutex()
    const tabs = [1, 2].map(() => createFakeClient(server, { storage: first.storage, lock }).nokkel)
    await Promise.all(tabs.map((tab) => tab.start()))
    const states = await Promise.all(tabs.map(({ keys }) => keys.settled()))
    expect(states.map(({ status }) => status)).toEqual(['ready', 'ready'])
    expect(server.devices).toHaveLength(1)
  })

  it('are those of the person, on a device two people share', async () => {
    const server = createFakeServer()
    const { nokkel, storage, logIn } = createFakeClient(server)
    await logIn()
    await nokkel.auth.signOut()
    await logIn(server.coordinator)
    expect(server.devices.map(({ user }) => user)).toEqual([server.member, server.coordinator])
    expect(await storage.list('device_v1.')).toHaveLength(2)
  })
})

describe('another device', () => {
  async function secondDevice() {
    const server = createFakeServer()
    const first = createFakeClient(server, { deviceName: 'Chrome, Android' })
    await first.logIn()
    const second = createFakeClient(server)
    await second.logIn()
    return { server, first, second }
  }

  it('is named, and nothing happens before the person has confirmed', async () => {
    const { server, second } = await secondDevice()
    const registeredAt = server.devices[0]?.registeredAt
    expect(second.nokkel.keys.getSnapshot()).toEqual({
      status: 'confirm_replace',
      others: [{ name: 'Chrome, Android', registeredAt }],
    })
    expect(server.devices).toHaveLength(1)
    expect(server.devices[0]?.state).toBe('active')
  })

  it('ends when the person confirms, and deletes its keys at its next contact', async () => {
    const { server, first, second } = await secondDevice()
    await second.nokkel.keys.confirmReplace()
    expect(second.nokkel.keys.getSnapshot().status).toBe('ready')
    expect(server.devices.map(({ state }) => state)).toEqual(['superseded', 'active'])
    await expect(first.nokkel.assignments.inbox()).rejects.toMatchObject({ code: 'device_superseded' })
    expect(await first.storage.list('')).toEqual([])
    expect(first.nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notice: 'device_superseded' })
  })

  it('stays when the person declines', async () => {
    const { server, second } = await secondDevice()
    second.nokkel.keys.declineReplace()
    expect(second.nokkel.keys.getSnapshot()).toEqual({ status: 'none' })
    await second.nokkel.keys.confirmReplace()
    expect(server.devices.map(({ state }) => state)).toEqual(['active'])
    await expect(second.nokkel.assignments.send({ to: 'x', title: '', body: '' })).rejects.toMatchObject({
      code: 'keys_missing',
    })
  })

  it('that was superseded while logged out finds out at its next login, and asks as a new one does', async () => {
    const { server, first, second } = await secondDevice()
    await first.nokkel.auth.signOut()
    await second.nokkel.keys.confirmReplace()
    await first.logIn()
    expect(first.nokkel.auth.getSnapshot().status).toBe('signed_in')
    expect(first.nokkel.keys.getSnapshot().status).toBe('confirm_replace')
    expect(await first.storage.list('device_v1.')).toEqual([])
    expect(server.devices.map(({ state }) => state)).toEqual(['superseded', 'active'])
  })

  it('needs a new login when the person took more than five minutes to decide', async () => {
    const clock = { time: Date.now() }
    const now = () => new Date(clock.time)
    const server = createFakeServer({ now })
    await createFakeClient(server, { now }).logIn()
    const { nokkel, logIn } = createFakeClient(server, { now })
    await logIn()
    clock.time += 301_000
    await nokkel.keys.confirmReplace()
    expect(nokkel.keys.getSnapshot()).toEqual({ status: 'login_needed' })
  })
})

describe('keys that are gone', () => {
  it('are noticed at start, explained, and made anew after a login', async () => {
    const server = createFakeServer()
    const first = createFakeClient(server)
    await first.logIn()
    await first.storage.delete(`device_v1.${server.member.id}`)
    const again = createFakeClient(server, { storage: first.storage })
    await again.nokkel.start()
    expect(again.nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notice: 'keys_lost' })
    expect(again.nokkel.keys.getSnapshot()).toEqual({ status: 'lost' })
    expect(server.log.filter((endpoint) => endpoint === 'registerDevice')).toHaveLength(1)

    await again.nokkel.keys.reprovision(undefined, consented)
    expect(again.launched).toHaveLength(1)
    await again.nokkel.auth.completeSignIn(again.callback())
    expect(await again.nokkel.keys.settled()).toMatchObject({ status: 'confirm_replace' })
    await again.nokkel.keys.confirmReplace()
    expect(again.nokkel.keys.getSnapshot().status).toBe('ready')
  })

  it('are noticed when a refresh needs them', async () => {
    const clock = { time: Date.now() }
    const now = () => new Date(clock.time)
    const server = createFakeServer({ now })
    const { nokkel, storage, logIn } = createFakeClient(server, { now })
    await logIn()
    await storage.delete(`device_v1.${server.member.id}`)
    clock.time += 600_000
    await expect(nokkel.devices.list()).rejects.toMatchObject({ code: 'keys_missing' })
    expect(nokkel.keys.getSnapshot()).toEqual({ status: 'lost' })
  })
})

describe('an answer that is lost', () => {
  it('after the server registered the device does not cost the keys', async () => {
    const server = createFakeServer()
    const { nokkel, storage, logIn } = createFakeClient(server)
    server.intercept('registerDevice', async (exchange) => {
      await server.respond(exchange)
      throw new TypeError('connection reset')
    })
    await logIn()
    expect(nokkel.keys.getSnapshot()).toEqual({ status: 'error', error: 'network_unreachable' })
    await nokkel.keys.retry()
    expect(nokkel.keys.getSnapshot()).toMatchObject({ status: 'ready', device: { id: server.devices[0]?.id } })
    expect(server.devices).toHaveLength(1)
    expect(await storage.list('')).toEqual([`device_v1.${server.member.id}`, 'login_done_v1', 'session_v1'])
  })

  it('after the server bound the session to the device does not cost the session', async () => {
    const clock = { time: Date.now() }
    const now = () => new Date(clock.time)
    const server = createFakeServer({ now })
    const { nokkel, logIn } = createFakeClient(server, { now })
    await logIn()
    await nokkel.auth.signOut()
    server.intercept('resumeDevice', async (exchange) => {
      await server.respond(exchange)
      throw new TypeError('connection reset')
    })
    await logIn()
    expect(nokkel.keys.getSnapshot().status).toBe('error')
    clock.time += 600_000
    await nokkel.auth.accessToken()
    await nokkel.keys.retry()
    expect(nokkel.keys.getSnapshot().status).toBe('ready')
  })

  it('does not make the device of other keys this one', async () => {
    const server = createFakeServer()
    const { nokkel, storage, logIn } = createFakeClient(server)
    server.intercept('registerDevice', async (exchange) => {
      await server.respond(exchange)
      throw new TypeError('connection reset')
    })
    await logIn()
    const [device] = server.devices
    if (device) Object.assign(device, { encryptionThumbprint: device.signingThumbprint })
    await nokkel.keys.retry()
    expect(nokkel.keys.getSnapshot()).toEqual({ status: 'lost' })
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notice: 'keys_lost' })
    expect(await storage.list('device_v1.')).toEqual([])
  })

  it('before the challenge came changes nothing, and can be tried again', async () => {
    const server = createFakeServer()
    const { nokkel, logIn } = createFakeClient(server)
    server.intercept('createDeviceChallenge', () => Promise.reject(new TypeError('offline')))
    await logIn()
    expect(nokkel.keys.getSnapshot()).toEqual({ status: 'error', error: 'network_unreachable' })
    await nokkel.keys.retry()
    expect(nokkel.keys.getSnapshot().status).toBe('ready')
  })
})

describe('a device the server does not take', () => {
  it('whose nonce was sealed for another place is not registered', async () => {
    const server = createFakeServer()
    const { nokkel, logIn } = createFakeClient(server)
    server.intercept('createDeviceChallenge', async (exchange) => {
      const challenge = (await (await server.respond(exchange)).json()) as object
      return Response.json({ ...challenge, id: crypto.randomUUID() })
    })
    await logIn()
    expect(nokkel.keys.getSnapshot().status).toBe('error')
    expect(server.log).not.toContain('registerDevice')
  })

  it('ends for good when the person removes it, and the other devices do not', async () => {
    const server = createFakeServer()
    const { nokkel, storage, logIn } = createFakeClient(server)
    await logIn()
    const [device] = await nokkel.devices.list()
    expect(device?.fingerprint).toMatch(/^(\d{5} ){5}\d{5}$/)
    expect(device?.encryptionFingerprint).not.toBe(device?.fingerprint)
    await nokkel.devices.revoke(device?.id ?? '')
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notice: 'device_revoked' })
    expect(await storage.list('')).toEqual([])
  })
})
