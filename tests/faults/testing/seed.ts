import { readFileSync } from 'node:fs'
import { sql } from 'kysely'
import type { TestDatabase } from '../../../tools/testing/database.ts'

/** The partners and synthetic people of development. How they log in is what the operator configured. */
export function readSeed(): string {
  const seed = readFileSync(new URL('../../../supabase/seed.sql', import.meta.url), 'utf8')
  return seed.replace(/\nreset role;/, '\ndelete from public.vipps_org_config;\n\nreset role;')
}

/** Puts them into a test database, whose owner may do everything without changing roles. */
export async function seedDatabase({ owner }: TestDatabase): Promise<void> {
  const statements = readSeed()
    .split(/;\n/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '' && !/^(?:re)?set role|\n(?:re)?set role/.test(statement))
  for (const statement of statements) await sql.raw(statement).execute(owner)
}
