import { createHash, randomUUID } from 'node:crypto'
import * as contract from '@nokkel/contract'
import { decodeBase64, encodeBase64Url, encryptPreviousKey, generateRfxKey, importPrivateKey } from '@nokkel/crypto'
import { syntheticNationalNumber } from '@nokkel/sandbox'
import { sql } from 'kysely'
import { sendAssignment } from '../../../packages/server/src/assignments/send.ts'
import { keepContact } from '../../../packages/server/src/auth/contact-store.ts'
import { obtainPersonKey } from '../../../packages/server/src/auth/person-key.ts'
import type { Personnummer } from '../../../packages/server/src/auth/personnummer.ts'
import { encryptPersonnummer } from '../../../packages/server/src/identity/personnummer-envelope.ts'
import type { TestApi } from '../../../tools/testing/api.ts'
import { sealFor } from '../../../tools/testing/assignments.ts'
import type { TestDatabase } from '../../../tools/testing/database.ts'
import { createCompanyOf, storeCompanyKey } from '../../../tools/testing/managed-keys.ts'
import { createEquipped, createOrganization, type Equipped, logIn } from '../../../tools/testing/people.ts'
import { distribute, openGroup, rekey } from '../../../tools/testing/rfx/keys.ts'
import { answerOf, createRfxPerson, type RfxPerson } from '../../../tools/testing/rfx/person.ts'
import { createProjectAt, inOneHour } from '../../../tools/testing/rfx/projects.ts'
import { testPrivateKeys } from '../../../tools/testing/rsa-keys.ts'

/** Somebody of whom a test has the keys of the device, and the managed one. */
type Person = RfxPerson & Equipped

/** Two accounts of one person, with something of everything that an account can have. */
export interface Pair {
  readonly organization: string
  readonly elsewhere: string
  readonly administrator: Equipped
  readonly deputy: Equipped
  /** Came by Vipps; a member. */
  readonly survivor: Person
  /** Came by BankID; coordinates, reviews, and is in the second organisation. */
  readonly other: Person
  readonly buyer: RfxPerson
  /** Of the company that both are in, of which `other` is an administrator. */
  readonly company: string
  /** Of the company that only `other` is in. */
  readonly otherCompany: string
  /** Both have its key; it has a second version. */
  readonly shared: string
  /** Of the company of `other`, who may open its bids, with a version in the making. */
  readonly theirs: string
  /** `other` was kept out. */
  readonly closedTo: string
  readonly received: string
  readonly duplicate: string
}

export interface PairOptions {
  readonly evidence?: contract.DuplicateEvidence
}

const hash = (text: string) => createHash('sha256').update(text).digest()

export async function createPair(
  database: TestDatabase,
  api: TestApi,
  { evidence = 'personnummer' }: PairOptions = {},
): Promise<Pair> {
  const { owner, server } = database
  const organization = await createOrganization(database)
  const elsewhere = await createOrganization(database)
  const administrator = await createEquipped(database, organization, { role: 'administrator', name: 'Henrik Aas' })
  const deputy = await createEquipped(database, organization, { role: 'administrator', name: 'Ingrid Solberg' })
  const buyer = await createRfxPerson(database, api, organization, {
    name: 'Silje Vik',
    text: testPrivateKeys[2] ?? '',
  })
  const developer = await createRfxPerson(database, api, organization, { name: 'Marit Strand', developer: true })
  const survivor = await createPerson(database, api, organization, { text: testPrivateKeys[3] ?? '' })
  const other = await createPerson(database, api, organization, { text: testPrivateKeys[4] ?? '', role: 'coordinator' })
  const run = (statement: ReturnType<typeof sql>) => statement.execute(owner)
  await run(sql`update public.organization_member set is_developer = true where user_id = ${other.id}::uuid`)
  await run(sql`insert into public.organization_member (organization_id, user_id, role)
    values (${elsewhere}::uuid, ${other.id}::uuid, 'coordinator')`)
  await logIn(database, elsewhere, other.id)

  const company = await createCompanyOf(database, organization, {
    [buyer.id]: 'administrator',
    [survivor.id]: 'member',
    [other.id]: 'administrator',
  })
  const otherCompany = await createCompanyOf(database, organization, {
    [buyer.id]: 'administrator',
    [other.id]: 'member',
  })
  const supplierCompany = await createCompanyOf(database, organization, {
    [(await createRfxPerson(database, api, organization, { name: 'Bjørn Ødegård' })).id]: 'administrator',
  })
  for (const id of [company, otherCompany, supplierCompany]) {
    await storeCompanyKey(database, api, id, testPrivateKeys[1])
  }

  const stages = { buyer, developer, suppliers: [supplierCompany] }
  const shared = await createProjectAt(api, { ...stages, companyId: company, until: 'in_review' })
  await rekey(api, buyer, shared)
  const theirs = await createProjectAt(api, {
    ...stages,
    companyId: otherCompany,
    openers: [buyer, other],
    deadline: inOneHour(),
  })
  const { group, key: previousKey } = await openGroup(api, other, theirs)
  const version = group.version + 1
  const previous = await encryptPreviousKey({ key: generateRfxKey(), previousKey, groupId: theirs, version })
  const attemptId = randomUUID()
  await answerOf(api, contract.beginRfxVersion, other, {
    params: { id: theirs },
    body: { attemptId, version, previousKey: encodeBase64Url(previous) },
  })
  await run(sql`insert into nokkel.rfx_attempt_manifest
      (attempt_id, revision, statement, digest, leaves, commitment, signer_thumbprint)
    values (${attemptId}::uuid, 1, 'x', sha256('x'), sha256('x'), sha256('x'), ${other.signingThumbprint})`)
  await run(sql`insert into nokkel.rfx_attempt_wrap
      (attempt_id, owner, owner_id, role, key_id, encrypted_symmetric_key, revision, signed_thumbprint, signed_hash)
    select ${attemptId}::uuid, 'user', k.user_id, 'buyer', k.id, 'x', 1, k.thumbprint, sha256('x')
    from public.user_key k where k.user_id = ${other.id}::uuid`)
  // One that they said is broken, and a project of other software.
  await run(sql`insert into nokkel.rfx_broken_wrap (rfx_id, user_id) values (${shared}::uuid, ${other.id}::uuid)`)
  await run(sql`
    with rfx as (insert into public.rfxs (organization_id) values (${organization}::uuid) returning id)
    insert into public.rfx_key_members (rfx_id, user_id, encrypted_symmetric_key, key_id)
      select rfx.id, k.user_id, 'x', k.id from rfx, public.user_key k where k.user_id = ${other.id}::uuid`)
  const closedTo = await createProjectAt(api, { ...stages, companyId: company, until: 'draft' })
  await answerOf(api, contract.excludeRfxMember, buyer, { params: { id: closedTo, userId: other.id } })
  await rekey(api, buyer, closedTo)
  await distribute(api, buyer, closedTo)

  const sender = await createEquipped(database, organization, { role: 'coordinator', name: 'Even Lunde' })
  const toOther = await sealFor(sender, [other])
  await sendAssignment(server, sender.claims, toOther)
  await sendAssignment(server, sender.claims, await sealFor(sender, [other, survivor]))
  await sendAssignment(server, other.claims, await sealFor(other, [survivor]))

  const identities = [
    ['vipps', 'vipps-client', survivor.id],
    ['bankid', '*', other.id],
    ['vipps', 'other-vipps-client', other.id],
  ] as const
  for (const [provider, client, user] of identities) {
    await run(sql`insert into public.external_identity (provider, client_id, subject, user_id, last_login_at)
      values (${provider}, ${client}, ${randomUUID()}, ${user}::uuid, now())`)
  }
  await run(sql`insert into public.user_identities (user_id) values (${survivor.id}::uuid)`)
  await run(sql`insert into public.user_identities (user_id, personnummer_index, personnummer_index_key, bankid_verified,
      bankid_verified_at, phone_index, email_index, contact_index_key)
    values (${other.id}::uuid, ${hash(other.id)}::bytea, 'index', true, now(), ${hash('phone')}::bytea, ${hash('email')}::bytea,
      'index')`)
  for (const [of, user, purpose, version] of [
    [organization, survivor.id, 'contact', 'v1'],
    [organization, other.id, 'contact', 'v2'],
    [elsewhere, other.id, 'contact', 'v2'],
    [elsewhere, other.id, 'recognition', 'v2'],
    [organization, other.id, 'personnummer', 'v2'],
  ] as const) {
    const shares = purpose === 'contact' ? ['phoneNumber', 'email', 'address'] : ['personnummer']
    await run(sql`insert into public.consent (user_id, organization_id, purpose, shares, legal_basis, text_version)
      values (${user}::uuid, ${of}::uuid, ${purpose}, ${shares}::text[], 'gdpr-6-1-a', ${version})`)
  }
  const { keyring } = api
  await keepContact({ database: server, keyring, logger: () => undefined }, other.id, async () => contact)
  const { key: personKey } = await obtainPersonKey(server, keyring, other.id)
  const kept = await encryptPersonnummer(personnummer as Personnummer, personKey, 'kept', other.id)
  await run(sql`update public.user_identities
    set personnummer = ${kept}, personnummer_source = 'bankid', personnummer_kept_at = now() where user_id = ${other.id}::uuid`)
  const offered = await encryptPersonnummer(personnummer as Personnummer, personKey, 'offered', other.id)
  await run(sql`insert into nokkel.offered_personnummer (user_id, personnummer, source)
    values (${other.id}::uuid, ${offered}, 'bankid')`)
  const duplicate = await createDuplicate(database, organization, survivor.id, other.id, evidence)
  await createDuplicate(database, organization, survivor.id, other.id, 'both_logins')
  await createDuplicate(database, organization, other.id, buyer.id, 'phone_and_email')
  return {
    organization,
    elsewhere,
    administrator,
    deputy,
    survivor,
    other,
    buyer,
    company,
    otherCompany,
    shared,
    theirs,
    closedTo,
    received: toOther.id,
    duplicate,
  }
}

/** Of a made-up person: what `other` keeps. */
export const personnummer = syntheticNationalNumber('1984-03-17')

const contact = {
  phoneNumber: '+4790000034',
  email: 'kari@person.example',
  address: { street: 'Storgata 1', postalCode: '0155', place: 'Oslo', country: 'NO' },
}

export async function createDuplicate(
  { owner }: TestDatabase,
  organization: string,
  one: string,
  other: string,
  evidence: contract.DuplicateEvidence,
): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    insert into nokkel.suspected_duplicate (organization_id, first_id, second_id, evidence)
    values (${organization}::uuid, least(${one}::uuid, ${other}::uuid), greatest(${one}::uuid, ${other}::uuid), ${evidence})
    returning id`.execute(owner)
  return (rows as [{ id: string }])[0].id
}

async function createPerson(
  database: TestDatabase,
  api: TestApi,
  organization: string,
  { text, role = 'member' }: { readonly text: string; readonly role?: 'member' | 'coordinator' },
): Promise<Person> {
  const equipped = await createEquipped(database, organization, { name: 'Kari Nordmann', role })
  await answerOf(api, contract.cryptoService, equipped, { body: { action: 'encrypt', text } })
  return { ...equipped, signing: equipped.keys.signing, managed: await importPrivateKey(decodeBase64(text)) }
}
