import { type DeviceKeys, generateDeviceKeys } from '@nokkel/crypto'

/** Makes the two key pairs of a device. The private halves cannot be exported. */
export interface KeyGenerator {
  generate(): Promise<DeviceKeys>
}

/** Makes keys on the thread that asks: for Node and for tests. */
export const directKeyGenerator: KeyGenerator = { generate: generateDeviceKeys }
