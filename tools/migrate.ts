import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { migratePostgres, pendingPostgresMigrations, readMigrations } from '@nokkel/server/node'

const help = `Applies the pending migrations to a Postgres 15 or newer, or a Supabase project.

  DATABASE_ADMIN_URL=postgres://… npm run migrate [-- --dry-run] [-- --json]

  DATABASE_ADMIN_URL   logs in as whoever may create roles and owns the database: not as nokkel_server
  --dry-run            says what is pending, and applies none of it
  --json               prints a list of the versions instead

Afterwards give the role nokkel_server a password, and the server a URL that logs in as it.
The Supabase CLI does the same with: supabase db push`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { help: { type: 'boolean' }, 'dry-run': { type: 'boolean' }, json: { type: 'boolean' } },
  })
  if (values.help) {
    console.log(help)
    return
  }
  const url = process.env['DATABASE_ADMIN_URL']
  if (!url) throw new Error('Set DATABASE_ADMIN_URL to the database to migrate; --help says more.')
  const migrations = await readMigrations(fileURLToPath(new URL('../supabase/migrations', import.meta.url)))
  const dry = values['dry-run'] === true
  const found = await (dry ? pendingPostgresMigrations : migratePostgres)(url, migrations)
  if (values.json) {
    console.log(JSON.stringify(found.map(({ version }) => version)))
    return
  }
  for (const { version, name } of found) console.log(`${dry ? 'pending' : 'applied'} ${version} ${name}`)
  if (found.length === 0) console.log('Nothing is pending.')
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
})
