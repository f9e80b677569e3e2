import { encodeBase64Url } from '@nokkel/crypto'

/** Members of a COSE_Key as they were decoded. */
export interface CoseKey {
  get(label: number): unknown
}

/** Labels of RFC 9052 §7.1, RFC 9053 §7.1.1 and RFC 8230 §4. */
const label = { algorithm: 3, curve: -1, x: -2, y: -3, modulus: -1, exponent: -2 } as const
const es256 = -7

export const isEcdsa = (key: CoseKey) => key.get(label.algorithm) === es256

/**
 * Whether the key of a new credential can verify anything: a point of P-256, or RSA of at least 2048 bits. It was found to be of
 * one of the algorithms that were asked for.
 */
export async function isUsableKey(key: CoseKey): Promise<boolean> {
  const text = (name: keyof typeof label) => {
    const bytes = key.get(label[name])
    return bytes instanceof Uint8Array ? encodeBase64Url(bytes) : ''
  }
  try {
    if (isEcdsa(key)) {
      const jwk = { kty: 'EC', crv: 'P-256', x: text('x'), y: text('y') }
      await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify'])
      return key.get(label.curve) === 1
    }
    const jwk = { kty: 'RSA', n: text('modulus'), e: text('exponent') }
    const hashed = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    const { algorithm } = await crypto.subtle.importKey('jwk', jwk, hashed, false, ['verify'])
    return (algorithm as RsaKeyAlgorithm).modulusLength >= 2048
  } catch (cause) {
    if (cause instanceof DOMException || cause instanceof TypeError) return false
    throw cause
  }
}
