import type { Database } from '../db/database.ts'
import type { Keyring } from '../keyring/keyring.ts'
import type { Authorise } from './authorise.ts'
import type { KeyQueue } from './key-queue.ts'
import type { PrivateKeys } from './private-key-cache.ts'

export interface CryptoDependencies {
  readonly database: Database
  readonly keyring: Keyring
  readonly authorise: Authorise
  readonly queue: KeyQueue
  readonly privateKeys: PrivateKeys
}
