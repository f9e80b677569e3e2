import { useSyncExternalStore } from 'react'

export type ColorScheme = 'light' | 'dark'

const name = 'nokkel.color-scheme'
const dark = matchMedia('(prefers-color-scheme: dark)')
const listeners = new Set<() => void>()

const chosen = (): ColorScheme | null => {
  const value = localStorage.getItem(name)
  return value === 'light' || value === 'dark' ? value : null
}
const inUse = (): ColorScheme => chosen() ?? (dark.matches ? 'dark' : 'light')

function apply() {
  document.documentElement.dataset.colorScheme = chosen() ?? 'auto'
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Light or dark: as chosen on this device, else as the system prefers. */
export const useColorScheme = (): ColorScheme => useSyncExternalStore(subscribe, inUse)

export function changeColorScheme(scheme: ColorScheme): void {
  localStorage.setItem(name, scheme)
  apply()
}

dark.addEventListener('change', apply)
apply()
