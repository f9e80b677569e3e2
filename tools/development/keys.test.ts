import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNokkelServer, createProviderRegistry, givenRootKeys } from '@nokkel/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../testing/database.ts'
import { type DevelopmentKeys, generateDevelopmentKeys, openDevelopmentKeys } from './keys.ts'

describe('development keys', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'nokkel-development-keys-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it('are made once, and say what they are', () => {
    const file = join(directory, 'new', 'keys.json')
    const { keys, made } = openDevelopmentKeys(file)
    expect(made).toBe(true)
    expect(openDevelopmentKeys(file)).toEqual({ keys, made: false })
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(keys)
    for (const key of Object.values(keys)) expect(Buffer.from(key, 'hex').toString('latin1')).toMatch(/^development/)
    expect(new Set([keys, generateDevelopmentKeys()].flatMap((made) => Object.values(made))).size).toBe(4)
  })

  it('that are plain are read, too', () => {
    const file = join(directory, 'plain.json')
    const keys = { masterKey: '0f'.repeat(32), indexKey: '1f'.repeat(32) }
    writeFileSync(file, JSON.stringify(keys))
    expect(openDevelopmentKeys(file)).toEqual({ keys, made: false })
  })
})

describe.each(databaseEngines)('development keys [%s]', (engine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase(engine)
  })
  afterAll(() => database.close())

  const ready = ({ masterKey, indexKey }: DevelopmentKeys, mode: 'development' | 'production') =>
    createNokkelServer({
      database: database.server,
      publicUrl: 'https://keys.example.no',
      rootKeys: givenRootKeys({ masterKeys: [masterKey], indexKeys: [indexKey] }),
      providers: createProviderRegistry([]),
      mode,
      logger: () => undefined,
    }).ready()

  it('start in development, and in production neither one nor the other', async () => {
    const keys = generateDevelopmentKeys()
    const random = {
      masterKey: '000102030405060708090a0b0c0d0e0f'.repeat(2),
      indexKey: '101112131415161718191a1b1c1d1e1f'.repeat(2),
    }
    await ready(keys, 'development')
    await expect(ready({ ...random, masterKey: keys.masterKey }, 'production')).rejects.toThrow(
      /^A master key was made for development; .+\.$/,
    )
    await expect(ready({ ...random, indexKey: keys.indexKey }, 'production')).rejects.toThrow(
      /^An index key was made for development; .+\.$/,
    )
  })
})
