import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Figure, formatTable } from './figure.ts'

// npm run bench [-- name …] [--json] [--save] [--small]

interface Suite {
  /** `small`: only to see that it runs; suites that are quick anyway take no notice. */
  measure(options: { readonly small: boolean }): Promise<readonly Figure[]>
}

const suites: Record<string, () => Promise<Suite>> = {
  size: () => import('./suites/size.ts'),
  seal: () => import('./suites/seal.ts'),
  files: () => import('./suites/files.ts'),
  requests: () => import('./suites/requests.ts'),
  keys: () => import('./suites/keys.ts'),
  'key-pairs': () => import('./suites/key-pairs.ts'),
  'crypto-service': () => import('./suites/crypto-service.ts'),
  rfx: () => import('./suites/rfx.ts'),
  'rfx-open': () => import('./suites/rfx-open.ts'),
  'rfx-rekey': () => import('./suites/rfx-rekey.ts'),
  'rfx-files': () => import('./suites/rfx-files.ts'),
  identity: () => import('./suites/identity.ts'),
  start: () => import('./suites/start.ts'),
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
  },
})
const names = positionals.length > 0 ? positionals : Object.keys(suites)
const unknown = names.find((name) => !Object.hasOwn(suites, name))
if (unknown !== undefined) {
  console.error(`There is no suite ${unknown}; there are ${Object.keys(suites).join(', ')}.`)
  process.exit(1)
}

if (values.small && values.save) {
  console.error('A small run is not saved.')
  process.exit(1)
}

const all: Record<string, readonly Figure[]> = {}
for (const name of names) {
  if (!values.json) console.error(`${name} …`)
  const figures = (await (await suites[name]?.())?.measure({ small: values.small })) ?? []
  all[name] = figures
  if (!values.json) console.log(`\n${name}\n${formatTable(figures)}\n`)
  if (values.save) {
    mkdirSync(new URL('results/', import.meta.url), { recursive: true })
    const file = new URL(`results/${name}.json`, import.meta.url)
    writeFileSync(file, `${JSON.stringify({ measuredAt: new Date().toISOString(), figures }, null, 2)}\n`)
  }
}
if (values.json) console.log(JSON.stringify(all, null, 2))
process.exit()
