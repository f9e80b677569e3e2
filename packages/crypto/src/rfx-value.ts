import { assertBytes, type Bytes, concatBytes } from './bytes.ts'
import { assertUuid, assertWhole } from './claims.ts'
import { generateContentKey } from './content-key.ts'
import type { Context } from './context.ts'
import { decryptKeyUnder, decryptUnder, encryptUnder } from './key-envelope.ts'
import { assertRfxKey, type RfxKey } from './rfx-key.ts'
import { assertName } from './text.ts'

/** Where a value of an application is stored. */
export interface RfxValuePlace {
  readonly table: string
  readonly column: string
  /** Primary key of the row, as text. */
  readonly row: string
}

export interface RfxValueOptions {
  /** The key of the project. */
  readonly key: RfxKey
  readonly rfxId: string
  /** Of `key`. */
  readonly version: number
  readonly place: RfxValuePlace
}

const wrappedKeyByteLength = 80

/**
 * Encrypts a value that an application stores itself, for the members of a project.
 *
 * Does not follow the key of the project when that has a new version: {@link parseHeader} of the result names the key
 * it wants, by the `id` that {@link importEnvelopeKey} gives.
 *
 * @param bytes - Any length.
 * @returns `bytes.byteLength + 128` bytes: wrapped content key (80), then the envelope.
 * @throws {TypeError | RangeError} An argument is not what its type says.
 *
 * @example
 * ```ts
 * const options = {
 *   key: generateRfxKey(),
 *   rfxId: '00000000-0000-4000-8000-000000000001',
 *   version: 1,
 *   place: { table: 'lot', column: 'budget', row: '17' },
 * }
 * const sealed = await sealRfxValue(new TextEncoder().encode('2400000'), options)
 * const bytes = await openRfxValue(sealed, options)
 * ```
 * @see docs/spec/rfx.md
 */
export async function sealRfxValue(bytes: Uint8Array, options: RfxValueOptions): Promise<Bytes> {
  assertBytes(bytes, 'bytes')
  assertOptions(options)
  const contentKey = generateContentKey()
  try {
    const wrappedKey = await encryptUnder(options.key, contentKey, contextOf('rfx-value-key', options))
    return concatBytes(wrappedKey, await encryptUnder(contentKey, bytes, contextOf('rfx-value', options)))
  } finally {
    contentKey.fill(0)
  }
}

/**
 * Opens what {@link sealRfxValue} made, with the same options.
 *
 * @throws {CryptoError} `open_failed`: another key, project, version or place, or altered.
 * @throws {TypeError | RangeError} An argument is not what its type says.
 *
 * @see docs/spec/rfx.md
 */
export async function openRfxValue(sealed: Uint8Array, options: RfxValueOptions): Promise<Bytes> {
  assertBytes(sealed, 'sealed')
  assertOptions(options)
  const wrappedKey = sealed.subarray(0, wrappedKeyByteLength)
  const contentKey = await decryptKeyUnder(options.key, wrappedKey, contextOf('rfx-value-key', options))
  try {
    return await decryptUnder(contentKey, sealed.subarray(wrappedKeyByteLength), contextOf('rfx-value', options))
  } finally {
    contentKey.fill(0)
  }
}

function contextOf(purpose: string, { rfxId, version, place: { table, column, row } }: RfxValueOptions): Context {
  return { purpose, table, column, row, owner: `${rfxId}/${version}` }
}

function assertOptions({ key, rfxId, version, place }: RfxValueOptions): void {
  assertRfxKey(key, 'key')
  assertUuid(rfxId, 'rfxId')
  assertWhole(version, 1, 'version')
  assertName(place?.table, 'place.table')
  assertName(place.column, 'place.column')
  assertName(place.row, 'place.row')
}
