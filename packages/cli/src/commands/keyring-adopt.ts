import { type AdoptionOutcome, adoptKeys } from '@nokkel/server'
import { type Command, CommandError, text } from '../command.ts'
import { databaseHelp, databaseOptions, withOperatorDatabase } from '../settings/operator-database.ts'
import { readRootKeys, rootKeyHelp } from '../settings/root-keys.ts'

const reportEvery = 100

const meanings: Readonly<Record<AdoptionOutcome['outcome'], string>> = {
  adopted: 'bound to their owners under the master key',
  adoptable: 'open, and fit their public keys',
  blob_malformed: 'are not JSON with data and iv in base64',
  wrong_key: 'do not open: made with another master key, or altered',
  key_unsupported: 'hold no RSA-4096 private key as PKCS#8',
  public_key_mismatch: 'stand beside the public key of another key',
  key_exists: 'belong to owners who have an active key here already',
  key_reused: 'are former keys of their owners here',
  changed: 'changed meanwhile; run it again',
}

export const keyringAdopt: Command = {
  help: `  nokkel keyring adopt [--from-env NAME] [--dry-run] [--data DIR] [--json]

Takes over private keys in app_user and company that another EKM-05 system has wrapped plainly, as {data, iv} without
binding them to anybody: opens each, checks it against the public key beside it, binds it to its owner under the master
key, and names it in the RFX wraps of its owner that name none. It may be stopped at any moment and run again. What
cannot be adopted is told by the owner's id, stays as it is, and holds nothing up; then it ends with 1.

  --from-env NAME   the variable with the master key of the other system, 64 hexadecimal digits;
                    default: our master key is the same
  --dry-run         opens and checks everything, and writes nothing
${databaseHelp}
  --json            prints every outcome as JSON

Root keys, from one of:

${rootKeyHelp}`,
  options: {
    'from-env': { type: 'string' },
    'dry-run': { type: 'boolean' },
    json: { type: 'boolean' },
    ...databaseOptions,
  },
  async run(values, terminal) {
    const { environment, print, report } = terminal
    const legacyKey = readLegacyKey(text(values, 'from-env'), environment)
    const rootKeys = await readRootKeys(environment)
    let done = 0
    const dryRun = values['dry-run'] === true
    const outcomes = await withOperatorDatabase(values, terminal, { migrate: !dryRun }, (database) =>
      adoptKeys({
        database,
        rootKeys,
        ...(legacyKey && { legacyKey }),
        dryRun,
        mode: values.data === undefined ? 'production' : 'development',
        onOutcome: () => {
          if (++done % reportEvery === 0) report(`${done} looked at`)
        },
      }),
    )
    if (values.json) print(JSON.stringify({ outcomes }, null, 2))
    else for (const line of summary(outcomes)) print(line)
    return outcomes.every(isWell) ? 0 : 1
  },
}

const isWell = ({ outcome }: AdoptionOutcome): boolean => outcome === 'adopted' || outcome === 'adoptable'

/** @throws {CommandError} The variable has no key. Its value is not repeated. */
function readLegacyKey(
  name: string | undefined,
  environment: Record<string, string | undefined>,
): Uint8Array<ArrayBuffer> | undefined {
  if (name === undefined) return undefined
  const digits = environment[name] ?? ''
  if (digits === '') throw new CommandError(`${name} is not set; it holds the master key of the other system.`)
  if (!/^[0-9a-f]{64}$/i.test(digits)) throw new CommandError(`${name} must be 64 hexadecimal digits (256 bits).`)
  return new Uint8Array(Buffer.from(digits, 'hex'))
}

function* summary(outcomes: readonly AdoptionOutcome[]): Iterable<string> {
  if (outcomes.length === 0) yield 'There is nothing to adopt.'
  for (const outcome of new Set(outcomes.map((one) => one.outcome))) {
    const each = outcomes.filter((one) => one.outcome === outcome)
    yield `${each.length} ${outcome}: ${meanings[outcome]}`
    if (outcome === 'adopted') yield `  ${each.reduce((sum, { wraps }) => sum + wraps, 0)} RFX wraps name them now`
    if (!each.every(isWell)) for (const { owner, ownerId } of each) yield `  ${owner} ${ownerId}`
  }
}
