import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

interface DenoReport {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const { report, output } = await runCryptoSuite()

describe('crypto suite [deno]', () => {
  it('finds the suite', () => {
    expect(report.testResults.length, output).toBeGreaterThan(0)
  })
})

describe.each(report.testResults)('$name [deno]', ({ name, status, message, assertionResults }) => {
  it('loads', () => {
    expect({ status, message }, relative(root, name)).toMatchObject({ status: 'passed' })
  })
  it.each(assertionResults)('$fullName', ({ status, failureMessages }) => {
    expect({ status, failureMessages }).toEqual({ status: 'passed', failureMessages: [] })
  })
})

/** The whole of vitest runs in Deno: Node cannot read the messages of a Deno worker. */
async function runCryptoSuite(): Promise<{ report: DenoReport; output: string }> {
  const require = createRequire(import.meta.url)
  const directory = mkdtempSync(join(tmpdir(), 'nokkel-deno-'))
  const reportFile = join(directory, 'report.json')
  const child = spawn(
    require.resolve('deno/deno'),
    [
      ...['run', '--allow-all', '--node-modules-dir=manual', '--cached-only'],
      ...[join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--config', join(root, 'tools/testing/deno.config.ts')],
      ...['--reporter=default', '--reporter=json', `--outputFile=${reportFile}`],
    ],
    {
      cwd: root,
      env: { ...withoutVitest(process.env), DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let output = ''
  const collect = (text: string) => {
    output += text
  }
  child.stdout.setEncoding('utf8').on('data', collect)
  child.stderr.setEncoding('utf8').on('data', collect)
  await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject))
  for (const [line] of output.matchAll(/^wycheproof .*$/gm)) console.log(line)
  try {
    return { report: JSON.parse(readFileSync(reportFile, 'utf8')) as DenoReport, output }
  } catch (cause) {
    throw new Error(`The suite did not run in Deno: ${output.trim()}`, { cause })
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Our own runner's settings would be taken for those of the inner one. */
function withoutVitest(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(VITEST|VITE|TEST|NODE_ENV|PROD|DEV|SSR|MODE|BASE_URL)/.test(name)),
  )
}
