import type { Scenario } from './scenario.ts'

export const wrongAudience: Scenario = {
  title: { nb: 'ID-token: feil mottaker', en: 'ID Token: wrong audience' },
  idToken: (claims) => ({ ...claims, aud: Array.isArray(claims.aud) ? ['another-client'] : 'another-client' }),
}
