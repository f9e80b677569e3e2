import { type IndexKeyVersion, readIndexKeyVersions } from '@nokkel/server'
import type { Command } from '../command.ts'
import { databaseHelp, databaseOptions, withOperatorDatabase } from '../settings/operator-database.ts'

export const indexKeyStatus: Command = {
  help: `  nokkel index-key status [--data DIR] [--json]

Shows each version of the index key: its id, since when, and who is recognised by it. Of those under the previous one it says
how many nokkel index-key rotate can move and how many wait for their next login.

${databaseHelp}
  --json         prints the same as JSON`,
  options: { ...databaseOptions, json: { type: 'boolean' } },
  async run(values, terminal) {
    const versions = await withOperatorDatabase(values, terminal, { migrate: false }, readIndexKeyVersions)
    const { print } = terminal
    if (values.json) print(JSON.stringify({ versions }, null, 2))
    else if (versions.length === 0) print('No server has used this database yet: it has no index key.')
    else {
      for (const line of table(versions)) print(line)
      for (const version of versions) if (version.state === 'previous') print(describeWaiting(version))
    }
    return 0
  },
}

/** Who is still under the previous key, and what becomes of them. */
export function describeWaiting({ people, movable, waitingLogins, mergedRows }: IndexKeyVersion): string {
  return [
    `Under the previous index key: ${movable} that rotate can move, ${people - movable} who wait for their next login`,
    `${waitingLogins} waiting logins, ${mergedRows} rows for the undo of a merge.`,
  ].join(', ')
}

function table(versions: readonly IndexKeyVersion[]): string[] {
  const rows = [
    ['index key', 'since', 'state', 'people', 'numbers', 'phone and e-mail'],
    ...versions.map(({ keyId, createdAt, retiredAt, state, people, numbers, contacts }) => [
      keyId,
      createdAt.slice(0, 10),
      retiredAt === null ? state : `${state} ${retiredAt.slice(0, 10)}`,
      ...[people, numbers, contacts].map(String),
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
