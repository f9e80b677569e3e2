import type { Scenario } from './scenario.ts'

export const wrongNonce: Scenario = {
  title: { nb: 'ID-token: feil nonce', en: 'ID Token: wrong nonce' },
  idToken: (claims) => ({ ...claims, nonce: 'nonce-of-another-login' }),
}
