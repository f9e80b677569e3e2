import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { type Bytes, sha256 } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { signEs256, verifyEs256 } from './hazmat/es256.ts'
import { encodeJson, parseJson } from './json.ts'
import { assertKeyPair } from './key-pair.ts'
import { hasExactly } from './members.ts'
import { assertPublicJwk, exportPublicJwk, importSigningKey, type PublicJwk } from './public-jwk.ts'
import { encodeText } from './text.ts'
import { calculateThumbprint, type Thumbprint } from './thumbprint.ts'

const types = [
  'nokkel-assignment+jwt',
  'nokkel-device+jwt',
  'nokkel-device-resume+jwt',
  'nokkel-rfx-manifest+jwt',
  'nokkel-rfx-entry+jwt',
  'nokkel-rfx-bid+jwt',
  'dpop+jwt',
] as const

/** What a signed object is. One made as one type never verifies as another. */
export type JwsType = (typeof types)[number]

/** A verified payload and the key that signed it. Whose key that is, the caller must know from elsewhere. */
export interface VerifiedJws {
  readonly payload: Record<string, unknown>
  readonly jwk: PublicJwk
  readonly thumbprint: Thumbprint
}

/**
 * Signs a JSON object as a compact JWS with ES256. The protected header is exactly `alg`, `typ` and `jwk`, the
 * signer's public key.
 *
 * @param payload - A plain object that JSON can write.
 * @throws {CryptoError} `key_unusable`: `signer` is not a P-256 key pair for ECDSA.
 * @throws {TypeError} `payload` is not an object, or `typ` is not one of {@link JwsType}.
 *
 * @example
 * ```ts
 * const { signing } = await generateDeviceKeys()
 * const jws = await signJws({ challenge: 'c2VzYW0' }, signing, 'nokkel-device+jwt')
 * const { payload, thumbprint } = await verifyJws(jws, 'nokkel-device+jwt')
 * ```
 * @see docs/spec/jws.md, RFC 7515 §7.1, RFC 7518 §3.4
 */
export async function signJws(payload: object, signer: CryptoKeyPair, typ: JwsType): Promise<string> {
  assertType(typ)
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    throw new TypeError('payload must be an object')
  }
  assertKeyPair(signer, 'ECDSA', 'sign')
  const header = { alg: 'ES256', typ, jwk: await exportPublicJwk(signer.publicKey) }
  const signingInput = `${encodeBase64Url(encodeJson(header))}.${encodeBase64Url(encodeJson(payload))}`
  const signature = await signEs256(signer.privateKey, encodeText(signingInput))
  return `${signingInput}.${encodeBase64Url(signature)}`
}

/**
 * Verifies a compact JWS against the public key in its own header.
 *
 * That proves that the holder of `jwk` signed the payload as `typ`, and no more: compare `thumbprint` with the key you
 * expect. ECDSA lets anyone make a second valid signature over the same bytes, so never use the text of a JWS as an id.
 *
 * @throws {CryptoError} `signature_invalid`: wrong signature, type or algorithm, another header member, or any part
 * not in its one accepted spelling.
 * @throws {TypeError} `typ` is not one of {@link JwsType}.
 *
 * @see docs/spec/jws.md, RFC 7515 §5.2
 */
export async function verifyJws(jws: string, typ: JwsType): Promise<VerifiedJws> {
  assertType(typ)
  try {
    return await verify(jws, typ)
  } catch (cause) {
    throw new CryptoError('signature_invalid', { cause })
  }
}

/**
 * What names a signed object: the SHA-256 of its signing input, the text before the last dot. It leaves out the
 * signature, which has more than one valid spelling. Says nothing about whether the signature is valid.
 *
 * @returns 32 bytes.
 * @throws {CryptoError} `signature_invalid`: `jws` does not have three parts.
 *
 * @see docs/spec/jws.md
 */
export async function digestOfJws(jws: string): Promise<Bytes> {
  if (typeof jws !== 'string' || jws.split('.').length !== 3) throw new CryptoError('signature_invalid')
  return sha256(encodeText(jws.slice(0, jws.lastIndexOf('.'))))
}

async function verify(jws: string, typ: JwsType): Promise<VerifiedJws> {
  if (typeof jws !== 'string') throw new TypeError('jws must be a string')
  const parts = jws.split('.')
  const [header = '', payload = '', signature = ''] = parts
  if (parts.length !== 3) throw new TypeError('jws must have three parts')
  const members = parseJson(decodeBase64Url(header))
  if (!hasExactly(members, ['alg', 'typ', 'jwk']) || members.alg !== 'ES256' || members.typ !== typ) {
    throw new TypeError('jws has an unexpected header')
  }
  const jwk = assertPublicJwk(members.jwk)
  const signingInput = encodeText(`${header}.${payload}`)
  if (!(await verifyEs256(await importSigningKey(jwk), decodeBase64Url(signature), signingInput))) {
    throw new TypeError('jws has a wrong signature')
  }
  return { payload: parseJson(decodeBase64Url(payload)), jwk, thumbprint: await calculateThumbprint(jwk) }
}

function assertType(typ: unknown): asserts typ is JwsType {
  if (!types.includes(typ as JwsType)) throw new TypeError('typ must be one of the types of this package')
}
