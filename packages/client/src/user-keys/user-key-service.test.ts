import { decodeBase64, generateContentKey, importPublicKey, unwrapKey, wrapKey } from '@nokkel/crypto'
import { describe, expect, it, vi } from 'vitest'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { NokkelError } from '../errors.ts'
import { createMutex } from '../lock/lock.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { fixedKeyGenerator } from '../testing/fixed-key-generator.ts'
import { Refusal } from '../testing/refusal.ts'
import type { RegenerationProgress } from './key-owner.ts'

const wraps = (count: number, broken: readonly number[] = []) =>
  Array.from({ length: count }, (_, index) => ({
    rfxId: crypto.randomUUID(),
    version: 1,
    broken: broken.includes(index),
  }))

describe('the managed key of a person', () => {
  it('is made after the login, once the device has its keys, with nothing to do', async () => {
    const server = createFakeServer()
    const { nokkel, logIn } = createFakeClient(server)
    const seen: string[] = []
    nokkel.userKeys.subscribe(() =>
      seen.push(`${nokkel.keys.getSnapshot().status} ${nokkel.userKeys.getSnapshot().status}`),
    )
    await logIn()
    expect(seen.slice(-2)).toEqual(['ready making', 'ready ready'])
    const [key] = server.managedKeys
    expect(nokkel.userKeys.getSnapshot()).toMatchObject({ status: 'ready', key: { id: key?.id, state: 'active' } })
    expect(nokkel.userKeys.getSnapshot().key?.fingerprint).toMatch(/^\d{5}( \d{5}){5}$/)
    expect(key?.ownerId).toBe(server.member.id)
  })

  it('is not made when there is one, and never replaced unasked', async () => {
    const server = createFakeServer()
    await createFakeClient(server).logIn()
    const before = server.managedKeys.map(({ id, state }) => [id, state])
    const generatePrivateKey = vi.fn(fixedKeyGenerator.generatePrivateKey)
    const next = createFakeClient(server, { keyGenerator: { ...fixedKeyGenerator, generatePrivateKey } })
    await next.logIn()
    expect(generatePrivateKey).not.toHaveBeenCalled()
    expect(server.managedKeys.map(({ id, state }) => [id, state])).toEqual(before)
    expect(next.nokkel.userKeys.getSnapshot().key?.id).toBe(server.managedKeys[0]?.id)
  })

  it('leaves no bytes of it behind', async () => {
    const made: Uint8Array[] = []
    const generatePrivateKey = async () => {
      const bytes = await fixedKeyGenerator.generatePrivateKey()
      made.push(bytes)
      return bytes
    }
    const server = createFakeServer()
    const { storage, logIn } = createFakeClient(server, { keyGenerator: { ...fixedKeyGenerator, generatePrivateKey } })
    await logIn()
    expect(made).toHaveLength(1)
    expect(made[0]?.every((byte) => byte === 0)).toBe(true)
    expect(await storage.list('')).toEqual([`device_v1.${server.member.id}`, 'login_done_v1', 'session_v1'])
  })

  it('is made by the server where the browser cannot', async () => {
    const server = createFakeServer()
    const generatePrivateKey = () => Promise.reject(new NokkelError('key_generation_failed'))
    const { nokkel, logIn } = createFakeClient(server, { keyGenerator: { ...fixedKeyGenerator, generatePrivateKey } })
    await logIn()
    expect(server.log).toContain('generateUserKeys')
    expect(server.log).not.toContain('cryptoService')
    expect(nokkel.userKeys.getSnapshot()).toMatchObject({ status: 'ready', key: { id: server.managedKeys[0]?.id } })
  })

  it('is made once by two tabs', async () => {
    const server = createFakeServer()
    const first = createFakeClient(server)
    await first.logIn()
    server.managedKeys.length = 0
    const lock = createMutex()
    const generatePrivateKey = vi.fn(fixedKeyGenerator.generatePrivateKey)
    const keyGenerator = { ...fixedKeyGenerator, generatePrivateKey }
    const tabs = [1, 2].map(() => createFakeClient(server, { storage: first.storage, lock, keyGenerator }).nokkel)
    await Promise.all(tabs.map((tab) => tab.start()))
    const states = await Promise.all(tabs.map(({ userKeys }) => userKeys.settled()))
    expect(states.map(({ status }) => status)).toEqual(['ready', 'ready'])
    expect(generatePrivateKey).toHaveBeenCalledTimes(1)
    expect(server.managedKeys).toHaveLength(1)
  })

  it('is that of another device when that was faster', async () => {
    const server = createFakeServer()
    const other = createFakeClient(server)
    const generatePrivateKey = async () => {
      await other.logIn()
      return fixedKeyGenerator.generatePrivateKey()
    }
    const slow = createFakeClient(server, { keyGenerator: { ...fixedKeyGenerator, generatePrivateKey } })
    await slow.logIn()
    expect(server.managedKeys).toHaveLength(1)
    expect(slow.nokkel.userKeys.getSnapshot()).toMatchObject({
      status: 'ready',
      key: { id: server.managedKeys[0]?.id },
    })
  })

  it('says what went wrong, and can be tried again', async () => {
    const server = createFakeServer()
    const { nokkel, logIn } = createFakeClient(server)
    server.intercept('cryptoService', () => new Refusal('quota_exceeded', 429).toResponse())
    await logIn()
    expect(nokkel.userKeys.getSnapshot()).toEqual({ status: 'failed', error: 'quota_exceeded' })
    expect(nokkel.keys.getSnapshot().status).toBe('ready')
    await nokkel.userKeys.retry()
    expect(nokkel.userKeys.getSnapshot().status).toBe('ready')
  })

  it('is not made while one of other software waits to be adopted, and not tried again unasked', async () => {
    const server = createFakeServer()
    server.intercept('cryptoService', () => new Refusal('key_not_adopted', 409).toResponse())
    const { nokkel, logIn } = createFakeClient(server)
    await logIn()
    expect(nokkel.userKeys.getSnapshot()).toEqual({ status: 'failed', error: 'key_not_adopted' })
    expect(server.log.filter((endpoint) => endpoint === 'cryptoService')).toHaveLength(1)
  })

  it('is not given to whoever logs in while it is made', async () => {
    const server = createFakeServer()
    let meanwhile = async () => {}
    const generatePrivateKey = vi.fn(async () => {
      await meanwhile()
      return fixedKeyGenerator.generatePrivateKey()
    })
    const keyGenerator = { ...fixedKeyGenerator, generatePrivateKey }
    const { nokkel, storage, logIn } = createFakeClient(server, { keyGenerator })
    // Another tab: this one has not heard of it yet.
    meanwhile = async () => {
      meanwhile = async () => {}
      server.logInAs(server.coordinator)
      const other = createFakeClient(server, { storage })
      await other.logIn(server.coordinator)
    }
    await logIn()
    expect(server.managedKeys.map(({ ownerId }) => ownerId)).toEqual([server.coordinator.id])
    expect(nokkel.userKeys.getSnapshot()).toEqual({ status: 'failed', error: 'signed_out' })
  })

  it('is stopped by a sign-out', async () => {
    const server = createFakeServer()
    const signals: (AbortSignal | undefined)[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const generatePrivateKey = async ({ signal }: { signal?: AbortSignal | undefined } = {}) => {
      signals.push(signal)
      await promise
      return fixedKeyGenerator.generatePrivateKey()
    }
    const { nokkel, logIn } = createFakeClient(server, { keyGenerator: { ...fixedKeyGenerator, generatePrivateKey } })
    const login = logIn()
    await vi.waitFor(() => expect(nokkel.userKeys.getSnapshot().status).toBe('making'))
    await nokkel.auth.signOut()
    expect(signals[0]?.aborted).toBe(true)
    resolve()
    await login
    expect(server.managedKeys).toEqual([])
    expect(nokkel.userKeys.getSnapshot()).toEqual({ status: 'idle' })
  })
})

describe('a private key', () => {
  it('opens what is wrapped to its public half, and cannot be exported', async () => {
    const server = createFakeServer()
    const { nokkel, logIn } = createFakeClient(server)
    await logIn()
    const privateKey = await nokkel.userKeys.privateKey()
    expect(privateKey.extractable).toBe(false)
    const key = generateContentKey()
    const { key: publicKey } = await importPublicKey(decodeBase64(server.managedKeys[0]?.publicKey ?? ''))
    expect(await unwrapKey(await wrapKey(key, publicKey), privateKey)).toEqual(key)
  })

  it('is fetched once and dropped when the session is over', async () => {
    const server = createFakeServer()
    const { nokkel, logIn } = createFakeClient(server)
    await logIn()
    const { id } = server.managedKeys[0] ?? { id: '' }
    const key = await nokkel.userKeys.privateKey(id)
    expect(await nokkel.userKeys.privateKey(id)).toBe(key)
    expect(await nokkel.userKeys.privateKey()).toBe(key)
    await nokkel.auth.signOut()
    await expect(nokkel.userKeys.privateKey(id)).rejects.toMatchObject({ code: 'signed_out' })
  })

  it('is dropped when the client is closed', async () => {
    const server = createFakeServer()
    const { nokkel, logIn } = createFakeClient(server)
    await logIn()
    const { id } = server.managedKeys[0] ?? { id: '' }
    const key = await nokkel.userKeys.privateKey(id)
    nokkel.close()
    expect(nokkel.userKeys.getSnapshot()).toEqual({ status: 'idle' })
    expect(await nokkel.userKeys.privateKey(id)).not.toBe(key)
  })

  it('of a key marked as compromised does not open', async () => {
    const server = createFakeServer()
    const { nokkel, logIn } = createFakeClient(server)
    await logIn()
    const { id } = server.managedKeys[0] ?? { id: '' }
    await nokkel.userKeys.markCompromised(id)
    await expect(nokkel.userKeys.privateKey(id)).rejects.toMatchObject({ code: 'open_refused' })
    await expect(nokkel.userKeys.privateKey(crypto.randomUUID())).rejects.toMatchObject({ code: 'open_refused' })
  })

  it('is asked for again after an attempt that failed', async () => {
    const server = createFakeServer()
    const { nokkel, logIn } = createFakeClient(server)
    await logIn()
    server.intercept('cryptoService', () => new Refusal('server_failed', 500).toResponse())
    await expect(nokkel.userKeys.privateKey()).rejects.toMatchObject({ code: 'server_failed' })
    expect((await nokkel.userKeys.privateKey()).type).toBe('private')
  })
})

describe('a new key', () => {
  async function withKey(held: ReturnType<typeof wraps> = []) {
    const server = createFakeServer()
    const client = createFakeClient(server)
    await client.logIn()
    const [old] = server.managedKeys
    if (!old) throw new Error('unreachable')
    old.wraps.push(...held)
    return { server, old, ...client }
  }

  it('gets what was wrapped to the old one, which is then destroyed', async () => {
    const { server, old, nokkel } = await withKey(wraps(5))
    const progress: RegenerationProgress[] = []
    const { key, moved, failed } = await nokkel.userKeys.regenerate({ onProgress: (step) => progress.push(step) })
    expect({ moved, failed }).toEqual({ moved: 5, failed: [] })
    expect(progress.map(({ step, moved, total }) => [step, moved, total])).toEqual([
      ['making', 0, 0],
      ['moving', 0, 5],
      ['moving', 2, 5],
      ['moving', 4, 5],
      ['moving', 5, 5],
    ])
    expect(server.managedKeys[0]).toMatchObject({ id: key.id, state: 'active' })
    expect(server.managedKeys[0]?.wraps).toHaveLength(5)
    expect(old.state).toBe('destroyed')
    expect(nokkel.userKeys.getSnapshot()).toMatchObject({ status: 'ready', key: { id: key.id } })
  })

  it('leaves what does not open with the old key, and says what', async () => {
    const held = wraps(5, [1])
    const { server, old, nokkel } = await withKey(held)
    const { moved, failed } = await nokkel.userKeys.regenerate()
    expect(moved).toBe(4)
    expect(failed).toEqual([{ rfxId: held[1]?.rfxId, version: 1, code: 'open_failed' }])
    expect(old).toMatchObject({ state: 'superseded', wraps: [held[1]] })
    expect(server.log).not.toContain('destroyUserKey')
  })

  it('goes on with moving where it was interrupted', async () => {
    const { server, old, nokkel } = await withKey(wraps(5))
    server.intercept('rewrapUserKey', () => undefined)
    server.intercept('rewrapUserKey', () => new Refusal('server_failed', 500).toResponse())
    await expect(nokkel.userKeys.regenerate()).rejects.toMatchObject({ code: 'server_failed' })
    await nokkel.userKeys.settled()
    expect(nokkel.userKeys.getSnapshot()).toMatchObject({ status: 'ready', key: { id: server.managedKeys[0]?.id } })
    expect((await nokkel.userKeys.list()).map(({ state, wraps }) => [state, wraps])).toEqual([
      ['active', 2],
      ['superseded', 3],
    ])
    expect(await nokkel.userKeys.moveWraps()).toEqual({ moved: 3, failed: [] })
    expect(old.state).toBe('destroyed')
  })

  it('stops moving when it is told to', async () => {
    const { old, nokkel } = await withKey(wraps(5))
    const controller = new AbortController()
    const onProgress = ({ moved }: RegenerationProgress) => moved > 0 && controller.abort()
    await expect(nokkel.userKeys.regenerate({ onProgress, signal: controller.signal })).rejects.toMatchObject({
      code: 'cancelled',
    })
    expect(old).toMatchObject({ state: 'superseded' })
    expect(old.wraps).toHaveLength(3)
  })

  it('does not take the place of one that another device has just made', async () => {
    const { server, nokkel } = await withKey()
    const other = createFakeClient(server)
    await other.logIn()
    server.intercept('listUserKeys', async (exchange) => {
      const answer = await server.respond(exchange)
      await other.nokkel.userKeys.regenerate()
      return answer
    })
    await expect(nokkel.userKeys.regenerate()).rejects.toMatchObject({ code: 'key_exists' })
    await nokkel.userKeys.settled()
    expect(nokkel.userKeys.getSnapshot().key?.id).toBe(other.nokkel.userKeys.getSnapshot().key?.id)
  })

  it('takes the place of one that was marked as compromised, and says how much that one could open', async () => {
    const { server, old, nokkel } = await withKey(wraps(3))
    const result = await nokkel.userKeys.markCompromised(old.id)
    expect(result).toMatchObject({ compromisedVersions: 3, moved: 3, failed: [] })
    expect(result.key.id).toBe(server.managedKeys[0]?.id)
    expect(result.key.id).not.toBe(old.id)
  })

  it('does not open any more once it is marked as compromised, or destroyed', async () => {
    const { old, nokkel } = await withKey()
    await nokkel.userKeys.privateKey(old.id)
    const { key } = await nokkel.userKeys.regenerate()
    await nokkel.userKeys.privateKey(key.id)
    await nokkel.userKeys.markCompromised(key.id)
    for (const id of [old.id, key.id]) {
      await expect(nokkel.userKeys.privateKey(id)).rejects.toMatchObject({ code: 'open_refused' })
    }
  })

  it('is not made when it is an old one that was compromised', async () => {
    const { server, old, nokkel } = await withKey(wraps(2, [0]))
    const { key } = await nokkel.userKeys.regenerate()
    expect(await nokkel.userKeys.markCompromised(old.id)).toMatchObject({ key: { id: key.id }, moved: 0 })
    expect(server.managedKeys).toHaveLength(2)
  })
})

describe('an RFX key', () => {
  it('is unwrapped by the server', async () => {
    const server = createFakeServer()
    const { nokkel, logIn } = createFakeClient(server)
    await logIn()
    const request = { rfxId: crypto.randomUUID(), version: 3, via: 'company' } as const
    expect(await nokkel.userKeys.unwrap(request)).toEqual(new Uint8Array(32).fill(3))
    expect(server.unwrapped).toEqual([request])
  })
})

describe('what the fake server is given', () => {
  it('is the private key and nothing else, once', async () => {
    const server = createFakeServer()
    const sent: unknown[] = []
    server.intercept('cryptoService', ({ body }) => void sent.push(body))
    await createFakeClient(server).logIn()
    expect(sent).toEqual([{ action: 'encrypt', text: expect.any(String) }])
    expect(testPrivateKeys).toContain((sent[0] as { text: string }).text)
  })
})
