import {
  type VerifiedAssignmentStatement,
  type VerifyAssignmentStatementOptions,
  verifyAssignmentStatement,
} from '@nokkel/crypto'
import { ServerError } from '../http/server-error.ts'
import { verified } from '../http/verified.ts'

/** The device a session is bound to, and the key it signs with. */
export interface OwnDevice {
  readonly id: string
  readonly signingThumbprint: string
}

/** @throws {ServerError} `statement_invalid`: the statement does not fit, or another device than this one signed it. */
export async function verifyStatement(
  options: VerifyAssignmentStatementOptions,
  device: OwnDevice,
): Promise<VerifiedAssignmentStatement> {
  const statement = await verified(verifyAssignmentStatement(options))
  if (statement.signer.deviceId !== device.id || statement.signer.thumbprint !== device.signingThumbprint) {
    throw new ServerError('statement_invalid', { detail: 'sender' })
  }
  return statement
}
