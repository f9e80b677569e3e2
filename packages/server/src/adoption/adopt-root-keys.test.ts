import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestTables } from '../../../../tests/faults/testing/table-digests.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { developmentMark } from '../keyring/made-up-keys.ts'
import { generateRootKeys, type RootKeys } from '../keyring/root-keys.ts'
import { adoptKeys } from './adopt.ts'

describe.each(databaseEngines)('root keys of an adoption [%s]', (engine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase(engine)
  })
  afterAll(() => database.close())

  const adopt = (keys: RootKeys, options: { readonly dryRun?: boolean } = {}) =>
    adoptKeys({ database: database.server, rootKeys: { load: async () => structuredClone(keys) }, ...options })
  const refuses = async (adopting: () => Promise<unknown>, message: RegExp) => {
    const before = await digestTables(database)
    await expect(adopting()).rejects.toThrow(message)
    expect(await digestTables(database)).toEqual(before)
  }
  const obvious = { ...generateRootKeys(), masterKeys: [new Uint8Array(32).fill(1, 31)] }
  const ofDevelopment = generateRootKeys()
  ofDevelopment.masterKeys[0]?.set(developmentMark)

  it('are refused when a server in production would refuse them, before the database takes them', async () => {
    for (const options of [{}, { dryRun: true }]) {
      await refuses(() => adopt(obvious, options), /^A master key is not random/)
      await refuses(() => adopt(ofDevelopment, options), /^A master key was made for development/)
    }
  })

  it('are those of the database, also in a rehearsal, which takes none for it', async () => {
    const before = await digestTables(database)
    const keys = generateRootKeys()
    expect(await adopt(keys, { dryRun: true })).toEqual([])
    expect(await digestTables(database)).toEqual(before)
    expect(await adopt(keys)).toEqual([])
    expect(await adopt(keys, { dryRun: true })).toEqual([])
    const others = generateRootKeys()
    for (const dryRun of [true, false]) {
      await refuses(() => adopt(others, { dryRun }), /^The master key is not the one this database was opened with/)
      await refuses(() => adopt({ ...keys, indexKeys: others.indexKeys }, { dryRun }), /^The index key is not the one/)
    }
  })

  it('may be of development where the server is', async () => {
    const fresh = await createTestDatabase(engine)
    const rootKeys = { load: async () => structuredClone(ofDevelopment) }
    expect(await adoptKeys({ database: fresh.server, rootKeys, mode: 'development' })).toEqual([])
    await fresh.close()
  })
})
