import { z } from '@hono/zod-openapi'

/**
 * Every problem the API answers with: its stable code, HTTP status and English title.
 *
 * Codes are never renamed. The `type` of a problem is `urn:nokkel:problem:<code>`.
 *
 * @see RFC 9457
 */
export const problems = {
  request_malformed: { status: 400, title: 'The request is not of the form this operation takes.' },
  body_too_large: { status: 413, title: 'The request body is larger than this operation takes.' },
  media_type_unsupported: { status: 415, title: 'The content type is not one this operation takes.' },
  route_unknown: { status: 404, title: 'There is no such operation.' },
  method_not_allowed: { status: 405, title: 'This path does not take that method.' },
  not_found: { status: 404, title: 'There is no such thing here, or it is not yours to see.' },
  forbidden: { status: 403, title: 'Your role in this organisation does not allow this.' },
  conflict: { status: 409, title: 'Something else already stands here.' },
  rate_limited: { status: 429, title: 'Too many requests; wait before the next one.' },
  server_failed: { status: 500, title: 'Something failed here; nothing was changed.' },
  unavailable: { status: 503, title: 'Not ready to answer yet.' },

  token_missing: { status: 401, title: 'This operation needs an access token.' },
  token_invalid: { status: 401, title: 'The access token is not valid.' },
  token_expired: { status: 401, title: 'The access token has expired; refresh the session.' },
  session_ended: { status: 401, title: 'This session has ended; log in again.' },
  session_expired: { status: 401, title: 'Your session has expired; log in again.' },
  device_superseded: { status: 401, title: 'Another device has taken over; this one must delete its keys.' },
  device_revoked: { status: 401, title: 'This device was removed; it must delete its keys.' },
  account_merged: { status: 401, title: 'This account was merged into another one of the same person; log in again.' },
  account_erased: { status: 401, title: 'This account was erased; this device must delete what it keeps of it.' },
  unlock_required: { status: 401, title: 'This device is to be unlocked by biometrics before the session goes on.' },
  refresh_token_unknown: { status: 401, title: 'The refresh token is not valid; log in again.' },
  refresh_token_reused: { status: 401, title: 'The refresh token was used before; the session was ended.' },
  dpop_proof_invalid: { status: 401, title: 'The proof of possession is missing or not valid.' },

  organization_unknown: { status: 404, title: 'There is no such organisation.' },
  provider_unavailable: { status: 409, title: 'This way of logging in is not set up for the organisation.' },
  provider_misconfigured: {
    status: 409,
    title: 'The provider does not take the settings of the organisation; use another way, and tell the organisation.',
  },
  login_unknown: { status: 400, title: 'This login was not started here, has expired or was already used. Try again.' },
  login_mismatch: { status: 400, title: 'The callback does not belong to this login. Try again.' },
  login_refused: { status: 400, title: 'The login was refused or cancelled at the provider.' },
  login_code_rejected: { status: 400, title: 'The provider did not accept the code. Try again.' },
  login_token_invalid: { status: 400, title: 'The answer of the provider could not be trusted. Try again.' },
  login_assurance_too_low: { status: 403, title: 'The login was not at the assurance level that is needed.' },
  login_not_member: { status: 403, title: 'You are not registered with this organisation.' },
  login_ambiguous: {
    status: 409,
    title: 'This login could belong to more than one account; an administrator must decide.',
  },
  provider_unreachable: { status: 502, title: 'The provider gave no usable answer. Try again.' },

  provider_flow_unavailable: {
    status: 409,
    title: 'This way to the app of the provider is not set up for the organisation.',
  },
  login_consent_missing: { status: 400, title: 'The person has not agreed to what this login asks for.' },
  link_unknown: { status: 400, title: 'This link has expired, was used, or is of another device. Log in again.' },
  login_link_mismatch: { status: 409, title: 'That login belongs to another account than the one to link with.' },
  login_of_other_account: {
    status: 409,
    title: 'This login belongs to another account of yours; an administrator can merge the two.',
  },
  login_other_person: { status: 409, title: 'This login is of somebody else.' },
  login_last: { status: 409, title: 'This is the only way in; add another one first.' },
  login_in_use: { status: 409, title: 'You are logged in this way; log in another way to remove it.' },
  supabase_token_invalid: { status: 401, title: 'The access token of Supabase is not valid.' },
  secret_required: { status: 400, title: 'Another client or environment needs its own secret.' },
  redirect_uri_invalid: {
    status: 400,
    title:
      'A redirect URI must be of an app that the operator of this server knows, and end with the path of this provider and organisation.',
  },
  duplicate_settled: { status: 409, title: 'This has been settled already.' },
  merge_changed: { status: 409, title: 'Something has changed since the preview; look at it again.' },
  merge_different_people: { status: 409, title: 'The two have different BankIDs or verified personnummer.' },
  merge_not_allowed: {
    status: 403,
    title: 'The evidence does not suffice for accounts of your own or of other organisations.',
  },
  merge_not_undoable: { status: 409, title: 'The time to undo this is over, or what was moved has changed since.' },

  login_too_old: { status: 403, title: 'This needs a login not older than five minutes.' },
  personnummer_invalid: { status: 400, title: 'This is not a personnummer.' },
  personnummer_known: { status: 409, title: 'A personnummer that a provider vouched for is kept already.' },
  personnummer_offer_gone: { status: 409, title: 'What the provider told is not held any more; log in again.' },
  identity_key_unknown: { status: 409, title: 'The identity key has been replaced; fetch it and try again.' },
  bankid_login_required: { status: 403, title: 'This needs a session that came from BankID.' },
  erasure_blocked: { status: 409, title: 'Somebody else must take over first.' },
  biometrics_not_enrolled: { status: 409, title: 'This device is not enrolled for biometrics.' },
  biometrics_unavailable: {
    status: 409,
    title: 'Pages of this origin cannot use biometrics, or not the credential of this device; log in, and enrol again.',
  },
  unlock_challenge_unknown: { status: 400, title: 'The challenge has expired or was already used. Try again.' },
  unlock_failed: { status: 400, title: 'The answer of the authenticator could not be trusted.' },

  device_exists: { status: 409, title: 'Another device is active; say that this one replaces it.' },
  device_challenge_unknown: { status: 400, title: 'The challenge has expired or was already used.' },
  device_proof_invalid: { status: 400, title: 'The device did not prove that it holds its keys.' },
  device_required: { status: 403, title: 'This operation needs a registered device.' },

  blob_incomplete: { status: 409, title: 'The file is not complete.' },
  blob_sealed: { status: 409, title: 'The file is already complete.' },
  blob_quota_exceeded: { status: 413, title: 'Too many bytes are waiting to be sent.' },
  recipients_changed: {
    status: 409,
    title: 'The recipients, or their devices or keys, have changed; fetch them again.',
  },
  statement_invalid: { status: 400, title: 'The signed statement does not fit what was sent.' },
  revision_stale: { status: 409, title: 'There is a newer revision; fetch it again.' },

  sealed: { status: 503, title: 'The server waits for shares of its key.' },
  share_invalid: { status: 400, title: 'This is not a share of this server’s key, or it was mistyped.' },
  share_repeated: { status: 409, title: 'This share was already given.' },
  shares_wrong: { status: 400, title: 'The shares do not open the keyring; give all of them again.' },
  open_refused: { status: 404, title: 'There is no such key here, or it does not open for you.' },
  key_unsupported: { status: 400, title: 'This is not an RSA-4096 private key as PKCS#8.' },
  key_exists: { status: 409, title: 'Another key is active; name it as the one that is replaced.' },
  key_reused: { status: 409, title: 'This key was used before; make a new one.' },
  key_in_use: { status: 409, title: 'Something is still wrapped to this key.' },
  key_queue_full: { status: 429, title: 'Too many key operations are waiting; try again shortly.' },
  quota_exceeded: { status: 429, title: 'The organisation has used its key operations for today.' },
  master_key_exhausted: {
    status: 503,
    title: 'The master key has protected as many keys as it may; the operator must add a new version.',
  },
  invitation_unknown: { status: 404, title: 'This invitation has expired, was used, or never was.' },
  company_needs_administrator: { status: 409, title: 'A company must keep one administrator; name another one first.' },
  rfx_status: { status: 409, title: 'The project is not at the stage at which this is done.' },
  rekey_pending: {
    status: 409,
    title: 'Somebody has left the project; it gets a new key before anything more is written.',
  },
  version_stale: { status: 409, title: 'The key has another version now; fetch it and try again.' },
  manifest_stale: {
    status: 409,
    title: 'Somebody else has wrapped the key meanwhile; fetch the manifest and try again.',
  },
  sequence_stale: { status: 409, title: 'Something else was written meanwhile; fetch it and try again.' },
  suppliers_missing: { status: 409, title: 'No company is invited yet.' },
  openers_missing: { status: 409, title: 'Nobody is named who may open the bids.' },
  deadline_passed: { status: 409, title: 'The deadline has passed.' },
  deadline_not_passed: { status: 403, title: 'Bids are not opened before the deadline.' },
  deadline_shortened: { status: 409, title: 'The deadline of an approved project is only moved to a later time.' },
  key_not_adopted: {
    status: 409,
    title: 'There is a key of other software that would be lost; the operator must adopt it first.',
  },
} as const satisfies Record<string, { status: number; title: string }>

/** A stable problem code; see {@link problems}. */
export type ProblemCode = keyof typeof problems

/** RFC 9457 problem document. `detail` is for a developer; texts for people are chosen by `code`. */
export const Problem = z
  .object({
    type: z.string().openapi({ example: 'urn:nokkel:problem:not_found' }),
    title: z.string(),
    status: z.int(),
    code: z.string().openapi({ example: 'not_found' }),
    detail: z.string().optional(),
    request_id: z.string().optional(),
    data: z.record(z.string(), z.unknown()).optional().openapi({ description: 'What a caller can act on, by code.' }),
  })
  .openapi('Problem')
export type Problem = z.infer<typeof Problem>
