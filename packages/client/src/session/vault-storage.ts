import { codeOf } from '../errors.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import type { SessionManager } from './session-manager.ts'
import type { Vault } from './vault.ts'

interface LockedValue {
  readonly lockedValue: string
}

/**
 * Storage for what is of the person: in the vault where the session has one, else as it is. JSON values only. While the session
 * is locked there is nothing in it.
 */
export function createVaultStorage(storage: SecureStorage, session: SessionManager, vault: Vault): SecureStorage {
  return {
    open: () => storage.open(),
    list: (prefix) => storage.list(prefix),
    delete: (name) => storage.delete(name),
    async get(name) {
      const [value, record] = await Promise.all([storage.get(name), session.read()])
      if (record && session.isDue(record)) return undefined
      if (!isLocked(value)) return value
      if (!record) return undefined
      const { sessionId, userId } = record
      const text = await unlessLocked(async () => {
        return (await vault.open()).decrypt(sessionId, { name, column: 'lockedValue', userId }, value.lockedValue)
      })
      return text === undefined ? undefined : JSON.parse(text)
    },
    async put(name, value) {
      const record = await session.read()
      if (record?.lockedRefreshToken === undefined) return storage.put(name, value)
      const { sessionId, userId } = record
      const lockedValue = await unlessLocked(async () => {
        const place = { name, column: 'lockedValue', userId }
        return (await vault.open()).encrypt(sessionId, place, JSON.stringify(value))
      })
      // Rather not at all than in the clear.
      if (lockedValue === undefined) await storage.delete(name)
      else await storage.put(name, { lockedValue } satisfies LockedValue)
    },
  }
}

function isLocked(value: unknown): value is LockedValue {
  return typeof (value as Partial<LockedValue> | undefined)?.lockedValue === 'string'
}

async function unlessLocked(task: () => Promise<string>): Promise<string | undefined> {
  return task().catch((error: unknown) => {
    if (codeOf(error) === 'locked') return undefined
    throw error
  })
}
