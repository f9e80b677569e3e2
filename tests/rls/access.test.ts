import { randomBytes } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../tools/testing/database.ts'
import { expectedAccess, expectedFunctions } from './expected-access.ts'
import { hostileInserts, hostileUpdates, ownInsert, ownUpdate } from './rows.ts'
import { createSupabaseLikeDatabase } from './supabase.ts'
import {
  type Actor,
  type ActorName,
  actorNames,
  actorsOf,
  attempt,
  createWorld,
  type Outcome,
  type World,
} from './world.ts'

const databases = [
  ['pglite', () => createTestDatabase('pglite')],
  ['postgres', () => createTestDatabase('postgres')],
  ['supabase', createSupabaseLikeDatabase],
] as const

const tables = Object.keys(expectedAccess)
const X = 'refused'
const strangersToTables = ['anon', 'service_role', 'nokkel_server']

describe.each(databases)('access [%s]', (_engine, create) => {
  let database: TestDatabase
  let world: World
  let actors: Record<ActorName, Actor>
  beforeAll(async () => {
    database = await create()
    world = await createWorld(database)
    actors = actorsOf(world)
  })
  afterAll(() => database.close())

  const look = async <Row>(query: RawBuilder<Row>): Promise<Row[]> => (await query.execute(database.owner)).rows
  const columnsOf = async (table: string) =>
    (
      await look(sql<{ name: string; generated: boolean }>`
        select attname as name, attgenerated <> '' or attidentity = 'a' as generated from pg_attribute
        where attrelid = ${table}::regclass and attnum > 0 and not attisdropped order by attnum`)
    ).map(({ name, generated }) => ({ name, generated }))
  const outcomes = async (statement: (actor: ActorName) => RawBuilder<unknown>): Promise<Outcome[]> => {
    const all: Outcome[] = []
    for (const name of actorNames) all.push(await attempt(database, actors[name], statement(name)))
    return all
  }
  const expected = (cells: readonly Outcome[]): Outcome[] => [...cells, ...strangersToTables.map(() => '-' as const)]
  const nobodyAtAll = actorNames.map(() => '-')

  it('is stated for every table there is', async () => {
    const found = await look(sql<{ name: string }>`
      select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('public', 'nokkel') and c.relkind in ('r', 'p', 'v', 'm', 'f')`)
    expect(found.map(({ name }) => name).sort()).toEqual([...tables].sort())
  })

  it('is tried where every table has rows', async () => {
    for (const table of tables) expect(await look(sql`select from ${sql.table(table)}`), table).not.toEqual([])
  })

  describe.each(tables)('%s', (table) => {
    const access = expectedAccess[table] as (typeof expectedAccess)[string]
    const target = sql.table(table)

    it('select', async () => {
      expect(await outcomes(() => sql`select 1 from ${target}`)).toEqual(expected(access.select))
      for (const { name } of await columnsOf(table)) {
        const cells = access.hidden?.includes(name) ? nobodyAtAll : expected(access.select)
        expect(await outcomes(() => sql`select ${sql.id(name)} from ${target}`), name).toEqual(cells)
      }
    })

    it('insert', async () => {
      const row = (actor: ActorName) => ownInsert(table, world, actor) ?? sql`insert into ${target} default values`
      expect(await outcomes(row)).toEqual(expected(access.insert))
      for (const [name, statement] of hostileInserts(table, world)) {
        for (const actor of ['coordinator', 'stranger', 'member'] as const) {
          expect(await attempt(database, actors[actor], statement(actor)), `${name}, ${actor}`).toBe('refused')
        }
      }
    })

    it('update', async () => {
      for (const { name, generated } of await columnsOf(table)) {
        if (generated) continue
        const cells = access.updatable?.includes(name) ? expected(access.update) : nobodyAtAll
        const change = (actor: ActorName) =>
          ownUpdate(table, name, world, actor) ?? sql`update ${target} set ${sql.id(name)} = ${sql.id(name)}`
        expect(await outcomes(change), name).toEqual(cells)
      }
      for (const [name, actor, statement] of hostileUpdates(table, world)) {
        expect(await attempt(database, actors[actor], statement), name).toSatisfy(
          (outcome) => outcome === 'refused' || outcome === 0,
        )
      }
    })

    it('delete', async () => {
      expect(await outcomes(() => sql`delete from ${target}`)).toEqual(expected(access.delete))
    })

    it('truncate', async () => {
      expect(await outcomes(() => sql`truncate ${target}`)).toEqual(nobodyAtAll)
    })
  })

  it('lets each role execute exactly the stated functions', async () => {
    for (const [role, functions] of Object.entries(expectedFunctions)) {
      const found = await look(sql<{ name: string }>`
        select p.oid::regprocedure::text as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ('public', 'nokkel') and has_function_privilege(${role}, p.oid, 'execute')
          and has_schema_privilege(${role}, n.oid, 'usage')`)
      expect(found.map(({ name }) => name).sort(), role).toEqual([...functions].sort())
    }
  })

  it('gives data through functions only in a live session, and only of those one deals with', async () => {
    const { coordinator, member, former } = world
    const company = sql`${world.company}::uuid`
    const rfx = sql`${world.rfx}::uuid`
    const later = sql`now() + interval '1 hour'`
    const everyone = sql`array[${coordinator.id}::uuid, ${member.id}::uuid, ${former.id}::uuid]`
    const calls: [string, RawBuilder<unknown>, Outcome[]][] = [
      ['active_devices', sql`select from nokkel.active_devices(${everyone})`, [1, 3, 0, 0, 0, 0, 0]],
      [
        'hold_devices',
        sql`select from nokkel.hold_devices(${world.organization}::uuid, ${everyone})`,
        [1, 3, 0, 0, 0, 0, 0],
      ],
      [
        'deliveries',
        sql`select from nokkel.deliveries(array[${coordinator.assignmentId}::uuid])`,
        [0, 2, 0, 0, 0, 0, 0],
      ],
      [
        'received_chunks',
        sql`select from nokkel.received_chunks(array[${coordinator.sentBlobId}::uuid, ${coordinator.pendingBlobId}::uuid])`,
        [0, 2, 0, 0, 0, 0, 0],
      ],
      ['my_session', sql`select from nokkel.my_session()`, [1, 1, 1, 0, 0, 0, 0]],
      ['my_sessions', sql`select from nokkel.my_sessions()`, [1, 2, 2, 0, 0, 0, 0]],
      ['device_id', sql`select from nokkel.device_id() d where d is not null`, [1, 1, 1, 0, 0, 0, 0]],
      ['signs_here', sql`select where nokkel.signs_here(${coordinator.signingThumbprint})`, [0, 1, 0, 0, 0, 0, 0]],
      [
        'revoke_device',
        sql`select where nokkel.revoke_device(${coordinator.otherDeviceId}::uuid)`,
        [0, 1, 0, 0, 0, 0, 0],
      ],
      [
        'end_session',
        sql`select where nokkel.end_session(${coordinator.claims.sid}::uuid, 'revoked')`,
        [0, 1, 0, 0, 0, 0, 0],
      ],
      ['end_other_sessions', sql`select where nokkel.end_other_sessions() > 0`, [0, 1, 1, 0, 0, 0, 0]],
      ['my_biometrics', sql`select from nokkel.my_biometrics()`, [1, 1, 0, 0, 0, 0, 0]],
      [
        'enroll_biometrics',
        sql`select nokkel.enroll_biometrics(${randomBytes(32)}::bytea, null)`,
        [1, 1, 1, X, X, X, X],
      ],
      ['remove_biometrics', sql`select nokkel.remove_biometrics(null)`, [1, 1, X, X, X, X, X]],
      ['my_logins', sql`select from nokkel.my_logins()`, [1, 2, 1, 0, 0, 0, 0]],
      ['my_consents', sql`select from nokkel.my_consents()`, [1, 1, 1, 0, 0, 0, 0]],
      ['withdraw_consent', sql`select nokkel.withdraw_consent(${world.consent}::uuid, null)`, [X, 1, X, X, X, X, X]],
      ['decline_personnummer', sql`select nokkel.decline_personnummer(null)`, [X, 1, X, X, X, X, X]],
      ['upsert_identity', sql`select nokkel.upsert_identity()`, [1, 1, 1, X, X, X, X]],
      ['mark_bankid_verified', sql`select public.mark_bankid_verified(${coordinator.id}::uuid)`, [X, 1, X, X, X, X, X]],
      ['former_ids', sql`select from unnest(nokkel.former_ids())`, [0, 1, 0, 0, 0, 0, 0]],
      ['remove_login', sql`select nokkel.remove_login(${world.login}::uuid, null)`, [X, 1, X, X, X, X, X]],
      ['user_keys', sql`select from nokkel.user_keys()`, [1, 2, 1, 0, 0, 0, 0]],
      ['companies', sql`select from nokkel.companies(null, false, null, null, null, 100)`, [2, 2, 1, 0, 0, 0, 0]],
      ['own companies', sql`select from nokkel.companies(null, true, null, null, null, 100)`, [1, 1, 1, 0, 0, 0, 0]],
      ['company_role', sql`select where nokkel.company_role(${company}) is not null`, [1, 1, 0, 0, 0, 0, 0]],
      ['company_members', sql`select from nokkel.company_members(${company})`, [3, 3, 0, 0, 0, 0, 0]],
      ['company_keys', sql`select from nokkel.company_keys(${company})`, [2, 2, 0, 0, 0, 0, 0]],
      ['create_company', sql`select nokkel.create_company('Ny', null, null)`, [X, 1, 1, X, X, X, X]],
      [
        'invite_to_company',
        sql`select nokkel.invite_to_company(${company}, 'member', sha256('new'), null)`,
        [X, 1, X, X, X, X, X],
      ],
      ['join_company', sql`select nokkel.join_company(${world.invitation}::bytea, null)`, [1, 1, X, X, X, X, X]],
      [
        'change_company_member',
        sql`select nokkel.change_company_member(${company}, ${member.id}::uuid, 'administrator', null)`,
        [X, 1, X, X, X, X, X],
      ],
      [
        'remove_company_member',
        sql`select nokkel.remove_company_member(${company}, ${member.id}::uuid, null)`,
        [1, 1, X, X, X, X, X],
      ],
      ['my_rfxs', sql`select from nokkel.my_rfxs(null, null, null, 100)`, [2, 2, 1, 0, 0, 0, 0]],
      ['my_rfx_groups', sql`select from nokkel.my_rfx_groups(${rfx}, null)`, [2, 2, 0, 0, 0, 0, 0]],
      ['rfx_manifests', sql`select from nokkel.rfx_manifests(array[${rfx}])`, [1, 1, 0, 0, 0, 0, 0]],
      ['rfx_versions', sql`select from nokkel.rfx_versions(array[${rfx}])`, [1, 1, 0, 0, 0, 0, 0]],
      ['rfx_recipients', sql`select from nokkel.rfx_recipients(${rfx}, false, null, null, 100)`, [5, 5, 0, 0, 0, 0, 0]],
      ['rfx_coverage', sql`select from nokkel.rfx_coverage(${rfx}) where wrapped + missing > 0`, [1, 1, 0, 0, 0, 0, 0]],
      ['rfx_parties', sql`select from nokkel.rfx_parties(${rfx})`, [3, 3, 0, 0, 0, 0, 0]],
      ['rfx_entries', sql`select from nokkel.rfx_entries(${rfx}, null, null, 100)`, [1, 1, 0, 0, 0, 0, 0]],
      ['rfx_people', sql`select from nokkel.rfx_people(${rfx}, ${everyone})`, [2, 2, 0, 0, 0, 0, 0]],
      [
        'rfx_signers',
        sql`select from nokkel.rfx_signers(${rfx}, array[${coordinator.signingThumbprint}])`,
        [1, 1, 0, 0, 0, 0, 0],
      ],
      ['rfx_role', sql`select where nokkel.rfx_role(${rfx}) is not null`, [1, 1, 0, 0, 0, 0, 0]],
      ['is_rfx_member', sql`select where nokkel.is_rfx_member(${rfx})`, [1, 1, 0, 0, 0, 0, 0]],
      ['is_rfx_client', sql`select where nokkel.is_rfx_client(${rfx})`, [1, 1, 0, 0, 0, 0, 0]],
      ['i_may_wrap_rfx', sql`select where nokkel.i_may_wrap_rfx(${rfx})`, [1, 1, 0, 0, 0, 0, 0]],
      ['may_name_openers', sql`select where nokkel.may_name_openers(${rfx})`, [0, 1, 0, 0, 0, 0, 0]],
      ['my_rfx_faults', sql`select from nokkel.my_rfx_faults(${rfx})`, [7, 7, X, X, X, X, X]],
      ['developers', sql`select from nokkel.developers()`, [0, 0, 0, 0, 0, 0, 0]],
      ['set_developer', sql`select nokkel.set_developer(${member.id}::uuid, true, null)`, [X, X, X, X, X, X, X]],
      ['delete_rfx', sql`select nokkel.delete_rfx(${rfx}, null)`, [X, X, X, X, X, X, X]],
      ['change_rfx_status', sql`select nokkel.change_rfx_status(${rfx}, 'closed', null, null)`, [1, 1, X, X, X, X, X]],
      ['set_rfx_deadline', sql`select nokkel.set_rfx_deadline(${rfx}, ${later}, null)`, [X, X, X, X, X, X, X]],
      ['invite_to_rfx', sql`select nokkel.invite_to_rfx(${rfx}, ${company}, null)`, [X, X, X, X, X, X, X]],
      [
        'exclude_from_rfx',
        sql`select nokkel.exclude_from_rfx(${rfx}, ${world.colleague.id}::uuid, null)`,
        [1, 1, X, X, X, X, X],
      ],
      [
        'readmit_to_rfx',
        sql`select nokkel.readmit_to_rfx(${rfx}, ${world.ended.id}::uuid, null)`,
        [1, 1, X, X, X, X, X],
      ],
      ['name_opener', sql`select nokkel.name_opener(${rfx}, ${member.id}::uuid, null)`, [X, 1, X, X, X, X, X]],
      [
        'dismiss_opener',
        sql`select nokkel.dismiss_opener(${rfx}, ${coordinator.id}::uuid, null)`,
        [X, X, X, X, X, X, X],
      ],
      ['create_rfx', sql`select nokkel.create_rfx(gen_random_uuid(), ${company}, '{}', null)`, [1, 1, X, X, X, X, X]],
      [
        'create_rfx_group',
        sql`select nokkel.create_rfx_group(gen_random_uuid(), ${rfx}, 'bidder', ${company}, '{}', null)`,
        [X, X, X, X, X, X, X],
      ],
      [
        'begin_rfx_version',
        sql`select nokkel.begin_rfx_version(${rfx}, gen_random_uuid(), 2, ${Buffer.alloc(80)}::bytea, null)`,
        [X, 1, X, X, X, X, X],
      ],
      [
        'activate_rfx_version',
        sql`select nokkel.activate_rfx_version(${rfx}, gen_random_uuid(), '{}', null)`,
        [X, X, X, X, X, X, X],
      ],
      [
        'administered_organization',
        sql`select where nokkel.administered_organization() is not null`,
        [0, 0, 0, 0, 0, 0, 0],
      ],
      ['vipps_usage', sql`select from nokkel.vipps_usage()`, [0, 0, 0, 0, 0, 0, 0]],
      ['vipps_refused_at', sql`select where nokkel.vipps_refused_at() is not null`, [0, 0, 0, 0, 0, 0, 0]],
      ['bankid_refused_at', sql`select where nokkel.bankid_refused_at() is not null`, [0, 0, 0, 0, 0, 0, 0]],
      ['require_own_organization', sql`select nokkel.require_own_organization()`, [X, X, X, X, X, X, X]],
      ['put_vipps_cost', sql`select nokkel.put_vipps_cost('c', 1, 1, null)`, [X, X, X, X, X, X, X]],
      ['put_minimum_assurance', sql`select nokkel.put_minimum_assurance('high', null)`, [X, X, X, X, X, X, X]],
      ['report_broken_rfx_wrap', sql`select nokkel.report_broken_rfx_wrap(${rfx}, 1, null)`, [1, 1, X, X, X, X, X]],
    ]
    for (const [name, statement, cells] of calls) {
      expect(await outcomes(() => statement), name).toEqual(expected(cells))
    }
  })

  it('lets not even its owner change or remove what the audit log tells', async () => {
    const owner: Actor = { login: 'nokkel_owner' }
    const log = sql`nokkel.audit_log`
    expect(await attempt(database, owner, sql`select from ${log}`)).toBe(1)
    expect(await attempt(database, owner, sql`select nokkel.audit(null, null, 'new', null, null, null, null)`)).toBe(1)
    const changes = [
      sql`update ${log} set outcome = 'allowed'`,
      sql`insert into ${log} (action, outcome) values ('new', 'allowed') on conflict (id) do update set action = 'changed'`,
      sql`delete from ${log}`,
      sql`truncate ${log}`,
      sql`truncate ${log} cascade`,
      sql`create trigger t before insert on ${log} for each row execute function nokkel.give_pseudonym()`,
    ]
    for (const change of changes) expect(await attempt(database, owner, change)).toBe('-')
  })
})
