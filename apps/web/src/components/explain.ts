import { NokkelError, type NokkelErrorCode } from '@nokkel/client'
import * as m from '../paraglide/messages.js'

export type ErrorCode = NokkelErrorCode

/** The stable code of whatever was thrown; undefined when it is not ours. */
export const codeOf = (error: unknown): ErrorCode | undefined => (error instanceof NokkelError ? error.code : undefined)

/** What a code means to a person, in the language in use. */
export function explain(code: ErrorCode | undefined): string {
  switch (code) {
    case 'network_unreachable':
      return m.e_network()
    case 'server_failed':
    case 'unavailable':
      return m.e_server()
    case 'rate_limited':
      return m.e_busy()
    case 'request_malformed':
    case 'media_type_unsupported':
    case 'route_unknown':
    case 'method_not_allowed':
    case 'answer_unexpected':
    case 'dpop_proof_invalid':
      return m.e_request()
    case 'not_found':
      return m.e_not_found()
    case 'forbidden':
      return m.e_forbidden()
    case 'signed_out':
    case 'token_missing':
    case 'token_invalid':
    case 'token_expired':
    case 'session_ended':
    case 'session_expired':
    case 'refresh_token_unknown':
    case 'refresh_token_reused':
      return m.e_session()
    case 'device_superseded':
    case 'device_revoked':
      return m.e_device_gone()
    case 'organization_unknown':
      return m.e_organization()
    case 'provider_unavailable':
      return m.e_provider_unavailable()
    case 'login_unknown':
    case 'login_lost':
      return m.e_login_lost()
    case 'login_timed_out':
      return m.e_login_timed_out()
    case 'login_mismatch':
    case 'login_state_mismatch':
      return m.e_login_mismatch()
    case 'login_refused':
      return m.e_login_refused()
    case 'login_code_rejected':
    case 'login_token_invalid':
      return m.e_login_untrusted()
    case 'login_assurance_too_low':
      return m.e_login_assurance()
    case 'login_not_member':
      return m.e_login_not_member()
    case 'login_ambiguous':
      return m.e_login_ambiguous()
    case 'provider_unreachable':
      return m.e_provider_unreachable()
    case 'login_too_old':
      return m.e_login_too_old()
    case 'device_exists':
      return m.e_device_exists()
    case 'device_challenge_unknown':
    case 'device_proof_invalid':
      return m.e_device_proof()
    case 'device_required':
      return m.e_device_required()
    case 'blob_incomplete':
    case 'blob_sealed':
      return m.e_blob()
    case 'body_too_large':
      return m.e_too_large()
    case 'blob_quota_exceeded':
      return m.e_quota()
    case 'conflict':
    case 'recipients_changed':
    case 'revision_stale':
      return m.e_changed()
    case 'statement_invalid':
      return m.e_statement()
    case 'storage_unavailable':
      return m.e_storage()
    case 'storage_full':
      return m.e_storage_full()
    case 'storage_private_mode':
      return m.e_private()
    case 'keys_missing':
      return m.e_keys_missing()
    case 'key_generation_failed':
      return m.e_key_generation()
    case 'not_readable':
      return m.e_not_readable()
    case 'own_copy_unreadable':
      return m.e_own_copy()
    case 'signature_untrusted':
      return m.e_untrusted()
    case 'file_damaged':
      return m.e_file_damaged()
    case 'file_changed':
      return m.e_file_changed()
    case 'recipient_without_device':
      return m.e_recipient_without_device()
    case 'sealed':
      return m.e_sealed()
    case 'share_invalid':
      return m.e_share()
    case 'share_repeated':
      return m.e_share_repeated()
    case 'shares_wrong':
      return m.e_shares_wrong()
    case 'open_refused':
      return m.e_open_refused()
    case 'key_unsupported':
      return m.e_key_unsupported()
    case 'key_exists':
      return m.e_key_exists()
    case 'key_reused':
      return m.e_key_reused()
    case 'key_in_use':
      return m.e_key_in_use()
    case 'key_queue_full':
      return m.e_key_queue()
    case 'quota_exceeded':
      return m.e_quota_exceeded()
    case 'master_key_exhausted':
      return m.e_master_key()
    case 'invitation_unknown':
      return m.e_invitation()
    case 'company_needs_administrator':
      return m.e_company_administrator()
    case 'key_not_adopted':
      return m.e_key_not_adopted()
    case 'cancelled':
      return m.e_cancelled()
    case undefined:
      return m.e_unknown()
    default: {
      const unknown: never = code
      return unknown
    }
  }
}
