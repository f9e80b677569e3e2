import type { RfxGroup } from '@nokkel/contract'
import {
  asRfxKey,
  CryptoError,
  calculateKeyCommitment,
  calculateWrapLeaf,
  decodeBase64,
  decodeBase64Url,
  deriveOpeningKeyPair,
  encodeBase64Url,
  exportPublicJwk,
  hashWrap,
  includesLeaf,
  openPreviousKey,
  type PublicJwk,
  type RfxKey,
  type Thumbprint,
  unwrapKey,
  type VerifiedRfxManifest,
  verifyRfxManifests,
} from '@nokkel/crypto'
import { codeOf, NokkelError } from '../errors.ts'
import type { UserKeyService } from '../user-keys/user-key-service.ts'
import { equalBytes } from './bytes.ts'
import type { OwnThumbprints } from './own-thumbprints.ts'
import type { RfxPins, SeenGroup } from './pins.ts'
import { tampered, whole } from './rfx-error.ts'
import type { RfxSigners } from './signers.ts'

/** Where a manifest ends: what the next revision is put after. */
export interface ManifestEnd {
  readonly revision: number
  readonly digest: Uint8Array<ArrayBuffer>
}

/** A group whose manifest is verified. */
export interface VerifiedGroup {
  readonly group: RfxGroup
  /** Undefined while the key has not reached the person. */
  readonly key: RfxKey | undefined
  /** What is wrapped to the person, or to their company, does not open, or is another key than the one that was signed. */
  readonly isBroken: boolean
  /** The key of the version this device knew does not follow from this one: it may be read under, and nothing is written. */
  readonly isUnproven: boolean
  readonly end: ManifestEnd
  /** Of an opening group. */
  readonly sealTo: PublicJwk | null
}

/** The keys of the groups of one project, in memory only. */
export interface GroupKeys {
  /**
   * Verifies the manifest of a group as it was fetched, and opens its key if that has reached the person: with at most one
   * operation with a private key, and none if the key is known.
   *
   * @param seen - What this device had seen of it when it asked.
   * @throws {NokkelError} `rfx_tampered`, `rfx_rolled_back`.
   */
  verify(group: RfxGroup, seen: SeenGroup | undefined): Promise<VerifiedGroup>
  /**
   * The key of a version of a verified group, by the chain of previous keys; where the chain does not open, what the server kept
   * of that version.
   *
   * @throws {NokkelError} `waiting_for_key`, `rfx_tampered`.
   */
  keyOf(group: Pick<VerifiedGroup, 'group' | 'key'>, version: number): Promise<RfxKey>
  /** What the server kept of a version, whatever the chain says; `undefined` if that does not open, or is not the key this device knew. */
  keptKeyOf(groupId: string, version: number): Promise<RfxKey | undefined>
  /** Whether somebody made a version from which the one before does not open. */
  isChainBroken(group: Pick<VerifiedGroup, 'group' | 'key'>): Promise<boolean>
  /** Takes the present version of a group as known, although it does not lead to the one before. */
  trust(group: VerifiedGroup): Promise<void>
  /** Takes a key that was made here, so that it need not be unwrapped. */
  keep(groupId: string, version: number, key: RfxKey): void
  /** After revisions were added here. */
  remember(groupId: string, version: number, key: RfxKey, end: ManifestEnd): Promise<void>
  /** Overwrites every key. */
  forget(): void
}

interface GroupKeyDependencies {
  readonly organizationId: string
  readonly userId: string
  /** Accounts that were merged into the person's: asked for when something is wrapped to another id than theirs. */
  readonly formerIds: () => Promise<readonly string[]>
  readonly userKeys: Pick<UserKeyService, 'privateKey' | 'unwrap'>
  readonly own: OwnThumbprints
  readonly pins: RfxPins
  readonly signers: RfxSigners
}

export function createGroupKeys(dependencies: GroupKeyDependencies): GroupKeys {
  const { organizationId, userId, formerIds, userKeys, own, pins, signers } = dependencies
  const keys = new Map<string, RfxKey>()
  const verified = new Map<string, { readonly text: string; readonly group: VerifiedGroup }>()
  const kept = new Map<string, Promise<RfxKey | undefined>>()
  let isForgotten = false
  const placeOf = (groupId: string, version: number) => `${groupId}/${version}`

  return {
    async verify(group, seen) {
      const isOlder =
        seen && (group.version < seen.version || (group.version === seen.version && !group.manifest[seen.revision - 1]))
      if (isOlder) throw new NokkelError('rfx_rolled_back')
      const before = verified.get(group.id)
      // What has not changed since it was verified need not be verified again; rolling back is a change.
      const text = JSON.stringify([group.version, group.wrap, group.manifest, group.versions, seen?.version])
      if (before?.text === text) {
        const same = { ...before.group, group }
        verified.set(group.id, { text, group: same })
        return same
      }
      const now = await verify(group, seen)
      verified.set(group.id, { text, group: now })
      return now
    },
    keyOf,
    keptKeyOf,
    isChainBroken: (group) => isChainBroken(group, 1),
    async trust({ group: { id: groupId, version }, key, end }) {
      if (!key) throw new NokkelError('waiting_for_key')
      const commitment = await calculateKeyCommitment(key, { groupId, version })
      await pins.rememberGroup(groupId, seenOf(version, end, commitment))
    },
    keep: (groupId, version, key) => void keys.set(placeOf(groupId, version), key),
    remember: async (groupId, version, key, end) =>
      pins.rememberGroup(groupId, seenOf(version, end, await calculateKeyCommitment(key, { groupId, version }))),
    forget() {
      isForgotten = true
      for (const key of keys.values()) key.fill(0)
      for (const key of kept.values()) void key.then((opened) => opened?.fill(0))
      keys.clear()
      kept.clear()
      verified.clear()
    },
  }

  async function verify(group: RfxGroup, seen: SeenGroup | undefined): Promise<VerifiedGroup> {
    const { id: groupId, version, kind } = group
    const revisions = await whole('the manifest', () =>
      group.manifest.map(({ statement, leaves }) => ({ statement, leaves: decodeBase64Url(leaves) })),
    )
    if (group.manifest.some(({ revision }, index) => revision !== index + 1)) throw tampered('a revision is missing')
    const manifests = await whole('the manifest', () =>
      verifyRfxManifests(revisions, { organizationId, groupId, kind, version }),
    )
    const last = manifests[manifests.length - 1] as VerifiedRfxManifest
    const end = { revision: manifests.length, digest: last.digest }
    if (seen?.version === version) {
      const same = manifests[seen.revision - 1]
      if (!same || encodeBase64Url(same.digest) !== seen.digest) throw new NokkelError('rfx_rolled_back')
    }
    await requireSigners(manifests)
    if (group.wrap) await requireOwnLeaf(group, revisions)
    if (kind === 'project' && group.wrap?.role === 'supplier') await pins.rememberSupplier()
    const key = await openKey(group, last.commitment)
    if (key) {
      await whole('what is sealed to', () => requireSealTo(kind, key, last))
      keys.set(placeOf(groupId, version), key)
    }
    // The chain must lead to the key that this device knew; what is on the way is compared with what it has seen.
    let isUnproven = false
    if (key && seen && seen.version < version) {
      await keyOf({ group, key }, seen.version)
      isUnproven = await isChainBroken({ group, key }, seen.version)
    }
    if (!isUnproven) await pins.rememberGroup(groupId, seenOf(version, end, last.commitment))
    return { group, key, isBroken: group.wrap !== null && !key, isUnproven, end, sealTo: last.sealTo }
  }

  /** The key, if the wrap opens and it is the one all members have: a member can have wrapped anything. */
  async function openKey(group: RfxGroup, commitment: Uint8Array): Promise<RfxKey | undefined> {
    const { id: groupId, version } = group
    const known = keys.get(placeOf(groupId, version))
    const key = known ?? (await unwrap(group))
    if (!key || equalBytes(await calculateKeyCommitment(key, { groupId, version }), commitment)) return key
    // Whoever made a key here signed its commitment, too.
    if (known) throw tampered('the list is of another key')
    key.fill(0)
    return undefined
  }

  async function unwrap({ id, version, wrap }: RfxGroup): Promise<RfxKey | undefined> {
    if (!wrap) return undefined
    if (wrap.via === 'company') return askForKey(id, version, 'company')
    const { encryptedSymmetricKey, keyId } = wrap
    if (encryptedSymmetricKey === null) throw tampered('there is no wrap')
    const privateKey = await userKeys.privateKey(keyId)
    return openOrNothing(async () => asRfxKey(await unwrapKey(decodeBase64(encryptedSymmetricKey), privateKey)))
  }

  /** By the server; `undefined` when it says no, or gives what is no key. */
  async function askForKey(rfxId: string, version: number, via: 'user' | 'company'): Promise<RfxKey | undefined> {
    return openOrNothing(async () => asRfxKey(await userKeys.unwrap({ rfxId, version, via })))
  }

  async function requireSigners(manifests: readonly VerifiedRfxManifest[]): Promise<void> {
    try {
      await signers.require(manifests.map(({ signer }) => signer))
    } catch (error) {
      throw codeOf(error) === 'signature_untrusted' ? tampered('signed by nobody the directory knows', error) : error
    }
  }

  /** That the signed list names the person, with a key of their own and this wrap. */
  async function requireOwnLeaf(group: RfxGroup, revisions: readonly { leaves: Uint8Array }[]): Promise<void> {
    const { id: groupId, version, wrap } = group
    if (!wrap) return
    const { via: owner, ownerId, role, keyId, revision, encryptedSymmetricKey } = wrap
    const thumbprint = wrap.thumbprint as Thumbprint
    if (owner === 'user' && ownerId !== userId) throw tampered('the wrap is somebody else’s')
    const named = await own.find(owner, ownerId, thumbprint)
    if (!named) throw tampered('the list names a key that is not one’s own')
    await whole('the own leaf', async () => {
      const wrapHash = decodeBase64Url(wrap.hash)
      const { leaves } = revisions[revision - 1] ?? {}
      const isNamedAs = async (id: string) => {
        const leaf = await calculateWrapLeaf({ groupId, version, owner, ownerId: id, role, thumbprint, wrapHash })
        return leaves !== undefined && includesLeaf(leaves, leaf)
      }
      if (!(await isNamedAs(ownerId)) && !(owner === 'user' && (await isAny(await formerIds(), isNamedAs)))) {
        throw tampered('the list does not name the person')
      }
      if (encryptedSymmetricKey === null) return
      // The server may have moved it to another key of the person since; it is another wrap then, and only then.
      const isSame = equalBytes(await hashWrap(decodeBase64(encryptedSymmetricKey)), wrapHash)
      if (isSame !== (named.id === keyId)) throw tampered('it is not the wrap that was signed')
    })
  }

  async function keyOf(
    { group, key: present }: Pick<VerifiedGroup, 'group' | 'key'>,
    version: number,
  ): Promise<RfxKey> {
    const { id: groupId } = group
    if (!present) throw new NokkelError('waiting_for_key')
    if (version > group.version || version < 1) throw tampered('there is no such version')
    let key = present
    for (let below = group.version - 1; below >= version; below--) {
      key = keys.get(placeOf(groupId, below)) ?? (await openBelow(group, below, key))
    }
    return key
  }

  async function openBelow(group: RfxGroup, version: number, next: RfxKey): Promise<RfxKey> {
    const { id: groupId } = group
    const key = (await openPrevious(group, version, next)) ?? (await keptKeyOf(groupId, version))
    if (!key) throw tampered('the chain of keys is broken')
    keys.set(placeOf(groupId, version), key)
    return key
  }

  async function isChainBroken(
    { group, key: present }: Pick<VerifiedGroup, 'group' | 'key'>,
    lowest: number,
  ): Promise<boolean> {
    let next = present
    for (let below = group.version - 1; next && below >= lowest; below--) {
      const chained = await openPrevious(group, below, next)
      const known = keys.get(placeOf(group.id, below))
      if (!chained || (known && !equalBytes(known, chained))) return true
      next = chained
    }
    return false
  }

  async function openPrevious(
    { id: groupId, versions }: RfxGroup,
    version: number,
    next: RfxKey,
  ): Promise<RfxKey | undefined> {
    const previous = versions.find((one) => one.version === version + 1)?.previousKey
    if (!previous) return undefined
    const key = await openOrNothing(() =>
      openPreviousKey({ key: next, previous: decodeBase64Url(previous), groupId, version: version + 1 }),
    )
    return key && (await isSeen(key, groupId, version)) ? key : undefined
  }

  function keptKeyOf(groupId: string, version: number): Promise<RfxKey | undefined> {
    const place = placeOf(groupId, version)
    const asked = kept.get(place) ?? askForKept(groupId, version)
    kept.set(place, asked)
    asked.catch(() => kept.delete(place))
    return asked
  }

  async function askForKept(groupId: string, version: number): Promise<RfxKey | undefined> {
    for (const via of ['user', 'company'] as const) {
      const key = await askForKey(groupId, version, via)
      if (!key) continue
      if (isForgotten) key.fill(0)
      else if (await isSeen(key, groupId, version)) return key
    }
    return undefined
  }

  /** Whether it is the key of this version that this device has seen, or it has seen none. */
  async function isSeen(key: RfxKey, groupId: string, version: number): Promise<boolean> {
    const commitment = (await pins.groups())[groupId]?.commitments[version]
    if (commitment === undefined) return true
    return commitment === encodeBase64Url(await calculateKeyCommitment(key, { groupId, version }))
  }
}

async function isAny<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<boolean> {
  for (const item of items) if (await test(item)) return true
  return false
}

/** What does not open, or is not even a key, is `undefined`; so is what the server refuses to open. */
async function openOrNothing(open: () => Promise<RfxKey>): Promise<RfxKey | undefined> {
  try {
    return await open()
  } catch (error) {
    const isNone = error instanceof CryptoError || error instanceof TypeError || error instanceof RangeError
    if (isNone || codeOf(error) === 'open_refused') return undefined
    throw error
  }
}

/** Whoever is in an opening group sees that what others seal to is derived from its key. */
async function requireSealTo(
  kind: RfxGroup['kind'],
  key: RfxKey,
  { sealTo }: Pick<VerifiedRfxManifest, 'sealTo'>,
): Promise<void> {
  const derived = kind === 'opening' ? await exportPublicJwk((await deriveOpeningKeyPair(key)).publicKey) : null
  if (JSON.stringify(derived) !== JSON.stringify(sealTo)) throw tampered('what is sealed to is not of the key')
}

function seenOf(version: number, { revision, digest }: ManifestEnd, commitment: Uint8Array): SeenGroup {
  return {
    version,
    revision,
    digest: encodeBase64Url(digest),
    commitments: { [version]: encodeBase64Url(commitment) },
  }
}
