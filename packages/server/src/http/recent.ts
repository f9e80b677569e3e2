const maximumEntries = 50_000

/** Gives what is kept for a key, or makes it. Bounded: what was asked for least recently is forgotten. */
export function createRecent<T>(create: () => T): (key: string) => T {
  const entries = new Map<string, T>()
  return (key) => {
    const entry = entries.get(key) ?? create()
    entries.delete(key)
    entries.set(key, entry)
    if (entries.size > maximumEntries) entries.delete(entries.keys().next().value ?? '')
    return entry
  }
}
