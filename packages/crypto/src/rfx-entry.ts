import { assertByteLength, assertBytes, type Bytes, sha256 } from './bytes.ts'
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
  isUuid,
  isWhole,
  type SigningDevice,
  type StatementSigner,
  toDate,
} from './claims.ts'
import { type Clock, systemClock, unixSeconds } from './clock.ts'
import { generateContentKey } from './content-key.ts'
import type { Context } from './context.ts'
import { CryptoError } from './errors.ts'
import { digestOfJws, signJws, verifyJws } from './jws.ts'
import { decryptKeyUnder, decryptUnder, encryptUnder } from './key-envelope.ts'
import { hasExactly } from './members.ts'
import { assertRfxKey, type RfxKey } from './rfx-key.ts'

const kinds = ['title', 'specification', 'comment', 'document', 'removal'] as const

export type RfxEntryKind = (typeof kinds)[number]

/** The sequences of the title and the specification that hold after an entry; 0 before there is one. */
export interface RfxCurrent {
  readonly title: number
  readonly specification: number
}

interface EntryPlace {
  readonly rfxId: string
  /** Place in the log, from 1. */
  readonly sequence: number
}

interface EntryClaims {
  readonly kind: RfxEntryKind
  /** What it is about, a UUID: of a title or a specification the project itself, of a removal the document. */
  readonly object: string
  /** From 1, of this object. */
  readonly revision: number
  readonly current: RfxCurrent
}

export interface SealRfxEntryOptions extends EntryPlace, EntryClaims {
  readonly organizationId: string
  /** Digest of the entry before; of the first `null`. */
  readonly previous: Uint8Array | null
  /** What `encodeRfx…` made; of a removal `null`. */
  readonly plaintext: Uint8Array | null
  /** The key of the project. */
  readonly key: RfxKey
  /** Of that key. */
  readonly version: number
  readonly author: SigningDevice
  readonly now?: Clock
}

/** What is stored of an entry. Of a removal, key and content are `null`. */
export interface SealedRfxEntry {
  /** The content key under the key of the project, 80 bytes. */
  readonly wrappedKey: Bytes | null
  readonly content: Bytes | null
  readonly statement: string
  /** What the next entry names as `previous`. */
  readonly digest: Bytes
}

export interface VerifyRfxEntryOptions extends EntryPlace {
  readonly statement: string
  readonly organizationId: string
  /** As stored. */
  readonly content: Uint8Array | null
}

export interface VerifiedRfxEntry extends EntryClaims {
  readonly previous: Bytes | null
  readonly author: StatementSigner
  readonly digest: Bytes
}

export interface OpenRfxEntryOptions extends EntryPlace {
  /** Of `key`, which wraps the content key. */
  readonly version: number
  readonly key: RfxKey
  readonly wrappedKey: Uint8Array
  readonly content: Uint8Array
}

export interface RewrapContentKeyOptions extends EntryPlace {
  readonly wrappedKey: Uint8Array
  readonly from: { readonly key: RfxKey; readonly version: number }
  readonly to: { readonly key: RfxKey; readonly version: number }
}

const digestByteLength = 32
const claimNames = [
  'v',
  'purpose',
  'organization',
  'rfx',
  'sequence',
  'kind',
  'object',
  'revision',
  'previous',
  'current',
  'content',
  'author',
  'iat',
] as const

/**
 * Encrypts and signs the next entry of a project, under a fresh content key.
 *
 * @throws {CryptoError} `key_unusable`: `author.signing` cannot sign.
 * @throws {RangeError} Options that do not fit together: `previous` with the first entry or none with a later one,
 *   another `object` of a title or specification than the project, `current` that is not so after this entry,
 *   a removal with a plaintext or anything else without one.
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @example
 * ```ts
 * const { signing } = await generateDeviceKeys()
 * const [organizationId, rfxId] = ['00000000-0000-4000-8000-00000000000b', '00000000-0000-4000-8000-000000000001']
 * const [key, version] = [generateRfxKey(), 1]
 * const { wrappedKey, content, statement } = await sealRfxEntry({
 *   organizationId,
 *   rfxId,
 *   sequence: 1,
 *   kind: 'title',
 *   object: rfxId,
 *   revision: 1,
 *   previous: null,
 *   current: { title: 1, specification: 0 },
 *   plaintext: encodeRfxTitle('Ny skole på Vestre Haugen'),
 *   key,
 *   version,
 *   author: {
 *     userId: '00000000-0000-4000-8000-00000000000a',
 *     deviceId: '00000000-0000-4000-8000-00000000000d',
 *     signing,
 *   },
 * })
 * if (!wrappedKey || !content) throw new Error('a title has content')
 * await verifyRfxEntry({ statement, organizationId, rfxId, sequence: 1, content })
 * parseRfxTitle(await openRfxEntry({ rfxId, sequence: 1, version, key, wrappedKey, content })) // 'Ny skole …'
 * ```
 * @see docs/spec/rfx.md
 */
export async function sealRfxEntry(options: SealRfxEntryOptions): Promise<SealedRfxEntry> {
  const { organizationId, rfxId, sequence, kind, object, revision, previous, current, author } = options
  assertEntry(options)
  const { wrappedKey, content } = await encryptContent(options)
  const payload = {
    v: 1,
    purpose: 'rfx-entry',
    organization: organizationId,
    rfx: rfxId,
    sequence,
    kind,
    object,
    revision,
    previous: encodeOptional(previous),
    current: { title: current.title, specification: current.specification },
    content: encodeOptional(content && (await sha256(content))),
    author: { user: author.userId, device: author.deviceId },
    iat: unixSeconds(options.now ?? systemClock),
  }
  const statement = await signJws(payload, author.signing, 'nokkel-rfx-entry+jwt')
  return { wrappedKey, content, statement, digest: await digestOfJws(statement) }
}

/**
 * Verifies an entry without opening it: that it is signed, with these ids, at this place, over this content. The
 * caller must still compare `previous` with the digest of the entry before, and look up `author.thumbprint` in the
 * directory of devices.
 *
 * @throws {CryptoError} `signature_invalid`: any of that does not hold.
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @see docs/spec/rfx.md
 */
export async function verifyRfxEntry(options: VerifyRfxEntryOptions): Promise<VerifiedRfxEntry> {
  const { statement, organizationId, rfxId, sequence, content } = options
  assertUuid(organizationId, 'organizationId')
  assertPlace(options)
  if (content !== null) assertBytes(content, 'content')
  const { payload, jwk, thumbprint } = await verifyJws(statement, 'nokkel-rfx-entry+jwt')
  const { kind, object, revision, previous, current, author, iat } = payload
  const fits =
    hasExactly(payload, claimNames) &&
    payload.v === 1 &&
    payload.purpose === 'rfx-entry' &&
    payload.organization === organizationId &&
    payload.rfx === rfxId &&
    payload.sequence === sequence &&
    isKind(kind) &&
    isUuid(object) &&
    isWhole(revision, 1) &&
    (sequence === 1 ? previous === null : isDigest(previous)) &&
    isCurrent(current) &&
    isObject(kind, object, rfxId) &&
    holdsAfter(kind, sequence, current) &&
    (kind === 'removal') === (content === null) &&
    payload.content === encodeOptional(content && (await sha256(content))) &&
    isDevice(author) &&
    isInstant(iat)
  if (!fits) throw new CryptoError('signature_invalid')
  return {
    kind,
    object,
    revision,
    previous: decodeOptional(previous as string | null),
    current,
    author: { userId: author.user, deviceId: author.device, jwk, thumbprint, signedAt: toDate(iat) },
    digest: await digestOfJws(statement),
  }
}

/**
 * Opens the content of an entry. Verify it first: see {@link verifyRfxEntry}.
 *
 * @returns For the `parseRfx…` of its kind.
 * @throws {CryptoError} `open_failed`: another key, version, project or place, or altered.
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @see docs/spec/rfx.md
 */
export async function openRfxEntry(options: OpenRfxEntryOptions): Promise<Bytes> {
  const { key, wrappedKey, content } = options
  assertPlace(options)
  assertKey(options, '')
  assertBytes(wrappedKey, 'wrappedKey')
  assertBytes(content, 'content')
  const contentKey = await decryptKeyUnder(key, wrappedKey, keyContext(options, options.version))
  try {
    return await decryptUnder(contentKey, content, contentContext(options))
  } finally {
    contentKey.fill(0)
  }
}

/**
 * Wraps the content key of an entry under another version of the key of the project. The content stays as it is.
 *
 * @returns 80 bytes.
 * @throws {CryptoError} `open_failed`: `wrappedKey` is not under `from`, or of another project or place.
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @see docs/spec/rfx.md
 */
export async function rewrapContentKey(options: RewrapContentKeyOptions): Promise<Bytes> {
  const { wrappedKey, from, to } = options
  assertPlace(options)
  assertKey(from, 'from.')
  assertKey(to, 'to.')
  const contentKey = await decryptKeyUnder(from.key, wrappedKey, keyContext(options, from.version))
  try {
    return await encryptUnder(to.key, contentKey, keyContext(options, to.version))
  } finally {
    contentKey.fill(0)
  }
}

async function encryptContent(
  options: SealRfxEntryOptions,
): Promise<{ readonly wrappedKey: Bytes | null; readonly content: Bytes | null }> {
  const { plaintext, key, version } = options
  if (plaintext === null) return { wrappedKey: null, content: null }
  const contentKey = generateContentKey()
  try {
    const [wrappedKey, content] = await Promise.all([
      encryptUnder(key, contentKey, keyContext(options, version)),
      encryptUnder(contentKey, plaintext, contentContext(options)),
    ])
    return { wrappedKey, content }
  } finally {
    contentKey.fill(0)
  }
}

function keyContext({ rfxId, sequence }: EntryPlace, version: number): Context {
  const row = `${rfxId}/${sequence}`
  return { purpose: 'rfx-content-key', table: 'rfx_entry', column: 'wrapped_key', row, owner: String(version) }
}

function contentContext({ rfxId, sequence }: EntryPlace): Context {
  return { purpose: 'rfx-entry', table: 'rfx_entry', column: 'content', row: `${rfxId}/${sequence}`, owner: rfxId }
}

function isKind(value: unknown): value is RfxEntryKind {
  return kinds.includes(value as RfxEntryKind)
}

function isCurrent(value: unknown): value is RfxCurrent {
  return hasExactly(value, ['title', 'specification']) && isWhole(value.title, 0) && isWhole(value.specification, 0)
}

function isObject(kind: RfxEntryKind, object: string, rfxId: string): boolean {
  return object === rfxId || (kind !== 'title' && kind !== 'specification')
}

/** A title or specification holds itself; nothing that is still to come does. */
function holdsAfter(kind: RfxEntryKind, sequence: number, { title, specification }: RfxCurrent): boolean {
  return (
    (kind === 'title' ? title === sequence : title < sequence) &&
    (kind === 'specification' ? specification === sequence : specification < sequence)
  )
}

function assertEntry(options: SealRfxEntryOptions): void {
  const { organizationId, rfxId, sequence, kind, object, revision, previous, current, plaintext, author } = options
  assertUuid(organizationId, 'organizationId')
  assertPlace(options)
  assertOneOf(kind, kinds, 'kind')
  assertUuid(object, 'object')
  assertWhole(revision, 1, 'revision')
  if (!isCurrent(current)) throw new TypeError('current must have exactly: title, specification, whole numbers from 0')
  if (previous !== null) assertByteLength(previous, digestByteLength, 'previous')
  if (plaintext !== null) assertBytes(plaintext, 'plaintext')
  assertKey(options, '')
  assertSigningDevice(author, 'author')
  if ((sequence === 1) !== (previous === null)) throw new RangeError('previous must be null in the first entry alone')
  if (!isObject(kind, object, rfxId)) throw new RangeError('object must be the project')
  if (!holdsAfter(kind, sequence, current)) throw new RangeError('current must be what holds after this entry')
  if ((kind === 'removal') !== (plaintext === null)) throw new RangeError('plaintext must be null in a removal alone')
}

function assertPlace({ rfxId, sequence }: EntryPlace): void {
  assertUuid(rfxId, 'rfxId')
  assertWhole(sequence, 1, 'sequence')
}

function assertKey({ key, version }: { readonly key: RfxKey; readonly version: number }, prefix: string): void {
  assertRfxKey(key, `${prefix}key`)
  assertWhole(version, 1, `${prefix}version`)
}
