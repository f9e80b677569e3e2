import type { PrivateKeyBytes } from '@nokkel/crypto'
import { describe, expect, it } from 'vitest'
import { createKeyPairPool, type KeyPairPoolOptions } from './key-pair-pool.ts'

/** A pool whose keys are made when it is told to. */
function createPool(options: Partial<KeyPairPoolOptions> = {}) {
  const making: { key: PrivateKeyBytes; end(): Promise<void>; fail(cause: unknown): Promise<void> }[] = []
  const pool = createKeyPairPool({
    concurrency: 1,
    whenIdle: async () => undefined,
    generate: () =>
      new Promise((resolve, reject) => {
        const key = new Uint8Array([making.length + 1]) as PrivateKeyBytes
        making.push({
          key,
          end() {
            resolve(key)
            return settled()
          },
          fail(cause) {
            reject(cause)
            return settled()
          },
        })
      }),
    ...options,
  })
  return { pool, making, take: () => pool.reserve().take() }
}

const settled = () => new Promise<void>((resolve) => setTimeout(resolve))

describe('key pair pool', () => {
  it('makes nothing until it is asked', async () => {
    const { pool, making, take } = createPool()
    pool.warm()
    await settled()
    expect(making).toHaveLength(0)
    const key = take()
    await making[0]?.end()
    expect(await key).toBe(making[0]?.key)
    expect(making).toHaveLength(1)
  })

  it('makes as many ahead as it should, one at a time', async () => {
    const { pool, making, take } = createPool({ size: 2, concurrency: 2 })
    await settled()
    expect(making).toHaveLength(0)
    pool.warm()
    await settled()
    expect(making).toHaveLength(1)
    await making[0]?.end()
    expect(making).toHaveLength(2)
    await making[1]?.end()
    expect(making).toHaveLength(2)
    expect(await take()).toBe(making[0]?.key)
    expect(await take()).toBe(making[1]?.key)
    await settled()
    expect(making).toHaveLength(3)
  })

  it('gives those who wait what was to be kept', async () => {
    const { pool, making, take } = createPool({ size: 1 })
    pool.warm()
    await settled()
    const key = take()
    await making[0]?.end()
    expect(await key).toBe(making[0]?.key)
    expect(making).toHaveLength(2)
  })

  it('makes for those who wait as many at a time as it may, and refuses those for whom there is no room', async () => {
    const { making, take } = createPool({ concurrency: 2, maximumWaiting: 4 })
    const keys = [take(), take(), take(), take()]
    expect(take).toThrow(expect.objectContaining({ code: 'key_queue_full', data: { retryAfterSeconds: 2 } }))
    expect(making).toHaveLength(2)
    for (let index = 0; index < 4; index++) await making[index]?.end()
    expect(new Set(await Promise.all(keys)).size).toBe(4)
    expect(making).toHaveLength(4)
  })

  it('waits with what nobody asks for until the cores are free', async () => {
    let free = () => {}
    const { pool, making } = createPool({ size: 1, whenIdle: () => new Promise((resolve) => (free = resolve)) })
    pool.warm()
    await settled()
    expect(making).toHaveLength(0)
    free()
    await settled()
    expect(making).toHaveLength(1)
  })

  it('makes for who asks, however long the cores are not free', async () => {
    const { pool, making, take } = createPool({ size: 1, whenIdle: () => new Promise(() => {}) })
    pool.warm()
    await settled()
    const key = take()
    expect(making).toHaveLength(1)
    await making[0]?.end()
    expect(await key).toBe(making[0]?.key)
  })

  it('keeps a place for who has reserved one, until it is released', async () => {
    const { pool, making, take } = createPool({ size: 1, maximumWaiting: 1 })
    pool.warm()
    await settled()
    await making[0]?.end()
    const [first, second] = [pool.reserve(), pool.reserve()]
    expect(take).toThrow(expect.objectContaining({ code: 'key_queue_full', data: { retryAfterSeconds: 1 } }))
    expect(await first.take()).toBe(making[0]?.key)
    expect(take).toThrow(expect.objectContaining({ code: 'key_queue_full' }))
    second.release()
    const key = take()
    await making[1]?.end()
    expect(await key).toBe(making[1]?.key)
  })

  it('tells the one who waits that it failed, and the next one may try', async () => {
    const { making, take } = createPool()
    const failed = take()
    const cause = new Error('no entropy')
    await Promise.all([expect(failed).rejects.toBe(cause), making[0]?.fail(cause)])
    const key = take()
    await making[1]?.end()
    expect(await key).toBe(making[1]?.key)
  })

  it('overwrites what nobody took', async () => {
    const { pool, making } = createPool({ size: 2 })
    pool.warm()
    await settled()
    await making[0]?.end()
    const closed = pool.close()
    await making[1]?.end()
    await closed
    expect(making.map(({ key }) => key[0])).toEqual([0, 0])
  })
})
