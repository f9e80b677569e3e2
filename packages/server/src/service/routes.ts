import * as contract from '@nokkel/contract'
import type { Api } from '../http/api.ts'
import { ServerError } from '../http/server-error.ts'

export interface ServiceDependencies {
  readonly version: string
  /** Rejects with the reason as long as the server cannot answer. */
  readonly checkReadiness: () => Promise<void>
}

export function registerService(api: Api, { version, checkReadiness }: ServiceDependencies): void {
  api.implement(contract.getHealth, async () => ({ status: 'ok' as const, version }))
  api.implement(contract.getReadiness, async () => {
    try {
      await checkReadiness()
      return { status: 'ready' as const }
    } catch (cause) {
      if (cause instanceof ServerError) throw cause
      throw new ServerError('unavailable', { detail: 'The database does not answer.', cause })
    }
  })
}
