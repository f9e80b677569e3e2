import type { RfxSigner } from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import { selectSigners } from './key-store.ts'

/** Whose devices signed what the person sees of a project. Others, and all for those who are not in it, are left out. */
export async function findSigners(
  database: Database,
  claims: Claims,
  rfxId: string,
  thumbprints: readonly string[],
): Promise<{ signers: RfxSigner[] }> {
  return withClaims(database, claims, async (transaction) => ({
    signers: await selectSigners(transaction, rfxId, thumbprints),
  }))
}
