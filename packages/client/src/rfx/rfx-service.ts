import type { Me, RfxFault, RfxRecipient, RfxRole, RfxStatus } from '@nokkel/contract'
import type { Specification } from '@nokkel/crypto'
import type { OpenedFile } from '../assignments/opened-file.ts'
import type { OutgoingFile } from '../assignments/upload-file.ts'
import { NokkelError, nokkelErrorOf } from '../errors.ts'
import { lazily } from '../lazily.ts'
import { createStore, type Observable, type Store } from '../state/store.ts'
import { whenIdle } from '../user-keys/when-idle.ts'
import type { RfxDependencies } from './rfx-dependencies.ts'
import type { RfxOperations } from './rfx-operations.ts'
import { nothing } from './snapshot.ts'

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

/**
 * Procurement projects. Whoever is in a project has its key, wrapped to their managed key; this device hands it on to those who
 * come, makes a new one when somebody leaves, and believes nothing of it that members have not signed.
 *
 * @example
 * ```ts
 * const { rfx, companies } = createNokkel({ organization: 'fjordhjelpen' })
 * const [company] = (await companies.list({ mine: true })).items
 * if (company) {
 *   const project = await rfx.create({ title: 'Ny skole på Vestre Haugen', companyId: company.id })
 *   const { success, errors } = await project.sendForReview()
 *   if (!success) console.log(errors.map(({ userId, error }) => `${userId}: ${error}`))
 * }
 * ```
 */
export interface RfxService {
  /** All projects of the person, newest first. Titles of those whose key opens. */
  list(): Promise<readonly RfxListItem[]>
  /**
   * Makes a draft of a company the person is in, with its key and title. The company and the person have the key at once, colleagues
   * shortly after.
   *
   * @throws {NokkelError} `waiting_for_key`: neither the person nor the company has a key of their own yet.
   */
  create(options: { readonly title: string; readonly companyId: string }): Promise<Rfx>
  /** The same object for the same id. Nothing is fetched before it is used. */
  get(id: string): Rfx
  /** What waits in all projects in which the person may do it. Runs unasked after login, quietly. */
  settle(): Promise<void>
  /** Resolves when nothing is under way in the background any more. */
  settled(): Promise<void>
  /** As `distribute`, for the developers alone. */
  distributeRFXKeyToDevelopers(rfxId: string, options?: WorkOptions): Promise<DistributionResult>
  /** As `distribute`, for the people and keys of these companies alone. */
  distributeRFXKeyToCompanies(
    rfxId: string,
    companyIds: readonly string[],
    options?: WorkOptions,
  ): Promise<DistributionResult>
  developers(): Promise<readonly Person[]>
  nameDeveloper(userId: string): Promise<void>
  dismissDeveloper(userId: string): Promise<void>
}

export interface RfxController extends RfxService {
  /** Does what waits, once `after` is done and the page is idle. */
  run(me: Me, after: Promise<unknown>): void
  /** Forgets the person, and overwrites every key. */
  reset(): void
}

/** What a project does once its code is loaded. */
const methods = [
  'encrypt',
  'decrypt',
  'sendForReview',
  'approve',
  'close',
  'delete',
  'setDeadline',
  'invite',
  'withdraw',
  'exclude',
  'readmit',
  'nameOpener',
  'dismissOpener',
  'distribute',
  'settle',
  'acceptKeys',
  'trustKeys',
  'acknowledgeRecipients',
  'recipients',
  'check',
  'rename',
  'specification',
  'saveSpecification',
  'comments',
  'comment',
  'documents',
  'addDocument',
  'removeDocument',
  'bids',
  'submitBid',
  'withdrawBid',
  'openBid',
] as const satisfies readonly (keyof Rfx)[]

/** Everything but the objects that applications hold is fetched at its first use. */
export function createRfxService(dependencies: RfxDependencies): RfxController {
  const load = lazily(() => import('./rfx-operations.ts'))
  const projects = new Map<string, { readonly rfx: Rfx; readonly store: Store<RfxSnapshot> }>()
  let person = nobody()
  let running: Promise<unknown> = Promise.resolve()

  return {
    get: (id) => projectOf(id).rfx,
    list: async () => (await person.operations()).list(),
    create: async (options) => projectOf(await (await person.operations()).create(options)).rfx,
    settle: async () => (await person.operations()).settle(),
    async settled() {
      await running
      await person.loaded?.settled()
    },
    distributeRFXKeyToDevelopers: async (...given) =>
      (await person.operations()).distributeRFXKeyToDevelopers(...given),
    distributeRFXKeyToCompanies: async (...given) => (await person.operations()).distributeRFXKeyToCompanies(...given),
    developers: async () => (await dependencies.call('listDevelopers', {})).developers,
    nameDeveloper: (userId) => dependencies.call('nameDeveloper', { params: { userId } }),
    dismissDeveloper: (userId) => dependencies.call('dismissDeveloper', { params: { userId } }),
    run(me, after) {
      // A page may have asked for a project before this is told who came.
      if (person.userId !== undefined && person.userId !== me.id) reset()
      person.userId = me.id
      const { end } = person
      const settle = async () => {
        await after
        await whenIdle()
        if (!end.signal.aborted) await (await person.operations()).settle()
      }
      // What fails here is done at the next login, or when somebody looks at the project.
      running = settle().catch(() => {})
    },
    reset,
  }

  function nobody() {
    const made = {
      userId: undefined as string | undefined,
      end: new AbortController(),
      loaded: undefined as RfxOperations | undefined,
      async operations(): Promise<RfxOperations> {
        const { createRfxOperations } = await load()
        const me = await dependencies.me()
        if (made.end.signal.aborted) throw new NokkelError('signed_out')
        made.userId ??= me.id
        made.loaded ??= createRfxOperations(dependencies, me, (id) => projectOf(id).store, made.end.signal)
        return made.loaded
      },
    }
    return made
  }

  function reset(): void {
    person.end.abort()
    person = nobody()
    for (const { store } of projects.values()) if (store.getSnapshot() !== nothing) store.set(nothing)
  }

  function projectOf(id: string) {
    const known = projects.get(id)
    if (known) return known
    const store = createStore(nothing)
    const call =
      (name: (typeof methods)[number] | 'open' | 'reload') =>
      async (...given: unknown[]) => {
        const project = (await person.operations()).project(id)
        return (project[name] as (...given: unknown[]) => unknown)(...given)
      }
    // Even that its code could not be fetched is a state of it.
    const failing = (step: () => Promise<unknown>) => () =>
      step().catch((cause: unknown) => {
        const error = nokkelErrorOf(cause)
        if (error.code !== 'signed_out') store.set({ ...nothing, state: 'error', error })
      })
    const rfx = {
      id,
      subscribe: store.subscribe,
      getSnapshot: store.getSnapshot,
      ...Object.fromEntries(methods.map((name) => [name, call(name)])),
      open: failing(call('open')),
      reload: failing(call('reload')),
    } as Rfx
    const made = { rfx, store }
    projects.set(id, made)
    return made
  }
}
