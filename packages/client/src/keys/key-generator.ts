import { type DeviceKeys, generateDeviceKeys, generatePrivateKey } from '@nokkel/crypto'

export interface KeyGenerator {
  /** Makes the two key pairs of a device. The private halves cannot be exported. */
  generate(): Promise<DeviceKeys>
  /**
   * Makes the managed key of a person: the private half as PKCS#8. The caller overwrites it.
   *
   * @throws {NokkelError} `key_generation_failed`: it cannot be made here. `cancelled`.
   */
  generatePrivateKey(options?: { readonly signal?: AbortSignal | undefined }): Promise<Uint8Array>
}

/** Makes keys on the thread that asks: for Node and for tests. */
export const directKeyGenerator: KeyGenerator = { generate: generateDeviceKeys, generatePrivateKey }
