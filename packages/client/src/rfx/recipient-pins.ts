import type { Lock } from '../lock/lock.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'

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
}

function knownRecipientsName(userId: string): string {
  return `rfx_recipient_v1.${userId}`
}

export function createRecipientPins(
  { storage, lock }: { readonly storage: SecureStorage; readonly lock: Lock },
  userId: string,
): RecipientPins {
  const name = knownRecipientsName(userId)
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
  }
}

function placeOf({ owner, id }: Recipient): string {
  return `${owner}/${id}`
}
