import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { sealedByteLength } from '@nokkel/crypto'
import { type RawBuilder, sql } from 'kysely'
import { sendAssignment } from '../../packages/server/src/assignments/send.ts'
import { announceFile, storeChunk } from '../../packages/server/src/blobs/upload.ts'
import type { Claims } from '../../packages/server/src/db/with-claims.ts'
import { createChallenge } from '../../packages/server/src/keys/challenge.ts'
import { sealFor } from '../../tools/testing/assignments.ts'
import type { TestDatabase } from '../../tools/testing/database.ts'
import {
  createEquipped,
  createOrganization,
  createPerson,
  type Equipped,
  equip,
  logIn,
} from '../../tools/testing/people.ts'

/** A coordinator with something in every table: an assignment with a file, and a file not sent. */
export interface Sender extends Equipped {
  /** Another active device of theirs, that has no key to the assignment. */
  readonly otherDeviceId: string
  readonly assignmentId: string
  readonly sentBlobId: string
  readonly pendingBlobId: string
}

export interface World {
  readonly organization: string
  readonly elsewhere: string
  /** Where `coordinator` coordinates too, but is not logged in. */
  readonly second: string
  /** Got the assignment of `coordinator`. */
  readonly member: Equipped
  /** Of the same organisation; got nothing. */
  readonly colleague: Equipped
  readonly coordinator: Sender
  /** Coordinates another organisation. */
  readonly stranger: Sender
  /** A member of that other organisation who has got nothing. */
  readonly strangersColleague: string
  /** Got the assignment of `coordinator` and left the organisation. */
  readonly former: Equipped
  /** Coordinates the organisation of `coordinator`; signed out. */
  readonly ended: Sender
  /** `coordinator` is its administrator; `member` and `ended` are in it, `former` was. */
  readonly company: string
  /** A project of that company, in which that of `colleague` bids. `coordinator` made it and opens its bids; the deadline has passed. */
  readonly rfx: string
  /** The second login of `coordinator`, who came by the first. */
  readonly login: string
  /** What `coordinator` has agreed to. */
  readonly consent: string
  /** The SHA-256 of a code to the company of `colleague`, whom nobody else is in it with. */
  readonly invitation: Buffer
}

/** Every table has rows of several people. */
export async function createWorld(database: TestDatabase): Promise<World> {
  const organization = await createOrganization(database, { devicePolicy: 'several' })
  const elsewhere = await createOrganization(database, { devicePolicy: 'several' })
  const [member, colleague, former] = [
    await createEquipped(database, organization),
    await createEquipped(database, organization),
    await createEquipped(database, organization),
  ]
  const coordinator = await createSender(database, organization, [member, former])
  const second = await createOrganization(database)
  await sql`insert into public.organization_member (organization_id, user_id, role)
    values (${second}::uuid, ${coordinator.id}::uuid, 'coordinator')`.execute(database.owner)
  const ended = await createSender(database, organization, [colleague])
  const stranger = await createSender(database, elsewhere, [await createEquipped(database, elsewhere)])
  const strangersColleague = await createPerson(database, elsewhere)
  const owner = (statement: RawBuilder<unknown>) => statement.execute(database.owner)
  for (const person of [member, coordinator, stranger, former, ended]) {
    await createChallenge(database.server, person.claims, person.encryptionKey)
    await owner(sql`insert into public.external_identity (provider, client_id, subject, user_id)
      values ('bankid', 'client', ${person.id}, ${person.id}::uuid)`)
    await owner(sql`insert into public.user_identities (user_id, personnummer_index, personnummer_index_key)
      values (${person.id}::uuid, ${hash(person.id)}::bytea, 'key')`)
    await owner(sql`insert into public.consent (user_id, organization_id, purpose, shares, legal_basis, text_version)
      values (${person.id}::uuid, ${person.claims.organization}::uuid, 'contact', '{email}', 'gdpr-6-1-a', 'v1')`)
    await owner(sql`insert into nokkel.refresh_token (hash, session_id)
      values (${hash(person.claims.sid)}::bytea, ${person.claims.sid}::uuid)`)
  }
  const bytes = randomBytes(32)
  for (const { id, deviceId, claims } of [member, coordinator]) {
    await owner(sql`insert into nokkel.biometric_enrollment (device_id, user_id, user_handle)
      values (${deviceId}::uuid, ${id}::uuid, ${hash(deviceId)}::bytea)`)
    await owner(sql`insert into nokkel.webauthn_credential
        (device_id, credential_id, public_key, sign_count, device_type, backed_up, aaguid, rp_id)
      values (${deviceId}::uuid, ${hash(deviceId)}::bytea, 'key', 0, 'singleDevice', false, ${randomUUID()}::uuid, 'localhost')`)
    await owner(sql`insert into nokkel.webauthn_challenge (hash, session_id, kind, rp_id, user_handle, sign_count)
      values (${hash(deviceId)}::bytea, ${claims.sid}::uuid, 'get', 'localhost', ${hash(deviceId)}::bytea, 0)`)
  }
  await owner(sql`insert into nokkel.index_key_version (key_id) values ('former'), ('key')`)
  await owner(sql`insert into nokkel.former_index values (${hash('former')}::bytea, 'former', ${bytes}::bytea, 'key')`)
  await owner(sql`insert into nokkel.master_key_version (key_id, check_value) values ('key', ${bytes}::bytea)`)
  await owner(
    sql`insert into nokkel.session_key (kid, public_key, wrapped_private_key) values ('kid', '{}', ${bytes}::bytea)`,
  )
  await owner(sql`insert into nokkel.dpop_proof values (${bytes}::bytea, now())`)
  await owner(sql`insert into nokkel.rate_counter values (${bytes}::bytea, now(), 1, 0)`)
  await owner(sql`insert into nokkel.last_sweep (swept_at) values (now())`)
  await owner(sql`insert into nokkel.login_attempt (provider, organization_id, issuer, client_id, redirect_uri, state_hash,
      nonce_hash, code_challenge, expires_at)
    values ('bankid', ${organization}::uuid, 'i', 'c', 'r', ${bytes}::bytea, ${bytes}::bytea, 'c', now())`)
  const login = randomUUID()
  await owner(sql`insert into public.external_identity (id, provider, client_id, subject, user_id, organization_id)
    values (${login}::uuid, 'vipps', 'client', 'subject', ${coordinator.id}::uuid, ${organization}::uuid)`)
  await owner(sql`insert into nokkel.person_key (user_id, wrapped_key, master_key_id)
    values (${coordinator.id}::uuid, ${bytes}::bytea, 'key')`)
  await owner(sql`insert into nokkel.offered_personnummer (user_id, personnummer, source)
    values (${coordinator.id}::uuid, ${bytes}::bytea, 'bankid')`)
  await owner(sql`insert into nokkel.declined_personnummer (user_id) values (${coordinator.id}::uuid)`)
  await owner(
    sql`insert into nokkel.identity_key (kid, public_key, wrapped_private_key) values ('kid', '{}', ${bytes}::bytea)`,
  )
  const { rows: consents } = await sql<{ id: string }>`
    select id from public.consent where user_id = ${coordinator.id}::uuid`.execute(database.owner)
  const { id: consent } = (consents as [{ id: string }])[0]
  await owner(sql`insert into nokkel.waiting_identity (token_hash, thumbprint, organization_id, candidate_id, login)
    values (${bytes}::bytea, 't', ${organization}::uuid, ${coordinator.id}::uuid, '{}')`)
  await owner(sql`insert into nokkel.removed_login (provider, client_id, subject, user_id)
    values ('vipps', 'client', 'removed', ${coordinator.id}::uuid)`)
  await owner(sql`insert into nokkel.suspected_duplicate (organization_id, first_id, second_id, evidence)
    values (${organization}::uuid, least(${member.id}::uuid, ${former.id}::uuid),
      greatest(${member.id}::uuid, ${former.id}::uuid), 'both_logins')`)
  await owner(sql`insert into nokkel.former_account (user_id, survivor_id)
    values (${former.id}::uuid, ${coordinator.id}::uuid)`)
  await owner(sql`
    with merge as (
      insert into nokkel.account_merge (duplicate_id, survivor_id, other_id, survivor_had)
        select d.id, ${coordinator.id}::uuid, ${former.id}::uuid, '{}' from nokkel.suspected_duplicate d returning id
    ) insert into nokkel.account_merge_row (merge_id, table_name, is_exact, before)
      select id, 'public.external_identity', true, '{}' from merge`)
  await owner(sql`insert into public.vipps_org_config (organization_id, environment, client_id, wrapped_client_secret, master_key_id)
    values (${organization}::uuid, 'test', 'client', ${bytes}::bytea, 'key')`)
  await owner(
    sql`insert into public.vipps_org_cost_config (organization_id, monthly_cap) values (${organization}::uuid, 100)`,
  )
  await owner(sql`insert into nokkel.vipps_login_usage values (${organization}::uuid, '2026-11', 3)`)
  await owner(sql`insert into nokkel.vipps_refusal (organization_id) values (${organization}::uuid)`)
  await owner(sql`insert into nokkel.bankid_refusal (organization_id) values (${organization}::uuid)`)
  await owner(sql`insert into nokkel.erasure (id, user_id, erased_at, backups_expire_at, removed)
    values (gen_random_uuid(), gen_random_uuid(), now(), now(), '{}')`)
  await owner(sql`insert into nokkel.erasure_answer values (gen_random_uuid(), gen_random_uuid())`)
  await owner(sql`insert into nokkel.erased_token values (${bytes}::bytea, gen_random_uuid(), now())`)
  const keys = await createKeys(database, {
    organization,
    elsewhere,
    second,
    member,
    colleague,
    coordinator,
    stranger,
    former,
    ended,
  })
  await owner(sql`delete from public.organization_member where user_id = ${former.id}::uuid`)
  await owner(sql`update nokkel.session set ended_at = now(), ended_reason = 'signed_out'
    where id = ${ended.claims.sid}::uuid`)
  return {
    organization,
    elsewhere,
    second,
    member,
    colleague,
    coordinator,
    stranger,
    strangersColleague,
    former,
    ended,
    login,
    consent,
    ...keys,
  }
}

/**
 * Keys of people and companies, and projects of other software wrapped to them: in the organisation one to `coordinator`'s
 * company and to `member`, and one to others; in `second` one to `coordinator`; elsewhere one to `stranger` and their company.
 * And projects of ours: in the organisation one of each company, in which the other bids, and one in each of the other two.
 */
async function createKeys(
  { owner }: TestDatabase,
  world: Omit<World, 'company' | 'rfx' | 'invitation' | 'strangersColleague' | 'login' | 'consent'>,
): Promise<Pick<World, 'company' | 'rfx' | 'invitation'>> {
  const { organization, elsewhere, second, member, colleague, coordinator, stranger, former, ended } = world
  const run = (statement: RawBuilder<unknown>) => statement.execute(owner)
  const key = async (table: 'user' | 'company', of: string, state = 'active'): Promise<string> => {
    const id = randomUUID()
    await run(sql`
      insert into ${sql.table(`public.${table}_key`)} (id, ${sql.id(`${table}_id`)}, public_key, thumbprint,
        encrypted_private_key, envelope_hash, master_key_id, state, superseded_at)
      values (${id}::uuid, ${of}::uuid, ${id}, ${hash(id).toString('base64url')}, ${id}, ${hash(id)}::bytea, 'key', ${state},
        now())`)
    return id
  }
  const company = async (of: string, administrator: Equipped, members: readonly Equipped[] = []): Promise<string> => {
    const id = randomUUID()
    await run(sql`insert into public.company (id, organization_id, name) values (${id}::uuid, ${of}::uuid, ${id})`)
    for (const person of [administrator, ...members]) {
      await run(sql`insert into public.company_member (company_id, organization_id, user_id, role)
        values (${id}::uuid, ${of}::uuid, ${person.id}::uuid, ${person === administrator ? 'administrator' : 'member'})`)
    }
    return id
  }
  const keys = new Map<string, string>()
  for (const { id } of [member, colleague, coordinator, stranger, former, ended]) keys.set(id, await key('user', id))
  await key('user', coordinator.id, 'superseded')
  const companies = [
    await company(organization, coordinator, [member, ended, former]),
    await company(organization, colleague),
    await company(second, coordinator),
    await company(elsewhere, stranger),
  ] as const
  for (const id of companies) keys.set(id, await key('company', id))
  await key('company', companies[0], 'superseded')

  const project = async (of: string, people: readonly Equipped[], parties: readonly string[]): Promise<void> => {
    const id = randomUUID()
    await run(sql`insert into public.rfxs (id, organization_id, key_version) values (${id}::uuid, ${of}::uuid, 2)`)
    await run(sql`insert into public.rfx_key_version (rfx_id, version) values (${id}::uuid, 1), (${id}::uuid, 2)`)
    for (const { id: user } of people) {
      await run(sql`insert into public.rfx_key_members (rfx_id, user_id, encrypted_symmetric_key, key_id)
        values (${id}::uuid, ${user}::uuid, 'x', ${keys.get(user)}::uuid)`)
      await run(sql`insert into public.rfx_key_history (rfx_id, version, user_id, encrypted_symmetric_key, user_key_id)
        values (${id}::uuid, 1, ${user}::uuid, 'x', ${keys.get(user)}::uuid)`)
      await run(sql`insert into nokkel.moved_wrap (rfx_id, version, user_key_id)
        values (${id}::uuid, 1, ${keys.get(user)}::uuid)`)
    }
    for (const party of parties) {
      await run(sql`insert into public.rfx_key_companies (rfx_id, company_id, encrypted_symmetric_key, key_id)
        values (${id}::uuid, ${party}::uuid, 'x', ${keys.get(party)}::uuid)`)
    }
  }
  await project(organization, [member, former, ended], [companies[0]])
  await project(organization, [colleague], [companies[1]])
  await project(second, [coordinator], [companies[2]])
  await project(elsewhere, [stranger], [companies[3]])

  const ours = async (of: string, author: Equipped, buyer: string, supplier?: string): Promise<string> => {
    const groups = { project: randomUUID(), opening: randomUUID(), bidder: randomUUID() }
    const bytes = (length: number) => randomBytes(length)
    const statement = [sql`'x'`, sql`${bytes(32)}::bytea`, sql`${bytes(32)}::bytea`] as const
    for (const [kind, id] of Object.entries(groups)) {
      if (kind === 'bidder' && supplier === undefined) continue
      const party = kind === 'bidder' ? supplier : buyer
      await run(sql`insert into public.rfxs (id, organization_id, kind, parent_id, company_id, status, deadline, created_by)
        values (${id}::uuid, ${of}::uuid, ${kind}, ${kind === 'project' ? null : groups.project}::uuid, ${party}::uuid,
          ${kind === 'project' ? 'approved' : 'draft'}, now() - interval '1 hour', ${author.id}::uuid)`)
      await run(sql`insert into public.rfx_key_version (rfx_id, version) values (${id}::uuid, 1)`)
      await run(sql`
        insert into public.rfx_manifest (rfx_id, version, revision, statement, digest, leaves, commitment, signer_id, signer_thumbprint)
        values (${id}::uuid, 1, 1, ${statement[0]}, ${statement[1]}, ${statement[2]}, sha256('x'), ${author.id}::uuid,
          ${author.signingThumbprint})`)
    }
    const { project: id, opening, bidder } = groups
    await run(sql`insert into public.rfx_opener (rfx_id, user_id, named_by)
      values (${id}::uuid, ${author.id}::uuid, ${author.id}::uuid)`)
    for (const group of [id, opening]) {
      await run(sql`insert into public.rfx_key_members
          (rfx_id, user_id, encrypted_symmetric_key, key_id, role, revision, signed_thumbprint, signed_hash)
        values (${group}::uuid, ${author.id}::uuid, 'x', ${keys.get(author.id)}::uuid, 'buyer', 1,
          ${hash(group).toString('base64url')}, sha256('x'))`)
    }
    await run(sql`insert into public.rfx_entry (rfx_id, sequence, kind, object_id, revision, key_version, wrapped_key, content,
        statement, digest, author_id, signer_thumbprint)
      values (${id}::uuid, 1, 'title', ${id}::uuid, 1, 1, ${bytes(80)}::bytea, ${bytes(80)}::bytea, 'x', sha256('x'),
        ${author.id}::uuid, ${author.signingThumbprint})`)
    const attempt = randomUUID()
    await run(sql`insert into nokkel.rfx_key_attempt (id, rfx_id, version, previous_key, created_by)
      values (${attempt}::uuid, ${id}::uuid, 2, ${bytes(80)}::bytea, ${author.id}::uuid)`)
    await run(sql`insert into nokkel.rfx_attempt_manifest (attempt_id, revision, statement, digest, leaves, commitment, signer_thumbprint)
      values (${attempt}::uuid, 1, 'x', sha256('x'), sha256('x'), sha256('x'), ${author.signingThumbprint})`)
    await run(sql`insert into nokkel.rfx_attempt_wrap
        (attempt_id, owner, owner_id, role, key_id, encrypted_symmetric_key, revision, signed_thumbprint, signed_hash)
      values (${attempt}::uuid, 'user', ${author.id}::uuid, 'buyer', ${keys.get(author.id)}::uuid, 'x', 1,
        ${hash(id).toString('base64url')}, sha256('x'))`)
    await run(sql`insert into nokkel.rfx_broken_wrap (rfx_id, user_id) values (${id}::uuid, ${author.id}::uuid)`)
    if (supplier === undefined) return id
    await run(sql`insert into public.rfx_invitation (rfx_id, company_id, organization_id, invited_by)
      values (${id}::uuid, ${supplier}::uuid, ${of}::uuid, ${author.id}::uuid)`)
    const bid = randomUUID()
    await run(sql`insert into public.rfx_bid (id, rfx_id, company_id, organization_id, bidder_id, opening_id, state, revision, content,
        sealed_part, opening_version, own_key, own_version, statement, author_id, signer_thumbprint, submitted_at)
      values (${bid}::uuid, ${id}::uuid, ${supplier}::uuid, ${of}::uuid, ${bidder}::uuid, ${opening}::uuid, 'submitted', 1,
        ${bytes(80)}::bytea, ${bytes(133)}::bytea, 1, ${bytes(80)}::bytea, 1, 'x', ${author.id}::uuid,
        ${author.signingThumbprint}, now() - interval '2 hours')`)
    await run(sql`insert into nokkel.rfx_bid_part (bid_id, envelope, master_key_id)
      values (${bid}::uuid, ${bytes(80)}::bytea, 'key')`)
    return id
  }
  const rfx = await ours(organization, coordinator, companies[0], companies[1])
  await ours(organization, colleague, companies[1], companies[0])
  await ours(second, coordinator, companies[2])
  const theirs = await ours(elsewhere, stranger, companies[3])
  for (const [id, person] of [
    [rfx, ended],
    [theirs, member],
  ] as const) {
    await run(sql`insert into public.rfx_exclusion (rfx_id, user_id, excluded_by)
      values (${id}::uuid, ${person.id}::uuid, ${person.id}::uuid)`)
  }

  const invitation = hash('invitation')
  await run(sql`insert into nokkel.company_invitation (code_hash, company_id, role, invited_by)
    values (${invitation}::bytea, ${companies[1]}::uuid, 'member', ${colleague.id}::uuid)`)
  await run(sql`insert into nokkel.crypto_quota (organization_id) values (${organization}::uuid)`)
  await run(sql`insert into nokkel.crypto_usage (organization_id, day, action, items)
    values (${organization}::uuid, now(), 'decrypt', 1)`)
  await run(sql`select nokkel.audit(${organization}::uuid, ${coordinator.id}::uuid, 'company.create', 'company',
    ${companies[0]}, null, null)`)
  return { company: companies[0], rfx, invitation }
}

async function createSender(
  database: TestDatabase,
  organization: string,
  recipients: readonly Equipped[],
): Promise<Sender> {
  const sender = await createEquipped(database, organization, { role: 'coordinator' })
  const [sentBlobId, pendingBlobId] = [await upload(database, sender.claims), await upload(database, sender.claims)]
  const request = await sealFor(sender, recipients, { blobs: [sentBlobId] })
  await sendAssignment(database.server, sender.claims, request)
  const { deviceId: otherDeviceId } = await equip(database, await logIn(database, organization, sender.id))
  return { ...sender, otherDeviceId, assignmentId: request.id, sentBlobId, pendingBlobId }
}

async function upload({ server }: TestDatabase, claims: Claims): Promise<string> {
  const id = crypto.randomUUID()
  const byteLength = sealedByteLength(1)
  await announceFile(server, claims, { id, byteLength, chunkCount: 1 })
  await storeChunk(server, claims, { id, index: 0 }, new Uint8Array(byteLength))
  return id
}

const hash = (text: string) => createHash('sha256').update(text).digest()

export const actorNames = [
  'member',
  'coordinator',
  'stranger',
  'former',
  'ended',
  'impostor',
  'nobody',
  'anon',
  'service_role',
  'nokkel_server',
] as const
export type ActorName = (typeof actorNames)[number]

/** Who runs a statement: the role that logs in, the role it becomes, and the claims it sets. */
export interface Actor {
  readonly login: string
  readonly role?: string
  readonly claims?: Claims
}

export function actorsOf(world: World): Record<ActorName, Actor> {
  const { claims } = world.coordinator
  const person = (of: Claims): Actor => ({ login: 'nokkel_server', role: 'authenticated', claims: of })
  return {
    member: person(world.member.claims),
    coordinator: person(claims),
    stranger: person(world.stranger.claims),
    former: person(world.former.claims),
    ended: person(world.ended.claims),
    // Says to be the coordinator, in the live session of someone else.
    impostor: person({ ...claims, sid: world.member.claims.sid }),
    nobody: { login: 'nokkel_server', role: 'authenticated' },
    anon: { login: 'anon', claims },
    service_role: { login: 'service_role', claims },
    nokkel_server: { login: 'nokkel_server', claims },
  }
}

/** Of what nobody can do to a view. */
const toViews = ['42809', '55000']

/**
 * `-`: the role has no such right. `refused`: a policy forbids the row, or a function says no. A number: so many rows seen
 * or changed.
 */
export type Outcome = number | '-' | 'refused'

/** Runs one statement as somebody, says what came of it and undoes it. */
export async function attempt(
  { owner }: TestDatabase,
  { login, role, claims }: Actor,
  statement: RawBuilder<unknown>,
): Promise<Outcome> {
  class Undo extends Error {
    readonly outcome: Outcome
    constructor(outcome: Outcome) {
      super()
      this.outcome = outcome
    }
  }
  try {
    return await owner.transaction().execute(async (transaction) => {
      await sql`set local session authorization ${sql.id(login)}`.execute(transaction)
      await sql`select set_config('request.jwt.claims', ${claims ? JSON.stringify(claims) : ''}, true)`.execute(
        transaction,
      )
      if (role) await sql`set local role ${sql.id(role)}`.execute(transaction)
      const { rows, numAffectedRows } = await statement.execute(transaction)
      throw new Undo(rows.length || Number(numAffectedRows ?? 0))
    })
  } catch (error) {
    if (error instanceof Undo) return error.outcome
    const { code, message } = error as { code?: string; message: string }
    if (code === 'NK001') return 'refused'
    if (code !== undefined && toViews.includes(code)) return '-'
    if (code !== '42501') throw error
    return message.includes('row-level security') ? 'refused' : '-'
  }
}
