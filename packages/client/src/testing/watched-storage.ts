import { NokkelError, type NokkelErrorCode } from '../errors.ts'
import { memoryStorage } from '../storage/memory-storage.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'

type Action = 'get' | 'put' | 'delete' | 'list'

/** A storage that tells what was done to it in which order, and fails where it is told to. */
export function watchedStorage(storage: SecureStorage = memoryStorage()) {
  const log: string[] = []
  const faults: { action: Action; name: RegExp; error: () => Error }[] = []
  const step = async <T>(action: Action, name: string, task: () => Promise<T>): Promise<T> => {
    const fault = faults.find((each) => each.action === action && each.name.test(name))
    if (fault) throw fault.error()
    log.push(`${action} ${name}`)
    return task()
  }
  return {
    ...storage,
    get: (name) => step('get', name, () => storage.get(name)),
    put: (name, value) => step('put', name, () => storage.put(name, value)),
    delete: (name) => step('delete', name, () => storage.delete(name)),
    list: (prefix) => step('list', prefix, () => storage.list(prefix)),
    log,
    /** From now on this fails for names like that. */
    fail(action: Action, name: RegExp, code: NokkelErrorCode | Error = 'storage_unavailable') {
      faults.push({ action, name, error: () => (code instanceof Error ? code : new NokkelError(code)) })
    },
    heal: () => void faults.splice(0),
    /** Everything that is in it, as text. */
    async dump(): Promise<string> {
      const names = await storage.list('')
      return JSON.stringify(await Promise.all(names.map(async (name) => [name, await storage.get(name)])))
    },
  } satisfies SecureStorage & Record<string, unknown>
}
