import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/rfx.json' with { type: 'json' }
import { encodeBase64Url } from './base64url.ts'
import { encryptUnder } from './key-envelope.ts'
import { exportPublicJwk, type PublicJwk } from './public-jwk.ts'
import {
  asRfxKey,
  calculateKeyCommitment,
  deriveOpeningKeyPair,
  encryptPreviousKey,
  generateRfxKey,
  openPreviousKey,
  type RfxKey,
} from './rfx-key.ts'
import { open, seal } from './seal.ts'
import { flipEachByte, fromHex, fromText, toHex } from './testing/bytes.ts'
import { importEncryptionPair } from './testing/keys.ts'
import { badIds, badNumbers, openingId, otherId, rfxId } from './testing/rfx.ts'

const openFailed = { name: 'CryptoError', code: 'open_failed' }
const versions = fc.integer({ min: 2, max: 2 ** 31 })
const keys = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => asRfxKey(new Uint8Array(bytes)))
const ids = fc.uuid()

describe('key of a group', () => {
  it('is 32 random bytes', () => {
    const [one, other] = [generateRfxKey(), generateRfxKey()]
    expect(one.byteLength).toBe(32)
    expect(toHex(one)).not.toBe(toHex(other))
  })

  it('is taken from 32 bytes and nothing else', () => {
    const bytes = new Uint8Array(32)
    expect(asRfxKey(bytes)).toBe(bytes)
    for (const length of [0, 31, 33, 64]) expect(() => asRfxKey(new Uint8Array(length))).toThrow(RangeError)
    for (const other of ['key', null, Array(32).fill(0)]) expect(() => asRfxKey(other as never)).toThrow(TypeError)
  })
})

describe('commitment', () => {
  it.each(vectors.keys)('pinned: version $version of $groupId', async ({ key, groupId, version, commitment }) => {
    expect(toHex(await calculateKeyCommitment(asRfxKey(fromHex(key)), { groupId, version }))).toBe(commitment)
  })

  it('is of one key, group and version', async () => {
    const key = generateRfxKey()
    const commitments = await Promise.all([
      calculateKeyCommitment(key, { groupId: rfxId, version: 1 }),
      calculateKeyCommitment(key, { groupId: rfxId, version: 2 }),
      calculateKeyCommitment(key, { groupId: openingId, version: 1 }),
      calculateKeyCommitment(generateRfxKey(), { groupId: rfxId, version: 1 }),
    ])
    expect(new Set(commitments.map(toHex)).size).toBe(4)
    expect(toHex(await calculateKeyCommitment(key, { groupId: rfxId, version: 1 }))).toBe(toHex(commitments[0]))
  })

  it('refuses what is no key, group or version', async () => {
    const key = generateRfxKey()
    await expect(calculateKeyCommitment(new Uint8Array(16) as RfxKey, { groupId: rfxId, version: 1 })).rejects.toThrow(
      'key',
    )
    for (const groupId of badIds) {
      await expect(calculateKeyCommitment(key, { groupId, version: 1 })).rejects.toThrow('groupId')
    }
    for (const version of badNumbers as number[]) {
      await expect(calculateKeyCommitment(key, { groupId: rfxId, version })).rejects.toThrow('version')
    }
  })
})

describe('previous key', () => {
  it('pinned', async () => {
    const { key, groupId, version, previous, previousKey } = vectors.previousKey
    const options = { key: asRfxKey(fromHex(key)), groupId, version, previous: fromHex(previous) }
    expect(toHex(await openPreviousKey(options))).toBe(previousKey)
  })

  it('opens as what was encrypted', async () => {
    await fc.assert(
      fc.asyncProperty(keys, keys, ids, versions, async (key, previousKey, groupId, version) => {
        const previous = await encryptPreviousKey({ key, previousKey, groupId, version })
        expect(previous.byteLength).toBe(80)
        expect(await openPreviousKey({ key, previous, groupId, version })).toEqual(previousKey)
      }),
      { numRuns: 25 },
    )
  })

  it('opens for its key, group and version alone', async () => {
    const [key, previousKey] = [generateRfxKey(), generateRfxKey()]
    const options = { key, groupId: rfxId, version: 3 }
    const stored = { ...options, previous: await encryptPreviousKey({ ...options, previousKey }) }
    expect(await openPreviousKey(stored)).toEqual(previousKey)
    for (const other of [{ key: previousKey }, { groupId: otherId }, { version: 2 }, { version: 4 }]) {
      await expect(openPreviousKey({ ...stored, ...other })).rejects.toMatchObject(openFailed)
    }
    for (const previous of [...flipEachByte(stored.previous), new Uint8Array(), stored.previous.slice(1)]) {
      await expect(openPreviousKey({ ...stored, previous })).rejects.toMatchObject(openFailed)
    }
  })

  it('opens as a key of 32 bytes alone', async () => {
    const { key, groupId, version } = { key: generateRfxKey(), groupId: rfxId, version: 2 }
    const place = { purpose: 'rfx-previous-key', table: 'rfx_key_version', column: 'previous_key' }
    const context = { ...place, row: `${rfxId}/2`, owner: rfxId }
    for (const length of [0, 16, 31, 33]) {
      const previous = await encryptUnder(key, new Uint8Array(length), context)
      await expect(openPreviousKey({ key, previous, groupId, version })).rejects.toMatchObject(openFailed)
    }
  })

  it('refuses options that are not what they should be', async () => {
    const key = generateRfxKey()
    const good = { key, previousKey: key, groupId: rfxId, version: 2 }
    const short = new Uint8Array(31) as RfxKey
    await expect(encryptPreviousKey({ ...good, key: short })).rejects.toThrow(/^key/)
    await expect(encryptPreviousKey({ ...good, previousKey: short })).rejects.toThrow('previousKey')
    for (const groupId of badIds) await expect(encryptPreviousKey({ ...good, groupId })).rejects.toThrow('groupId')
    for (const version of [...badNumbers, 1] as number[]) {
      await expect(encryptPreviousKey({ ...good, version })).rejects.toThrow('version')
      await expect(openPreviousKey({ ...good, version, previous: new Uint8Array(80) })).rejects.toThrow('version')
    }
    await expect(openPreviousKey({ ...good, previous: 'text' as never })).rejects.toThrow(TypeError)
  })
})

describe('key pair of an opening group', () => {
  it.each(vectors.openingKeys)('pinned: of $key', async ({ key, publicKey }) => {
    const pair = await deriveOpeningKeyPair(asRfxKey(fromHex(key)))
    expect(await exportPublicJwk(pair.publicKey)).toEqual(publicKey)
  })

  it.each([
    [
      'the ephemeral key of A.3.1',
      '4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e',
      '4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb',
      '04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4',
    ],
    [
      'the recipient of A.3.1',
      '668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550',
      'f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2',
      '04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0',
    ],
  ])('is %s of RFC 9180', async (_, ikm, privateKey, publicKey) => {
    const pair = await deriveOpeningKeyPair(asRfxKey(fromHex(ikm)))
    expect(toHex(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)))).toBe(publicKey)
    // The private half cannot be read: it opens what that of the standard opens.
    const jwk = await exportPublicJwk(pair.publicKey)
    const standard = await importEncryptionPair({ ...jwk, d: encodeBase64Url(fromHex(privateKey)) })
    const context = { purpose: 'note', table: 'note', column: 'body', row: '17', owner: 'usr_1' }
    const sealed = await seal(fromText('hei'), jwk, context)
    expect(await open(sealed, pair, context)).toEqual(fromText('hei'))
    expect(await open(sealed, standard, context)).toEqual(fromText('hei'))
  })

  it('is the same each time, cannot be read, and leaves its key as it was', async () => {
    const key = generateRfxKey()
    const copy = toHex(key)
    const [one, again, other] = await Promise.all([
      deriveOpeningKeyPair(key),
      deriveOpeningKeyPair(key),
      deriveOpeningKeyPair(generateRfxKey()),
    ])
    const jwks: PublicJwk[] = await Promise.all([one, again, other].map(({ publicKey }) => exportPublicJwk(publicKey)))
    expect(jwks[0]).toEqual(jwks[1])
    expect(jwks[0]).not.toEqual(jwks[2])
    expect(one.privateKey.extractable).toBe(false)
    expect(one.privateKey.usages).toEqual(['deriveBits'])
    expect(toHex(key)).toBe(copy)
    await expect(crypto.subtle.exportKey('jwk', one.privateKey)).rejects.toThrow()
  })

  it('is of 32 bytes', async () => {
    await expect(deriveOpeningKeyPair(new Uint8Array(31) as RfxKey)).rejects.toThrow(RangeError)
    await expect(deriveOpeningKeyPair('key' as never)).rejects.toThrow(TypeError)
  })
})
