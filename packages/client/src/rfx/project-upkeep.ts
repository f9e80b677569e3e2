import type { Rfx as FetchedRfx, RfxSummary } from '@nokkel/contract'
import { createBackoff } from './backoff.ts'
import type { RfxBids } from './bids/index.ts'
import type { GroupWork, HandOverOptions } from './group-work.ts'
import { moveContentKeys } from './move-content-keys.ts'
import type { RfxWork, WorkOptions } from './rfx.ts'
import { mayWrap, type RfxSession, type SessionDependencies } from './rfx-session.ts'

export interface UpkeepDependencies extends SessionDependencies {
  /** Does something nobody waits for; what goes wrong with it is left for the next time. */
  readonly inBackground: (task: () => Promise<unknown>) => void
}

/** What upkeep needs of a project. */
export interface KeptProject {
  readonly session: RfxSession
  readonly work: GroupWork
  bids(): RfxBids
}

/** The server counts no further. */
const staleLimit = 1000

/** What one person can do in a project for everybody: keys for who lacks one, new versions, content keys under the present one. */
export function createUpkeep(
  { lock, person, now, inBackground }: UpkeepDependencies,
  id: string,
  onWork: (work: RfxWork | null) => void,
) {
  const backoff = createBackoff(now)
  let settling: Promise<void> | undefined
  /** Content keys that open in no way, under this version; they are not tried again. */
  let stuck = { version: 0, count: 0 }

  return {
    /** Of the groups. */
    backoff,
    async settle(project: KeptProject, options: WorkOptions | undefined): Promise<void> {
      // What is under way unasked keeps to itself what fails.
      await settling?.catch(() => {})
      backoff.reset()
      await (options ? settle(project, options) : settleOnce(project))
    },
    lookAfter,
    moveKeys,
    hasStale,
    forget() {
      stuck = { version: 0, count: 0 }
      backoff.reset()
    },
  }

  /** What this person can do for others, they do when they look at the project. */
  function lookAfter(fetched: FetchedRfx, current: () => KeptProject): void {
    const { groups, missing, openers } = fetched
    const role = groups[0]?.wrap?.role
    const waits = (pending: FetchedRfx['groups'][number]) => pending.rekeyPending && mayWrap(pending)
    const mayOpen = role === 'buyer' && openers.some((opener) => opener.id === person.id)
    const openingIsDue = mayOpen && !groups.some(({ kind }) => kind === 'opening')
    const isDue = role !== 'supplier' && (missing > 0 || hasStale(fetched))
    if (!isDue && !openingIsDue && !groups.some(waits)) return
    const project = current()
    inBackground(() => settleOnce(project, true))
  }

  /** Asked for from several sides at once, it is done once. */
  function settleOnce(project: KeptProject, isUnasked = false): Promise<void> {
    settling ??= settle(project, { isUnasked }).finally(() => {
      settling = undefined
    })
    return settling
  }

  async function settle(project: KeptProject, options: HandOverOptions): Promise<void> {
    await project.work.ensureOpening()
    await project.work.handOver({ ...options, namesKeyless: false })
    await moveKeys(project, options)
  }

  async function moveKeys({ session, bids }: KeptProject, options: WorkOptions = {}): Promise<void> {
    const fetched = session.opened.fetched()
    const [project] = fetched.groups
    if (project && mayWrap(project) && hasStale(fetched) && !fetched.rekeyPending) {
      const onProgress: WorkOptions['onProgress'] = (progress) => {
        onWork({ kind: 'moving', ...progress })
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
        if (!session.isOver()) onWork(null)
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
}
