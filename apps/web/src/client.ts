import { createNokkel, type Nokkel } from '@nokkel/client'
import { initialOrganization, rememberedOrganization, rememberOrganization } from './settings/organization.ts'

const listeners = new Set<() => void>()
let organization = initialOrganization()
let nokkel = open()

function open(): Nokkel {
  const client = createNokkel({ organization })
  // A failed start is a state of the session, which the pages show.
  client.start().catch(() => undefined)
  return client
}

/** The client in use: one per organisation, replaced when another organisation is chosen. */
export const currentClient = {
  subscribe(listener: () => void) {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
  getSnapshot: () => nokkel,
  organization: () => organization,
}

/** One that is known to be there. */
export function chooseOrganization(slug: string): void {
  rememberOrganization(slug)
  change(slug)
}

/** Leaves the organisation that a URL named, for the one that was chosen or logged in to here before. */
export function backToOrganization(): void {
  change(rememberedOrganization())
}

function change(slug: string): void {
  if (slug === organization) return
  organization = slug
  restart()
}

/** Starts again after a failed start, for instance when storage was not available. */
export function restart(): void {
  nokkel.close()
  nokkel = open()
  for (const listener of listeners) listener()
}
