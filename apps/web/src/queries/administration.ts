import { type Duplicate, type LoginSettings, type Me, NokkelError } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'

const settingsKey = ['login-settings'] as const
const duplicatesKey = ['duplicates'] as const

/** How people log in to the organisation; of nobody but administrators. */
export function useLoginSettings(me: Me | undefined) {
  const { administration } = useNokkel()
  return useQuery({
    queryKey: settingsKey,
    queryFn: () => administration.loginSettings(),
    enabled: me?.role === 'administrator',
    staleTime: 60_000,
  })
}

/** Changes the settings; what the server answers with is what is shown from then on. */
export function useChangeSettings<Input>(change: (input: Input) => Promise<LoginSettings>) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: change,
    onSuccess: (settings) => {
      queries.setQueryData(settingsKey, settings)
      // The login page offers other ways now.
      void queries.invalidateQueries({ queryKey: ['organizations'] })
    },
  })
}

/** What a try of the stored settings against Vipps found; tried when it is asked for. */
export function useVippsCheck() {
  const { administration } = useNokkel()
  return useQuery({
    queryKey: ['vipps-check'],
    queryFn: () => administration.checkVipps(),
    enabled: false,
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** Suspected duplicates of one state, the newest first. */
export function useDuplicates(state: Duplicate['state']) {
  const { administration } = useNokkel()
  const query = useInfiniteQuery({
    queryKey: [...duplicatesKey, state],
    queryFn: ({ pageParam }) => administration.duplicates({ state, ...(pageParam && { cursor: pageParam }) }),
    initialPageParam: '',
    getNextPageParam: (page) => page.nextCursor,
  })
  return { query, items: query.data?.pages.flatMap(({ items }) => items) ?? [] }
}

const states = ['open', 'merged', 'dismissed'] as const

/** One of them; they are few, so it is looked for among all, those that are to be settled first. */
export function useDuplicate(id: string) {
  const { administration } = useNokkel()
  return useQuery({
    queryKey: [...duplicatesKey, 'one', id],
    queryFn: async () => {
      for (const state of states) {
        let cursor: string | undefined
        do {
          const page = await administration.duplicates({ state, limit: 200, ...(cursor && { cursor }) })
          const found = page.items.find((duplicate) => duplicate.id === id)
          if (found) return found
          cursor = page.nextCursor
        } while (cursor)
      }
      throw new NokkelError('not_found')
    },
  })
}

/** What a merge would do, worked out when it is asked for. */
export function useMergePreview(id: string, survivor: string | undefined) {
  const { administration } = useNokkel()
  return useQuery({
    queryKey: [...duplicatesKey, 'preview', id, survivor],
    queryFn: () => administration.previewMerge(id, survivor ?? ''),
    enabled: survivor !== undefined,
    // What an administrator reads is what they merge by: it does not change before they look again.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
}

/** Looks again at everything about duplicates, but for what is being previewed. */
export function useRefreshDuplicates(): () => Promise<void> {
  const queries = useQueryClient()
  return () =>
    queries.invalidateQueries({ queryKey: duplicatesKey, predicate: ({ queryKey: [, kind] }) => kind !== 'preview' })
}
