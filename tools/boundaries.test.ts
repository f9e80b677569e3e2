import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

type Case = readonly [path: string, statement: string]

const refused: readonly Case[] = [
  ['packages/crypto/src/example.ts', `export { version } from '@nokkel/contract'`],
  ['packages/crypto/src/example.ts', `export { readFile } from 'node:fs'`],
  ['packages/crypto/src/example.test.ts', `export { readFile } from 'node:fs'`],
  ['packages/crypto/src/example.ts', `export { version } from '../../contract/src/index.ts'`],
  ['packages/contract/src/example.ts', `export { createNokkelServer } from '@nokkel/server'`],
  ['packages/contract/src/example.ts', `export { join } from 'path'`],
  ['packages/server/src/example.ts', `export { createNokkel } from '@nokkel/client'`],
  ['packages/server/src/example.ts', `export { createSandbox } from '@nokkel/sandbox'`],
  ['packages/server/src/example/example.ts', `export { createSandbox } from '../../../sandbox/src/index.ts'`],
  ['packages/server/src/example.ts', `export { readFile } from 'node:fs'`],
  ['packages/client/src/example.ts', `export { createNokkelServer } from '@nokkel/server/node'`],
  ['packages/client/src/example.ts', `export { createSandbox } from '@nokkel/sandbox'`],
  ['packages/client/src/example.ts', `import { version } from '@nokkel/contract'\nexport const copy = version`],
  ['packages/client/src/example.ts', `export { version } from '@nokkel/contract'`],
  ['packages/client/src/example.ts', `export * from '@nokkel/contract'`],
  ['packages/client/src/example.ts', `export { readFile } from 'node:fs'`],
  ['packages/cli/src/example.ts', `export { createNokkel } from '@nokkel/client'`],
  ['packages/cli/src/commands/example.ts', `export { createSandbox } from '@nokkel/sandbox'`],
  ['packages/cli/src/example.ts', `export { connect } from '../../server/src/index.ts'`],
  ['packages/sandbox/src/example.ts', `export { createNokkelServer } from '@nokkel/server'`],
  ['apps/web/src/example.tsx', `export { seal } from '@nokkel/crypto'`],
  ['apps/web/src/example.tsx', `export { createNokkelServer } from '@nokkel/server'`],
  ['apps/web/src/example.tsx', `export { createSandbox } from '@nokkel/sandbox'`],
  ['apps/web/src/example.tsx', `export { version } from '@nokkel/contract'`],
  ['apps/web/src/example.tsx', `export { readFile } from 'node:fs'`],
]

const allowed: readonly Case[] = [
  ['packages/contract/src/example.ts', `export { seal } from '@nokkel/crypto'`],
  ['packages/server/src/example.ts', `export { version } from '@nokkel/contract'`],
  ['packages/server/src/example.ts', `export { seal } from '@nokkel/crypto'`],
  ['packages/server/src/node/example.ts', `export { readFile } from 'node:fs'`],
  ['packages/client/src/node/example.ts', `export { readFile } from 'node:fs'`],
  ['packages/client/src/example.ts', `export { seal } from '@nokkel/crypto'`],
  ['packages/client/src/example.ts', `export type { version } from '@nokkel/contract'`],
  ['packages/client/src/example/example.test.ts', `export { createSandbox } from '@nokkel/sandbox'`],
  [
    'packages/server/src/example/example.test.ts',
    `export { createTestDatabase } from '../../../../tools/testing/database.ts'`,
  ],
  ['packages/cli/src/example.ts', `export { connect } from '@nokkel/server'`],
  ['packages/cli/src/example.ts', `export { serve } from '@nokkel/server/node'`],
  ['packages/cli/src/example.ts', `export { readFile } from 'node:fs'`],
  ['apps/web/src/example.tsx', `export { useSession } from '@nokkel/client/react'`],
  ['tools/example.ts', `export { createSandbox } from '@nokkel/sandbox'`],
  ['tests/e2e/example.test.ts', `export { createSandbox } from '@nokkel/sandbox'`],
  ['bench/example.ts', `export { createSandbox } from '@nokkel/sandbox'`],
]

const rules = /noRestrictedImports|noNodejsModules|plugin/

/** Lints every case as a file of its own below a copy of our configuration, and gives each file's broken rules. */
function lint(cases: readonly Case[]): string[][] {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const copy = mkdtempSync(join(tmpdir(), 'nokkel-boundaries-'))
  try {
    cpSync(join(root, 'biome.json'), join(copy, 'biome.json'))
    cpSync(join(root, 'tools/lint'), join(copy, 'tools/lint'), { recursive: true })
    const paths = cases.map(([path], index) => path.replace('example', `case-${index}`))
    for (const [index, path] of paths.entries()) {
      mkdirSync(dirname(join(copy, path)), { recursive: true })
      writeFileSync(join(copy, path), `${cases[index]?.[1]}\n`)
    }
    const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome')
    const options = ['lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none', '.']
    const { stdout } = spawnSync(process.execPath, [biome, ...options], { cwd: copy, encoding: 'utf8' })
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { category: string; location: { path: string } }[] }
    return paths.map((path) => diagnostics.filter(({ location }) => location.path === path).map((d) => d.category))
  } finally {
    rmSync(copy, { recursive: true })
  }
}

describe('import boundaries', () => {
  const found = lint([...refused, ...allowed])

  it.each(refused.map((each, index) => [...each, found[index]] as const))(
    'refuse %s: %s',
    (_path, _statement, broken) => {
      expect(broken).toContainEqual(expect.stringMatching(rules))
    },
  )

  it.each(allowed.map((each, index) => [...each, found[refused.length + index]] as const))(
    'allow %s: %s',
    (_path, _statement, broken) => {
      expect(broken).toEqual([])
    },
  )
})
