import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'

/** Asks one question of a database that nobody else has open, or of a Postgres, as its superuser. */
export type Ask = <Row>(question: string, parameters?: readonly unknown[]) => Promise<Row[]>

export async function askDirectory<T>(directory: string, work: (ask: Ask) => Promise<T>): Promise<T> {
  const pglite = await PGlite.create(directory)
  try {
    return await work(
      async <Row>(question: string, parameters: readonly unknown[] = []) =>
        (await pglite.query<Row>(question, [...parameters])).rows,
    )
  } finally {
    await pglite.close()
  }
}

export async function askPostgres<T>(url: string, work: (ask: Ask) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(
      async <Row>(question: string, parameters: readonly unknown[] = []) =>
        (await client.query(question, [...parameters])).rows as Row[],
    )
  } finally {
    await client.end()
  }
}
