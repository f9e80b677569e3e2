import type { KeyId } from '@nokkel/crypto'
import { describe, expect, it } from 'vitest'
import vectors from '../../../../vectors/keyring.json' with { type: 'json' }
import { importKek } from './kek.ts'
import { generateRootKeys, withNewIndexKey } from './root-keys.ts'
import { type KeyringKek, openWrappedKeyring, parseWrappedKeyring, wrapKeyring } from './wrapped-keyring.ts'

const fromHex = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const kekOf = (hex: string): Promise<KeyringKek> => importKek(fromHex(hex))
const { secret, shares: _, ...set } = vectors.shares
const shareSet = { set: set.set, threshold: set.threshold, count: set.count }

describe('wrapped keyring', () => {
  it.each(vectors.wrapped.valid)('pinned: $name', async ({ kek, masterKeys, indexKeys, file }) => {
    const keys = await openWrappedKeyring(file, await kekOf(kek))
    expect(keys).toEqual({ masterKeys: masterKeys.map(fromHex), indexKeys: indexKeys.map(fromHex) })
  })

  it.each(vectors.wrapped.invalid)('refused: $name', async ({ file }) => {
    await expect(openWrappedKeyring(file, await kekOf(secret))).rejects.toThrow(/^The keyring file .+\.$/)
  })

  it.each([undefined, shareSet])('opens what it wrapped, and nobody reads it (%j)', async (shares) => {
    const kek = await kekOf(secret)
    const keys = generateRootKeys()
    const file = await wrapKeyring(keys, kek, shares)
    expect(await openWrappedKeyring(file, kek)).toEqual(keys)
    expect(parseWrappedKeyring(file)).toMatchObject({ kekId: kek.id, shares })
    expect(await wrapKeyring(keys, kek, shares)).not.toBe(file)
  })

  it('is version 1 without a previous index key and version 2 with one', async () => {
    const kek = await kekOf(secret)
    const keys = generateRootKeys()
    const rotating = withNewIndexKey(keys)
    for (const [held, version] of [
      [keys, 1],
      [rotating, 2],
    ] as const) {
      const file = await wrapKeyring(held, kek, shareSet)
      expect(parseWrappedKeyring(file).version).toBe(version)
      expect(JSON.parse(file).format).toBe(`nokkel/keyring/v${version}`)
      expect(await openWrappedKeyring(file, kek)).toEqual(held)
    }
  })

  it.each([
    ['no master keys', [0, 2], 64],
    ['a key that is missing', [2, 2], 96],
    ['a byte more', [1, 1], 65],
    ['nothing', [], 0],
  ])('refuses %s in version 2', async (_, counts, byteLength) => {
    const kek = await kekOf(secret)
    const file = await wrapKeyring(withNewIndexKey(generateRootKeys()), kek)
    const bytes = new Uint8Array([...counts, ...new Uint8Array(byteLength).fill(5)])
    await expect(openWrappedKeyring(file, { ...kek, decrypt: async () => bytes })).rejects.toThrow(
      'The keyring file does not hold a keyring.',
    )
  })

  it('refuses version 2 without or with too many index keys', async () => {
    const kek = await kekOf(secret)
    const file = await wrapKeyring(withNewIndexKey(generateRootKeys()), kek)
    for (const [indexCount, sentence] of [
      [0, 'There is no index key.'],
      [3, 'There is a previous index key already'],
    ] as const) {
      const keys = Array.from({ length: 1 + indexCount }, (_, index) => [...new Uint8Array(32).fill(index + 1)])
      const bytes = new Uint8Array([1, indexCount, ...keys.flat()])
      await expect(openWrappedKeyring(file, { ...kek, decrypt: async () => bytes })).rejects.toThrow(sentence)
    }
  })

  it('says which key it needs', async () => {
    const kek = await kekOf(secret)
    const file = await wrapKeyring(generateRootKeys(), kek)
    const other = await kekOf('01'.repeat(32))
    await expect(openWrappedKeyring(file, other)).rejects.toThrow(
      `The keyring file needs the key with id ${kek.id}, and was given ${other.id}.`,
    )
  })

  it('is opened by a module that names its key as it likes', async () => {
    const inside = await kekOf(secret)
    const asked: string[] = []
    const module: KeyringKek = {
      id: 'AAAAAAAAAAAAAAAAAAAAAA' as KeyId,
      encrypt: inside.encrypt,
      decrypt(encrypted, additionalData) {
        asked.push(`${encrypted.nonce.byteLength} ${additionalData.byteLength > 0}`)
        return inside.decrypt(encrypted, additionalData)
      },
    }
    const keys = generateRootKeys()
    expect(await openWrappedKeyring(await wrapKeyring(keys, module), module)).toEqual(keys)
    expect(asked).toEqual(['12 true'])
  })

  it('does not open for an impostor with the same id, and overwrites what a wrong one holds', async () => {
    const kek = await kekOf(secret)
    const file = await wrapKeyring(generateRootKeys(), kek)
    const impostor = { ...(await kekOf('02'.repeat(32))), id: kek.id }
    await expect(openWrappedKeyring(file, impostor)).rejects.toThrow('The keyring file does not open')
    const wrong = new Uint8Array([1, ...new Uint8Array(64).fill(5)])
    await expect(openWrappedKeyring(file, { ...kek, decrypt: async () => wrong })).rejects.toThrow(TypeError)
    expect(wrong).toEqual(new Uint8Array(65))
  })
})
