import type { Scenario } from './scenario.ts'

export const unverifiedContact: Scenario = {
  title: { nb: 'Telefon og e-post er ikke bekreftet', en: 'Phone and e-mail are not verified' },
  providers: ['vipps'],
  userinfo: (claims) => ({
    ...claims,
    ...('phone_number' in claims ? { phone_number_verified: false } : {}),
    ...('email' in claims ? { email_verified: false } : {}),
  }),
}
