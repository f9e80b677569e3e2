import { importEnvelopeKey, type KeyOwner } from '@nokkel/crypto'
import type { Database } from '../db/database.ts'
import { checkSchema } from '../db/schema-version.ts'
import type { RootKeyProvider } from '../keyring/root-keys.ts'
import { createServerKeys } from '../keyring/server-keys.ts'
import { prepareKey } from '../managed-keys/prepare-key.ts'
import { AdoptionError, type AdoptionProblem, type LegacyKey, openLegacyKey } from './legacy-blob.ts'
import { auditFailed, selectAdoptable, storeAdopted } from './store.ts'

export interface AdoptKeysOptions {
  /** Connected as `nokkel_server`. */
  readonly database: Database
  readonly rootKeys: RootKeyProvider
  /** The key the other system wrapped with, 32 bytes; overwritten. Default: our own first master key. */
  readonly legacyKey?: Uint8Array<ArrayBuffer>
  /** Opens and checks everything, and writes nothing. Default `false`. */
  readonly dryRun?: boolean
  /** Of the server that has the same root keys. Default `production`, in which they must be random. */
  readonly mode?: 'development' | 'production'
  /** Told of each owner as it is done. */
  readonly onOutcome?: (outcome: AdoptionOutcome) => void
}

/** What became of the key of one owner. */
export interface AdoptionOutcome {
  readonly owner: KeyOwner
  readonly ownerId: string
  /** `adopted`, in a dry run `adoptable`, or why not. */
  readonly outcome: 'adopted' | 'adoptable' | AdoptionProblem
  /** RFX wraps of theirs that are known to be to this key now. */
  readonly wraps: number
}

const pageSize = 100
const atOnce = 4

/**
 * Takes over the private keys that another EKM-05 system has wrapped plainly, as `{data, iv}` in the columns
 * `encrypted_private_key`: each is opened, checked against the public key beside it, bound to its owner under our master
 * key, and becomes their active key. One transaction for each owner, so it may be stopped anywhere and run again; what
 * cannot be adopted is told, stays as it is, and holds nothing up.
 *
 * @returns Each outcome, users first, by id.
 * @throws {Error} The database or the root keys cannot be used; nothing was changed.
 */
export async function adoptKeys(options: AdoptKeysOptions): Promise<readonly AdoptionOutcome[]> {
  const { database, rootKeys, legacyKey, dryRun = false, mode = 'production', onOutcome = () => undefined } = options
  await checkSchema(database)
  const keys = createServerKeys(rootKeys, { database, logger: () => undefined, production: mode === 'production' })
  const { masterKeys } = await keys.load()
  const masterKey = legacyKey ? (await importEnvelopeKey(legacyKey)).key : masterKeys[0].key
  legacyKey?.fill(0)
  await (dryRun ? keys.verify() : keys.check())
  const runId = crypto.randomUUID()

  async function adopt(legacy: LegacyKey): Promise<AdoptionOutcome> {
    const { owner, ownerId } = legacy
    try {
      const bytes = await openLegacyKey(legacy, masterKey)
      if (dryRun) {
        bytes.fill(0)
        return { owner, ownerId, outcome: 'adoptable', wraps: 0 }
      }
      const key = await prepareKey(keys.keyring, owner, ownerId, bytes)
      const { outcome, wraps } = await storeAdopted(database, legacy, key, runId)
      if (outcome !== 'adopted') await auditFailed(database, legacy, outcome, runId)
      return { owner, ownerId, outcome, wraps }
    } catch (cause) {
      if (!(cause instanceof AdoptionError)) throw cause
      if (!dryRun) await auditFailed(database, legacy, cause.code, runId)
      return { owner, ownerId, outcome: cause.code, wraps: 0 }
    }
  }

  const outcomes: AdoptionOutcome[] = []
  for (const owner of ['user', 'company'] as const) {
    for await (const legacy of allAdoptable(database, owner)) {
      const done = await Promise.all(legacy.map(adopt))
      for (const outcome of done) onOutcome(outcome)
      outcomes.push(...done)
    }
  }
  return outcomes
}

/** In groups to be worked on together. What cannot be adopted stays in the list, so it is walked and not emptied. */
async function* allAdoptable(database: Database, owner: KeyOwner): AsyncIterable<readonly LegacyKey[]> {
  for (let after: string | null = null; ; ) {
    const page: readonly LegacyKey[] = await selectAdoptable(database, owner, after, pageSize)
    for (let at = 0; at < page.length; at += atOnce) yield page.slice(at, at + atOnce)
    if (page.length < pageSize) return
    after = page.at(-1)?.ownerId ?? null
  }
}
