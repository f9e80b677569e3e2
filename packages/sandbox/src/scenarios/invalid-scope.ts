import type { Scenario } from './scenario.ts'

/** What Vipps answered in 2023 when a sales unit asked for more than it may. */
export const invalidScope: Scenario = {
  title: { nb: 'Fødselsnummeret blir nektet (invalid_scope)', en: 'The national number is refused (invalid_scope)' },
  providers: ['vipps'],
  refusal: { error: 'invalid_scope', description: 'The requested scope is not allowed', scope: 'nin' },
}
