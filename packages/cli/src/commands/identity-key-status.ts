import { listIdentityKeys } from '@nokkel/server'
import type { Command } from '../command.ts'
import { databaseHelp, databaseOptions, withOperatorDatabase } from '../settings/operator-database.ts'

export const identityKeyStatus: Command = {
  help: `  nokkel identity-key status [--data DIR] [--json]

Shows the keys that a personnummer is sealed to on its way to the server: the one that is given out, and those that were
replaced within the last hour, which still open. Nothing at rest is under them.

${databaseHelp}
  --json         prints the same as JSON`,
  options: { ...databaseOptions, json: { type: 'boolean' } },
  async run(values, terminal) {
    const keys = await withOperatorDatabase(values, terminal, { migrate: false }, listIdentityKeys)
    if (values.json) terminal.print(JSON.stringify({ keys }, null, 2))
    else if (keys.length === 0)
      terminal.print('There is no identity key yet; a server makes it when it is first needed.')
    for (const { kid, createdAt, replacedAt } of values.json ? [] : keys) {
      terminal.print(`${kid}   since ${createdAt}   ${replacedAt === null ? 'given out' : `replaced ${replacedAt}`}`)
    }
    return 0
  },
}
