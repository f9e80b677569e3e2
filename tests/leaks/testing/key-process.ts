import { execFileSync } from 'node:child_process'
import { writeHeapSnapshot } from 'node:v8'
import { createNokkelServer, createProviderRegistry, environmentRootKeys } from '@nokkel/server'
import { fileRootKeys, sealedFileRootKeys, serve } from '@nokkel/server/node'

// A server that has its root keys from wherever they are, and shows on request what it and its children hold.

interface Plant {
  readonly inMemory: readonly string[]
  /** In the environment and both outputs. */
  readonly elsewhere?: string
}

export type Task = { readonly snapshot: string } | { readonly plant: Plant }

const { DATABASE_URL = '', PUBLIC_URL = '', KEYRING_FILE, SEALED_KEYRING_FILE } = process.env
const held: string[] = []

process.on('message', (task: Task) => {
  if ('plant' in task) {
    const { inMemory, elsewhere } = task.plant
    held.splice(0, held.length, ...inMemory)
    if (elsewhere !== undefined) {
      Object.assign(process.env, { PLANTED: elsewhere })
      console.log(elsewhere)
      console.error(elsewhere)
    }
    process.send?.('planted')
  } else {
    writeHeapSnapshot(task.snapshot)
    const child = execFileSync(process.execPath, ['-p', 'JSON.stringify(process.env)'], { encoding: 'utf8' })
    process.send?.(`${child}\n${JSON.stringify(process.report.getReport())}`)
  }
})
process.once('disconnect', () => process.exit())

const rootKeys = SEALED_KEYRING_FILE
  ? await sealedFileRootKeys(SEALED_KEYRING_FILE)
  : KEYRING_FILE
    ? fileRootKeys(KEYRING_FILE)
    : environmentRootKeys(process.env)

await serve({
  server: createNokkelServer({
    database: DATABASE_URL,
    publicUrl: PUBLIC_URL,
    rootKeys,
    providers: createProviderRegistry([]),
    mode: 'development',
  }),
  mode: 'development',
  port: Number(new URL(PUBLIC_URL).port),
  host: 'localhost',
})
process.send?.('open')
