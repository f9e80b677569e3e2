import type { AssignmentItem, OpenedAssignment } from '@nokkel/client'
import { useDeviceKeys, useNokkel } from '@nokkel/client/react'
import { skipToken, useQuery, useQueryClient } from '@tanstack/react-query'

const openedKey = (id: string) => ['opened', id] as const

// What was opened stays as it is, and in memory only until the session ends.
const kept = { staleTime: Number.POSITIVE_INFINITY, gcTime: Number.POSITIVE_INFINITY, refetchOnWindowFocus: false }

/** Opens an assignment on this device. */
export function useOpened(id: string) {
  const { assignments } = useNokkel()
  const { state: keys } = useDeviceKeys()
  const queries = useQueryClient()
  const settled = keys.status !== 'none' && keys.status !== 'generating' && keys.status !== 'registering'
  return useQuery({
    ...kept,
    queryKey: openedKey(id),
    enabled: settled,
    queryFn: async () => {
      const opened = await assignments.open(id)
      void queries.invalidateQueries({ queryKey: ['assignments', 'inbox'] })
      return opened
    },
  })
}

/** The title of an assignment that was opened in this session; undefined while it is sealed. */
export function useKnownTitle(id: string): string | undefined {
  return useQuery<OpenedAssignment>({ ...kept, queryKey: openedKey(id), queryFn: skipToken }).data?.title
}

/**
 * The title of an assignment one sent, from the own sealed copy; undefined until it is open, or when it cannot be. Shown
 * unasked, so it makes no device known: only reading it does.
 */
export function useOwnTitle(item: AssignmentItem): string | undefined {
  const { state: keys } = useDeviceKeys()
  const { data } = useQuery({
    ...kept,
    queryKey: ['title', item.id],
    queryFn: async () => (await item.open({ peek: true })).title,
    enabled: item.readable && keys.status === 'ready',
  })
  return data
}
