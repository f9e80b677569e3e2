import { randomUUID } from 'node:crypto'
import { atHash } from '../at-hash.ts'
import type { IdTokenRequest, Login } from '../login/login.ts'
import { fullName } from '../person.ts'
import type { Claims } from '../scenarios/scenario.ts'
import { bankidAltsub, bankidSubject } from '../subjects.ts'

const LIFETIME_SECONDS = 300
const BIOMETRIC = 'urn:bankid:bis'

export function bankidIdToken(login: Login, request: IdTokenRequest): Claims {
  const { person, client, scopes, acrValues } = login
  const biometric = acrValues[0] === BIOMETRIC
  return {
    iss: request.issuer,
    aud: client.clientId,
    azp: client.clientId,
    iat: request.issuedAt,
    exp: request.issuedAt + LIFETIME_SECONDS,
    jti: randomUUID(),
    nonce: request.nonce,
    at_hash: atHash(request.accessToken),
    typ: 'ID',
    api_ver: 'v4',
    acr: biometric ? `${BIOMETRIC};LOA=3` : 'urn:bankid:bid;LOA=4',
    amr: [biometric ? 'bis' : 'bid'],
    sid: login.sessionId,
    ...bankidUserinfo(login),
    ...(scopes.has('nnin_altsub') && client.nationalNumber && person.nationalNumber
      ? { nnin_altsub: person.nationalNumber }
      : {}),
  }
}

export function bankidUserinfo({ person, client, scopes }: Login): Claims {
  return {
    sub: bankidSubject(client.clientId, person.id),
    bankid_altsub: bankidAltsub(person.id),
    ...(scopes.has('profile')
      ? {
          name: fullName(person),
          given_name: person.givenName,
          family_name: person.familyName,
          birthdate: person.birthDate,
        }
      : {}),
  }
}
