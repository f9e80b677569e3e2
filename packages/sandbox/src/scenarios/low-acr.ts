import type { Claims, Scenario } from './scenario.ts'

/** What each provider says of a BankID with biometrics. */
const substantial: Claims = {
  acr: 'urn:bankid:bis;LOA=3',
  amr: ['bis'],
  authenticationtype: 'urn:grn:authn:no:bankid:substantial',
  nbid_acr: 'urn:bankid:bis;LOA=3',
  nbid_amr: 'bis',
  nbid_idp: 'BIS',
}

const lower = (claims: Claims): Claims =>
  Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, substantial[name] ?? value]))

export const lowAcr: Scenario = {
  title: { nb: 'For lavt sikkerhetsnivå', en: 'Assurance level too low' },
  providers: ['bankid', 'idura', 'signicat'],
  idToken: lower,
  userinfo: lower,
}
