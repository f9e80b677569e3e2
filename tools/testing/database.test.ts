import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from './database.ts'

describe.each(databaseEngines)('test database [%s]', (engine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase(engine)
  })
  afterAll(() => database.close())

  const identify = sql<{ session: string; role: string; superuser: string }>`
    select session_user as session, current_user as role, current_setting('is_superuser') as superuser`

  it('connects the server as nokkel_server, which is no superuser', async () => {
    const { rows } = await identify.execute(database.server)
    expect(rows).toEqual([{ session: 'nokkel_server', role: 'nokkel_server', superuser: 'off' }])
  })

  it('connects the owner as superuser, and leaves the server what it was', async () => {
    expect((await identify.execute(database.owner)).rows[0]?.superuser).toBe('on')
    expect((await identify.execute(database.server)).rows[0]?.superuser).toBe('off')
  })

  it('lets the server become authenticated, and nothing above itself', async () => {
    await database.server.transaction().execute(async (transaction) => {
      await sql`select set_config('role', 'authenticated', true)`.execute(transaction)
      expect((await identify.execute(transaction)).rows[0]?.role).toBe('authenticated')
    })
    for (const role of ['postgres', 'nokkel_owner', 'service_role']) {
      await expect(sql`select set_config('role', ${role}, false)`.execute(database.server)).rejects.toMatchObject({
        code: '42501',
      })
    }
  })

  it('has its own rows', async () => {
    const other = await createTestDatabase(engine)
    await sql`create table public.mark ()`.execute(other.owner)
    const { rows } = await sql`select from pg_class where relname = 'mark'`.execute(database.owner)
    expect(rows).toEqual([])
    await other.close()
  })
})
