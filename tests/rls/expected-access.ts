import type { Outcome } from './world.ts'

/**
 * For each table and verb what each actor gets, in the order member · coordinator · stranger (coordinates another
 * organisation) · former (has left) · ended (has signed out) · impostor (someone else's live session) · nobody (no
 * claims). All of these are `authenticated`; `anon`, `service_role` and `nokkel_server` have no right on any table.
 *
 * A number is how many of the rows in the world are seen or changed; `none` is no right at all.
 */
type Cells = readonly [Outcome, Outcome, Outcome, Outcome, Outcome, Outcome, Outcome]

export interface ExpectedAccess {
  readonly select: Cells
  /** Columns that stay hidden although others may be read. */
  readonly hidden?: readonly string[]
  /** Of the best row that each could make in their own name. */
  readonly insert: Cells
  readonly update: Cells
  /** The columns that may be updated; every other one is refused to everyone. */
  readonly updatable?: readonly string[]
  readonly delete: Cells
}

const none: Cells = ['-', '-', '-', '-', '-', '-', '-']
const X = 'refused'
const closed: ExpectedAccess = { select: none, insert: none, update: none, delete: none }
const readOnly = { insert: none, update: none, delete: none }

export const expectedAccess: Record<string, ExpectedAccess> = {
  'public.organization': { select: [1, 2, 1, 0, 0, 0, 0], ...readOnly },
  'public.organization_member': { select: [1, 5, 3, 0, 0, 0, 0], ...readOnly },
  // Themselves and who sent them something; for coordinators the members and whom they have sent something to.
  'public.app_user': { select: [2, 5, 3, 0, 0, 0, 0], hidden: ['encrypted_private_key'], ...readOnly },
  'public.external_identity': { select: [1, 1, 1, 0, 0, 0, 0], ...readOnly },
  'public.user_identities': {
    select: [1, 1, 1, 0, 0, 0, 0],
    hidden: ['personnummer_index', 'personnummer_index_key'],
    ...readOnly,
  },
  'public.signing_key': { select: [2, 6, 3, 0, 0, 0, 0], ...readOnly },
  'public.device_key': { select: [1, 2, 2, 0, 0, 0, 0], ...readOnly },

  'public.assignment': {
    select: [1, 1, 1, 0, 0, 0, 0],
    insert: [X, 1, 1, X, X, X, X],
    update: [0, 1, 1, 0, 0, 0, 0],
    updatable: ['statement', 'signer_thumbprint', 'revision'],
    delete: none,
  },
  'public.assignment_recipient': {
    select: [1, 2, 1, 0, 0, 0, 0],
    insert: [X, 1, 1, X, X, X, X],
    update: [1, 0, 0, 0, 0, 0, 0],
    updatable: ['fetched_at', 'opened_at'],
    delete: none,
  },
  'public.assignment_key': {
    select: [1, 3, 2, 0, 0, 0, 0],
    insert: [X, 1, 1, X, X, X, X],
    update: none,
    delete: [0, 3, 2, 0, 0, 0, 0],
  },
  'public.blob': {
    select: [1, 2, 2, 0, 0, 0, 0],
    // Whoever is in a company may have something for a project.
    insert: [1, 1, 1, X, X, X, X],
    update: [0, 1, 1, 0, 0, 0, 0],
    updatable: ['assignment_id'],
    delete: [0, 1, 1, 0, 0, 0, 0],
  },
  'public.blob_chunk': {
    select: [1, 2, 2, 0, 0, 0, 0],
    insert: [X, 1, 1, X, X, X, X],
    update: [0, 1, 1, 0, 0, 0, 0],
    updatable: ['bytes'],
    delete: none,
  },

  // Everyone in the organisation; who is in a company, and its keys, those who are in it.
  'public.company': { select: [2, 2, 1, 0, 0, 0, 0], hidden: ['encrypted_private_key'], ...readOnly },
  'public.company_member': { select: [3, 3, 1, 0, 0, 0, 0], ...readOnly },
  'public.company_key': {
    select: [2, 2, 1, 0, 0, 0, 0],
    hidden: ['encrypted_private_key', 'envelope_hash', 'master_key_id'],
    ...readOnly,
  },
  'public.user_key': {
    select: [1, 2, 1, 0, 0, 0, 0],
    hidden: ['envelope_hash', 'master_key_id'],
    ...readOnly,
  },
  // What is wrapped to them or to a company they are in, in the organisation they are logged in to; and of ours what they are in
  // now: `member` is of the buyer of one and of a company that bids in another, `coordinator` opens the bids of the first besides.
  'public.rfxs': { select: [4, 5, 3, 0, 0, 0, 0], ...readOnly },
  'public.rfx_key_version': { select: [5, 6, 4, 0, 0, 0, 0], ...readOnly },
  'public.rfx_key_members': { select: [1, 2, 3, 0, 0, 0, 0], ...readOnly },
  'public.rfx_key_companies': closed,
  'public.rfx_key_history': closed,
  'public.rfx_manifest': { select: [3, 4, 2, 0, 0, 0, 0], ...readOnly },
  'public.rfx_entry': { select: [2, 2, 1, 0, 0, 0, 0], ...readOnly },
  // Suppliers see neither each other nor who was excluded.
  'public.rfx_invitation': { select: [2, 2, 0, 0, 0, 0, 0], ...readOnly },
  'public.rfx_exclusion': { select: [1, 1, 1, 0, 0, 0, 0], ...readOnly },
  'public.rfx_opener': { select: [2, 2, 1, 0, 0, 0, 0], ...readOnly },
  // Of their own company, and for openers after the deadline every one.
  'public.rfx_bid': { select: [1, 2, 0, 0, 0, 0, 0], ...readOnly },
  // Only administrators, whom login-settings.test.ts tries.
  'public.vipps_org_config': {
    select: [0, 0, 0, 0, 0, 0, 0],
    hidden: ['wrapped_client_secret', 'master_key_id'],
    ...readOnly,
  },
  'public.vipps_org_cost_config': { select: [0, 0, 0, 0, 0, 0, 0], ...readOnly },
  'nokkel.vipps_login_usage': closed,
  'nokkel.rfx_wrap': closed,
  'nokkel.rfx_live_user': closed,
  'nokkel.rfx_live_member': closed,
  'nokkel.rfx_key_attempt': closed,
  'nokkel.rfx_attempt_manifest': closed,
  'nokkel.rfx_attempt_wrap': closed,
  'nokkel.rfx_broken_wrap': closed,
  'nokkel.rfx_bid_part': closed,

  'nokkel.pseudonym': closed,
  'nokkel.audit_log': closed,
  'nokkel.company_invitation': closed,
  'nokkel.crypto_quota': closed,
  'nokkel.crypto_usage': closed,
  'nokkel.moved_wrap': closed,
  'nokkel.master_key_version': closed,
  'nokkel.index_key_version': closed,
  'nokkel.session_key': closed,
  'nokkel.login_attempt': closed,
  'nokkel.session': closed,
  'nokkel.refresh_token': closed,
  'nokkel.dpop_proof': closed,
  'nokkel.device_challenge': closed,
}

/** Every function of ours that a role may execute; no other function or procedure of ours may be executed by it. */
export const expectedFunctions: Record<string, readonly string[]> = {
  anon: [],
  service_role: [],
  nokkel_server: [
    'nokkel.add_company_key(uuid,uuid,uuid,uuid,uuid,uuid,uuid,text,text,text,bytea,text)',
    'nokkel.add_session_key(text,jsonb,bytea)',
    'nokkel.add_user_keys(uuid,uuid,uuid,uuid,uuid,uuid[],text[],text[],text[],bytea[],text[])',
    'nokkel.adopt_key(text,uuid,text,uuid,text,text,text,bytea,text,uuid)',
    'nokkel.adoptable_keys(text,uuid,integer)',
    'nokkel.apply_organization(text,text,text,text,text,uuid)',
    'nokkel.apply_vipps_config(uuid,jsonb,bytea,text,uuid)',
    'nokkel.apply_vipps_cost(uuid,text,integer,integer,uuid)',
    'nokkel.appoint(text,uuid,text,uuid)',
    'nokkel.audit(uuid,uuid,text,text,text,text,uuid,text)',
    'nokkel.audit_unadopted(text,uuid,text,uuid)',
    'nokkel.begin_login(text,uuid,text,text,text,bytea,bytea,text)',
    'nokkel.begin_rewrap(uuid,uuid,uuid,uuid,uuid,uuid,uuid,integer,integer)',
    'nokkel.count_vipps_login(uuid)',
    'nokkel.create_device_challenge(uuid,uuid,text,bytea,bytea)',
    'nokkel.crypto_service_batch(uuid[],uuid[],uuid[],uuid[],text[],bytea[],uuid[],integer[],text[])',
    'nokkel.destroy_key(uuid,uuid,uuid,uuid,uuid,uuid)',
    'nokkel.finish_rewrap(uuid,uuid,uuid,uuid,uuid,uuid,uuid,uuid[],integer[],text[],text[])',
    'nokkel.index_key_versions()',
    'nokkel.login_setups(text[])',
    'nokkel.master_key_rows()',
    'nokkel.master_key_versions()',
    'nokkel.organizations()',
    'nokkel.orphaned_keys()',
    'nokkel.put_vipps_config(uuid,uuid,uuid,uuid,jsonb,bytea,text)',
    'nokkel.register_device(uuid,text,jsonb,text,jsonb,text,text,boolean)',
    'nokkel.register_root_keys(text[],text[],bytea[],text)',
    'nokkel.remember_proof(bytea,timestamp with time zone)',
    'nokkel.reserve_wraps(text,integer)',
    'nokkel.resume_device(uuid,text,text)',
    'nokkel.revoke_key(uuid,uuid,uuid,uuid,uuid,uuid)',
    'nokkel.rfx_faults(uuid)',
    'nokkel.rfx_groups(uuid,uuid,integer)',
    'nokkel.rfx_signed_manifest(uuid)',
    'nokkel.rfx_signed_wraps(uuid)',
    'nokkel.rotate_refresh_token(bytea,bytea,bytea,text,interval)',
    'nokkel.schema_version()',
    'nokkel.session_keys()',
    'nokkel.session_state(uuid)',
    'nokkel.sign_in(text,text,text,uuid,text,text,bytea,text,text,text,bytea,interval)',
    'nokkel.sweep()',
    'nokkel.take_device_challenge(uuid,uuid)',
    'nokkel.take_login(uuid)',
  ],
  authenticated: [
    'nokkel.activate_rfx_version(uuid,uuid,uuid[],uuid)',
    'nokkel.active_devices(uuid[])',
    'nokkel.add_rfx_attempt_wraps(uuid,uuid,nokkel.rfx_manifest_input,nokkel.rfx_wrap_input[],uuid)',
    'nokkel.add_rfx_entry(uuid,integer,text,uuid,integer,integer,bytea,integer,integer,bytea,bytea,text,bytea,text,uuid[],uuid)',
    'nokkel.add_rfx_wraps(uuid,nokkel.rfx_manifest_input,nokkel.rfx_wrap_input[],uuid)',
    'nokkel.administered_organization()',
    'nokkel.begin_bid(uuid,uuid,uuid,bytea,text,uuid)',
    'nokkel.begin_rfx_version(uuid,uuid,integer,bytea,uuid)',
    'nokkel.change_company_member(uuid,uuid,text,uuid)',
    'nokkel.change_rfx_status(uuid,text,integer,uuid)',
    'nokkel.claims()',
    'nokkel.companies(uuid[],boolean,text,text,uuid,integer)',
    'nokkel.company_keys(uuid)',
    'nokkel.company_members(uuid)',
    'nokkel.company_role(uuid)',
    'nokkel.create_company(text,text,uuid)',
    'nokkel.create_rfx(uuid,uuid,nokkel.rfx_wrap_input[],uuid)',
    'nokkel.create_rfx_group(uuid,uuid,text,uuid,nokkel.rfx_wrap_input[],uuid)',
    'nokkel.delete_rfx(uuid,uuid)',
    'nokkel.deliveries(uuid[])',
    'nokkel.developers()',
    'nokkel.device_id()',
    'nokkel.dismiss_opener(uuid,uuid,uuid)',
    'nokkel.end_other_sessions()',
    'nokkel.end_session(uuid,text)',
    'nokkel.exclude_from_rfx(uuid,uuid,uuid)',
    'nokkel.has_received_from_me(uuid)',
    'nokkel.has_role(uuid,text[])',
    'nokkel.has_sent_to_me(uuid)',
    'nokkel.hold_devices(uuid,uuid[])',
    'nokkel.i_may_wrap_rfx(uuid)',
    'nokkel.invite_to_company(uuid,text,bytea,uuid)',
    'nokkel.invite_to_rfx(uuid,uuid,uuid)',
    'nokkel.is_active_device(uuid,uuid)',
    'nokkel.is_assignment_recipient(uuid,uuid)',
    'nokkel.is_assignment_sender(uuid,uuid)',
    'nokkel.is_own_blob(uuid,boolean)',
    'nokkel.is_rfx_client(uuid)',
    'nokkel.is_rfx_member(uuid)',
    'nokkel.join_company(bytea,uuid)',
    'nokkel.may_address(uuid)',
    'nokkel.may_name_openers(uuid)',
    'nokkel.may_read_bid(uuid)',
    'nokkel.may_read_blob(uuid)',
    'nokkel.may_read_rfx_blob(uuid,uuid)',
    'nokkel.may_receive_assignment(uuid,uuid)',
    'nokkel.may_see_signing_key(text,uuid)',
    'nokkel.may_store_files()',
    'nokkel.members(uuid,uuid[],text,text,uuid,integer)',
    'nokkel.move_bid_key(uuid,uuid,integer,bytea,bytea,uuid)',
    'nokkel.move_content_keys(uuid,integer,integer[],bytea[],bytea[],uuid)',
    'nokkel.my_rfx_faults(uuid)',
    'nokkel.my_rfx_groups(uuid,uuid)',
    'nokkel.my_rfxs(uuid[],timestamp with time zone,uuid,integer)',
    'nokkel.my_session()',
    'nokkel.my_sessions()',
    'nokkel.name_opener(uuid,uuid,uuid)',
    'nokkel.organization_id()',
    'nokkel.put_minimum_assurance(text,uuid)',
    'nokkel.put_vipps_cost(text,integer,integer,uuid)',
    'nokkel.readmit_to_rfx(uuid,uuid,uuid)',
    'nokkel.received_chunks(uuid[])',
    'nokkel.release_bid_part(uuid,uuid,uuid)',
    'nokkel.remove_company_member(uuid,uuid,uuid)',
    'nokkel.report_broken_rfx_wrap(uuid,integer,uuid)',
    'nokkel.reset_deliveries(uuid)',
    'nokkel.revoke_device(uuid)',
    'nokkel.rfx_coverage(uuid)',
    'nokkel.rfx_entries(uuid,integer,integer,integer)',
    'nokkel.rfx_manifests(uuid[])',
    'nokkel.rfx_parties(uuid)',
    'nokkel.rfx_people(uuid,uuid[])',
    'nokkel.rfx_recipients(uuid,boolean,text,uuid,integer)',
    'nokkel.rfx_role(uuid)',
    'nokkel.rfx_signers(uuid,text[])',
    'nokkel.rfx_versions(uuid[])',
    'nokkel.session_id()',
    'nokkel.session_is_live()',
    'nokkel.set_developer(uuid,boolean,uuid)',
    'nokkel.set_rfx_deadline(uuid,timestamp with time zone,uuid)',
    'nokkel.signs_here(text)',
    'nokkel.stale_content_keys(uuid,integer,integer)',
    'nokkel.submit_bid(uuid,uuid,uuid,integer,bytea,bytea,integer,bytea,integer,text,text,uuid[],uuid)',
    'nokkel.user_id()',
    'nokkel.user_keys()',
    'nokkel.vipps_usage()',
    'nokkel.withdraw_bid(uuid,uuid,uuid)',
    'nokkel.withdraw_from_rfx(uuid,uuid,uuid)',
  ],
}
