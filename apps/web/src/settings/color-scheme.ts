import { useSyncExternalStore } from 'react'
import { remember, remembered } from './remembered.ts'

export type ColorScheme = 'light' | 'dark'

const name = 'nokkel.color-scheme'
const dark = matchMedia('(prefers-color-scheme: dark)')
const listeners = new Set<() => void>()

const parse = (value: string | null): ColorScheme | null => (value === 'light' || value === 'dark' ? value : null)
let chosen = parse(remembered(name))
const inUse = (): ColorScheme => chosen ?? (dark.matches ? 'dark' : 'light')

function apply() {
  document.documentElement.dataset.colorScheme = chosen ?? 'auto'
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Light or dark: as chosen on this device, else as the system prefers. */
export const useColorScheme = (): ColorScheme => useSyncExternalStore(subscribe, inUse)

export function changeColorScheme(scheme: ColorScheme): void {
  chosen = scheme
  remember(name, scheme)
  apply()
}

dark.addEventListener('change', apply)
apply()
