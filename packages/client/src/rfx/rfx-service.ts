import type { Me } from '@nokkel/contract'
import { NokkelError, nokkelErrorOf } from '../errors.ts'
import { lazily } from '../lazily.ts'
import { createStore, type Store } from '../state/store.ts'
import { whenIdle } from '../user-keys/when-idle.ts'
import type { DistributionResult, Person, Rfx, RfxListItem, RfxSnapshot, WorkOptions } from './rfx.ts'
import type { RfxDependencies } from './rfx-dependencies.ts'
import type { RfxOperations } from './rfx-operations.ts'
import { nothing } from './snapshot.ts'

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
