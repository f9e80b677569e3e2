import { readFile } from 'node:fs/promises'
import { type AppliedOrganization, applyOrganizations, parseOrganizations, readAppOrigins } from '@nokkel/server'
import { type Command, CommandError, required } from '../command.ts'
import { databaseHelp, databaseOptions, withOperatorDatabase } from '../settings/operator-database.ts'
import { readRootKeys, rootKeyHelp } from '../settings/root-keys.ts'

const problems: Readonly<Record<NonNullable<AppliedOrganization['problem']>, string>> = {
  secret_required: 'another client or environment needs its own clientSecret; its Vipps and cost stay as they were',
  redirect_uri_invalid:
    'an app URI of it is not https or reverse-domain, not of this organisation, or not of an app in APP_ORIGINS; its Vipps and cost stay as they were',
}

export const organizationsApply: Command = {
  help: `  nokkel organizations apply FILE [--dry-run] [--data DIR] [--json]

Makes organisations as a file describes them: creates those that are not there, changes what is otherwise, and leaves as it
is what the file does not say. It may be stopped at any moment and run again; where nothing has changed it writes nothing.
FILE is a JSON list of

  { "slug": "likeperson", "name": "Likeperson",
    "enrollment": "open" or "invited", "devicePolicy": "one" or "several",
    "minimumAssurance": "low", "substantial" or "high", "retentionDays": 30 to 3650,
    "vipps": { "clientId": { "variable": NAME } or the id, "clientSecret": { "variable": NAME },
      "enabled", "environment", "authentication", "merchantSerialNumber", "personnummerApproved", "confirmInApp",
      "appRedirectUri", "appCallbackUri", "market" },
    "cost": { "costCentre", "pricePerLoginOre", "monthlyCap" } }

Only slug and name must be there. A secret is named by its variable and stored under the master key; what is for a variable
that is not set is left out, and then it ends with 1. supabase/partners.json describes the partners.

  --dry-run      says what would change, and changes nothing
${databaseHelp}
  APP_ORIGINS    the apps that people may be sent back into, as the server has it
  --json         prints every outcome as JSON

Root keys, where a secret is given, from one of:

${rootKeyHelp}`,
  arguments: ['file'],
  options: { 'dry-run': { type: 'boolean' }, json: { type: 'boolean' }, ...databaseOptions },
  async run(values, terminal) {
    const { environment, print } = terminal
    const file = required(values, 'file')
    const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      throw new CommandError(`${file} cannot be read: ${cause.code}.`, { cause })
    })
    const appOrigins = readAppOrigins(environment)
    const organizations = parseOrganizations(text, file, environment)
    const needsKeys = organizations.some(({ vipps }) => vipps?.clientSecret !== undefined)
    const rootKeys = needsKeys ? await readRootKeys(environment) : undefined
    const dryRun = values['dry-run'] === true
    const applied = await withOperatorDatabase(values, terminal, { migrate: !dryRun }, (database) =>
      applyOrganizations({
        database,
        organizations,
        ...(rootKeys && { rootKeys }),
        appOrigins,
        dryRun,
        mode: values.data === undefined ? 'production' : 'development',
      }),
    )
    if (values.json) print(JSON.stringify({ organizations: applied }, null, 2))
    else for (const organization of applied) for (const line of describe(organization, dryRun)) print(line)
    return applied.every(({ missing, problem }) => missing.length === 0 && problem === null) ? 0 : 1
  },
}

function* describe({ slug, changes, missing, problem }: AppliedOrganization, dryRun: boolean): Iterable<string> {
  const done = dryRun ? 'would change' : 'changed'
  yield changes.length === 0 ? `${slug}  unchanged` : `${slug}  ${done}: ${changes.join(', ')}`
  for (const name of missing) yield `${slug}  left out: ${name} is not set`
  if (problem) yield `${slug}  refused: ${problems[problem]}`
}
