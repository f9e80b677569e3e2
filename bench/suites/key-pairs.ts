import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expectBelow, type Figure, median } from '../figure.ts'

const askers = 100

interface Measured {
  readonly coldMilliseconds: number[]
  readonly warmMilliseconds: number[]
  readonly pairsPerSecond: number
  readonly longestDelay: number
  readonly delay99: number
}

/** RSA-4096 keys made on the server: alone, made ahead, and a hundred at once. */
export async function measure(): Promise<readonly Figure[]> {
  const entry = fileURLToPath(new URL('../processes/key-pairs.ts', import.meta.url))
  const child = fork(entry, [String(askers)], { execArgv: ['--conditions=source'] })
  const [measured] = (await once(child, 'message')) as [Measured]
  return [
    { what: 'made when asked for, median of 10', value: median(measured.coldMilliseconds), unit: 'ms' },
    expectBelow({ what: 'made ahead, median of 21', value: median(measured.warmMilliseconds), unit: 'ms' }, 20),
    { what: '  slowest of 21', value: Math.max(...measured.warmMilliseconds), unit: 'ms' },
    { what: `${askers} asked for at once`, value: measured.pairsPerSecond, unit: 'pairs/s' },
    expectBelow({ what: '  longest delay of the event loop', value: measured.longestDelay, unit: 'ms' }, 50),
    { what: '  delay of the event loop, 99 of 100', value: measured.delay99, unit: 'ms' },
  ]
}
