import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { expectBelow, type Figure } from '../figure.ts'

interface Sizes {
  /** What is loaded before anything else. */
  readonly first: number
  /** What is loaded at its first use. */
  readonly later: number
}

/** The client as an application gets it, with the cryptography and HPKE in it; Workers are loaded apart. */
export async function measure(): Promise<readonly Figure[]> {
  const client = await sizesOf('index.ts')
  return [
    expectBelow({ what: 'client, minified and gzipped', value: client.first / 1000, unit: 'kB' }, 25),
    {
      what: 'what is loaded at first use: managed keys, companies, assignments, projects',
      value: client.later / 1000,
      unit: 'kB',
    },
    { what: 'Worker that makes device keys', value: (await sizesOf('keys/key-worker.ts')).first / 1000, unit: 'kB' },
    {
      what: 'Worker that makes a managed key',
      value: (await sizesOf('keys/private-key-worker.ts')).first / 1000,
      unit: 'kB',
    },
    {
      what: 'Worker that wraps the key of a project',
      value: (await sizesOf('rfx/wrap-worker.ts')).first / 1000,
      unit: 'kB',
    },
  ]
}

async function sizesOf(path: string): Promise<Sizes> {
  const bundle = await rolldown({
    input: fileURLToPath(new URL(`../../packages/client/src/${path}`, import.meta.url)),
    platform: 'browser',
    resolve: { conditionNames: ['source', 'import'] },
    // As for an application: what a later chunk shares with the first one lies in the first one.
    preserveEntrySignatures: 'allow-extension',
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  const chunks = output.filter((chunk) => chunk.type === 'chunk')
  const entry = chunks.find(({ isEntry }) => isEntry)
  const isFirst = ({ fileName, isEntry }: { fileName: string; isEntry: boolean }) =>
    isEntry || entry?.imports.includes(fileName) === true
  const bytes = (parts: typeof chunks) =>
    parts.reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).byteLength, 0)
  return { first: bytes(chunks.filter(isFirst)), later: bytes(chunks.filter((chunk) => !isFirst(chunk))) }
}
