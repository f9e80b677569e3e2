import type { Scenario } from './scenario.ts'

/** The scope is dropped without a word, as Vipps documents it in 2026. */
export const missingNin: Scenario = {
  title: { nb: 'Fødselsnummeret mangler', en: 'The national number is missing' },
  withheldClaims: ['nnin_altsub', 'nin', 'nin_type', 'nin_issuing_country', 'socialno'],
}
