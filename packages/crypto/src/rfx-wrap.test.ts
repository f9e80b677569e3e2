import { describe, expect, it } from 'vitest'
import { testPrivateKeys } from '../../../tools/testing/rsa-keys.ts'
import vectors from '../../../vectors/rfx.json' with { type: 'json' }
import { decodeBase64 } from './base64.ts'
import { unwrapKey, wrapKey } from './key-wrap.ts'
import { importPrivateKey } from './managed-key.ts'
import { asRfxKey, generateRfxKey } from './rfx-key.ts'
import { calculateWrapLeaf, hashWrap, type WrapLeafOptions } from './rfx-wrap.ts'
import { flipEachByte, fromHex, toHex } from './testing/bytes.ts'
import { badIds, badNumbers, otherId } from './testing/rfx.ts'
import type { Thumbprint } from './thumbprint.ts'

const [pinned] = vectors.wraps as [(typeof vectors.wraps)[number]]
const optionsOf = ({ wrapped: _, hash, leaf: __, ...rest }: typeof pinned) =>
  ({ ...rest, wrapHash: fromHex(hash) }) as unknown as WrapLeafOptions

describe('wrap of the key of a group', () => {
  it('gives the key back', async () => {
    const { key, privateKey } = await importPrivateKey(decodeBase64(testPrivateKeys[0]))
    const groupKey = generateRfxKey()
    expect(asRfxKey(await unwrapKey(await wrapKey(groupKey, key), privateKey))).toEqual(groupKey)
  })

  it.each(vectors.wraps)('pinned: of a $role', async (wrap) => {
    expect(toHex(await hashWrap(decodeBase64(wrap.wrapped)))).toBe(wrap.hash)
    expect(toHex(await calculateWrapLeaf(optionsOf(wrap)))).toBe(wrap.leaf)
  })

  it('has another leaf for whatever is another', async () => {
    const good = optionsOf(pinned)
    const others: Partial<WrapLeafOptions>[] = [
      { groupId: otherId },
      { version: 2 },
      { owner: 'company' },
      { ownerId: otherId },
      { role: 'developer' },
      { role: 'supplier' },
      { thumbprint: `B${good.thumbprint.slice(1)}` as Thumbprint },
      ...[...flipEachByte(good.wrapHash)].map((wrapHash) => ({ wrapHash })),
    ]
    const leaves = await Promise.all([{}, ...others].map((other) => calculateWrapLeaf({ ...good, ...other })))
    expect(new Set(leaves.map(toHex)).size).toBe(leaves.length)
  })

  it('hashes 512 bytes and nothing else', async () => {
    for (const length of [0, 511, 513]) await expect(hashWrap(new Uint8Array(length))).rejects.toThrow(RangeError)
    await expect(hashWrap('text' as never)).rejects.toThrow(TypeError)
  })

  it('refuses options that are not what they should be', async () => {
    const good = optionsOf(pinned)
    const refused = (other: object, message: string) =>
      expect(calculateWrapLeaf({ ...good, ...other })).rejects.toThrow(message)
    for (const id of badIds) {
      await refused({ groupId: id }, 'groupId')
      await refused({ ownerId: id }, 'ownerId')
    }
    for (const version of badNumbers) await refused({ version }, 'version')
    for (const owner of ['', 'User', 'device', null]) await refused({ owner }, 'owner')
    for (const role of ['', 'buyers', null]) await refused({ role }, 'role')
    for (const thumbprint of ['', 'AAAA', `${good.thumbprint}=`, `${good.thumbprint}A`, 7]) {
      await refused({ thumbprint }, 'thumbprint')
    }
    for (const wrapHash of [new Uint8Array(31), new Uint8Array(512), 'hash']) await refused({ wrapHash }, 'wrapHash')
  })
})
