import { describe, expect, it } from 'vitest'
import { environmentRootKeys } from './environment.ts'
import { assertProductionKeys, developmentMark } from './made-up-keys.ts'
import { eraseRootKeys, generateRootKeys, givenRootKeys, withNewIndexKey } from './root-keys.ts'

const hex = (byte: number) => byte.toString(16).padStart(2, '0').repeat(32)
const random = () => Buffer.from(generateRootKeys().indexKeys[0] ?? []).toString('hex')

function thrownBy(work: () => unknown): Error {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  throw new Error('Nothing was thrown.')
}

describe('given root keys', () => {
  it('are given as often as asked for, each time to be overwritten', async () => {
    const provider = givenRootKeys({ masterKeys: [hex(1), hex(2)], indexKeys: [hex(0xab).toUpperCase()] })
    const first = await provider.load()
    expect(first).toEqual({
      masterKeys: [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)],
      indexKeys: [new Uint8Array(32).fill(0xab)],
    })
    first.indexKeys[0]?.fill(0)
    expect((await provider.load()).indexKeys).toEqual([new Uint8Array(32).fill(0xab)])
  })

  it.each([
    '',
    'xyz',
    hex(1).slice(1),
    `${hex(1)}0`,
    ` ${hex(1).slice(1)}`,
    `${hex(0xab).slice(1)}g`,
    `${hex(0xab).slice(1)}\u0010`,
    7,
  ])('refuses the key %j without repeating it', (text) => {
    for (const texts of [
      { masterKeys: [text as string], indexKeys: [hex(9)] },
      { masterKeys: [hex(9), text as string], indexKeys: [hex(8)] },
      { masterKeys: [hex(9)], indexKeys: [text as string] },
    ]) {
      const error = thrownBy(() => givenRootKeys(texts))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(/^(A master|An index) key must be 64 hexadecimal digits \(256 bits\)\.$/)
    }
  })

  it.each([
    ['no master key', { masterKeys: [], indexKeys: [hex(9)] }, 'There is no master key.'],
    [
      'the same one twice',
      { masterKeys: [hex(1), hex(2), hex(1)], indexKeys: [hex(9)] },
      'The same master key is given twice.',
    ],
    [
      'one that is the index key',
      { masterKeys: [hex(1), hex(9)], indexKeys: [hex(9)] },
      'The index key must not be a master key; make another one.',
    ],
    [
      'a previous index key that is a master key',
      { masterKeys: [hex(1), hex(9)], indexKeys: [hex(8), hex(9)] },
      'The index key must not be a master key; make another one.',
    ],
    ['no index key', { masterKeys: [hex(1)], indexKeys: [] }, 'There is no index key.'],
    [
      'the same index key twice',
      { masterKeys: [hex(1)], indexKeys: [hex(9), hex(9)] },
      'The same index key is given twice.',
    ],
    [
      'three index keys',
      { masterKeys: [hex(1)], indexKeys: [hex(7), hex(8), hex(9)] },
      'There is a previous index key already; retire it before there is another one.',
    ],
  ])('refuses %s', (_, texts, message) => {
    expect(thrownBy(() => givenRootKeys(texts))).toEqual(new TypeError(message))
  })
})

describe('a new index key', () => {
  it('comes before the present one, and only once', async () => {
    const keys = generateRootKeys()
    const [present] = keys.indexKeys
    const { masterKeys, indexKeys } = withNewIndexKey(keys)
    expect(masterKeys).toEqual(keys.masterKeys)
    expect(indexKeys).toEqual([expect.any(Uint8Array), present])
    expect(indexKeys[0]).not.toEqual(present)
    expect(thrownBy(() => withNewIndexKey({ masterKeys, indexKeys })).message).toMatch(/^There is a previous index key/)
  })

  it('is overwritten with all others', () => {
    const keys = withNewIndexKey(generateRootKeys())
    eraseRootKeys(keys)
    for (const key of [...keys.masterKeys, ...keys.indexKeys]) expect(key).toEqual(new Uint8Array(32))
  })
})

describe('root keys of the environment', () => {
  const environment = (changes: Record<string, string | undefined> = {}) => ({
    MASTER_ENCRYPTION_KEY: hex(1),
    MASTER_ENCRYPTION_KEYS_OLD: `${hex(2)}, ${hex(3)}`,
    INDEX_KEY: hex(9),
    PATH: '/bin',
    ...changes,
  })

  it('are taken out of it, and given once', async () => {
    const variables: Record<string, string | undefined> = environment()
    const provider = environmentRootKeys(variables)
    expect(variables).toEqual({ PATH: '/bin' })
    const { masterKeys, indexKeys } = await provider.load()
    expect(masterKeys.map(([byte]) => byte)).toEqual([1, 2, 3])
    expect(indexKeys).toEqual([new Uint8Array(32).fill(9)])
    await expect(provider.load()).rejects.toThrow('already given')
  })

  it('are with the previous index key, when there is one', async () => {
    const variables: Record<string, string | undefined> = environment({ INDEX_KEY_OLD: hex(8) })
    const { indexKeys } = await environmentRootKeys(variables).load()
    expect(variables).toEqual({ PATH: '/bin' })
    expect(indexKeys.map(([byte]) => byte)).toEqual([9, 8])
  })

  it('need no old ones', async () => {
    const provider = environmentRootKeys(environment({ MASTER_ENCRYPTION_KEYS_OLD: undefined }))
    expect((await provider.load()).masterKeys).toHaveLength(1)
  })

  it.each([
    [
      'MASTER_ENCRYPTION_KEY',
      undefined,
      'MASTER_ENCRYPTION_KEY is not set; it holds 64 hexadecimal digits (256 bits).',
    ],
    ['MASTER_ENCRYPTION_KEY', 'secret', 'MASTER_ENCRYPTION_KEY must be 64 hexadecimal digits (256 bits).'],
    [
      'MASTER_ENCRYPTION_KEYS_OLD',
      `${hex(2)},`,
      'Each of MASTER_ENCRYPTION_KEYS_OLD must be 64 hexadecimal digits (256 bits).',
    ],
    ['MASTER_ENCRYPTION_KEYS_OLD', hex(1), 'The same master key is given twice.'],
    ['INDEX_KEY', '', 'INDEX_KEY is not set; it holds 64 hexadecimal digits (256 bits).'],
    ['INDEX_KEY', hex(2), 'The index key must not be a master key; make another one.'],
    ['INDEX_KEY_OLD', 'secret', 'INDEX_KEY_OLD must be 64 hexadecimal digits (256 bits).'],
    ['INDEX_KEY_OLD', hex(9), 'The same index key is given twice.'],
    ['INDEX_KEY_OLD', hex(1), 'The index key must not be a master key; make another one.'],
  ])('refuse %s as %j, and take it out, too', (name, value, message) => {
    const variables: Record<string, string | undefined> = environment({ [name]: value })
    expect(thrownBy(() => environmentRootKeys(variables))).toEqual(new TypeError(message))
    expect(variables).toEqual({ PATH: '/bin' })
  })
})

describe('root keys for production', () => {
  const keysOf = (masterKey: string, indexKey: string) =>
    givenRootKeys({ masterKeys: [masterKey], indexKeys: [indexKey] }).load()
  const marked = Buffer.concat([developmentMark, Buffer.alloc(21, 7)]).toString('hex')

  it('are random', async () => {
    for (let count = 0; count < 100; count++) assertProductionKeys(generateRootKeys())
    assertProductionKeys(await keysOf(random(), random()))
  })

  it.each([
    ['a master key of npm start', marked, random(), /^A master key was made for development; .+\.$/],
    ['an index key of npm start', random(), marked, /^An index key was made for development; .+\.$/],
    ['a master key of one byte', hex(7), random(), /^A master key is not random; .+\.$/],
    ['an index key of zeros', random(), hex(0), /^An index key is not random; .+\.$/],
    ['a master key of few bytes', '0123456789abcdef'.repeat(4), random(), /^A master key is not random; .+\.$/],
  ])('are not %s', async (_, masterKey, indexKey, message) => {
    const keys = await keysOf(masterKey, indexKey)
    expect(() => assertProductionKeys(keys)).toThrow(message)
  })
})
