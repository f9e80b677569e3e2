import type { RfxFault, RfxRecipient, RfxRole, RfxStatus } from '@nokkel/contract'
import type { Specification } from '@nokkel/crypto'
import type { OpenedFile } from '../assignments/opened-file.ts'
import type { OutgoingFile } from '../assignments/upload-file.ts'
import type { NokkelError } from '../errors.ts'
import type { Observable } from '../state/store.ts'

/**
 * How far somebody has come with a project.
 *
 * - `idle`: nothing was asked for yet
 * - `loading`
 * - `ready`: its key is in memory
 * - `waiting_for_key`: the person is in it, and its key has not reached them; `reason` says what happens next
 * - `denied`: they are not in it, or not any more
 * - `error`: see `error`
 */
export type RfxState = 'idle' | 'loading' | 'ready' | 'waiting_for_key' | 'denied' | 'error'

/** `no_own_key`: the person's own key is not made yet. `not_distributed`: a buyer or developer online will hand it over. */
export type WaitingReason = 'no_own_key' | 'not_distributed'

export interface Progress {
  readonly done: number
  readonly total: number
}

export interface WorkOptions {
  readonly onProgress?: (progress: Progress) => void
  readonly signal?: AbortSignal
}

/** One recipient who did not get the key. `error` is a code: `key_missing`, `key_changed`, `key_unusable` or a problem code. */
export interface DistributionError {
  /** Empty for developers and for the buyer's people outside of companies. */
  readonly companyId: string
  /** Empty for a company's own key. */
  readonly userId: string
  readonly error: string
}

/** What EKM-05 §3.2 gives. `success` is false when somebody with a key did not get it; who has no key yet is listed, too, and gets it later. */
export interface DistributionResult {
  readonly success: boolean
  readonly errors: readonly DistributionError[]
  /** How many got it now. */
  readonly wrapped: number
}

/** What is being done in the background of a project. */
export interface RfxWork extends Progress {
  readonly kind: 'distributing' | 'rekeying' | 'moving'
}

export interface RfxListItem {
  readonly id: string
  /** Null while its key has not reached the person, see `state`; or when it cannot be read, and can be renamed. */
  readonly title: string | null
  readonly state: 'ready' | 'waiting_for_key' | 'error'
  readonly status: RfxStatus
  readonly role: RfxRole
  readonly company: { readonly id: string; readonly name: string }
  readonly deadline: Date | null
  readonly createdAt: Date
}

export interface Person {
  readonly id: string
  readonly name: string
}

export interface RfxDetails extends Omit<RfxListItem, 'state'> {
  readonly version: number
  readonly rekeyPending: boolean
  readonly createdBy: { readonly id: string | null; readonly name: string | null }
  readonly sentAt: Date | null
  readonly approvedAt: Date | null
  readonly closedAt: Date | null
  readonly suppliers: readonly (Person & { readonly invitedAt: Date })[]
  readonly excluded: readonly Person[]
  readonly openers: readonly Person[]
  readonly mayNameOpeners: boolean
  /** How many have a key of their own and wait for that of the project. For buyers and developers. */
  readonly missing: number
  /** Companies through which the person may bid. */
  readonly myCompanies: readonly Person[]
}

export interface RfxSnapshot {
  readonly state: RfxState
  readonly waiting: WaitingReason | null
  readonly error: NokkelError | null
  /** Null before it was fetched, and when it is denied. */
  readonly details: RfxDetails | null
  readonly work: RfxWork | null
  /** Recipients this device has wrapped to for the first time, until a person has seen them; and those whose key has changed, to be accepted. */
  readonly newRecipients: readonly RecipientNotice[]
  readonly changedRecipients: readonly RecipientNotice[]
}

export interface RecipientNotice {
  readonly owner: 'user' | 'company'
  readonly id: string
  readonly name: string
  readonly thumbprint: string
}

export interface Author {
  readonly id: string
  /** Null for somebody of another supplier. */
  readonly name: string | null
  readonly role: RfxRole | null
}

export interface SavedSpecification {
  /** Null when it cannot be read: damaged, or sealed wrongly by its author. A new one can be saved over this revision. */
  readonly specification: Specification | null
  readonly revision: number
  readonly author: Author
  readonly writtenAt: Date
}

export interface RfxComment {
  readonly id: string
  /** Null when it does not open: damaged, or sealed wrongly by its author, who must not take the others with it. */
  readonly text: string | null
  /** The section it is about. */
  readonly section: string | null
  readonly author: Author
  readonly writtenAt: Date
  /** How far the entry stands in the log. */
  readonly sequence: number
}

export interface RfxDocument {
  readonly id: string
  readonly revision: number
  /** Null when it cannot be read: damaged, or sealed wrongly by its author. It can be removed or replaced. */
  readonly file: OpenedFile | null
  readonly author: Author
  readonly writtenAt: Date
}

export interface UploadOptions extends WorkOptions {
  /** Bytes of the file that were stored before, when an interrupted upload of the same file goes on. */
  readonly onResumed?: (bytes: number) => void
}

export interface BidContent {
  readonly text: string
  /** Digits, at most one point and two decimals. */
  readonly amount: string | null
  readonly currency: 'NOK'
  readonly files: readonly OutgoingFile[]
}

export interface OpenedBid {
  readonly text: string
  readonly amount: string | null
  readonly currency: 'NOK'
  readonly files: readonly OpenedFile[]
}

export interface RfxBidItem {
  readonly id: string
  readonly company: Person
  readonly mine: boolean
  readonly state: 'begun' | 'submitted' | 'withdrawn'
  readonly revision: number
  readonly submittedAt: Date | null
  readonly openedAt: Date | null
}

/** Where a value of the application is stored. */
export interface ValuePlace {
  readonly table: string
  readonly column: string
  readonly row: string
}

/** One project. The same object for the same id as long as the client lives; its key is in memory only. */
export interface Rfx extends Observable<RfxSnapshot> {
  readonly id: string
  /** Fetches it and opens its key; nothing if that is done. Failures become the state. */
  open(): Promise<void>
  /** Fetches it anew, keeps the key if it is still the present one. */
  reload(): Promise<void>

  /**
   * For values that the application itself stores.
   *
   * @throws {NokkelError} `rekey_pending`: somebody has left, and who may make the next key has not yet. `waiting_for_key`.
   */
  encrypt(value: Uint8Array, place: ValuePlace): Promise<Uint8Array<ArrayBuffer>>
  /** @throws {NokkelError} `not_readable`: not of this project. `rfx_tampered`: altered, or from another place. */
  decrypt(sealed: Uint8Array, place: ValuePlace): Promise<Uint8Array<ArrayBuffer>>

  /** @throws {NokkelError} `sequence_stale`: somebody wrote what this device has not read; read it, then decide anew. */
  sendForReview(options?: WorkOptions): Promise<DistributionResult>
  /** @throws {NokkelError} `sequence_stale`: as for `sendForReview`. `openers_missing`: see `data.wanted`. */
  approve(options?: WorkOptions): Promise<DistributionResult>
  close(): Promise<void>
  /** A draft only. */
  delete(): Promise<void>
  setDeadline(deadline: Date | null): Promise<void>
  /** In an approved project hands over the key at once. */
  invite(companyId: string, options?: WorkOptions): Promise<DistributionResult>
  /**
   * Withdraws an invitation, keeps somebody out, or takes the right to open bids away: they are out when this resolves. A new key
   * is made at once; when that cannot be done now, `details.rekeyPending` stays, and whoever opens the project next does it.
   */
  withdraw(companyId: string, options?: WorkOptions): Promise<void>
  exclude(userId: string, options?: WorkOptions): Promise<void>
  readmit(userId: string, options?: WorkOptions): Promise<DistributionResult>
  nameOpener(userId: string, options?: WorkOptions): Promise<void>
  dismissOpener(userId: string, options?: WorkOptions): Promise<void>
  /** Hands the key to whoever lacks it, in every group the person may wrap for. */
  distribute(options?: WorkOptions): Promise<DistributionResult>
  /**
   * What waits: a new version where somebody has left, wraps that are missing, content keys to move. Whose key has changed or cannot
   * be used is left out, and stands in `changedRecipients` or in the errors of `distribute`.
   *
   * @throws {NokkelError} `key_changed`, `key_unusable`: a new version can be wrapped to nobody; `data.recipients` names them.
   */
  settle(options?: WorkOptions): Promise<void>
  /** Says that the keys of these recipients are theirs, and takes them off the lists of the snapshot. Then `distribute`. */
  acceptKeys(recipients: readonly RecipientNotice[]): Promise<void>
  /**
   * Says that the present keys are right, although the earlier ones do not follow from them: after `key_unproven`, and after
   * asking whoever made them.
   */
  trustKeys(): Promise<void>
  /** Says that a person has seen `newRecipients`, here or in another tab; until then they are kept on this device. */
  acknowledgeRecipients(): Promise<void>
  /** Everyone in it, and whether they have the key. For buyers and developers. */
  recipients(): Promise<readonly RfxRecipient[]>
  /** What the server and this device find wrong; nothing when all is well. This device verifies every signature and every leaf itself. */
  check(options?: WorkOptions): Promise<readonly RfxFault[]>

  rename(title: string): Promise<void>
  specification(): Promise<SavedSpecification | null>
  /** @throws {NokkelError} `revision_stale`: somebody else saved after `basedOn`; nothing was saved. */
  saveSpecification(specification: Specification, basedOn: number): Promise<SavedSpecification>
  comments(): Promise<readonly RfxComment[]>
  comment(text: string, section?: string | null): Promise<RfxComment>
  documents(): Promise<readonly RfxDocument[]>
  addDocument(file: OutgoingFile, options?: UploadOptions & { readonly replaces?: string }): Promise<RfxDocument>
  removeDocument(id: string): Promise<void>

  bids(): Promise<readonly RfxBidItem[]>
  submitBid(companyId: string, content: BidContent, options?: UploadOptions): Promise<RfxBidItem>
  withdrawBid(companyId: string): Promise<void>
  /** One's own at any time; those of others after the deadline, for openers. */
  openBid(id: string): Promise<OpenedBid>
}
