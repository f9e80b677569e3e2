import { createPrivateKey } from 'node:crypto'
import { errors } from 'oidc-provider'
import type { ProviderDefinition } from '../provider-definition.ts'
import { withoutIssuer } from '../without-issuer.ts'
import { IDURA_BANKID, IDURA_VIPPS, iduraIdToken, iduraUserinfo } from './claims.ts'
import { iduraTestKey } from './test-key.ts'

const EIDS = [IDURA_BANKID, `${IDURA_BANKID}:high`, `${IDURA_BANKID}:substantial`, IDURA_VIPPS]

/** Idura Verify: a broker of BankID and Vipps, with the scope strategy `dynamic`. One tenant. */
export function iduraDefinition(baseUrl: string): ProviderDefinition {
  const { kid } = iduraTestKey
  return {
    name: 'idura',
    issuer: `${baseUrl}/idura`,
    signingKey: { alg: 'RS256', kid, key: createPrivateKey({ key: iduraTestKey, format: 'jwk' }) },
    jwk: iduraTestKey,
    scopes: ['openid', 'ssn', 'address', 'email', 'phone', 'birthdate'],
    clientAuthentication: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    nationalNumberScope: null,
    configuration: {
      acrValues: EIDS,
      features: { pushedAuthorizationRequests: { enabled: false } },
      routes: {
        authorization: '/oauth2/authorize',
        token: '/oauth2/token',
        userinfo: '/oauth2/userinfo',
        jwks: '/.well-known/jwks',
      },
    },
    accessTokenSeconds: 300,
    announcedAccessTokenSeconds: 300,
    asksConsent: false,
    checkRequest({ acr_values: eid }) {
      // The real one lets the person choose among all eIDs it has.
      if (!EIDS.includes(eid ?? '')) throw new errors.InvalidRequest('acr_values must be one eID of Norway')
    },
    discovery({ authorization_response_iss_parameter_supported: _, claims_supported: __, ...document }) {
      return {
        ...document,
        claims_supported: [
          ...['iss', 'sub', 'aud', 'exp', 'iat', 'identityscheme', 'authenticationtype', 'nameidentifier'],
          ...['uniqueuserid', 'socialno', 'name', 'given_name', 'family_name', 'birthdate', 'country'],
          ...['emailaddress', 'mobilephone', 'address'],
        ],
      }
    },
    callback: withoutIssuer,
    idToken: iduraIdToken,
    userinfo: iduraUserinfo,
  }
}
