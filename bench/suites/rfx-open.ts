import { type Figure, median, percentile } from '../figure.ts'
import { startRfxWorld } from '../rfx-world.ts'

interface Opened {
  readonly cold: readonly number[]
  readonly warm: readonly number[]
}

/** A project is opened: fetched, its key unwrapped, all that is signed verified, its title read. */
export async function measure({ small }: { readonly small: boolean }): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const members of small ? [10] : [10, 10_000]) {
    const world = await startRfxWorld(members)
    try {
      const companyId = await world.company(members)
      const projects = small ? 2 : 10
      for (let count = 0; count < projects; count++) {
        // With all revisions of its manifest.
        await world.run({ way: 'store', companyId })
      }
      const { cold, warm } = await world.run<Opened>({ way: 'open', count: projects })
      figures.push(
        ...figuresOf(`${members} members, first project of a page, private key fetched`, cold),
        ...figuresOf(`${members} members, another project of the page`, warm),
      )
    } finally {
      await world.close()
    }
  }
  return figures
}

function figuresOf(what: string, milliseconds: readonly number[]): Figure[] {
  return [
    { what, value: median(milliseconds), unit: 'ms' },
    { what: '  slowest of 10', value: percentile(milliseconds, 0.9), unit: 'ms' },
  ]
}
