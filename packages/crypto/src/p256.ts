const prime = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n
const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn

/**
 * Whether two big-endian coordinates are a point of P-256: both below the prime, and y² = x³ − 3x + b. Not every
 * WebCrypto checks this when it imports a JWK. Takes a time that depends on the point, which is public.
 *
 * @see NIST SP 800-186 §3.2.1.3, RFC 7518 §6.2.1
 */
export function isOnCurve(xBytes: Uint8Array, yBytes: Uint8Array): boolean {
  const [x, y] = [toInteger(xBytes), toInteger(yBytes)]
  return x < prime && y < prime && (y * y - x * x * x + 3n * x - b) % prime === 0n
}

function toInteger(bytes: Uint8Array): bigint {
  return BigInt(`0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`)
}
