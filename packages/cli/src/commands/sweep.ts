import { sweep } from '@nokkel/server'
import type { Command } from '../command.ts'
import { databaseHelp, databaseOptions, withOperatorDatabase } from '../settings/operator-database.ts'

export const sweepCommand: Command = {
  help: `  nokkel sweep [--data DIR] [--json]

Deletes what has expired: logins, challenges and sessions, files that were never sent, merges that cannot be undone any more, and what
is known of people who have not come back. Servers do it as well, at most every ten minutes, after a request; run this from cron where
weeks may pass without one.

${databaseHelp}
  --json         prints how many of each kind, and which kinds failed, as JSON; null while a server is at it`,
  options: { ...databaseOptions, json: { type: 'boolean' } },
  async run(values, terminal) {
    const answer = await withOperatorDatabase(values, terminal, { migrate: false }, sweep)
    const { swept, failed } = answer ?? { swept: null, failed: {} }
    const kinds = Object.entries(swept ?? {}).filter(([, count]) => count > 0)
    if (values.json) terminal.print(JSON.stringify({ swept, failed }, null, 2))
    else if (swept === null) terminal.print('A server is sweeping at this moment.')
    else if (kinds.length === 0) terminal.print('Nothing has expired.')
    for (const [kind, count] of values.json ? [] : kinds) terminal.print(`${kind}: ${count}`)
    const notSwept = Object.entries(failed).map(([kind, state]) => `${kind} (${state})`)
    if (notSwept.length === 0) return 0
    terminal.report(
      `Not swept, and tried again the next time: ${notSwept.join(', ')}. The log of the database says why.`,
    )
    return 1
  },
}
