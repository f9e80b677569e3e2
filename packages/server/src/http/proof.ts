import { CryptoError, decodeBase64Url, encodePae, verifyDpopProof } from '@nokkel/crypto'
import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import { sha256 } from '../keyring/digest.ts'
import { ServerError } from './server-error.ts'

export interface ProofDependencies {
  readonly database: Database
  readonly publicUrl: string
  readonly now: () => Date
}

/**
 * Checks the DPoP proof of a request and that it was not used before.
 *
 * @throws {ServerError} `dpop_proof_invalid`.
 * @see RFC 9449 §4.3, §11.1
 */
export function createVerifyProof({ database, publicUrl, now }: ProofDependencies) {
  return async (proof: string | undefined, { method, path }: { method: string; path: string }): Promise<string> => {
    if (proof === undefined) throw new ServerError('dpop_proof_invalid', { detail: 'The DPoP header is missing.' })
    const { jti, thumbprint, expiresAt } = await verified(proof, { method, url: `${publicUrl}${path}`, now })
    const hash = await sha256(encodePae(decodeBase64Url(thumbprint), jti))
    const { rows } = await sql<{
      fresh: boolean
    }>`select nokkel.remember_proof(${hash}, ${expiresAt}) as fresh`.execute(database)
    if (!rows[0]?.fresh) throw new ServerError('dpop_proof_invalid', { detail: 'The proof was used before.' })
    return thumbprint
  }
}

async function verified(proof: string, options: Parameters<typeof verifyDpopProof>[1]) {
  try {
    return await verifyDpopProof(proof, options)
  } catch (cause) {
    if (cause instanceof CryptoError) throw new ServerError('dpop_proof_invalid', { cause })
    throw cause
  }
}
