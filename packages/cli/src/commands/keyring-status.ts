import { type MasterKeyVersion, readMasterKeyVersions } from '@nokkel/server'
import type { Command } from '../command.ts'
import { databaseHelp, databaseOptions, withOperatorDatabase } from '../settings/operator-database.ts'

const maximumWraps = 2 ** 32
const warningFrom = maximumWraps / 2

export const keyringStatus: Command = {
  help: `  nokkel keyring status [--data DIR] [--json]

Shows each version of the master key: its id, since when, how many of 2^32 wraps are used, and how many rows it protects
now, or since when servers start without it. Ends with 1 when one that they have has used half of them: add a new one.

${databaseHelp}
  --json         prints the same as JSON`,
  options: { ...databaseOptions, json: { type: 'boolean' } },
  async run(values, terminal) {
    const versions = await withOperatorDatabase(values, terminal, { migrate: false }, readMasterKeyVersions)
    const { print, report } = terminal
    if (values.json) print(JSON.stringify({ versions, maximumWraps }, null, 2))
    else if (versions.length === 0) print('No server has used this database yet: it has no master key.')
    else for (const line of table(versions)) print(line)
    const worn = versions.filter(({ wraps, retiredAt }) => wraps >= warningFrom && retiredAt === null)
    for (const { keyId } of worn) report(`The master key ${keyId} has used half of its wraps; add a new version.`)
    return worn.length > 0 ? 1 : 0
  },
}

/** What a key may protect, in the order of its columns. */
const columns: readonly (readonly [string, keyof MasterKeyVersion['rows']])[] = [
  ['user keys', 'userKeys'],
  ['company keys', 'companyKeys'],
  ['bid parts', 'bidParts'],
  ['person keys', 'personKeys'],
  ['client secrets', 'clientSecrets'],
  ['merged rows', 'mergedRows'],
  ['waiting logins', 'waitingLogins'],
  ['session keys', 'sessionKeys'],
  ['identity keys', 'identityKeys'],
]

function table(versions: readonly MasterKeyVersion[]): string[] {
  const rows = [
    ['master key', 'since', 'wraps', 'of 2^32', ...columns.map(([title]) => title), 'retired'],
    ...versions.map(({ keyId, createdAt, retiredAt, wraps, rows: protectedNow }) => [
      keyId,
      createdAt.slice(0, 10),
      String(wraps),
      `${((100 * wraps) / maximumWraps).toFixed(4)} %`,
      ...columns.map(([, member]) => String(protectedNow[member])),
      retiredAt?.slice(0, 10) ?? '',
    ]),
  ]
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  )
}
