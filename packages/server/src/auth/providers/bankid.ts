import type { ProviderDefinition } from './provider.ts'

/** BankID OIDC API v4. Its `sub` is documented as unstable; `bankid_altsub` is the person. */
export const bankid: ProviderDefinition = {
  id: 'bankid',
  scopes: ['openid', 'profile'],
  shares: ['name', 'birthDate'],
  personnummerScope: 'nnin_altsub',
  personnummerClaim: 'nnin_altsub',
  verifiesPersonnummer: true,
  subjectClaim: 'bankid_altsub',
  subjectScope: 'provider',
  signingAlgorithm: 'ES256',
  authorizationParameters: { acr_values: 'urn:bankid:bid' },
  readsUserinfo: false,
  meetsAssurance: (acr) => acr === 'urn:bankid:bid;LOA=4',
  repairCallback: (query) => query,
}
