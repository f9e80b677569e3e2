import type { UrlLauncher } from '../auth/url-launcher.ts'
import { directKeyGenerator } from '../keys/key-generator.ts'
import { createMutex } from '../lock/lock.ts'
import { createNokkel as createPortableNokkel, type Nokkel, type NokkelOptions } from '../nokkel.ts'
import { directKeyWrapper } from '../rfx/key-wrapper.ts'
import { memoryStorage } from '../storage/memory-storage.ts'

export { type MemoryUrlLauncher, memoryUrlLauncher } from '../auth/url-launcher.ts'
export { directKeyGenerator } from '../keys/key-generator.ts'
export { directKeyWrapper } from '../rfx/key-wrapper.ts'
export { memoryStorage } from '../storage/memory-storage.ts'

export interface NodeNokkelOptions extends NokkelOptions {
  readonly url: string
  /** What to do with the URL of the provider. */
  readonly urlLauncher: UrlLauncher
}

/**
 * {@link createPortableNokkel | createNokkel} with what Node has: everything in memory, keys made in this process.
 *
 * @example
 * ```ts
 * const nokkel = createNokkel({
 *   url: 'http://localhost:3000',
 *   organization: 'likeperson',
 *   urlLauncher: { launch: (url) => console.log(`Open ${url}`) },
 * })
 * ```
 */
export function createNokkel(options: NodeNokkelOptions): Nokkel {
  return createPortableNokkel({
    storage: memoryStorage(),
    keyGenerator: directKeyGenerator,
    keyWrapper: directKeyWrapper,
    lock: createMutex(),
    ...options,
  })
}
