import type { Scenario } from './scenario.ts'

export const expiredIdToken: Scenario = {
  title: { nb: 'ID-token: utløpt', en: 'ID Token: expired' },
  idToken: (claims) => ({ ...claims, iat: Number(claims.iat) - 7200, exp: Number(claims.iat) - 3600 }),
}
