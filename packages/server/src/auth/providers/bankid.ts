import { type Demand, EVERY_CLIENT, type ProviderDefinition } from './provider.ts'

const high = 'urn:bankid:bid;LOA=4'
const substantial = 'urn:bankid:bis;LOA=3'

/** BankID by any way: who a person is, and how sure that is. */
const common = {
  id: 'bankid',
  shares: ['name', 'birthDate'],
  verifiesPersonnummer: true,
  // The personal identifier of BankID: its issuer's number, and the person's.
  subjectForm: /^9578(?:-\d{1,12}){3}$/,
  subjectOwner: () => EVERY_CLIENT,
  highestAssurance: 'high',
  repairCallback: (query: string) => query,
} as const

/** Where biometrics suffice they may be used; else the level is the highest, though less might do. */
const takesBiometrics = ({ minimumAssurance }: Demand) => minimumAssurance === 'substantial'

/** BankID OIDC API v4. Its `sub` is documented as unstable; `bankid_altsub` is the person. */
export const bankid: ProviderDefinition = {
  ...common,
  scopes: ['openid', 'profile'],
  personnummerScope: 'nnin_altsub',
  personnummerClaim: 'nnin_altsub',
  subjectClaim: 'bankid_altsub',
  fixedClaims: {},
  signingAlgorithm: 'ES256',
  readsUserinfo: false,
  acrClaim: 'acr',
  acrValues: (demand) => (takesBiometrics(demand) ? 'urn:bankid:bis urn:bankid:bid' : 'urn:bankid:bid'),
  meetsDemand: (acr, demand) => acr === high || (acr === substantial && takesBiometrics(demand)),
  flows: {
    // Where the app of BankID does not return by itself: iOS. It takes a universal link.
    app_to_app: ({ appRedirectUri, appCallbackUri }) =>
      appRedirectUri && appCallbackUri?.startsWith('https:')
        ? { redirectUri: appRedirectUri, parameters: { app_callback_uri: appCallbackUri } }
        : undefined,
    app_to_app_v2: ({ appRedirectUri }) =>
      appRedirectUri ? { redirectUri: appRedirectUri, parameters: {} } : undefined,
  },
  parametersOf: () => ({}),
  loginHint: (personnummer) => `:${personnummer}`,
}

/** BankID by way of Idura. `sub` is per tenant; `uniqueuserid` is the `bankid_altsub`. */
export const bankidByIdura: ProviderDefinition = {
  ...common,
  scopes: ['openid'],
  personnummerScope: 'ssn',
  personnummerClaim: 'socialno',
  subjectClaim: 'uniqueuserid',
  fixedClaims: { identityscheme: 'nobankid-oidc' },
  signingAlgorithm: 'RS256',
  readsUserinfo: false,
  acrClaim: 'authenticationtype',
  acrValues: (demand) => `urn:grn:authn:no:bankid:${takesBiometrics(demand) ? 'substantial' : 'high'}`,
  meetsDemand: (acr, demand) =>
    acr === 'urn:grn:authn:no:bankid:high' ||
    (acr === 'urn:grn:authn:no:bankid:substantial' && takesBiometrics(demand)),
  flows: {},
  parametersOf: () => ({}),
}

/** BankID by way of Signicat, which tells of the person in userinfo. */
export const bankidBySignicat: ProviderDefinition = {
  ...common,
  scopes: ['openid', 'profile', 'nbid-extra', 'idp-id'],
  personnummerScope: 'nin',
  personnummerClaim: 'nin',
  subjectClaim: 'nbid_alternative_subject',
  fixedClaims: {},
  signingAlgorithm: 'RS256',
  readsUserinfo: true,
  acrClaim: 'nbid_acr',
  acrValues: (demand) => (takesBiometrics(demand) ? 'idp:nbid' : 'idp:nbid nbid_idp:BID'),
  meetsDemand: bankid.meetsDemand,
  flows: {},
  parametersOf: () => ({}),
}
