import { migratePostgres, pendingPostgresMigrations, readMigrations } from '@nokkel/server/node'
import { type Command, CommandError, text } from '../command.ts'
import { ownMigrations } from '../settings/migrations.ts'

export const migrate: Command = {
  help: `  DATABASE_ADMIN_URL=postgres://… nokkel migrate [--dry-run] [--json]

Applies what is pending to a Postgres 15 or newer, or a Supabase project.

  DATABASE_ADMIN_URL   logs in as whoever may create roles and owns the database: not as nokkel_server
  --migrations DIR     where the migrations are; default those of this version
  --dry-run            says what is pending, and applies none of it
  --json               prints a list of the versions instead

Afterwards give the role nokkel_server a password, and the server a URL that logs in as it.
The Supabase CLI does the same with: supabase db push`,
  options: { migrations: { type: 'string' }, 'dry-run': { type: 'boolean' }, json: { type: 'boolean' } },
  async run(values, { environment, print }) {
    const url = environment.DATABASE_ADMIN_URL
    if (!url) throw new CommandError('Set DATABASE_ADMIN_URL to the database to migrate; --help says more.')
    const migrations = await readMigrations(text(values, 'migrations') ?? ownMigrations())
    const dry = values['dry-run'] === true
    const found = await (dry ? pendingPostgresMigrations : migratePostgres)(url, migrations)
    if (values.json) print(JSON.stringify(found.map(({ version }) => version)))
    else if (found.length === 0) print('Nothing is pending.')
    else for (const { version, name } of found) print(`${dry ? 'pending' : 'applied'} ${version} ${name}`)
    return 0
  },
}
