import { NokkelError } from './errors.ts'

/** Fetches code at its first use, and again at the next one when that failed. */
export function lazily<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined
  return () => {
    loading ??= load().catch((cause: unknown) => {
      loading = undefined
      throw new NokkelError('network_unreachable', { cause })
    })
    return loading
  }
}

/** The methods of what is fetched at its first use. */
export function lazyMethods<T extends object, K extends keyof T>(load: () => Promise<T>, ...names: K[]): Pick<T, K> {
  const call = async (name: K, values: unknown[]) =>
    ((await load())[name] as (...values: unknown[]) => unknown)(...values)
  return Object.fromEntries(names.map((name) => [name, (...values: unknown[]) => call(name, values)])) as Pick<T, K>
}
