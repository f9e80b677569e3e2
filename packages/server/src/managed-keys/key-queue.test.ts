import { describe, expect, it } from 'vitest'
import { createKeyQueue } from './key-queue.ts'

/** Operations that end when they are told to. */
function createOperations() {
  const begun: { name: string; end(): void; fail(cause: unknown): void }[] = []
  const operation = (name: string) => () =>
    new Promise<string>((resolve, reject) => begun.push({ name, end: () => resolve(name), fail: reject }))
  return { begun, operation }
}

const settled = () => new Promise((resolve) => setTimeout(resolve))

describe('key queue', () => {
  it('runs as many at a time as it may, in the order they ask', async () => {
    const { begun, operation } = createOperations()
    const room = createKeyQueue({ concurrency: 2, maximumWaiting: 10 }).reserve(4)
    const results = ['a', 'b', 'c', 'd'].map((name) => room.run(operation(name)))
    await settled()
    expect(begun.map(({ name }) => name)).toEqual(['a', 'b'])
    begun[1]?.end()
    await settled()
    expect(begun.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    begun[0]?.end()
    await settled()
    for (const { end } of begun) end()
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('refuses more than may wait, and says when to come back', async () => {
    const queue = createKeyQueue({ concurrency: 1, maximumWaiting: 600 })
    const room = queue.reserve(600)
    expect(() => queue.reserve(1)).toThrow(
      expect.objectContaining({ code: 'key_queue_full', data: { retryAfterSeconds: 2 } }),
    )
    await room.run(async () => undefined)
    queue.reserve(1).release()
    room.release()
    room.release()
    queue.reserve(600).release()
    expect(() => queue.reserve(601)).toThrow(expect.objectContaining({ code: 'key_queue_full' }))
  })

  it('goes on after an operation that fails', async () => {
    const { begun, operation } = createOperations()
    const room = createKeyQueue({ concurrency: 1, maximumWaiting: 10 }).reserve(2)
    const [first, second] = [room.run(operation('a')), room.run(operation('b'))]
    await settled()
    begun[0]?.fail(new Error('no'))
    await expect(first).rejects.toThrow('no')
    await settled()
    begun[1]?.end()
    expect(await second).toBe('b')
  })

  it('runs no more than was reserved', () => {
    const room = createKeyQueue({ concurrency: 1, maximumWaiting: 10 }).reserve(0)
    expect(() => room.run(async () => undefined)).toThrow(RangeError)
  })

  it('says when nothing runs', async () => {
    const { begun, operation } = createOperations()
    const queue = createKeyQueue({ concurrency: 1, maximumWaiting: 10 })
    await queue.whenIdle()
    const room = queue.reserve(2)
    const results = [room.run(operation('a')), room.run(operation('b'))]
    let idle = false
    const whenIdle = queue.whenIdle().then(() => {
      idle = true
    })
    await settled()
    begun[0]?.end()
    await settled()
    expect(idle).toBe(false)
    begun[1]?.end()
    await Promise.all([...results, whenIdle])
    expect(idle).toBe(true)
  })
})
