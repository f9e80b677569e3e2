import type { RfxSnapshot } from './rfx.ts'

/** Of a project that nobody has asked for. */
export const nothing: RfxSnapshot = {
  state: 'idle',
  waiting: null,
  error: null,
  details: null,
  work: null,
  newRecipients: [],
  changedRecipients: [],
}
