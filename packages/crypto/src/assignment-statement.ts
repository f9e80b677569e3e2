import { encodeBase64Url } from './base64url.ts'
import { assertByteLength, assertBytes, type Bytes, sha256 } from './bytes.ts'
import { isInstant, isName, isWhole, type SigningDevice, type StatementSigner, toDate } from './claims.ts'
import { type Clock, unixSeconds } from './clock.ts'
import { CryptoError } from './errors.ts'
import { signJws, verifyJws } from './jws.ts'
import { hasExactly } from './members.ts'
import { encodePae } from './pae.ts'
import { assertName } from './text.ts'

/** The content key of an assignment, sealed to one device. */
export interface AssignmentKey {
  readonly userId: string
  readonly deviceId: string
  readonly wrappedKey: Uint8Array
}

/** Who signed an assignment. */
export type AssignmentSigner = StatementSigner

export interface VerifiedAssignmentStatement {
  readonly signer: AssignmentSigner
  /** 1 when it was sent, one more for each time it was addressed anew. */
  readonly revision: number
  readonly recipientCount: number
}

interface ExpectedStatement {
  readonly statement: string
  readonly id: string
  readonly organizationId: string
  readonly senderUserId: string
  /** Every sealed key the server holds or was sent for this assignment, in any order. */
  readonly keys: readonly AssignmentKey[]
}

/** The stored content, or its SHA-256 where only that is at hand. */
export type VerifyAssignmentStatementOptions = ExpectedStatement &
  (
    | { readonly content: Uint8Array; readonly contentDigest?: never }
    | { readonly contentDigest: Uint8Array; readonly content?: never }
  )

/**
 * Checks what can be checked of an assignment without opening it: that it is signed, with these ids, over this
 * content, for exactly these sealed keys, the signing device's own among them.
 *
 * @throws {CryptoError} `signature_invalid`: any of that does not hold.
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @see docs/spec/assignment.md
 */
export async function verifyAssignmentStatement(
  options: VerifyAssignmentStatementOptions,
): Promise<VerifiedAssignmentStatement> {
  const { keys, content, contentDigest } = options
  if ((content === undefined) === (contentDigest === undefined)) {
    throw new TypeError('give either content or contentDigest')
  }
  const hashes = await recipientHashes(options.id, keys)
  const claims = await verifyStatement({ ...options, contentDigest: contentDigest ?? (await digestOf(content)) })
  const { signer, recipients, revision } = claims
  const complete = hashes.length === recipients.length && hashes.every((hash, index) => hash === recipients[index])
  if (!complete || !areDistinct(keys) || !includesDevice(keys, signer)) throw new CryptoError('signature_invalid')
  return { signer, revision, recipientCount: recipients.length }
}

export interface StatementClaims {
  readonly signer: AssignmentSigner
  readonly revision: number
  /** Sorted, without duplicates. */
  readonly recipients: readonly string[]
}

export async function verifyStatement(
  expected: Omit<ExpectedStatement, 'keys'> & { readonly contentDigest: Uint8Array },
): Promise<StatementClaims> {
  const { statement, id, organizationId, senderUserId, contentDigest } = expected
  assertName(id, 'id')
  assertName(organizationId, 'organizationId')
  assertName(senderUserId, 'senderUserId')
  assertByteLength(contentDigest, 32, 'contentDigest')
  const { payload, jwk, thumbprint } = await verifyJws(statement, 'nokkel-assignment+jwt')
  const { sender, recipients, revision, iat } = payload
  const names = ['v', 'purpose', 'id', 'organization', 'sender', 'content', 'recipients', 'revision', 'iat']
  const fits =
    hasExactly(payload, names) &&
    payload.v === 1 &&
    payload.purpose === 'assignment' &&
    payload.id === id &&
    payload.organization === organizationId &&
    payload.content === encodeBase64Url(contentDigest) &&
    hasExactly(sender, ['user', 'device']) &&
    sender.user === senderUserId &&
    isName(sender.device) &&
    isSortedSet(recipients) &&
    isWhole(revision, 1) &&
    isInstant(iat)
  if (!fits) throw new CryptoError('signature_invalid')
  const signer = { userId: senderUserId, deviceId: sender.device as string, jwk, thumbprint, signedAt: toDate(iat) }
  return { signer, revision, recipients }
}

export interface SignStatementOptions {
  readonly id: string
  readonly organizationId: string
  readonly sender: SigningDevice
  readonly content: Bytes
  readonly keys: readonly AssignmentKey[]
  readonly revision: number
  readonly now: Clock
}

export async function signStatement(options: SignStatementOptions): Promise<string> {
  const { id, organizationId, sender, content, keys, revision, now } = options
  const payload = {
    v: 1,
    purpose: 'assignment',
    id,
    organization: organizationId,
    sender: { user: sender.userId, device: sender.deviceId },
    content: encodeBase64Url(await sha256(content)),
    recipients: await recipientHashes(id, keys),
    revision,
    iat: unixSeconds(now),
  }
  return signJws(payload, sender.signing, 'nokkel-assignment+jwt')
}

export async function recipientHash(id: string, { userId, deviceId, wrappedKey }: AssignmentKey): Promise<string> {
  assertName(userId, 'userId')
  assertName(deviceId, 'deviceId')
  assertBytes(wrappedKey, 'wrappedKey')
  const parts = ['nokkel/assignment-recipient/v1', id, userId, deviceId, await sha256(wrappedKey)]
  return encodeBase64Url(await sha256(encodePae(...parts)))
}

export async function digestOf(content: unknown): Promise<Bytes> {
  assertBytes(content, 'content')
  return sha256(content)
}

interface Device {
  readonly userId: string
  readonly deviceId: string
}

export function includesDevice(devices: readonly Device[], device: Device): boolean {
  return devices.some(({ userId, deviceId }) => userId === device.userId && deviceId === device.deviceId)
}

export function areDistinct(devices: readonly Device[]): boolean {
  return new Set(devices.map(({ userId, deviceId }) => JSON.stringify([userId, deviceId]))).size === devices.length
}

async function recipientHashes(id: string, keys: readonly AssignmentKey[]): Promise<string[]> {
  assertName(id, 'id')
  return (await Promise.all(keys.map((key) => recipientHash(id, key)))).sort()
}

function isSortedSet(value: unknown): value is string[] {
  if (!Array.isArray(value) || value.length === 0) return false
  return value.every((hash, index) => {
    const isHash = typeof hash === 'string' && /^[\w-]{43}$/.test(hash)
    return isHash && (index === 0 || (value[index - 1] as string) < hash)
  })
}
