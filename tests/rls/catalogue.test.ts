import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../tools/testing/database.ts'
import { createSupabaseLikeDatabase } from './supabase.ts'

const databases = [
  ['pglite', () => createTestDatabase('pglite')],
  ['postgres', () => createTestDatabase('postgres')],
  ['supabase', createSupabaseLikeDatabase],
] as const

describe.each(databases)('catalogue [%s]', (_engine, create) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await create()
  })
  afterAll(() => database.close())

  /** The names a query finds: each of these must find none. */
  const find = async (query: ReturnType<typeof sql<{ name: string }>>) =>
    (await query.execute(database.owner)).rows.map(({ name }) => name)
  const ours = sql`select oid from pg_namespace where nspname in ('public', 'nokkel')`

  it('has row level security enabled and forced on every table', async () => {
    const tables = sql`relnamespace in (${ours}) and relkind in ('r', 'p')`
    expect(
      await find(sql`select relname as name from pg_class
        where ${tables} and not (relrowsecurity and relforcerowsecurity)`),
    ).toEqual([])
    expect((await find(sql`select relname as name from pg_class where ${tables}`)).length).toBeGreaterThan(15)
  })

  it('lets nobody in without a live session', async () => {
    expect(
      await find(sql`
        select c.relname as name from pg_class c
        where c.relnamespace in (${ours}) and c.relkind in ('r', 'p')
          and exists (
            select from pg_policy p where p.polrelid = c.oid and p.polpermissive and p.polroles <> array['nokkel_owner'::regrole::oid]
          )
          and not exists (
            select from pg_policy p where p.polrelid = c.oid and not p.polpermissive and p.polcmd = '*'
              and p.polroles = array['authenticated'::regrole::oid]
              and pg_get_expr(p.polqual, p.polrelid) like '%session_is_live()%'
              and pg_get_expr(p.polwithcheck, p.polrelid) like '%session_is_live()%'
          )`),
    ).toEqual([])
  })

  it('has policies for authenticated and for definer functions only', async () => {
    expect(
      await find(sql`
        select p.polname as name from pg_policy p
        where p.polroles not in (array['authenticated'::regrole::oid], array['nokkel_owner'::regrole::oid])`),
    ).toEqual([])
  })

  // A body in standard SQL has its names resolved when the function is made.
  it('pins the search path of every function of ours that looks names up, and lets the public execute none', async () => {
    const functions = sql`p.pronamespace in (${ours})`
    expect(
      await find(sql`
        select p.oid::regprocedure::text as name from pg_proc p
        where ${functions} and p.prosqlbody is null and not coalesce(p.proconfig, '{}') @> array['search_path=""']`),
    ).toEqual([])
    expect(
      await find(sql`
        select p.oid::regprocedure::text as name from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        where ${functions} and a.grantee = 0`),
    ).toEqual([])
    expect((await find(sql`select p.proname as name from pg_proc p where ${functions}`)).length).toBeGreaterThan(30)
  })

  it('keeps the plan of what it asks, in functions that return what they promise', async () => {
    const asking = sql`p.pronamespace in (${ours}) and p.prokind = 'f' and p.provolatile = 's'
      and (p.prosecdef or p.proconfig is not null) and p.prosqlbody is null and p.prorettype <> 'trigger'::regtype`
    expect(
      await find(sql`select p.oid::regprocedure::text as name from pg_proc p join pg_language l on l.oid = p.prolang
        where ${asking} and l.lanname = 'sql' and p.proowner = 'nokkel_owner'::regrole`),
    ).toEqual([])
    // Names are looked up, and the types of rows compared, only at a call.
    const calls = await find(sql`
      select format('select * from %s(%s)', p.oid::regproc, (
        select string_agg(case when n = p.provariadic_at then 'variadic ' else '' end || 'null::' || format_type(t, null), ', ' order by n)
        from unnest(p.proargtypes::oid[]) with ordinality a (t, n)
      )) as name
      from (select *, case when provariadic <> 0 then pronargs end as provariadic_at from pg_proc) p
      where ${asking} and p.prosrc like '%#variable_conflict use_column%'`)
    expect(calls.length).toBeGreaterThan(90)
    const broken: string[] = []
    for (const call of calls) {
      // A refusal for want of a session is an answer, too; class 42 is of what is written wrong.
      await sql
        .raw(call)
        .execute(database.owner)
        .catch((error: Error & { code?: string }) => {
          if (error.code?.startsWith('42')) broken.push(`${call}: ${error.message}`)
        })
    }
    expect(broken).toEqual([])
  })

  it('indexes every foreign key', async () => {
    expect(
      await find(sql`
        select k.conrelid::regclass || ' ' || k.conname as name from pg_constraint k
        where k.contype = 'f' and k.connamespace in (${ours}) and not exists (
          select from pg_index i
          where i.indrelid = k.conrelid and i.indisvalid and i.indpred is null
            and (string_to_array(i.indkey::text, ' ')::int2[])[1:cardinality(k.conkey)] @> k.conkey
        )`),
    ).toEqual([])
  })

  // Where there is Supabase, its owner alone may read auth.users; what it gives away of that is for nokkel_owner only.
  it('belongs to nokkel_owner, but for the door to the accounts of Supabase', async () => {
    expect(
      await find(sql`
        select p.oid::regprocedure || ' ' || a.grantee::regrole as name from pg_proc p, aclexplode(p.proacl) a
        where p.oid = 'nokkel.supabase_accounts'::regproc and a.grantee <> p.proowner`),
    ).toEqual(['nokkel.supabase_accounts(text,text) nokkel_owner'])
    expect(
      await find(sql`
        select relname as name from pg_class where relnamespace in (${ours}) and relowner <> 'nokkel_owner'::regrole
        union all
        select oid::regprocedure::text from pg_proc where pronamespace in (${ours}) and proowner <> 'nokkel_owner'::regrole
          and oid <> 'nokkel.supabase_accounts'::regproc
        union all
        select nspname from pg_namespace where nspname = 'nokkel' and nspowner <> 'nokkel_owner'::regrole`),
    ).toEqual([])
    expect(
      await find(sql`
        select d.classid::regclass || ' ' || d.objid as name from pg_shdepend d
        where d.refclassid = 'pg_authid'::regclass and d.refobjid = 'nokkel_server'::regrole and d.deptype = 'o'`),
    ).toEqual([])
  })

  it('gives nobody more than select, insert, update and delete on a table', async () => {
    expect(
      await find(sql`
        select c.relname || ' ' || a.privilege_type || ' ' || a.grantee::regrole as name
        from pg_class c, aclexplode(c.relacl) a
        where c.relnamespace in (${ours}) and a.grantee <> c.relowner
          and (a.grantee <> 'authenticated'::regrole or a.is_grantable
            or a.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))`),
    ).toEqual([])
  })

  it('has roles that can do no more than they must', async () => {
    expect(
      await find(sql`
        select rolname as name from pg_roles where rolname in ('nokkel_owner', 'nokkel_server')
          and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolinherit)`),
    ).toEqual([])
    expect(
      await find(sql`select rolname as name from pg_roles where rolname = 'nokkel_owner' and rolcanlogin`),
    ).toEqual([])
    expect(
      await find(sql`
        select m.member::regrole || ' is ' || m.roleid::regrole as name from pg_auth_members m
        where m.member in ('nokkel_owner'::regrole, 'nokkel_server'::regrole, 'anon'::regrole, 'authenticated'::regrole)`),
    ).toEqual(['nokkel_server is authenticated'])
  })

  it('lets nobody create in our schemas', async () => {
    expect(
      await find(sql`
        select n.nspname || ' ' || a.grantee::regrole as name from pg_namespace n, aclexplode(n.nspacl) a
        where n.nspname in ('public', 'nokkel') and a.privilege_type = 'CREATE'
          and a.grantee not in (n.nspowner, 'nokkel_owner'::regrole)`),
    ).toEqual([])
    expect(
      await find(sql`
        select r.rolname as name from pg_roles r
        where r.rolname in ('anon', 'service_role') and has_schema_privilege(r.oid, 'nokkel', 'usage')`),
    ).toEqual([])
  })
})
