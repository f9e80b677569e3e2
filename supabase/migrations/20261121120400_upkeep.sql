set role nokkel_owner;

-- Master keys and sweeping -------------------------------------------------------------------------------------------------

create or replace function nokkel.master_key_rows() returns table (key_id text, table_name text, row_count bigint)
  language sql stable security definer set search_path = '' as $$
  select k.master_key_id, 'user_key', count(*) from public.user_key k where k.master_key_id is not null group by 1
  union all
  select k.master_key_id, 'company_key', count(*) from public.company_key k where k.master_key_id is not null group by 1
  union all
  select k.master_key_id, 'rfx_bid_part', count(*) from nokkel.rfx_bid_part k group by 1
  union all
  select k.master_key_id, 'person_key', count(*) from nokkel.person_key k group by 1
  union all
  select k.master_key_id, 'vipps_org_config', count(*) from public.vipps_org_config k where k.master_key_id is not null group by 1
  union all
  select k.master_key_id, 'account_merge_row', count(*) from nokkel.account_merge_row k where k.master_key_id is not null group by 1
  union all
  select translate(encode(substring(k.contact from 5 for 16), 'base64'), '+/=', '-_'), 'waiting_identity', count(*)
  from nokkel.waiting_identity k where k.contact is not null group by 1
  union all
  select translate(encode(substring(k.wrapped_private_key from 5 for 16), 'base64'), '+/=', '-_'), 'session_key', count(*)
  from nokkel.session_key k group by 1
  union all
  select translate(encode(substring(k.wrapped_private_key from 5 for 16), 'base64'), '+/=', '-_'), 'identity_key', count(*)
  from nokkel.identity_key k group by 1
  order by 1, 2
$$;

-- As before, and what came with personal data and biometrics.
create or replace function nokkel.sweep() returns jsonb
  language plpgsql security definer set search_path = '' as $$
declare
  v_logins integer; v_proofs integer; v_challenges integer; v_sessions integer; v_blobs integer; v_invitations integer; v_attempts integer;
  v_replaced integer; v_history integer; v_waiting integer; v_merges integer; v_counters integer;
  v_tokens integer; v_forgotten integer; v_challenges_of_unlocking integer; v_personal jsonb;
begin
  if not pg_catalog.pg_try_advisory_xact_lock(hashtextextended('nokkel sweep', 0)) then
    return '{}';
  end if;
  delete from nokkel.login_attempt where expires_at < now() - interval '1 hour';
  get diagnostics v_logins = row_count;
  delete from nokkel.dpop_proof where expires_at < now();
  get diagnostics v_proofs = row_count;
  delete from nokkel.device_challenge where expires_at < now();
  get diagnostics v_challenges = row_count;
  delete from nokkel.session where coalesce(ended_at, expires_at) < now() - interval '30 days';
  get diagnostics v_sessions = row_count;
  delete from public.blob where not is_attached and created_at < now() - interval '24 hours';
  get diagnostics v_blobs = row_count;
  delete from nokkel.company_invitation where expires_at < now();
  get diagnostics v_invitations = row_count;
  delete from nokkel.rfx_key_attempt where created_at < now() - interval '24 hours';
  get diagnostics v_attempts = row_count;
  update public.rfx_entry set replaced_key = null, replaced_version = null, replaced_at = null
    where replaced_at < now() - interval '30 days';
  get diagnostics v_replaced = row_count;
  update public.rfx_bid set replaced_own_key = null, replaced_own_version = null, replaced_own_at = null
    where replaced_own_at < now() - interval '30 days';
  -- Wraps of earlier versions, once nothing is under them or what came before them.
  delete from public.rfx_key_history h using public.rfxs r
    where r.id = h.rfx_id and r.company_id is not null and h.created_at < now() - interval '30 days' and case r.kind
      when 'project' then not exists (
        select from public.rfx_entry e
        where e.rfx_id = r.id and e.wrapped_key is not null and least(e.key_version, e.replaced_version) <= h.version)
      when 'opening' then not exists (
        select from public.rfx_bid b where b.opening_id = r.id and b.opening_version <= h.version)
      else not exists (
        select from public.rfx_bid b where b.bidder_id = r.id and least(b.own_version, b.replaced_own_version) <= h.version) end;
  get diagnostics v_history = row_count;
  delete from nokkel.waiting_identity where expires_at < now() - interval '1 hour';
  get diagnostics v_waiting = row_count;
  -- With the images of what it moved: the account that was merged stays, empty.
  delete from nokkel.account_merge where merged_at <= now() - nokkel.undo_period();
  get diagnostics v_merges = row_count;
  -- Of a minute that counts no more.
  delete from nokkel.rate_counter where window_start < now() - interval '2 minutes';
  get diagnostics v_counters = row_count;
  delete from nokkel.erased_token where expires_at <= now();
  get diagnostics v_tokens = row_count;
  v_personal := nokkel.sweep_personal_data();
  v_challenges_of_unlocking := nokkel.sweep_biometrics();
  v_forgotten := nokkel.sweep_retention();
  return jsonb_build_object('logins', v_logins, 'proofs', v_proofs, 'challenges', v_challenges, 'sessions', v_sessions,
    'blobs', v_blobs, 'invitations', v_invitations, 'attempts', v_attempts,
    'replaced', v_replaced, 'history', v_history, 'waiting', v_waiting, 'merges', v_merges, 'counters', v_counters,
    'erasedTokens', v_tokens, 'unlockChallenges', v_challenges_of_unlocking, 'forgotten', v_forgotten) || v_personal;
end
$$;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121120400' $$;

reset role;
