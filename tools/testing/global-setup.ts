import type { TestProject } from 'vitest/node'
import { startPostgres } from './postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Superuser connection string to a real Postgres. */
    postgresUrl: string
  }
}

/** One Postgres for the whole run: that of `DATABASE_TEST_URL`, else one of our own. */
export async function setup({ provide }: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env.DATABASE_TEST_URL
  if (given) {
    provide('postgresUrl', given)
    return undefined
  }
  const server = await startPostgres()
  provide('postgresUrl', server.url)
  return server.stop
}
