import type { Scenario } from './scenario.ts'

export const lowAcr: Scenario = {
  title: { nb: 'ID-token: for lavt sikkerhetsnivå', en: 'ID Token: assurance level too low' },
  idToken({ acr: _, ...claims }, { provider }) {
    return provider === 'bankid' ? { ...claims, acr: 'urn:bankid:bis;LOA=3', amr: ['bis'] } : claims
  },
}
