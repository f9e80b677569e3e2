import type { Context, EnvelopeKey } from '@nokkel/crypto'
import { decryptEnvelope, encryptEnvelope } from '@nokkel/crypto'
import type { Database } from '../db/database.ts'
import { registerRootKeys, selectRootKeyVersions } from './store.ts'

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
  readonly indexKeyId: string
}

/**
 * Makes sure that the keys are those this database was opened with; a new database takes them. A further master key is
 * taken beside those that are known, once every one of them has opened its check value.
 *
 * @throws {Error} A known key is missing or another one; nothing was written.
 */
export async function checkRootKeys(database: Database, { masterKeys, indexKeyId }: CheckedKeys): Promise<void> {
  for (;;) {
    const versions = await selectRootKeyVersions(database)
    await assertMasterKeys(versions.masterKeys, masterKeys)
    assertIndexKey(versions.indexKeyIds, indexKeyId)
    const verified = versions.masterKeys.map(({ keyId }) => keyId)
    const added = masterKeys.filter(({ id }) => !verified.includes(id))
    if (added.length === 0 && versions.indexKeyIds.length > 0) return
    const checkValues = await Promise.all(added.map((key) => encryptEnvelope(known, key, place(key.id))))
    const registered = await registerRootKeys(database, {
      verified,
      keyIds: added.map(({ id }) => id),
      checkValues,
      indexKeyId,
    })
    if (registered) return
  }
}

async function assertMasterKeys(
  versions: readonly { readonly keyId: string; readonly checkValue: Uint8Array }[],
  given: readonly EnvelopeKey[],
): Promise<void> {
  const missing = versions.filter(({ keyId }) => !given.some(({ id }) => id === keyId))
  if (missing.length > 0) {
    const ids = given.map(({ id }) => id).join(', ')
    throw new Error(
      `The master key is not the one this database was opened with: it needs ${keysWithIds(missing)}, and was given ${ids}.`,
    )
  }
  for (const { keyId, checkValue } of versions) {
    const key = given.find(({ id }) => id === keyId) as EnvelopeKey
    await decryptEnvelope(new Uint8Array(checkValue), key, place(keyId)).catch((cause) => {
      throw new Error(`The check value of the master key with id ${keyId} does not open: it was altered.`, { cause })
    })
  }
}

function assertIndexKey(known: readonly string[], given: string): void {
  const [expected = given] = known
  if (expected !== given) {
    throw new Error(
      `The index key is not the one this database was opened with: it needs the key with id ${expected}, and was given ${given}.`,
    )
  }
}

function keysWithIds(versions: readonly { readonly keyId: string }[]): string {
  const ids = versions.map(({ keyId }) => keyId)
  return ids.length === 1 ? `the key with id ${ids[0]}` : `the keys with ids ${ids.join(', ')}`
}
