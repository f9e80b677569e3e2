import type { SecureStorage } from './secure-storage.ts'

/**
 * Keeps everything in memory: for Node, and for tests. It is gone when the process ends.
 *
 * @example
 * ```ts
 * const storage = memoryStorage()
 * await storage.put('greeting', 'hei')
 * ```
 */
export function memoryStorage(): SecureStorage {
  const values = new Map<string, unknown>()
  return {
    open: async () => {},
    get: async (name) => structuredClone(values.get(name)),
    put: async (name, value) => void values.set(name, structuredClone(value)),
    delete: async (name) => void values.delete(name),
    list: async (prefix) => [...values.keys()].filter((name) => name.startsWith(prefix)).sort(),
  }
}
