import type { SealStatus } from '@nokkel/contract'

/** The secrets a server begins with, 32 bytes each. */
export interface RootKeys {
  /** The first one wraps; all of them open. */
  readonly masterKeys: readonly Uint8Array[]
  /** Recognises verified national identity numbers. Another one recognises nobody, so it stays for ever. */
  readonly indexKey: Uint8Array
}

/** Where a server gets its root keys from. */
export interface RootKeyProvider {
  /**
   * Gives the keys away: the server overwrites the bytes once they are imported.
   *
   * @throws {Error} Says in one sentence what is wrong, without repeating a key.
   */
  load(): Promise<RootKeys>
  /** Where the keys are sealed until people have given their shares. */
  readonly seal?: Seal
}

/** Takes shares until there are enough to load the root keys. */
export interface Seal {
  status(): SealStatus
  /** @throws {SealError} What is wrong with the share, or with all of them together. */
  give(share: string): Promise<SealStatus>
}

export class SealError extends Error {
  override readonly name = 'SealError'
  readonly code: 'share_invalid' | 'share_repeated' | 'shares_wrong'

  constructor(code: SealError['code'], options?: ErrorOptions) {
    super(code, options)
    this.code = code
  }
}

/** Root keys as text: each 64 hexadecimal digits. */
export interface RootKeyTexts {
  readonly masterKeys: readonly string[]
  readonly indexKey: string
}

/**
 * Root keys that the caller has read from wherever it keeps them.
 *
 * @throws {TypeError} A key is not 64 hexadecimal digits, there is no master key, or two of them are equal.
 *
 * @example
 * ```ts
 * const rootKeys = givenRootKeys({
 *   masterKeys: ['000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'],
 *   indexKey: '202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f',
 * })
 * ```
 */
export function givenRootKeys(texts: RootKeyTexts): RootKeyProvider {
  const { masterKeys, indexKey } = parseRootKeys(texts)
  return {
    load: async () => ({
      masterKeys: masterKeys.map((key) => new Uint8Array(key)),
      indexKey: new Uint8Array(indexKey),
    }),
  }
}

/** @throws {TypeError} As {@link givenRootKeys}; the message does not repeat a key. */
export function parseRootKeys(texts: RootKeyTexts): RootKeys {
  const keys = {
    masterKeys: texts.masterKeys.map((text) => parseKey(text, 'A master key')),
    indexKey: parseKey(texts.indexKey, 'The index key'),
  }
  assertRootKeys(keys)
  return keys
}

/** @throws {TypeError} The keys cannot be root keys together; says why. */
export function assertRootKeys({ masterKeys, indexKey }: RootKeys): void {
  if (masterKeys.length === 0) throw new TypeError('There is no master key.')
  const all = [...masterKeys, indexKey]
  if (!all.every((key) => key instanceof Uint8Array && key.byteLength === keyByteLength)) {
    throw new TypeError('A root key is not 32 bytes.')
  }
  if (masterKeys.some((key) => equal(key, indexKey))) {
    throw new TypeError('The index key must not be a master key; make another one.')
  }
  if (masterKeys.some((key, index) => masterKeys.slice(0, index).some((other) => equal(key, other)))) {
    throw new TypeError('The same master key is given twice.')
  }
}

export const keyByteLength = 32

// No regular expression: the engine keeps the last text one was tried on.
function parseKey(text: unknown, name: string): Uint8Array {
  const bytes = new Uint8Array(keyByteLength)
  let valid = typeof text === 'string' && text.length === 2 * keyByteLength
  for (let index = 0; valid && index < keyByteLength; index++) {
    const [high, low] = [digit(text as string, 2 * index), digit(text as string, 2 * index + 1)]
    valid = high >= 0 && low >= 0
    bytes[index] = 16 * high + low
  }
  if (!valid) throw new TypeError(`${name} must be 64 hexadecimal digits (256 bits).`)
  return bytes
}

const digit = (text: string, index: number): number => '0123456789abcdef'.indexOf(text.charAt(index).toLowerCase())

const equal = (one: Uint8Array, other: Uint8Array): boolean => one.every((byte, index) => byte === other[index])
