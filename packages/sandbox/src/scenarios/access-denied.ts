import type { Scenario } from './scenario.ts'

export const accessDenied: Scenario = {
  title: { nb: 'Avslag: innloggingen blir avvist', en: 'Refusal: the login is denied' },
  refusal: { error: 'access_denied', description: 'The login was refused' },
}
