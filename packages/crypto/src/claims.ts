import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import type { Bytes } from './bytes.ts'
import { hasExactly } from './members.ts'
import type { PublicJwk } from './public-jwk.ts'
import { assertName, assertText } from './text.ts'
import type { Thumbprint } from './thumbprint.ts'

/** The device that signs. */
export interface SigningDevice {
  readonly userId: string
  readonly deviceId: string
  readonly signing: CryptoKeyPair
}

/**
 * Who signed a statement. The signature proves that the holder of `jwk` claims to be this device of this user;
 * whether it is, the caller must look up by `thumbprint` in the directory of devices.
 */
export interface StatementSigner {
  readonly userId: string
  readonly deviceId: string
  readonly jwk: PublicJwk
  readonly thumbprint: Thumbprint
  /** By the clock of the signing device. */
  readonly signedAt: Date
}

/** The last moment that a `Date` can hold. */
const latestDateSeconds = 8_640_000_000_000
const digestByteLength = 32

export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)
}

export function isWhole(value: unknown, minimum: number, maximum = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum
}

/** Seconds since 1970 that a `Date` can hold. */
export function isInstant(value: unknown): value is number {
  return isWhole(value, 0, latestDateSeconds)
}

/** A SHA-256 as canonical base64url. */
export function isDigest(value: unknown): value is string {
  if (typeof value !== 'string') return false
  try {
    return decodeBase64Url(value).byteLength === digestByteLength
  } catch {
    return false
  }
}

/** `{ "user", "device" }`, both UUIDs. */
export function isDevice(value: unknown): value is { readonly user: string; readonly device: string } {
  return hasExactly(value, ['user', 'device']) && isUuid(value.user) && isUuid(value.device)
}

export function toDate(seconds: number): Date {
  return new Date(seconds * 1000)
}

export function encodeOptional(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : encodeBase64Url(bytes)
}

export function decodeOptional(text: string | null): Bytes | null {
  return text === null ? null : decodeBase64Url(text)
}

export function assertUuid(value: unknown, name: string): asserts value is string {
  assertText(value, name)
  if (!isUuid(value)) throw new RangeError(`${name} must be a UUID in lower case`)
}

export function assertWhole(value: unknown, minimum: number, name: string): asserts value is number {
  if (!isWhole(value, minimum)) throw new RangeError(`${name} must be a whole number from ${minimum}`)
}

export function assertOneOf<Value extends string>(
  value: unknown,
  values: readonly Value[],
  name: string,
): asserts value is Value {
  if (!values.includes(value as Value)) throw new TypeError(`${name} must be one of: ${values.join(', ')}`)
}

export function assertThumbprint(value: unknown, name: string): asserts value is Thumbprint {
  assertName(value, name)
  if (!isDigest(value)) throw new RangeError(`${name} must be 32 bytes as base64url`)
}

export function assertSigningDevice(device: SigningDevice, name: string): void {
  assertUuid(device?.userId, `${name}.userId`)
  assertUuid(device.deviceId, `${name}.deviceId`)
}
