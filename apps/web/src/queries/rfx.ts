import type { Me, Rfx, RfxSnapshot } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { useOwnCompanies } from './companies.ts'

const all = ['rfx'] as const
const fresh = { refetchInterval: 15_000, refetchOnWindowFocus: 'always' } as const

/** The projects of the person, newest first, kept fresh while the list is looked at. */
export function useProjects() {
  const { rfx } = useNokkel()
  return useQuery({ ...fresh, queryKey: [...all, 'list'], queryFn: () => rfx.list() })
}

/** Who reviews projects in the organisation. */
export function useReviewers(enabled = true) {
  const { rfx } = useNokkel()
  return useQuery({ queryKey: [...all, 'reviewers'], queryFn: () => rfx.developers(), enabled })
}

/** Whether projects concern the person: administrators, who is in a company, and reviewers. Nobody else can be in one. */
export function useHasProjects({ id, role }: Me): boolean {
  const administers = role === 'administrator'
  const companies = useOwnCompanies(!administers)
  const inCompany = (companies.data?.items.length ?? 0) > 0
  const reviewers = useReviewers(!administers && companies.isSuccess && !inCompany)
  return administers || inCompany || (reviewers.data?.some((reviewer) => reviewer.id === id) ?? false)
}

/** Opens a project and follows it while its page is looked at. */
export function useRfx(id: string): { rfx: Rfx; snapshot: Readonly<RfxSnapshot> } {
  const service = useNokkel().rfx
  const queries = useQueryClient()
  const rfx = useMemo(() => service.get(id), [service, id])
  const snapshot = useSyncExternalStore(rfx.subscribe, rfx.getSnapshot)
  const { state } = snapshot

  useEffect(() => {
    // What goes wrong is its state, but for the end of the session, which the page sees itself.
    rfx.open().catch(() => undefined)
  }, [rfx])
  useEffect(() => {
    // What was read is plaintext: it goes with the access.
    if (state === 'denied') queries.removeQueries({ queryKey: [...all, 'content', id] })
  }, [queries, state, id])
  useQuery({
    queryKey: [...all, 'state', id],
    queryFn: async () => {
      await rfx.reload()
      return null
    },
    // It has just been opened.
    initialData: null,
    enabled: state === 'ready' || state === 'waiting_for_key',
    refetchInterval: state === 'waiting_for_key' ? 5000 : 15_000,
    refetchOnWindowFocus: 'always',
  })
  return { rfx, snapshot }
}

function useContent<T>(rfx: Rfx, part: string, read: () => Promise<T>, enabled = true) {
  return useQuery({ ...fresh, queryKey: [...all, 'content', rfx.id, part], queryFn: read, enabled })
}

export const useSpecification = (rfx: Rfx) => useContent(rfx, 'specification', () => rfx.specification())
export const useComments = (rfx: Rfx) => useContent(rfx, 'comments', () => rfx.comments())
export const useDocuments = (rfx: Rfx) => useContent(rfx, 'documents', () => rfx.documents())
export const useBids = (rfx: Rfx, enabled = true) => useContent(rfx, 'bids', () => rfx.bids(), enabled)
/** Everyone in it and whether they have the key; for buyers and reviewers. */
export const useRecipients = (rfx: Rfx, enabled = true) =>
  useContent(rfx, 'recipients', () => rfx.recipients(), enabled)

/** Looks again at a project and all that is read of it. */
export function useRefreshRfx(rfx: Rfx): () => Promise<void> {
  const queries = useQueryClient()
  return async () => {
    await rfx.reload()
    await queries.invalidateQueries({ queryKey: all, predicate: ({ queryKey: [, kind] }) => kind !== 'state' })
  }
}

/** Looks again at the lists; what stands in a project follows when it is opened. */
export function useRefreshProjects(): () => Promise<void> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ queryKey: all })
}
