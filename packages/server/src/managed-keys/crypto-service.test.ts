import { cryptoService } from '@nokkel/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createOrganization, createPerson, type LoggedIn, logIn } from '../../../../tools/testing/people.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'

describe.each(databaseEngines)('crypto-service [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let organization: string
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    organization = await createOrganization(database)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const newcomer = async (): Promise<LoggedIn> =>
    logIn(database, organization, await createPerson(database, organization))
  const ask = (person: LoggedIn, body: unknown) => api.call(cryptoService, person.claims, { body })
  const [text] = testPrivateKeys

  it('wraps, stores and opens a key of one’s own', async () => {
    const kari = await newcomer()
    const stored = await ask(kari, { action: 'encrypt', text })
    expect(stored).toMatchObject({ status: 200 })
    const { data, iv } = stored.body
    expect(await ask(kari, { action: 'decrypt', data, iv })).toMatchObject({ status: 200, body: { text } })
    expect(await ask(await newcomer(), { action: 'decrypt', data, iv })).toMatchObject({ code: 'open_refused' })
  })
})
