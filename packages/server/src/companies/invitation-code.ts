import { decodeBase64Url, encodeBase64Url } from '@nokkel/crypto'
import { ServerError } from '../http/server-error.ts'
import { sha256 } from '../keyring/digest.ts'

/** 16 random bytes. Only the hash is stored. */
export function generateInvitationCode(): string {
  return encodeBase64Url(crypto.getRandomValues(new Uint8Array(16)))
}

/** @throws {ServerError} `invitation_unknown`: a text that never was a code. */
export async function hashInvitationCode(code: string): Promise<Uint8Array> {
  try {
    return await sha256(decodeBase64Url(code))
  } catch (cause) {
    throw new ServerError('invitation_unknown', { cause })
  }
}
