import type { Lock } from '../lock/lock.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import type { RecipientNotice } from './rfx.ts'

/** Thumbprints by `<owner>/<id>`. */
type KnownRecipients = Readonly<Record<string, string>>

interface Recipient {
  readonly owner: 'user' | 'company'
  readonly id: string
  readonly thumbprint: string
}

/** The keys of everyone this device has wrapped to, in any project. */
export interface RecipientPins {
  /** What this device knows of them now. */
  compare(recipients: readonly Recipient[]): Promise<('known' | 'new' | 'changed')[]>
  remember(recipients: readonly Recipient[]): Promise<void>
  /** Who was new in one project, and no person has seen that yet. */
  unseen(rfxId: string): Promise<readonly RecipientNotice[]>
  changeUnseen(
    rfxId: string,
    change: (unseen: readonly RecipientNotice[]) => readonly RecipientNotice[],
  ): Promise<readonly RecipientNotice[]>
}

function knownRecipientsName(userId: string): string {
  return `rfx_recipient_v1.${userId}`
}

function unseenRecipientsName(userId: string, rfxId: string): string {
  return `rfx_unseen_v1.${userId}.${rfxId}`
}

export function createRecipientPins(
  { storage, lock }: { readonly storage: SecureStorage; readonly lock: Lock },
  userId: string,
): RecipientPins {
  const name = knownRecipientsName(userId)
  const readUnseen = async (rfxId: string) =>
    ((await storage.get(unseenRecipientsName(userId, rfxId))) ?? []) as readonly RecipientNotice[]
  const read = async () => ((await storage.get(name)) ?? {}) as KnownRecipients
  return {
    async compare(recipients) {
      const known = await read()
      return recipients.map((recipient) => {
        const before = known[placeOf(recipient)]
        return before === undefined ? 'new' : before === recipient.thumbprint ? 'known' : 'changed'
      })
    },
    remember: (recipients) =>
      lock.run('rfx_recipients', async () => {
        const known = await read()
        if (recipients.every((recipient) => known[placeOf(recipient)] === recipient.thumbprint)) return
        const added = recipients.map((recipient) => [placeOf(recipient), recipient.thumbprint])
        await storage.put(name, { ...known, ...Object.fromEntries(added) })
      }),
    unseen: readUnseen,
    changeUnseen: (rfxId, change) =>
      lock.run('rfx_recipients', async () => {
        const next = change(await readUnseen(rfxId))
        const place = unseenRecipientsName(userId, rfxId)
        await (next.length === 0 ? storage.delete(place) : storage.put(place, next))
        return next
      }),
  }
}

function placeOf({ owner, id }: Recipient): string {
  return `${owner}/${id}`
}
