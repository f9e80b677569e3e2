import type { Delivery } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useMutation, useQueryClient } from '@tanstack/react-query'

/** Whether somebody who cannot read it has a device it could be locked for. */
export const canResend = (deliveries: readonly Delivery[]): boolean =>
  deliveries.some(({ state, hasActiveDevice }) => state === 'unreadable' && hasActiveDevice)

/** Locks an assignment for the devices its recipients use now. */
export function useResend(id: string) {
  const { assignments } = useNokkel()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () => assignments.resend(id),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['assignments', 'sent'] }),
  })
}
