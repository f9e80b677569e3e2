import { type AssignmentContent, encodeAssignmentContent, parseAssignmentContent } from './assignment-content.ts'
import {
  type AssignmentKey,
  type AssignmentSigner,
  areDistinct,
  digestOf,
  includesDevice,
  recipientHash,
  signStatement,
  verifyStatement,
} from './assignment-statement.ts'
import { assertBytes, type Bytes } from './bytes.ts'
import type { SigningDevice } from './claims.ts'
import { type Clock, systemClock } from './clock.ts'
import { generateContentKey } from './content-key.ts'
import type { Context } from './context.ts'
import { decryptEnvelope, encryptEnvelope, importEnvelopeKey } from './envelope.ts'
import { CryptoError } from './errors.ts'
import { exportPublicJwk, type PublicJwk } from './public-jwk.ts'
import { open, seal } from './seal.ts'
import { assertName } from './text.ts'
import { calculateThumbprint, type Thumbprint } from './thumbprint.ts'

/** The device that sends and signs. */
export type AssignmentSender = SigningDevice

/** A device that shall be able to open the assignment. */
export interface AssignmentRecipient {
  readonly userId: string
  readonly deviceId: string
  /** Its public encryption key, which the caller has good reason to believe is its own. */
  readonly encryptionKey: PublicJwk
}

/** The device that opens: its sealed key as stored, and its encryption key pair. */
export interface AssignmentReader extends AssignmentKey {
  readonly encryption: CryptoKeyPair
}

interface AddressOptions {
  readonly id: string
  readonly organizationId: string
  readonly sender: AssignmentSender
  /** Every device that shall open it, the sender's own among them. */
  readonly recipients: readonly AssignmentRecipient[]
  readonly now?: Clock
}

export interface SealAssignmentOptions extends AddressOptions {
  readonly content: AssignmentContent
}

export interface ReaddressAssignmentOptions extends AddressOptions {
  /** The encrypted content as stored. It stays as it is. */
  readonly content: Uint8Array
  /** The current statement as stored. */
  readonly statement: string
  /** The sender's own device, which opens the content key. */
  readonly own: AssignmentReader
  /** Signing keys of the sender's other devices, as the caller knows them; for an assignment sent from one of those. */
  readonly trustedSigners?: readonly Thumbprint[]
}

export interface OpenAssignmentOptions {
  readonly id: string
  readonly organizationId: string
  readonly senderUserId: string
  readonly content: Uint8Array
  readonly statement: string
  readonly recipient: AssignmentReader
}

export interface AddressedAssignment {
  readonly statement: string
  readonly keys: { readonly userId: string; readonly deviceId: string; readonly wrappedKey: Bytes }[]
}

export interface SealedAssignment extends AddressedAssignment {
  readonly content: Bytes
}

export interface OpenedAssignment {
  readonly content: AssignmentContent
  readonly signer: AssignmentSigner
  readonly revision: number
  readonly recipientCount: number
}

/**
 * Encrypts an assignment under a fresh content key, seals that key to each device, and signs content, recipients and
 * purpose with the sender's device key.
 *
 * @returns The three things to store: encrypted content, signed statement, one sealed key of 133 bytes per device.
 * @throws {CryptoError} `key_unusable`: a recipient's key is not a P-256 public key, or `sender.signing` cannot sign.
 * @throws {RangeError} `recipients` names a device twice or leaves out the sender's own.
 * @throws {TypeError} An option is not what its type says.
 *
 * @example
 * ```ts
 * const { encryption, signing } = await generateDeviceKeys()
 * const own = { userId: 'usr_1', deviceId: 'dev_1', encryptionKey: await exportPublicJwk(encryption.publicKey) }
 * const { content, statement, keys } = await sealAssignment({
 *   id: 'asg_1',
 *   organizationId: 'org_1',
 *   sender: { userId: 'usr_1', deviceId: 'dev_1', signing },
 *   recipients: [own],
 *   content: { title: 'Visit on Monday', body: 'At ten.', files: [] },
 * })
 * ```
 * @see docs/spec/assignment.md
 */
export async function sealAssignment(options: SealAssignmentOptions): Promise<SealedAssignment> {
  assertAddress(options)
  const plaintext = encodeAssignmentContent(options.content)
  const contentKey = generateContentKey()
  try {
    const envelopeKey = await importEnvelopeKey(contentKey)
    const content = await encryptEnvelope(plaintext, envelopeKey, contentContext(options.id, options.sender.userId))
    return { content, ...(await address(options, content, contentKey, 1)) }
  } finally {
    contentKey.fill(0)
  }
}

/**
 * Addresses a sent assignment to a new set of devices: seals its content key anew and signs the next revision. The
 * encrypted content stays as it is.
 *
 * Signs only for content that this device, or a key in `trustedSigners`, has signed before: otherwise whoever stores
 * the assignment could have another content signed in the sender's name.
 *
 * @throws {CryptoError} `signature_invalid`: the current statement does not fit, or another key signed it.
 * @throws {CryptoError} `open_failed`: `own` does not open it.
 * @throws {CryptoError} `key_unusable`: a key is not one this operation accepts.
 * @throws {RangeError} `recipients` names a device twice or leaves out the sender's own.
 * @throws {TypeError} An option is not what its type says.
 *
 * @see docs/spec/assignment.md
 */
export async function readdressAssignment(options: ReaddressAssignmentOptions): Promise<AddressedAssignment> {
  const { sender, content, own, trustedSigners = [] } = options
  assertAddress(options)
  assertBytes(content, 'content')
  const senderUserId = sender.userId
  const { contentKey, signer, revision } = await openContentKey({ ...options, senderUserId, recipient: own })
  try {
    const ownThumbprint = await calculateThumbprint(await exportPublicJwk(sender.signing.publicKey))
    if (![ownThumbprint, ...trustedSigners].includes(signer.thumbprint)) throw new CryptoError('signature_invalid')
    await openContent(content, contentKey, contentContext(options.id, senderUserId))
    return await address(options, content, contentKey, revision + 1)
  } finally {
    contentKey.fill(0)
  }
}

/**
 * Verifies and opens an assignment with the keys of one device.
 *
 * Checks the signature, that it is this assignment of this organisation and sender, that the content is the signed
 * one and that this device's sealed key is among the signed recipients; only then opens the key and the content. The
 * caller must still look up `signer.thumbprint` in the directory of devices, as only that says whose key signed.
 *
 * @throws {CryptoError} `signature_invalid`: the statement is not valid or does not fit.
 * @throws {CryptoError} `open_failed`: the sealed key or the content does not open, or the content is malformed.
 * @throws {CryptoError} `key_unusable`: `recipient.encryption` is not a P-256 key pair for ECDH.
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @see docs/spec/assignment.md
 */
export async function openAssignment(options: OpenAssignmentOptions): Promise<OpenedAssignment> {
  const { id, senderUserId } = options
  const { contentKey, signer, revision, recipients } = await openContentKey(options)
  try {
    const content = await openContent(options.content, contentKey, contentContext(id, senderUserId))
    return { content, signer, revision, recipientCount: recipients.length }
  } finally {
    contentKey.fill(0)
  }
}

async function openContentKey(options: OpenAssignmentOptions) {
  const { id, content, recipient } = options
  const hash = await recipientHash(id, recipient)
  const claims = await verifyStatement({ ...options, contentDigest: await digestOf(content) })
  if (!claims.recipients.includes(hash)) throw new CryptoError('signature_invalid')
  const contentKey = await open(recipient.wrappedKey, recipient.encryption, keyContext(id, recipient.deviceId))
  return { ...claims, contentKey }
}

async function openContent(envelope: Uint8Array, contentKey: Bytes, context: Context): Promise<AssignmentContent> {
  if (contentKey.byteLength !== 32) throw new CryptoError('open_failed')
  const plaintext = await decryptEnvelope(envelope, await importEnvelopeKey(contentKey), context)
  try {
    return parseAssignmentContent(plaintext)
  } catch (cause) {
    throw new CryptoError('open_failed', { cause })
  }
}

async function address(
  options: AddressOptions,
  content: Bytes,
  contentKey: Bytes,
  revision: number,
): Promise<AddressedAssignment> {
  const { id, organizationId, sender, recipients, now = systemClock } = options
  const keys = await Promise.all(
    recipients.map(async ({ userId, deviceId, encryptionKey }) => {
      return { userId, deviceId, wrappedKey: await seal(contentKey, encryptionKey, keyContext(id, deviceId)) }
    }),
  )
  return { statement: await signStatement({ id, organizationId, sender, content, keys, revision, now }), keys }
}

function assertAddress({ id, organizationId, sender, recipients }: AddressOptions): void {
  assertName(id, 'id')
  assertName(organizationId, 'organizationId')
  assertName(sender?.userId, 'sender.userId')
  assertName(sender.deviceId, 'sender.deviceId')
  if (!Array.isArray(recipients)) throw new TypeError('recipients must be an array')
  for (const [index, { userId, deviceId }] of recipients.entries()) {
    assertName(userId, `recipients[${index}].userId`)
    assertName(deviceId, `recipients[${index}].deviceId`)
  }
  if (!areDistinct(recipients)) throw new RangeError('recipients must not name a device twice')
  if (!includesDevice(recipients, sender)) throw new RangeError("recipients must have the sender's own device")
}

function contentContext(id: string, senderUserId: string): Context {
  return { purpose: 'assignment-content', table: 'assignment', column: 'content', row: id, owner: senderUserId }
}

function keyContext(id: string, deviceId: string): Context {
  return { purpose: 'assignment-key', table: 'assignment_key', column: 'wrapped_key', row: id, owner: deviceId }
}
