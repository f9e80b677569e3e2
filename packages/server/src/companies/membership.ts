import type {
  AnswerOf,
  Company,
  CompanyMember,
  createCompany as createOperation,
  inviteToCompany as inviteOperation,
  ParsedOf,
} from '@nokkel/contract'
import type { Caller } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import type { Database, Transaction } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { withClaims } from '../db/with-claims.ts'
import { readCompany } from './directory.ts'
import { generateInvitationCode, hashInvitationCode } from './invitation-code.ts'
import { deleteMember, insertCompany, insertInvitation, updateMember, useInvitation } from './store.ts'

type Role = CompanyMember['role']

/** A member of a company, as the path of an operation names them. */
export interface MemberPath {
  readonly id: string
  readonly userId: string
}

/** The database decides and records what it allows; what it refuses is recorded here. */
async function change<T>(
  database: Database,
  caller: Caller,
  { action, company }: { readonly action: string; readonly company: string | null },
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  return recordRefusal(database, caller, { action, type: 'company', id: company }, () =>
    withClaims(database, caller.claims, work),
  )
}

/** @throws {ServerError} `forbidden`: for members. `conflict`: the organisation number stands with another company. */
export async function createCompany(
  database: Database,
  caller: Caller,
  company: ParsedOf<typeof createOperation>['body'],
): Promise<Company> {
  return change(database, caller, { action: 'company.create', company: null }, async (transaction) =>
    readCompany(transaction, await insertCompany(transaction, company, caller.requestId)),
  )
}

/** Makes a code that nobody sees again. @throws {ServerError} `not_found` or `forbidden`: for whoever may not invite. */
export async function invite(
  database: Database,
  caller: Caller,
  company: string,
  role: Role,
): Promise<AnswerOf<typeof inviteOperation>> {
  const code = generateInvitationCode()
  const codeHash = await hashInvitationCode(code)
  const expiresAt = await change(database, caller, { action: 'company_invitation.create', company }, (transaction) =>
    insertInvitation(transaction, { company, role, codeHash }, caller.requestId),
  )
  return { code, expiresAt: instant(expiresAt) }
}

/** @throws {ServerError} `invitation_unknown`. `conflict`: they are in the company with that role already. */
export async function join(database: Database, caller: Caller, code: string): Promise<Company> {
  return change(database, caller, { action: 'company_member.create', company: null }, async (transaction) =>
    readCompany(transaction, await useInvitation(transaction, await hashInvitationCode(code), caller.requestId)),
  )
}

/** @throws {ServerError} `not_found`, `forbidden` or `company_needs_administrator`. */
export async function changeMember(database: Database, caller: Caller, of: MemberPath, role: Role): Promise<void> {
  await change(database, caller, { action: 'company_member.change', company: of.id }, (transaction) =>
    updateMember(transaction, of, role, caller.requestId),
  )
}

/** What they could open through the company closes with it. @throws {ServerError} As {@link changeMember}. */
export async function removeMember(database: Database, caller: Caller, of: MemberPath): Promise<void> {
  await change(database, caller, { action: 'company_member.remove', company: of.id }, (transaction) =>
    deleteMember(transaction, of, caller.requestId),
  )
}
