import { eraseRootKeys, withNewIndexKey } from '@nokkel/server'
import { formatRootKeyFile } from '@nokkel/server/node'
import { type Command, CommandError, text } from '../command.ts'
import { loadRootKeys, rootKeyHelp } from '../settings/root-keys.ts'
import { writeSecretFile } from '../settings/write-secret-file.ts'

export const indexKeyGenerate: Command = {
  help: `  nokkel index-key generate [--out FILE] [--json]

Makes a new index key, which recognises people by what a provider vouched for. The present one becomes the previous one,
by which those are found who are still under it. Start every server with both, then: nokkel index-key rotate.

  --out FILE   writes all root keys to a new file that only you may read, for KEYRING_FILE, nokkel keyring split or
               nokkel-pkcs11 wrap; otherwise the two index keys are printed
  --json       prints them as JSON

Root keys, from one of:

${rootKeyHelp}`,
  options: { out: { type: 'string' }, json: { type: 'boolean' } },
  async run(values, terminal) {
    const { print, report } = terminal
    const out = text(values, 'out')
    const present = await loadRootKeys(terminal)
    if (present.indexKeys.length > 1) {
      eraseRootKeys(present)
      throw new CommandError('These root keys hold a previous index key; finish its rotation and leave it out first.')
    }
    const keys = withNewIndexKey(present)
    const [indexKey, previous] = keys.indexKeys.map((key) => Buffer.from(key).toString('hex'))
    const file = out === undefined ? '' : formatRootKeyFile(keys)
    eraseRootKeys(keys)
    if (out !== undefined) {
      await writeSecretFile(out, file)
      report(`Made ${out}. Keep a copy where no backup of the database is kept.`)
      return 0
    }
    const made = { INDEX_KEY: indexKey, INDEX_KEY_OLD: previous }
    if (values.json) print(JSON.stringify(made))
    else for (const [name, digits] of Object.entries(made)) print(`${name}=${digits}`)
    return 0
  },
}
