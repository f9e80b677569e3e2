import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import encodings from '../../../vectors/encodings.json' with { type: 'json' }
import vectors from '../../../vectors/envelope.json' with { type: 'json' }
import { generateContentKey } from './content-key.ts'
import { decryptEnvelope, encryptEnvelope, importEnvelopeKey } from './envelope.ts'
import { encryptEnvelopeWithNonce } from './hazmat/envelope.ts'
import { parseHeader } from './header.ts'
import { flipEachByte, fromHex, fromText, toHex } from './testing/bytes.ts'

const context = { purpose: 'note', table: 'note', column: 'body', row: '17', owner: 'usr_1' }
const openFailed = { name: 'CryptoError', code: 'open_failed' }

describe('envelope', () => {
  it.each(vectors.valid)('pinned: $name', async ({ key, context, nonce, plaintext, envelope }) => {
    const imported = await importEnvelopeKey(fromHex(key))
    const header = fromHex(envelope).subarray(0, 20)
    const made = await encryptEnvelopeWithNonce(fromHex(plaintext), imported.key, header, fromHex(nonce), context)
    expect(toHex(made)).toBe(envelope)
    expect(toHex(await decryptEnvelope(fromHex(envelope), imported, context))).toBe(plaintext)
  })

  it.each(vectors.invalid)('refused: $name', async ({ key, context, envelope }) => {
    const imported = await importEnvelopeKey(fromHex(key))
    await expect(decryptEnvelope(fromHex(envelope), imported, context)).rejects.toMatchObject(openFailed)
  })

  it.each(encodings.symmetricKeyId)('names the key $keyId', async ({ key, keyId }) => {
    expect((await importEnvelopeKey(fromHex(key))).id).toBe(keyId)
  })

  it('decrypts what it encrypts', async () => {
    const key = await importEnvelopeKey(generateContentKey())
    const text = fc.string({ minLength: 1 }).filter((value) => value.isWellFormed())
    const contexts = fc.record({ purpose: text, table: text, column: text, row: text, owner: text })
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), contexts, async (plaintext, where) => {
        const envelope = await encryptEnvelope(plaintext, key, where)
        expect(envelope.byteLength).toBe(plaintext.byteLength + 48)
        expect(parseHeader(envelope)?.keyId).toBe(key.id)
        expect(await decryptEnvelope(envelope, key, where)).toEqual(new Uint8Array(plaintext))
      }),
    )
  })

  it('fails on any flipped bit', async () => {
    const key = await importEnvelopeKey(generateContentKey())
    const envelope = await encryptEnvelope(fromText('hei'), key, context)
    for (const flipped of flipEachByte(envelope)) {
      await expect(decryptEnvelope(flipped, key, context)).rejects.toMatchObject(openFailed)
    }
  })

  it('never gives the same bytes twice', async () => {
    const key = await importEnvelopeKey(generateContentKey())
    const envelopes = await Promise.all(
      Array.from({ length: 100 }, () => encryptEnvelope(fromText('hei'), key, context)),
    )
    expect(new Set(envelopes.map(toHex)).size).toBe(100)
  })

  it('cannot export its key', async () => {
    const { key } = await importEnvelopeKey(generateContentKey())
    expect(key.extractable).toBe(false)
    await expect(crypto.subtle.exportKey('raw', key)).rejects.toThrow()
  })

  it('keeps nothing of the imported bytes', async () => {
    const bytes = generateContentKey()
    const key = await importEnvelopeKey(bytes)
    const envelope = await encryptEnvelope(fromText('hei'), key, context)
    bytes.fill(0)
    expect(await decryptEnvelope(envelope, key, context)).toEqual(fromText('hei'))
  })

  it.each([0, 16, 31, 33])('refuses a key of %i bytes', async (byteLength) => {
    await expect(importEnvelopeKey(new Uint8Array(byteLength))).rejects.toThrow(RangeError)
  })

  it('names the argument that is not what it should be', async () => {
    const key = await importEnvelopeKey(generateContentKey())
    await expect(importEnvelopeKey('key' as never)).rejects.toThrow(TypeError)
    await expect(encryptEnvelope('hei' as never, key, context)).rejects.toThrow('plaintext')
    await expect(decryptEnvelope('hei' as never, key, context)).rejects.toThrow('envelope')
    await expect(encryptEnvelope(fromText('hei'), key, { ...context, row: '' })).rejects.toThrow('context.row')
    await expect(decryptEnvelope(new Uint8Array(0), key, { ...context, row: '' })).rejects.toThrow('context.row')
  })
})
