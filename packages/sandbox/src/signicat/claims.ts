import { atHash } from '../at-hash.ts'
import type { IdTokenRequest, Login } from '../login/login.ts'
import { fullName } from '../person.ts'
import type { Claims } from '../scenarios/scenario.ts'
import { bankidAltsub, bankidSubject, signicatSubject } from '../subjects.ts'

const LIFETIME_SECONDS = 600
const BIOMETRIC = 'nbid_idp:BIS'

/** The ID Token only names the person, as it does by default. */
export function signicatIdToken({ person, client, sessionId }: Login, request: IdTokenRequest): Claims {
  return {
    iss: request.issuer,
    aud: client.clientId,
    nbf: request.issuedAt,
    iat: request.issuedAt,
    auth_time: request.issuedAt,
    exp: request.issuedAt + LIFETIME_SECONDS,
    nonce: request.nonce,
    at_hash: atHash(request.accessToken),
    sid: sessionId,
    sub: signicatSubject(client.clientId, person.id),
    idp: 'nbid',
    amr: ['external'],
  }
}

export function signicatUserinfo({ person, client, scopes, acrValues, sessionId }: Login): Claims {
  const altsub = bankidAltsub(person.id)
  const biometric = acrValues.includes(BIOMETRIC)
  return {
    sub: signicatSubject(client.clientId, person.id),
    ...(scopes.has('profile')
      ? {
          name: fullName(person),
          given_name: person.givenName,
          family_name: person.familyName,
          birthdate: person.birthDate,
        }
      : {}),
    ...(scopes.has('idp-id') ? { idp_id: altsub } : {}),
    ...(scopes.has('nbid-extra')
      ? {
          nbid_sid: sessionId,
          nbid_acr: biometric ? 'urn:bankid:bis;LOA=3' : 'urn:bankid:bid;LOA=4',
          nbid_amr: biometric ? 'bis' : 'bid',
          nbid_idp: biometric ? 'BIS' : 'BID',
          nbid_alternative_subject: altsub,
          nbid_subject_uuid: bankidSubject('signicat', person.id),
        }
      : {}),
    ...(scopes.has('nin') && client.nationalNumber && person.nationalNumber
      ? { nin: person.nationalNumber, nin_type: 'BIRTH', nin_issuing_country: 'NO' }
      : {}),
  }
}
