import type { Assignment } from '@nokkel/contract'
import { type AssignmentSigner, formatFingerprint } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'

/** Whose signature stands under an assignment. */
export interface SignerView {
  readonly name: string | null
  /** `ended_device`: signed while the device was valid; it has ended since. */
  readonly verified: 'verified' | 'ended_device'
  /** Of the signing key: 30 digits in 6 groups, to compare by telephone. */
  readonly fingerprint: string
  /** Whether this device has seen this key of this sender for the first time. */
  readonly firstSeen: boolean
  /** By the clock of the device that signed. */
  readonly signedAt: Date
}

const clockToleranceMilliseconds = 600_000

/**
 * Compares who signed with what the directory says of that key.
 *
 * @throws {NokkelError} `signature_untrusted`: the directory gives the key to somebody else, or it was not valid then.
 */
export function checkSigner(signer: AssignmentSigner, assignment: Assignment): Omit<SignerView, 'firstSeen'> {
  const { signer: listed, sender } = assignment
  const signedAt = signer.signedAt.getTime()
  const validFrom = Date.parse(listed.validFrom) - clockToleranceMilliseconds
  const validUntil = listed.validUntil === null ? undefined : Date.parse(listed.validUntil) + clockToleranceMilliseconds
  const fits =
    listed.thumbprint === signer.thumbprint &&
    listed.userId === sender.id &&
    signer.userId === sender.id &&
    listed.deviceId === signer.deviceId &&
    signedAt >= validFrom &&
    (validUntil === undefined || signedAt <= validUntil)
  if (!fits) throw new NokkelError('signature_untrusted')
  return {
    name: sender.name,
    verified: validUntil === undefined ? 'verified' : 'ended_device',
    fingerprint: formatFingerprint(signer.thumbprint),
    signedAt: signer.signedAt,
  }
}
