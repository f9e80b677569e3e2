import { randomUUID } from 'node:crypto'
import { atHash } from '../at-hash.ts'
import type { IdTokenRequest, Login } from '../login/login.ts'
import { type Address, fullName, type Person } from '../person.ts'
import type { Claims } from '../scenarios/scenario.ts'
import { vippsSubject } from '../subjects.ts'

const LIFETIME_SECONDS = 3600
const APP_AUTHENTICATION = 'urn:vipps:acr:app_auth'

export function vippsIdToken({ person, client, acrValues }: Login, request: IdTokenRequest): Claims {
  return {
    iss: request.issuer,
    aud: [client.clientId],
    sub: vippsSubject(client.clientId, person.id),
    iat: request.issuedAt,
    rat: request.issuedAt,
    auth_time: request.issuedAt,
    exp: request.issuedAt + LIFETIME_SECONDS,
    jti: randomUUID(),
    nonce: request.nonce ?? '',
    at_hash: atHash(request.accessToken),
    msn: client.merchantSerialNumber ?? '000000',
    ...(acrValues.includes(APP_AUTHENTICATION) ? { acr: APP_AUTHENTICATION } : {}),
  }
}

export function vippsUserinfo({ person, client, scopes, sessionId }: Login): Claims {
  const claims: Claims = { sub: vippsSubject(client.clientId, person.id), sid: sessionId }
  for (const [scope, claimsOfScope] of Object.entries(claimsByScope)) {
    if (scopes.has(scope)) Object.assign(claims, claimsOfScope(person))
  }
  if (scopes.has('nin') && client.nationalNumber && person.nationalNumber) claims.nin = person.nationalNumber
  return claims
}

const claimsByScope: Record<string, (person: Person) => Claims> = {
  name: (person) => ({
    name: fullName(person),
    given_name: person.givenName,
    family_name: person.familyName,
  }),
  phoneNumber: (person) => ({ phone_number: person.phoneNumber, phone_number_verified: true }),
  email: (person) => ({ email: person.email, email_verified: true }),
  birthDate: (person) => ({ birthdate: person.birthDate }),
  gender: (person) => ({ gender: person.gender }),
  address: ({ addresses: [first, ...others] }) => ({
    address: first ? addressClaim(first) : emptyAddress,
    other_addresses: others.map(addressClaim),
  }),
}

/** What Vipps sends of a person without an address. */
export const emptyAddress = {
  address_type: '',
  country: '',
  formatted: '',
  postal_code: '',
  region: '',
  street_address: '',
}

function addressClaim(address: Address): Record<keyof typeof emptyAddress, string> {
  return {
    address_type: address.type,
    country: address.country,
    formatted: [address.street, address.postalCode, address.region, address.country].join('\n'),
    postal_code: address.postalCode,
    region: address.region,
    street_address: address.street,
  }
}
