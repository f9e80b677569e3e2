import { compareRates, expectBelow, type Figure } from '../figure.ts'
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
  const world = await startRfxWorld(1)
  try {
    const companyId = await world.company(1)
    const rfxId = await world.run<string>({ way: 'create', companyId })
    const ours = await world.run<Transferred>({ way: 'file', rfxId, count: mebibytes * mebibyte })
    const raw = await world.run<Transferred>({ way: 'file raw', rfxId, count: mebibytes * mebibyte })
    const rateOf = (run: Transferred, way: 'up' | 'down') => (mebibytes * 1000) / run[way]
    const peakOf = ({ peakBytes }: Transferred) => peakBytes / mebibyte
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
