import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { NokkelError } from '../errors.ts'
import type { Rfx, RfxSnapshot } from '../rfx/rfx.ts'
import { nothing } from '../rfx/snapshot.ts'
import { useNokkel } from './nokkel-provider.tsx'

export interface UseRFXCrypto
  extends Pick<RfxSnapshot, 'state' | 'waiting' | 'error' | 'details'>,
    Pick<Rfx, 'encrypt' | 'decrypt' | 'reload'> {}

const none: Pick<Rfx, 'subscribe' | 'getSnapshot' | 'open' | 'encrypt' | 'decrypt' | 'reload'> = {
  subscribe: () => () => {},
  getSnapshot: () => nothing,
  encrypt: refuse,
  decrypt: refuse,
  open: async () => {},
  reload: async () => {},
}

/**
 * A project whose key is opened while the component is there, and what the application encrypts under it. Renders again when
 * its state changes. Who is not logged in gets it once they are.
 *
 * @param rfxId - `null`: none, and the state is `idle`.
 *
 * @example
 * ```ts
 * function useBudget(rfxId: string | null, sealed: Uint8Array) {
 *   const { state, decrypt } = useRFXCrypto(rfxId)
 *   const place = { table: 'lot', column: 'budget', row: '17' }
 *   return state === 'ready' ? () => decrypt(sealed, place) : undefined
 * }
 * ```
 */
export function useRFXCrypto(rfxId: string | null): UseRFXCrypto {
  const { auth, rfx: projects } = useNokkel()
  const rfx = useMemo(() => (rfxId === null ? none : projects.get(rfxId)), [projects, rfxId])
  const session = useSyncExternalStore(auth.subscribe, auth.getSnapshot, auth.getSnapshot)
  const snapshot = useSyncExternalStore(rfx.subscribe, rfx.getSnapshot, rfx.getSnapshot)
  const isDue = session.status === 'signed_in' && snapshot.state === 'idle'
  useEffect(() => {
    if (isDue) void rfx.open()
  }, [rfx, isDue])
  const { state, waiting, error, details } = snapshot
  const { encrypt, decrypt, reload } = rfx
  return { state, waiting, error, details, encrypt, decrypt, reload }
}

function refuse(): Promise<never> {
  return Promise.reject(new NokkelError('waiting_for_key'))
}
