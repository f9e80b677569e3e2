import * as contract from '@nokkel/contract'
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

  it('leave every table as it was', async () => {
    const params = { id: pair.duplicate }
    for (const survivor of [pair.survivor.id, pair.other.id]) {
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
  })
})
