import { CryptoError } from './errors.ts'

/** @throws {CryptoError} `key_unusable`: not both halves, another algorithm or curve, or not allowed this use. */
export function assertKeyPair(pair: CryptoKeyPair, algorithm: 'ECDH' | 'ECDSA', usage: KeyUsage): void {
  const { publicKey, privateKey } = pair ?? {}
  const usable =
    isOnP256(publicKey, algorithm) &&
    publicKey.type === 'public' &&
    isOnP256(privateKey, algorithm) &&
    privateKey.usages.includes(usage)
  if (!usable) throw new CryptoError('key_unusable')
}

function isOnP256(key: CryptoKey | undefined, algorithm: string): key is CryptoKey {
  const { name, namedCurve } = (key?.algorithm ?? {}) as Partial<EcKeyAlgorithm>
  return name === algorithm && namedCurve === 'P-256'
}
