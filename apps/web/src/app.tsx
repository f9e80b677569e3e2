import { NokkelProvider } from '@nokkel/client/react'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { useEffect, useSyncExternalStore } from 'react'
import { currentClient } from './client.ts'
import { followPerson } from './drafts/drafts.ts'
import { watchAttention } from './queries/attention.ts'
import { router } from './router.tsx'
import './settings/color-scheme.ts'

const queries = new QueryClient({
  defaultOptions: {
    // The SDK repeats what is safe to repeat; and what a query holds may include functions, which cannot be compared.
    queries: { retry: false, structuralSharing: false, staleTime: 5000 },
  },
})

const isPrivate = ({ queryKey: [kind] }: { queryKey: readonly unknown[] }) => kind !== 'organizations'

export function App() {
  const nokkel = useSyncExternalStore(currentClient.subscribe, currentClient.getSnapshot)

  useEffect(watchAttention, [])
  useEffect(() => {
    const stopAuth = nokkel.auth.subscribe(() => {
      // Opened assignments are plaintext: they leave memory with the session, and while it is locked.
      const { status, me } = nokkel.auth.getSnapshot()
      if (status === 'signed_out' || status === 'locked') queries.removeQueries({ predicate: isPrivate })
      if (status === 'signed_out' || me) followPerson(me?.id)
    })
    const stopKeys = nokkel.keys.subscribe(() => {
      // What this device can read has changed.
      if (nokkel.keys.getSnapshot().status === 'ready') void queries.invalidateQueries({ queryKey: ['assignments'] })
    })
    const stopUserKeys = nokkel.userKeys.subscribe(() => {
      if (nokkel.userKeys.getSnapshot().status === 'ready') void queries.invalidateQueries({ queryKey: ['user-keys'] })
    })
    return () => {
      stopAuth()
      stopKeys()
      stopUserKeys()
    }
  }, [nokkel])

  return (
    <NokkelProvider client={nokkel}>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </NokkelProvider>
  )
}
