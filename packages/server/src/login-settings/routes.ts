import * as contract from '@nokkel/contract'
import { callerOf } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import type { Api } from '../http/api.ts'
import { type CheckDependencies, checkOrganization } from './check.ts'
import {
  type LoginSettingsDependencies,
  putMinimumAssurance,
  putVippsCost,
  putVippsSettings,
  readLoginSettings,
} from './settings.ts'

export function registerLoginSettings(api: Api, dependencies: LoginSettingsDependencies & CheckDependencies): void {
  api.implement(contract.getLoginSettings, ({ claims }) => readLoginSettings(dependencies, claims))
  api.implement(contract.putLoginSettings, (request) =>
    putMinimumAssurance(dependencies, callerOf(request), request.body),
  )
  api.implement(contract.putVippsSettings, (request) => putVippsSettings(dependencies, callerOf(request), request.body))
  api.implement(contract.putVippsCost, (request) => putVippsCost(dependencies, callerOf(request), request.body))
  api.implement(contract.checkVippsSettings, async (request) => {
    const caller = callerOf(request)
    const subject = { action: 'vipps_config.check', type: 'organization', id: caller.claims.organization }
    const { organization } = await recordRefusal(dependencies.database, caller, subject, () =>
      readLoginSettings(dependencies, caller.claims),
    )
    return { findings: await checkOrganization(dependencies, 'vipps', organization) }
  })
}
