import type { ParsedOf, RfxEntry, RfxGroup, RfxWrap } from '@nokkel/contract'
import * as contract from '@nokkel/contract'
import {
  asRfxKey,
  type Bytes,
  calculateWrapLeaf,
  decodeBase64,
  decodeBase64Url,
  deriveOpeningKeyPair,
  digestOfJws,
  encodeBase64,
  encodeBase64Url,
  encodeRfxBidContent,
  encodeRfxTitle,
  encryptPreviousKey,
  generateRfxKey,
  hashWrap,
  importPrivateKey,
  importPublicKey,
  type ManagedKey,
  openOwnRfxBid,
  openPreviousKey,
  openRfxBid,
  parseRfxBidContent,
  type RfxBidContent,
  type RfxEntryKind,
  type RfxGroupKind,
  type RfxKey,
  rewrapBidKey,
  rewrapContentKey,
  type SigningDevice,
  sealedByteLength,
  sealRfxBid,
  sealRfxEntry,
  signRfxManifest,
  type Thumbprint,
  unwrapKey,
  verifyRfxEntry,
  verifyRfxManifests,
  wrapKey,
} from '@nokkel/crypto'
import { sql } from 'kysely'
import type { TestApi } from './api.ts'
import type { TestDatabase } from './database.ts'
import { createCompanyOf, storeCompanyKey } from './managed-keys.ts'
import { createEquipped, createOrganization, type Equipped, type Role } from './people.ts'
import { testPrivateKeys } from './rsa-keys.ts'

/** The API of one server, in this process or in another. */
export type RfxApi = Pick<TestApi, 'call'>

/** Somebody on a device of theirs, with their managed key in hand. */
export interface RfxPerson extends Pick<Equipped, 'id' | 'claims' | 'deviceId'> {
  readonly signing: CryptoKeyPair
  readonly managed: ManagedKey
}

/** A member of an organisation on a registered device, with an active key. */
export async function createRfxPerson(
  database: TestDatabase,
  api: RfxApi,
  organizationId: string,
  options: { readonly name?: string; readonly role?: Role; readonly text?: string; readonly developer?: boolean } = {},
): Promise<RfxPerson> {
  const { text = testPrivateKeys[0] ?? '', developer = false, ...person } = options
  const equipped = await createEquipped(database, organizationId, person)
  if (developer) {
    await sql`update public.organization_member set is_developer = true
      where user_id = ${equipped.id}::uuid and organization_id = ${organizationId}::uuid`.execute(database.owner)
  }
  await answerOf(api, contract.cryptoService, equipped, { body: { action: 'encrypt', text } })
  const { id, claims, deviceId, keys } = equipped
  return { id, claims, deviceId, signing: keys.signing, managed: await importPrivateKey(decodeBase64(text)) }
}

/** Those who take part in projects, and those who do not. */
export interface RfxCast {
  readonly organization: string
  readonly companies: { readonly buyer: string; readonly first: string; readonly second: string }
  /** Of the buyer company. */
  readonly kari: RfxPerson
  readonly silje: RfxPerson
  readonly developer: RfxPerson
  /** Of the first supplier. */
  readonly bjorn: RfxPerson
  readonly berit: RfxPerson
  /** Of the second supplier. */
  readonly aile: RfxPerson
  /** In the organisation, and in nothing else. */
  readonly outsider: RfxPerson
  /** A developer of another organisation. */
  readonly stranger: RfxPerson
}

export async function createRfxCast(database: TestDatabase, api: TestApi): Promise<RfxCast> {
  const organization = await createOrganization(database)
  const texts = testPrivateKeys.toReversed()
  const person = (name: string, options: { readonly developer?: boolean; readonly of?: string } = {}) => {
    const { of = organization, ...rest } = options
    const text = texts.pop() ?? testPrivateKeys[0] ?? ''
    return createRfxPerson(database, api, of, { name, text, ...rest })
  }
  const kari = await person('Kari Nordmann')
  const silje = await person('Silje Vik')
  const developer = await person('Marit Strand', { developer: true })
  const bjorn = await person('Bjørn Haugen')
  const berit = await person('Berit Lund')
  const aile = await person('Áile Sara')
  const outsider = await person('Ola Fjell')
  const stranger = await person('Jon Dahl', { of: await createOrganization(database), developer: true })
  const company = (administrator: RfxPerson, ...members: RfxPerson[]) =>
    createCompanyOf(database, organization, {
      [administrator.id]: 'administrator',
      ...Object.fromEntries(members.map(({ id }) => [id, 'member' as const])),
    })
  const companies = {
    buyer: await company(silje, kari),
    first: await company(bjorn, berit),
    second: await company(aile),
  }
  // The opening key is not at Kari alone.
  await storeCompanyKey(database, api, companies.buyer, testPrivateKeys[0] ?? '')
  return { organization, companies, kari, silje, developer, bjorn, berit, aile, outsider, stranger }
}

/** What an operation answers somebody with; anything but success is an error with its code. */
export async function answerOf(
  api: RfxApi,
  operation: Parameters<RfxApi['call']>[0],
  { claims }: Pick<RfxPerson, 'claims'>,
  call: Parameters<RfxApi['call']>[2] = {},
  // biome-ignore lint/suspicious/noExplicitAny: parsed by the schema of the operation
): Promise<any> {
  const { status, code, body } = await api.call(operation, claims, call)
  if (code !== undefined || status >= 300) throw new Error(`${operation.path} answered ${status} ${code}`)
  return body
}

export const signerOf = ({ id, deviceId, signing }: RfxPerson): SigningDevice => ({ userId: id, deviceId, signing })

// Keys ------------------------------------------------------------------------------------------------------------------

/** To whom a key is wrapped, and as what. */
export interface WrapTarget extends Pick<RfxWrap, 'owner' | 'ownerId' | 'role'> {
  readonly key: { readonly id: string; readonly publicKey: string; readonly thumbprint: string }
}

/** One version of the key of a group. */
export interface GroupKey {
  readonly organizationId: string
  readonly groupId: string
  readonly kind: RfxGroupKind
  readonly version: number
  readonly key: RfxKey
}

/** The person as somebody to wrap to. */
export async function targetOf(api: RfxApi, person: RfxPerson, role: RfxWrap['role']): Promise<WrapTarget> {
  const { keys } = await answerOf(api, contract.listUserKeys, person)
  const key = keys.find(({ state }: { state: string }) => state === 'active')
  return { owner: 'user', ownerId: person.id, role, key }
}

/** Wraps a key and signs the next revision of its manifest. */
export async function signWraps(
  signer: RfxPerson,
  { key, ...group }: GroupKey,
  { revision, previous }: { readonly revision: number; readonly previous: Uint8Array | null },
  targets: readonly WrapTarget[],
): Promise<{ readonly statement: string; readonly wraps: RfxWrap[]; readonly digest: Bytes }> {
  const { groupId, version } = group
  const made = await Promise.all(
    targets.map(async ({ owner, ownerId, role, key: { id: keyId, publicKey, thumbprint } }) => {
      const wrapped = await wrapKey(key, (await importPublicKey(decodeBase64(publicKey))).key)
      const leaf = await calculateWrapLeaf({
        groupId,
        version,
        owner,
        ownerId,
        role,
        thumbprint: thumbprint as Thumbprint,
        wrapHash: await hashWrap(wrapped),
      })
      return { wrap: { owner, ownerId, role, keyId, thumbprint, encryptedSymmetricKey: encodeBase64(wrapped) }, leaf }
    }),
  )
  const { statement, digest } = await signRfxManifest({
    ...group,
    key,
    revision,
    previous,
    leaves: made.map(({ leaf }) => leaf),
    signer: signerOf(signer),
  })
  return { statement, digest, wraps: made.map(({ wrap }) => wrap) }
}

/** A group with its key, as a member opens it: through their own wrap, or that of a company. */
export async function openGroup(
  api: RfxApi,
  person: RfxPerson,
  groupId: string,
): Promise<{ readonly group: RfxGroup; readonly key: RfxKey }> {
  const group: RfxGroup = await answerOf(api, contract.getRfxGroup, person, { params: { id: groupId } })
  const { wrap, version, kind } = group
  if (!wrap) throw new Error('There is no wrap for this person.')
  const key = asRfxKey(
    wrap.encryptedSymmetricKey === null
      ? decodeBase64(
          (
            await answerOf(api, contract.cryptoService, person, {
              body: { action: 'unwrap', rfxId: groupId, version, via: 'company' },
            })
          ).key,
        )
      : await unwrapKey(decodeBase64(wrap.encryptedSymmetricKey), person.managed.privateKey),
  )
  const organizationId = person.claims.organization
  const manifest = group.manifest.map(({ statement, leaves }) => ({ statement, leaves: decodeBase64Url(leaves) }))
  await verifyRfxManifests(manifest, { organizationId, groupId, kind, version, key })
  return { group, key }
}

/** The key of an earlier version, through the chain of previous keys. */
export async function openVersion(
  { group, key }: { readonly group: RfxGroup; readonly key: RfxKey },
  version: number,
): Promise<RfxKey> {
  let opened = key
  for (let at = group.version; at > version; at--) {
    const previous = group.versions.find((one) => one.version === at)?.previousKey ?? ''
    opened = await openPreviousKey({
      key: opened,
      previous: decodeBase64Url(previous),
      groupId: group.id,
      version: at,
    })
  }
  return opened
}

async function listTargets(api: RfxApi, person: RfxPerson, groupId: string, only?: 'missing'): Promise<WrapTarget[]> {
  const targets: WrapTarget[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const query: Record<string, string> = { ...(cursor && { cursor }), ...(only && { only }) }
    const page = await answerOf(api, contract.listRfxRecipients, person, { params: { id: groupId }, query })
    targets.push(...page.recipients.filter(({ key }: { key: unknown }) => key !== null))
    cursor = page.nextCursor
  }
  return targets
}

const lastDigest = async ({ manifest }: RfxGroup): Promise<Bytes | null> => {
  const last = manifest.at(-1)
  return last ? digestOfJws(last.statement) : null
}

function* batchesOf<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let index = 0; index < items.length; index += size) yield items.slice(index, index + size)
}

/** Wraps the present key of a group to everyone who waits for it. Gives how many. */
export async function distribute(
  api: RfxApi,
  person: RfxPerson,
  groupId: string,
  { batchLength = 500 }: { readonly batchLength?: number } = {},
): Promise<number> {
  const { group, key } = await openGroup(api, person, groupId)
  const { kind, version } = group
  const targets = await listTargets(api, person, groupId, 'missing')
  let [revision, previous] = [group.manifest.length, await lastDigest(group)]
  const of: GroupKey = { organizationId: person.claims.organization, groupId, kind, version, key }
  for (const batch of batchesOf(targets, batchLength)) {
    revision += 1
    const { digest, ...body } = await signWraps(person, of, { revision, previous }, batch)
    await answerOf(api, contract.addRfxWraps, person, { params: { id: groupId }, body })
    previous = digest
  }
  return targets.length
}

/** Gives a group its next version. Gives which that is. */
export async function rekey(
  api: RfxApi,
  person: RfxPerson,
  groupId: string,
  { batchLength = 500 }: { readonly batchLength?: number } = {},
): Promise<number> {
  const { group, key: previousKey } = await openGroup(api, person, groupId)
  const [version, key, attemptId] = [group.version + 1, generateRfxKey(), crypto.randomUUID()]
  const previousEnvelope = await encryptPreviousKey({ key, previousKey, groupId, version })
  await answerOf(api, contract.beginRfxVersion, person, {
    params: { id: groupId },
    body: { attemptId, version, previousKey: encodeBase64Url(previousEnvelope) },
  })
  const of: GroupKey = { organizationId: person.claims.organization, groupId, kind: group.kind, version, key }
  let [revision, previous] = [0, await lastDigest(group)]
  for (const batch of batchesOf(await listTargets(api, person, groupId), batchLength)) {
    revision += 1
    const { digest, ...body } = await signWraps(person, of, { revision, previous }, batch)
    await answerOf(api, contract.addRfxVersionWraps, person, { params: { id: groupId, attemptId }, body })
    previous = digest
  }
  await answerOf(api, contract.activateRfxVersion, person, { params: { id: groupId, attemptId }, body: {} })
  return version
}

// Projects --------------------------------------------------------------------------------------------------------------

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

/** Lets the deadline of a project pass, as only the clock does. */
export async function passDeadline({ owner }: TestDatabase, rfxId: string): Promise<void> {
  await sql`update public.rfxs set deadline = now() - interval '1 second' where id = ${rfxId}::uuid`.execute(owner)
}

// Content ----------------------------------------------------------------------------------------------------------------

type NewEntry = ParsedOf<typeof contract.addRfxEntry>['body']

export interface EntryOptions {
  readonly kind: RfxEntryKind
  /** Without it a new one, or the project for its title and specification. */
  readonly object?: string
  /** Without it 1, or the next one of title and specification. */
  readonly revision?: number
  readonly plaintext: Uint8Array | null
  readonly blobs?: readonly string[]
}

const wireEntry = (
  { wrappedKey, content, statement }: { wrappedKey: Bytes | null; content: Bytes | null; statement: string },
  place: { readonly sequence: number; readonly version: number },
  blobs: readonly string[] = [],
): NewEntry => ({
  ...place,
  wrappedKey: wrappedKey && encodeBase64Url(wrappedKey),
  content: content && encodeBase64Url(content),
  statement,
  blobs: [...blobs],
})

/** The next entry of a project as its author would write it. `changed` is what they get wrong. */
export async function makeEntry(
  api: RfxApi,
  author: RfxPerson,
  rfxId: string,
  { kind, object, revision, plaintext, blobs }: EntryOptions,
  changed: Partial<Parameters<typeof sealRfxEntry>[0]> = {},
): Promise<NewEntry> {
  const { group, key } = await openGroup(api, author, rfxId)
  const organizationId = author.claims.organization
  const { entries } = await answerOf(api, contract.listRfxEntries, author, {
    params: { id: rfxId },
    query: { limit: '1' },
  })
  const [last] = entries as [RfxEntry]
  const content = last.content && decodeBase64Url(last.content)
  const head = await verifyRfxEntry({ ...last, organizationId, rfxId, content: content || null })
  const sequence = changed.sequence ?? last.sequence + 1
  const version = changed.version ?? group.version
  const ofProject = kind === 'title' || kind === 'specification'
  const held = ofProject ? head.current[kind] : 0
  const heldRevision = held
    ? (await answerOf(api, contract.getRfxEntry, author, { params: { id: rfxId, sequence: held } })).revision
    : 0
  const entry = await sealRfxEntry({
    organizationId,
    rfxId,
    sequence,
    kind,
    object: object ?? (ofProject ? rfxId : crypto.randomUUID()),
    revision: revision ?? heldRevision + 1,
    previous: head.digest,
    current: { ...head.current, ...(ofProject && { [kind]: sequence }) },
    plaintext,
    key,
    version,
    author: signerOf(author),
    ...changed,
  })
  return wireEntry(entry, { sequence, version }, blobs)
}

export async function writeEntry(
  api: RfxApi,
  author: RfxPerson,
  rfxId: string,
  options: EntryOptions,
): Promise<RfxEntry> {
  const body = await makeEntry(api, author, rfxId, options)
  return answerOf(api, contract.addRfxEntry, author, { params: { id: rfxId }, body })
}

/** Announces a file and sends its chunks. Gives its id. */
export async function sendFile(api: RfxApi, person: RfxPerson, bytes?: Bytes): Promise<string> {
  const id = crypto.randomUUID()
  const chunk = bytes ?? crypto.getRandomValues(new Uint8Array(sealedByteLength(4)))
  const { byteLength } = chunk
  await answerOf(api, contract.createBlob, person, { body: { id, byteLength, chunkCount: 1 } })
  await answerOf(api, contract.putBlobChunk, person, { params: { id, index: 0 }, bytes: chunk })
  return id
}

/** Content keys under the present version, as {@link moveContentKeys} sends them. */
export async function makeMoves(
  api: RfxApi,
  person: RfxPerson,
  rfxId: string,
): Promise<ParsedOf<typeof contract.moveContentKeys>['body']> {
  const opened = await openGroup(api, person, rfxId)
  const { keys } = await answerOf(api, contract.listStaleContentKeys, person, { params: { id: rfxId } })
  const to = { key: opened.key, version: opened.group.version }
  const moved = (keys as { sequence: number; version: number; wrappedKey: string }[]).map(
    async ({ sequence, version, wrappedKey: old }) => {
      const from = { key: await openVersion(opened, version), version }
      const next = await rewrapContentKey({ rfxId, sequence, wrappedKey: decodeBase64Url(old), from, to })
      return { sequence, old, new: encodeBase64Url(next) }
    },
  )
  return { version: to.version, keys: await Promise.all(moved) }
}

/** Puts all content keys under the present version. Gives how many. */
export async function moveContentKeys(api: RfxApi, person: RfxPerson, rfxId: string): Promise<number> {
  const body = await makeMoves(api, person, rfxId)
  if (body.keys.length === 0) return 0
  return (await answerOf(api, contract.moveContentKeys, person, { params: { id: rfxId }, body })).moved
}

// Bids -------------------------------------------------------------------------------------------------------------------

/** Begins the bid of a company. Begun before, it is that one. */
export async function beginBid(
  api: RfxApi,
  bidder: RfxPerson,
  rfxId: string,
  companyId: string,
): Promise<{ readonly bidId: string; readonly serverPart: string }> {
  return answerOf(api, contract.beginBid, bidder, {
    params: { id: rfxId },
    body: { bidId: crypto.randomUUID(), companyId },
  })
}

export interface BidOptions {
  readonly companyId: string
  readonly text?: string
  readonly blobs?: readonly string[]
}

/** A begun bid as its author would submit it. `changed` is what they get wrong. */
export async function makeBid(
  api: RfxApi,
  author: RfxPerson,
  rfxId: string,
  { companyId, text = 'Som beskrevet.', blobs = [] }: BidOptions,
  changed: Partial<Parameters<typeof sealRfxBid>[0]> = {},
): Promise<{ readonly bidId: string; readonly body: ParsedOf<typeof contract.submitBid>['body'] }> {
  const { bidId, serverPart } = await beginBid(api, author, rfxId, companyId)
  const { groups } = (await answerOf(api, contract.getRfx, author, { params: { id: rfxId } })) as {
    groups: RfxGroup[]
  }
  const find = (kind: RfxGroupKind, company?: string): RfxGroup => {
    const group = groups.find((one) => one.kind === kind && (company === undefined || one.companyId === company))
    if (!group) throw new Error(`There is no ${kind} group.`)
    return group
  }
  const organizationId = author.claims.organization
  const opening = find('opening')
  const [manifest] = await verifyRfxManifests(
    opening.manifest.map(({ statement, leaves }) => ({ statement, leaves: decodeBase64Url(leaves) })),
    { organizationId, groupId: opening.id, kind: 'opening', version: opening.version },
  )
  const sealTo = manifest.sealTo
  if (!sealTo) throw new Error('An opening group has a public key.')
  const { group: bidder, key } = await openGroup(api, author, find('bidder', companyId).id)
  const bids = (await answerOf(api, contract.listBids, author, { params: { id: rfxId } })).bids as contract.RfxBid[]
  const { content, sealedPart, ownKey, statement } = await sealRfxBid({
    organizationId,
    rfxId,
    bidId,
    companyId,
    revision: (bids.find(({ id }) => id === bidId)?.revision ?? 0) + 1,
    plaintext: encodeRfxBidContent({ text, amount: '2400000.00', currency: 'NOK', files: [] }),
    serverPart: decodeBase64Url(serverPart),
    sealTo,
    bidder: { groupId: bidder.id, version: bidder.version, key },
    author: signerOf(author),
    ...changed,
  })
  return {
    bidId,
    body: {
      companyId,
      content: encodeBase64Url(content),
      sealedPart: encodeBase64Url(sealedPart),
      openingVersion: opening.version,
      ownKey: encodeBase64Url(ownKey),
      ownVersion: bidder.version,
      statement,
      blobs: [...blobs],
    },
  }
}

export async function submitBid(
  api: RfxApi,
  author: RfxPerson,
  rfxId: string,
  options: BidOptions,
): Promise<contract.RfxBid> {
  const { bidId, body } = await makeBid(api, author, rfxId, options)
  return answerOf(api, contract.submitBid, author, { params: { id: rfxId, bidId }, body })
}

/** The own key of a bid under the present version of its bidder group, as the operation takes it. */
export async function makeBidMove(
  api: RfxApi,
  person: RfxPerson,
  bidderGroupId: string,
  { id: bidId, ownKey, ownVersion }: contract.RfxBid,
): Promise<ParsedOf<typeof contract.moveBidKey>['body']> {
  const opened = await openGroup(api, person, bidderGroupId)
  const version = ownVersion ?? 0
  const next = await rewrapBidKey({
    bidId,
    ownKey: decodeBase64Url(ownKey ?? ''),
    from: { groupId: bidderGroupId, version, key: await openVersion(opened, version) },
    to: { groupId: bidderGroupId, version: opened.group.version, key: opened.key },
  })
  return { version: opened.group.version, old: ownKey ?? '', new: encodeBase64Url(next) }
}

/** A project that waits for bids, with its groups. */
export interface BiddingProject {
  readonly id: string
  readonly openingId: string
  /** Of the bidder groups. */
  readonly firstId: string
  readonly secondId: string
}

/** A project that both suppliers may bid in; Kari opens, and every key is at everyone who may have it. */
export async function createBiddingProject(
  api: RfxApi,
  { kari, developer, bjorn, aile, companies }: RfxCast,
  deadline: string = new Date(Date.now() + 3_600_000).toISOString(),
): Promise<BiddingProject> {
  const id = await createProjectAt(api, {
    buyer: kari,
    developer,
    companyId: companies.buyer,
    suppliers: [companies.first, companies.second],
    openers: [kari],
    deadline,
  })
  const { groups } = (await answerOf(api, contract.getRfx, kari, { params: { id } })) as { groups: RfxGroup[] }
  const firstId = await createGroup(api, bjorn, id, 'bidder', companies.first)
  await distribute(api, bjorn, firstId)
  const secondId = await createGroup(api, aile, id, 'bidder', companies.second)
  return { id, openingId: groups.find(({ kind }) => kind === 'opening')?.id ?? '', firstId, secondId }
}

/** What a bid says to an opener, whom the server gives its part. */
export async function openBid(
  api: RfxApi,
  opener: RfxPerson,
  { id: rfxId, openingId }: Pick<BiddingProject, 'id' | 'openingId'>,
  { id: bidId, company, openingVersion, content, sealedPart }: contract.RfxBid,
): Promise<RfxBidContent> {
  const { serverPart } = await answerOf(api, contract.releaseBidPart, opener, { params: { id: rfxId, bidId } })
  const key = await openVersion(await openGroup(api, opener, openingId), openingVersion ?? 0)
  const opened = await openRfxBid({
    rfxId,
    bidId,
    companyId: company.id,
    openingKeyPair: await deriveOpeningKeyPair(key),
    serverPart: decodeBase64Url(serverPart),
    sealedPart: decodeBase64Url(sealedPart ?? ''),
    content: decodeBase64Url(content ?? ''),
  })
  return parseRfxBidContent(opened)
}

/** What a bid says to those who made it. */
export async function openOwnBid(
  api: RfxApi,
  bidder: RfxPerson,
  groupId: string,
  { id: bidId, company, ownKey, ownVersion, content }: contract.RfxBid,
): Promise<RfxBidContent> {
  const version = ownVersion ?? 0
  const key = await openVersion(await openGroup(api, bidder, groupId), version)
  const opened = await openOwnRfxBid({
    bidId,
    companyId: company.id,
    bidder: { groupId, version, key },
    ownKey: decodeBase64Url(ownKey ?? ''),
    content: decodeBase64Url(content ?? ''),
  })
  return parseRfxBidContent(opened)
}
