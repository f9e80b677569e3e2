import type { ErasureCertificate } from '@nokkel/contract'
import { SignJWT } from 'jose'
import type { ErasureEntry } from './ledger.ts'

export interface CertificateSigner {
  readonly kid: string
  /** P-256, of the keys that the server publishes. */
  readonly key: CryptoKey
}

/**
 * Certifies an erasure. What is signed says when and how much, and not who.
 *
 * @param issuer - As in access tokens.
 * @see docs/spec/erasure.md
 */
export async function certifyErasure(
  { id, erasedAt, backupsExpireAt, removed }: ErasureEntry,
  { kid, key }: CertificateSigner,
  issuer: string,
): Promise<ErasureCertificate> {
  const said = { id, erasedAt, backupsExpireAt, removed }
  const certificate = await new SignJWT({ iss: issuer, ...said })
    .setProtectedHeader({ alg: 'ES256', typ: 'nokkel-erasure+jwt', kid })
    .sign(key)
  return { ...said, certificate }
}
