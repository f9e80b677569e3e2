import type { RfxListItem, RfxRole, RfxStatus } from '@nokkel/client'
import { formatMoment } from '../components/format.ts'
import * as m from '../paraglide/messages.js'

/** What a project goes through, in order. */
export const statuses = ['draft', 'in_review', 'approved', 'closed'] as const

export const statusName: Record<RfxStatus, () => string> = {
  draft: m.rfx_status_draft,
  in_review: m.rfx_status_in_review,
  approved: m.rfx_status_approved,
  closed: m.rfx_status_closed,
}

export const statusColor: Record<RfxStatus, 'neutral' | 'warning' | 'success'> = {
  draft: 'neutral',
  in_review: 'warning',
  approved: 'success',
  closed: 'neutral',
}

export const roleName: Record<RfxRole, () => string> = {
  buyer: m.rfx_role_buyer,
  developer: m.rfx_role_developer,
  supplier: m.rfx_role_supplier,
}

export const hasPassed = (deadline: Date | null, now: Date): boolean => deadline !== null && deadline <= now

/** What the person may do next, or what is waited for. */
export function nextStep({ state, role, status, deadline }: RfxListItem, passed: boolean): string {
  if (state === 'waiting_for_key') return m.rfx_next_waiting()
  if (state === 'error') return m.rfx_next_error()
  if (status === 'closed') return m.rfx_next_closed()
  if (status === 'draft') return m.rfx_next_draft()
  if (status === 'in_review') return role === 'developer' ? m.rfx_next_review() : m.rfx_next_in_review()
  if (deadline === null) return role === 'supplier' ? m.rfx_next_read() : m.rfx_next_open()
  if (passed) return m.rfx_next_passed()
  const when = formatMoment(deadline)
  return role === 'supplier' ? m.rfx_next_bid({ when }) : m.rfx_next_sealed({ when })
}
