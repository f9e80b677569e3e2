import { randomBytes } from 'node:crypto'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { describe, expect, inject, it } from 'vitest'
import { databaseEngines } from '../../../../tools/testing/database.ts'
import { readMigrations } from '../../../../tools/testing/migrations.ts'
import { type Migration, migrate } from '../db/migrate.ts'

interface Bare {
  query(text: string): Promise<Record<string, unknown>[]>
  migrate(migrations: readonly Migration[]): Promise<unknown>
  close(): Promise<void>
}

async function openPglite(): Promise<Bare> {
  const pglite = new PGlite()
  const query = async (text: string, parameters: readonly unknown[] = []) =>
    (await pglite.query<Record<string, unknown>>(text, [...parameters])).rows
  return {
    query,
    migrate: (migrations) => migrate({ run: (script) => pglite.exec(script), query }, migrations),
    close: () => pglite.close(),
  }
}

async function openPostgres(): Promise<Bare> {
  const name = `nokkel_before_${randomBytes(6).toString('hex')}`
  const admin = new pg.Client({ connectionString: inject('postgresUrl') })
  await admin.connect()
  await admin.query(`create database ${name}`)
  const url = new URL(inject('postgresUrl'))
  url.pathname = `/${name}`
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  const query = async (text: string, parameters: readonly unknown[] = []) =>
    (await client.query(text, [...parameters])).rows as Record<string, unknown>[]
  return {
    query,
    migrate: (migrations) => migrate({ run: (script) => client.query(script), query }, migrations),
    async close() {
      await client.end()
      await admin.query(`drop database ${name}`)
      await admin.end()
    },
  }
}

const open = { pglite: openPglite, postgres: openPostgres }

describe.each(databaseEngines)('a database of before there were two index keys [%s]', (engine) => {
  it('keeps its key as the present one, and who stands under it', async () => {
    const database = await open[engine]()
    const { migrations } = readMigrations()
    const at = migrations.findIndex(({ name }) => name === 'index_keys')
    await database.migrate(migrations.slice(0, at))
    await database.query(`insert into nokkel.index_key_version (key_id) values ('old')`)
    await database.query(
      `with person as (insert into public.app_user (auth_user_id, name) values (gen_random_uuid(), 'Kari') returning *)
      insert into public.user_identities
        (user_id, personnummer_index, personnummer_index_key, phone_index, email_index, contact_index_key)
      select auth_user_id, sha256('number'), 'old', sha256('phone'), sha256('email'), 'old' from person`,
    )
    const identities = () => database.query(`select i.* from public.user_identities i`)
    const before = await identities()
    expect(before).toHaveLength(1)

    await database.migrate(migrations.slice(at))
    expect(await identities()).toMatchObject(before)
    const states = () =>
      database.query(
        'select key_id, people::int, numbers::int, contacts::int, retired_at from nokkel.index_key_states()',
      )
    const old = { key_id: 'old', people: 1, numbers: 1, contacts: 1, retired_at: null }
    expect(await states()).toEqual([old])
    const register = async (...keyIds: string[]) => {
      const [row] = await database.query(`select nokkel.register_root_keys(
        array(select key_id from nokkel.master_key_version), '{}', '{}', '{${keyIds.join()}}') as registered`)
      return row?.registered
    }
    expect(await register('new')).toBe(false)
    expect(await register('old', 'new')).toBe(false)
    expect(await register('new', 'old')).toBe(true)
    expect(await states()).toEqual([old, { ...old, key_id: 'new', people: 0, numbers: 0, contacts: 0 }])
    await database.close()
  })
})
