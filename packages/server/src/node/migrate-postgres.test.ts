import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { migratePostgres, pendingPostgresMigrations } from './migrate-postgres.ts'
import { readMigrations } from './migrations.ts'

describe('migrate [postgres]', () => {
  const admin = inject('postgresUrl')
  let name: string
  let url: string
  const run = async (text: string, connectionString = admin) => {
    const client = new pg.Client({ connectionString })
    await client.connect()
    try {
      return (await client.query(text)).rows
    } finally {
      await client.end()
    }
  }
  beforeEach(async () => {
    name = `nokkel_migrate_${randomBytes(6).toString('hex')}`
    await run(`create database ${name}`)
    const target = new URL(admin)
    target.pathname = `/${name}`
    url = target.href
  })
  afterEach(() => run(`drop database ${name} with (force)`))
  const migrations = () => readMigrations(fileURLToPath(new URL('../../../../supabase/migrations', import.meta.url)))

  it('applies everything once, as the Supabase CLI records it', async () => {
    const all = await migrations()
    expect(await pendingPostgresMigrations(url, all)).toEqual(all)
    expect(await migratePostgres(url, all)).toEqual(all)
    expect(await migratePostgres(url, all)).toEqual([])
    const recorded = await run('select version, name from supabase_migrations.schema_migrations order by version', url)
    expect(recorded).toEqual(all.map(({ version, name }) => ({ version, name })))
  })

  it('applies everything once when two do it at the same time', async () => {
    const all = await migrations()
    const applied = await Promise.all([migratePostgres(url, all), migratePostgres(url, all)])
    expect(applied.map(({ length }) => length).sort((one, other) => one - other)).toEqual([0, all.length])
  })

  it('applies in order what another tool has left', async () => {
    const all = await migrations()
    await migratePostgres(url, all.slice(0, 2))
    expect(await migratePostgres(url, [...all].reverse())).toEqual(all.slice(2))
  })
})
