import type { LoginWarning, Me } from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import { checkSchema } from '../db/schema-version.ts'
import type { OperatorWays } from '../login-settings/login-setup.ts'
import { appoint, selectSetups } from '../login-settings/store.ts'
import { loginWarnings } from '../login-settings/warnings.ts'

/** How an organisation stands, for the operator. */
export interface OrganizationState {
  readonly slug: string
  readonly name: string
  readonly minimumAssurance: 'low' | 'substantial' | 'high'
  /** `operator`: configured by the operator, not stored; `null`: there is none. */
  readonly vipps: 'on' | 'off' | 'operator' | null
  readonly bankid: boolean
  /** By Vipps in this calendar month. */
  readonly logins: number
  readonly monthlyCap: number | null
  readonly warnings: readonly LoginWarning[]
}

/**
 * Lists all organisations by slug, with what should be seen to.
 *
 * @throws {Error} The database is not one of this version, or the URL logs in as somebody else.
 */
export async function listOrganizationStates(database: Database, ways: OperatorWays): Promise<OrganizationState[]> {
  await checkSchema(database)
  return (await selectSetups(database, null)).map((setup) => {
    const operated = ways.registry.find('vipps', setup.slug) ? 'operator' : null
    return {
      slug: setup.slug,
      name: setup.name,
      minimumAssurance: setup.minimumAssurance,
      vipps: setup.vipps ? (setup.vipps.enabled ? 'on' : 'off') : operated,
      bankid: ways.registry.find('bankid', setup.slug) !== undefined,
      logins: setup.logins,
      monthlyCap: setup.cost?.monthlyCap ?? null,
      warnings: loginWarnings(setup, ways),
    }
  })
}

/**
 * Gives a person a role in an organisation, and makes them a member of it: how its first administrator comes to be.
 *
 * @param member.userId - The id of their account, which they see on their account page.
 * @returns Whether they did not have that role already.
 * @throws {ServerError} `organization_unknown`; `not_found`: there is no such account, or it was merged into another one.
 */
export async function appointMember(
  database: Database,
  member: { readonly slug: string; readonly userId: string; readonly role: Me['role'] },
): Promise<boolean> {
  await checkSchema(database)
  return appoint(database, member, crypto.randomUUID())
}
