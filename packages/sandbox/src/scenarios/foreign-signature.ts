import { generateKeyPair } from 'jose'
import type { Scenario } from './scenario.ts'

export const foreignSignature: Scenario = {
  title: { nb: 'ID-token: signert med fremmed nøkkel', en: 'ID Token: signed with a foreign key' },
  signingKey: async ({ alg, kid }) => ({ alg, kid, key: (await generateKeyPair(alg)).privateKey }),
}
