import * as contract from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { dumpTables } from './testing/dump.ts'
import { createPair, type Pair } from './testing/pair.ts'

describe.each(databaseEngines)('a merge and its undo [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let pair: Pair
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    pair = await createPair(database, api)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  async function mergeAndUndo(survivor: string): Promise<void> {
    const params = { id: pair.duplicate }
    const before = await dumpTables(database)
    const preview = await api.call(contract.previewMerge, pair.administrator.claims, { params, query: { survivor } })
    expect(preview).toMatchObject({ status: 200 })
    expect(await dumpTables(database)).toEqual(before)
    const body = { survivor, digest: preview.body.digest }
    const merged = await api.call(contract.mergeAccounts, pair.administrator.claims, { params, body })
    expect(merged).toMatchObject({ status: 200, body: { state: 'merged', merge: { survivor } } })
    expect(await dumpTables(database)).not.toEqual(before)
    const undone = await api.call(contract.undoMerge, pair.deputy.claims, { params })
    expect(undone).toMatchObject({ status: 200, body: { state: 'open', merge: null } })
    expect(await dumpTables(database)).toEqual(before)
  }

  it('leave every table as it was, whichever account is kept', async () => {
    await mergeAndUndo(pair.survivor.id)
    await mergeAndUndo(pair.other.id)
  })

  it('say what moves, changes, ends and stays', async () => {
    const { id } = pair.survivor
    const call = { params: { id: pair.duplicate }, query: { survivor: id } }
    const { effects } = (await api.call(contract.previewMerge, pair.administrator.claims, call)).body
    expect(effects.map(({ what, effect, count }: contract.MergeEffect) => `${count} ${what} ${effect}`)).toEqual([
      '2 logins moves',
      '2 memberships moves',
      '2 roles_raised changes',
      '2 companies moves',
      '1 managed_keys moves',
      '4 project_keys moves',
      '3 projects_rekeyed changes',
      '1 opener_duties moves',
      '1 exclusions moves',
      '2 received_assignments moves',
      '1 personnummer moves',
      '1 contact moves',
      '2 sessions_ended ends',
      '1 devices_ended ends',
      '1 sent_assignments stays',
    ])
  })

  it('leave every table as it was where the account that is kept has no key and nothing known of it', async () => {
    const { id } = pair.survivor
    await sql`update public.app_user set public_key = null, encrypted_private_key = null where auth_user_id = ${id}::uuid`.execute(
      database.owner,
    )
    await sql`delete from public.user_key where user_id = ${id}::uuid`.execute(database.owner)
    await sql`delete from public.user_identities where user_id = ${id}::uuid`.execute(database.owner)
    await mergeAndUndo(id)
    await mergeAndUndo(pair.other.id)
  })
})
