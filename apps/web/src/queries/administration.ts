import { NokkelError } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Duplicate, LoginSettings, Me } from '../wire.ts'

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

/** One that is not settled yet; they are few, so it is looked for among all. */
export function useDuplicate(id: string) {
  const { administration } = useNokkel()
  return useQuery({
    queryKey: [...duplicatesKey, 'one', id],
    queryFn: async () => {
      let cursor: string | undefined
      do {
        const page = await administration.duplicates({ limit: 200, ...(cursor && { cursor }) })
        const found = page.items.find((duplicate) => duplicate.id === id)
        if (found) return found
        cursor = page.nextCursor
      } while (cursor)
      throw new NokkelError('duplicate_settled')
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
    staleTime: 0,
    gcTime: 0,
  })
}

/** Looks again at everything about duplicates. */
export function useRefreshDuplicates(): () => Promise<void> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ queryKey: duplicatesKey })
}
