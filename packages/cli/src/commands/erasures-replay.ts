import { readFile } from 'node:fs/promises'
import { parseErasures, replayErasures } from '@nokkel/server'
import { type Command, CommandError, required } from '../command.ts'
import { databaseHelp, databaseOptions, withOperatorDatabase } from '../settings/operator-database.ts'

export const erasuresReplay: Command = {
  help: `  nokkel erasures replay FILE [--data DIR] [--json]

Erases again whom a restored backup has brought back: everybody in FILE, as ERASURE_LEDGER or nokkel erasures export wrote
it. To be done before a server answers from that database. Nobody is asked who takes over: it was settled then. It may be
stopped at any moment and run again.

${databaseHelp}
  --json         prints the outcome as JSON`,
  arguments: ['file'],
  options: { json: { type: 'boolean' }, ...databaseOptions },
  async run(values, terminal) {
    const file = required(values, 'file')
    const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      throw new CommandError(`${file} cannot be read: ${cause.code}.`, { cause })
    })
    const entries = parseErasures(text, file)
    if (text !== '' && !text.endsWith('\n')) {
      terminal.report(
        `The last line of ${file} has no end and was left out: if it was not being written when something stopped, lines of it are lost.`,
      )
    }
    const erased = await withOperatorDatabase(values, terminal, { migrate: true }, (database) =>
      replayErasures(database, entries),
    )
    if (values.json) terminal.print(JSON.stringify({ entries: entries.length, erased }))
    else terminal.print(`Erasures: ${entries.length}. Accounts that were here again, and are erased: ${erased}.`)
    return 0
  },
}
