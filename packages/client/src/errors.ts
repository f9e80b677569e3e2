import type { ProblemCode } from '@nokkel/contract'

/** What can go wrong on this side of the wire. */
export type ClientErrorCode =
  /** No usable answer came back. Safe to try again. */
  | 'network_unreachable'
  /** The server answered with something this version does not understand. */
  | 'answer_unexpected'
  /** The caller's signal was aborted. */
  | 'cancelled'
  /** This browser offers no storage, or refuses to write to it. */
  | 'storage_unavailable'
  /** The storage of this browser is full. */
  | 'storage_full'
  /** A private window, where keys cannot be stored. */
  | 'storage_private_mode'
  /** There is nobody logged in. */
  | 'signed_out'
  /** What was stored when the login began is gone; begin again. */
  | 'login_lost'
  /** The callback or the authorization URL does not belong to the login begun here. */
  | 'login_state_mismatch'
  /** The person did not come back from the provider in time. */
  | 'login_timed_out'
  /** The provider does not let the organisation ask for the personnummer; `retry` asks the person to go on without. */
  | 'login_scope_refused'
  /** The private keys of this device are not in its storage. */
  | 'keys_missing'
  /** The key generator (a Worker in the browser) could not run. */
  | 'key_generation_failed'
  /** This device offers no biometrics, or not to this page. */
  | 'biometrics_unavailable'
  /** The person, or their device, ended the question for face, finger or PIN; it may be asked again. */
  | 'biometrics_cancelled'
  /** The server asks for a credential that was not made in this browser: log in, then enrol again. */
  | 'credential_unknown'
  /** The session is locked; unlock it by biometrics, or log in. */
  | 'locked'
  /** This device holds no key for the assignment. */
  | 'not_readable'
  /** Own copy of a sent assignment cannot be opened on this device. */
  | 'own_copy_unreadable'
  /** It opens, but is not signed by a key the directory gives to its sender. */
  | 'signature_untrusted'
  /** A file is not what its sender signed: altered, cut short or missing. */
  | 'file_damaged'
  /** A file gave other bytes than its `size` says. */
  | 'file_changed'
  /** A recipient has no device to seal to; `data.userIds` names them. */
  | 'recipient_without_device'
  /** The key of the project has not reached this person yet. */
  | 'waiting_for_key'
  /** The server shows an older state of a project than this device has seen, or another one. */
  | 'rfx_rolled_back'
  /** The key of a project is new, and the one this device knew does not follow from it: reading goes on, writing waits for a person. */
  | 'key_unproven'
  /** What members of a project signed does not fit together: a key, a list of members or an entry was exchanged. */
  | 'rfx_tampered'
  /** The key of a recipient is not the one this device knew, and nobody has accepted it; `data.recipients` names them. */
  | 'key_changed'
  /** The public key of a recipient cannot be used; `data.recipients` names them. */
  | 'key_unusable'

/** Stable, never renamed: choose texts for people by it. */
export type NokkelErrorCode = ProblemCode | ClientErrorCode

/** Why a login failed; see {@link NokkelErrorCode}. */
export type AuthErrorCode = NokkelErrorCode

export interface NokkelErrorOptions extends ErrorOptions {
  readonly data?: Readonly<Record<string, unknown>>
  /** For the developer. Default: the code. */
  readonly message?: string
}

/**
 * The error of this package. `code` is a problem code of the API or a {@link ClientErrorCode}; neither message nor
 * data ever holds a token, a key or a plaintext.
 *
 * @example
 * ```ts
 * try {
 *   await createNokkel({ organization: 'likeperson' }).assignments.inbox()
 * } catch (error) {
 *   if (error instanceof NokkelError && error.code === 'network_unreachable') console.log('Try again.')
 * }
 * ```
 */
export class NokkelError extends Error {
  override readonly name: string = 'NokkelError'
  readonly code: NokkelErrorCode
  /** What a caller can act on, by code: `device_exists` has `devices`, `recipient_without_device` has `userIds`. */
  readonly data: Readonly<Record<string, unknown>> | undefined

  constructor(code: NokkelErrorCode, options: NokkelErrorOptions = {}) {
    const { data, message = code, ...rest } = options
    super(message, rest)
    this.code = code
    this.data = data
  }
}

export function codeOf(error: unknown): NokkelErrorCode | undefined {
  return error instanceof NokkelError ? error.code : undefined
}

/** Anything else that was thrown counts as an answer this version does not understand. */
export function nokkelErrorOf(cause: unknown): NokkelError {
  return cause instanceof NokkelError ? cause : new NokkelError('answer_unexpected', { cause })
}
