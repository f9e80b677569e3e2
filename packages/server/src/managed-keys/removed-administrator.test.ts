import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createCompanyOf, createLoggedIn, storeCompanyKey } from '../../../../tools/testing/managed-keys.ts'
import { createOrganization, refusalOf } from '../../../../tools/testing/people.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import type { Caller } from '../audit/caller.ts'
import { beginRewrap, destroyKey, type KeyPlace, revokeKey } from './lifecycle-store.ts'
import { prepareKey } from './prepare-key.ts'
import { insertCompanyKey } from './store.ts'

const [first, second] = testPrivateKeys

describe('an administrator who is being removed', () => {
  let database: TestDatabase
  let api: TestApi
  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    api = await createTestApi(database)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  async function untilSomebodyWaits(): Promise<void> {
    const waits = async () =>
      (
        await sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
          database.owner,
        )
      ).rows.length > 0
    while (!(await waits())) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  const acts: Record<string, (caller: Caller, place: KeyPlace & { companyId: string }) => Promise<unknown>> = {
    'replace the key of the company': async (caller, { companyId, keyId }) => {
      const key = await prepareKey(api.keyring, 'company', companyId, Buffer.from(second, 'base64'))
      return insertCompanyKey(database.server, caller, companyId, key, keyId)
    },
    'mark it as compromised': (caller, place) => revokeKey(database.server, caller, place),
    'destroy it': (caller, place) => destroyKey(database.server, caller, place),
    'move its wraps': (caller, place) => beginRewrap(database.server, caller, place, null, 1),
  }

  it.each(Object.keys(acts))('cannot %s meanwhile', async (name) => {
    const organization = await createOrganization(database)
    const person = await createLoggedIn(database, organization)
    const companyId = await createCompanyOf(database, organization, { [person.id]: 'administrator' })
    const { id: keyId } = await storeCompanyKey(database, api, companyId, first)
    const caller = { claims: person.claims, requestId: crypto.randomUUID() }
    const refused = await database.owner.transaction().execute(async (removal) => {
      await sql`select from public.company where id = ${companyId}::uuid for no key update`.execute(removal)
      await sql`delete from public.company_member where company_id = ${companyId}::uuid`.execute(removal)
      const refusal = refusalOf(acts[name]?.(caller, { companyId, keyId }) ?? Promise.resolve())
      await untilSomebodyWaits()
      return { refusal }
    })
    expect(await refused.refusal).toBe('not_found')
  })
})
