import type {
  AnswerOf,
  listRfxEntries as listOperation,
  ParsedOf,
  RfxEntry,
  listStaleContentKeys as staleOperation,
} from '@nokkel/contract'
import { encodeBase64Url } from '@nokkel/crypto'
import type { Database, Transaction } from '../../db/database.ts'
import { type Claims, withClaims } from '../../db/with-claims.ts'
import { ServerError } from '../../http/server-error.ts'
import { findRole, isMember, selectEntries, selectStaleKeys } from './store.ts'

/** @throws {ServerError} `not_found`: for whoever is not in the project. */
export async function listEntries(
  database: Database,
  claims: Claims,
  rfxId: string,
  { before, limit }: ParsedOf<typeof listOperation>['query'],
): Promise<AnswerOf<typeof listOperation>> {
  return withClaims(database, claims, async (transaction) => {
    if (!(await isMember(transaction, rfxId))) throw new ServerError('not_found')
    return { entries: await selectEntries(transaction, { rfxId, before, limit }) }
  })
}

/** @throws {ServerError} `not_found`. */
export async function readEntry(transaction: Transaction, rfxId: string, sequence: number): Promise<RfxEntry> {
  const [entry] = await selectEntries(transaction, { rfxId, sequence, limit: 1 })
  if (!entry) throw new ServerError('not_found')
  return entry
}

/** @throws {ServerError} `not_found`: for whoever is not in the project. `forbidden`: for suppliers. */
export async function listStaleKeys(
  database: Database,
  claims: Claims,
  rfxId: string,
  page: ParsedOf<typeof staleOperation>['query'],
): Promise<AnswerOf<typeof staleOperation>> {
  return withClaims(database, claims, async (transaction) => {
    const role = await findRole(transaction, rfxId)
    if (role === null) throw new ServerError('not_found')
    if (role === 'supplier') throw new ServerError('forbidden')
    const keys = await selectStaleKeys(transaction, rfxId, page)
    return { keys: keys.map((key) => ({ ...key, wrappedKey: encodeBase64Url(key.wrappedKey) })) }
  })
}
