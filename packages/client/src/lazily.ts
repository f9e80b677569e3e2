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
