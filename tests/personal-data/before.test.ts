import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type MigrationConnection, migrate } from '../../packages/server/src/db/migrate.ts'
import { readMigrations } from '../../tools/testing/migrations.ts'

/** The last one before consents were rows. */
const before = '20261121110300'

describe('a database from before consents were rows', () => {
  let pglite: PGlite
  let connection: MigrationConnection
  beforeAll(async () => {
    pglite = new PGlite()
    connection = {
      run: (script) => pglite.exec(script),
      query: async (statement, parameters) =>
        (await pglite.query<Record<string, unknown>>(statement, [...parameters])).rows,
    }
  })
  afterAll(() => pglite.close())

  it('gets of each person with something held the newest yes to each organisation, and the subject of Vipps', async () => {
    const { migrations } = readMigrations()
    await migrate(
      connection,
      migrations.filter(({ version }) => version <= before),
    )
    await pglite.exec(`
      insert into public.organization (id, slug, name) values
        ('00000000-0000-4000-8000-000000000001', 'en', 'En'), ('00000000-0000-4000-8000-000000000002', 'to', 'To');
      insert into public.app_user (auth_user_id, name) values
        ('00000000-0000-4000-8000-00000000000a', 'Kari'), ('00000000-0000-4000-8000-00000000000b', 'Ola');
      insert into public.external_identity (provider, client_id, subject, user_id) values
        ('vipps', 'client', 'kari-vipps', '00000000-0000-4000-8000-00000000000a');
      insert into public.user_identities (user_id, phone_index, contact_index_key) values
        ('00000000-0000-4000-8000-00000000000a', sha256('phone'), 'key'), ('00000000-0000-4000-8000-00000000000b', null, null);
      select nokkel.audit(o.id, u.auth_user_id, 'login.consent', 'consent', said, null, null)
      from (values
        (1, 'en', 'Kari', 'v1:name,phoneNumber,email,address'),
        (2, 'en', 'Kari', 'v2:name,phoneNumber,email,address,personnummer'),
        (3, 'to', 'Kari', 'v1:name,birthDate'),
        (4, 'en', 'Ola', 'v1:name,phoneNumber,email,address')) s (n, slug, name, said)
      join public.organization o on o.slug = s.slug join public.app_user u on u.name = s.name order by n;`)
    await migrate(connection, migrations)
    const { rows } = await pglite.query(`
      select u.name, o.slug, c.purpose, c.shares, c.text_version, c.given_at <= now() as given, c.withdrawn_at, c.replaced_at
      from public.consent c join public.app_user u on u.auth_user_id = c.user_id
      join public.organization o on o.id = c.organization_id order by c.purpose`)
    const common = { name: 'Kari', slug: 'en', text_version: 'v2', given: true, withdrawn_at: null, replaced_at: null }
    expect(rows).toEqual([
      { ...common, purpose: 'contact', shares: ['phoneNumber', 'email', 'address'] },
      { ...common, purpose: 'recognition', shares: ['personnummer'] },
    ])
    const { rows: identities } = await pglite.query(`
      select u.name, i.vipps_sub, i.personnummer from public.user_identities i
      join public.app_user u on u.auth_user_id = i.user_id order by u.name`)
    expect(identities).toEqual([
      { name: 'Kari', vipps_sub: 'kari-vipps', personnummer: null },
      { name: 'Ola', vipps_sub: null, personnummer: null },
    ])
  })
})
