import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/keyring.json' with { type: 'json' }
import { decodeBase32, encodeBase32 } from './base32.ts'
import { generateContentKey } from './content-key.ts'
import {
  combineSecretShares,
  formatSecretShare,
  parseSecretShare,
  type SecretShare,
  splitSecret,
} from './secret-shares.ts'
import { toHex } from './testing/bytes.ts'

const readAll = async (texts: readonly string[]): Promise<SecretShare[]> =>
  (await Promise.all(texts.map(parseSecretShare))).filter((share) => share !== null)

/** All ways to choose some of `items`. */
function subsets<T>([first, ...others]: readonly T[]): T[][] {
  if (first === undefined) return [[]]
  const without = subsets(others)
  return [...without, ...without.map((some) => [first, ...some])]
}

describe('base32', () => {
  it('decodes what it encodes, in either case', () => {
    const bytes = fc.uint8Array({ maxLength: 60 }).map((value) => value.subarray(0, value.length - (value.length % 5)))
    fc.assert(
      fc.property(bytes, (value) => {
        expect(decodeBase32(encodeBase32(value))).toEqual(new Uint8Array(value))
        expect(decodeBase32(encodeBase32(value).toUpperCase())).toEqual(new Uint8Array(value))
      }),
    )
  })

  it('reads what is easily confused, and refuses the rest', () => {
    expect(decodeBase32('0OoIiLl1')).toEqual(decodeBase32('00011111'))
    for (const text of ['0000000u', '0000000!', '0000000']) expect(decodeBase32(text)).toBeNull()
    expect(() => encodeBase32(new Uint8Array(4))).toThrow(RangeError)
  })
})

describe('secret shares', () => {
  it('pinned: any two of three open the secret', async () => {
    const { set, threshold, shares, secret } = vectors.shares
    for (const [index, text] of shares.entries()) {
      const share = await parseSecretShare(text)
      expect(share).toMatchObject({ set, threshold, number: index + 1 })
      expect(await formatSecretShare(share as SecretShare)).toBe(text)
    }
    for (const [one, other] of [
      [0, 1],
      [0, 2],
      [1, 2],
      [2, 0],
    ] as const) {
      const two = await readAll([shares[one] ?? '', shares[other] ?? ''])
      expect(toHex(await combineSecretShares(two))).toBe(secret)
    }
  })

  it.each(vectors.shares.invalid)('refused: $name', async ({ text }) => {
    expect(await parseSecretShare(text)).toBeNull()
  })

  it.each([
    [2, 2],
    [2, 3],
    [3, 5],
  ])('needs %i of %i, whichever they are', async (threshold, count) => {
    const secret = generateContentKey()
    const { texts, ...set } = await splitSecret(secret, { count, threshold })
    expect(set).toMatchObject({ threshold, count })
    const shares = await readAll(texts)
    expect(shares.map(({ number }) => number)).toEqual(Array.from({ length: count }, (_, index) => index + 1))
    for (const some of subsets(shares)) {
      if (some.length < threshold) await expect(combineSecretShares(some)).rejects.toThrow(RangeError)
      else expect(await combineSecretShares(some)).toEqual(secret)
    }
  })

  it('reads a share as people write it', async () => {
    const [text = ''] = vectors.shares.shares
    const spoken = text
      .toUpperCase()
      .replaceAll('-', ' ')
      .replaceAll('0', 'O')
      .replace(/1/g, 'l')
      .replace('NKSl', 'NKS1')
    expect(await parseSecretShare(`  ${spoken}\n`)).toEqual(await parseSecretShare(text))
  })

  it('tells any one mistyped character', async () => {
    const [text = ''] = vectors.shares.shares
    for (let index = 5; index < text.length; index++) {
      if (text[index] === '-') continue
      const mistyped = `${text.slice(0, index)}${text[index] === '7' ? '8' : '7'}${text.slice(index + 1)}`
      expect(await parseSecretShare(mistyped)).toBeNull()
    }
  })

  it('refuses shares of two sets, and the same one twice', async () => {
    const secret = generateContentKey()
    const [one, other] = await Promise.all([1, 2].map(() => splitSecret(secret, { count: 2, threshold: 2 })))
    const [first] = await readAll(one?.texts ?? [])
    const [, foreign] = await readAll(other?.texts ?? [])
    const pairs = [
      [first, foreign],
      [first, first],
    ] as SecretShare[][]
    for (const pair of pairs) await expect(combineSecretShares(pair)).rejects.toThrow(RangeError)
  })

  it.each([
    [1, 1],
    [1, 2],
    [3, 2],
    [2, 256],
    [2.5, 3],
  ])('does not split so that %d of %d are needed', async (threshold, count) => {
    await expect(splitSecret(generateContentKey(), { count, threshold })).rejects.toThrow(RangeError)
    await expect(splitSecret(new Uint8Array(31), { count: 2, threshold: 2 })).rejects.toThrow(RangeError)
  })
})
