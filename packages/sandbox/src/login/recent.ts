const MAXIMUM_ENTRIES = 1000

export interface Recent<Value> {
  get(key: string | undefined): Value | undefined
  add(key: string, value: Value): void
}

/** Remembers by key what a login needs later; the oldest give way. */
export function createRecent<Value>(): Recent<Value> {
  const entries = new Map<string, Value>()
  return {
    get: (key) => (key === undefined ? undefined : entries.get(key)),
    add(key, value) {
      entries.set(key, value)
      const oldest = entries.keys().next()
      if (entries.size > MAXIMUM_ENTRIES && !oldest.done) entries.delete(oldest.value)
    },
  }
}
