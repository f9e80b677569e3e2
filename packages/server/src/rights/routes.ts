import * as contract from '@nokkel/contract'
import { callerOf } from '../audit/caller.ts'
import { instant } from '../db/instant.ts'
import type { Api } from '../http/api.ts'
import type { SessionKeyStore } from '../session/session-keys.ts'
import { certifyErasure } from './certificate.ts'
import type { Erasures } from './erasures.ts'
import { type ExportDependencies, exportPersonalData } from './export.ts'
import { previewRow } from './store.ts'

export interface RightsDependencies extends ExportDependencies {
  readonly erasures: Erasures
  readonly sessionKeys: SessionKeyStore
  /** As in access tokens. */
  readonly issuer: string
  readonly backupRetentionDays: number
}

const dayMilliseconds = 86_400_000

export function registerRights(api: Api, dependencies: RightsDependencies): void {
  const { database, now, erasures, sessionKeys, issuer, backupRetentionDays } = dependencies
  api.implement(contract.exportPersonalData, (request) => exportPersonalData(dependencies, callerOf(request)))
  api.implement(contract.previewErasure, async ({ claims }) => ({
    ...(await previewRow(database, claims)),
    backupsExpireAt: instant(new Date(now().getTime() + backupRetentionDays * dayMilliseconds)),
  }))
  api.implement(contract.erasePerson, async (request) => {
    // Before: what could fail after it would leave somebody erased without being told.
    const { signer } = await sessionKeys.current()
    return certifyErasure(await erasures.erase(callerOf(request)), signer, issuer)
  })
}
