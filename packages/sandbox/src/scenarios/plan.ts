import type { Person } from '../person.ts'
import { isScenario, type ScenarioName, scenario } from './index.ts'
import type { ProviderName, Scenario } from './scenario.ts'

export interface ScenarioSettings {
  /** Only the next login. Default: every login until changed. */
  readonly once?: boolean
  /** How late `slow-token` and `slow-userinfo` answer. Default 5000. */
  readonly delayMilliseconds?: number
  /** What `failing-token` and `failing-userinfo` answer with. Default 503. */
  readonly status?: 500 | 503
}

/** The scenario of one login and its settings. */
export interface ChosenScenario {
  readonly scenario: Scenario
  readonly delayMilliseconds: number
  readonly status: 500 | 503
}

export interface ScenarioPlan {
  set(name: ScenarioName | null, settings?: ScenarioSettings): void
  /** Takes the first of `requested` that names a scenario, else that of the person, else what was set. */
  choose(requested: readonly (string | undefined)[], person: Person): ChosenScenario
}

const wellBehaved: Scenario = { title: { nb: 'Alt går bra', en: 'All goes well' } }

export function createScenarioPlan(provider: ProviderName): ScenarioPlan {
  let planned: { readonly name: ScenarioName; readonly settings: ScenarioSettings } | null = null

  return {
    set(name, settings = {}) {
      if (name !== null && !isScenario(provider, name)) throw new TypeError(`name is not a scenario of ${provider}`)
      planned = name === null ? null : { name, settings }
    },
    choose(requested, person) {
      const candidates = [...requested, person.scenario, planned?.name]
      const name = candidates.find((candidate) => candidate !== undefined && isScenario(provider, candidate))
      const { once, delayMilliseconds = 5000, status = 503 } = planned?.name === name ? (planned?.settings ?? {}) : {}
      if (once) planned = null
      return { scenario: name ? scenario(name as ScenarioName) : wellBehaved, delayMilliseconds, status }
    },
  }
}
