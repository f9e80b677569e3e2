import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../packages.ts'

/** Runs a suite of these files with the reporter; gives how it ended and its last lines. */
function run(files: Record<string, string>): { status: number | null; summary: string[] } {
  mkdirSync(join(root, 'test-output'), { recursive: true })
  const directory = mkdtempSync(join(root, 'test-output/reporter-'))
  try {
    for (const [name, body] of Object.entries(files)) {
      writeFileSync(join(directory, name), `import { beforeAll, describe, expect, it } from 'vitest'\n${body}`)
    }
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const options = ['run', '--root', directory, '--reporter', join(root, 'tools/testing/reporter.ts')]
    const { status, stdout } = spawnSync(process.execPath, [vitest, ...options], { cwd: directory, encoding: 'utf8' })
    const lines = stdout.trimEnd().split('\n')
    return { status, summary: lines.slice(lines.findIndex((line) => /\d passed/.test(line))) }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

describe('counts reporter', () => {
  it('counts per engine, and ends with the total', () => {
    const { status, summary } = run({
      'a.test.ts': `
        describe.each(['pglite', 'postgres'])('rows [%s]', () => it('are read', () => expect(1).toBe(1)))
        it('is plain', () => console.log('wycheproof node: 3 cases'))`,
    })
    expect(summary).toEqual([
      expect.stringMatching(/^ +1 passed, 0 failed$/),
      expect.stringMatching(/^pglite +1 passed, 0 failed$/),
      expect.stringMatching(/^postgres +1 passed, 0 failed$/),
      expect.stringMatching(/^wycheproof node +3 cases$/),
      '3 passed, 0 failed',
    ])
    expect(status).toBe(0)
  })

  it('counts a failed test, a file that does not load, a hook and an error outside any test', () => {
    const { status, summary } = run({
      'a.test.ts': `it('fails', () => expect(1).toBe(2))`,
      'b.test.ts': `import './missing.ts'`,
      'c.test.ts': `describe('group', () => { beforeAll(() => { throw new Error('no') }); it('never runs', () => undefined) })`,
      'd.test.ts': `it('passes', () => { setTimeout(() => { throw new Error('late') }); return new Promise((done) => setTimeout(done, 50)) })`,
    })
    expect(summary.at(-1)).toBe('1 passed, 4 failed')
    expect(summary).toContainEqual(expect.stringMatching(/^failed +: a\.test\.ts > fails: expected 1 to be 2/))
    expect(summary).toContainEqual(expect.stringMatching(/^failed +: b\.test\.ts: .*missing\.ts/))
    expect(summary).toContainEqual(expect.stringMatching(/^failed +: c\.test\.ts: no$/))
    expect(status).toBe(1)
  })

  it('names what passed only when it was tried again', () => {
    const { status, summary } = run({
      'a.test.ts': `let tries = 0; it('passes at last', { retry: 1 }, () => expect(tries++).toBe(1))`,
    })
    expect(summary).toContainEqual(expect.stringMatching(/^passed when tried again +: a\.test\.ts > passes at last$/))
    expect(summary.at(-1)).toBe('1 passed, 0 failed')
    expect(status).toBe(0)
  })

  it('fails when runtimes executed different Wycheproof cases', () => {
    const { status, summary } = run({
      'a.test.ts': `it('logs', () => { console.log('wycheproof node: 3 cases'); console.log('wycheproof deno: 2 cases') })`,
    })
    expect(summary.at(-1)).toBe('1 passed, 1 failed')
    expect(status).toBe(1)
  })

  it('fails when a database test runs on one engine only and is not listed', () => {
    const { status, summary } = run({
      'a.test.ts': `
        describe.each(['pglite', 'postgres'])('rows [%s]', (engine) => {
          it('are read', () => expect(1).toBe(1))
          if (engine === 'postgres') it('wait', () => expect(1).toBe(1))
        })`,
    })
    expect(summary).toContainEqual(expect.stringMatching(/^one engine only: rows > wait: not in the list/))
    expect(summary.at(-1)).toBe('3 passed, 1 failed')
    expect(status).toBe(1)
  })
})
