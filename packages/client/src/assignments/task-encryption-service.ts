import type { AssignmentSummary } from '@nokkel/contract'
import { lazily } from '../lazily.ts'
import type { Page, PageOptions } from '../members/member-service.ts'
import type { AssignmentTools } from './assignment-tools.ts'
import type { OpenedAssignment, OpenOptions } from './open-assignment.ts'
import type { AssignmentDraft } from './send-assignment.ts'

/** An assignment in a list: sealed until it is opened. */
export interface AssignmentItem extends AssignmentSummary {
  open(options?: OpenOptions): Promise<OpenedAssignment>
}

/**
 * Encrypts and decrypts assignments on this device.
 *
 * @example
 * ```ts
 * const { members, assignments } = createNokkel({ organization: 'likeperson' })
 * const [member] = (await members.list({ search: 'Kari' })).items
 * if (member) await assignments.send({ to: member.id, title: 'Visit on Monday', body: 'At ten.' })
 * ```
 */
export interface TaskEncryptionService {
  /**
   * Encrypts to every active device of the recipients and of the sender, signs, and sends: all of it or nothing.
   *
   * @throws {NokkelError} `keys_missing`, `recipient_without_device`, `file_changed`, `cancelled`, `network_unreachable`,
   * or a problem of the API.
   */
  send(draft: AssignmentDraft): Promise<AssignmentSummary>
  /** Assignments received, newest first. */
  inbox(options?: PageOptions): Promise<Page<AssignmentItem>>
  /** Assignments sent, newest first, with how far each has come. */
  sent(options?: PageOptions): Promise<Page<AssignmentItem>>
  /**
   * Fetches, verifies and decrypts.
   *
   * @throws {NokkelError} `not_readable`: this device has no key for it, or what came does not open.
   * @throws {NokkelError} `signature_untrusted`: not signed by a key the directory gives to its sender.
   */
  open(id: string, options?: OpenOptions): Promise<OpenedAssignment>
  /**
   * Sends again: seals the same content, from the sender's own copy, to the devices the same people have now.
   *
   * @throws {NokkelError} `own_copy_unreadable`: this device cannot open its own copy.
   * @throws {NokkelError} `signature_untrusted`: another device of the sender's signed it, which this one has not
   * seen; open the assignment here first.
   * @throws {NokkelError} `recipient_without_device`: none of the recipients has a device now.
   */
  resend(id: string): Promise<AssignmentSummary>
}

export function createTaskEncryptionService(tools: AssignmentTools): TaskEncryptionService {
  const { call } = tools
  const load = lazily(async () => (await import('./assignment-operations.ts')).createAssignmentOperations(tools))
  const open = async (id: string, options?: OpenOptions) => (await load()).open(id, options)
  return {
    send: async (draft) => (await load()).send(draft),
    inbox: (options) => list('inbox', options),
    sent: (options) => list('sent', options),
    open,
    resend: async (id) => (await load()).resend(id),
  }

  async function list(box: 'inbox' | 'sent', options: PageOptions = {}): Promise<Page<AssignmentItem>> {
    const { cursor, limit, signal } = options
    const query = { box, ...(cursor === undefined ? {} : { cursor }), ...(limit === undefined ? {} : { limit }) }
    const { assignments, nextCursor } = await call('listAssignments', { query }, { signal })
    const items = assignments.map((summary) => ({
      ...summary,
      open: (opening?: OpenOptions) => open(summary.id, opening),
    }))
    return { items, ...(nextCursor === undefined ? {} : { nextCursor }) }
  }
}
