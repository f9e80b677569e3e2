import { compareRates, expectBelow, type Figure, median } from '../figure.ts'
import { startRfxWorld } from '../rfx-world.ts'

interface Transferred {
  readonly up: number
  readonly down: number
  readonly peakBytes: number
}

const mebibyte = 1_048_576

/** A file through the client into a project and back, beside the same chunks without cryptography, each in a process of its own. */
export async function measure({ small }: { readonly small: boolean }): Promise<readonly Figure[]> {
  const mebibytes = small ? 8 : 1024
  const rounds = small ? 1 : 3
  const world = await startRfxWorld(1)
  try {
    const companyId = await world.company(1)
    const ours: Transferred[] = []
    const raw: Transferred[] = []
    for (let round = 0; round < rounds; round++) {
      const rfxId = await world.run<string>({ way: 'create', companyId })
      ours.push(await world.run({ way: 'file', rfxId, count: mebibytes * mebibyte }))
      raw.push(await world.run({ way: 'file raw', rfxId, count: mebibytes * mebibyte }))
    }
    const rateOf = (runs: readonly Transferred[], way: 'up' | 'down') =>
      (mebibytes * 1000) / median(runs.map((run) => run[way]))
    const peakOf = (runs: readonly Transferred[]) => Math.max(...runs.map(({ peakBytes }) => peakBytes)) / mebibyte
    const name = mebibytes >= 1024 ? `${mebibytes / 1024} GiB` : `${mebibytes} MiB`
    const beside = (way: 'up' | 'down') => ({ what: 'the same chunks, no cryptography', value: rateOf(raw, way) })
    return [
      compareRates(`${name} up`, 'MiB/s', rateOf(ours, 'up'), beside('up')),
      compareRates(`${name} down`, 'MiB/s', rateOf(ours, 'down'), beside('down')),
      expectBelow(
        {
          what: `${name}, most memory of the client`,
          value: peakOf(ours),
          unit: 'MiB',
          baseline: { what: 'the same chunks, no cryptography', value: peakOf(raw) },
        },
        384,
      ),
    ]
  } finally {
    await world.close()
  }
}
