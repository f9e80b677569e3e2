import type { Scenario } from './scenario.ts'

export const userinfoSubMismatch: Scenario = {
  title: { nb: 'Userinfo gjelder en annen person', en: 'Userinfo is about another person' },
  userinfo: (claims) => ({ ...claims, sub: '00000000-0000-8000-8000-000000000000' }),
}
