import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/managed-key.json' with { type: 'json' }
import { decodeBase64, encodeBase64 } from './base64.ts'
import {
  formatEncryptedPrivateKey,
  joinEnvelope,
  type KeyOwner,
  parseEncryptedPrivateKey,
  privateKeyContext,
  splitEnvelope,
} from './encrypted-private-key.ts'
import { decryptEnvelope, encryptEnvelope, importEnvelopeKey } from './envelope.ts'
import { encryptEnvelopeWithNonce } from './hazmat/envelope.ts'
import { fromHex, fromText } from './testing/bytes.ts'

const openFailed = { name: 'CryptoError', code: 'open_failed' }
const masterKey = () => importEnvelopeKey(fromHex(vectors.masterKey))
const place = { owner: 'user', keyId: 'a', ownerId: 'b' } as const

describe('encrypted private key', () => {
  it.each(vectors.valid)('pinned: of a $owner', async ({ owner, keyId, ownerId, nonce, encryptedPrivateKey }) => {
    const key = await masterKey()
    const context = privateKeyContext(owner as KeyOwner, keyId, ownerId)
    const envelope = joinEnvelope(parseEncryptedPrivateKey(encryptedPrivateKey))
    expect(encodeBase64(await decryptEnvelope(envelope, key, context))).toBe(vectors.privateKey)
    const bytes = decodeBase64(vectors.privateKey)
    const again = await encryptEnvelopeWithNonce(bytes, key.key, envelope.subarray(0, 20), fromHex(nonce), context)
    expect(formatEncryptedPrivateKey(again)).toBe(encryptedPrivateKey)
  })

  it.each(vectors.moved)('does not open as that of $name', async ({ owner, keyId, ownerId, encryptedPrivateKey }) => {
    const envelope = joinEnvelope(parseEncryptedPrivateKey(encryptedPrivateKey))
    const context = privateKeyContext(owner as KeyOwner, keyId, ownerId)
    await expect(decryptEnvelope(envelope, await masterKey(), context)).rejects.toMatchObject(openFailed)
  })

  it.each(vectors.invalid)('refused: $name', ({ encryptedPrivateKey }) => {
    expect(() => joinEnvelope(parseEncryptedPrivateKey(encryptedPrivateKey))).toThrow(
      expect.objectContaining(openFailed),
    )
  })

  it.each([undefined, null, 7, {}, ['data']])('takes only text, not %j', (value) => {
    expect(() => parseEncryptedPrivateKey(value as unknown as string)).toThrow(expect.objectContaining(openFailed))
    const parts = { data: value, iv: value } as unknown as { data: string; iv: string }
    expect(() => joinEnvelope(parts)).toThrow(expect.objectContaining(openFailed))
  })

  it('joins what it splits, and parses what it formats', async () => {
    const key = await masterKey()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2400 }), async (plaintext) => {
        const context = privateKeyContext(place.owner, place.keyId, place.ownerId)
        const envelope = await encryptEnvelope(plaintext, key, context)
        expect(joinEnvelope(splitEnvelope(envelope))).toEqual(envelope)
        const { data, iv, kid } = parseEncryptedPrivateKey(formatEncryptedPrivateKey(envelope))
        expect({ data, iv }).toEqual(splitEnvelope(envelope))
        expect(kid).toBe(key.id)
      }),
    )
  })

  it('formats only an envelope', () => {
    for (const bytes of [
      new Uint8Array(),
      fromText('not an envelope, but long enough'),
      fromHex(`4e4b0102${'00'.repeat(60)}`),
    ]) {
      expect(() => formatEncryptedPrivateKey(bytes)).toThrow(expect.objectContaining(openFailed))
    }
  })

  it('does not open with any bit of data or iv flipped', async () => {
    const key = await masterKey()
    const context = privateKeyContext(place.owner, place.keyId, place.ownerId)
    const envelope = await encryptEnvelope(fromText('hei'), key, context)
    const parts = splitEnvelope(envelope)
    for (const name of ['data', 'iv'] as const) {
      const bytes = decodeBase64(parts[name])
      for (let bit = 0; bit < bytes.byteLength * 8; bit++) {
        const flipped = bytes.slice()
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const open = async () =>
          decryptEnvelope(joinEnvelope({ ...parts, [name]: encodeBase64(flipped) }), key, context)
        await expect(open()).rejects.toMatchObject(openFailed)
      }
    }
  })
})
