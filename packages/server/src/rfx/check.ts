import { type AnswerOf, type checkRfx as checkOperation, MAXIMUM_INTEGER, type RfxFault } from '@nokkel/contract'
import {
  CryptoError,
  calculateWrapLeaf,
  encodeBase64Url,
  type Thumbprint,
  type VerifiedRfxManifest,
  verifyRfxManifests,
} from '@nokkel/crypto'
import type { Database } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import {
  type GroupToCheck,
  type SignedRevision,
  type SignedWrap,
  selectFaults,
  selectGroupsToCheck,
  selectMyFaults,
  selectSignedManifest,
  selectSignedWraps,
} from './check-store.ts'

const pageSize = 100
const leafByteLength = 32

/**
 * What is wrong with the keys and manifests of a project: what rows tell, and what was signed.
 *
 * @throws {ServerError} `not_found` or `forbidden`: for those who may not wrap its key.
 */
export async function checkRfx(
  database: Database,
  claims: Claims,
  rfxId: string,
  now: Date,
): Promise<AnswerOf<typeof checkOperation>> {
  const faults = await withClaims(database, claims, (transaction) => selectMyFaults(transaction, rfxId))
  for (const group of await selectGroupsToCheck(database, { rfxId, limit: MAXIMUM_INTEGER })) {
    faults.push(...(await checkGroup(database, group)))
  }
  return { faults, checkedAt: instant(now) }
}

/** What is found in all projects of a database, and how many groups were looked at. */
export interface RfxReport {
  readonly groups: number
  readonly faults: readonly RfxFault[]
}

/**
 * Checks every project: that the key of each group is wrapped to exactly those who are in it, and that each present
 * version was signed as it stands. Opens no key.
 *
 * @example
 * ```ts
 * const database = connect('postgres://nokkel_server@localhost/nokkel')
 * const { groups, faults } = await checkAllRfx(database)
 * ```
 */
export async function checkAllRfx(database: Database): Promise<RfxReport> {
  const faults: RfxFault[] = []
  let groups = 0
  let after: string | undefined
  do {
    const page = await selectGroupsToCheck(database, { after, limit: pageSize })
    for (const group of page) {
      // Those of the other groups of a project come with it. One at a time: no statement takes long.
      if (group.kind === 'project') faults.push(...(await selectFaults(database, group.id)))
      faults.push(...(await checkGroup(database, group)))
    }
    groups += page.length
    after = page.length === pageSize ? page.at(-1)?.id : undefined
  } while (after !== undefined)
  return { groups, faults }
}

async function checkGroup(database: Database, group: GroupToCheck): Promise<RfxFault[]> {
  const revisions = await selectSignedManifest(database, group.id)
  const wraps = await selectSignedWraps(database, group.id)
  const leaves = await Promise.all(wraps.map((wrap) => leavesOf(group, wrap)))
  const signed = new Map(revisions.map((each) => [each.revision, new Set(splitLeaves(each.leaves))]))
  const faults: RfxFault[] = []
  const report = (problem: RfxFault['problem'], subjectType: RfxFault['subjectType'], subjectId: string) =>
    faults.push({ problem, groupId: group.id, subjectType, subjectId })

  // Without any revision there is nothing to verify, which is a fault of its own.
  if (revisions.length > 0 && !(await isManifestValid(group, revisions))) report('manifest_invalid', 'rfx', group.id)
  for (const [index, { owner, ownerId, revision, intact }] of wraps.entries()) {
    const named = revision !== null && leaves[index]?.some((leaf) => signed.get(revision)?.has(leaf))
    if (!named || intact !== true) report('wrap_unsigned', owner === 'user' ? 'app_user' : 'company', ownerId)
  }
  const explained = new Set(leaves.flat())
  const unexplained = [...signed.values()].some((each) => [...each].some((leaf) => !explained.has(leaf)))
  if (unexplained && !group.expectsGone) report('leaf_unexplained', 'rfx', group.id)
  return faults
}

/** Every signature, the chain, and that the directory knows each signer as the row says. */
async function isManifestValid(
  { id, organizationId, kind, version, previous }: GroupToCheck,
  revisions: readonly SignedRevision[],
): Promise<boolean> {
  try {
    const list = revisions.map(({ statement, leaves }) => ({ statement, leaves: new Uint8Array(leaves) }))
    const ids = { organizationId, groupId: id, kind, version }
    const verified = await verifyRfxManifests(list, { ...ids, previous: previous && new Uint8Array(previous) })
    return revisions.every((revision, index) => isAsStored(verified[index], revision))
  } catch (cause) {
    if (cause instanceof CryptoError) return false
    throw cause
  }
}

function isAsStored(verified: VerifiedRfxManifest | undefined, row: SignedRevision): boolean {
  if (!verified) return false
  const { signer, digest } = verified
  return (
    signer.thumbprint === row.signerThumbprint &&
    signer.userId === row.signerId &&
    signer.userId === row.keyUser &&
    signer.deviceId === row.keyDevice &&
    encodeBase64Url(digest) === encodeBase64Url(row.digest)
  )
}

/** The leaf of a wrap, and those of the former accounts of its owner; none for a wrap that nobody signed. */
async function leavesOf({ id, version }: GroupToCheck, wrap: SignedWrap): Promise<string[]> {
  const { owner, ownerId, role, thumbprint, hash, formerIds } = wrap
  if (role === null || thumbprint === null || hash === null) return []
  try {
    const of = {
      groupId: id,
      version,
      owner,
      role,
      thumbprint: thumbprint as Thumbprint,
      wrapHash: new Uint8Array(hash),
    }
    const leaves = await Promise.all([ownerId, ...formerIds].map((each) => calculateWrapLeaf({ ...of, ownerId: each })))
    return leaves.map(encodeBase64Url)
  } catch {
    // A row that was changed past the server may hold what no thumbprint is.
    return []
  }
}

function splitLeaves(leaves: Uint8Array): string[] {
  const count = Math.floor(leaves.byteLength / leafByteLength)
  return Array.from({ length: count }, (_, index) =>
    encodeBase64Url(leaves.subarray(index * leafByteLength, (index + 1) * leafByteLength)),
  )
}
