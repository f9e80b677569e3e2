import type { Rfx as FetchedRfx, RfxRecipient, RfxSummary } from '@nokkel/contract'
import type { RfxKey } from '@nokkel/crypto'
import { codeOf, NokkelError, type NokkelErrorCode, nokkelErrorOf } from '../errors.ts'
import type { Store } from '../state/store.ts'
import { createBackoff } from './backoff.ts'
import { createRfxBids } from './bids/index.ts'
import { checkGroups, mergeFaults } from './check.ts'
import { createRfxContent } from './content/index.ts'
import { detailsOf } from './details.ts'
import { nothingDistributed } from './distribute.ts'
import { pagesOf, placeOf } from './group-tools.ts'
import { createGroupWork, type HandOverOptions } from './group-work.ts'
import { moveContentKeys } from './move-content-keys.ts'
import { createRfxSession, mayWrap, type SessionDependencies } from './rfx-session.ts'
import type {
  DistributionResult,
  Person,
  RecipientNotice,
  Rfx,
  RfxSnapshot,
  WaitingReason,
  WorkOptions,
} from './rfx.ts'
import { nothing as idle } from './snapshot.ts'
import { createRfxValues } from './values.ts'

export interface ProjectDependencies extends SessionDependencies {
  /** The companies the person is in. */
  readonly companiesOfPerson: () => Promise<readonly Person[]>
  /** Does something nobody waits for; what goes wrong with it is left for the next time. */
  readonly inBackground: (task: () => Promise<unknown>) => void
}

export interface Project extends Omit<Rfx, 'id' | 'subscribe' | 'getSnapshot'> {
  /** Whether content keys wait to be moved that were not tried in vain before. */
  hasStale(summary: Pick<RfxSummary, 'version' | 'stale'>): boolean
  /** Takes a project that was just created here. */
  adopt(created: FetchedRfx, key: RfxKey): Promise<void>
  /** Opens it, or fetches it anew if it has changed since. */
  follow(summary: RfxSummary): Promise<void>
  handOver(options: HandOverOptions): Promise<DistributionResult>
  /** After the person got a key of their own. */
  onOwnKey(): void
  /** Overwrites its keys. */
  forget(): void
}

/** The server counts no further. */
const staleLimit = 1000

/** What is wrong with the connection, not with the project: what is open stays open. */
const passing: readonly NokkelErrorCode[] = [
  'network_unreachable',
  'unavailable',
  'rate_limited',
  'server_failed',
  'sealed',
  'cancelled',
]

export function createProject(dependencies: ProjectDependencies, id: string, store: Store<RfxSnapshot>): Project {
  const { lock, userKeys, companiesOfPerson, inBackground, recipientPins, now } = dependencies
  const backoff = createBackoff(now)
  let present: ReturnType<typeof begin> | undefined
  let loading: Promise<void> | undefined
  let settling: Promise<void> | undefined
  let title: string | null = null
  let myCompanies: readonly Person[] = []
  /** Content keys that open in no way, under this version; they are not tried again. */
  let stuck = { version: 0, count: 0 }

  const set = (change: Partial<RfxSnapshot>) => store.set({ ...store.getSnapshot(), ...change })

  return {
    async open() {
      const { state } = store.getSnapshot()
      if (state !== 'ready') await load()
    },
    reload: () => load(),
    adopt: (created, key) => {
      current().session.keep(id, 1, key)
      return load(created)
    },
    async follow({ version, status, head, via }) {
      const { state, details } = store.getSnapshot()
      const seen = state === 'ready' ? await current().session.opened.seenHead() : undefined
      const isSame =
        details?.version === version && details.status === status && seen?.digest === head?.digest && via !== null
      if (state !== 'ready' || !isSame) await load()
    },
    encrypt: async (value, place) => (await opened()).values.encrypt(value, place),
    decrypt: async (sealed, place) => (await opened()).values.decrypt(sealed, place),

    sendForReview: async (options) => changeStatus('in_review', options),
    approve: async (options) => changeStatus('approved', options),
    close: async () => void (await changeStatus('closed')),
    async delete() {
      await (await opened()).session.call('deleteRfx', { params: { id } })
      deny()
    },
    async setDeadline(deadline) {
      const { session } = await opened()
      const body = { deadline: deadline?.toISOString() ?? null }
      await session.take(() => session.call('setRfxDeadline', { params: { id }, body }))
    },
    invite: (companyId, options) =>
      changing(
        ({ session }) => session.call('inviteSupplier', { params: { id, companyId } }),
        async ({ work, session }) => {
          const { status } = session.opened.fetched()
          return status === 'approved' ? work.handOver(options) : nothingDistributed
        },
      ),
    withdraw: (companyId, options) =>
      leaving(({ session }) => session.call('withdrawSupplier', { params: { id, companyId } }), options),
    exclude: (userId, options) =>
      leaving(({ session }) => session.call('excludeRfxMember', { params: { id, userId } }), options),
    readmit: (userId, options) =>
      changing(
        ({ session }) => session.call('readmitRfxMember', { params: { id, userId } }),
        ({ work }) => work.handOver(options),
      ),
    nameOpener: (userId, options) =>
      changing(
        ({ session }) => session.call('nameOpener', { params: { id, userId } }),
        async ({ work }) => {
          await work.ensureOpening()
          await work.handOver({ ...options, namesKeyless: false })
        },
      ),
    dismissOpener: (userId, options) =>
      leaving(({ session }) => session.call('dismissOpener', { params: { id, userId } }), options),
    distribute: async (options) => (await opened()).work.handOver(options),
    handOver: async (options) => (await opened()).work.handOver(options),
    async settle(options) {
      const project = await opened()
      // What is under way unasked keeps to itself what fails.
      await settling?.catch(() => {})
      backoff.reset()
      await (options ? settle(project, options) : settleOnce(project))
    },
    async acceptKeys(recipients) {
      await recipientPins.remember(recipients)
      const isAccepted = isAmong(recipients)
      const newRecipients = await recipientPins.changeUnseen(id, (all) => all.filter((one) => !isAccepted(one)))
      const { changedRecipients } = store.getSnapshot()
      set({ newRecipients, changedRecipients: changedRecipients.filter((one) => !isAccepted(one)) })
    },
    async trustKeys() {
      await (await opened()).session.trustKeys()
      await load()
    },
    async acknowledgeRecipients() {
      const isShown = isAmong(store.getSnapshot().newRecipients)
      set({ newRecipients: await recipientPins.changeUnseen(id, (all) => all.filter((one) => !isShown(one))) })
    },
    async recipients() {
      const { session } = await opened()
      const all: RfxRecipient[] = []
      for await (const page of pagesOf(session.tools, id, { onlyMissing: false })) all.push(...page.recipients)
      return all
    },
    async check(options = {}) {
      const { session, content } = await opened()
      const { faults } = await session.call('checkRfx', { params: { id } }, { signal: options.signal })
      const own = await checkGroups(session, options)
      await content.verifyLog(options.signal ? { signal: options.signal } : {})
      return mergeFaults(faults, own)
    },

    async rename(next) {
      await (await opened()).content.rename(next)
      await load()
    },
    specification: async () => (await opened()).content.specification(),
    saveSpecification: async (...given) => (await opened()).content.saveSpecification(...given),
    comments: async () => (await opened()).content.comments(),
    comment: async (...given) => (await opened()).content.comment(...given),
    documents: async () => (await opened()).content.documents(),
    addDocument: async (...given) => (await opened()).content.addDocument(...given),
    removeDocument: async (documentId) => (await opened()).content.removeDocument(documentId),
    bids: async () => (await opened()).bids().bids(),
    submitBid: async (...given) => (await opened()).bids().submitBid(...given),
    withdrawBid: async (companyId) => (await opened()).bids().withdrawBid(companyId),
    openBid: async (bidId) => (await opened()).bids().openBid(bidId),

    hasStale,
    onOwnKey() {
      if (store.getSnapshot().waiting === 'no_own_key') set({ waiting: 'not_distributed' })
    },
    forget() {
      end()
      store.set(idle)
    },
  }

  function begin() {
    const session = createRfxSession(dependencies, id, {
      onFetched(fetched) {
        if (present?.session === session && store.getSnapshot().details) publish(fetched)
      },
      onDenied: () => deny(),
      async onRecipients(kind, notices) {
        const isAgain = isAmong(notices)
        const add = (all: readonly RecipientNotice[]) => [...all.filter((one) => !isAgain(one)), ...notices]
        if (kind === 'new') {
          const newRecipients = await recipientPins.changeUnseen(id, add)
          if (!session.isOver()) set({ newRecipients })
        } else if (!session.isOver()) set({ changedRecipients: add(store.getSnapshot().changedRecipients) })
      },
      renew: (groupId) => work.renew(groupId),
      createBidderGroup: (companyId) => work.createBidder(companyId),
    })
    const content = createRfxContent(session.opened)
    let bids: ReturnType<typeof createRfxBids> | undefined
    const made = {
      session,
      content,
      values: createRfxValues(session),
      bids: () => {
        bids ??= createRfxBids(session.opened)
        return bids
      },
    }
    const events = {
      onWork(under: RfxSnapshot['work']) {
        if (!session.isOver()) set({ work: under })
      },
      onRenewed: () =>
        inBackground(async () => {
          await session.refresh()
          await moveKeys({ ...made, work })
        }),
    }
    const work = createGroupWork(dependencies, session, events, backoff)
    return { ...made, work }
  }

  function current() {
    present ??= begin()
    return present
  }

  function end(): void {
    present?.content.forget()
    present?.session.end()
    present = undefined
    title = null
    stuck = { version: 0, count: 0 }
    backoff.reset()
  }

  function deny(): void {
    end()
    store.set({ ...idle, state: 'denied' })
  }

  /** The project with its key open. */
  async function opened(): Promise<ReturnType<typeof begin>> {
    if (store.getSnapshot().state !== 'ready') await load()
    const { state, error } = store.getSnapshot()
    if (state === 'ready' && present) return present
    if (error) throw error
    throw new NokkelError(state === 'denied' ? 'not_found' : 'waiting_for_key')
  }

  function load(created?: FetchedRfx): Promise<void> {
    loading ??= loadOnce(created).finally(() => {
      loading = undefined
    })
    return loading
  }

  async function loadOnce(created: FetchedRfx | undefined): Promise<void> {
    const { state } = store.getSnapshot()
    if (state !== 'ready' && state !== 'waiting_for_key') set({ ...idle, state: 'loading' })
    const { session, content } = current()
    try {
      const fetched = await (created ? session.take(async () => created) : session.refresh())
      const { key } = await session.group()
      if (key) title = await content.title()
      const { status, suppliers, role } = fetched
      const mayBid = status === 'approved' || status === 'closed'
      myCompanies = !mayBid ? [] : role === 'supplier' ? suppliers : await invitedAmong(suppliers)
      const newRecipients = await recipientPins.unseen(id)
      if (session.isOver()) return
      set({ newRecipients })
      publish(session.opened.fetched(), key !== undefined)
      if (key) lookAfter(fetched)
    } catch (error) {
      if (!session.isOver()) fail(error)
    }
  }

  async function invitedAmong(suppliers: readonly Person[]): Promise<readonly Person[]> {
    if (suppliers.length === 0) return []
    const own = await companiesOfPerson()
    return suppliers.filter((supplier) => own.some((company) => company.id === supplier.id))
  }

  function publish(fetched: FetchedRfx, hasKey = store.getSnapshot().state === 'ready'): void {
    const waiting: WaitingReason = userKeys.getSnapshot().status === 'ready' ? 'not_distributed' : 'no_own_key'
    set({
      state: hasKey ? 'ready' : 'waiting_for_key',
      waiting: hasKey ? null : waiting,
      error: null,
      details: detailsOf(fetched, title, myCompanies),
    })
  }

  function fail(cause: unknown): void {
    const error = nokkelErrorOf(cause)
    if (store.getSnapshot().state === 'ready' && passing.includes(error.code)) {
      set({ error })
      return
    }
    end()
    store.set({ ...idle, state: 'error', error })
  }

  /** What this person can do for others, they do when they look at the project. */
  function lookAfter(fetched: FetchedRfx): void {
    const { groups, missing, openers } = fetched
    const role = groups[0]?.wrap?.role
    const waits = (pending: FetchedRfx['groups'][number]) => pending.rekeyPending && mayWrap(pending)
    const mayOpen = role === 'buyer' && openers.some((opener) => opener.id === dependencies.person.id)
    const openingIsDue = mayOpen && !groups.some(({ kind }) => kind === 'opening')
    const isDue = role !== 'supplier' && (missing > 0 || hasStale(fetched))
    if (!isDue && !openingIsDue && !groups.some(waits)) return
    const project = current()
    inBackground(() => settleOnce(project, true))
  }

  /** Asked for from several sides at once, it is done once. */
  function settleOnce(project: ReturnType<typeof begin>, isUnasked = false): Promise<void> {
    settling ??= settle(project, { isUnasked }).finally(() => {
      settling = undefined
    })
    return settling
  }

  async function settle(project: ReturnType<typeof begin>, options: HandOverOptions): Promise<void> {
    await project.work.ensureOpening()
    await project.work.handOver({ ...options, namesKeyless: false })
    await moveKeys(project, options)
  }

  async function moveKeys({ session, bids }: ReturnType<typeof begin>, options: WorkOptions = {}): Promise<void> {
    const fetched = session.opened.fetched()
    const [project] = fetched.groups
    if (project && mayWrap(project) && hasStale(fetched) && !fetched.rekeyPending) {
      const onProgress: WorkOptions['onProgress'] = (progress) => {
        set({ work: { kind: 'moving', ...progress } })
        options.onProgress?.(progress)
      }
      try {
        await lock.run(`rfx_move.${id}`, async () => {
          const to = await session.opened.key()
          const { keyOf, keptKeyOf } = session.opened
          const { signal } = options
          const work = { call: session.call, rfxId: id, to, keyOf, keptKeyOf, signal, onProgress }
          stuck = { version: to.version, count: (await moveContentKeys(work)).stuck }
        })
      } finally {
        if (!session.isOver()) set({ work: null })
      }
      await session.refresh()
    }
    if (fetched.groups.some(({ kind, member }) => kind === 'bidder' && member)) await bids().moveBidKeys()
  }

  /** Whether content keys wait to be moved, besides those that open in no way. */
  function hasStale({ version, stale }: Pick<RfxSummary, 'version' | 'stale'>): boolean {
    const left = stuck.version === version ? Math.min(stuck.count, staleLimit) : 0
    return stale > 0 && stale !== left
  }

  async function changeStatus(
    status: 'in_review' | 'approved' | 'closed',
    options: WorkOptions = {},
  ): Promise<DistributionResult> {
    const { session, work, content } = await opened()
    const sequence = content.newest()
    // Nobody approves what they have not seen: what came since this device read is read first.
    if (status === 'approved' && (await content.head()) !== sequence) throw new NokkelError('sequence_stale')
    const body = { status, ...(status !== 'closed' && { sequence }) }
    await session.take(() => session.call('changeRfxStatus', { params: { id }, body }))
    return status === 'closed' ? nothingDistributed : work.handOver(options)
  }

  async function changing<T>(
    change: (project: ReturnType<typeof begin>) => Promise<unknown>,
    after: (project: ReturnType<typeof begin>) => Promise<T>,
  ): Promise<T> {
    const project = await opened()
    await change(project)
    await project.session.refresh()
    return after(project)
  }

  /**
   * Somebody goes: they are out when `change` is done. The new key is made at once; if it cannot be, the project says that it
   * waits for one, and whoever looks at it next makes it.
   */
  async function leaving(
    change: (project: ReturnType<typeof begin>) => Promise<unknown>,
    options: WorkOptions = {},
  ): Promise<void> {
    await changing(change, async ({ work }) => {
      await work.handOver({ ...options, namesKeyless: false }).catch((error: unknown) => {
        if (codeOf(error) === 'signed_out') throw error
      })
    })
  }
}

function isAmong(notices: readonly RecipientNotice[]): (notice: RecipientNotice) => boolean {
  const places = new Set(notices.map(({ owner, id }) => placeOf({ owner, ownerId: id })))
  return ({ owner, id }) => places.has(placeOf({ owner, ownerId: id }))
}
