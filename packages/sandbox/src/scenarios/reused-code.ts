import type { Scenario } from './scenario.ts'

export const reusedCode: Scenario = {
  title: { nb: 'Koden er allerede brukt', en: 'The code has been used already' },
  authorizationCode: (code) => code.consume(),
}
