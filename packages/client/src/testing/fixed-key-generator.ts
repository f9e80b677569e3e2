import { decodeBase64 } from '@nokkel/crypto'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { directKeyGenerator, type KeyGenerator } from '../keys/key-generator.ts'

let next = 0

/** Gives one private key after the other that was made beforehand: making one takes seconds. */
export const fixedKeyGenerator: KeyGenerator = {
  ...directKeyGenerator,
  async generatePrivateKey() {
    return decodeBase64(testPrivateKeys[next++ % testPrivateKeys.length] ?? '')
  },
}
