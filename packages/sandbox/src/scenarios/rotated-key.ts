import type { Scenario } from './scenario.ts'

export const rotatedKey: Scenario = {
  title: { nb: 'ID-token: signert med ny nøkkel', en: 'ID Token: signed with a new key' },
  rotatesKey: true,
}
