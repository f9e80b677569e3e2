import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { migrate } from '../../packages/server/src/db/migrate.ts'
import type { TestDatabase } from '../../tools/testing/database.ts'
import { readMigrations } from '../../tools/testing/migrations.ts'
import { startPostgres } from '../../tools/testing/postgres.ts'

/** What a new project has: roles, `auth`, and everything made in `public` open to all of its API roles. */
const project = `
  create role anon nologin noinherit;
  create role authenticated nologin noinherit;
  create role service_role nologin noinherit bypassrls;
  create role authenticator login noinherit;
  grant anon, authenticated, service_role to authenticator;
  create role supabase_auth_admin nologin noinherit;
  create role project_owner login createrole createdb bypassrls;
  grant anon, authenticated, service_role to project_owner with admin option;
  create database project owner project_owner;
`
const contents = `
  create schema extensions authorization project_owner;
  create schema auth authorization supabase_auth_admin;
  grant usage on schema auth to anon, authenticated, service_role, project_owner;
  create function auth.uid() returns uuid language sql stable as
    $$ select nullif(current_setting('request.jwt.claims', true)::jsonb ->> 'sub', '')::uuid $$;
  create function auth.jwt() returns jsonb language sql stable as
    $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
  grant usage on schema public to anon, authenticated, service_role;
  alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
  alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
  alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
  alter default privileges for role project_owner in schema public grant all on tables to anon, authenticated, service_role;
  alter default privileges for role project_owner in schema public grant all on functions to anon, authenticated, service_role;
  alter default privileges for role project_owner in schema public grant all on sequences to anon, authenticated, service_role;
`

/** A cluster of its own, prepared as a Supabase project is, with the migrations applied by its owner, no superuser. */
export async function createSupabaseLikeDatabase(): Promise<TestDatabase> {
  const cluster = await startPostgres()
  await run(cluster.url, project)
  const url = new URL(cluster.url)
  url.pathname = '/project'
  const as = (user: string) => Object.assign(new URL(url), { username: user }).href
  await run(url.href, contents)
  await withClient(as('project_owner'), async (client) => {
    const connection = {
      run: (script: string) => client.query(script),
      query: async (statement: string, parameters: readonly unknown[]) =>
        (await client.query(statement, [...parameters])).rows,
    }
    await migrate(connection, readMigrations().migrations)
  })
  const connect = (to: string) => {
    // The cluster ends while the last connections say goodbye.
    const pool = new pg.Pool({ connectionString: to, max: 5 }).on('error', () => undefined)
    return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  }
  const [owner, server] = [connect(url.href), connect(as('nokkel_server'))]
  return {
    engine: 'postgres',
    owner,
    server,
    url: as('nokkel_server'),
    async close() {
      await Promise.all([owner.destroy(), server.destroy()])
      await cluster.stop()
    },
  }
}

async function run(url: string, script: string): Promise<void> {
  await withClient(url, async (client) => {
    for (const statement of script.split(/;\n/).filter((text) => text.trim())) await client.query(statement)
  })
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
