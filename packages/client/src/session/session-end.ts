import type { NokkelErrorCode } from '../errors.ts'

const codes = [
  'session_ended',
  'session_expired',
  'device_superseded',
  'device_revoked',
  'account_merged',
  'account_erased',
  'refresh_token_unknown',
  'refresh_token_reused',
] as const satisfies readonly NokkelErrorCode[]

/** A refusal after which there is no session any more. */
export type SessionEnd = (typeof codes)[number] | 'keys_missing'

export function isSessionEnd(code: NokkelErrorCode): code is (typeof codes)[number] {
  return (codes as readonly NokkelErrorCode[]).includes(code)
}

/** Whether the device has ended too, so that its keys must go. That of a merged account may be given back. */
export function endsDevice(reason: SessionEnd): reason is 'device_superseded' | 'device_revoked' | 'account_erased' {
  return reason === 'device_superseded' || reason === 'device_revoked' || reason === 'account_erased'
}

/** Whether nothing but time, or the person elsewhere, has ended it: logging in again the same way is what is next. */
export function isExpiry(reason: SessionEnd): boolean {
  return !endsDevice(reason) && reason !== 'account_merged' && reason !== 'keys_missing'
}
