import { useNokkel } from '@nokkel/client/react'
import { useQuery, useQueryClient } from '@tanstack/react-query'

const key = ['logins'] as const

/** The ways in that the person has, and the contact details that came with them. */
export function useLinkedLogins() {
  const { logins } = useNokkel()
  return useQuery({ queryKey: key, queryFn: () => logins.list() })
}

export function useRefreshLogins(): () => Promise<void> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ queryKey: key })
}
