import { formatErasure, listErasures } from '@nokkel/server'
import { type Command, required } from '../command.ts'
import { databaseHelp, databaseOptions, withOperatorDatabase } from '../settings/operator-database.ts'
import { writeSecretFile } from '../settings/write-secret-file.ts'

export const erasuresExport: Command = {
  help: `  nokkel erasures export FILE [--data DIR] [--json]

Writes who was erased to a new file, as the server writes it to ERASURE_LEDGER: to begin such a ledger, or for where there is
none, to be done before a backup is restored and kept where the database is not. Give it to nokkel erasures replay afterwards.

${databaseHelp}
  --json         prints how many they are as JSON`,
  arguments: ['file'],
  options: { json: { type: 'boolean' }, ...databaseOptions },
  async run(values, terminal) {
    const file = required(values, 'file')
    const erasures = await withOperatorDatabase(values, terminal, { migrate: false }, listErasures)
    await writeSecretFile(file, erasures.map(formatErasure).join(''))
    const count = erasures.length
    terminal.print(values.json ? JSON.stringify({ file, erasures: count }) : `Erasures in ${file} now: ${count}.`)
    return 0
  },
}
