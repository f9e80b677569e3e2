import type { OwnDevice } from '../assignments/statement.ts'
import { findOwnDevice } from '../assignments/store.ts'
import type { Transaction } from '../db/database.ts'
import type { Claims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'

/** Who a statement says signed it, as the crypto package gives it. */
export interface Signer {
  readonly userId: string
  readonly deviceId: string
  readonly thumbprint: string
}

/**
 * The device the session is bound to.
 *
 * @throws {ServerError} `device_required`: the session has none.
 */
export async function requireOwnDevice(transaction: Transaction): Promise<OwnDevice> {
  const device = await findOwnDevice(transaction)
  if (!device) throw new ServerError('device_required')
  return device
}

/** @throws {ServerError} `statement_invalid`: somebody else signed, or the same person on another device. */
export function requireOwnSigner(signer: Signer, { sub }: Claims, device: OwnDevice): void {
  const own = signer.userId === sub && signer.deviceId === device.id && signer.thumbprint === device.signingThumbprint
  if (!own) throw new ServerError('statement_invalid', { detail: 'signer' })
}
