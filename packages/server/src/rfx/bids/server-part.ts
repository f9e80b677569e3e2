import { type Context, encodeBase64Url, parseHeader } from '@nokkel/crypto'
import type { Keyring } from '../../keyring/keyring.ts'
import type { WrappedPart } from './store.ts'

const partByteLength = 32

export interface NewPart extends WrappedPart {
  readonly masterKeyId: string
}

/** Makes the server's part of a bid. Counts a wrap in the database: call it outside transactions. */
export async function wrapNewPart(
  keyring: Keyring,
  { bidId, companyId }: { readonly bidId: string; readonly companyId: string },
): Promise<NewPart> {
  const part = crypto.getRandomValues(new Uint8Array(partByteLength))
  try {
    const envelope = await keyring.wrap(part, contextOf(bidId, companyId))
    return { bidId, companyId, envelope, masterKeyId: parseHeader(envelope)?.keyId ?? '' }
  } finally {
    part.fill(0)
  }
}

/** @returns Base64url. @throws {CryptoError} `open_failed`: it is not the part of this bid. */
export async function openPart(keyring: Keyring, { bidId, companyId, envelope }: WrappedPart): Promise<string> {
  const part = await keyring.unwrap(envelope, contextOf(bidId, companyId))
  try {
    return encodeBase64Url(part)
  } finally {
    part.fill(0)
  }
}

function contextOf(bidId: string, companyId: string): Context {
  return { purpose: 'rfx-bid-server-part', table: 'rfx_bid_part', column: 'envelope', row: bidId, owner: companyId }
}
