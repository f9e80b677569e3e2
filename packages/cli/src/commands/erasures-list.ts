import { listErasures } from '@nokkel/server'
import type { Command } from '../command.ts'
import { databaseHelp, databaseOptions, withOperatorDatabase } from '../settings/operator-database.ts'

export const erasuresList: Command = {
  help: `  nokkel erasures list [--data DIR] [--json]

Shows who was erased, the oldest first: the id of the erasure, when it was, when the last backup with their data expires, and
how many rows went. It names nobody.

${databaseHelp}
  --json         prints the same as JSON, with the UUIDs that were theirs and the rows by table`,
  options: { json: { type: 'boolean' }, ...databaseOptions },
  async run(values, terminal) {
    const erasures = await withOperatorDatabase(values, terminal, { migrate: false }, listErasures)
    if (values.json) terminal.print(JSON.stringify({ erasures }, null, 2))
    else if (erasures.length === 0) terminal.print('Nobody was erased.')
    else
      for (const { id, erasedAt, backupsExpireAt, removed } of erasures) {
        const rows = Object.values(removed).reduce((sum, count) => sum + count, 0)
        terminal.print(`${id}  erased ${erasedAt}, backups until ${backupsExpireAt.slice(0, 10)}, ${rows} rows`)
      }
    return 0
  },
}
