import type { Context } from '@nokkel/crypto'
import type { Keyring } from '../keyring/keyring.ts'

export interface WrappedSecret {
  readonly envelope: Uint8Array
  readonly masterKeyId: string
}

const place = (organizationId: string): Context => ({
  purpose: 'client-secret',
  table: 'vipps_org_config',
  column: 'wrapped_client_secret',
  row: organizationId,
  owner: organizationId,
})

/** Not within a transaction: wrapping is counted in the database. */
export async function wrapClientSecret(
  keyring: Keyring,
  organizationId: string,
  secret: string,
): Promise<WrappedSecret> {
  const bytes = new TextEncoder().encode(secret)
  const envelope = await keyring.wrap(bytes, place(organizationId))
  bytes.fill(0)
  return { envelope, masterKeyId: keyring.keyId }
}

/** @throws {CryptoError} `open_failed`: it is of another organisation, was altered, or its master key is not here. */
export async function unwrapClientSecret(
  keyring: Pick<Keyring, 'unwrap'>,
  organizationId: string,
  envelope: Uint8Array,
): Promise<string> {
  const bytes = await keyring.unwrap(new Uint8Array(envelope), place(organizationId))
  const secret = new TextDecoder().decode(bytes)
  bytes.fill(0)
  return secret
}
