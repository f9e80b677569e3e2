import type { CompanyView } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'

const all = ['companies'] as const

/** Those the person is in. */
export function useOwnCompanies(enabled = true) {
  const { companies } = useNokkel()
  return useQuery({ queryKey: [...all, 'mine'], queryFn: () => companies.list({ mine: true, limit: 200 }), enabled })
}

/** Those of the organisation that the person is not in. */
export function useOtherCompanies(search: string) {
  const { companies } = useNokkel()
  const query = useInfiniteQuery({
    queryKey: [...all, 'list', search],
    queryFn: ({ pageParam }) => companies.list({ search, ...(pageParam && { cursor: pageParam }) }),
    initialPageParam: '',
    getNextPageParam: (page) => page.nextCursor,
    placeholderData: keepPreviousData,
  })
  const items: readonly CompanyView[] = query.data?.pages.flatMap((page) => page.items) ?? []
  return { query, items: items.filter(({ role }) => role === null) }
}

/** One company the person is in, kept fresh while it is looked at. */
export function useCompany(id: string) {
  const { companies } = useNokkel()
  return useQuery({
    queryKey: [...all, 'one', id],
    queryFn: () => companies.get(id),
    refetchInterval: 15_000,
    refetchOnWindowFocus: 'always',
  })
}

/** Looks again at everything about companies. */
export function useRefreshCompanies(): () => Promise<void> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ queryKey: all })
}
