import { describe, expect, it } from 'vitest'
import vectors from '../../../../vectors/keyring.json' with { type: 'json' }
import { importKek } from './kek.ts'
import { generateRootKeys } from './root-keys.ts'
import { sharedRootKeys, splitKeyring } from './shared-keyring.ts'
import { openWrappedKeyring, wrapKeyring } from './wrapped-keyring.ts'

const [wrapped] = vectors.wrapped.valid
const [first = '', second = '', third = ''] = vectors.shares.shares
const sealed = () => {
  const { seal, load } = sharedRootKeys(wrapped?.file ?? '')
  if (!seal) throw new Error('There is no seal.')
  return { load, status: seal.status, give: (share: string) => seal.give(share) }
}

describe('shared keyring', () => {
  it.each([
    [first, second],
    [third, first],
    [second, third],
  ])('pinned: any two of three open it', async (one, other) => {
    const { load, status, give } = sealed()
    expect(status()).toEqual({ sealed: true, required: 2, received: 0 })
    await expect(load()).rejects.toMatchObject({ code: 'sealed', detail: '0 of 2 shares are given.' })
    expect(await give(one)).toEqual({ sealed: true, required: 2, received: 1 })
    await expect(load()).rejects.toMatchObject({ code: 'sealed', detail: '1 of 2 shares are given.' })
    expect(await give(other)).toEqual({ sealed: false, required: 2, received: 2 })
    const { masterKeys, indexKeys } = await load()
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
    expect({ masterKeys: masterKeys.map(hex), indexKeys: indexKeys.map(hex) }).toEqual({
      masterKeys: wrapped?.masterKeys,
      indexKeys: wrapped?.indexKeys,
    })
    await expect(load()).rejects.toThrow('already given')
    expect(await give(first)).toEqual({ sealed: false, required: 2, received: 2 })
  })

  it('tells a mistyped share, a foreign one and a repeated one apart from one that counts', async () => {
    const { status, give } = sealed()
    await give(first)
    const foreign = (await splitKeyring(generateRootKeys(), { count: 3, threshold: 2 })).shares[1] ?? ''
    for (const share of ['', `${second.slice(0, -1)}0`, foreign]) {
      await expect(give(share)).rejects.toMatchObject({ code: 'share_invalid' })
    }
    await expect(give(first.toUpperCase())).rejects.toMatchObject({ code: 'share_repeated' })
    expect(status()).toEqual({ sealed: true, required: 2, received: 1 })
  })

  it('forgets all shares when they give another secret', async () => {
    const { secret, set, threshold, count } = vectors.shares
    const kek = await importKek(new Uint8Array(Buffer.from(secret, 'hex')).fill(1, 0, 1))
    const file = await wrapKeyring(generateRootKeys(), kek, { set, threshold, count })
    const { seal } = sharedRootKeys(file)
    await seal?.give(first)
    await expect(seal?.give(second)).rejects.toMatchObject({ code: 'shares_wrong' })
    expect(seal?.status()).toEqual({ sealed: true, required: 2, received: 0 })
    expect(await seal?.give(first)).toMatchObject({ sealed: true, received: 1 })
  })

  it('takes two shares at once', async () => {
    const { load, give } = sealed()
    await Promise.all([give(first), give(third)])
    expect((await load()).masterKeys).toHaveLength(2)
  })

  it('opens with what it was split into', async () => {
    const keys = generateRootKeys()
    const { file, shares } = await splitKeyring(keys, { count: 5, threshold: 3 })
    const { seal, load } = sharedRootKeys(file)
    for (const share of shares.slice(2)) await seal?.give(share)
    expect(await load()).toEqual(keys)
    for (const share of shares) expect(file).not.toContain(share.slice(20, 60))
  })

  it('refuses a file that is none, or that a module opens', async () => {
    expect(() => sharedRootKeys('{}')).toThrow('not one that nokkel keyring made')
    expect(() => sharedRootKeys(vectors.wrapped.valid[1]?.file ?? '')).toThrow('not one that shares open')
    const kek = await importKek(new Uint8Array(32))
    await expect(openWrappedKeyring('{}', kek)).rejects.toThrow('not one that nokkel keyring made')
  })
})
