import { stat } from 'node:fs/promises'
import { checkAllRfx } from '@nokkel/server'
import { type Command, CommandError, type ExitCode, required, UsageError, type Values } from '../command.ts'
import { examineProvider } from '../doctor/examine-provider.ts'
import { describeKind, scanBundle } from '../doctor/scan-bundle.ts'
import { databaseHelp, databaseOptions, withOperatorDatabase } from '../settings/operator-database.ts'
import type { Terminal } from '../terminal/terminal.ts'

export const doctor: Command = {
  help: `  nokkel doctor --bundle DIR [--json]
  nokkel doctor --database [--data DIR] [--json]
  nokkel doctor --provider vipps|bankid [--organization SLUG] [--data DIR] [--json]

Reads every file of a built web application, with its source maps, compressed copies and data URLs, and looks for

  · names and values of server secrets: what this environment calls a key, secret, token or password is looked
    for itself, in hexadecimal, base64 and base64url
  · private keys: PEM, PKCS#8, PKCS#1 and SEC1 in base64, base64url or hexadecimal, JWKs with private members
  · 64 hexadecimal digits that nothing marks as a digest
  · Supabase tokens with the role service_role, sb_secret_ keys, database URLs with passwords
  · modules of the server in source maps

Or goes through every project in the database: whether the key of each group is wrapped to exactly those who are in it,
and whether each present version was signed as it stands. It opens no key, and needs none.

Or tries how organisations let their people log in against the provider itself, without logging anybody in: discovery,
redirect URI, client and secret, and scopes; asks whether the application answers at the redirect URI; and says what to do. It goes by the settings of the server:

  PUBLIC_URL     where browsers reach the server
  APP_URL, ALLOWED_ORIGINS
                 where the application is, if that is another host
  PROVIDERS_FILE, PROVIDERS
                 what the operator has configured
  DATABASE_URL or --data, VIPPS_ISSUER, VIPPS_TEST_ISSUER, APP_ORIGINS and the root keys
                 for organisations that have set up Vipps in the database

  --bundle DIR   what is published, such as apps/web/dist
  --database     the projects instead
  --provider ID  vipps or bankid instead
  --organization SLUG
                 only this one; default every one that has the provider
${databaseHelp}
  --json         prints the report as JSON

Ends with 1 when anything is found. What is printed of a secret does not suffice to use it.`,
  options: {
    bundle: { type: 'string' },
    database: { type: 'boolean' },
    provider: { type: 'string' },
    organization: { type: 'string' },
    ...databaseOptions,
    json: { type: 'boolean' },
  },
  async run(values, terminal) {
    const subjects = ['bundle', 'database', 'provider'].filter((subject) => values[subject] !== undefined)
    if (subjects.length > 1) throw new UsageError('--bundle, --database and --provider are looked at one at a time.')
    const [subject = 'bundle'] = subjects
    if (values.data !== undefined && subject === 'bundle')
      throw new UsageError('--data goes with --database or --provider.')
    if (values.organization !== undefined && subject !== 'provider') {
      throw new UsageError('--organization goes with --provider.')
    }
    if (subject === 'provider') return examineProvider(values, terminal)
    return subject === 'database' ? examineDatabase(values, terminal) : examineBundle(values, terminal)
  },
}

async function examineBundle(values: Values, { environment, print }: Terminal): Promise<ExitCode> {
  const directory = required(values, 'bundle')
  const found = await stat(directory).catch(() => undefined)
  if (!found?.isDirectory()) throw new CommandError(`${directory} is not a directory; build the application first.`)
  const report = await scanBundle(directory, { environment })
  if (report.texts === 0) throw new CommandError(`${directory} is empty; build the application first.`)
  if (values.json) print(JSON.stringify(report, null, 2))
  else {
    for (const { file, line, column, kind, excerpt } of report.findings) {
      print(`${file}:${line}:${column}  ${kind}  ${excerpt}\n    ${describeKind(kind)}`)
    }
    const { texts, findings } = report
    print(findings.length === 0 ? `Nothing found in ${texts} texts.` : `${findings.length} found in ${texts} texts.`)
  }
  return report.findings.length === 0 ? 0 : 1
}

async function examineDatabase(values: Values, terminal: Terminal): Promise<ExitCode> {
  const report = await withOperatorDatabase(values, terminal, { migrate: false }, checkAllRfx)
  const { print } = terminal
  const { groups, faults } = report
  if (values.json) print(JSON.stringify(report, null, 2))
  else {
    for (const { problem, groupId, subjectType, subjectId } of faults) {
      print(subjectType === 'rfx' ? `${groupId}  ${problem}` : `${groupId}  ${problem}  ${subjectType} ${subjectId}`)
    }
    print(faults.length === 0 ? `Nothing found in ${groups} groups.` : `${faults.length} found in ${groups} groups.`)
  }
  return faults.length === 0 ? 0 : 1
}
