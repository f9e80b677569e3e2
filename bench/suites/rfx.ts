import { availableParallelism } from 'node:os'
import { type BenchPage, openBenchPage } from '../bench-page.ts'
import { compareRates, type Figure, median } from '../figure.ts'
import { measureOpensslSpeed } from '../openssl-speed.ts'
import type { RfxBench } from '../processes/rfx-page.ts'
import { startRfxWorld } from '../rfx-world.ts'

interface Counted {
  readonly milliseconds: number
  readonly count: number
}

interface Raw {
  readonly perSecond: number
  readonly distinct: number
}

const wholes = [
  { recipients: 10, rounds: 5 },
  { recipients: 100, rounds: 5 },
  { recipients: 1000, rounds: 3 },
  { recipients: 10_000, rounds: 1 },
]
const smalls = [
  { recipients: 10, rounds: 1 },
  { recipients: 100, rounds: 1 },
]

/**
 * The key of a project handed to so many people: wrapping alone, storing alone, and all of it, in Node and in Chromium,
 * beside RSA-OAEP on every core. Client, server and Postgres share the cores.
 */
export async function measure({ small }: { readonly small: boolean }): Promise<readonly Figure[]> {
  const sizes = small ? smalls : wholes
  const world = await startRfxWorld(Math.max(...sizes.map(({ recipients }) => recipients)))
  let page: BenchPage<RfxBench> | undefined
  try {
    page = await openBenchPage<RfxBench>(world.url, {
      script: 'rfx-page',
      workers: [
        new URL('../processes/rfx-raw-worker.ts', import.meta.url),
        new URL('../../packages/client/src/rfx/wrap-worker.ts', import.meta.url),
      ],
      person: 'fjordhjelpen-koordinator',
    })
    const cores = availableParallelism()
    const figures: Figure[] = []
    const openssl = await measureOpensslSpeed(cores, small ? 1 : 4, 'public')
    for (const { recipients, rounds } of sizes) {
      const companyId = await world.company(recipients)
      const measured = { raw: [] as Raw[], wrap: [] as Counted[], store: [] as Counted[], whole: [] as Counted[] }
      const inPage = { raw: [] as Raw[], wrap: [] as Counted[], whole: [] as Counted[] }
      for (let round = 0; round < rounds; round++) {
        // Each makes a project of its own; whoever logs in hands over what waits elsewhere, so the page's comes last.
        measured.raw.push(await world.run({ way: 'raw', companyId }))
        measured.wrap.push(await world.run({ way: 'wrap', companyId }))
        measured.store.push(await world.run({ way: 'store', companyId }))
        measured.whole.push(await world.run({ way: 'distribute', companyId }))
        const forPage = await world.run<string>({ way: 'create', companyId })
        inPage.raw.push(await page.run('raw', forPage))
        inPage.wrap.push(await page.run('wrap', forPage))
        inPage.whole.push(await page.run('distribute', forPage))
      }
      const raw = { what: 'RSA-OAEP alone, all cores', value: median(measured.raw.map(({ perSecond }) => perSecond)) }
      const rawInPage = {
        what: 'RSA-OAEP alone, all cores, Chromium',
        value: median(inPage.raw.map(({ perSecond }) => perSecond)),
      }
      const name = `${recipients} recipients`
      figures.push(
        { what: `${name}: distinct public keys`, value: measured.raw[0]?.distinct ?? 0, unit: 'keys' },
        // One for each wrap, which is the point: no more are done than have to be.
        { what: `${name}: RSA operations`, value: measured.wrap[0]?.count ?? 0, unit: '' },
        compareRates(`${name}, Node: wrapping alone`, '/s', rateOf(measured.wrap), raw),
        compareRates(`${name}, Node: storing alone`, '/s', rateOf(measured.store), raw),
        compareRates(`${name}, Node: all of it`, '/s', rateOf(measured.whole), raw),
        { what: `${name}, Node: all of it`, value: millisecondsOf(measured.whole), unit: 'ms' },
        compareRates(`${name}, Chromium: wrapping alone`, '/s', rateOf(inPage.wrap), rawInPage),
        compareRates(`${name}, Chromium: all of it`, '/s', rateOf(inPage.whole), rawInPage),
        { what: `${name}, Chromium: all of it`, value: millisecondsOf(inPage.whole), unit: 'ms' },
      )
    }
    figures.push({ what: `RSA-4096 public operations, openssl speed, ${cores} processes`, value: openssl, unit: '/s' })
    return figures
  } finally {
    await page?.close()
    await world.close()
  }
}

const millisecondsOf = (runs: readonly Counted[]) => median(runs.map(({ milliseconds }) => milliseconds))
const rateOf = (runs: readonly Counted[]) =>
  median(runs.map(({ count, milliseconds }) => (count * 1000) / milliseconds))
