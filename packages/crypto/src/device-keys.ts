/** The two key pairs of one device, both on P-256. The private halves cannot be exported. */
export interface DeviceKeys {
  /** ECDH: others seal to it, this device opens. */
  readonly encryption: CryptoKeyPair
  /** ECDSA: this device signs. */
  readonly signing: CryptoKeyPair
}

/**
 * Makes the two key pairs of a device. Takes milliseconds. The pairs can be stored in IndexedDB as they are.
 *
 * @example
 * ```ts
 * const { encryption, signing } = await generateDeviceKeys()
 * const published = [await exportPublicJwk(encryption.publicKey), await exportPublicJwk(signing.publicKey)]
 * ```
 */
export async function generateDeviceKeys(): Promise<DeviceKeys> {
  const [encryption, signing] = await Promise.all([
    crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits']),
    crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']),
  ])
  return { encryption, signing }
}
