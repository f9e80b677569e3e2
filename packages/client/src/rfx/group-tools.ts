import type { RfxRecipient } from '@nokkel/contract'
import type { Clock, RfxKey } from '@nokkel/crypto'
import type { Call } from '../http/api.ts'
import type { AnswerOf } from '../http/endpoints.ts'
import type { ManifestEnd, VerifiedGroup } from './group-keys.ts'
import type { KeyWrapper } from './key-wrapper.ts'
import type { RfxAuthor } from './opened-rfx.ts'
import type { RecipientPins } from './recipient-pins.ts'
import type { Progress, RecipientNotice, WorkOptions } from './rfx.ts'

/** What handing over and renewing the key of a group needs. */
export interface GroupTools {
  readonly organizationId: string
  readonly userId: string
  readonly call: Call
  readonly now: Clock
  readonly wrapper: KeyWrapper
  readonly recipientPins: RecipientPins
  author(): Promise<RfxAuthor>
  /** The group as it is now, verified, its key open. @throws {NokkelError} `waiting_for_key` */
  fetchGroup(groupId: string): Promise<VerifiedGroup & { readonly key: RfxKey }>
  /** The thumbprint of the person's own active key. */
  ownThumbprint(): string | undefined
  /** After a revision was stored. */
  onRevision(groupId: string, version: number, key: RfxKey, end: ManifestEnd): Promise<void>
  /** After a version was activated that was made here. */
  onVersion(groupId: string, version: number, key: RfxKey): void
  onRecipients(kind: 'new' | 'changed', notices: readonly RecipientNotice[]): Promise<void>
}

export interface Work {
  readonly tools: GroupTools
  readonly groupId: string
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: WorkOptions['onProgress'] | undefined
}

/** Who can be wrapped to: there is a key. */
export type Reachable = RfxRecipient & { readonly key: NonNullable<RfxRecipient['key']> }

export function isReachable(recipient: RfxRecipient): recipient is Reachable {
  return recipient.key !== null
}

export function placeOf({ owner, ownerId }: Pick<RfxRecipient, 'owner' | 'ownerId'>): string {
  return `${owner}/${ownerId}`
}

export function noticeOf({ owner, ownerId: id, name, key }: Reachable): RecipientNotice {
  return { owner, id, name, thumbprint: key.thumbprint }
}

/** Sorts out those whose key is not the one this device knew: they get nothing before a person has accepted it. */
export async function sortOut(
  tools: GroupTools,
  recipients: readonly Reachable[],
): Promise<{ readonly accepted: readonly Reachable[]; readonly changed: readonly Reachable[] }> {
  const compared = await tools.recipientPins.compare(recipients.map(noticeOf))
  const isOwn = ({ owner, ownerId, key }: Reachable) =>
    owner === 'user' && ownerId === tools.userId && key.thumbprint === tools.ownThumbprint()
  const isChanged = (recipient: Reachable, index: number) => compared[index] === 'changed' && !isOwn(recipient)
  const changed = recipients.filter(isChanged)
  if (changed.length > 0) await tools.onRecipients('changed', changed.map(noticeOf))
  return { accepted: recipients.filter((recipient, index) => !isChanged(recipient, index)), changed }
}

/** Remembers whose keys were wrapped to, and tells which of them were new here. */
export async function rememberRecipients(tools: GroupTools, recipients: readonly Reachable[]): Promise<void> {
  const notices = recipients.map(noticeOf)
  const compared = await tools.recipientPins.compare(notices)
  await tools.recipientPins.remember(notices)
  const added = notices.filter((_, index) => compared[index] === 'new')
  if (added.length > 0) await tools.onRecipients('new', added)
}

type RecipientPage = AnswerOf<'listRfxRecipients'>

/** Pages of the recipients of a group. The next page is fetched while the one before is worked on. */
export async function* pagesOf(
  { call }: Pick<GroupTools, 'call'>,
  groupId: string,
  { onlyMissing, signal }: { readonly onlyMissing: boolean; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<RecipientPage, void> {
  const fetch = (cursor?: string): Promise<RecipientPage> => {
    const query = {
      ...(onlyMissing && { only: 'missing' as const }),
      ...(cursor !== undefined && { cursor }),
      limit: 500,
    }
    return call('listRfxRecipients', { params: { id: groupId }, query }, { signal })
  }
  let coming = fetch()
  for (;;) {
    const page = await coming
    // It is awaited in the next turn; a failure before that must not count as unhandled.
    if (page.nextCursor !== undefined) {
      coming = fetch(page.nextCursor)
      coming.catch(() => {})
    }
    yield page
    if (page.nextCursor === undefined) return
  }
}

/** Counts up and tells how far it has come. */
export function createProgress(onProgress: ((progress: Progress) => void) | undefined, total = 0) {
  let done = 0
  const tell = () => onProgress?.({ done, total: Math.max(total, done) })
  return {
    expect(count: number) {
      total += count
      tell()
    },
    add(count: number) {
      done += count
      tell()
    },
  }
}
