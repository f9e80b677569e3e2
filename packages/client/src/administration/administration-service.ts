import type {
  Assurance,
  Duplicate,
  LoginSettings,
  MergeEffect,
  ProviderFinding,
  VippsCost,
  VippsSettings,
} from '@nokkel/contract'
import type { Call } from '../http/api.ts'
import { lazily } from '../lazily.ts'
import type { Page, PageOptions } from '../members/member-service.ts'

/** What an administrator sets up of Vipps. */
export interface VippsSetup extends Omit<VippsSettings, 'secretSet'> {
  /** Goes in and never comes out. Without it the one that is there stays, unless client or environment change. */
  readonly clientSecret?: string | undefined
}

/** What a merge would do. */
export interface MergePreview {
  readonly effects: readonly MergeEffect[]
  /** Names what was looked at; to be given to `merge`. */
  readonly digest: string
}

/**
 * How people log in to the organisation, and accounts that may be one person; for its administrators. Everybody else gets
 * `forbidden`, and for a change `login_too_old` where they logged in more than five minutes ago. Loaded at first use.
 *
 * @example
 * ```ts
 * const { administration } = createNokkel({ organization: 'likeperson' })
 * const { warnings } = await administration.loginSettings()
 * for (const { id, accounts } of (await administration.duplicates()).items) {
 *   const { effects } = await administration.previewMerge(id, accounts[0]?.id ?? '')
 *   console.log(effects.map(({ what, effect, count }) => `${count} ${what}: ${effect}`))
 * }
 * ```
 */
export interface AdministrationService {
  loginSettings(): Promise<LoginSettings>
  /**
   * The least assurance of a login. Sessions that came by less end.
   *
   * @throws {NokkelError} `login_assurance_too_low`: that would end one's own.
   */
  setMinimumAssurance(level: Assurance): Promise<LoginSettings>
  /** @throws {NokkelError} `secret_required`, `redirect_uri_invalid` */
  setVipps(settings: VippsSetup): Promise<LoginSettings>
  setVippsCost(cost: VippsCost): Promise<LoginSettings>
  /** Tries the settings against Vipps, without logging anybody in. */
  checkVipps(): Promise<readonly ProviderFinding[]>
  /** Default: those nobody has settled yet. */
  duplicates(options?: PageOptions & { readonly state?: Duplicate['state'] }): Promise<Page<Duplicate>>
  /** @param survivor - Id of the account that would be kept. */
  previewMerge(id: string, survivor: string): Promise<MergePreview>
  /**
   * Merges two accounts as it was previewed, all at once.
   *
   * @throws {NokkelError} `merge_changed`: preview again; `merge_different_people`, `merge_not_allowed`,
   * `duplicate_settled`.
   */
  merge(id: string, survivor: string, digest: string): Promise<Duplicate>
  /** Puts everything back, within thirty days. @throws {NokkelError} `merge_not_undoable` */
  undoMerge(id: string): Promise<Duplicate>
  /** Says that they are two people. @throws {NokkelError} `duplicate_settled` */
  dismissDuplicate(id: string): Promise<Duplicate>
}

export function createAdministrationService(call: Call): AdministrationService {
  const load = lazily(async () => (await import('./administration-operations.ts')).createAdministrationOperations(call))
  return {
    loginSettings: async () => (await load()).loginSettings(),
    setMinimumAssurance: async (level) => (await load()).setMinimumAssurance(level),
    setVipps: async (settings) => (await load()).setVipps(settings),
    setVippsCost: async (cost) => (await load()).setVippsCost(cost),
    checkVipps: async () => (await load()).checkVipps(),
    duplicates: async (options) => (await load()).duplicates(options),
    previewMerge: async (id, survivor) => (await load()).previewMerge(id, survivor),
    merge: async (id, survivor, digest) => (await load()).merge(id, survivor, digest),
    undoMerge: async (id) => (await load()).undoMerge(id),
    dismissDuplicate: async (id) => (await load()).dismissDuplicate(id),
  }
}
