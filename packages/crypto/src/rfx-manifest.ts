import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { assertByteLength, assertBytes, type Bytes, concatBytes, equalBytes, sha256 } from './bytes.ts'
import {
  assertOneOf,
  assertSigningDevice,
  assertUuid,
  assertWhole,
  decodeOptional,
  encodeOptional,
  isDevice,
  isDigest,
  isInstant,
  isWhole,
  type SigningDevice,
  type StatementSigner,
  toDate,
} from './claims.ts'
import { type Clock, systemClock, unixSeconds } from './clock.ts'
import { CryptoError } from './errors.ts'
import { digestOfJws, signJws, verifyJws } from './jws.ts'
import { hasExactly } from './members.ts'
import { assertPublicJwk, exportPublicJwk, type PublicJwk } from './public-jwk.ts'
import {
  assertRfxKey,
  calculateKeyCommitment,
  deriveOpeningKeyPair,
  type RfxKey,
  type RfxKeyVersion,
} from './rfx-key.ts'

const kinds = ['project', 'opening', 'bidder'] as const

/** What the key of a group opens. */
export type RfxGroupKind = (typeof kinds)[number]

interface ManifestIds extends RfxKeyVersion {
  readonly organizationId: string
  readonly kind: RfxGroupKind
  /** From 1, within the version. */
  readonly revision: number
}

export interface SignRfxManifestOptions extends ManifestIds {
  /** Digest of the revision before; of the first revision, that of the last of the version before, if there is one. */
  readonly previous: Uint8Array | null
  readonly key: RfxKey
  /** Of the wraps this revision adds, 1 to 500, in any order. */
  readonly leaves: readonly Uint8Array[]
  readonly signer: SigningDevice
  readonly now?: Clock
}

export interface SignedRfxManifest {
  readonly statement: string
  /** What the next revision names as `previous`. */
  readonly digest: Bytes
  /** In ascending order, one after another: what is stored. */
  readonly leaves: Bytes
}

export interface VerifyRfxManifestOptions extends ManifestIds {
  readonly statement: string
  /** As stored: 32 bytes each, ascending. */
  readonly leaves: Uint8Array
}

export interface VerifiedRfxManifest {
  readonly commitment: Bytes
  /** The public key of an opening group. */
  readonly sealTo: PublicJwk | null
  readonly previous: Bytes | null
  /** How many leaves. */
  readonly count: number
  readonly digest: Bytes
  readonly signer: StatementSigner
}

export interface VerifyRfxManifestsOptions extends Omit<ManifestIds, 'revision'> {
  /**
   * The key of the version. Without it, as for whoever seals to an opening group and is not in it, commitment and
   * public key are what the signers say they are.
   */
  readonly key?: RfxKey
  /** The digest of the last revision of the version before, if it is known; `null` if there is none. */
  readonly previous?: Uint8Array | null
}

const leafByteLength = 32
const leavesMaximum = 500
const claimNames = [
  'v',
  'purpose',
  'organization',
  'group',
  'version',
  'revision',
  'kind',
  'commitment',
  'sealTo',
  'previous',
  'count',
  'leaves',
  'signer',
  'iat',
] as const

/**
 * Signs a revision of a manifest: that these wraps are of this key, and who made them.
 *
 * @throws {CryptoError} `key_unusable`: `signer.signing` cannot sign.
 * @throws {RangeError} No leaf, more than 500, or one of them twice; `previous` is missing after the first revision, or
 *   there where nothing can be before it.
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @example
 * ```ts
 * const { signing } = await generateDeviceKeys()
 * const ids = {
 *   organizationId: '00000000-0000-4000-8000-00000000000b',
 *   groupId: '00000000-0000-4000-8000-000000000001',
 *   kind: 'project' as const,
 *   version: 1,
 *   revision: 1,
 * }
 * const { statement, leaves } = await signRfxManifest({
 *   ...ids,
 *   previous: null,
 *   key: generateRfxKey(),
 *   leaves: [crypto.getRandomValues(new Uint8Array(32))], // see calculateWrapLeaf
 *   signer: {
 *     userId: '00000000-0000-4000-8000-00000000000a',
 *     deviceId: '00000000-0000-4000-8000-00000000000d',
 *     signing,
 *   },
 * })
 * const { digest, signer } = await verifyRfxManifest({ ...ids, statement, leaves })
 * ```
 * @see docs/spec/rfx.md
 */
export async function signRfxManifest(options: SignRfxManifestOptions): Promise<SignedRfxManifest> {
  const { organizationId, groupId, kind, version, revision, previous, key, signer, now = systemClock } = options
  assertIds(options)
  if (previous !== null) assertByteLength(previous, leafByteLength, 'previous')
  if (!mayFollow(previous, version, revision)) throw new RangeError('previous must fit version and revision')
  assertRfxKey(key, 'key')
  assertSigningDevice(signer, 'signer')
  const leaves = joinLeaves(options.leaves)
  const payload = {
    v: 1,
    purpose: 'rfx-manifest',
    organization: organizationId,
    group: groupId,
    version,
    revision,
    kind,
    commitment: encodeBase64Url(await calculateKeyCommitment(key, { groupId, version })),
    sealTo: await publicKeyOf(kind, key),
    previous: encodeOptional(previous),
    count: leaves.byteLength / leafByteLength,
    leaves: encodeBase64Url(await sha256(leaves)),
    signer: { user: signer.userId, device: signer.deviceId },
    iat: unixSeconds(now),
  }
  const statement = await signJws(payload, signer.signing, 'nokkel-rfx-manifest+jwt')
  return { statement, digest: await digestOfJws(statement), leaves }
}

/**
 * Verifies one revision of a manifest by itself: that it is signed, with these ids, over exactly these leaves. Whether
 * it follows what was before, and is of the key at hand, {@link verifyRfxManifests} tells. The caller must still look up
 * `signer.thumbprint` in the directory of devices.
 *
 * @throws {CryptoError} `signature_invalid`: any of that does not hold.
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @see docs/spec/rfx.md
 */
export async function verifyRfxManifest(options: VerifyRfxManifestOptions): Promise<VerifiedRfxManifest> {
  const { statement, organizationId, groupId, kind, version, revision, leaves } = options
  assertIds(options)
  assertBytes(leaves, 'leaves')
  const { payload, jwk, thumbprint } = await verifyJws(statement, 'nokkel-rfx-manifest+jwt')
  const { commitment, sealTo, previous, count, signer, iat } = payload
  const fits =
    hasExactly(payload, claimNames) &&
    payload.v === 1 &&
    payload.purpose === 'rfx-manifest' &&
    payload.organization === organizationId &&
    payload.group === groupId &&
    payload.version === version &&
    payload.revision === revision &&
    payload.kind === kind &&
    isDigest(commitment) &&
    (kind === 'opening' ? isPublicJwk(sealTo) : sealTo === null) &&
    (previous === null || isDigest(previous)) &&
    mayFollow(previous, version, revision) &&
    isWhole(count, 1, leavesMaximum) &&
    leaves.byteLength === count * leafByteLength &&
    areAscending(leaves) &&
    payload.leaves === encodeBase64Url(await sha256(leaves)) &&
    isDevice(signer) &&
    isInstant(iat)
  if (!fits) throw new CryptoError('signature_invalid')
  return {
    commitment: decodeBase64Url(commitment),
    sealTo: sealTo === null ? null : assertPublicJwk(sealTo),
    previous: decodeOptional(previous),
    count,
    digest: await digestOfJws(statement),
    signer: { userId: signer.user, deviceId: signer.device, jwk, thumbprint, signedAt: toDate(iat) },
  }
}

/**
 * Verifies all revisions of one version, the first first: each by itself, that none is missing and each names the one
 * before, that they are of one key, and that this is `key`.
 *
 * The caller must still look up every `signer.thumbprint` in the directory of devices, look for its own leaf (see
 * {@link includesLeaf}), and compare the last digest with what it remembers.
 *
 * @param list - Statements and leaves as stored, from revision 1.
 * @returns One for each, in the same order.
 * @throws {CryptoError} `signature_invalid`: any of that does not hold, or `list` is empty.
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @see docs/spec/rfx.md
 */
export async function verifyRfxManifests(
  list: readonly { readonly statement: string; readonly leaves: Uint8Array }[],
  options: VerifyRfxManifestsOptions,
): Promise<[VerifiedRfxManifest, ...VerifiedRfxManifest[]]> {
  const { organizationId, groupId, kind, version, key, previous } = options
  const ids = { organizationId, groupId, kind, version }
  assertIds({ ...ids, revision: 1 })
  if (key !== undefined) assertRfxKey(key, 'key')
  if (previous !== undefined && previous !== null) assertByteLength(previous, leafByteLength, 'previous')
  const [first, ...others] = await Promise.all(
    list.map(({ statement, leaves }, index) => verifyRfxManifest({ ...ids, revision: index + 1, statement, leaves })),
  )
  if (!first || (previous !== undefined && !areAlike(first.previous, previous))) {
    throw new CryptoError('signature_invalid')
  }
  const commitment = key ? await calculateKeyCommitment(key, { groupId, version }) : first.commitment
  const sealTo = JSON.stringify(key ? await publicKeyOf(kind, key) : first.sealTo)
  const verified: [VerifiedRfxManifest, ...VerifiedRfxManifest[]] = [first, ...others]
  for (const [index, one] of verified.entries()) {
    const fits =
      (index === 0 || areAlike(one.previous, verified[index - 1]?.digest ?? null)) &&
      equalBytes(one.commitment, commitment) &&
      JSON.stringify(one.sealTo) === sealTo
    if (!fits) throw new CryptoError('signature_invalid')
  }
  return verified
}

/**
 * Puts leaves as a manifest signs them and as they are stored: in ascending order, one after another.
 *
 * @param leaves - See `calculateWrapLeaf`; in any order.
 * @throws {RangeError} No leaf, more than 500, or one of them twice.
 * @throws {TypeError | RangeError} `leaves` is not what its type says.
 *
 * @see docs/spec/rfx.md
 */
export function joinLeaves(leaves: readonly Uint8Array[]): Bytes {
  if (!Array.isArray(leaves)) throw new TypeError('leaves must be an array')
  if (leaves.length < 1 || leaves.length > leavesMaximum) throw new RangeError('leaves must be 1 to 500')
  for (const [index, leaf] of leaves.entries()) assertByteLength(leaf, leafByteLength, `leaves[${index}]`)
  const joined = concatBytes(...leaves.toSorted((a: Uint8Array, b: Uint8Array) => compareLeaves(a, 0, b, 0)))
  if (!areAscending(joined)) throw new RangeError('leaves must not have one twice')
  return joined
}

/**
 * Whether a leaf is among those of a verified revision.
 *
 * @param leaves - As {@link verifyRfxManifest} took them: 32 bytes each, ascending.
 * @throws {TypeError | RangeError} An argument is not what its type says.
 */
export function includesLeaf(leaves: Uint8Array, leaf: Uint8Array): boolean {
  assertBytes(leaves, 'leaves')
  assertByteLength(leaf, leafByteLength, 'leaf')
  let [low, high] = [0, Math.floor(leaves.byteLength / leafByteLength)]
  while (low < high) {
    const middle = (low + high) >> 1
    const order = compareLeaves(leaves, middle * leafByteLength, leaf, 0)
    if (order === 0) return true
    if (order < 0) low = middle + 1
    else high = middle
  }
  return false
}

/** As numbers of 256 bits, big-endian. */
function compareLeaves(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): number {
  for (let index = 0; index < leafByteLength; index++) {
    const difference = (a[aOffset + index] as number) - (b[bOffset + index] as number)
    if (difference !== 0) return difference
  }
  return 0
}

function areAscending(leaves: Uint8Array): boolean {
  for (let offset = leafByteLength; offset < leaves.byteLength; offset += leafByteLength) {
    if (compareLeaves(leaves, offset - leafByteLength, leaves, offset) >= 0) return false
  }
  return true
}

/** Something is before every revision but the first; before the first of version 1 there is nothing. */
function mayFollow(previous: unknown, version: number, revision: number): boolean {
  if (revision > 1) return previous !== null
  return version > 1 || previous === null
}

async function publicKeyOf(kind: RfxGroupKind, key: RfxKey): Promise<PublicJwk | null> {
  return kind === 'opening' ? exportPublicJwk((await deriveOpeningKeyPair(key)).publicKey) : null
}

function isPublicJwk(value: unknown): value is PublicJwk {
  try {
    assertPublicJwk(value)
    return true
  } catch {
    return false
  }
}

function areAlike(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equalBytes(a, b)
}

function assertIds({ organizationId, groupId, kind, version, revision }: ManifestIds): void {
  assertUuid(organizationId, 'organizationId')
  assertUuid(groupId, 'groupId')
  assertOneOf(kind, kinds, 'kind')
  assertWhole(version, 1, 'version')
  assertWhole(revision, 1, 'revision')
}
