import type { ParsedOf } from '@nokkel/contract'
import * as contract from '@nokkel/contract'
import { encodeRfxTitle, generateRfxKey, sealRfxEntry } from '@nokkel/crypto'
import { sql } from 'kysely'
import type { TestDatabase } from '../database.ts'
import { wireEntry } from './content.ts'
import { distribute, type GroupKey, signWraps, targetOf } from './keys.ts'
import { answerOf, type RfxApi, type RfxPerson, signerOf } from './person.ts'

/** What {@link createProject} sends. */
export async function makeProject(
  api: RfxApi,
  buyer: RfxPerson,
  companyId: string,
  {
    id = crypto.randomUUID(),
    title = 'Ny skole på Vestre Haugen',
  }: { readonly id?: string; readonly title?: string } = {},
): Promise<ParsedOf<typeof contract.createRfx>['body']> {
  const of: GroupKey = {
    organizationId: buyer.claims.organization,
    groupId: id,
    kind: 'project',
    version: 1,
    key: generateRfxKey(),
  }
  const target = await targetOf(api, buyer, 'buyer')
  const { statement, wraps } = await signWraps(buyer, of, { revision: 1, previous: null }, [target])
  const entry = await sealRfxEntry({
    organizationId: of.organizationId,
    rfxId: id,
    sequence: 1,
    kind: 'title',
    object: id,
    revision: 1,
    previous: null,
    current: { title: 1, specification: 0 },
    plaintext: encodeRfxTitle(title),
    key: of.key,
    version: 1,
    author: signerOf(buyer),
  })
  return { id, companyId, manifest: { statement, wraps }, title: wireEntry(entry, { sequence: 1, version: 1 }) }
}

/** A draft of a company, whose key the buyer alone has. Gives its id. */
export async function createProject(
  api: RfxApi,
  buyer: RfxPerson,
  companyId: string,
  options: { readonly id?: string; readonly title?: string } = {},
): Promise<string> {
  const body = await makeProject(api, buyer, companyId, options)
  await answerOf(api, contract.createRfx, buyer, { body })
  return body.id
}

/** Makes the opening group, or that of a bidding company, whose key its maker alone has. Gives its id. */
export async function createGroup(
  api: RfxApi,
  person: RfxPerson,
  rfxId: string,
  kind: 'opening' | 'bidder',
  companyId: string,
): Promise<string> {
  const groupId = crypto.randomUUID()
  const of = { organizationId: person.claims.organization, groupId, kind, version: 1, key: generateRfxKey() }
  const target = await targetOf(api, person, kind === 'opening' ? 'buyer' : 'supplier')
  const { statement, wraps } = await signWraps(person, of, { revision: 1, previous: null }, [target])
  const body = { groupId, kind, companyId, manifest: { statement, wraps } }
  return (await answerOf(api, contract.createRfxGroup, person, { params: { id: rfxId }, body })).id
}

export interface ProjectStages {
  readonly buyer: RfxPerson
  readonly developer: RfxPerson
  /** Of the buyer. */
  readonly companyId: string
  /** Companies to invite. */
  readonly suppliers?: readonly string[]
  /** Who opens bids; among them the buyer, who makes their group. */
  readonly openers?: readonly RfxPerson[]
  /** RFC 3339. */
  readonly deadline?: string
  readonly until?: 'draft' | 'in_review' | 'approved'
}

/** A project that has come so far, with its key at everyone who may have it. Gives its id. */
export async function createProjectAt(api: RfxApi, stages: ProjectStages): Promise<string> {
  const { buyer, developer, companyId, suppliers = [], openers = [], deadline, until = 'approved' } = stages
  const id = await createProject(api, buyer, companyId)
  for (const supplier of suppliers) {
    await answerOf(api, contract.inviteSupplier, buyer, { params: { id, companyId: supplier } })
  }
  for (const opener of openers) {
    await answerOf(api, contract.nameOpener, buyer, { params: { id, userId: opener.id } })
  }
  if (openers.length > 0) await distribute(api, buyer, await createGroup(api, buyer, id, 'opening', companyId))
  if (deadline) await answerOf(api, contract.setRfxDeadline, buyer, { params: { id }, body: { deadline } })
  await distribute(api, buyer, id)
  if (until === 'draft') return id
  await answerOf(api, contract.changeRfxStatus, buyer, { params: { id }, body: { status: 'in_review' } })
  await distribute(api, buyer, id)
  if (until === 'in_review') return id
  await answerOf(api, contract.changeRfxStatus, developer, { params: { id }, body: { status: 'approved' } })
  await distribute(api, buyer, id)
  return id
}

export const inOneHour = () => new Date(Date.now() + 3_600_000).toISOString()

/** Lets the deadline of a project pass, as only the clock does. */
export async function passDeadline({ owner }: TestDatabase, rfxId: string): Promise<void> {
  await sql`update public.rfxs set deadline = now() - interval '1 second' where id = ${rfxId}::uuid`.execute(owner)
}
