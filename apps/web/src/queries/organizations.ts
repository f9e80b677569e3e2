import type { OrganizationSummary } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useQuery } from '@tanstack/react-query'
import { currentClient } from '../client.ts'

/** The organisations one can log in to, with the ways in that each has now. */
export function useOrganizations() {
  const { organizations } = useNokkel()
  return useQuery({ queryKey: ['organizations'], queryFn: () => organizations.list(), staleTime: 10_000 })
}

/** The organisation that is chosen here. */
export const useOrganization = (): OrganizationSummary | undefined =>
  useOrganizations().data?.find(({ slug }) => slug === currentClient.organization())

/** What can be logged in with now at the organisation that is chosen here. */
export const useWays = () => useOrganization()?.providers.filter(({ available }) => available) ?? []
