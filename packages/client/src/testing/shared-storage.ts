import { memoryStorage } from '../storage/memory-storage.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'

/** One storage of several tabs, each told of what the others write. */
export function sharedStorage() {
  const inner = memoryStorage()
  const tabs = new Set<(name: string) => void>()
  return {
    inner,
    tab(): SecureStorage {
      let own: ((name: string) => void) | undefined
      const tell = (name: string) => {
        for (const listener of tabs) if (listener !== own) listener(name)
      }
      return {
        ...inner,
        async put(name, value) {
          await inner.put(name, value)
          tell(name)
        },
        async delete(name) {
          await inner.delete(name)
          tell(name)
        },
        subscribe(listener) {
          own = listener
          tabs.add(listener)
          return () => tabs.delete(listener)
        },
      }
    },
  }
}
