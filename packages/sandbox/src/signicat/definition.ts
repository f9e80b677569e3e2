import { createPrivateKey } from 'node:crypto'
import { errors } from 'oidc-provider'
import type { ProviderDefinition } from '../provider-definition.ts'
import { withoutIssuer } from '../without-issuer.ts'
import { signicatIdToken, signicatUserinfo } from './claims.ts'
import { signicatTestKey } from './test-key.ts'

/** Signicat eID Hub: a broker of BankID. */
export function signicatDefinition(baseUrl: string): ProviderDefinition {
  const { kid } = signicatTestKey
  return {
    name: 'signicat',
    issuer: `${baseUrl}/signicat`,
    signingKey: { alg: 'RS256', kid, key: createPrivateKey({ key: signicatTestKey, format: 'jwk' }) },
    jwk: signicatTestKey,
    scopes: ['openid', 'profile', 'nin', 'nbid-extra', 'idp-id'],
    clientAuthentication: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    nationalNumberScope: 'nin',
    configuration: {
      acrValues: ['idp:nbid', 'nbid_idp:BID', 'nbid_idp:BIS'],
      features: { pushedAuthorizationRequests: { enabled: false } },
      routes: {
        authorization: '/connect/authorize',
        token: '/connect/token',
        userinfo: '/connect/userinfo',
        jwks: '/.well-known/openid-configuration/jwks',
      },
    },
    accessTokenSeconds: 600,
    announcedAccessTokenSeconds: 600,
    asksConsent: false,
    checkRequest({ acr_values: values = '' }) {
      // The real one lets the person choose among all eIDs it has.
      if (!values.split(' ').includes('idp:nbid')) throw new errors.InvalidRequest('acr_values must name idp:nbid')
    },
    discovery({ authorization_response_iss_parameter_supported: _, claims_supported: __, ...document }) {
      return {
        ...document,
        claims_supported: [
          ...['iss', 'sub', 'aud', 'exp', 'iat', 'sid', 'idp', 'amr', 'name', 'given_name', 'family_name', 'birthdate'],
          ...['nin', 'nin_type', 'nin_issuing_country', 'idp_id', 'nbid_sid', 'nbid_acr', 'nbid_amr', 'nbid_idp'],
          ...['nbid_alternative_subject', 'nbid_subject_uuid'],
        ],
      }
    },
    callback: withoutIssuer,
    idToken: signicatIdToken,
    userinfo: signicatUserinfo,
  }
}
