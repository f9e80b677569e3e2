import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/rfx.json' with { type: 'json' }
import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { type Bytes, concatBytes } from './bytes.ts'
import { generateDeviceKeys } from './device-keys.ts'
import { digestOfJws, signJws } from './jws.ts'
import { exportPublicJwk } from './public-jwk.ts'
import { asRfxKey, calculateKeyCommitment, deriveOpeningKeyPair, generateRfxKey, type RfxKey } from './rfx-key.ts'
import {
  includesLeaf,
  type RfxGroupKind,
  type SignedRfxManifest,
  type SignRfxManifestOptions,
  signRfxManifest,
  type VerifyRfxManifestOptions,
  verifyRfxManifest,
  verifyRfxManifests,
} from './rfx-manifest.ts'
import { flipEachByte, fromHex, patternOf, toHex } from './testing/bytes.ts'
import { withOtherSignature } from './testing/jws.ts'
import { importSigningPair } from './testing/keys.ts'
import {
  badIds,
  badNumbers,
  createDevice,
  deviceId,
  flipEachCharacter,
  now,
  openingId,
  organizationId,
  otherId,
  rfxId,
  userId,
} from './testing/rfx.ts'
import { calculateThumbprint } from './thumbprint.ts'

const signatureInvalid = { name: 'CryptoError', code: 'signature_invalid' }
const keyUnusable = { name: 'CryptoError', code: 'key_unusable' }
const signer = await createDevice()
const key = generateRfxKey()
const place = { organizationId, groupId: rfxId, kind: 'project' as RfxGroupKind, version: 1 }
const leafOf = (number: number): Bytes => new Uint8Array(32).fill(number)
const sign = (options: Partial<SignRfxManifestOptions> = {}) =>
  signRfxManifest({ ...place, revision: 1, previous: null, key, leaves: [leafOf(1)], signer, now, ...options })

/** A version of as many revisions, one leaf in each. */
async function signAll(count: number, options: Partial<SignRfxManifestOptions> = {}): Promise<SignedRfxManifest[]> {
  const list: SignedRfxManifest[] = []
  for (let revision = 1; revision <= count; revision++) {
    const previous = list.at(-1)?.digest ?? options.previous ?? null
    list.push(await sign({ ...options, revision, previous, leaves: [leafOf(revision)] }))
  }
  return list
}

const read = (vector: { organizationId: string; groupId: string; kind: string; version: number; revision: number }) => {
  const { organizationId, groupId, kind, version, revision } = vector
  return { organizationId, groupId, kind: kind as RfxGroupKind, version, revision }
}

describe('pinned manifests', () => {
  it.each(vectors.manifests)('$name', async ({ statement, leaves, digest, ...where }) => {
    const joined = decodeBase64Url(leaves)
    const verified = await verifyRfxManifest({ ...read(where), statement, leaves: joined })
    expect(verified.digest).toEqual(decodeBase64Url(digest))
    expect(verified.count).toBe(joined.byteLength / 32)
    const { signing, ...device } = vectors.signer
    expect(verified.signer).toEqual({
      ...device,
      jwk: await exportPublicJwk((await importSigningPair(signing)).publicKey),
      thumbprint: await calculateThumbprint(verified.signer.jwk),
      signedAt: new Date(vectors.signedAt),
    })
  })

  it.each(vectors.manifestsInvalid)('refused: $name', async ({ statement, leaves, ...where }) => {
    const options = { ...read(where), statement, leaves: decodeBase64Url(leaves) }
    await expect(verifyRfxManifest(options)).rejects.toMatchObject(signatureInvalid)
  })

  it('follow one another, under the keys of their versions', async () => {
    const keys = vectors.keys.map(({ key }) => asRfxKey(fromHex(key))) as [RfxKey, RfxKey, RfxKey]
    const of = (version: number, groupId: string) =>
      vectors.manifests
        .filter((one) => one.version === version && one.groupId === groupId)
        .map(({ statement, leaves }) => ({ statement, leaves: decodeBase64Url(leaves) }))
    const first = await verifyRfxManifests(of(1, rfxId), { ...place, key: keys[0], previous: null })
    expect(first.length).toBe(2)
    const previous = first.at(-1)?.digest as Bytes
    await verifyRfxManifests(of(2, rfxId), { ...place, version: 2, key: keys[1], previous })
    const where = { ...place, groupId: openingId, kind: 'opening' as const }
    const [opening] = await verifyRfxManifests(of(1, openingId), { ...where, key: keys[2] })
    expect(opening.sealTo).toEqual(vectors.openingKeys[0]?.publicKey)
    const leaves = decodeBase64Url(vectors.manifests[0]?.leaves ?? '')
    expect(vectors.wraps.map(({ leaf }) => includesLeaf(leaves, fromHex(leaf)))).toEqual([true, true, false])
  })
})

describe('manifest', () => {
  it('says what was signed', async () => {
    const { statement, digest, leaves } = await sign({ leaves: [leafOf(3), leafOf(1), leafOf(2)] })
    expect(leaves).toEqual(concatBytes(leafOf(1), leafOf(2), leafOf(3)))
    expect(digest).toEqual(await digestOfJws(statement))
    const jwk = await exportPublicJwk(signer.signing.publicKey)
    expect(await verifyRfxManifest({ ...place, revision: 1, statement, leaves })).toEqual({
      commitment: await calculateKeyCommitment(key, place),
      sealTo: null,
      previous: null,
      count: 3,
      digest,
      signer: {
        userId,
        deviceId,
        jwk,
        thumbprint: await calculateThumbprint(jwk),
        signedAt: new Date('2026-11-21T10:00:00Z'),
      },
    })
  })

  it('verifies for any list of leaves in any order', async () => {
    const leaf = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => new Uint8Array(bytes))
    const lists = fc.uniqueArray(leaf, { minLength: 1, maxLength: 40, selector: toHex })
    await fc.assert(
      fc.asyncProperty(lists, leaf, async (list, other) => {
        const { statement, leaves } = await sign({ leaves: list })
        const { count } = await verifyRfxManifest({ ...place, revision: 1, statement, leaves })
        expect(count).toBe(list.length)
        expect((await sign({ leaves: list.toReversed() })).leaves).toEqual(leaves)
        for (const one of list) expect(includesLeaf(leaves, one)).toBe(true)
        expect(includesLeaf(leaves, other)).toBe(list.some((one) => toHex(one) === toHex(other)))
      }),
      { numRuns: 30 },
    )
  })

  it('has the public key of an opening group, and of no other', async () => {
    const opening = { ...place, groupId: openingId, kind: 'opening' as const }
    const { statement, leaves } = await sign(opening)
    const { sealTo } = await verifyRfxManifest({ ...opening, revision: 1, statement, leaves })
    expect(sealTo).toEqual(await exportPublicJwk((await deriveOpeningKeyPair(key)).publicKey))
    const bidder = { ...place, kind: 'bidder' as const }
    const made = await sign(bidder)
    expect((await verifyRfxManifest({ ...bidder, revision: 1, ...made })).sealTo).toBeNull()
  })

  it('fails on any flipped bit', async () => {
    const { statement, leaves } = await sign({ leaves: [leafOf(1), leafOf(2)] })
    const options = { ...place, revision: 1, statement, leaves }
    for (const flipped of flipEachCharacter(statement)) {
      await expect(verifyRfxManifest({ ...options, statement: flipped })).rejects.toMatchObject(signatureInvalid)
    }
    for (const flipped of flipEachByte(leaves)) {
      await expect(verifyRfxManifest({ ...options, leaves: flipped })).rejects.toMatchObject(signatureInvalid)
    }
  })

  it.each<[string, Partial<VerifyRfxManifestOptions>]>([
    ['organisation', { organizationId: otherId }],
    ['group', { groupId: otherId }],
    ['kind', { kind: 'bidder' }],
    ['kind with a public key', { kind: 'opening' }],
    ['version', { version: 2 }],
    ['revision', { revision: 2 }],
    ['list of leaves', { leaves: leafOf(2) }],
    ['list of leaves, which is empty', { leaves: new Uint8Array() }],
    ['list of leaves, with half of one', { leaves: new Uint8Array(48) }],
    ['statement', { statement: '' }],
  ])('does not verify as that of another %s', async (_, other) => {
    const { statement, leaves } = await sign()
    const options = { ...place, revision: 1, statement, leaves }
    await verifyRfxManifest(options)
    await expect(verifyRfxManifest({ ...options, ...other })).rejects.toMatchObject(signatureInvalid)
  })

  it('takes 500 leaves and no more', async () => {
    const leaves = Array.from(
      { length: 501 },
      (_, index) =>
        patternOf(32)
          .with(0, index >> 8)
          .with(1, index & 255) as Bytes,
    )
    const made = await sign({ leaves: leaves.slice(0, 500) })
    expect(made.leaves.byteLength).toBe(16_000)
    expect((await verifyRfxManifest({ ...place, revision: 1, ...made })).count).toBe(500)
    await expect(sign({ leaves })).rejects.toThrow('leaves')
  })

  it('refuses options that are not what they should be', async () => {
    const good = { ...place, revision: 1, ...(await sign()) }
    const refused = async (other: object, message: string | RegExp) => {
      await expect(sign(other)).rejects.toThrow(message)
      await expect(verifyRfxManifest({ ...good, ...other })).rejects.toThrow(message)
    }
    for (const id of badIds) {
      await refused({ organizationId: id }, 'organizationId')
      await refused({ groupId: id }, 'groupId')
    }
    for (const number of badNumbers) {
      await refused({ version: number }, 'version')
      await refused({ revision: number }, 'revision')
    }
    await refused({ kind: 'group' }, 'kind')
    await refused({ leaves: 'leaves' }, 'leaves')
    await expect(sign({ leaves: [] })).rejects.toThrow(RangeError)
    await expect(sign({ leaves: [leafOf(1), leafOf(2), leafOf(1)] })).rejects.toThrow('twice')
    await expect(sign({ leaves: [new Uint8Array(31)] })).rejects.toThrow('leaves[0]')
    await expect(sign({ key: new Uint8Array(16) as RfxKey })).rejects.toThrow('key')
    await expect(sign({ previous: new Uint8Array(31), revision: 2 })).rejects.toThrow('previous')
    await expect(sign({ previous: leafOf(1) })).rejects.toThrow('previous')
    await expect(sign({ revision: 2 })).rejects.toThrow('previous')
    await expect(sign({ signer: { ...signer, userId: 'usr_1' } })).rejects.toThrow('signer.userId')
    await expect(sign({ signer: { ...signer, deviceId: '' } })).rejects.toThrow('signer.deviceId')
    await expect(sign({ signer: undefined as never })).rejects.toThrow('signer')
    await expect(sign({ now: () => new Date(Number.NaN) })).rejects.toThrow('now')
    const { encryption } = await generateDeviceKeys()
    await expect(sign({ signer: { ...signer, signing: encryption } })).rejects.toMatchObject(keyUnusable)
    expect(() => includesLeaf(leafOf(1), new Uint8Array(31))).toThrow('leaf')
    expect(() => includesLeaf('leaves' as never, leafOf(1))).toThrow('leaves')
  })
})

describe('all revisions of a version', async () => {
  const list = await signAll(4)
  const [first, second, third, fourth] = list as [
    SignedRfxManifest,
    SignedRfxManifest,
    SignedRfxManifest,
    SignedRfxManifest,
  ]
  const refused = (bad: readonly SignedRfxManifest[], options: object = {}) =>
    expect(verifyRfxManifests(bad, { ...place, key, ...options })).rejects.toMatchObject(signatureInvalid)

  it('verify in order, each by itself', async () => {
    const verified = await verifyRfxManifests(list, { ...place, key, previous: null })
    expect(verified.map(({ digest }) => digest)).toEqual(list.map(({ digest }) => digest))
    expect(verified.map(({ count }) => count)).toEqual([1, 1, 1, 1])
  })

  it('verify without the key, for who does not have it', async () => {
    const opening = { ...place, groupId: openingId, kind: 'opening' as const }
    const [only] = await verifyRfxManifests(await signAll(1, opening), opening)
    expect(only.sealTo).toEqual(await exportPublicJwk((await deriveOpeningKeyPair(key)).publicKey))
  })

  it('are refused with any missing but the last, in another order, or twice', async () => {
    expect((await verifyRfxManifests([first, second, third], { ...place, key })).length).toBe(3)
    await refused([])
    await refused([second, third, fourth])
    await refused([first, third, fourth])
    await refused([first, second, fourth])
    await refused([second, first])
    await refused([first, first])
  })

  it('are refused when one does not name the one before', async () => {
    const forked = await sign({ revision: 2, previous: leafOf(9), leaves: [leafOf(2)] })
    await refused([first, forked])
    const other = await sign({ leaves: [leafOf(7)] })
    await refused([other, second, third, fourth])
    // The same revision, signed a second later.
    const later = await sign({ leaves: [leafOf(1)], now: () => new Date('2026-11-21T10:00:01Z') })
    await refused([later, second])
  })

  it('accept a second signature over the same revision', async () => {
    const again = { ...first, statement: withOtherSignature(first.statement) }
    expect(again.statement).not.toBe(first.statement)
    expect(await digestOfJws(again.statement)).toEqual(first.digest)
    expect((await verifyRfxManifests([again, second], { ...place, key })).length).toBe(2)
  })

  it('are refused when they are not of the key at hand', async () => {
    await refused(list, { key: generateRfxKey() })
    const stranger = await sign({ revision: 2, previous: first.digest, key: generateRfxKey() })
    await refused([first, stranger])
    await refused([first, stranger], { key: undefined })
  })

  it('are refused when the version before ended otherwise', async () => {
    const next = await signAll(2, { version: 2, previous: fourth.digest })
    const options = { ...place, version: 2, key }
    expect((await verifyRfxManifests(next, { ...options, previous: fourth.digest })).length).toBe(2)
    expect((await verifyRfxManifests(next, options)).length).toBe(2)
    await refused(next, { version: 2, previous: third.digest })
    await refused(next, { version: 2, previous: null })
    await refused(list, { previous: third.digest })
    const unsigned = await signAll(1, { version: 2 })
    expect((await verifyRfxManifests(unsigned, { ...options, previous: null })).length).toBe(1)
    await refused(unsigned, { version: 2, previous: fourth.digest })
  })

  it('are refused when the public key is not derived from the key', async () => {
    const opening = { ...place, groupId: openingId, kind: 'opening' as const }
    const [good] = (await signAll(1, opening)) as [SignedRfxManifest]
    const payload = JSON.parse(new TextDecoder().decode(decodeBase64Url(good.statement.split('.')[1] ?? ''))) as object
    const { publicKey } = await deriveOpeningKeyPair(generateRfxKey())
    const forged = { ...payload, sealTo: await exportPublicJwk(publicKey) }
    const statement = await signJws(forged, signer.signing, 'nokkel-rfx-manifest+jwt')
    await verifyRfxManifest({ ...opening, revision: 1, statement, leaves: good.leaves })
    await refused([{ ...good, statement }], opening)
    const next = { ...payload, revision: 2, sealTo: forged.sealTo, previous: encodeBase64Url(good.digest) }
    const second = await signJws(next, signer.signing, 'nokkel-rfx-manifest+jwt')
    await refused([good, { ...good, statement: second }], { ...opening, key: undefined })
  })

  it('takes the members of a public key in any order', async () => {
    const opening = { ...place, groupId: openingId, kind: 'opening' as const }
    const [good] = (await signAll(1, opening)) as [SignedRfxManifest]
    const payload = JSON.parse(new TextDecoder().decode(decodeBase64Url(good.statement.split('.')[1] ?? '')))
    const { kty, crv, x, y } = payload.sealTo
    const statement = await signJws(
      { ...payload, sealTo: { y, x, crv, kty } },
      signer.signing,
      'nokkel-rfx-manifest+jwt',
    )
    const [verified] = await verifyRfxManifests([{ ...good, statement }], { ...opening, key })
    expect(JSON.stringify(verified.sealTo)).toBe(JSON.stringify({ kty, crv, x, y }))
  })

  it('refuses options that are not what they should be', async () => {
    await expect(verifyRfxManifests(list, { ...place, groupId: '' })).rejects.toThrow('groupId')
    await expect(verifyRfxManifests(list, { ...place, version: 0 })).rejects.toThrow('version')
    await expect(verifyRfxManifests(list, { ...place, key: new Uint8Array(1) as RfxKey })).rejects.toThrow('key')
    await expect(verifyRfxManifests(list, { ...place, previous: new Uint8Array(1) })).rejects.toThrow('previous')
  })
})
