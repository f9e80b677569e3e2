import { encodeBase64Url } from './base64url.ts'
import { sha256 } from './bytes.ts'
import { type Clock, systemClock, unixSeconds } from './clock.ts'
import { CryptoError } from './errors.ts'
import { signJws, verifyJws } from './jws.ts'
import { assertName, encodeText } from './text.ts'
import type { Thumbprint } from './thumbprint.ts'

export interface CreateDpopProofOptions {
  /** The pair the token is bound to: the signing pair of the device. */
  readonly signer: CryptoKeyPair
  /** HTTP method of the request, in capitals. */
  readonly method: string
  /** URL of the request; query and fragment are left out of the proof. */
  readonly url: string | URL
  /** Given when the request carries this access token. */
  readonly accessToken?: string
  readonly now?: Clock
}

export interface VerifyDpopProofOptions {
  readonly method: string
  readonly url: string | URL
  /** The access token of the request, if it carries one: then the proof must name it. */
  readonly accessToken?: string
  readonly now: Clock
  /** Largest distance between `iat` and now, in either direction. Default 60. */
  readonly maxAgeSeconds?: number
}

/** What a valid proof says. Refuse a `jti` seen before from the same key until `expiresAt`. */
export interface VerifiedDpopProof {
  readonly jti: string
  readonly thumbprint: Thumbprint
  readonly expiresAt: Date
}

const jtiByteLength = 16
const jtiMaximumLength = 128

/**
 * Makes a DPoP proof: shows for one HTTP request that the sender holds the key its token is bound to.
 *
 * @throws {CryptoError} `key_unusable`: `signer` is not a P-256 key pair for ECDSA.
 * @throws {TypeError | RangeError} `method`, `url`, `accessToken` or `now` is not what its type says.
 *
 * @example
 * ```ts
 * const { signing } = await generateDeviceKeys()
 * const proof = await createDpopProof({ signer: signing, method: 'POST', url: 'https://keys.example.no/token' })
 * ```
 * @see RFC 9449 §4.2
 */
export async function createDpopProof(options: CreateDpopProofOptions): Promise<string> {
  const { signer, method, url, accessToken, now = systemClock } = options
  assertName(method, 'method')
  const payload = {
    jti: encodeBase64Url(crypto.getRandomValues(new Uint8Array(jtiByteLength))),
    htm: method,
    htu: targetUri(url),
    iat: unixSeconds(now),
    ...(accessToken === undefined ? {} : { ath: await accessTokenHash(accessToken) }),
  }
  return signJws(payload, signer, 'dpop+jwt')
}

/**
 * Verifies a DPoP proof for one request. The caller must then compare `thumbprint` with the key the token is bound to,
 * and refuse a `jti` used before.
 *
 * @throws {CryptoError} `signature_invalid`: not a proof, or of another method, URL, access token or time.
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @see RFC 9449 §4.3
 */
export async function verifyDpopProof(proof: string, options: VerifyDpopProofOptions): Promise<VerifiedDpopProof> {
  const { method, url, accessToken, now, maxAgeSeconds = 60 } = options
  assertName(method, 'method')
  const htu = targetUri(url)
  const seconds = unixSeconds(now)
  if (!(maxAgeSeconds > 0)) throw new RangeError('maxAgeSeconds must be above zero')
  const ath = accessToken === undefined ? undefined : await accessTokenHash(accessToken)
  const { payload, thumbprint } = await verifyJws(proof, 'dpop+jwt')
  const { jti, iat } = payload
  const fits =
    isJti(jti) &&
    isTime(iat) &&
    Math.abs(seconds - iat) <= maxAgeSeconds &&
    payload.htm === method &&
    sameTarget(payload.htu, htu) &&
    (ath === undefined || payload.ath === ath)
  if (!fits) throw new CryptoError('signature_invalid')
  return { jti, thumbprint, expiresAt: new Date((iat + maxAgeSeconds + 1) * 1000) }
}

function isJti(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= jtiMaximumLength
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function targetUri(url: string | URL): string {
  const target = new URL(url)
  target.search = ''
  target.hash = ''
  return target.href
}

function sameTarget(value: unknown, expected: string): boolean {
  return typeof value === 'string' && URL.canParse(value) && targetUri(value) === expected
}

async function accessTokenHash(accessToken: string): Promise<string> {
  assertName(accessToken, 'accessToken')
  return encodeBase64Url(await sha256(encodeText(accessToken)))
}
