import * as contract from '@nokkel/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoginSystem, type LoginSystem } from '../../../../tools/testing/login.ts'

const operations = Object.entries({
  beginLogin: contract.beginLogin,
  completeLogin: contract.completeLogin,
  continueLogin: contract.continueLogin,
  beginLink: contract.beginLink,
  completeLink: contract.completeLink,
  putLoginSettings: contract.putLoginSettings,
  putVippsSettings: contract.putVippsSettings,
  putVippsCost: contract.putVippsCost,
  mergeAccounts: contract.mergeAccounts,
})

describe.each(databaseEngines)('bodies of a login and its administration [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  let token: string
  let signing: CryptoKeyPair
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database)
    const login = await system.logIn('bankid')
    token = login.tokens.accessToken
    signing = login.signing
  })
  afterAll(async () => {
    await system.close()
    await database.close()
  })

  it.each(operations)('of %s are refused when they are too large, or hold something else', async (_name, operation) => {
    const path = operation.path.replace('{id}', crypto.randomUUID())
    const proof = operation.needsDpop ? { signing } : { token }
    const send = (body: unknown) => system.request(operation.method.toUpperCase(), path, { ...proof, body })
    expect(await send({ filler: 'x'.repeat(70_000) })).toMatchObject({ status: 413, body: { code: 'body_too_large' } })
    for (const body of [{ filler: 'x' }, []]) {
      expect(await send(body)).toMatchObject({ status: 400, body: { code: 'request_malformed' } })
    }
  })
})
