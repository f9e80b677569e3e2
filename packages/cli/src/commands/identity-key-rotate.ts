import { rotateIdentityKey } from '@nokkel/server'
import { type Command, CommandError } from '../command.ts'
import { databaseHelp, databaseOptions, withOperatorDatabase } from '../settings/operator-database.ts'
import { readRootKeys, rootKeyHelp } from '../settings/root-keys.ts'

export const identityKeyRotate: Command = {
  help: `  nokkel identity-key rotate [--data DIR] [--json]

Makes a new key that a personnummer is sealed to on its way to the server. Servers give it out at once; the one it replaces
opens what is under way for an hour, and is then destroyed. Nothing at rest is under it, so nothing else has to be done.

${databaseHelp}
  --json         prints the id of the new key as JSON

Root keys, from one of:

${rootKeyHelp}`,
  options: { ...databaseOptions, json: { type: 'boolean' } },
  async run(values, terminal) {
    const rootKeys = await readRootKeys(terminal.environment)
    const kid = await withOperatorDatabase(values, terminal, { migrate: true }, (database) =>
      rotateIdentityKey({ database, rootKeys, mode: values.data === undefined ? 'production' : 'development' }),
    )
    if (kid === null) throw new CommandError('Another identity key was made at the same time; that one stands.')
    terminal.print(values.json ? JSON.stringify({ kid }) : `Made the identity key ${kid}.`)
    return 0
  },
}
