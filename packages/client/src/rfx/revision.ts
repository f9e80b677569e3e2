import { type RfxGroupKind, type RfxKey, signRfxManifest } from '@nokkel/crypto'
import type { ManifestEnd } from './group-keys.ts'
import type { GroupTools, Reachable } from './group-tools.ts'
import type { MadeWrap } from './key-wrapper.ts'

/** A wrap that is to be stored. */
export interface RecipientWrap {
  readonly recipient: Reachable
  readonly wrap: MadeWrap
}

interface GroupVersion {
  readonly groupId: string
  readonly kind: RfxGroupKind
  readonly version: number
  readonly key: RfxKey
}

export interface SignedRevision {
  /** What is sent of it. */
  readonly body: { readonly statement: string; readonly wraps: ReturnType<typeof wireWrap>[] }
  /** Where the manifest ends with it. */
  readonly end: ManifestEnd
}

/** Signs that these wraps are of the key of a version, as the revision after `before`: `null` when there is none. */
export async function signRevision(
  tools: GroupTools,
  { groupId, kind, version, key }: GroupVersion,
  before: ManifestEnd | null,
  wraps: readonly RecipientWrap[],
): Promise<SignedRevision> {
  const revision = (before?.revision ?? 0) + 1
  const { statement, digest } = await signRfxManifest({
    organizationId: tools.organizationId,
    groupId,
    kind,
    version,
    revision,
    previous: before?.digest ?? null,
    key,
    leaves: wraps.map(({ wrap }) => wrap.leaf),
    signer: await tools.author(),
    now: tools.now,
  })
  return { body: { statement, wraps: wraps.map(wireWrap) }, end: { revision, digest } }
}

export function wrapRecipient({ owner, ownerId, role, key }: Reachable) {
  const { publicKey, thumbprint } = key
  return { owner, ownerId, role, publicKey, thumbprint }
}

export function pairs(recipients: readonly Reachable[], wraps: readonly (MadeWrap | null)[]): RecipientWrap[] {
  return recipients.flatMap((recipient, index) => {
    const wrap = wraps[index]
    return wrap ? [{ recipient, wrap }] : []
  })
}

function wireWrap({ recipient, wrap }: RecipientWrap) {
  const { owner, ownerId, role, key } = recipient
  const { encryptedSymmetricKey } = wrap
  return { owner, ownerId, role, keyId: key.id, thumbprint: key.thumbprint, encryptedSymmetricKey }
}
