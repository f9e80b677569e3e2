import { NokkelProvider } from '@nokkel/client/react'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { useEffect, useSyncExternalStore } from 'react'
import { currentClient } from './client.ts'
import { router } from './router.tsx'
import './settings/color-scheme.ts'

const queries = new QueryClient({
  defaultOptions: {
    // The SDK repeats what is safe to repeat; and what a query holds may include functions, which cannot be compared.
    queries: { retry: false, structuralSharing: false, staleTime: 5000 },
  },
})

export function App() {
  const nokkel = useSyncExternalStore(currentClient.subscribe, currentClient.getSnapshot)

  useEffect(
    () =>
      // Opened assignments are plaintext: they leave memory with the session.
      nokkel.auth.subscribe(() => {
        if (nokkel.auth.getSnapshot().status === 'signed_out') queries.clear()
      }),
    [nokkel],
  )

  return (
    <NokkelProvider client={nokkel}>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </NokkelProvider>
  )
}
