import { assertByteLength, type Bytes, sha256 } from './bytes.ts'
import { assertOneOf, assertThumbprint, assertUuid } from './claims.ts'
import { encodePae } from './pae.ts'
import { assertKeyVersion, type RfxKeyVersion } from './rfx-key.ts'
import type { Thumbprint } from './thumbprint.ts'

const owners = ['user', 'company'] as const
const roles = ['buyer', 'developer', 'supplier'] as const

/** Whose key the key of a group is wrapped to. */
export type RfxOwner = (typeof owners)[number]

/** As what somebody is in a project. */
export type RfxRole = (typeof roles)[number]

export interface WrapLeafOptions extends RfxKeyVersion {
  readonly owner: RfxOwner
  /** The user or company, a UUID. */
  readonly ownerId: string
  readonly role: RfxRole
  /** Of the RSA key it was wrapped to when it was signed. */
  readonly thumbprint: Thumbprint
  /** What {@link hashWrap} gives, 32 bytes. */
  readonly wrapHash: Uint8Array
}

const wrapByteLength = 512
const digestByteLength = 32

/**
 * Hashes a wrap for {@link calculateWrapLeaf}.
 *
 * @param wrapped - What `wrapKey` made, 512 bytes.
 * @returns 32 bytes.
 * @throws {TypeError | RangeError} `wrapped` is not a `Uint8Array` of 512 bytes.
 */
export async function hashWrap(wrapped: Uint8Array): Promise<Bytes> {
  assertByteLength(wrapped, wrapByteLength, 'wrapped')
  return sha256(wrapped)
}

/**
 * Calculates the leaf of a wrap: what a signed manifest has of it, which says who is a member only to those who know
 * that already.
 *
 * @returns 32 bytes.
 * @throws {TypeError | RangeError} An option is not what its type says.
 *
 * @example
 * ```ts
 * const { key, thumbprint } = await importPrivateKey(await generatePrivateKey())
 * const leaf = await calculateWrapLeaf({
 *   groupId: '00000000-0000-4000-8000-000000000001',
 *   version: 1,
 *   owner: 'user',
 *   ownerId: '00000000-0000-4000-8000-00000000000a',
 *   role: 'buyer',
 *   thumbprint,
 *   wrapHash: await hashWrap(await wrapKey(generateRfxKey(), key)),
 * })
 * ```
 * @see docs/spec/rfx.md
 */
export async function calculateWrapLeaf(options: WrapLeafOptions): Promise<Bytes> {
  const { groupId, version, owner, ownerId, role, thumbprint, wrapHash } = options
  assertKeyVersion(options)
  assertOneOf(owner, owners, 'owner')
  assertUuid(ownerId, 'ownerId')
  assertOneOf(role, roles, 'role')
  assertThumbprint(thumbprint, 'thumbprint')
  assertByteLength(wrapHash, digestByteLength, 'wrapHash')
  return sha256(encodePae('nokkel/rfx-wrap/v1', groupId, String(version), owner, ownerId, role, thumbprint, wrapHash))
}
