import type { RootKeys } from './root-keys.ts'

/** What the bytes of every key made by `npm start` begin with, so that it is known wherever it comes from. */
export const developmentMark = new TextEncoder().encode('development')

const leastDistinctBytes = 16

/**
 * Refuses keys that nobody should protect anything real with. Of 32 random bytes at least 16 are different, but for one
 * key in more than 10^15.
 *
 * @throws {TypeError} A key was made for development, or was not made by chance.
 */
export function assertProductionKeys({ masterKeys, indexKeys }: RootKeys): void {
  for (const key of [...masterKeys, ...indexKeys]) {
    const name = indexKeys.includes(key) ? 'An index key' : 'A master key'
    if (developmentMark.every((byte, index) => byte === key[index])) {
      throw new TypeError(`${name} was made for development; make one for production with nokkel keyring generate.`)
    }
    if (new Set(key).size < leastDistinctBytes) {
      throw new TypeError(`${name} is not random; make one with nokkel keyring generate.`)
    }
  }
}
