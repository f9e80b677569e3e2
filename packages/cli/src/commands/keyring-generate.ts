import { generateRootKeys } from '@nokkel/server'
import { formatRootKeyFile } from '@nokkel/server/node'
import { type Command, text, UsageError } from '../command.ts'
import { writeSecretFile } from '../settings/write-secret-file.ts'

export const keyringGenerate: Command = {
  help: `  nokkel keyring generate [--out FILE] [--master-key]

Makes a master key, which wraps, and an index key, which recognises national identity numbers: 256 random bits each.
Whoever loses the master key loses every managed key; whoever changes the index key recognises nobody.

  --out FILE     writes them to a new file that only you may read, for KEYRING_FILE; otherwise they are printed
  --master-key   makes a master key alone, to be the next version
  --json         prints them as JSON`,
  options: { out: { type: 'string' }, 'master-key': { type: 'boolean' }, json: { type: 'boolean' } },
  async run(values, { print, report }) {
    const out = text(values, 'out')
    const alone = values['master-key'] === true
    if (alone && out !== undefined) throw new UsageError('--master-key prints one key; --out writes a whole keyring.')
    const keys = generateRootKeys()
    const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex')
    if (out !== undefined) {
      await writeSecretFile(out, formatRootKeyFile(keys))
      report(`Made ${out}. Keep a copy where no backup of the database is kept.`)
      return 0
    }
    const made = {
      MASTER_ENCRYPTION_KEY: hex(keys.masterKeys[0]),
      ...(!alone && { INDEX_KEY: hex(keys.indexKeys[0]) }),
    }
    if (values.json) print(JSON.stringify(made))
    else for (const [name, digits] of Object.entries(made)) print(`${name}=${digits}`)
    return 0
  },
}
