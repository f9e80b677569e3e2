import type { SealStatus } from '@nokkel/contract'
import { equalKeys, keyByteLength, parseKey } from './key-text.ts'

/** The secrets a server begins with, 32 bytes each. */
export interface RootKeys {
  /** The first one wraps; all of them open. */
  readonly masterKeys: readonly Uint8Array[]
  /** Recognise people. The first one indexes; one more is the previous one, by which those are found who are still under it. */
  readonly indexKeys: readonly Uint8Array[]
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
  /** @throws {ServerError} `share_invalid`, `share_repeated`, or `shares_wrong`: all are forgotten. */
  give(share: string): Promise<SealStatus>
}

/** Root keys as text: each 64 hexadecimal digits. */
export interface RootKeyTexts {
  /** The first one wraps; all of them open. */
  readonly masterKeys: readonly string[]
  /** The first one indexes; one more may be the previous one. */
  readonly indexKeys: readonly string[]
}

/** Makes new root keys: one master key and an index key. */
export function generateRootKeys(): RootKeys {
  return { masterKeys: [generateKey()], indexKeys: [generateKey()] }
}

/**
 * The same root keys with a new index key, beside which the present one is the previous one.
 *
 * @throws {TypeError} There is a previous one already.
 */
export function withNewIndexKey({ masterKeys, indexKeys }: RootKeys): RootKeys {
  const keys = { masterKeys, indexKeys: [generateKey(), ...indexKeys] }
  assertRootKeys(keys)
  return keys
}

/** Overwrites every key. */
export function eraseRootKeys({ masterKeys, indexKeys }: RootKeys): void {
  for (const bytes of [...masterKeys, ...indexKeys]) bytes.fill(0)
}

const generateKey = () => crypto.getRandomValues(new Uint8Array(keyByteLength))

/**
 * Root keys that the caller has read from wherever it keeps them.
 *
 * @throws {TypeError} A key is not 64 hexadecimal digits, there is no master key or no index key, there
 *   are more than two index keys, or two of the keys are equal.
 *
 * @example
 * ```ts
 * const rootKeys = givenRootKeys({
 *   masterKeys: ['000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'],
 *   indexKeys: ['202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f'],
 * })
 * ```
 */
export function givenRootKeys(texts: RootKeyTexts): RootKeyProvider {
  const { masterKeys, indexKeys } = parseRootKeys(texts)
  return {
    load: async () => ({
      masterKeys: masterKeys.map((key) => new Uint8Array(key)),
      indexKeys: indexKeys.map((key) => new Uint8Array(key)),
    }),
  }
}

/** @throws {TypeError} As {@link givenRootKeys}; the message does not repeat a key. */
export function parseRootKeys(texts: RootKeyTexts): RootKeys {
  const keys = {
    masterKeys: texts.masterKeys.map((text) => parseKey(text, 'A master key')),
    indexKeys: texts.indexKeys.map((text) => parseKey(text, 'An index key')),
  }
  assertRootKeys(keys)
  return keys
}

/** @throws {TypeError} The keys cannot be root keys together; says why. */
export function assertRootKeys({ masterKeys, indexKeys }: RootKeys): void {
  if (masterKeys.length === 0) throw new TypeError('There is no master key.')
  if (indexKeys.length === 0) throw new TypeError('There is no index key.')
  if (indexKeys.length > 2) {
    throw new TypeError('There is a previous index key already; retire it before there is another one.')
  }
  if (![...masterKeys, ...indexKeys].every((key) => key instanceof Uint8Array && key.byteLength === keyByteLength)) {
    throw new TypeError('A root key is not 32 bytes.')
  }
  if (masterKeys.some((key) => indexKeys.some((other) => equalKeys(key, other)))) {
    throw new TypeError('The index key must not be a master key; make another one.')
  }
  if (hasTwice(masterKeys)) throw new TypeError('The same master key is given twice.')
  if (hasTwice(indexKeys)) throw new TypeError('The same index key is given twice.')
}

const hasTwice = (keys: readonly Uint8Array[]) =>
  keys.some((key, index) => keys.slice(0, index).some((other) => equalKeys(key, other)))
