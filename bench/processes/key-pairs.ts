import { availableParallelism } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { createKeyPairPool } from '../../packages/server/src/managed-keys/key-pair-pool.ts'

// RSA-4096 keys from a cold and a warm pool, and what a hundred askers at once do to the event loop: `key-pairs.ts <askers>`.

const askers = Number(process.argv[2] ?? '100')
const concurrency = availableParallelism()
const whenIdle = () => setTimeout(0, undefined)
const size = 8

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

const cold = createKeyPairPool({ concurrency, whenIdle })
const coldMilliseconds: number[] = []
for (let time = 0; time < 10; time++) coldMilliseconds.push(await timeOf(() => cold.reserve().take()))

const warm = createKeyPairPool({ size, concurrency, whenIdle })
warm.warm()
const warmMilliseconds: number[] = []
for (let time = 0; time < 3; time++) {
  // Until the pool has been filled again.
  await setTimeout(size * 2500)
  for (let taken = 0; taken < size - 1; taken++) warmMilliseconds.push(await timeOf(() => warm.reserve().take()))
}
await warm.close()

const crowded = createKeyPairPool({ concurrency, maximumWaiting: askers, whenIdle })
const delay = monitorEventLoopDelay({ resolution: 5 })
delay.enable()
const all = await timeOf(() => Promise.all(Array.from({ length: askers }, () => crowded.reserve().take())))
delay.disable()

process.send?.({
  coldMilliseconds,
  warmMilliseconds,
  pairsPerSecond: (askers * 1000) / all,
  longestDelay: delay.max / 1e6 - 5,
  delay99: delay.percentile(99) / 1e6 - 5,
})
process.disconnect?.()
