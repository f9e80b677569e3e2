import type { Kysely, Transaction as KyselyTransaction } from 'kysely'

/**
 * Connections and transactions to Postgres. Queries are written as `sql` templates, so no table types are declared.
 * Connected as `nokkel_server`, which owns nothing.
 */
export type Database = Kysely<unknown>

/** One transaction; every query of a request runs on it. */
export type Transaction = KyselyTransaction<unknown>
