import * as contract from '@nokkel/contract'
import type { Api } from '../http/api.ts'
import { ServerError } from '../http/server-error.ts'
import type { Seal } from '../keyring/root-keys.ts'

export interface SealDependencies {
  /** Absent where no shares are used. */
  readonly seal: Seal | undefined
  readonly onUnsealed: () => void
}

const noShares = { sealed: false, required: 0, received: 0 }

/** The two operations that answer while the root keys are sealed. */
export function registerSeal(api: Api, { seal, onUnsealed }: SealDependencies): void {
  api.implement(contract.getSealStatus, async () => seal?.status() ?? noShares)
  api.implement(contract.unseal, async ({ body }) => {
    if (!seal) throw new ServerError('share_invalid', { detail: 'This server uses no shares.' })
    const status = await seal.give(body.share)
    if (!status.sealed) onUnsealed()
    return status
  })
}
