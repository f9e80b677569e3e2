import type { RfxFault, RfxGroup, RfxRecipient } from '@nokkel/contract'
import { calculateWrapLeaf, decodeBase64Url, encodeBase64Url, type RfxRole, type Thumbprint } from '@nokkel/crypto'
import { codeOf } from '../errors.ts'
import { pagesOf } from './group-tools.ts'
import type { WorkOptions } from './rfx.ts'
import { mayWrap, type RfxSession } from './rfx-session.ts'

const leafByteLength = 32
const roles: readonly RfxRole[] = ['buyer', 'developer', 'supplier']

/** What this device finds wrong with the keys of a project when it trusts nothing the server says that is not signed. */
export async function checkGroups(session: RfxSession, { signal, onProgress }: WorkOptions): Promise<RfxFault[]> {
  const fetched = await session.refresh()
  const groups = fetched.groups.filter(({ member }) => member)
  const faults: RfxFault[] = []
  for (const [done, group] of groups.entries()) {
    onProgress?.({ done, total: groups.length })
    try {
      const verified = await session.group(group.id)
      if (await session.isChainBroken(verified)) faults.push(faultOf('chain_broken', group))
    } catch (error) {
      if (codeOf(error) !== 'rfx_tampered' && codeOf(error) !== 'rfx_rolled_back') throw error
      faults.push(faultOf('manifest_invalid', group))
      continue
    }
    if (group.rekeyPending) faults.push(faultOf('rekey_pending', group))
    if (mayWrap(group)) {
      const expectsGone = group.rekeyPending || fetched.status === 'closed'
      faults.push(...(await checkLeaves(session, group, { expectsGone, signal })))
    }
  }
  onProgress?.({ done: groups.length, total: groups.length })
  return faults
}

/**
 * Compares the signed leaves with those in the group: each has a leaf, and each leaf somebody. `expectsGone`: somebody who has
 * gone may still have one.
 */
async function checkLeaves(
  session: RfxSession,
  group: RfxGroup,
  { expectsGone, signal }: { readonly expectsGone: boolean; readonly signal?: AbortSignal | undefined },
): Promise<RfxFault[]> {
  const unexplained = new Set<string>()
  const revisions = group.manifest.map(({ leaves }) => new Set(leavesOf(leaves)))
  for (const leaves of revisions) for (const leaf of leaves) unexplained.add(leaf)
  const faults: RfxFault[] = []
  for await (const { recipients } of pagesOf(session.tools, group.id, { onlyMissing: false, signal })) {
    for (const recipient of recipients) {
      if (recipient.state === 'no_key') continue
      const subject = {
        groupId: group.id,
        subjectType: recipient.owner === 'user' ? ('app_user' as const) : ('company' as const),
        subjectId: recipient.ownerId,
      }
      if (recipient.state === 'missing') faults.push({ problem: 'wrap_missing', ...subject })
      if (recipient.state !== 'wrapped') continue
      const leaf = await findLeaf(group, recipient, revisions)
      if (leaf) unexplained.delete(leaf)
      else faults.push({ problem: 'wrap_unsigned', ...subject })
    }
  }
  if (unexplained.size > 0 && !expectsGone) faults.push(faultOf('leaf_unexplained', group))
  return faults
}

/**
 * The leaf of a wrap in the revision it names. Somebody may be another thing in the project by now than when it was signed, and
 * another account.
 */
async function findLeaf(
  { id: groupId, version }: RfxGroup,
  { owner, ownerId, role, signed, formerIds }: RfxRecipient,
  revisions: readonly ReadonlySet<string>[],
): Promise<string | undefined> {
  if (!signed) return undefined
  const thumbprint = signed.thumbprint as Thumbprint
  const wrapHash = decodeBase64Url(signed.hash)
  for (const id of [ownerId, ...formerIds]) {
    for (const candidate of [role, ...roles.filter((other) => other !== role)]) {
      const of = { groupId, version, owner, ownerId: id, role: candidate, thumbprint, wrapHash }
      const leaf = encodeBase64Url(await calculateWrapLeaf(of))
      if (revisions[signed.revision - 1]?.has(leaf)) return leaf
    }
  }
  return undefined
}

function leavesOf(text: string): string[] {
  const bytes = decodeBase64Url(text)
  const count = bytes.byteLength / leafByteLength
  return Array.from({ length: count }, (_, index) =>
    encodeBase64Url(bytes.slice(index * leafByteLength, (index + 1) * leafByteLength)),
  )
}

function faultOf(problem: RfxFault['problem'], { id }: RfxGroup): RfxFault {
  return { problem, groupId: id, subjectType: 'rfx', subjectId: id }
}

/** What both found is said once. */
export function mergeFaults(...lists: readonly (readonly RfxFault[])[]): RfxFault[] {
  const placeOf = ({ problem, groupId, subjectType, subjectId }: RfxFault) =>
    [problem, groupId, subjectType, subjectId].join('/')
  return [...new Map(lists.flat().map((fault) => [placeOf(fault), fault])).values()]
}
