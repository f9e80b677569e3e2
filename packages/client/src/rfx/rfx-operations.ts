import type { Me, RfxSummary } from '@nokkel/contract'
import { encodeRfxTitle } from '@nokkel/crypto'
import { codeOf } from '../errors.ts'
import type { Store } from '../state/store.ts'
import { sealEntry } from './content/seal-entry.ts'
import { dateOf } from './details.ts'
import { makeFirstVersion } from './first-wraps.ts'
import { createOwnThumbprints } from './own-thumbprints.ts'
import { createProject, type Project, type ProjectDependencies } from './project.ts'
import { createRecipientPins } from './recipient-pins.ts'
import type { Person, RfxListItem, RfxSnapshot } from './rfx.ts'
import type { RfxDependencies } from './rfx-dependencies.ts'
import type { RfxService } from './rfx-service.ts'
import { createRfxSession } from './rfx-session.ts'
import { workerKeyWrapper } from './worker-key-wrapper.ts'

/** What is only fetched once somebody has to do with a project. It holds keys in memory and is dropped with them. */
export interface RfxOperations
  extends Pick<
    RfxService,
    'list' | 'settle' | 'settled' | 'distributeRFXKeyToDevelopers' | 'distributeRFXKeyToCompanies'
  > {
  /** Gives the id. */
  create(options: Parameters<RfxService['create']>[0]): Promise<string>
  project(id: string): Project
}

/** How many projects of a list are opened at a time. */
const concurrency = 4
const attemptLimit = 3
const version = 1

export function createRfxOperations(
  given: RfxDependencies,
  person: Me,
  storeOf: (id: string) => Store<RfxSnapshot>,
  end: AbortSignal,
): RfxOperations {
  const { call, lock, userKeys, companies, storage, now } = given
  const projects = new Map<string, Project>()
  const background = new Set<Promise<unknown>>()
  const dependencies: ProjectDependencies = {
    ...given,
    person,
    ownThumbprints: createOwnThumbprints(userKeys, companies),
    recipientPins: createRecipientPins({ storage, lock }, person.id),
    wrapper: given.keyWrapper ?? workerKeyWrapper,
    companiesOfPerson,
    inBackground(task) {
      const running = task().catch(() => {})
      background.add(running)
      void running.finally(() => background.delete(running))
    },
  }

  const forgetAll = () => {
    for (const one of projects.values()) one.forget()
  }
  end.addEventListener('abort', forgetAll, { once: true })
  const endOwnKey = userKeys.subscribe(() => {
    if (userKeys.getSnapshot().status === 'ready') for (const one of projects.values()) one.onOwnKey()
  })
  end.addEventListener('abort', endOwnKey, { once: true })
  // A page that is left must not keep keys in what the browser keeps of it; shown again, it opens them anew.
  let left: readonly string[] = []
  const leave = () => {
    left = [...projects.keys()].filter((id) => storeOf(id).getSnapshot().state !== 'idle')
    forgetAll()
  }
  globalThis.window?.addEventListener('pagehide', leave, { signal: end })
  globalThis.window?.addEventListener(
    'pageshow',
    ({ persisted }) => {
      if (persisted) for (const id of left) void project(id).open()
    },
    { signal: end },
  )

  return {
    project,
    async list() {
      const summaries = await summariesOf()
      const items = new Array<RfxListItem>(summaries.length)
      const waiting = summaries.entries()
      const run = async () => {
        for (const [index, summary] of waiting) items[index] = await itemOf(summary)
      }
      await Promise.all(Array.from({ length: concurrency }, run))
      return items
    },
    create,
    settle,
    async settled() {
      while (background.size > 0) await Promise.all(background)
    },
    distributeRFXKeyToDevelopers: (rfxId, options) =>
      project(rfxId).handOver({ ...options, only: ({ role }) => role === 'developer' }),
    distributeRFXKeyToCompanies: (rfxId, companyIds, options) =>
      project(rfxId).handOver({
        ...options,
        only: ({ companyId, role }) => role !== 'developer' && companyId !== null && companyIds.includes(companyId),
      }),
  }

  function project(id: string): Project {
    const known = projects.get(id)
    if (known) return known
    const made = createProject(dependencies, id, storeOf(id))
    projects.set(id, made)
    return made
  }

  async function summariesOf(): Promise<readonly RfxSummary[]> {
    const all: RfxSummary[] = []
    let cursor: string | undefined
    do {
      const query = { limit: 200, ...(cursor === undefined ? {} : { cursor }) }
      const page = await call('listRfx', { query })
      all.push(...page.rfx)
      cursor = page.nextCursor
    } while (cursor !== undefined)
    return all
  }

  /** One project that does not open never keeps the others from being shown. */
  async function itemOf(summary: RfxSummary): Promise<RfxListItem> {
    const { id, status, role, company, deadline, createdAt, via } = summary
    if (via !== null) await project(id).follow(summary)
    const { state, details } = storeOf(id).getSnapshot()
    return {
      id,
      title: state === 'ready' && via !== null ? (details?.title ?? null) : null,
      state: via === null || state === 'waiting_for_key' ? 'waiting_for_key' : state === 'ready' ? 'ready' : 'error',
      status,
      role,
      company,
      deadline: dateOf(deadline),
      createdAt: new Date(createdAt),
    }
  }

  async function create({ title, companyId }: { readonly title: string; readonly companyId: string }): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      const id = crypto.randomUUID()
      try {
        await createOnce(id, title, companyId)
        return id
      } catch (error) {
        // A key was replaced between fetching and storing.
        if (codeOf(error) !== 'recipients_changed' || attempt === attemptLimit) throw error
      }
    }
  }

  async function createOnce(id: string, title: string, companyId: string): Promise<void> {
    const plaintext = encodeRfxTitle(title)
    const { tools, end: endSession } = createRfxSession(dependencies, id, noEvents)
    const group = { groupId: id, kind: 'project', role: 'buyer', companyId } as const
    const { key, manifest, remember } = await makeFirstVersion(dependencies, tools, group)
    try {
      const { body: entry } = await sealEntry({
        organizationId: person.organization.id,
        rfxId: id,
        sequence: 1,
        kind: 'title',
        object: id,
        revision: 1,
        previous: null,
        current: { title: 1, specification: 0 },
        plaintext,
        key,
        version,
        author: await tools.author(),
        now,
      })
      const created = await tools.call('createRfx', { body: { id, companyId, manifest, title: entry } })
      await remember()
      await project(id).adopt(created, key)
    } catch (error) {
      key.fill(0)
      throw error
    } finally {
      endSession()
    }
  }

  async function settle(): Promise<void> {
    const isDue = (summary: RfxSummary) => {
      const { id, missing, rekeyPending, role, via } = summary
      if (via === null) return false
      return role === 'supplier' ? rekeyPending : missing > 0 || rekeyPending || project(id).hasStale(summary)
    }
    for (const { id } of (await summariesOf()).filter(isDue)) {
      if (end.aborted) return
      // Of several tabs one does it; the next one finds nothing left to do.
      await lock.run(`rfx_settle.${id}`, () => project(id).settle()).catch(() => {})
    }
  }

  async function companiesOfPerson(): Promise<readonly Person[]> {
    const all: Person[] = []
    let cursor: string | undefined
    do {
      const page = await companies.list({ mine: true, limit: 200, cursor })
      all.push(...page.items)
      cursor = page.nextCursor
    } while (cursor !== undefined)
    return all
  }
}

/** Nothing of a project happens before it is there. */
const noEvents = {
  onFetched() {},
  onDenied() {},
  async onRecipients() {},
  renew: () => Promise.reject(new TypeError('it is not there yet')),
  createBidderGroup: () => Promise.reject(new TypeError('it is not there yet')),
}
