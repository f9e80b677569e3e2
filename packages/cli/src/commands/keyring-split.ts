import { rm } from 'node:fs/promises'
import { eraseRootKeys, generateRootKeys, splitKeyring } from '@nokkel/server'
import { type Command, CommandError, integer, required, UsageError } from '../command.ts'
import { readRootKeys, rootKeyHelp } from '../settings/root-keys.ts'
import { writeSecretFile } from '../settings/write-secret-file.ts'

export const keyringSplit: Command = {
  help: `  nokkel keyring split --shares N --threshold K --out FILE [--new] [--json]

Encrypts root keys into a file, for SEALED_KEYRING_FILE, and splits its key into N shares, of which any K open it. The
shares are printed this once and kept nowhere: give each to another person.

  --shares N      2 to 255
  --threshold K   2 to N
  --out FILE      a new file
  --new           makes new root keys; otherwise those given by one of:

${rootKeyHelp}

  --json          prints the shares as JSON`,
  options: {
    shares: { type: 'string' },
    threshold: { type: 'string' },
    out: { type: 'string' },
    new: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  async run(values, { environment, print, printed, report }) {
    const out = required(values, 'out')
    required(values, 'shares')
    required(values, 'threshold')
    const count = integer(values, 'shares', { from: 2, to: 255 }) ?? 0
    const threshold = integer(values, 'threshold', { from: 2, to: count }) ?? 0
    const made = values.new === true
    if (made && ['KEYRING_FILE', 'MASTER_ENCRYPTION_KEY'].some((name) => environment[name])) {
      throw new UsageError('--new makes new keys, but this environment has some; leave out one of them.')
    }
    const provider = made ? undefined : await readRootKeys(environment)
    if (provider?.seal) throw new CommandError('These root keys are sealed already; give the file they were made from.')
    const keys = (await provider?.load()) ?? generateRootKeys()
    const { file, shares } = await splitKeyring(keys, { count, threshold })
    eraseRootKeys(keys)
    await writeSecretFile(out, file)
    if (values.json) print(JSON.stringify({ file: out, threshold, shares }))
    else for (const share of shares) print(share)
    await printed().catch(async (cause) => {
      await rm(out)
      throw new CommandError(`The shares reached nobody: standard output is closed. ${out} was removed again.`, {
        cause,
      })
    })
    report(`Made ${out}. Any ${threshold} of these ${count} shares open it; they are not shown again.`)
    return 0
  },
}
