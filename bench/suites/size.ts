import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { expectBelow, type Figure } from '../figure.ts'

/** The client as an application gets it, with the cryptography and HPKE in it; the Worker is loaded apart. */
export async function measure(): Promise<readonly Figure[]> {
  const source = (path: string) => fileURLToPath(new URL(`../../packages/client/src/${path}`, import.meta.url))
  const bytes = async (input: string) => {
    const bundle = await rolldown({ input, platform: 'browser', resolve: { conditionNames: ['source', 'import'] } })
    const { output } = await bundle.generate({ format: 'esm', minify: true })
    await bundle.close()
    return output.reduce(
      (sum, chunk) => sum + (chunk.type === 'chunk' ? gzipSync(chunk.code, { level: 9 }).byteLength : 0),
      0,
    )
  }
  return [
    expectBelow(
      { what: 'client, minified and gzipped', value: (await bytes(source('index.ts'))) / 1000, unit: 'kB' },
      25,
    ),
    { what: 'Worker that makes keys', value: (await bytes(source('keys/key-worker.ts'))) / 1000, unit: 'kB' },
  ]
}
