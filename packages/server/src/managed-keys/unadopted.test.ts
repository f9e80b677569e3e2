import * as contract from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createCompanyOf, createLoggedIn, readAudit, storeCompanyKey } from '../../../../tools/testing/managed-keys.ts'
import { createOrganization, type LoggedIn, refusalOf } from '../../../../tools/testing/people.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { sourceColumns } from '../../../../tools/testing/source-key.ts'
import { adoptKeys } from '../adoption/adopt.ts'
import { givenRootKeys } from '../keyring/root-keys.ts'
import { prepareKey } from './prepare-key.ts'
import { insertCompanyKey } from './store.ts'

const [first, second, third] = testPrivateKeys
const masterKey = '0123456789abcdef'.repeat(4)
const legacy = sourceColumns(first, masterKey, 'base64')

describe.each(databaseEngines)('a key of other software [%s]', (engine) => {
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

  const tables = { user: sql`public.app_user where auth_user_id`, company: sql`public.company where id` }
  async function leave(owner: 'user' | 'company', id: string): Promise<void> {
    const table = owner === 'user' ? sql`public.app_user` : sql`public.company`
    const column = owner === 'user' ? sql`auth_user_id` : sql`id`
    await sql`update ${table} set public_key = ${legacy.publicKey}, encrypted_private_key = ${legacy.encryptedPrivateKey}
      where ${column} = ${id}::uuid`.execute(database.owner)
  }
  async function columnOf(owner: 'user' | 'company', id: string): Promise<string | null | undefined> {
    const { rows } = await sql<{ text: string | null }>`
      select encrypted_private_key as text from ${tables[owner]} = ${id}::uuid`.execute(database.owner)
    return rows[0]?.text
  }
  const encrypt = ({ claims }: LoggedIn, text: string, replaces?: string) =>
    api.call(contract.cryptoService, claims, { body: { action: 'encrypt', text, ...(replaces && { replaces }) } })
  const adopt = async (ownerId: string) => {
    const rootKeys = givenRootKeys({ masterKeys: [masterKey], indexKeys: ['00'.repeat(32)] })
    const outcomes = await adoptKeys({ database: database.server, rootKeys, mode: 'development' })
    return outcomes.find((outcome) => outcome.ownerId === ownerId)?.outcome
  }

  it('of a person is not overwritten before it is adopted, and then replaced like any other', async () => {
    const person = await createLoggedIn(database, organization)
    await leave('user', person.id)
    expect(await encrypt(person, second)).toMatchObject({ status: 409, code: 'key_not_adopted' })
    expect(await columnOf('user', person.id)).toBe(legacy.encryptedPrivateKey)
    const refused = (await readAudit(database)).filter(
      ({ user, outcome }) => user === person.id && outcome === 'refused',
    )
    expect(refused).toMatchObject([{ action: 'user_key.create', problem: 'key_not_adopted' }])
    expect(await adopt(person.id)).toBe('adopted')
    const [adopted] = (await api.call(contract.listUserKeys, person.claims)).body.keys
    expect(await encrypt(person, second, adopted.id)).toMatchObject({ status: 200 })
  })

  it('of a company is not overwritten either', async () => {
    const person = await createLoggedIn(database, organization)
    const id = await createCompanyOf(database, organization, { [person.id]: 'administrator' })
    await leave('company', id)
    const key = await prepareKey(api.keyring, 'company', id, Buffer.from(second, 'base64'))
    const caller = { claims: person.claims, requestId: crypto.randomUUID() }
    const inserted = insertCompanyKey(database.server, caller, id, key, undefined)
    expect(await refusalOf(inserted)).toBe('key_not_adopted')
    expect(await columnOf('company', id)).toBe(legacy.encryptedPrivateKey)
    expect(await adopt(id)).toBe('adopted')
  })

  it('stays when the key that was there before it is given up', async () => {
    const person = await createLoggedIn(database, organization)
    const companyId = await createCompanyOf(database, organization, { [person.id]: 'administrator' })
    const id: string = (await encrypt(person, second)).body.keyId
    const key = await storeCompanyKey(database, api, companyId, third)
    await leave('user', person.id)
    await leave('company', companyId)
    expect(await encrypt(person, third, id)).toMatchObject({ status: 409, code: 'key_not_adopted' })
    expect(await api.call(contract.revokeUserKey, person.claims, { params: { id } })).toMatchObject({ status: 200 })
    const params = { companyId, id: key.id }
    expect(await api.call(contract.destroyCompanyKey, person.claims, { params })).toMatchObject({ status: 204 })
    expect(await columnOf('user', person.id)).toBe(legacy.encryptedPrivateKey)
    expect(await columnOf('company', companyId)).toBe(legacy.encryptedPrivateKey)
    expect([await adopt(person.id), await adopt(companyId)]).toEqual(['adopted', undefined])
  })
})
