import { Aes128Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/seal.json' with { type: 'json' }
import { encodeContext } from './context.ts'
import { generateDeviceKeys } from './device-keys.ts'
import { sealWithEphemeral, suite } from './hazmat/seal.ts'
import { encodePae } from './pae.ts'
import { exportPublicJwk, type PublicJwk } from './public-jwk.ts'
import { open, seal } from './seal.ts'
import { flipEachByte, fromHex, fromText, toHex } from './testing/bytes.ts'
import { openWrittenOut } from './testing/hpke.ts'
import { importEncryptionPair } from './testing/keys.ts'

const context = { purpose: 'note', table: 'note', column: 'body', row: '17', owner: 'usr_1' }
const openFailed = { name: 'CryptoError', code: 'open_failed' }
const keyUnusable = { name: 'CryptoError', code: 'key_unusable' }

describe('seal', () => {
  it.each(vectors.valid)('pinned: $name', async ({ recipient, ephemeral, context, plaintext, sealed }) => {
    const pair = await importEncryptionPair(recipient)
    const header = fromHex(sealed).subarray(0, 20)
    const ephemeralPair = await importEncryptionPair(ephemeral)
    const made = await sealWithEphemeral(fromHex(plaintext), pair.publicKey, header, context, ephemeralPair)
    expect(toHex(made)).toBe(sealed)
    expect(toHex(await open(fromHex(sealed), pair, context))).toBe(plaintext)
  })

  it.each(vectors.invalid)('refused: $name', async ({ recipient, context, sealed }) => {
    const pair = await importEncryptionPair(recipient)
    await expect(open(fromHex(sealed), pair, context)).rejects.toMatchObject(openFailed)
  })

  it('opens what it seals', async () => {
    const { encryption } = await generateDeviceKeys()
    const jwk = await exportPublicJwk(encryption.publicKey)
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (plaintext) => {
        const sealed = await seal(plaintext, jwk, context)
        expect(sealed.byteLength).toBe(plaintext.byteLength + 101)
        expect(await open(sealed, encryption, context)).toEqual(new Uint8Array(plaintext))
      }),
      { numRuns: 25 },
    )
  })

  it('fails on any flipped bit', async () => {
    const { encryption } = await generateDeviceKeys()
    const sealed = await seal(fromText('hei'), await exportPublicJwk(encryption.publicKey), context)
    for (const flipped of flipEachByte(sealed)) {
      await expect(open(flipped, encryption, context)).rejects.toMatchObject(openFailed)
    }
  })

  it('names the argument or the key that is not what it should be', async () => {
    const { encryption, signing } = await generateDeviceKeys()
    const jwk = await exportPublicJwk(encryption.publicKey)
    const sealed = await seal(fromText('hei'), jwk, context)
    await expect(seal('hei' as never, jwk, context)).rejects.toThrow('plaintext')
    await expect(open('hei' as never, encryption, context)).rejects.toThrow('sealed')
    await expect(seal(fromText('hei'), jwk, { ...context, owner: '' })).rejects.toThrow('context.owner')
    await expect(open(sealed, encryption, { ...context, owner: '' })).rejects.toThrow('context.owner')
    await expect(seal(fromText('hei'), { ...jwk, y: jwk.x }, context)).rejects.toMatchObject(keyUnusable)
    await expect(seal(fromText('hei'), { ...jwk, d: jwk.x } as PublicJwk, context)).rejects.toMatchObject(keyUnusable)
    await expect(open(sealed, signing, context)).rejects.toMatchObject(keyUnusable)
    await expect(open(sealed, encryption.privateKey as never, context)).rejects.toMatchObject(keyUnusable)
    const mixed = { publicKey: signing.publicKey, privateKey: encryption.privateKey }
    await expect(open(sealed, mixed, context)).rejects.toMatchObject(keyUnusable)
    const p384 = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-384' }, false, ['deriveBits'])
    await expect(open(sealed, p384, context)).rejects.toMatchObject(keyUnusable)
  })
})

describe('HPKE', () => {
  it('opens with RFC 9180 written out', async () => {
    const { encryption } = await generateDeviceKeys()
    const sealed = await seal(fromText('hei'), await exportPublicJwk(encryption.publicKey), context)
    const info = encodePae('nokkel/seal/v1', encodeContext(context))
    const [header, enc, ciphertext] = [sealed.slice(0, 20), sealed.slice(20, 85), sealed.slice(85)]
    expect(await openWrittenOut(enc, ciphertext, encryption, info, header)).toEqual(fromText('hei'))
  })

  it('gives the bytes of RFC 9180 A.3.1', async () => {
    const ikmE = fromHex('4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e')
    const ikmR = fromHex('668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550')
    const info = fromHex('4f6465206f6e2061204772656369616e2055726e')
    const aad = fromHex('436f756e742d30')
    const plaintext = fromHex('4265617574792069732074727574682c20747275746820626561757479')
    const expected = '5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434'
    const expectedEnc =
      '04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4'
    const short = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes128Gcm() })
    const recipient = await suite.kem.deriveKeyPair(ikmR)
    const parameters = { recipientPublicKey: recipient.publicKey, info, ekm: ikmE }
    const { enc, ct } = await short.seal(parameters, plaintext, aad)
    expect(toHex(new Uint8Array(enc))).toBe(expectedEnc)
    expect(toHex(new Uint8Array(ct))).toBe(expected)
    const aead = { id: 1, keyByteLength: 16 }
    const opened = await openWrittenOut(fromHex(expectedEnc), fromHex(expected), recipient, info, aad, aead)
    expect(opened).toEqual(plaintext)
  })
})
