import type { Company, CompanyMember, CompanySummary } from '@nokkel/contract'
import { lazily } from '../lazily.ts'
import type { Page, PageOptions } from '../members/member-service.ts'
import type { MovedWraps, Regeneration, RegenerationOptions, Revocation } from '../user-keys/key-owner.ts'
import type { ManagedKeyView } from '../user-keys/managed-key.ts'
import type { CompanyDependencies } from './company-operations.ts'

export type CompanyRole = CompanyMember['role']

/** A company of the organisation, with the key to wrap to. */
export interface CompanyView extends Omit<CompanySummary, 'key'> {
  readonly key: (NonNullable<CompanySummary['key']> & { readonly fingerprint: string }) | null
}

/** A company as its members see it. */
export interface CompanyDetails extends CompanyView, Pick<Company, 'members'> {
  /** Newest first. */
  readonly keys: readonly ManagedKeyView[]
}

export interface CompanyInvitation {
  /** A secret for one person: whoever presents it first joins. */
  readonly code: string
  /** RFC 3339. */
  readonly expiresAt: string
}

/**
 * The companies of the organisation. A company has a key that all its members use and none of them holds: it never leaves
 * the server, and who leaves the company cannot use it any more.
 *
 * @example
 * ```ts
 * const { companies } = createNokkel({ organization: 'likeperson' })
 * const { id } = await companies.create({ name: 'Fjord Bygg AS' })
 * await companies.generateKey(id)
 * const { code } = await companies.invite(id)
 * console.log(`Tell one colleague: ${code}`)
 * ```
 */
export interface CompanyService {
  /** By name. */
  list(
    options?: PageOptions & {
      readonly search?: string | undefined
      /** Only those the person is in. */
      readonly mine?: boolean
    },
  ): Promise<Page<CompanyView>>
  /** @throws {NokkelError} `not_found`, also for a company the person is not in. */
  get(id: string): Promise<CompanyDetails>
  /** For coordinators and administrators of the organisation, who become its first administrator. */
  create(company: {
    readonly name: string
    /** Nine digits. */
    readonly organizationNumber?: string | undefined
  }): Promise<CompanyDetails>
  /** Default role: member. The code holds for seven days. */
  invite(id: string, options?: { readonly role?: CompanyRole }): Promise<CompanyInvitation>
  /** @throws {NokkelError} `invitation_unknown`: used, expired or never made. */
  join(code: string): Promise<CompanyDetails>
  /** @throws {NokkelError} `company_needs_administrator`: this is the last one. */
  changeRole(id: string, userId: string, role: CompanyRole): Promise<void>
  /** Ends the membership, and the use of the company's key, at once. */
  remove(id: string, userId: string): Promise<void>
  /** Removes the person who is logged in. */
  leave(id: string): Promise<void>
  /** Makes the first key of a company. @throws {NokkelError} `key_exists` */
  generateKey(id: string): Promise<ManagedKeyView>
  /** As that of `userKeys`, for administrators of the company. */
  regenerate(id: string, options?: RegenerationOptions): Promise<Regeneration>
  moveWraps(id: string, options?: RegenerationOptions): Promise<MovedWraps>
  markCompromised(id: string, keyId: string, options?: RegenerationOptions): Promise<Revocation>
}

export function createCompanyService(dependencies: CompanyDependencies): CompanyService {
  const load = lazily(async () => (await import('./company-operations.ts')).createCompanyOperations(dependencies))
  return {
    list: async (options) => (await load()).list(options),
    get: async (id) => (await load()).get(id),
    create: async (company) => (await load()).create(company),
    invite: async (id, options) => (await load()).invite(id, options),
    join: async (code) => (await load()).join(code),
    changeRole: async (id, userId, role) => (await load()).changeRole(id, userId, role),
    remove: async (id, userId) => (await load()).remove(id, userId),
    leave: async (id) => (await load()).leave(id),
    generateKey: async (id) => (await load()).generateKey(id),
    regenerate: async (id, options) => (await load()).regenerate(id, options),
    moveWraps: async (id, options) => (await load()).moveWraps(id, options),
    markCompromised: async (id, keyId, options) => (await load()).markCompromised(id, keyId, options),
  }
}
