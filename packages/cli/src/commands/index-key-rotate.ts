import { readIndexKeyVersions, rotateIndexKey } from '@nokkel/server'
import type { Command } from '../command.ts'
import { databaseHelp, databaseOptions, withOperatorDatabase } from '../settings/operator-database.ts'
import { loadRootKeys, rootKeyHelp } from '../settings/root-keys.ts'
import { describeWaiting } from './index-key-status.ts'

export const indexKeyRotate: Command = {
  help: `  nokkel index-key rotate [--data DIR] [--json]

Moves people from the previous index key to the present one, while servers run: everyone of whom the number, or phone and
e-mail, is kept. It opens what is kept of each under their own key, and changes nobody who has changed meanwhile. It may be
stopped at any moment and run again. Everyone else moves at their next login.

${databaseHelp}
  --json         prints how many were moved, and who is left, as JSON

Root keys, with both index keys, from one of:

${rootKeyHelp}`,
  options: { ...databaseOptions, json: { type: 'boolean' } },
  async run(values, terminal) {
    const { print, report } = terminal
    const keys = await loadRootKeys(terminal)
    const { rotation, left } = await withOperatorDatabase(values, terminal, { migrate: true }, async (database) => ({
      rotation: await rotateIndexKey({
        database,
        rootKeys: { load: async () => keys },
        mode: values.data === undefined ? 'production' : 'development',
        onProgress: ({ moved, passedOver }) => report(`${moved} moved, ${passedOver} passed over`),
      }),
      left: (await readIndexKeyVersions(database)).find(({ state }) => state === 'previous'),
    }))
    if (values.json) print(JSON.stringify({ ...rotation, previous: left ?? null }, null, 2))
    else {
      print(`Moved ${rotation.moved} people to the present index key.`)
      if (left) print(describeWaiting(left))
    }
    return 0
  },
}
