import type { LoginWarning } from '@nokkel/contract'
import { listOrganizationStates, type OrganizationState, readVippsIssuers } from '@nokkel/server'
import type { Command } from '../command.ts'
import { databaseHelp, databaseOptions, withOperatorDatabase } from '../settings/operator-database.ts'
import { readKnownProviders } from '../settings/providers.ts'

/** What is to be done about it. */
const meanings: Readonly<Record<LoginWarning, string>> = {
  no_way_in: 'nobody can log in',
  vipps_unconfigured: 'Vipps is not set up',
  vipps_secret_missing: 'the client secret of Vipps is missing',
  vipps_refused: 'Vipps took neither client id nor secret at the newest login',
  bankid_refused: 'BankID did not take the client at the newest login; see nokkel doctor --provider bankid',
  vipps_environment_unavailable: 'its environment of Vipps is not one of this server; see VIPPS_TEST_ISSUER',
  vipps_disabled: 'Vipps is switched off',
  vipps_cap_reached: 'the monthly cap of Vipps is reached; no login by it begins',
  vipps_cap_near: 'four fifths of the monthly cap of Vipps are used',
  vipps_below_assurance: 'Vipps is set up, and is below the assurance the organisation asks for',
  vipps_cost_unset: 'cost centre or price of Vipps is not set',
  personnummer_not_approved: 'Vipps may not be asked for the personnummer',
  bankid_unconfigured: 'BankID is not in PROVIDERS',
}

export const organizationsList: Command = {
  help: `  nokkel organizations list [--data DIR] [--json]

Shows how people log in to each organisation, and what should be seen to. Ends with 1 when people cannot log in to one.

${databaseHelp}
  PROVIDERS_FILE, PROVIDERS
                 what the server is told; without it, BankID counts as not set up
  VIPPS_ISSUER, VIPPS_TEST_ISSUER
                 what the server is told of the environments of Vipps
  --json         prints the same as JSON`,
  options: { json: { type: 'boolean' }, ...databaseOptions },
  async run(values, terminal) {
    const { environment, print } = terminal
    const ways = { registry: await readKnownProviders(environment), vippsIssuers: readVippsIssuers(environment) }
    const organizations = await withOperatorDatabase(values, terminal, { migrate: false }, (database) =>
      listOrganizationStates(database, ways),
    )
    if (values.json) print(JSON.stringify({ organizations }, null, 2))
    else if (organizations.length === 0) print('There is no organisation; see nokkel organizations apply.')
    else for (const organization of organizations) for (const line of describe(organization)) print(line)
    return organizations.some(({ warnings }) => warnings.includes('no_way_in')) ? 1 : 0
  },
}

function* describe(state: OrganizationState): Iterable<string> {
  const { slug, name, minimumAssurance, vipps, bankid, logins, monthlyCap, warnings } = state
  const ways = [bankid && 'BankID', vipps && `Vipps (${vipps})`].filter(Boolean).join(', ') || 'no way in'
  const used = vipps ? `, ${logins}${monthlyCap === null ? '' : ` of ${monthlyCap}`} logins by Vipps this month` : ''
  yield `${slug}  ${name}: ${ways}, assurance ${minimumAssurance}${used}`
  for (const warning of warnings) yield `  · ${warning}: ${meanings[warning]}`
}
