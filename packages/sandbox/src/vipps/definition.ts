import { createPrivateKey } from 'node:crypto'
import type { ProviderDefinition } from '../provider-definition.ts'
import { withoutIssuer } from '../without-issuer.ts'
import { vippsIdToken, vippsUserinfo } from './claims.ts'
import { checkVippsRequest, vippsParameters } from './request.ts'
import { testRsaKey } from './test-key.ts'

const MOUNT = '/vipps/access-management-1.0/access/'

/** Where the sandbox Vipps serves userinfo, outside its issuer and below the base path. */
export const VIPPS_USERINFO = '/vipps/vipps-userinfo-api/userinfo'

/** The same within the provider. */
export const VIPPS_USERINFO_ROUTE = '/vipps-userinfo-api/userinfo'

/** Vipps MobilePay Login API, as its discovery document is in 2026. */
export function vippsDefinition(baseUrl: string): ProviderDefinition {
  const { kid } = testRsaKey
  return {
    name: 'vipps',
    issuer: `${baseUrl}${MOUNT}`,
    signingKey: { alg: 'RS256', kid, key: createPrivateKey({ key: testRsaKey, format: 'jwk' }) },
    jwk: testRsaKey,
    scopes: ['openid', 'name', 'phoneNumber', 'email', 'address', 'birthDate', 'gender', 'nin'],
    clientAuthentication: ['client_secret_basic', 'client_secret_post'],
    nationalNumberScope: null,
    configuration: {
      acrValues: ['urn:vipps:acr:app_auth'],
      features: {
        pushedAuthorizationRequests: { enabled: false },
        revocation: { enabled: true, allowedPolicy: async (_, client, token) => token.clientId === client.clientId },
      },
      routes: {
        authorization: '/oauth2/auth',
        token: '/oauth2/token',
        revocation: '/oauth2/revoke',
        jwks: '/.well-known/jwks.json',
        userinfo: VIPPS_USERINFO_ROUTE,
      },
    },
    // Documented as usable for ten minutes, whatever expires_in says.
    accessTokenSeconds: 600,
    announcedAccessTokenSeconds: 3599,
    asksConsent: true,
    parameters: vippsParameters,
    checkRequest: checkVippsRequest,
    discovery({ authorization_response_iss_parameter_supported: _, ...document }) {
      return {
        ...document,
        userinfo_endpoint: `${baseUrl}${VIPPS_USERINFO}`,
        grant_types_supported: ['authorization_code'],
        response_modes_supported: ['query'],
        claims_supported: [
          ...['iss', 'sub', 'aud', 'exp', 'iat', 'acr', 'sid', 'name', 'given_name', 'family_name', 'birthdate'],
          ...['phone_number', 'phone_number_verified', 'email', 'email_verified', 'address', 'other_addresses'],
          ...['gender', 'nin'],
        ],
      }
    },
    callback(url, scope) {
      const callback = new URL(withoutIssuer(url))
      if (scope && callback.searchParams.has('code')) callback.searchParams.set('scope', scope)
      return callback.href
    },
    idToken: vippsIdToken,
    userinfo: vippsUserinfo,
  }
}
