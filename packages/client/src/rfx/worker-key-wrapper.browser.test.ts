import {
  calculateWrapLeaf,
  decodeBase64,
  encodeBase64,
  generateRfxKey,
  hashWrap,
  importPrivateKey,
  type Thumbprint,
  unwrapKey,
} from '@nokkel/crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { directKeyWrapper, type KeyWrapper, type WrapRecipient } from './key-wrapper.ts'
import { workerKeyWrapper } from './worker-key-wrapper.ts'

const groupId = crypto.randomUUID()

async function recipients(count: number): Promise<{ list: WrapRecipient[]; privateKeys: CryptoKey[] }> {
  const managed = await Promise.all(testPrivateKeys.map((text) => importPrivateKey(decodeBase64(text))))
  const list = Array.from({ length: count }, (_, index): WrapRecipient => {
    const { publicKey, thumbprint } = managed[index % managed.length] as (typeof managed)[number]
    return {
      owner: 'user',
      ownerId: crypto.randomUUID(),
      role: 'supplier',
      publicKey: encodeBase64(publicKey),
      thumbprint,
    }
  })
  return { list, privateKeys: managed.map(({ privateKey }) => privateKey) }
}

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

describe.each<[string, KeyWrapper]>([
  ['workerKeyWrapper', workerKeyWrapper],
  ['directKeyWrapper', directKeyWrapper],
])('%s', (_, wrapper) => {
  it('wraps to all, in order, and passes over keys that cannot be used', async () => {
    const { list, privateKeys } = await recipients(130)
    const broken = new Map<number, Partial<WrapRecipient>>([
      [3, { publicKey: 'no base64!' }],
      [40, { publicKey: encodeBase64(new Uint8Array(550)) }],
      [77, { thumbprint: list[78]?.thumbprint ?? '' }],
      [129, { ownerId: 'nobody' }],
    ])
    const given = list.map((recipient, index) => ({ ...recipient, ...broken.get(index) }))
    const key = generateRfxKey()
    const session = wrapper.open({ key, groupId, version: 3 })
    let done = 0
    const wraps = await session.wrap(given, { onWrapped: (count) => (done += count) })
    session.close()
    expect(done).toBe(130)
    expect(wraps).toHaveLength(130)
    for (const [index, wrap] of wraps.entries()) {
      if (broken.has(index)) {
        expect(wrap).toBeNull()
        continue
      }
      const wrapped = decodeBase64(wrap?.encryptedSymmetricKey ?? '')
      const privateKey = privateKeys[index % privateKeys.length] as CryptoKey
      expect(encodeBase64(await unwrapKey(wrapped, privateKey))).toBe(encodeBase64(key))
      const { owner, ownerId, role, thumbprint } = given[index] as WrapRecipient
      const wrapHash = await hashWrap(wrapped)
      const of = { groupId, version: 3, owner, ownerId, role, thumbprint: thumbprint as Thumbprint }
      expect(wrap?.leaf).toEqual(await calculateWrapLeaf({ ...of, wrapHash }))
    }
    expect(new Set(wraps.map((wrap) => wrap?.encryptedSymmetricKey)).size).toBe(127)
  })

  it('leaves the key of the caller alone, and stops when asked to', async () => {
    const { list } = await recipients(200)
    const key = generateRfxKey()
    const before = key.slice()
    const session = wrapper.open({ key, groupId, version: 1 })
    const cancelling = new AbortController()
    const wrapping = session.wrap(list, { signal: cancelling.signal, onWrapped: () => cancelling.abort() })
    await expect(wrapping).rejects.toMatchObject({ code: 'cancelled' })
    expect(await session.wrap(list.slice(0, 2))).toHaveLength(2)
    session.close()
    expect(key).toEqual(before)
  })
})

describe('workerKeyWrapper', () => {
  it('wraps nothing on the main thread', async () => {
    const { list } = await recipients(60)
    const onMainThread = vi.spyOn(SubtleCrypto.prototype, 'encrypt')
    const session = workerKeyWrapper.open({ key: generateRfxKey(), groupId, version: 1 })
    await session.wrap(list)
    session.close()
    expect(onMainThread).not.toHaveBeenCalled()
  })

  it('does it itself where no Worker can be had', async () => {
    const { list } = await recipients(60)
    vi.stubGlobal(
      'Worker',
      class {
        constructor() {
          throw new DOMException('refused', 'SecurityError')
        }
      },
    )
    const session = workerKeyWrapper.open({ key: generateRfxKey(), groupId, version: 1 })
    expect((await session.wrap(list)).filter((wrap) => wrap !== null)).toHaveLength(60)
    session.close()
  })

  it('does it itself where a Worker does not run', async () => {
    const { list } = await recipients(60)
    const Original = Worker
    vi.stubGlobal(
      'Worker',
      class extends Original {
        constructor() {
          super(URL.createObjectURL(new Blob(['throw new Error("broken")'])))
        }
      },
    )
    const session = workerKeyWrapper.open({ key: generateRfxKey(), groupId, version: 1 })
    expect((await session.wrap(list)).filter((wrap) => wrap !== null)).toHaveLength(60)
    session.close()
  })
})
