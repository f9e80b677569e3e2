import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { errors } from 'oidc-provider'
import type { ProviderDefinition } from '../provider-definition.ts'
import { bankidIdToken, bankidUserinfo } from './claims.ts'

const MOUNT = '/bankid/auth/realms/current'
const CONNECT = '/protocol/openid-connect'

/** BankID OIDC, API version 4 (in force since October 2025). */
export function bankidDefinition(baseUrl: string): ProviderDefinition {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const kid = randomUUID()
  return {
    name: 'bankid',
    issuer: `${baseUrl}${MOUNT}`,
    signingKey: { alg: 'ES256', kid, key: privateKey },
    jwk: { ...privateKey.export({ format: 'jwk' }), kty: 'EC', alg: 'ES256', use: 'sig', kid },
    scopes: ['openid', 'profile', 'nnin_altsub'],
    clientAuthentication: ['private_key_jwt', 'client_secret_basic', 'client_secret_post'],
    nationalNumberScope: 'nnin_altsub',
    configuration: {
      acrValues: ['urn:bankid:bid', 'urn:bankid:bis'],
      claims: { profile: ['name', 'given_name', 'family_name', 'birthdate'], nnin_altsub: ['nnin_altsub'] },
      routes: {
        authorization: `${CONNECT}/auth`,
        token: `${CONNECT}/token`,
        userinfo: `${CONNECT}/userinfo`,
        jwks: `${CONNECT}/certs`,
        pushed_authorization_request: `${CONNECT}/ext/par/request`,
      },
    },
    accessTokenSeconds: 300,
    announcedAccessTokenSeconds: 300,
    asksConsent: false,
    parameters: ['app_callback_uri'],
    checkRequest({ state, nonce, login_hint: hint, app_callback_uri: appCallbackUri }, { pushed, responseType }) {
      if (!state) throw new errors.InvalidRequest('state is required')
      if (!nonce) throw new errors.InvalidRequest('nonce is required')
      // Since version 4 it is in the query although the request was pushed.
      if (responseType !== 'code') throw new errors.InvalidRequest('response_type is required')
      if (/\d{11}/.test(hint ?? '') && !pushed) throw new errors.InvalidRequest('login_hint must be pushed')
      // A universal link of iOS.
      if (appCallbackUri !== undefined && !appCallbackUri.startsWith('https://')) {
        throw new errors.InvalidRequest('app_callback_uri must be https')
      }
    },
    discovery: ({ claims_supported: _, ...document }) => ({
      ...document,
      claims_supported: [
        ...['iss', 'sub', 'aud', 'exp', 'iat', 'acr', 'amr', 'azp', 'sid', 'typ', 'api_ver', 'bankid_altsub'],
        ...['name', 'given_name', 'family_name', 'birthdate', 'nnin_altsub'],
      ],
    }),
    callback: (url) => url,
    idToken: bankidIdToken,
    userinfo: bankidUserinfo,
  }
}
