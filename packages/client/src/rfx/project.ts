import type { Rfx as FetchedRfx, RfxRecipient, RfxSummary } from '@nokkel/contract'
import type { RfxKey } from '@nokkel/crypto'
import { codeOf, NokkelError, type NokkelErrorCode, nokkelErrorOf } from '../errors.ts'
import type { Store } from '../state/store.ts'
import { createRfxBids, type RfxBids } from './bids/index.ts'
import { checkGroups, mergeFaults } from './check.ts'
import { createRfxContent, type RfxContent } from './content/index.ts'
import { detailsOf } from './details.ts'
import { nothingDistributed } from './distribute.ts'
import { pagesOf } from './group-tools.ts'
import { createGroupWork, type HandOverOptions } from './group-work.ts'
import { createUpkeep, type KeptProject, type UpkeepDependencies } from './project-upkeep.ts'
import { createRecipientNotices } from './recipient-notices.ts'
import type { DistributionResult, Person, Rfx, RfxSnapshot, WaitingReason, WorkOptions } from './rfx.ts'
import { createRfxSession } from './rfx-session.ts'
import { nothing as idle } from './snapshot.ts'
import { createRfxValues } from './values.ts'

export interface ProjectDependencies extends UpkeepDependencies {
  /** The companies the person is in. */
  readonly companiesOfPerson: () => Promise<readonly Person[]>
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

/** From when its session begins until it is forgotten. */
interface BegunProject extends KeptProject {
  readonly content: RfxContent
  readonly values: Pick<Rfx, 'encrypt' | 'decrypt'>
}

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
  const { userKeys, companiesOfPerson, inBackground, recipientPins } = dependencies
  const set = (change: Partial<RfxSnapshot>) => store.set({ ...store.getSnapshot(), ...change })
  const upkeep = createUpkeep(dependencies, id, (work) => set({ work }))
  const notices = createRecipientNotices(recipientPins, id, store)
  let present: BegunProject | undefined
  let loading: Promise<void> | undefined
  let title: string | null = null
  let myCompanies: readonly Person[] = []

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
    settle: async (options) => upkeep.settle(await opened(), options),
    acceptKeys: notices.accept,
    async trustKeys() {
      await (await opened()).session.trustKeys()
      await load()
    },
    acknowledgeRecipients: notices.acknowledge,
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

    hasStale: upkeep.hasStale,
    onOwnKey() {
      if (store.getSnapshot().waiting === 'no_own_key') set({ waiting: 'not_distributed' })
    },
    forget() {
      end()
      store.set(idle)
    },
  }

  function begin(): BegunProject {
    const session = createRfxSession(dependencies, id, {
      onFetched(fetched) {
        if (present?.session === session && store.getSnapshot().details) publish(fetched)
      },
      onDenied: () => deny(),
      onRecipients: (kind, added) => notices.add(kind, added, session.isOver),
      renew: (groupId) => begun.work.renew(groupId),
      createBidderGroup: (companyId) => begun.work.createBidder(companyId),
    })
    const events = {
      onWork(work: RfxSnapshot['work']) {
        if (!session.isOver()) set({ work })
      },
      onRenewed: () =>
        inBackground(async () => {
          await session.refresh()
          await upkeep.moveKeys(begun)
        }),
    }
    let bids: RfxBids | undefined
    const begun: BegunProject = {
      session,
      content: createRfxContent(session.opened),
      values: createRfxValues(session),
      bids() {
        bids ??= createRfxBids(session.opened)
        return bids
      },
      work: createGroupWork(dependencies, session, events, upkeep.backoff),
    }
    return begun
  }

  function current(): BegunProject {
    present ??= begin()
    return present
  }

  function end(): void {
    present?.content.forget()
    present?.session.end()
    present = undefined
    title = null
    upkeep.forget()
  }

  function deny(): void {
    end()
    store.set({ ...idle, state: 'denied' })
  }

  /** The project with its key open. */
  async function opened(): Promise<BegunProject> {
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
      if (key) upkeep.lookAfter(fetched, current)
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
    change: (project: BegunProject) => Promise<unknown>,
    after: (project: BegunProject) => Promise<T>,
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
    change: (project: BegunProject) => Promise<unknown>,
    options: WorkOptions = {},
  ): Promise<void> {
    await changing(change, async ({ work }) => {
      await work.handOver({ ...options, namesKeyless: false }).catch((error: unknown) => {
        if (codeOf(error) === 'signed_out') throw error
      })
    })
  }
}
