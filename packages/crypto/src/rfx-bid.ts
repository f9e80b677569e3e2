import { encodeBase64Url } from './base64url.ts'
import { assertByteLength, assertBytes, type Bytes, concatBytes, sha256 } from './bytes.ts'
import {
  assertSigningDevice,
  assertUuid,
  assertWhole,
  isDevice,
  isDigest,
  isInstant,
  isWhole,
  type SigningDevice,
  type StatementSigner,
  toDate,
} from './claims.ts'
import { type Clock, systemClock, unixSeconds } from './clock.ts'
import { generateContentKey } from './content-key.ts'
import type { Context } from './context.ts'
import { CryptoError } from './errors.ts'
import { parseHeader } from './header.ts'
import { signJws, verifyJws } from './jws.ts'
import { decryptKeyUnder, decryptUnder, encryptUnder } from './key-envelope.ts'
import { hasExactly } from './members.ts'
import { encodePae } from './pae.ts'
import type { PublicJwk } from './public-jwk.ts'
import { assertKeyVersion, assertRfxKey, type RfxKey, type RfxKeyVersion } from './rfx-key.ts'
import { keyIdOfThumbprint, open, seal } from './seal.ts'
import { calculateThumbprint, type Thumbprint } from './thumbprint.ts'

interface BidIds {
  readonly rfxId: string
  readonly bidId: string
  /** The company that bids. */
  readonly companyId: string
}

/** The key of the group of the company that bids. */
export interface RfxBidderKey extends RfxKeyVersion {
  readonly key: RfxKey
}

export interface SealRfxBidOptions extends BidIds {
  readonly organizationId: string
  /** From 1. */
  readonly revision: number
  /** What `encodeRfxBidContent` made. */
  readonly plaintext: Uint8Array
  /** What the server gave when the bid was begun, 32 bytes. */
  readonly serverPart: Uint8Array
  /** The public key of the opening group, from its verified manifest. */
  readonly sealTo: PublicJwk
  readonly bidder: RfxBidderKey
  readonly author: SigningDevice
  readonly now?: Clock
}

export interface SealedRfxBid {
  readonly content: Bytes
  /** The openers' part, sealed to the opening group: 133 bytes. */
  readonly sealedPart: Bytes
  /** The content key under the key of the bidder group: 80 bytes. */
  readonly ownKey: Bytes
  readonly statement: string
}

export interface VerifyRfxBidOptions extends BidIds {
  readonly statement: string
  readonly organizationId: string
  readonly content: Uint8Array
  readonly sealedPart: Uint8Array
}

export interface VerifiedRfxBid {
  readonly revision: number
  /** Of the key of the opening group that it was sealed to. */
  readonly sealTo: Thumbprint
  readonly author: StatementSigner
}

export interface OpenRfxBidOptions extends BidIds {
  /** Of the version of the opening group that it was sealed to: see {@link deriveOpeningKeyPair}. */
  readonly openingKeyPair: CryptoKeyPair
  /** What the server releases after the deadline. */
  readonly serverPart: Uint8Array
  readonly sealedPart: Uint8Array
  readonly content: Uint8Array
}

export interface OpenOwnRfxBidOptions {
  readonly bidId: string
  readonly companyId: string
  readonly bidder: RfxBidderKey
  readonly ownKey: Uint8Array
  readonly content: Uint8Array
}

export interface RewrapBidKeyOptions {
  readonly bidId: string
  readonly ownKey: Uint8Array
  readonly from: RfxBidderKey
  /** Another version of the same group. */
  readonly to: RfxBidderKey
}

const partByteLength = 32
const claimNames = [
  'v',
  'purpose',
  'organization',
  'rfx',
  'bid',
  'company',
  'revision',
  'content',
  'sealedPart',
  'sealTo',
  'author',
  'iat',
] as const

/**
 * Seals and signs a bid: the company that bids opens it at any time, the opening group only with the server's part.
 *
 * @throws {CryptoError} `key_unusable`: `sealTo` is not a P-256 public key, or `author.signing` cannot sign.
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @example
 * ```ts
 * const { signing } = await generateDeviceKeys()
 * const openingKeyPair = await deriveOpeningKeyPair(generateRfxKey())
 * const ids = {
 *   rfxId: '00000000-0000-4000-8000-000000000001',
 *   bidId: '00000000-0000-4000-8000-000000000002',
 *   companyId: '00000000-0000-4000-8000-00000000000c',
 * }
 * const organizationId = '00000000-0000-4000-8000-00000000000b'
 * const serverPart = crypto.getRandomValues(new Uint8Array(32))
 * const { content, sealedPart, statement } = await sealRfxBid({
 *   ...ids,
 *   organizationId,
 *   revision: 1,
 *   plaintext: encodeRfxBidContent({ text: 'Som beskrevet.', amount: '2400000.00', currency: 'NOK', files: [] }),
 *   serverPart,
 *   sealTo: await exportPublicJwk(openingKeyPair.publicKey),
 *   bidder: { groupId: '00000000-0000-4000-8000-000000000003', version: 1, key: generateRfxKey() },
 *   author: {
 *     userId: '00000000-0000-4000-8000-00000000000a',
 *     deviceId: '00000000-0000-4000-8000-00000000000d',
 *     signing,
 *   },
 * })
 * await verifyRfxBid({ ...ids, organizationId, statement, content, sealedPart })
 * parseRfxBidContent(await openRfxBid({ ...ids, openingKeyPair, serverPart, sealedPart, content })).amount // '2400000.00'
 * ```
 * @see docs/spec/rfx.md
 */
export async function sealRfxBid(options: SealRfxBidOptions): Promise<SealedRfxBid> {
  const { organizationId, rfxId, bidId, companyId, revision, plaintext, serverPart, sealTo, bidder, author } = options
  assertUuid(organizationId, 'organizationId')
  assertIds(options)
  assertWhole(revision, 1, 'revision')
  assertBytes(plaintext, 'plaintext')
  assertByteLength(serverPart, partByteLength, 'serverPart')
  assertBidder(bidder)
  assertSigningDevice(author, 'author')
  const thumbprint = await calculateThumbprint(sealTo)
  const openersPart = generateContentKey()
  const contentKey = await deriveBidKey(openersPart, serverPart, options)
  try {
    const [content, sealedPart, ownKey] = await Promise.all([
      encryptUnder(contentKey, plaintext, contentContext(options)),
      seal(openersPart, sealTo, partContext(options)),
      encryptUnder(bidder.key, contentKey, ownKeyContext(bidId, bidder)),
    ])
    const payload = {
      v: 1,
      purpose: 'rfx-bid',
      organization: organizationId,
      rfx: rfxId,
      bid: bidId,
      company: companyId,
      revision,
      content: encodeBase64Url(await sha256(content)),
      sealedPart: encodeBase64Url(await sha256(sealedPart)),
      sealTo: thumbprint,
      author: { user: author.userId, device: author.deviceId },
      iat: unixSeconds(options.now ?? systemClock),
    }
    return { content, sealedPart, ownKey, statement: await signJws(payload, author.signing, 'nokkel-rfx-bid+jwt') }
  } finally {
    openersPart.fill(0)
    contentKey.fill(0)
  }
}

/**
 * Verifies a bid without opening it: that it is signed, with these ids, over this content and this sealed part, and
 * that the part is sealed to the key the statement names. The caller must still compare `sealTo` with the key of the
 * opening group, and look up `author.thumbprint` in the directory of devices.
 *
 * @throws {CryptoError} `signature_invalid`: any of that does not hold.
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @see docs/spec/rfx.md
 */
export async function verifyRfxBid(options: VerifyRfxBidOptions): Promise<VerifiedRfxBid> {
  const { statement, organizationId, rfxId, bidId, companyId, content, sealedPart } = options
  assertUuid(organizationId, 'organizationId')
  assertIds(options)
  assertBytes(content, 'content')
  assertBytes(sealedPart, 'sealedPart')
  const { payload, jwk, thumbprint } = await verifyJws(statement, 'nokkel-rfx-bid+jwt')
  const { revision, sealTo, author, iat } = payload
  const fits =
    hasExactly(payload, claimNames) &&
    payload.v === 1 &&
    payload.purpose === 'rfx-bid' &&
    payload.organization === organizationId &&
    payload.rfx === rfxId &&
    payload.bid === bidId &&
    payload.company === companyId &&
    isWhole(revision, 1) &&
    payload.content === encodeBase64Url(await sha256(content)) &&
    payload.sealedPart === encodeBase64Url(await sha256(sealedPart)) &&
    isDigest(sealTo) &&
    isSealedTo(sealedPart, sealTo as Thumbprint) &&
    isDevice(author) &&
    isInstant(iat)
  if (!fits) throw new CryptoError('signature_invalid')
  return {
    revision,
    sealTo: sealTo as Thumbprint,
    author: { userId: author.user, deviceId: author.device, jwk, thumbprint, signedAt: toDate(iat) },
  }
}

/**
 * Opens a bid for the opening group, with the part that the server releases. Verify it first: see {@link verifyRfxBid}.
 *
 * @returns For `parseRfxBidContent`.
 * @throws {CryptoError} `open_failed`: another key, part, project, bid or company, or altered.
 * @throws {CryptoError} `key_unusable`: `openingKeyPair` is not a P-256 key pair for ECDH.
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @see docs/spec/rfx.md
 */
export async function openRfxBid(options: OpenRfxBidOptions): Promise<Bytes> {
  const { openingKeyPair, serverPart, sealedPart, content } = options
  assertIds(options)
  assertByteLength(serverPart, partByteLength, 'serverPart')
  assertBytes(content, 'content')
  const openersPart = await open(sealedPart, openingKeyPair, partContext(options))
  if (openersPart.byteLength !== partByteLength) throw new CryptoError('open_failed')
  const contentKey = await deriveBidKey(openersPart, serverPart, options)
  try {
    return await decryptUnder(contentKey, content, contentContext(options))
  } finally {
    openersPart.fill(0)
    contentKey.fill(0)
  }
}

/**
 * Opens a bid for the company that made it, at any time and without the server's part. Verify it first: see
 * {@link verifyRfxBid}.
 *
 * @returns For `parseRfxBidContent`.
 * @throws {CryptoError} `open_failed`: another key, group, version, bid or company, or altered.
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @see docs/spec/rfx.md
 */
export async function openOwnRfxBid(options: OpenOwnRfxBidOptions): Promise<Bytes> {
  const { bidId, companyId, bidder, ownKey, content } = options
  assertUuid(bidId, 'bidId')
  assertUuid(companyId, 'companyId')
  assertBidder(bidder)
  assertBytes(content, 'content')
  const contentKey = await decryptKeyUnder(bidder.key, ownKey, ownKeyContext(bidId, bidder))
  try {
    return await decryptUnder(contentKey, content, contentContext(options))
  } finally {
    contentKey.fill(0)
  }
}

/**
 * Encrypts the own key of a bid under another version of the key of the bidder group. The bid stays as it is.
 *
 * @returns 80 bytes.
 * @throws {CryptoError} `open_failed`: `ownKey` is not under `from`, or of another bid.
 * @throws {RangeError} `from` and `to` are of different groups.
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @see docs/spec/rfx.md
 */
export async function rewrapBidKey({ bidId, ownKey, from, to }: RewrapBidKeyOptions): Promise<Bytes> {
  assertUuid(bidId, 'bidId')
  assertBidder(from)
  assertBidder(to)
  if (from.groupId !== to.groupId) throw new RangeError('from and to must be of one group')
  const contentKey = await decryptKeyUnder(from.key, ownKey, ownKeyContext(bidId, from))
  try {
    return await encryptUnder(to.key, contentKey, ownKeyContext(bidId, to))
  } finally {
    contentKey.fill(0)
  }
}

async function deriveBidKey(openersPart: Bytes, serverPart: Bytes, ids: BidIds): Promise<Bytes> {
  const parts = concatBytes(openersPart, serverPart)
  const ikm = await crypto.subtle.importKey('raw', parts, 'HKDF', false, ['deriveBits'])
  parts.fill(0)
  const info = encodePae('nokkel/rfx-bid/v1', ids.rfxId, ids.bidId, ids.companyId)
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info }
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, ikm, 256))
}

function isSealedTo(sealedPart: Bytes, sealTo: Thumbprint): boolean {
  const header = parseHeader(sealedPart)
  return header?.algorithm === 'sealed' && header.keyId === keyIdOfThumbprint(sealTo)
}

function contentContext({ bidId, companyId }: Pick<BidIds, 'bidId' | 'companyId'>): Context {
  return { purpose: 'rfx-bid', table: 'rfx_bid', column: 'content', row: bidId, owner: companyId }
}

function partContext({ bidId, companyId }: BidIds): Context {
  return { purpose: 'rfx-bid-part', table: 'rfx_bid', column: 'sealed_part', row: bidId, owner: companyId }
}

function ownKeyContext(bidId: string, { groupId, version }: RfxKeyVersion): Context {
  return { purpose: 'rfx-bid-key', table: 'rfx_bid', column: 'own_key', row: bidId, owner: `${groupId}/${version}` }
}

function assertIds({ rfxId, bidId, companyId }: BidIds): void {
  assertUuid(rfxId, 'rfxId')
  assertUuid(bidId, 'bidId')
  assertUuid(companyId, 'companyId')
}

function assertBidder(bidder: RfxBidderKey): void {
  assertRfxKey(bidder?.key, 'key')
  assertKeyVersion(bidder)
}
