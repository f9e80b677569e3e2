import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'

const MAXIMUM_ENTRIES = 5000

interface Entry {
  readonly payload: AdapterPayload
  readonly expiresAt: number
}

/** Keeps what the provider remembers for as long as the process lives; the oldest entries give way. */
export function createMemoryAdapter(): AdapterFactory {
  const entries = new Map<string, Entry>()

  const read = (key: string): AdapterPayload | undefined => {
    const entry = entries.get(key)
    if (!entry) return undefined
    if (entry.expiresAt > Date.now()) return entry.payload
    entries.delete(key)
    return undefined
  }

  const write = (key: string, payload: AdapterPayload, ttlSeconds: number) => {
    entries.delete(key)
    entries.set(key, { payload, expiresAt: Date.now() + ttlSeconds * 1000 })
    const oldest = entries.keys().next()
    if (entries.size > MAXIMUM_ENTRIES && !oldest.done) entries.delete(oldest.value)
  }

  const findBy = (model: string, property: 'uid' | 'userCode', value: string) => {
    for (const [key, entry] of entries) {
      if (key.startsWith(`${model}:`) && entry.payload[property] === value) return read(key)
    }
    return undefined
  }

  return (model): Adapter => ({
    async upsert(id, payload, expiresIn = 3600) {
      write(`${model}:${id}`, payload, expiresIn)
    },
    async find(id) {
      return read(`${model}:${id}`)
    },
    async findByUid(uid) {
      return findBy(model, 'uid', uid)
    },
    async findByUserCode(userCode) {
      return findBy(model, 'userCode', userCode)
    },
    async consume(id) {
      const payload = read(`${model}:${id}`)
      if (payload) payload.consumed = Math.floor(Date.now() / 1000)
    },
    async destroy(id) {
      entries.delete(`${model}:${id}`)
    },
    async revokeByGrantId(grantId) {
      for (const [key, entry] of entries) {
        if (entry.payload.grantId === grantId) entries.delete(key)
      }
    },
  })
}
