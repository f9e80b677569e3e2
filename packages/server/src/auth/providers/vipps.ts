import type { ProviderDefinition } from './provider.ts'

/** Vipps MobilePay Login. `sub` is per sales unit; a login is no electronic ID and has no assurance level. */
export const vipps: ProviderDefinition = {
  id: 'vipps',
  scopes: ['openid', 'name', 'phoneNumber', 'email', 'address'],
  shares: ['name', 'phoneNumber', 'email', 'address'],
  personnummerScope: 'nin',
  personnummerClaim: 'nin',
  verifiesPersonnummer: true,
  subjectClaim: 'sub',
  subjectScope: 'client',
  signingAlgorithm: 'RS256',
  authorizationParameters: {},
  readsUserinfo: true,
  meetsAssurance: () => true,
  // Errors are documented to come back as ?state=…?error=…
  repairCallback: (query) => query.replace(/\?(?=error=)/, '&'),
}
