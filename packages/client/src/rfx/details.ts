import type { Rfx as FetchedRfx } from '@nokkel/contract'
import type { Person, RfxDetails } from './rfx.ts'

export function detailsOf(rfx: FetchedRfx, title: string | null, myCompanies: readonly Person[]): RfxDetails {
  const { id, status, role, company, version, rekeyPending, excluded, openers, mayNameOpeners, missing } = rfx
  return {
    id,
    title,
    status,
    role,
    company,
    deadline: dateOf(rfx.deadline),
    createdAt: new Date(rfx.createdAt),
    version,
    rekeyPending,
    createdBy: { id: rfx.createdBy, name: rfx.createdByName },
    sentAt: dateOf(rfx.sentAt),
    approvedAt: dateOf(rfx.approvedAt),
    closedAt: dateOf(rfx.closedAt),
    suppliers: rfx.suppliers.map((supplier) => ({ ...supplier, invitedAt: new Date(supplier.invitedAt) })),
    excluded,
    openers,
    mayNameOpeners,
    missing,
    myCompanies,
  }
}

export function dateOf(instant: string | null): Date | null {
  return instant === null ? null : new Date(instant)
}
