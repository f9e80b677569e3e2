import type { Scenario } from './scenario.ts'

export const wrongIssuer: Scenario = {
  title: { nb: 'ID-token: feil utsteder', en: 'ID Token: wrong issuer' },
  idToken: (claims) => ({ ...claims, iss: 'https://other-issuer.example' }),
}
