import { useNokkel } from '@nokkel/client/react'
import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'

const personnummerKey = ['personnummer'] as const
const consentsKey = ['consents'] as const
const erasureKey = ['erasure'] as const

/** Whether the person's number is kept, or waits for a yes; masked. */
export function usePersonnummer({ enabled = true } = {}) {
  const { identity } = useNokkel()
  return useQuery({
    queryKey: personnummerKey,
    queryFn: () => identity.personnummer(),
    enabled,
    // What waits for an answer is answered in another tab, or goes.
    refetchOnWindowFocus: ({ state }) => (state.data?.offered ? 'always' : true),
    refetchInterval: ({ state }) => (state.data?.offered ? 60_000 : false),
  })
}

/** What the person has said yes to, the newest first. */
export function useConsents() {
  const { privacy } = useNokkel()
  return useQuery({ queryKey: consentsKey, queryFn: () => privacy.consents() })
}

/** What erasing the account would remove; worked out anew whenever the page is opened. */
export function useErasurePreview() {
  const { privacy } = useNokkel()
  return useQuery({ queryKey: erasureKey, queryFn: () => privacy.preview(), gcTime: 0 })
}

const otherTabs = new BroadcastChannel('nokkel.personal-data')

async function lookAgain(queries: QueryClient): Promise<void> {
  const keys = [personnummerKey, consentsKey, ['logins']]
  await Promise.all(keys.map((queryKey) => queries.invalidateQueries({ queryKey })))
}

/** Looks again at what is kept, and at what it is kept by; in the other tabs as well. */
export function useRefreshPersonalData(): () => Promise<void> {
  const queries = useQueryClient()
  return async () => {
    otherTabs.postMessage('changed')
    await lookAgain(queries)
  }
}

/** Looks again when something of it was changed in another tab. */
export function useFollowPersonalData(): void {
  const queries = useQueryClient()
  useEffect(() => {
    // What looks again and fails says so itself.
    const follow = () => void lookAgain(queries).catch(() => undefined)
    otherTabs.addEventListener('message', follow)
    return () => otherTabs.removeEventListener('message', follow)
  }, [queries])
}
