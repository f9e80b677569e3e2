import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/rfx.json' with { type: 'json' }
import { decodeBase64Url } from './base64url.ts'
import { type Bytes, concatBytes } from './bytes.ts'
import { generateDeviceKeys } from './device-keys.ts'
import { signJws } from './jws.ts'
import { decryptUnder } from './key-envelope.ts'
import { encodePae } from './pae.ts'
import { exportPublicJwk, type PublicJwk } from './public-jwk.ts'
import {
  openOwnRfxBid,
  openRfxBid,
  rewrapBidKey,
  type SealRfxBidOptions,
  sealRfxBid,
  type VerifyRfxBidOptions,
  verifyRfxBid,
} from './rfx-bid.ts'
import { asRfxKey, deriveOpeningKeyPair, generateRfxKey, type RfxKey } from './rfx-key.ts'
import { open, seal } from './seal.ts'
import { flipEachByte, fromHex, fromText, toHex } from './testing/bytes.ts'
import {
  badIds,
  badNumbers,
  bidderId,
  bidId,
  companyId,
  createDevice,
  deviceId,
  flipEachCharacter,
  now,
  organizationId,
  otherId,
  rfxId,
  userId,
} from './testing/rfx.ts'
import { calculateThumbprint } from './thumbprint.ts'

const openFailed = { name: 'CryptoError', code: 'open_failed' }
const signatureInvalid = { name: 'CryptoError', code: 'signature_invalid' }
const keyUnusable = { name: 'CryptoError', code: 'key_unusable' }
const author = await createDevice()
const openingKeyPair = await deriveOpeningKeyPair(generateRfxKey())
const sealTo = await exportPublicJwk(openingKeyPair.publicKey)
const serverPart = crypto.getRandomValues(new Uint8Array(32))
const bidder = { groupId: bidderId, version: 2, key: generateRfxKey() }
const ids = { organizationId, rfxId, bidId, companyId }
const plaintext = fromText('Som beskrevet.')
const bid: SealRfxBidOptions = { ...ids, revision: 1, plaintext, serverPart, sealTo, bidder, author, now }
const store = async (options: Partial<SealRfxBidOptions> = {}) => ({
  ...ids,
  openingKeyPair,
  serverPart,
  bidder,
  ...(await sealRfxBid({ ...bid, ...options })),
})
const partContext = { purpose: 'rfx-bid-part', table: 'rfx_bid', column: 'sealed_part', row: bidId, owner: companyId }

/** HKDF of RFC 5869 for one block, written out from the text of the standard. */
async function hkdfWrittenOut(ikm: Bytes, info: Bytes): Promise<Bytes> {
  const hmac = async (key: Bytes, data: Bytes) => {
    const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
    return new Uint8Array(await crypto.subtle.sign('HMAC', imported, data))
  }
  return hmac(await hmac(new Uint8Array(32), ikm), concatBytes(info, new Uint8Array([1])))
}

describe('pinned bid', async () => {
  const pinned = vectors.bid
  const stored = {
    ...ids,
    statement: pinned.statement,
    content: decodeBase64Url(pinned.content),
    sealedPart: decodeBase64Url(pinned.sealedPart),
    ownKey: decodeBase64Url(pinned.ownKey),
  }
  const pair = await deriveOpeningKeyPair(asRfxKey(fromHex(pinned.openingKey)))
  const own = { ...pinned.bidder, key: asRfxKey(fromHex(pinned.bidder.key)) }

  it('verifies', async () => {
    const verified = await verifyRfxBid(stored)
    expect(verified).toMatchObject({ revision: pinned.revision, author: { userId, deviceId } })
    expect(verified.sealTo).toBe(await calculateThumbprint(await exportPublicJwk(pair.publicKey)))
  })

  it('opens with both parts, and with its own key', async () => {
    const opened = await openRfxBid({ ...stored, openingKeyPair: pair, serverPart: fromHex(pinned.serverPart) })
    expect(new TextDecoder().decode(opened)).toBe(pinned.plaintext)
    expect(await openOwnRfxBid({ ...stored, bidder: own })).toEqual(opened)
  })

  it('has the key that HKDF written out derives of both parts', async () => {
    const openersPart = await open(stored.sealedPart, pair, partContext)
    expect(toHex(openersPart)).toBe(pinned.openersPart)
    const info = encodePae('nokkel/rfx-bid/v1', rfxId, bidId, companyId)
    const contentKey = await hkdfWrittenOut(concatBytes(openersPart, fromHex(pinned.serverPart)), info)
    expect(toHex(contentKey)).toBe(pinned.contentKey)
    const context = { purpose: 'rfx-bid', table: 'rfx_bid', column: 'content', row: bidId, owner: companyId }
    expect(new TextDecoder().decode(await decryptUnder(contentKey, stored.content, context))).toBe(pinned.plaintext)
  })

  it.each(vectors.bidsInvalid)('refused: $name', async ({ statement, content, sealedPart }) => {
    const options = { ...ids, statement, content: decodeBase64Url(content), sealedPart: decodeBase64Url(sealedPart) }
    await expect(verifyRfxBid(options)).rejects.toMatchObject(signatureInvalid)
  })
})

describe('bid', () => {
  it('says what was signed', async () => {
    const stored = await store({ revision: 4 })
    const jwk = await exportPublicJwk(author.signing.publicKey)
    expect(await verifyRfxBid(stored)).toEqual({
      revision: 4,
      sealTo: await calculateThumbprint(sealTo),
      author: {
        userId,
        deviceId,
        jwk,
        thumbprint: await calculateThumbprint(jwk),
        signedAt: new Date('2026-11-21T10:00:00Z'),
      },
    })
  })

  it('opens as what was sealed, for openers and for the bidder', async () => {
    const parts = fc.uint8Array({ minLength: 32, maxLength: 32 })
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), parts, async (bytes, part) => {
        const [plaintext, serverPart] = [new Uint8Array(bytes), new Uint8Array(part)]
        const stored = { ...(await store({ plaintext, serverPart })), serverPart }
        expect(stored.sealedPart.byteLength).toBe(133)
        expect(stored.ownKey.byteLength).toBe(80)
        await verifyRfxBid(stored)
        expect(await openRfxBid(stored)).toEqual(plaintext)
        expect(await openOwnRfxBid(stored)).toEqual(plaintext)
      }),
      { numRuns: 25 },
    )
  })

  it('is under a fresh part in every revision', async () => {
    const [one, other] = [await store(), await store({ revision: 2 })]
    const parts = await Promise.all([one, other].map(({ sealedPart }) => open(sealedPart, openingKeyPair, partContext)))
    expect(new Set(parts.map(toHex)).size).toBe(2)
    await expect(openRfxBid({ ...one, sealedPart: other.sealedPart })).rejects.toMatchObject(openFailed)
    await expect(openOwnRfxBid({ ...one, ownKey: other.ownKey })).rejects.toMatchObject(openFailed)
  })

  it('does not open for openers without the part of the server', async () => {
    const stored = await store()
    for (const part of [new Uint8Array(32), ...flipEachByte(serverPart)]) {
      await expect(openRfxBid({ ...stored, serverPart: part })).rejects.toMatchObject(openFailed)
    }
    const openersPart = await open(stored.sealedPart, openingKeyPair, partContext)
    const context = { purpose: 'rfx-bid', table: 'rfx_bid', column: 'content', row: bidId, owner: companyId }
    await expect(decryptUnder(openersPart, stored.content, context)).rejects.toMatchObject(openFailed)
  })

  it('does not open for the server without the key of the openers', async () => {
    const stored = await store()
    const other = await deriveOpeningKeyPair(asRfxKey(serverPart))
    await expect(openRfxBid({ ...stored, openingKeyPair: other })).rejects.toMatchObject(openFailed)
  })

  it('does not open with the two parts exchanged', async () => {
    const stored = await store()
    const openersPart = await open(stored.sealedPart, openingKeyPair, partContext)
    const sealedPart = await seal(serverPart, sealTo, partContext)
    await expect(openRfxBid({ ...stored, sealedPart, serverPart: openersPart })).rejects.toMatchObject(openFailed)
  })

  it('does not open for openers with a part of another length', async () => {
    const stored = await store()
    for (const length of [0, 16, 64]) {
      const sealedPart = await seal(new Uint8Array(length), sealTo, partContext)
      await expect(openRfxBid({ ...stored, sealedPart })).rejects.toMatchObject(openFailed)
    }
  })

  it('fails on any flipped bit', async () => {
    const stored = await store()
    for (const statement of flipEachCharacter(stored.statement)) {
      await expect(verifyRfxBid({ ...stored, statement })).rejects.toMatchObject(signatureInvalid)
    }
    for (const content of flipEachByte(stored.content)) {
      await expect(verifyRfxBid({ ...stored, content })).rejects.toMatchObject(signatureInvalid)
      await expect(openRfxBid({ ...stored, content })).rejects.toMatchObject(openFailed)
      await expect(openOwnRfxBid({ ...stored, content })).rejects.toMatchObject(openFailed)
    }
    for (const sealedPart of flipEachByte(stored.sealedPart)) {
      await expect(verifyRfxBid({ ...stored, sealedPart })).rejects.toMatchObject(signatureInvalid)
      await expect(openRfxBid({ ...stored, sealedPart })).rejects.toMatchObject(openFailed)
    }
    for (const ownKey of flipEachByte(stored.ownKey)) {
      await expect(openOwnRfxBid({ ...stored, ownKey })).rejects.toMatchObject(openFailed)
    }
  })

  it.each<[string, Partial<VerifyRfxBidOptions>]>([
    ['organisation', { organizationId: otherId }],
    ['project', { rfxId: otherId }],
    ['bid', { bidId: otherId }],
    ['company', { companyId: otherId }],
    ['content', { content: fromText('content') }],
    ['sealed part', { sealedPart: new Uint8Array(133) }],
    ['statement', { statement: '' }],
  ])('does not verify as that of another %s', async (_, other) => {
    const stored = await store()
    await verifyRfxBid(stored)
    await expect(verifyRfxBid({ ...stored, ...other })).rejects.toMatchObject(signatureInvalid)
  })

  it('does not verify with a part that is sealed to another key than it says', async () => {
    const stored = await store()
    const { encryption } = await generateDeviceKeys()
    const other = await exportPublicJwk(encryption.publicKey)
    const elsewhere = await store({ sealTo: other })
    const payload = JSON.parse(new TextDecoder().decode(decodeBase64Url(elsewhere.statement.split('.')[1] ?? '')))
    const forged = { ...payload, sealTo: await calculateThumbprint(sealTo) }
    const statement = await signJws(forged, author.signing, 'nokkel-rfx-bid+jwt')
    await verifyRfxBid(elsewhere)
    await expect(verifyRfxBid({ ...elsewhere, statement })).rejects.toMatchObject(signatureInvalid)
    await expect(openRfxBid({ ...stored, sealedPart: elsewhere.sealedPart })).rejects.toMatchObject(openFailed)
  })

  it('does not open as that of another project, bid or company', async () => {
    const stored = await store()
    for (const other of [{ rfxId: otherId }, { bidId: otherId }, { companyId: otherId }]) {
      await expect(openRfxBid({ ...stored, ...other })).rejects.toMatchObject(openFailed)
    }
    for (const other of [{ bidId: otherId }, { companyId: otherId }]) {
      await expect(openOwnRfxBid({ ...stored, ...other })).rejects.toMatchObject(openFailed)
    }
  })

  it('does not open for another group, version or key of a bidder', async () => {
    const stored = await store()
    for (const other of [{ groupId: otherId }, { version: 1 }, { key: generateRfxKey() }]) {
      await expect(openOwnRfxBid({ ...stored, bidder: { ...bidder, ...other } })).rejects.toMatchObject(openFailed)
    }
  })

  it('refuses options that are not what they should be', async () => {
    const stored = await store()
    const refused = (other: object, message: string | RegExp) =>
      expect(sealRfxBid({ ...bid, ...other })).rejects.toThrow(message)
    for (const id of badIds) {
      for (const name of ['organizationId', 'rfxId', 'bidId', 'companyId']) {
        await refused({ [name]: id }, name)
        await expect(verifyRfxBid({ ...stored, [name]: id })).rejects.toThrow(name)
      }
      await refused({ bidder: { ...bidder, groupId: id } }, 'groupId')
      await expect(openRfxBid({ ...stored, rfxId: id })).rejects.toThrow('rfxId')
      await expect(openOwnRfxBid({ ...stored, companyId: id })).rejects.toThrow('companyId')
    }
    for (const number of badNumbers) {
      await refused({ revision: number }, 'revision')
      await refused({ bidder: { ...bidder, version: number } }, 'version')
    }
    await refused({ plaintext: 'text' }, 'plaintext')
    await refused({ serverPart: new Uint8Array(31) }, 'serverPart')
    await refused({ bidder: { ...bidder, key: new Uint8Array(31) } }, 'key')
    await refused({ bidder: undefined }, 'key')
    await refused({ author: undefined }, 'author')
    await refused({ now: () => new Date(Number.NaN) }, 'now')
    await expect(openRfxBid({ ...stored, serverPart: new Uint8Array(31) })).rejects.toThrow('serverPart')
    await expect(verifyRfxBid({ ...stored, sealedPart: 'part' as never })).rejects.toThrow('sealedPart')
    const { encryption, signing } = await generateDeviceKeys()
    const mixed = { ...author, signing: encryption }
    await expect(sealRfxBid({ ...bid, author: mixed })).rejects.toMatchObject(keyUnusable)
    const off: PublicJwk = { ...sealTo, y: sealTo.x }
    await expect(sealRfxBid({ ...bid, sealTo: off })).rejects.toMatchObject(keyUnusable)
    await expect(openRfxBid({ ...stored, openingKeyPair: signing })).rejects.toMatchObject(keyUnusable)
  })
})

describe('own key of a bid under a new version', () => {
  const to = { ...bidder, version: 3, key: generateRfxKey() }

  it('opens the same bid', async () => {
    const stored = await store()
    const ownKey = await rewrapBidKey({ bidId, ownKey: stored.ownKey, from: bidder, to })
    expect(ownKey.byteLength).toBe(80)
    expect(await openOwnRfxBid({ ...stored, bidder: to, ownKey })).toEqual(plaintext)
    await expect(openOwnRfxBid({ ...stored, ownKey })).rejects.toMatchObject(openFailed)
  })

  it('is made from its own bid, key and version alone', async () => {
    const { ownKey } = await store()
    const options = { bidId, ownKey, from: bidder, to }
    const bad: object[] = [
      { bidId: otherId },
      { from: { ...bidder, version: 1 } },
      { from: { ...bidder, key: to.key } },
      { from: { ...bidder, groupId: otherId }, to: { ...to, groupId: otherId } },
      ...[...flipEachByte(ownKey)].map((flipped) => ({ ownKey: flipped })),
    ]
    for (const other of bad) await expect(rewrapBidKey({ ...options, ...other })).rejects.toMatchObject(openFailed)
  })

  it('refuses options that are not what they should be', async () => {
    const { ownKey } = await store()
    const options = { bidId, ownKey, from: bidder, to }
    await expect(rewrapBidKey({ ...options, bidId: '' })).rejects.toThrow('bidId')
    await expect(rewrapBidKey({ ...options, to: { ...to, groupId: otherId } })).rejects.toThrow('one group')
    await expect(rewrapBidKey({ ...options, to: { ...to, version: 0 } })).rejects.toThrow('version')
    await expect(rewrapBidKey({ ...options, from: { ...bidder, key: new Uint8Array(1) as RfxKey } })).rejects.toThrow(
      'key',
    )
  })
})
