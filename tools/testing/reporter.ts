import type { SerializedError, UserConsoleLog } from 'vitest'
import type { Reporter, TestModule } from 'vitest/node'
import { oneEngineOnly } from './one-engine-only.ts'

interface Count {
  passed: number
  failed: number
  skipped: number
}

/**
 * Ends a run with what was proven where: tests per runtime and per database engine, executed Wycheproof cases per
 * runtime, what took longest, what failed and what passed only when tried again, and last a line `N passed, N failed`.
 *
 * A test counts for the runtime or engine its title names in brackets, `[pglite]`, `[postgres]`, `[supabase]` or `[deno]`,
 * else for its project. A run in which two runtimes executed a different number of Wycheproof cases, or none, has failed;
 * so has one in which a database test ran on one engine only and is not in the list that names those.
 */
export default class CountsReporter implements Reporter {
  #wycheproof = new Map<string, number>()

  onInit(): void {
    this.#wycheproof.clear()
  }

  onUserConsoleLog(log: UserConsoleLog): void {
    for (const [, runtime, cases] of log.content.matchAll(/^wycheproof (\w+): (\d+) cases/gm)) {
      if (runtime) this.#wycheproof.set(runtime, (this.#wycheproof.get(runtime) ?? 0) + Number(cases))
    }
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const lines: string[] = []
    let passed = 0
    let failed = unhandled.length
    for (const [place, count] of [...countTests(modules)].sort(([a], [b]) => a.localeCompare(b))) {
      passed += count.passed
      failed += count.failed
      lines.push(`${place.padEnd(24)} ${describeCount(count)}`)
    }
    for (const [runtime, cases] of this.#wycheproof) lines.push(`${`wycheproof ${runtime}`.padEnd(24)} ${cases} cases`)
    if (!sameCases(this.#wycheproof)) {
      lines.push('The runtimes executed different Wycheproof cases.')
      failed += 1
    }
    const single = onOneEngine(modules)
    if (single.length > 0) lines.push(`${'one engine only'.padEnd(24)} ${single.length} tests`)
    for (const title of single.filter((each) => oneEngineOnly[each] === undefined)) {
      lines.push(`one engine only: ${title}: not in the list of tools/testing/one-engine-only.ts`)
      failed += 1
    }
    lines.push(...slowest(modules), ...troubles(modules))
    if (failed > 0) process.exitCode = 1
    console.log(`\n${lines.join('\n')}\n${passed} passed, ${failed} failed`)
  }
}

function countTests(modules: readonly TestModule[]): Map<string, Count> {
  const counts = new Map<string, Count>()
  const countOf = (place: string) => {
    const count = counts.get(place) ?? { passed: 0, failed: 0, skipped: 0 }
    counts.set(place, count)
    return count
  }
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      const count = countOf(/\[(deno|pglite|postgres|supabase)\]/.exec(test.fullName)?.[1] ?? module.project.name)
      if (state !== 'pending') count[state] += 1
    }
    // A file that does not load, and a hook outside any test that throws, fails as one.
    const suites = [module, ...module.children.allSuites()]
    const broken = suites.filter((suite) => suite.errors().length > 0).length
    if (broken > 0) countOf(module.project.name).failed += broken
  }
  return counts
}

function slowest(modules: readonly TestModule[]): string[] {
  const took = modules.map((module) => ({ module, seconds: Math.round(module.diagnostic().duration / 1000) }))
  const most = took.filter(({ seconds }) => seconds >= 30).sort((a, b) => b.seconds - a.seconds)
  return most.slice(0, 15).map(({ module, seconds }) => `${`${seconds} s`.padEnd(24)} ${module.relativeModuleId}`)
}

/** What somebody has to look at, where a log is cut to its end. */
function troubles(modules: readonly TestModule[]): string[] {
  const named = (what: string, place: { project: { name: string } }, title: string, message = '') =>
    `${what.padEnd(24)} ${place.project.name}: ${title}${message && `: ${message.split('\n')[0]}`}`
  return modules.flatMap((module) => {
    const tests = [...module.children.allTests()].flatMap((test) => {
      const { state, errors } = test.result()
      const title = `${module.relativeModuleId} > ${test.fullName}`
      if (state === 'failed') return [named('failed', module, title, errors[0]?.message)]
      return test.diagnostic()?.flaky ? [named('passed when tried again', module, title)] : []
    })
    const suites = [module, ...module.children.allSuites()].flatMap((suite) => {
      return suite.errors().map(({ message }) => named('failed', module, module.relativeModuleId, message))
    })
    return [...suites, ...tests]
  })
}

/** Titles, without the engine, of the tests that ran on PGlite or on Postgres but not on both. */
function onOneEngine(modules: readonly TestModule[]): string[] {
  const engines = new Map<string, Set<string>>()
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const engine = /\[(pglite|postgres)\]/.exec(test.fullName)?.[1]
      if (engine === undefined) continue
      const title = test.fullName.replace(` [${engine}]`, '')
      engines.set(title, (engines.get(title) ?? new Set()).add(engine))
    }
  }
  return [...engines].filter(([, ran]) => ran.size === 1).map(([title]) => title)
}

const sameCases = (cases: ReadonlyMap<string, number>) =>
  new Set(cases.values()).size <= 1 && [...cases.values()].every((count) => count > 0)

const describeCount = ({ passed, failed, skipped }: Count) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
