import { describe, expect, it } from 'vitest'
import { testPrivateKeys } from '../../../tools/testing/rsa-keys.ts'
import vectors from '../../../vectors/managed-key.json' with { type: 'json' }
import { decodeBase64 } from './base64.ts'
import { type ContentKey, generateContentKey } from './content-key.ts'
import { unwrapKey, wrapKey } from './key-wrap.ts'
import { importPrivateKey, type ManagedKey, openPrivateKey } from './managed-key.ts'
import { fromHex, toHex } from './testing/bytes.ts'

const openFailed = { name: 'CryptoError', code: 'open_failed' }
const unusable = { name: 'CryptoError', code: 'key_unusable' }
const importTestKey = (index: 0 | 1): Promise<ManagedKey> => importPrivateKey(decodeBase64(testPrivateKeys[index]))

describe('key wrap', () => {
  it('unwraps what it wraps, and never wraps to the same bytes twice', async () => {
    const { key, privateKey } = await importTestKey(0)
    const content = generateContentKey()
    const [one, other] = [await wrapKey(content, key), await wrapKey(content, key)]
    expect(one.byteLength).toBe(512)
    expect(toHex(one)).not.toBe(toHex(other))
    for (const wrapped of [one, other]) expect(await unwrapKey(wrapped, privateKey)).toEqual(content)
  })

  it.each(vectors.wraps)('pinned: $name', async ({ wrapped, key }) => {
    const privateKey = await openPrivateKey(decodeBase64(vectors.privateKey))
    expect(toHex(await unwrapKey(decodeBase64(wrapped), privateKey))).toBe(key)
  })

  it.each(vectors.wrapsInvalid)('refused: $name', async ({ wrapped }) => {
    const privateKey = await openPrivateKey(decodeBase64(vectors.privateKey))
    await expect(unwrapKey(decodeBase64(wrapped), privateKey)).rejects.toMatchObject(openFailed)
  })

  it('opens with the other half only', async () => {
    const [{ key }, { privateKey }] = [await importTestKey(0), await importTestKey(1)]
    await expect(unwrapKey(await wrapKey(generateContentKey(), key), privateKey)).rejects.toMatchObject(openFailed)
  })

  it('fails on flipped bits', async () => {
    const { key, privateKey } = await importTestKey(0)
    const wrapped = await wrapKey(generateContentKey(), key)
    for (let index = 0; index < wrapped.byteLength; index += 16) {
      const flipped = wrapped.slice()
      flipped[index] = (flipped[index] ?? 0) ^ 1
      await expect(unwrapKey(flipped, privateKey)).rejects.toMatchObject(openFailed)
    }
  })

  it('wraps 32 bytes and unwraps 512, nothing else', async () => {
    const { key, privateKey } = await importTestKey(0)
    for (const length of [0, 16, 31, 33]) {
      await expect(wrapKey(new Uint8Array(length) as ContentKey, key)).rejects.toThrow(RangeError)
    }
    for (const length of [0, 511, 513])
      await expect(unwrapKey(new Uint8Array(length), privateKey)).rejects.toThrow(RangeError)
  })

  it('takes no key with another hash, size or use', async () => {
    const { key, privateKey } = await importTestKey(0)
    const sha1 = { name: 'RSA-OAEP', hash: 'SHA-1' }
    const weak = await crypto.subtle.importKey('pkcs8', decodeBase64(testPrivateKeys[0]), sha1, false, ['decrypt'])
    await expect(unwrapKey(new Uint8Array(512), weak)).rejects.toMatchObject(unusable)
    await expect(unwrapKey(new Uint8Array(512), key)).rejects.toMatchObject(unusable)
    await expect(wrapKey(generateContentKey(), privateKey)).rejects.toMatchObject(unusable)
    await expect(wrapKey(fromHex('00'.repeat(32)) as ContentKey, {} as CryptoKey)).rejects.toMatchObject(unusable)
  })
})
