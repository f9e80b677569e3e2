import type { Context, EnvelopeKey } from '@nokkel/crypto'
import { decryptEnvelope, encryptEnvelope } from '@nokkel/crypto'
import type { Database } from '../db/database.ts'
import {
  type KnownIndexKey,
  type KnownMasterKey,
  type MasterKeyRows,
  type RootKeyVersions,
  registerRootKeys,
  selectMasterKeyRows,
  selectRootKeyVersions,
} from './store.ts'

const known = new TextEncoder().encode('nokkel/master-key-check/v1')

const place = (keyId: string): Context => ({
  purpose: 'master-key-check',
  table: 'master_key_version',
  column: 'check_value',
  row: keyId,
  owner: 'server',
})

export interface CheckedKeys {
  readonly masterKeys: readonly EnvelopeKey[]
  /** The present one, and the previous one while there is one. */
  readonly indexKeyIds: readonly string[]
}

/**
 * Makes sure that the keys are those this database was opened with; a new database takes them. A further master key is
 * taken beside those that are known, and one that protects nothing any more may be left out: it is retired. A further index
 * key is taken only together with the one before it, and one that is retired may be left out.
 *
 * @throws {Error} None of the known keys is given, one that is needed is missing, or one is not what it was; nothing was
 *   written.
 */
export async function checkRootKeys(database: Database, keys: CheckedKeys): Promise<void> {
  const { masterKeys, indexKeyIds } = keys
  for (;;) {
    const versions = await verifyRootKeys(database, keys)
    const verified = versions.masterKeys.filter((version) => isAmong(masterKeys, version))
    const added = masterKeys.filter(({ id }) => !verified.some(({ keyId }) => keyId === id))
    const settled = versions.masterKeys.every((version) => version.retired !== verified.includes(version))
    const indexed = versions.indexKeys.some(({ keyId }) => keyId === indexKeyIds[0])
    if (added.length === 0 && settled && indexed) return
    const checkValues = await Promise.all(added.map((key) => encryptEnvelope(known, key, place(key.id))))
    const registered = await registerRootKeys(database, {
      verified: verified.map(({ keyId }) => keyId),
      keyIds: added.map(({ id }) => id),
      checkValues,
      indexKeyIds,
    })
    if (registered) return
  }
}

/**
 * As {@link checkRootKeys}, and writes nothing.
 *
 * @returns What the database knows.
 */
export async function verifyRootKeys(
  database: Database,
  { masterKeys, indexKeyIds }: CheckedKeys,
): Promise<RootKeyVersions> {
  const versions = await selectRootKeyVersions(database)
  const left = versions.masterKeys.filter((version) => !isAmong(masterKeys, version))
  if (left.length > 0) assertUnused(left, await selectMasterKeyRows(database), versions, masterKeys)
  for (const { keyId, checkValue } of versions.masterKeys) {
    const key = masterKeys.find(({ id }) => id === keyId)
    if (key) await assertCheckValue(checkValue, key)
  }
  assertIndexKeys(versions.indexKeys, indexKeyIds)
  return versions
}

const isAmong = (given: readonly EnvelopeKey[], { keyId }: KnownMasterKey): boolean =>
  given.some(({ id }) => id === keyId)

/** Where every known key is left out, the keys are those of something else, also while nothing is protected yet. */
function assertUnused(
  left: readonly KnownMasterKey[],
  rows: readonly MasterKeyRows[],
  { masterKeys }: RootKeyVersions,
  given: readonly EnvelopeKey[],
): void {
  const used = left.filter(({ keyId }) => rows.some((row) => row.keyId === keyId))
  const needed = used.length > 0 || left.length < masterKeys.length ? used : left.filter(({ retired }) => !retired)
  if (needed.length === 0) return
  const each = needed.map(({ keyId }) => `${keyId}${describeRows(rows.filter((row) => row.keyId === keyId))}`)
  const names = `${each.length === 1 ? 'the key with id' : 'the keys with ids'} ${each.join(', ')}`
  const ids = given.map(({ id }) => id).join(', ')
  throw new Error(
    `The master key is not the one this database was opened with: it needs ${names}, and was given ${ids}.`,
  )
}

function describeRows(rows: readonly MasterKeyRows[]): string {
  const counts = rows.map(({ table, count }) => `${count} ${table.replaceAll('_', ' ')}${count === 1 ? '' : 's'}`)
  return counts.length === 0 ? '' : ` (for ${counts.join(', ')})`
}

async function assertCheckValue(checkValue: Uint8Array, key: EnvelopeKey): Promise<void> {
  await decryptEnvelope(new Uint8Array(checkValue), key, place(key.id)).catch((cause) => {
    throw new Error(`The check value of the master key with id ${key.id} does not open: it was altered.`, { cause })
  })
}

/** Of versions that are not retired each must be given, the newest first, unless another one is to come after it. */
function assertIndexKeys(known: readonly KnownIndexKey[], given: readonly string[]): void {
  if (known.length === 0) return
  const [present = '', previous] = given
  const isKnown = (id: string | undefined) => known.some(({ keyId }) => keyId === id)
  const needed = known
    .filter(({ retired }) => !retired)
    .map(({ keyId }) => keyId)
    .reverse()
  if (!needed.every((id) => given.includes(id))) {
    const names = `${needed.length === 1 ? 'the key with id' : 'the keys with ids'} ${needed.join(', ')}`
    throw new Error(
      `The index key is not the one this database was opened with: it needs ${names}, and was given ${given.join(', ')}.`,
    )
  }
  if (present !== needed[0] && isKnown(present)) {
    throw new Error(`The index key with id ${present} is an older one: the one with id ${needed[0]} comes first.`)
  }
  if (previous !== undefined && !isKnown(previous)) {
    throw new Error(`The previous index key, with id ${previous}, is none that this database knows.`)
  }
}
