import { exportPublicJwk, importPrivateKey, signJws, verifyJws } from '@nokkel/crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { workerKeyGenerator } from './worker-key-generator.ts'

/** The longest time the main thread did not answer while `task` ran, in milliseconds. */
async function longestGap(task: () => Promise<unknown>): Promise<number> {
  const channel = new MessageChannel()
  let last = performance.now()
  let longest = 0
  channel.port1.onmessage = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    channel.port2.postMessage(null)
  }
  channel.port2.postMessage(null)
  await task()
  channel.port1.close()
  return longest
}

afterEach(() => vi.unstubAllGlobals())

describe('workerKeyGenerator', () => {
  it('gives two pairs that work and cannot be exported', async () => {
    const { encryption, signing } = await workerKeyGenerator.generate()
    expect([encryption.privateKey.extractable, signing.privateKey.extractable]).toEqual([false, false])
    const { thumbprint } = await verifyJws(await signJws({}, signing, 'dpop+jwt'), 'dpop+jwt')
    expect(thumbprint).toHaveLength(43)
    expect(await exportPublicJwk(encryption.publicKey)).toMatchObject({ kty: 'EC', crv: 'P-256' })
  })

  it('sees a main thread that is blocked', async () => {
    const gap = await longestGap(async () => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      const until = performance.now() + 80
      while (performance.now() < until);
      await new Promise((resolve) => setTimeout(resolve, 5))
    })
    expect(gap).toBeGreaterThanOrEqual(75)
  })

  // The gap is a figure, not a condition: other work on the machine makes gaps of its own. What makes it small is tested.
  it('generates nothing on the main thread', async () => {
    const onMainThread = vi.spyOn(SubtleCrypto.prototype, 'generateKey')
    const gaps: number[] = []
    for (let round = 0; round < 5; round++) gaps.push(await longestGap(workerKeyGenerator.generate))
    expect(onMainThread).not.toHaveBeenCalled()
    onMainThread.mockRestore()
    console.log(`main-thread gap during key generation: ${gaps.map((gap) => gap.toFixed(1)).join(', ')} ms`)
  })

  it('makes a managed key there too, and leaves its bytes to the caller alone', async () => {
    const onMainThread = vi.spyOn(SubtleCrypto.prototype, 'generateKey')
    let bytes = new Uint8Array()
    const gap = await longestGap(async () => {
      bytes = Uint8Array.from(await workerKeyGenerator.generatePrivateKey())
    })
    expect(onMainThread).not.toHaveBeenCalled()
    onMainThread.mockRestore()
    const { privateKey, publicKey } = await importPrivateKey(bytes)
    expect([privateKey.extractable, publicKey.byteLength]).toEqual([false, 550])
    console.log(`main-thread gap while a managed key is made: ${gap.toFixed(1)} ms`)
  })

  it('ends the Worker when the caller does not want the key any more', async () => {
    const terminate = vi.spyOn(Worker.prototype, 'terminate')
    const controller = new AbortController()
    const making = workerKeyGenerator.generatePrivateKey({ signal: controller.signal })
    controller.abort()
    await expect(making).rejects.toMatchObject({ code: 'cancelled' })
    await expect(workerKeyGenerator.generatePrivateKey({ signal: controller.signal })).rejects.toMatchObject({
      code: 'cancelled',
    })
    expect(terminate).toHaveBeenCalledTimes(1)
    terminate.mockRestore()
  })

  it('says so when the Worker cannot run', async () => {
    const RealWorker = Worker
    vi.stubGlobal(
      'Worker',
      class extends RealWorker {
        constructor() {
          super('data:text/javascript,throw new Error("no")')
        }
      },
    )
    await expect(workerKeyGenerator.generate()).rejects.toMatchObject({ code: 'key_generation_failed' })
    await expect(workerKeyGenerator.generatePrivateKey()).rejects.toMatchObject({ code: 'key_generation_failed' })
  })

  it('says so when there can be no Worker at all', async () => {
    vi.stubGlobal(
      'Worker',
      class {
        constructor() {
          throw new DOMException('Refused by the policy of the page', 'SecurityError')
        }
      },
    )
    await expect(workerKeyGenerator.generate()).rejects.toMatchObject({ code: 'key_generation_failed' })
    await expect(workerKeyGenerator.generatePrivateKey()).rejects.toMatchObject({ code: 'key_generation_failed' })
  })
})
