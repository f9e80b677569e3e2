import type { Scenario } from './scenario.ts'

/** The browser was remembered, although confirmation in the app was asked for. */
export const noAppConfirmation: Scenario = {
  title: { nb: 'Ikke bekreftet i appen', en: 'Not confirmed in the app' },
  providers: ['vipps'],
  withheldClaims: ['acr'],
}
