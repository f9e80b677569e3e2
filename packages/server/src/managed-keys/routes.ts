import * as contract from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import type { Api } from '../http/api.ts'
import type { RateLimiter, RateLimits } from '../http/rate-limit.ts'
import type { Keyring } from '../keyring/keyring.ts'
import { createAuthorise } from './authorise.ts'
import { callerOf } from './caller.ts'
import { answerCryptoService } from './crypto-service.ts'
import type { CryptoDependencies } from './dependencies.ts'
import { createKeyQueue } from './key-queue.ts'
import { createPrivateKeys } from './private-key-cache.ts'

export interface ManagedKeysDependencies {
  readonly database: Database
  readonly keyring: Keyring
  readonly now: () => Date
  readonly limiter: RateLimiter
  readonly limits: RateLimits
}

const maximumWaiting = 1000

export function registerManagedKeys(api: Api, options: ManagedKeysDependencies): void {
  const { database, keyring, now, limiter, limits } = options
  const concurrency = navigator.hardwareConcurrency
  const dependencies: CryptoDependencies = {
    database,
    keyring,
    authorise: createAuthorise(database),
    queue: createKeyQueue({ concurrency, maximumWaiting }),
    privateKeys: createPrivateKeys({ keyring, now, maximumCopies: concurrency }),
  }

  api.implement(contract.cryptoService, async ({ claims, body, context }) => {
    const items = 'items' in body ? body.items.length : 1
    limiter(`${body.action} ${context.get('clientAddress')}`, limits[body.action].address, items)
    limiter(`${body.action} ${claims.sub}`, limits[body.action].person, items)
    return answerCryptoService(dependencies, callerOf({ claims, context }), body)
  })
}
