import { NokkelProvider } from '@nokkel/client/react'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { useEffect, useSyncExternalStore } from 'react'
import { currentClient } from './client.ts'
import { followPerson } from './drafts/drafts.ts'
import { watchAttention } from './queries/attention.ts'
import { createPrivateQueries } from './queries/private-queries.ts'
import { router } from './router.tsx'
import './settings/color-scheme.ts'

const queries = new QueryClient({
  defaultOptions: {
    // The SDK repeats what is safe to repeat; and what a query holds may include functions, which cannot be compared.
    queries: { retry: false, structuralSharing: false, staleTime: 5000 },
  },
})

const forgetPrivate = createPrivateQueries(queries)

export function App() {
  const nokkel = useSyncExternalStore(currentClient.subscribe, currentClient.getSnapshot)

  useEffect(watchAttention, [])
  useEffect(() => {
    const follow = () => {
      const state = nokkel.auth.getSnapshot()
      forgetPrivate(state)
      if (state.status === 'signed_out' || state.me) followPerson(state.me?.id)
    }
    const stopAuth = nokkel.auth.subscribe(follow)
    follow()
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
