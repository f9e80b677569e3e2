import type { KeyId } from '@nokkel/crypto'
import type { Database } from '../db/database.ts'
import type { Logger } from '../http/logger.ts'
import { ServerError } from '../http/server-error.ts'
import { reserveWraps } from './store.ts'

const blockLength = 1000
const warningFrom = 2 ** 31

/** Counts one envelope before it is made. @throws {ServerError} `master_key_exhausted`. */
export type CountWrap = () => Promise<void>

/**
 * Counts what one master key wraps, over all servers and restarts. A block is reserved before any of it is used, and what a
 * server does not use of it is lost: the count is too high, never too low.
 *
 * Asks the database on a connection of its own: not to be used while a transaction holds the only one.
 */
export function createWrapCount(database: Database, keyId: KeyId, logger: Logger): CountWrap {
  let left = 0
  let reserving: Promise<void> | undefined

  async function reserve(): Promise<void> {
    const total = await reserveWraps(database, keyId, blockLength)
    if (total === null) throw new ServerError('master_key_exhausted')
    if (total >= warningFrom) logger({ level: 'warn', event: 'master_key_wears_out' })
    left += blockLength
  }

  return async () => {
    while (left === 0) {
      reserving ??= reserve().finally(() => {
        reserving = undefined
      })
      await reserving
    }
    left -= 1
  }
}
