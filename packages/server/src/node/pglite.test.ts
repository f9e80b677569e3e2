import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Migration, parseMigration } from '../db/migrate.ts'
import { SCHEMA_VERSION } from '../db/schema-version.ts'
import { readMigrations } from './migrations.ts'
import { openEmbeddedDatabase } from './pglite.ts'

describe('embedded database [pglite]', () => {
  let root: string
  let directory: string
  let migrations: readonly Migration[]
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'nokkel-pglite-'))
    directory = join(root, 'deep', 'data')
    migrations = await readMigrations(fileURLToPath(new URL('../../../../supabase/migrations', import.meta.url)))
  })
  afterAll(() => rmSync(root, { recursive: true }))

  const seed = `insert into public.organization (slug, name) values ('likeperson', 'Likeperson') on conflict do nothing`

  it('keeps what was written, migrates once and is locked while open', async () => {
    const first = await openEmbeddedDatabase({ directory, migrations, seed })
    await expect(openEmbeddedDatabase({ directory, migrations })).rejects.toThrow('in use by process')
    await first.close()
    expect(existsSync(`${directory}.lock`)).toBe(false)

    const second = await openEmbeddedDatabase({ directory, migrations, seed })
    const { rows } = await sql<{ slug: string }>`select slug from nokkel.organizations()`.execute(second.database)
    expect(rows).toEqual([{ slug: 'likeperson' }])
    await second.close()
  })

  it('is open as nokkel_server, which reads no table', async () => {
    const { database, close } = await openEmbeddedDatabase({ migrations })
    const { rows } = await sql`select current_user as "user"`.execute(database)
    expect(rows).toEqual([{ user: 'nokkel_server' }])
    await expect(sql`select from public.organization`.execute(database)).rejects.toMatchObject({ code: '42501' })
    await close()
  })

  it('keeps nothing of a migration that fails, lets go of the directory, and goes on after it is mended', async () => {
    const broken = join(root, 'broken')
    const bad = parseMigration('29991231000000_bad.sql', 'create table public.half (); select 1/0;')
    await expect(openEmbeddedDatabase({ directory: broken, migrations: [...migrations, bad] })).rejects.toThrow(
      'Migration 29991231000000_bad failed; nothing of it was kept.',
    )
    const { database, close } = await openEmbeddedDatabase({ directory: broken, migrations })
    const { rows } = await sql`select to_regclass('public.half') as half`.execute(database)
    expect(rows).toEqual([{ half: null }])
    await close()
  })

  it('has the schema the server was written for', () => {
    expect(migrations.at(-1)?.version).toBe(SCHEMA_VERSION)
  })
})
