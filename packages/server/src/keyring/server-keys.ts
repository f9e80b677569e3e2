import { type EnvelopeKey, importEnvelopeKey } from '@nokkel/crypto'
import { createPersonnummerIndex, type PersonnummerIndexing } from '../auth/personnummer.ts'
import type { Database } from '../db/database.ts'
import type { Logger } from '../http/logger.ts'
import { checkRootKeys } from './check.ts'
import { createKeyring, type Keyring } from './keyring.ts'
import { assertProductionKeys } from './made-up-keys.ts'
import { assertRootKeys, type RootKeyProvider } from './root-keys.ts'
import { createWrapCount } from './wrap-count.ts'

interface OpenKeys {
  readonly keyring: Keyring
  /** The first one wraps. */
  readonly masterKeys: readonly [EnvelopeKey, ...EnvelopeKey[]]
  readonly personnummerIndex: PersonnummerIndexing
}

export interface ServerKeysOptions {
  readonly database: Database
  readonly logger: Logger
  readonly production: boolean
}

/** What a server does with its root keys. They are loaded once, at the first use. */
export interface ServerKeys {
  /** @throws {Error} The keys cannot be had yet, or are no root keys; the next call tries again. */
  load(): Promise<OpenKeys>
  /** @throws {Error} The keys are not those of the database. */
  check(): Promise<void>
  readonly keyring: Keyring
  readonly indexPersonnummer: PersonnummerIndexing['index']
}

export function createServerKeys(provider: RootKeyProvider, options: ServerKeysOptions): ServerKeys {
  let opening: Promise<OpenKeys> | undefined
  let opened: OpenKeys | undefined

  async function open(): Promise<OpenKeys> {
    opening ??= importKeys(provider, options)
    try {
      opened = await opening
      return opened
    } catch (cause) {
      opening = undefined
      throw cause
    }
  }

  return {
    load: open,
    async check() {
      const { masterKeys, personnummerIndex } = await open()
      await checkRootKeys(options.database, { masterKeys, indexKeyId: await personnummerIndex.keyId() })
    },
    keyring: {
      get keyId() {
        if (!opened) throw new Error('The root keys are not loaded yet.')
        return opened.keyring.keyId
      },
      wrap: async (plaintext, context) => (await open()).keyring.wrap(plaintext, context),
      unwrap: async (envelope, context) => (await open()).keyring.unwrap(envelope, context),
    },
    indexPersonnummer: async (personnummer) => (await open()).personnummerIndex.index(personnummer),
  }
}

async function importKeys(provider: RootKeyProvider, options: ServerKeysOptions): Promise<OpenKeys> {
  const { database, logger, production } = options
  const rootKeys = await provider.load()
  try {
    assertRootKeys(rootKeys)
    if (production) assertProductionKeys(rootKeys)
    const personnummerIndex = createPersonnummerIndex(rootKeys.indexKey)
    await personnummerIndex.keyId()
    const imported = await Promise.all(rootKeys.masterKeys.map(importEnvelopeKey))
    const masterKeys = imported as [EnvelopeKey, ...EnvelopeKey[]]
    const keyring = createKeyring(masterKeys, createWrapCount(database, masterKeys[0].id, logger))
    return { keyring, masterKeys, personnummerIndex }
  } finally {
    for (const bytes of [...rootKeys.masterKeys, rootKeys.indexKey]) bytes.fill(0)
  }
}
