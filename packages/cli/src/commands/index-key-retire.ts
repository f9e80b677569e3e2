import { rm } from 'node:fs/promises'
import { eraseRootKeys, readIndexKeyVersions, retireIndexKey } from '@nokkel/server'
import { formatRootKeyFile } from '@nokkel/server/node'
import { type Command, text } from '../command.ts'
import { databaseHelp, databaseOptions, withOperatorDatabase } from '../settings/operator-database.ts'
import { loadRootKeys, rootKeyHelp } from '../settings/root-keys.ts'
import { writeSecretFile } from '../settings/write-secret-file.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { describeWaiting } from './index-key-status.ts'

export const indexKeyRetire: Command = {
  help: `  nokkel index-key retire [--forget] [--out FILE] [--data DIR] [--json]

Gives the previous index key up. From then on servers start without it, and one that has only that key takes no logins. While
somebody is still recognised by it this ends with 1, and changes nothing.

  --forget       gives it up nevertheless: those people are recognised by their logins alone
  --out FILE     writes the root keys without it to a new file that only you may read
${databaseHelp}
  --json         prints what became of it as JSON

Root keys, only with --out, from one of:

${rootKeyHelp}`,
  options: { ...databaseOptions, forget: { type: 'boolean' }, out: { type: 'string' }, json: { type: 'boolean' } },
  async run(values, terminal) {
    const { print, report } = terminal
    const out = text(values, 'out')
    if (out !== undefined) await writeWithoutPrevious(out, terminal)
    const retire = withOperatorDatabase(values, terminal, { migrate: true }, async (database) => {
      const retirement = await retireIndexKey(database, { forget: values.forget === true })
      const versions = await readIndexKeyVersions(database)
      return { retirement, left: versions.find(({ state }) => state === 'previous') }
    })
    const { retirement, left } = await retire.catch(async (cause) => {
      if (out !== undefined) await rm(out)
      throw cause
    })
    if (values.json) print(JSON.stringify({ ...retirement, previous: left ?? null }, null, 2))
    if (!retirement.retired) {
      if (out !== undefined) await rm(out)
      report(`${left ? `${describeWaiting(left)} ` : ''}Nothing was changed; --forget gives the key up nevertheless.`)
      return 1
    }
    if (!values.json) {
      print(`The index key ${retirement.keyId} is retired; ${retirement.forgotten} people were forgotten.`)
    }
    if (out !== undefined) report(`Made ${out}. Keep a copy where no backup of the database is kept.`)
    return 0
  },
}

/** Before anything is changed: once the key is retired, this is not asked for again. */
async function writeWithoutPrevious(out: string, terminal: Terminal): Promise<void> {
  const keys = await loadRootKeys(terminal)
  const file = formatRootKeyFile({ ...keys, indexKeys: keys.indexKeys.slice(0, 1) })
  eraseRootKeys(keys)
  await writeSecretFile(out, file)
}
