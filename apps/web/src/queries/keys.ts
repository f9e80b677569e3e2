import { useNokkel } from '@nokkel/client/react'
import { useQuery, useQueryClient } from '@tanstack/react-query'

const queryKey = ['user-keys'] as const

/** The managed keys of the person, newest first. */
export function useOwnKeys() {
  const { userKeys } = useNokkel()
  const queries = useQueryClient()
  const query = useQuery({
    queryKey,
    queryFn: () => userKeys.list(),
    refetchInterval: 15_000,
    refetchOnWindowFocus: 'always',
  })
  return { query, refresh: () => void queries.invalidateQueries({ queryKey }) }
}
