import { exportPublicJwk, signJws, verifyJws } from '@nokkel/crypto'
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

  it('leaves no gap of 50 ms on the main thread', async () => {
    const gaps: number[] = []
    for (let round = 0; round < 5; round++) gaps.push(await longestGap(workerKeyGenerator.generate))
    console.log(`main-thread gap during key generation: ${gaps.map((gap) => gap.toFixed(1)).join(', ')} ms`)
    // A machine busy with other things makes gaps of its own, but not in every round.
    const median = gaps.toSorted((a, b) => a - b)[2]
    expect(median).toBeLessThan(50)
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
  })
})
