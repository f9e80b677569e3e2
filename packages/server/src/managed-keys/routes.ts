import * as contract from '@nokkel/contract'
import type { Context } from 'hono'
import { callerOf } from '../audit/caller.ts'
import type { Database } from '../db/database.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import type { Api } from '../http/api.ts'
import type { ItemClass, RateLimiter, RateLimits } from '../http/rate-limit.ts'
import type { Keyring } from '../keyring/keyring.ts'
import { createAuthorise } from './authorise.ts'
import { answerCryptoService } from './crypto-service.ts'
import { decideItems } from './decisions.ts'
import { type GenerateDependencies, generateCompanyKey, generateUserKey } from './generate.ts'
import { createKeyPairPool } from './key-pair-pool.ts'
import { createKeyQueue } from './key-queue.ts'
import { destroy, markCompromised } from './lifecycle.ts'
import type { KeyPlace } from './lifecycle-store.ts'
import { createPrivateKeys } from './private-key-cache.ts'
import { rewrapPage } from './rewrap.ts'
import { selectUserKeys } from './store.ts'

export interface ManagedKeysDependencies {
  readonly database: Database
  readonly keyring: Keyring
  readonly now: () => Date
  readonly limiter: RateLimiter
  readonly limits: RateLimits
  /** Key pairs made ahead. */
  readonly warmKeyPairs: number
}

export interface ManagedKeys {
  /** Begins to make key pairs ahead, once the server is ready. */
  warm(): void
  close(): Promise<void>
}

interface RewrapRequest {
  readonly claims: Claims
  readonly context: Context
  readonly body: { readonly cursor?: string | undefined }
}

/** Operations with private keys that may wait. */
const maximumWaiting = 1000

export function registerManagedKeys(api: Api, options: ManagedKeysDependencies): ManagedKeys {
  const { database, keyring, now, limiter, limits, warmKeyPairs } = options
  const concurrency = availableCores()
  const queue = createKeyQueue({ concurrency, maximumWaiting })
  const pool = createKeyPairPool({ size: warmKeyPairs, concurrency, whenIdle: queue.whenIdle })
  const dependencies: GenerateDependencies = {
    database,
    keyring,
    authorise: createAuthorise((items) => decideItems(database, items)),
    queue,
    privateKeys: createPrivateKeys({ keyring, now, maximumCopies: concurrency }),
    pool,
  }

  async function limit(
    action: ItemClass,
    { claims, context }: { claims: Claims; context: Context },
    items: number,
  ): Promise<void> {
    await limiter(`${action} ${context.get('clientAddress')}`, limits[action].address, items)
    await limiter(`${action} ${claims.sub}`, limits[action].person, items)
  }

  function rewrap(request: RewrapRequest, place: KeyPlace): Promise<contract.Rewrap> {
    const count = (wraps: number) => limit('unwrap', request, wraps)
    return rewrapPage({ ...dependencies, count }, callerOf(request), place, request.body.cursor)
  }

  api.implement(contract.cryptoService, async (request) => {
    const { body } = request
    await limit(body.action, request, 'items' in body ? body.items.length : 1)
    return answerCryptoService(dependencies, callerOf(request), body)
  })

  api.implement(contract.listUserKeys, async ({ claims }) => ({
    keys: await withClaims(database, claims, selectUserKeys),
  }))
  api.implement(contract.generateUserKeys, async (request) => {
    await limit('encrypt', request, 1)
    return generateUserKey(dependencies, callerOf(request), request.body.replaces)
  })
  api.implement(contract.revokeUserKey, (request) =>
    markCompromised(dependencies, callerOf(request), userKey(request.params)),
  )
  api.implement(contract.rewrapUserKey, (request) => rewrap(request, userKey(request.params)))
  api.implement(contract.destroyUserKey, (request) => destroy(dependencies, callerOf(request), userKey(request.params)))

  api.implement(contract.generateCompanyKeys, async (request) => {
    await limit('encrypt', request, 1)
    const { companyId, replaces } = request.body
    return generateCompanyKey(dependencies, callerOf(request), companyId, replaces)
  })
  api.implement(contract.revokeCompanyKey, (request) =>
    markCompromised(dependencies, callerOf(request), companyKey(request.params)),
  )
  api.implement(contract.rewrapCompanyKey, (request) => rewrap(request, companyKey(request.params)))
  api.implement(contract.destroyCompanyKey, (request) =>
    destroy(dependencies, callerOf(request), companyKey(request.params)),
  )

  return { warm: pool.warm, close: pool.close }
}

/** Of two ways to ask: before version 21, Node has no `navigator`. */
const availableCores = (): number =>
  globalThis.navigator?.hardwareConcurrency ??
  globalThis.process?.getBuiltinModule?.('node:os').availableParallelism() ??
  1

const userKey = ({ id }: { readonly id: string }) => ({ companyId: null, keyId: id })
const companyKey = ({ companyId, id }: { readonly companyId: string; readonly id: string }) => ({
  companyId,
  keyId: id,
})
