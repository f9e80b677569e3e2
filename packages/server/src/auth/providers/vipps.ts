import type { ProviderDefinition } from './provider.ts'

const appConfirmation = 'urn:vipps:acr:app_auth'

const common = {
  id: 'vipps',
  shares: ['name', 'phoneNumber', 'email', 'address'],
  verifiesPersonnummer: true,
  subjectClaim: 'sub',
  signingAlgorithm: 'RS256',
  highestAssurance: 'low',
} as const

/** Vipps MobilePay Login. `sub` is per sales unit; a login is no electronic ID and has no assurance level. */
export const vipps: ProviderDefinition = {
  ...common,
  scopes: ['openid', 'name', 'phoneNumber', 'email', 'address'],
  personnummerScope: 'nin',
  personnummerClaim: 'nin',
  subjectForm: /^[\x21-\x7e]{1,255}$/,
  subjectOwner: (clientId) => clientId,
  fixedClaims: {},
  readsUserinfo: true,
  acrClaim: 'acr',
  acrValues: ({ confirmInApp }) => (confirmInApp ? appConfirmation : undefined),
  meetsDemand: (acr, { minimumAssurance, confirmInApp }) =>
    minimumAssurance === 'low' && (acr === appConfirmation || !confirmInApp),
  flows: {
    automatic_return: (_, redirectUri) => ({
      redirectUri,
      parameters: { requested_flow: 'automatic_return_from_vipps_app' },
    }),
    app_to_app: ({ appRedirectUri, appCallbackUri }) =>
      appRedirectUri && appCallbackUri
        ? {
            redirectUri: appRedirectUri,
            parameters: {
              requested_flow: 'app_to_app',
              app_callback_uri: appCallbackUri,
              final_redirect_is_app: 'true',
            },
          }
        : undefined,
    app_to_app_v2: ({ appRedirectUri }) =>
      appRedirectUri
        ? {
            redirectUri: appRedirectUri,
            parameters: { requested_flow: 'app_to_app_v2', final_redirect_is_app: 'true' },
          }
        : undefined,
  },
  parametersOf: ({ market }) => (market ? { market } : {}),
  // Errors are documented to come back as ?state=…?error=…
  repairCallback: (query) => query.replace(/\?(?=error=)/, '&'),
}

/**
 * Vipps by way of Idura. `sub` is per tenant of Idura, which says of nothing that it has been verified: phone and e-mail would be of
 * no use, and are not asked for.
 */
export const vippsByIdura: ProviderDefinition = {
  ...common,
  shares: ['name', 'address'],
  scopes: ['openid', 'address'],
  personnummerScope: 'ssn',
  personnummerClaim: 'socialno',
  // A GUID, written in braces.
  subjectForm: /^\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$/,
  subjectOwner: (clientId) => `idura:${clientId}`,
  fixedClaims: { identityscheme: 'novippslogin' },
  readsUserinfo: false,
  acrClaim: 'authenticationtype',
  acrValues: () => 'urn:grn:authn:no:vipps',
  meetsDemand: (_, { minimumAssurance, confirmInApp }) => minimumAssurance === 'low' && !confirmInApp,
  flows: {},
  parametersOf: () => ({}),
  repairCallback: (query) => query,
}
