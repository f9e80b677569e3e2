import type { Scenario } from './scenario.ts'

export const expiredCode: Scenario = {
  title: { nb: 'Koden er utløpt når den brukes', en: 'The code has expired when it is used' },
  authorizationCode: (code) => code.destroy(),
}
