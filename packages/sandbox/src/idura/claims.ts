import { atHash } from '../at-hash.ts'
import type { IdTokenRequest, Login } from '../login/login.ts'
import { type Address, fullName } from '../person.ts'
import type { Claims } from '../scenarios/scenario.ts'
import { bankidAltsub, iduraSubject } from '../subjects.ts'

const LIFETIME_SECONDS = 300

export const IDURA_BANKID = 'urn:grn:authn:no:bankid'
export const IDURA_VIPPS = 'urn:grn:authn:no:vipps'

/** The claims of the person are in the ID Token; userinfo repeats them. */
export function iduraIdToken(login: Login, request: IdTokenRequest): Claims {
  return {
    iss: request.issuer,
    aud: login.client.clientId,
    iat: request.issuedAt,
    exp: request.issuedAt + LIFETIME_SECONDS,
    nonce: request.nonce,
    at_hash: atHash(request.accessToken),
    sessionindex: login.sessionId,
    ...iduraUserinfo(login),
  }
}

export function iduraUserinfo(login: Login): Claims {
  const { person, client, scopes, acrValues } = login
  const [eid = ''] = acrValues
  const scheme = eid === IDURA_VIPPS ? 'novippslogin' : 'nobankid-oidc'
  const sub = iduraSubject(scheme, person.id)
  return {
    identityscheme: scheme,
    authenticationtype: eid,
    nameidentifier: sub.replace(/[{}-]/g, ''),
    sub,
    name: fullName(person),
    given_name: person.givenName,
    family_name: person.familyName,
    country: 'NO',
    ...(eid === IDURA_VIPPS
      ? vippsClaims(login)
      : { uniqueuserid: bankidAltsub(person.id), birthdate: person.birthDate, dateofbirth: person.birthDate }),
    ...(scopes.has('ssn') && client.nationalNumber && person.nationalNumber ? { socialno: person.nationalNumber } : {}),
  }
}

function vippsClaims({ person, scopes }: Login): Claims {
  const [address] = person.addresses
  return {
    ...(scopes.has('birthdate') ? { birthdate: person.birthDate } : {}),
    ...(scopes.has('email') ? { emailaddress: person.email, email: person.email } : {}),
    ...(scopes.has('phone') ? { mobilephone: person.phoneNumber, phone_number: person.phoneNumber } : {}),
    ...(scopes.has('address') && address ? { address: addressClaim(address) } : {}),
  }
}

const addressClaim = ({ street, postalCode, region, country }: Address): Claims => ({
  street_address: street,
  postal_code: postalCode,
  region,
  country,
  formatted: [street, postalCode, region, country].join('\n'),
})
