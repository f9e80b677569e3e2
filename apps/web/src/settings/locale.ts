import { useSyncExternalStore } from 'react'
import { getLocale, isLocale, type Locale, setLocale } from '../paraglide/runtime.js'
import { remember, remembered } from './remembered.ts'

const name = 'nokkel.locale'
const listeners = new Set<() => void>()

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** The language in use. A component that shows text and outlives a change of language calls this. */
export const useLocale = (): Locale => useSyncExternalStore(subscribe, getLocale)

/** Changes the language at once and remembers it on this device; nothing typed is lost. */
export function changeLocale(locale: Locale): void {
  use(locale)
  remember(name, locale)
  for (const listener of listeners) listener()
}

function use(locale: Locale): void {
  void setLocale(locale, { reload: false })
  document.documentElement.lang = locale
}

const chosen = remembered(name)
use(isLocale(chosen) ? chosen : getLocale())
