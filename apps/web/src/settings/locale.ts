import { useSyncExternalStore } from 'react'
import { getLocale, type Locale, setLocale } from '../paraglide/runtime.js'

const listeners = new Set<() => void>()

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** The language in use. A component that shows text and outlives a change of language calls this. */
export const useLocale = (): Locale => useSyncExternalStore(subscribe, getLocale)

/** Changes the language at once and remembers it on this device; nothing typed is lost. */
export function changeLocale(locale: Locale): void {
  void setLocale(locale, { reload: false })
  document.documentElement.lang = locale
  for (const listener of listeners) listener()
}

document.documentElement.lang = getLocale()
