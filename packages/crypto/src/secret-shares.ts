import { combine, split } from 'shamir-secret-sharing'
import { decodeBase32, encodeBase32 } from './base32.ts'
import { assertByteLength, type Bytes, concatBytes, equalBytes, sha256 } from './bytes.ts'
import { encodePae } from './pae.ts'

/** One part of a secret that only several of its kind open together. */
export interface SecretShare {
  /** Names the splitting: shares of another one do not fit. 6 bytes as 12 hexadecimal digits. */
  readonly set: string
  /** How many different shares are needed. */
  readonly threshold: number
  /** Which one of its set, counted from 1. */
  readonly number: number
  /** 33 secret bytes. */
  readonly value: Bytes
}

/** What may be written down about a splitting. */
export interface SecretShareSet {
  readonly set: string
  readonly threshold: number
  readonly count: number
}

const prefix = 'nks1'
const setByteLength = 6
const secretByteLength = 32
const valueByteLength = secretByteLength + 1
const checksumByteLength = 4
const bodyByteLength = setByteLength + 2 + valueByteLength

/**
 * Splits a secret of 32 bytes among people with Shamir's scheme: any `threshold` of the shares give it back, and fewer
 * tell nothing about it.
 *
 * @param secret - 32 random bytes. Copied, not kept.
 * @param options.count - How many shares, 2 to 255.
 * @param options.threshold - How many are needed, 2 to `count`.
 * @returns The shares as text, for one person each: `nks1-` and 18 groups of four. {@link combineSecretShares} cannot
 *   tell a wrong secret from the right one, so what it opens must be authenticated.
 * @throws {TypeError | RangeError} An argument is not what is asked for.
 *
 * @example
 * ```ts
 * const { texts } = await splitSecret(generateContentKey(), { count: 3, threshold: 2 })
 * const shares = await Promise.all(texts.slice(1).map(parseSecretShare))
 * const secret = await combineSecretShares(shares.filter((share) => share !== null))
 * ```
 * @see docs/spec/keyring.md
 */
export async function splitSecret(
  secret: Uint8Array,
  { count, threshold }: { readonly count: number; readonly threshold: number },
): Promise<SecretShareSet & { readonly texts: readonly string[] }> {
  assertByteLength(secret, secretByteLength, 'secret')
  if (!Number.isInteger(count) || count < 2 || count > 255) throw new RangeError('count must be 2 to 255')
  if (!Number.isInteger(threshold) || threshold < 2 || threshold > count) {
    throw new RangeError('threshold must be 2 to count')
  }
  const set = toHex(crypto.getRandomValues(new Uint8Array(setByteLength)))
  const values = await split(new Uint8Array(secret), count, threshold)
  const texts = await Promise.all(
    values.map(async (value, index) => {
      const share = { set, threshold, number: index + 1, value: value as Bytes }
      const text = await formatSecretShare(share)
      value.fill(0)
      return text
    }),
  )
  return { set, threshold, count, texts }
}

export async function formatSecretShare({ set, threshold, number, value }: SecretShare): Promise<string> {
  const body = concatBytes(fromHex(set), new Uint8Array([threshold, number]), value)
  const groups = encodeBase32(concatBytes(body, await checksum(body))).match(/.{4}/g) ?? []
  return [prefix, ...groups].join('-')
}

/**
 * Reads a share as somebody typed or pasted it: either case, with any white space and hyphens.
 *
 * @returns `null` when it is none, or was mistyped: its checksum is wrong.
 */
export async function parseSecretShare(text: string): Promise<SecretShare | null> {
  const compact = text.replace(/[\s-]/g, '').toLowerCase()
  if (!compact.startsWith(prefix)) return null
  const bytes = decodeBase32(compact.slice(prefix.length))
  if (bytes?.byteLength !== bodyByteLength + checksumByteLength) return null
  const body = bytes.slice(0, bodyByteLength)
  if (!equalBytes(await checksum(body), bytes.subarray(bodyByteLength))) return null
  const [threshold = 0, number = 0] = body.subarray(setByteLength)
  if (threshold < 2 || number < 1) return null
  return { set: toHex(body.subarray(0, setByteLength)), threshold, number, value: body.slice(setByteLength + 2) }
}

/**
 * Puts the secret together again.
 *
 * @param shares - As many different ones of one set as their threshold says. More or fewer give another secret or none.
 * @throws {RangeError} The shares are not of one set, are repeated, or are too few.
 */
export async function combineSecretShares(shares: readonly SecretShare[]): Promise<Bytes> {
  const [first] = shares
  const fits = shares.every(({ set, threshold }) => set === first?.set && threshold === first.threshold)
  const numbers = new Set(shares.map(({ number }) => number))
  if (!first || !fits || numbers.size !== shares.length || shares.length < first.threshold) {
    throw new RangeError('shares must be as many different ones of one set as it needs')
  }
  return (await combine(shares.map(({ value }) => value))) as Bytes
}

async function checksum(body: Bytes): Promise<Bytes> {
  return (await sha256(encodePae('nokkel/share/v1', body))).slice(0, checksumByteLength)
}

const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

const fromHex = (hex: string): Bytes => {
  const bytes = new Uint8Array(hex.length / 2)
  for (let index = 0; index < bytes.byteLength; index++)
    bytes[index] = Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16)
  return bytes
}
