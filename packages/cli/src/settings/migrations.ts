import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** In the published package a copy lies beside `dist`; in the repository they are where the Supabase CLI looks. */
export function ownMigrations(): string {
  const packed = fileURLToPath(new URL('../../migrations', import.meta.url))
  return existsSync(packed) ? packed : fileURLToPath(new URL('../../../../supabase/migrations', import.meta.url))
}
