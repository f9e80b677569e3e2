import type { Scenario } from './scenario.ts'

export const missingNin: Scenario = {
  title: { nb: 'Fødselsnummeret mangler', en: 'The national number is missing' },
  withheldClaims: ['nnin_altsub', 'nin'],
}
