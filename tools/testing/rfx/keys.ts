import type { RfxGroup, RfxWrap } from '@nokkel/contract'
import * as contract from '@nokkel/contract'
import {
  asRfxKey,
  type Bytes,
  calculateWrapLeaf,
  decodeBase64,
  decodeBase64Url,
  digestOfJws,
  encodeBase64,
  encodeBase64Url,
  encryptPreviousKey,
  generateRfxKey,
  hashWrap,
  importPublicKey,
  openPreviousKey,
  type RfxGroupKind,
  type RfxKey,
  signRfxManifest,
  type Thumbprint,
  unwrapKey,
  verifyRfxManifests,
  wrapKey,
} from '@nokkel/crypto'
import { answerOf, type RfxApi, type RfxPerson, signerOf } from './person.ts'

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
