import {
  CryptoError,
  decodeBase64,
  formatEncryptedPrivateKey,
  generateContentKey,
  importEnvelopeKey,
  importPrivateKey,
  type ManagedKey,
  privateKeyContext,
  unwrapKey,
  wrapKey,
} from '@nokkel/crypto'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { createKeyring, type Keyring } from '../keyring/keyring.ts'
import { createPrivateKeys, type StoredPrivateKey } from './private-key-cache.ts'

describe('private keys', () => {
  let keyring: Keyring
  let managed: ManagedKey
  beforeAll(async () => {
    keyring = createKeyring([await importEnvelopeKey(generateContentKey())], async () => undefined)
    managed = await importPrivateKey(decodeBase64(testPrivateKeys[0]))
  })

  async function store(keyId = crypto.randomUUID(), ownerId = crypto.randomUUID()): Promise<StoredPrivateKey> {
    const context = privateKeyContext('user', keyId, ownerId)
    const envelope = await keyring.wrap(decodeBase64(testPrivateKeys[0]), context)
    return { owner: 'user', keyId, ownerId, encryptedPrivateKey: formatEncryptedPrivateKey(envelope) }
  }

  function create(options: { readonly maximumCopies?: number; readonly maximumKeys?: number } = {}) {
    const clock = { time: 0 }
    let unwraps = 0
    const counting: Keyring = {
      keyId: keyring.keyId,
      wrap: keyring.wrap,
      unwrap(envelope, context) {
        unwraps++
        return keyring.unwrap(envelope, context)
      },
    }
    const now = () => new Date(clock.time)
    const keys = createPrivateKeys({ keyring: counting, now, maximumCopies: 1, ...options })
    return { keys, clock, unwraps: () => unwraps }
  }
  const nothing = async () => undefined
  afterEach(() => void vi.useRealTimers())

  it('opens a key once for a minute, and again after it', async () => {
    const { keys, clock, unwraps } = create()
    const stored = await store()
    const content = generateContentKey()
    const wrapped = await wrapKey(content, managed.key)
    expect(await keys.use(stored, (key) => unwrapKey(wrapped, key))).toEqual(content)
    clock.time = 59_999
    await keys.use(stored, nothing)
    expect(unwraps()).toBe(1)
    clock.time = 60_000
    await keys.use(stored, nothing)
    expect(unwraps()).toBe(2)
  })

  it('lets a key go after a minute, also when nobody asks for another', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { keys, clock, unwraps } = create()
    const [early, late] = [await store(), await store()]
    await keys.use(early, nothing)
    clock.time = 30_000
    await keys.use(late, nothing)
    clock.time = 60_000
    vi.advanceTimersByTime(60_000)
    // A clock that is set back brings nothing back that is gone.
    clock.time = 59_999
    await keys.use(late, nothing)
    expect(unwraps()).toBe(2)
    await keys.use(early, nothing)
    expect(unwraps()).toBe(3)
  })

  it('imports a busy key as many times as it may', async () => {
    const { keys, unwraps } = create({ maximumCopies: 2 })
    const stored = await store()
    const used = new Set<CryptoKey>()
    const work = async (key: CryptoKey) => {
      used.add(key)
      await new Promise((resolve) => setTimeout(resolve))
    }
    await Promise.all(Array.from({ length: 6 }, () => keys.use(stored, work)))
    expect([used.size, unwraps()]).toEqual([2, 2])
  })

  it('opens another envelope or owner under a known id for itself, which fails', async () => {
    const { keys } = create()
    const [stored, other] = [await store(), await store()]
    await keys.use(stored, nothing)
    for (const changed of [
      { ...stored, ownerId: other.ownerId },
      { ...stored, owner: 'company' as const },
      { ...stored, encryptedPrivateKey: other.encryptedPrivateKey },
    ]) {
      await expect(keys.use(changed, nothing)).rejects.toMatchObject({ code: 'open_failed' })
    }
    await keys.use(stored, nothing)
  })

  it('does not remember a failure', async () => {
    let fails = true
    const stored = await store()
    const keys = createPrivateKeys({
      keyring: {
        ...keyring,
        keyId: keyring.keyId,
        unwrap: (envelope, context) => {
          if (fails) throw new CryptoError('open_failed')
          return keyring.unwrap(envelope, context)
        },
      },
      now: () => new Date(),
      maximumCopies: 1,
    })
    await expect(keys.use(stored, nothing)).rejects.toMatchObject({ code: 'open_failed' })
    fails = false
    await keys.use(stored, nothing)
  })

  it('forgets what it is told to, and what is least recent when there are too many', async () => {
    const { keys, unwraps } = create({ maximumKeys: 2 })
    const [one, two, three] = [await store(), await store(), await store()]
    await keys.use(one, nothing)
    keys.forget(one.keyId)
    await keys.use(one, nothing)
    expect(unwraps()).toBe(2)
    for (const stored of [two, three]) await keys.use(stored, nothing)
    await keys.use(one, nothing)
    expect(unwraps()).toBe(5)
  })
})
