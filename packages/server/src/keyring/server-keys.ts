import { type EnvelopeKey, importEnvelopeKey } from '@nokkel/crypto'
import { type BlindIndex, createBlindIndex } from '../auth/blind-index.ts'
import type { Database } from '../db/database.ts'
import type { Logger } from '../http/logger.ts'
import { type CheckedKeys, checkRootKeys, verifyRootKeys } from './check.ts'
import { createKeyring, type Keyring } from './keyring.ts'
import { assertProductionKeys } from './made-up-keys.ts'
import { assertRootKeys, eraseRootKeys, type RootKeyProvider, type RootKeys } from './root-keys.ts'
import { createWrapCount } from './wrap-count.ts'

interface OpenKeys {
  readonly keyring: Keyring
  /** The first one wraps. */
  readonly masterKeys: readonly [EnvelopeKey, ...EnvelopeKey[]]
  readonly blindIndex: BlindIndex
}

export interface ServerKeysOptions {
  readonly database: Database
  readonly logger: Logger
  readonly production: boolean
}

/** What a server does with its root keys. They are loaded once, at the first use. */
export interface ServerKeys {
  /** @throws {Error} The keys cannot be had yet, and the next call tries again; or they are refused, then and always. */
  load(): Promise<OpenKeys>
  /** Registers what is new. @throws {Error} The keys are not those of the database. */
  check(): Promise<void>
  /** As `check`, and writes nothing. */
  verify(): Promise<void>
  readonly keyring: Keyring
  readonly blindIndex: BlindIndex
}

export function createServerKeys(provider: RootKeyProvider, options: ServerKeysOptions): ServerKeys {
  let opening: Promise<OpenKeys> | undefined
  let opened: OpenKeys | undefined

  function load(): Promise<OpenKeys> {
    const loading = provider.load()
    loading.catch(() => {
      opening = undefined
    })
    // Keys are given once: of those that are refused, the reason is all there is to tell again.
    return loading.then((rootKeys) => importKeys(rootKeys, options))
  }

  async function open(): Promise<OpenKeys> {
    opening ??= load()
    opened = await opening
    return opened
  }

  async function checked(): Promise<CheckedKeys> {
    const { masterKeys, blindIndex } = await open()
    const previous = await blindIndex.previous()
    return { masterKeys, indexKeyIds: [await blindIndex.keyId(), ...(previous ? [await previous.keyId()] : [])] }
  }

  return {
    load: open,
    async check() {
      await checkRootKeys(options.database, await checked())
    },
    async verify() {
      await verifyRootKeys(options.database, await checked())
    },
    keyring: {
      get keyId() {
        if (!opened) throw new Error('The root keys are not loaded yet.')
        return opened.keyring.keyId
      },
      wrap: async (plaintext, context) => (await open()).keyring.wrap(plaintext, context),
      unwrap: async (envelope, context) => (await open()).keyring.unwrap(envelope, context),
    },
    blindIndex: {
      index: async (field, value) => (await open()).blindIndex.index(field, value),
      keyId: async () => (await open()).blindIndex.keyId(),
      previous: async () => (await open()).blindIndex.previous(),
    },
  }
}

async function importKeys(rootKeys: RootKeys, { database, logger, production }: ServerKeysOptions): Promise<OpenKeys> {
  try {
    assertRootKeys(rootKeys)
    if (production) assertProductionKeys(rootKeys)
    const [indexKey, previousIndexKey] = rootKeys.indexKeys
    const blindIndex = createBlindIndex(indexKey as Uint8Array, previousIndexKey)
    await Promise.all([blindIndex.keyId(), (await blindIndex.previous())?.keyId()])
    const imported = await Promise.all(rootKeys.masterKeys.map(importEnvelopeKey))
    const masterKeys = imported as [EnvelopeKey, ...EnvelopeKey[]]
    const keyring = createKeyring(masterKeys, createWrapCount(database, masterKeys[0].id, logger))
    return { keyring, masterKeys, blindIndex }
  } finally {
    eraseRootKeys(rootKeys)
  }
}
