import { describe, expect, it } from 'vitest'
import { testPrivateKeys } from '../../../tools/testing/rsa-keys.ts'
import vectors from '../../../vectors/managed-key.json' with { type: 'json' }
import { decodeBase64, encodeBase64 } from './base64.ts'
import { concatBytes } from './bytes.ts'
import { generatePrivateKey, importPrivateKey, importPublicKey, openPrivateKey } from './managed-key.ts'
import { flipEachByte } from './testing/bytes.ts'

const unusable = { name: 'CryptoError', code: 'key_unusable' }
const bytes = decodeBase64(testPrivateKeys[0])

describe('managed key', () => {
  it('generates a key that it then accepts', async () => {
    const generated = await generatePrivateKey()
    const { publicKey, thumbprint, privateKey } = await importPrivateKey(generated)
    expect(publicKey.byteLength).toBe(550)
    expect(privateKey).toMatchObject({ extractable: false, type: 'private' })
    expect((await importPublicKey(publicKey)).thumbprint).toBe(thumbprint)
  }, 60_000)

  it('pinned: public half and thumbprint', async () => {
    const { publicKey, thumbprint } = await importPrivateKey(decodeBase64(vectors.privateKey))
    expect(encodeBase64(publicKey)).toBe(vectors.publicKey)
    expect(thumbprint).toBe(vectors.thumbprint)
  })

  it.each(vectors.privateKeyInvalid)('refuses a private key: $name', async ({ privateKey }) => {
    await expect(importPrivateKey(decodeBase64(privateKey))).rejects.toMatchObject(unusable)
  })

  it('refuses a private key with any of its bytes changed', async () => {
    let tried = 0
    for (const changed of flipEachByte(bytes)) {
      if (tried++ % 40 === 0) await expect(importPrivateKey(changed)).rejects.toMatchObject(unusable)
    }
  }, 60_000)

  it.each([
    ['nothing', new Uint8Array()],
    ['one byte short', bytes.slice(0, -1)],
    ['one byte more', concatBytes(bytes, new Uint8Array(1))],
    ['too much', new Uint8Array(10_000)],
  ])('refuses %s', async (_, changed) => {
    await expect(importPrivateKey(changed)).rejects.toMatchObject(unusable)
  })

  it('takes only bytes', async () => {
    await expect(importPrivateKey('MII' as unknown as Uint8Array)).rejects.toThrow(TypeError)
    await expect(importPublicKey('MII' as unknown as Uint8Array)).rejects.toThrow(TypeError)
  })

  it('opens without a check what it has accepted', async () => {
    expect(await openPrivateKey(bytes)).toMatchObject({ extractable: false, usages: ['decrypt'] })
    await expect(openPrivateKey(bytes.slice(1))).rejects.toMatchObject(unusable)
  })

  it.each(vectors.publicKeyInvalid)('refuses a public key: $name', async ({ publicKey }) => {
    await expect(importPublicKey(decodeBase64(publicKey))).rejects.toMatchObject(unusable)
  })
})
