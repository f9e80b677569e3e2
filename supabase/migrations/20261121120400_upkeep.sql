set role nokkel_owner;

-- Merging ------------------------------------------------------------------------------------------------------------------

-- Whether a merge keeps the number of the other account: where there is none, or one that was only typed beside one that a provider
-- vouched for.
create function nokkel.takes_personnummer(p_survivor_source text, p_other_source text) returns boolean
  language sql immutable set search_path = '' as $$
  select p_other_source is not null
    and (p_survivor_source is null or p_survivor_source = 'typed' and p_other_source <> 'typed')
$$;

-- As before, with what the person has agreed to and the personnummer that is kept. p_made: the managed keys, the contact and the
-- personnummer as the server bound them to the account that is kept; in a preview there are none, and nothing of it stands.
create or replace function nokkel.move_account(p_merge uuid, p_made jsonb) returns void
  language plpgsql security definer set search_path = '' set bytea_output = 'hex' set timezone = 'UTC' as $$
declare
  v_merge nokkel.account_merge;
  v_had uuid[];
  v_attempts uuid[];
  v_lost uuid[];
  v_through uuid[];
  v_made jsonb;
  v_survivor public.user_identities;
  v_other public.user_identities;
begin
  select * into strict v_merge from nokkel.account_merge m where m.id = p_merge;
  set constraints public.company_member_organization_id_user_id_fkey deferred;

  -- Keys of projects, before it is judged who is in them.
  v_had := array(
    select m.rfx_id from public.rfx_key_members m where m.user_id = v_merge.other_id
    union
    select b.rfx_id from nokkel.rfx_broken_wrap b where b.user_id = v_merge.other_id);
  v_attempts := array(
    select a.id from nokkel.rfx_key_attempt a
    where a.rfx_id = any (v_had) or a.created_by = v_merge.other_id or a.id in (
      select w.attempt_id from nokkel.rfx_attempt_wrap w where w.owner = 'user' and w.owner_id = v_merge.other_id));
  perform nokkel.merge_rows(p_merge, 'public.rfxs',
    't.id in (select a.rfx_id from nokkel.rfx_key_attempt a where a.id = any ($4))', 'rekey_pending = t.rekey_pending', v_attempts);
  perform nokkel.merge_rows(p_merge, 'nokkel.rfx_attempt_wrap', 't.attempt_id = any ($4)', null, v_attempts);
  perform nokkel.merge_rows(p_merge, 'nokkel.rfx_attempt_manifest', 't.attempt_id = any ($4)', null, v_attempts);
  perform nokkel.merge_rows(p_merge, 'nokkel.rfx_key_attempt', 't.id = any ($4)', null, v_attempts);
  perform nokkel.merge_rows(p_merge, 'public.rfx_key_members',
    't.user_id = $3 and exists (select from public.rfx_key_members s where s.rfx_id = t.rfx_id and s.user_id = $2)', null);
  perform nokkel.merge_rows(p_merge, 'public.rfx_key_members', 't.user_id = $3', 'user_id = $2', p_exact => true);
  perform nokkel.merge_rows(p_merge, 'public.rfx_key_history', 't.user_id = $3 and exists (
    select from public.rfx_key_history s where s.rfx_id = t.rfx_id and s.version = t.version and s.user_id = $2)', null);
  perform nokkel.merge_rows(p_merge, 'public.rfx_key_history', 't.user_id = $3', 'user_id = $2', p_exact => true);
  perform nokkel.merge_rows(p_merge, 'nokkel.rfx_broken_wrap', 't.user_id = $3 and exists (
    select from nokkel.rfx_broken_wrap s
    where s.rfx_id = t.rfx_id and s.revision is not distinct from t.revision and s.user_id = $2)', null);
  perform nokkel.merge_rows(p_merge, 'nokkel.rfx_broken_wrap', 't.user_id = $3', 'user_id = $2', p_exact => true);
  perform nokkel.merge_rows(p_merge, 'public.rfx_opener',
    't.user_id = $3 and exists (select from public.rfx_opener s where s.rfx_id = t.rfx_id and s.user_id = $2)', null);
  perform nokkel.merge_rows(p_merge, 'public.rfx_opener', 't.user_id = $3', 'user_id = $2');
  perform nokkel.merge_rows(p_merge, 'public.rfx_exclusion',
    't.user_id = $3 and exists (select from public.rfx_exclusion s where s.rfx_id = t.rfx_id and s.user_id = $2)', null);
  perform nokkel.merge_rows(p_merge, 'public.rfx_exclusion', 't.user_id = $3', 'user_id = $2', p_exact => true);

  perform nokkel.merge_rows(p_merge, 'public.company_member', $q$t.user_id = $2 and t.role = 'member' and exists (
    select from public.company_member o where o.company_id = t.company_id and o.user_id = $3 and o.role = 'administrator')$q$,
    $q$role = 'administrator'$q$);
  perform nokkel.merge_rows(p_merge, 'public.company_member',
    't.user_id = $3 and exists (select from public.company_member s where s.company_id = t.company_id and s.user_id = $2)', null);
  perform nokkel.merge_rows(p_merge, 'public.company_member', 't.user_id = $3', 'user_id = $2');
  perform nokkel.merge_rows(p_merge, 'public.organization_member', $q$t.user_id = $2 and exists (
    select from public.organization_member o where o.organization_id = t.organization_id and o.user_id = $3
      and (o.is_developer and not t.is_developer or nokkel.role_rank(o.role) > nokkel.role_rank(t.role)))$q$,
    $q$(role, is_developer) = (
      select case when nokkel.role_rank(o.role) > nokkel.role_rank(t.role) then o.role else t.role end, o.is_developer or t.is_developer
      from public.organization_member o where o.organization_id = t.organization_id and o.user_id = $3)$q$);
  -- With those that depend on it: its company memberships have moved.
  perform nokkel.merge_rows(p_merge, 'public.organization_member', 't.user_id = $3 and exists (
    select from public.organization_member s where s.organization_id = t.organization_id and s.user_id = $2)', null);
  perform nokkel.merge_rows(p_merge, 'public.organization_member', 't.user_id = $3', 'user_id = $2');

  -- Who was kept out as one of the two is kept out as both, and opens no bids there.
  perform nokkel.merge_rows(p_merge, 'public.rfx_opener',
    't.user_id = $2 and exists (select from public.rfx_exclusion x where x.rfx_id = t.rfx_id and x.user_id = $2)', null);
  v_lost := array(
    select x.rfx_id from (
      select m.rfx_id from public.rfx_key_members m where m.user_id = v_merge.survivor_id
      union
      select b.rfx_id from nokkel.rfx_broken_wrap b where b.user_id = v_merge.survivor_id
      union
      select h.rfx_id from public.rfx_key_history h where h.user_id = v_merge.survivor_id
    ) x join public.rfxs r on r.id = x.rfx_id and r.company_id is not null
    except
    select l.rfx_id from nokkel.rfx_live_member l where l.owner = 'user' and l.owner_id = v_merge.survivor_id);
  v_through := array(
    select r.id from nokkel.account_merge_row j
    join public.rfxs r on (j.before ->> 'rfx_id')::uuid in (r.id, r.parent_id)
    join public.rfx_key_companies w on w.rfx_id = r.id
    join public.company_member c on c.company_id = w.company_id and c.user_id = v_merge.survivor_id
    where j.merge_id = p_merge and j.table_name = 'public.rfx_exclusion' and j.after is not null);
  perform nokkel.merge_rows(p_merge, 'public.rfx_key_members', 't.rfx_id = any ($4) and t.user_id = $2', null, v_lost);
  perform nokkel.merge_rows(p_merge, 'public.rfx_key_history', 't.rfx_id = any ($4) and t.user_id = $2', null, v_lost);
  perform nokkel.merge_rows(p_merge, 'nokkel.rfx_broken_wrap', 't.rfx_id = any ($4) and t.user_id = $2', null, v_lost);
  -- As nokkel.ask_for_rfx_version does.
  perform nokkel.merge_rows(p_merge, 'public.rfxs', $q$t.id = any ($4) and t.company_id is not null
    and (select p.status from public.rfxs p where p.id = coalesce(t.parent_id, t.id)) <> 'closed'$q$, 'rekey_pending = true',
    v_had || v_lost || v_through);

  -- Managed keys, and the columns that mirror the active one.
  perform nokkel.merge_rows(p_merge, 'public.app_user', 't.auth_user_id = $3 and t.public_key is not null',
    'public_key = null, encrypted_private_key = null');
  perform nokkel.merge_rows(p_merge, 'public.user_key', 't.user_id = $3', $q$user_id = $2,
    encrypted_private_key = coalesce($5 #>> array['keys', t.id::text, 'envelope'], t.encrypted_private_key),
    envelope_hash = coalesce(decode($5 #>> array['keys', t.id::text, 'hash'], 'base64'), t.envelope_hash),
    master_key_id = coalesce($5 #>> array['keys', t.id::text, 'masterKeyId'], t.master_key_id),
    (state, superseded_at) = (
      select case when a.there then 'superseded' else t.state end, case when a.there then now() else t.superseded_at end
      from (select t.state = 'active' and exists (
        select from public.user_key k where k.user_id = $2 and k.state = 'active') as there) a)$q$,
    p_made => p_made, p_exact => true);
  perform nokkel.merge_rows(p_merge, 'public.app_user', $q$t.auth_user_id = $2 and t.public_key is null
    and exists (select from public.user_key k where k.user_id = $2 and k.state = 'active')$q$,
    $q$(public_key, encrypted_private_key) = (
      select k.public_key, k.encrypted_private_key from public.user_key k where k.user_id = $2 and k.state = 'active')$q$);
  -- Bids do not come to lie with one person only because two were one.
  perform nokkel.require_openers(r.id) from public.rfxs r
    where r.status in ('approved', 'closed') and r.deadline is not null and r.id in (
      select (j.before ->> 'rfx_id')::uuid from nokkel.account_merge_row j
      where j.merge_id = p_merge and j.table_name = 'public.rfx_opener' and j.after is null);

  -- Logins, and what providers said of the person.
  perform nokkel.merge_rows(p_merge, 'public.external_identity', 't.user_id = $3', 'user_id = $2');
  if p_made ? 'personKey' then
    insert into nokkel.person_key (user_id, wrapped_key, master_key_id)
      values (v_merge.survivor_id, decode(p_made #>> '{personKey,wrapped}', 'base64'), p_made #>> '{personKey,masterKeyId}')
      on conflict do nothing;
    if not found then perform nokkel.refuse('merge_changed'); end if;
    insert into nokkel.account_merge_row (merge_id, table_name, is_exact, after)
      select p_merge, 'nokkel.person_key', true, to_jsonb(k) from nokkel.person_key k where k.user_id = v_merge.survivor_id;
  end if;
  select * into v_survivor from public.user_identities i where i.user_id = v_merge.survivor_id;
  select * into v_other from public.user_identities i where i.user_id = v_merge.other_id;
  v_made := p_made || jsonb_build_object('other', to_jsonb(v_other));
  if v_other.id is not null and v_survivor.id is null then
    perform nokkel.merge_rows(p_merge, 'public.user_identities', 't.user_id = $3',
      $q$user_id = $2, contact = coalesce(decode($5 #>> '{contact,envelope}', 'base64'), t.contact),
        personnummer = coalesce(decode($5 #>> '{personnummer,envelope}', 'base64'), t.personnummer)$q$, p_made => v_made);
  elsif v_other.id is not null then
    perform nokkel.merge_rows(p_merge, 'public.user_identities', 't.user_id = $3', 'personnummer_index = null, personnummer_index_key = null,
      phone_index = null, email_index = null, contact_index_key = null, contact = null, contact_updated_at = null,
      personnummer = null, personnummer_source = null, personnummer_kept_at = null');
    perform nokkel.merge_rows(p_merge, 'public.user_identities', 't.user_id = $2', $q$
      (personnummer_index, personnummer_index_key) = (
        select case when t.personnummer_index is null then o.personnummer_index else t.personnummer_index end,
          coalesce(t.personnummer_index_key, o.personnummer_index_key)
        from jsonb_populate_record(null::public.user_identities, $5 -> 'other') o),
      (phone_index, email_index, contact_index_key) = (
        select case when o.usable then coalesce(t.phone_index, o.phone_index) else t.phone_index end,
          case when o.usable then coalesce(t.email_index, o.email_index) else t.email_index end,
          coalesce(t.contact_index_key, o.contact_index_key)
        from (
          -- Indexes under another key are not to be compared with ours.
          select r.*, coalesce(t.contact_index_key = r.contact_index_key, true) as usable
          from jsonb_populate_record(null::public.user_identities, $5 -> 'other') r
        ) o),
      (contact, contact_updated_at) = (
        select case when t.contact is null then coalesce(decode($5 #>> '{contact,envelope}', 'base64'), o.contact) else t.contact end,
          coalesce(t.contact_updated_at, o.contact_updated_at)
        from jsonb_populate_record(null::public.user_identities, $5 -> 'other') o),
      (personnummer, personnummer_source, personnummer_kept_at) = (
        select case when o.taken then coalesce(decode($5 #>> '{personnummer,envelope}', 'base64'), o.personnummer)
            else t.personnummer end,
          case when o.taken then o.personnummer_source else t.personnummer_source end,
          case when o.taken then o.personnummer_kept_at else t.personnummer_kept_at end
        from (
          select r.*, nokkel.takes_personnummer(t.personnummer_source, r.personnummer_source) as taken
          from jsonb_populate_record(null::public.user_identities, $5 -> 'other') r
        ) o),
      (bankid_verified, bankid_verified_at) = (
        select t.bankid_verified or o.bankid_verified, coalesce(t.bankid_verified_at, o.bankid_verified_at)
        from jsonb_populate_record(null::public.user_identities, $5 -> 'other') o)$q$, p_made => v_made);
  else
    perform nokkel.merge_rows(p_merge, 'public.user_identities', 't.user_id = $2', 'id = t.id');
  end if;

  -- What they agreed to; where the account that is kept agrees to it already, its own yes stands, unless it was to a number that gives
  -- way.
  if nokkel.takes_personnummer(v_survivor.personnummer_source, v_other.personnummer_source) then
    perform nokkel.merge_rows(p_merge, 'public.consent', $q$t.user_id = $2 and t.purpose = 'personnummer' and t.withdrawn_at is null
      and t.replaced_at is null and exists (
        select from public.consent o where o.user_id = $3 and o.purpose = t.purpose and o.withdrawn_at is null and o.replaced_at is null)$q$,
      'replaced_at = now()');
  end if;
  perform nokkel.merge_rows(p_merge, 'public.consent', $q$t.user_id = $3 and t.withdrawn_at is null and t.replaced_at is null and exists (
    select from public.consent s where s.user_id = $2 and s.purpose = t.purpose and s.withdrawn_at is null and s.replaced_at is null
      and (s.organization_id = t.organization_id or s.purpose = 'personnummer'))$q$, 'user_id = $2, replaced_at = now()');
  perform nokkel.merge_rows(p_merge, 'public.consent', 't.user_id = $3', 'user_id = $2');

  -- What they sent to each other stays as it was sent.
  perform nokkel.merge_rows(p_merge, 'public.assignment_recipient',
    't.user_id = $3 and exists (select from public.assignment_recipient s where s.assignment_id = t.assignment_id and s.user_id = $2)', null);
  perform nokkel.merge_rows(p_merge, 'public.assignment_recipient',
    't.user_id = $3 and not exists (select from public.assignment a where a.id = t.assignment_id and a.sender_id = $2)', 'user_id = $2');

  -- What was the other account ends.
  perform nokkel.merge_rows(p_merge, 'nokkel.session', 't.user_id = $3 and t.ended_at is null',
    $q$ended_at = now(), ended_reason = 'merged'$q$);
  perform nokkel.merge_rows(p_merge, 'public.device_key', $q$t.user_id = $3 and t.state = 'active'$q$,
    $q$state = 'revoked', ended_at = now()$q$);
  perform nokkel.merge_rows(p_merge, 'public.signing_key', 't.user_id = $3 and t.valid_until is null', 'valid_until = now()');

  -- What else was found of it is of the account that is kept.
  perform nokkel.merge_rows(p_merge, 'nokkel.suspected_duplicate', $q$ $2 in (t.first_id, t.second_id) and $3 in (t.first_id, t.second_id)
    and t.state = 'open'$q$, $q$state = 'merged', settled_at = now()$q$);
  perform nokkel.merge_rows(p_merge, 'nokkel.suspected_duplicate', $q$ $3 in (t.first_id, t.second_id) and t.state <> 'merged'
    and $2 not in (t.first_id, t.second_id) and not exists (
      select from nokkel.suspected_duplicate s where s.evidence = t.evidence and $2 in (s.first_id, s.second_id)
        and (t.first_id in (s.first_id, s.second_id) or t.second_id in (s.first_id, s.second_id)))$q$, $q$(first_id, second_id) = (
      select least($2, third.id), greatest($2, third.id)
      from (select case when t.first_id = $3 then t.second_id else t.first_id end as id) third)$q$);
  perform nokkel.merge_rows(p_merge, 'nokkel.former_account', 't.survivor_id = $3', 'survivor_id = $2');
  insert into nokkel.former_account (user_id, survivor_id, merged_at) values (v_merge.other_id, v_merge.survivor_id, v_merge.merged_at);

  set constraints public.company_member_organization_id_user_id_fkey immediate;
  update nokkel.account_merge_row j set fingerprint = nokkel.rfx_fingerprint((j.after ->> 'id')::uuid)
    where j.merge_id = p_merge and j.table_name = 'public.rfxs';
end
$$;

-- What a merge has done, counted.
create or replace function nokkel.merge_effects(p_merge uuid) returns jsonb
  language sql stable security definer set search_path = '' as $$
  with merge as (
    select m.survivor_id::text as survivor, m.other_id::text as other, m.other_id from nokkel.account_merge m where m.id = p_merge
  ), changed as (
    select j.table_name, j.before, j.after, j.before ->> 'user_id' = m.other as of_other
    from nokkel.account_merge_row j cross join merge m where j.merge_id = p_merge
  ), counted (what, effect, count) as (
    select 'logins', 'moves', count(*) from changed c where c.table_name = 'public.external_identity'
    union all
    select 'memberships', 'moves', count(*) from changed c where c.table_name = 'public.organization_member' and c.of_other
    union all
    select 'roles_raised', 'changes', count(*) from changed c
      where c.table_name in ('public.organization_member', 'public.company_member') and not c.of_other
    union all
    select 'companies', 'moves', count(*) from changed c where c.table_name = 'public.company_member' and c.of_other
    union all
    select 'managed_keys', 'moves', count(*) from changed c where c.table_name = 'public.user_key'
    union all
    select 'project_keys', 'moves', count(*) from changed c where c.table_name = 'public.rfx_key_members' and c.of_other
    union all
    select 'projects_rekeyed', 'changes', count(distinct coalesce(c.after ->> 'parent_id', c.after ->> 'id')) from changed c
      where c.table_name = 'public.rfxs' and c.before -> 'rekey_pending' <> c.after -> 'rekey_pending'
    union all
    select 'opener_duties', 'moves', count(*) from changed c where c.table_name = 'public.rfx_opener' and c.of_other
    union all
    select 'exclusions', 'moves', count(*) from changed c where c.table_name = 'public.rfx_exclusion' and c.of_other
    union all
    select 'received_assignments', 'moves', count(*) from changed c where c.table_name = 'public.assignment_recipient'
    union all
    select 'personnummer', 'moves', count(*) from changed c
      where c.table_name = 'public.user_identities' and c.of_other and (
        c.before ->> 'personnummer_index' is not null or c.before ->> 'personnummer' is not null)
    union all
    select 'contact', 'moves', count(*) from changed c
      where c.table_name = 'public.user_identities' and c.after ->> 'contact' is not null and c.after ->> 'user_id' = (select m.survivor from merge m)
        and (c.of_other or c.before ->> 'contact' is null)
    union all
    select 'sessions_ended', 'ends', count(*) from changed c where c.table_name = 'nokkel.session'
    union all
    select 'devices_ended', 'ends', count(*) from changed c where c.table_name = 'public.device_key'
    union all
    select 'sent_assignments', 'stays', count(*) from public.assignment a where a.sender_id = (select m.other_id from merge m)
    union all
    select 'project_entries', 'stays',
      (select count(*) from public.rfx_entry e where e.author_id = (select m.other_id from merge m))
        + (select count(*) from public.rfx_bid b where b.author_id = (select m.other_id from merge m))
  )
  select coalesce(jsonb_agg(jsonb_build_object('what', c.what, 'effect', c.effect, 'count', c.count)), '[]')
  from counted c where c.count > 0
$$;

-- Names everything that a merge has changed, as it was before: without what changes whenever somebody uses their account.
create or replace function nokkel.merge_digest(p_merge uuid) returns bytea
  language sql stable security definer set search_path = '' as $$
  select sha256(convert_to(m.survivor_id || E'\n' || m.other_id || coalesce((
    select string_agg(x.line, '' order by x.line) from (
      select E'\n' || j.table_name || ' '
        || (j.before - array['last_login_at', 'last_used_at', 'last_seen_at', 'fetched_at', 'opened_at', 'vipps_sub'])::text as line
      from nokkel.account_merge_row j where j.merge_id = m.id and j.before is not null
    ) x
  ), ''), 'UTF8'))
  from nokkel.account_merge m where m.id = p_merge
$$;

drop function nokkel.merge_material(uuid, uuid, uuid, uuid, uuid);

-- What the server binds to the account that is kept, before it merges.
create function nokkel.merge_material(p_session uuid, p_user uuid, p_organization uuid, p_duplicate uuid, p_survivor uuid)
  returns table (
    other_id uuid, key_ids uuid[], envelopes text[], contact bytea, personnummer bytea, person_key bytea, survivor_has_contact boolean,
    takes_personnummer boolean, survivor_person_key bytea
  ) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_duplicate nokkel.suspected_duplicate;
begin
  perform nokkel.require_administrator(p_session, p_user, p_organization, true);
  select * into v_duplicate from nokkel.suspected_duplicate d where d.id = p_duplicate and d.organization_id = p_organization;
  if v_duplicate.id is null then perform nokkel.refuse('not_found'); end if;
  if v_duplicate.state <> 'open' then perform nokkel.refuse('duplicate_settled'); end if;
  if p_survivor is null or p_survivor not in (v_duplicate.first_id, v_duplicate.second_id) then
    perform nokkel.refuse('request_malformed');
  end if;
  return query
  select o.id, k.ids, k.envelopes, i.contact, i.personnummer, p.wrapped_key, coalesce(s.contact is not null, false),
    nokkel.takes_personnummer(s.personnummer_source, i.personnummer_source), sp.wrapped_key
  from (select case when p_survivor = v_duplicate.first_id then v_duplicate.second_id else v_duplicate.first_id end as id) o
  left join public.user_identities i on i.user_id = o.id
  left join nokkel.person_key p on p.user_id = o.id
  left join public.user_identities s on s.user_id = p_survivor
  left join nokkel.person_key sp on sp.user_id = p_survivor
  cross join lateral (
    select coalesce(array_agg(k.id order by k.id), '{}') as ids, coalesce(array_agg(k.encrypted_private_key order by k.id), '{}') as envelopes
    from public.user_key k where k.user_id = o.id and k.encrypted_private_key is not null
  ) k;
end
$$;
grant execute on function nokkel.merge_material(uuid, uuid, uuid, uuid, uuid) to nokkel_server;

-- p_digest: what was previewed. p_made is of what stands there now, or nothing is merged.
create or replace function nokkel.merge_accounts(
  p_session uuid, p_user uuid, p_organization uuid, p_request uuid, p_duplicate uuid, p_survivor uuid, p_digest bytea, p_made jsonb
) returns void language plpgsql security definer set search_path = '' as $$
declare
  v_id constant uuid := nokkel.begin_merge(p_session, p_user, p_organization, p_duplicate, p_survivor, true);
  v_merge nokkel.account_merge;
begin
  select * into strict v_merge from nokkel.account_merge m where m.id = v_id;
  if (select count(*) from jsonb_object_keys(p_made -> 'keys')) <> (
    select count(*) from public.user_key k
    where k.user_id = v_merge.other_id and k.encrypted_private_key = p_made #>> array['keys', k.id::text, 'from']
  ) or exists (
    select from public.user_key k where k.user_id = v_merge.other_id and not p_made -> 'keys' ? k.id::text and k.encrypted_private_key is not null
  ) or exists (
    select from public.user_identities o
    left join public.user_identities s on s.user_id = p_survivor
    where o.user_id = v_merge.other_id and (
      o.contact is not null and s.contact is null and o.contact is distinct from decode(p_made #>> '{contact,from}', 'base64')
      or nokkel.takes_personnummer(s.personnummer_source, o.personnummer_source)
        and o.personnummer is distinct from decode(p_made #>> '{personnummer,from}', 'base64'))
  ) then
    perform nokkel.refuse('merge_changed');
  end if;
  perform nokkel.move_account(v_id, p_made);
  if nokkel.merge_digest(v_id) is distinct from p_digest then perform nokkel.refuse('merge_changed'); end if;
  update nokkel.account_merge m set working = null where m.id = v_id;
  perform nokkel.audit_consent_over(p_user, (j.after ->> 'id')::uuid, 'consent.replace', p_request) from nokkel.account_merge_row j
    where j.merge_id = v_id and j.table_name = 'public.consent' and j.before ->> 'replaced_at' is null
      and j.after ->> 'replaced_at' is not null;
  perform nokkel.audit_merge(p_organization, p_user, 'duplicate.merge',
    p_duplicate || '/' || (select p.pseudonym from nokkel.pseudonym p where p.user_id = p_survivor),
    v_merge.survivor_id, v_merge.other_id, p_request);
end
$$;

-- Puts everything back that a merge moved. What the account that was kept has got or lost since stays with it, where the two can be
-- told apart; what was taken from it is taken from both.
create function nokkel.move_account_back(p_merge uuid, p_organization uuid, p_user uuid, p_request uuid) returns void
  language plpgsql security definer set search_path = '' set bytea_output = 'hex' set timezone = 'UTC' as $$
declare
  v_merge nokkel.account_merge;
  v_ended boolean;
  v_replaced boolean;
  v_new uuid[];
  v_row nokkel.account_merge_row;
  v_group uuid;
  v_same uuid[];
  v_wrapped uuid[];
  v_ask uuid[] := '{}';
  v_attempts uuid[];
  v_stray uuid[];
  v_devices uuid[];
  v_present jsonb;
  v_user uuid;
  v_purpose text;
  v_withdrawn uuid[];
begin
  select * into strict v_merge from nokkel.account_merge m where m.id = p_merge for update;
  perform nokkel.hold_accounts(v_merge.survivor_id, v_merge.other_id, nokkel.merged_groups(v_merge.id));
  update nokkel.account_merge m set working = pg_catalog.pg_current_xact_id() where m.id = v_merge.id;
  -- Somebody who ends one session of the person, or one device, may have meant those that the merge had ended.
  v_ended := exists (
    select from nokkel.session s
    where s.user_id = v_merge.survivor_id and (s.ended_at >= v_merge.merged_at or s.ended_at is not null and s.id = any (v_merge.survivor_had)));
  v_replaced := exists (
    select from public.device_key d
    where d.user_id = v_merge.survivor_id and (d.ended_at >= v_merge.merged_at or d.ended_at is not null and d.id = any (v_merge.survivor_had)));
  v_same := array(
    select (j.after ->> 'id')::uuid from nokkel.account_merge_row j
    where j.merge_id = v_merge.id and j.table_name = 'public.rfxs' and j.fingerprint = nokkel.rfx_fingerprint((j.after ->> 'id')::uuid));
  v_wrapped := array(
    select m.rfx_id from public.rfx_key_members m where m.user_id in (v_merge.survivor_id, v_merge.other_id)
    union
    select m.rfx_id from public.rfx_key_members m where m.rfx_id = any (nokkel.merged_groups(v_merge.id)));
  begin
    set constraints public.company_member_organization_id_user_id_fkey deferred;
    delete from nokkel.former_account f where f.user_id = v_merge.other_id and f.survivor_id = v_merge.survivor_id;
    if not found then perform nokkel.refuse('merge_not_undoable'); end if;
    -- Back in the order in which they went.
    for v_row in select * from nokkel.account_merge_row j where j.merge_id = v_merge.id order by j.n desc loop
      v_group := (coalesce(v_row.after, v_row.before) ->> case v_row.table_name when 'public.rfxs' then 'id' else 'rfx_id' end)::uuid;
      if v_row.table_name in ('nokkel.rfx_attempt_wrap', 'nokkel.rfx_attempt_manifest') then
        continue when (v_row.before ->> 'attempt_id')::uuid <> all (coalesce(v_attempts, '{}'));
      elsif v_group is not null then
        continue when not exists (select from public.rfxs r where r.id = v_group);
      end if;
      if v_row.after is null and v_row.before ->> 'user_id' = v_merge.other_id::text then
        v_row.before := nokkel.what_is_left(v_row.table_name, v_row.before, v_merge.survivor_id);
        if v_row.before is null then
          if v_row.table_name = 'public.rfx_key_members' then v_ask := v_ask || v_group; end if;
          continue;
        end if;
      end if;
      case
        when v_row.table_name = 'public.rfxs' then
          -- Somebody may have left since, and the same mark asks for a new key for them.
          if v_group = any (v_same) then perform nokkel.restore_row(v_row); end if;
        when v_row.table_name = 'nokkel.rfx_key_attempt' then
          continue when v_group <> all (v_same);
          if nokkel.restore_row(v_row) then v_attempts := v_attempts || (v_row.before ->> 'id')::uuid; end if;
        when v_row.table_name in ('public.rfx_key_members', 'nokkel.rfx_broken_wrap') then
          -- A wrap of the version that was present then, of no other.
          if not exists (
            select from nokkel.account_merge_row j join public.rfxs r on r.id = v_group and r.key_version <> (j.after ->> 'key_version')::integer
            where j.merge_id = v_merge.id and j.table_name = 'public.rfxs' and j.after ->> 'id' = v_group::text
          ) and nokkel.restore_row(v_row) then
            continue;
          end if;
          -- It could not be made anew.
          if exists (select from public.rfxs r where r.id = v_group and r.company_id is null)
            and nokkel.present_row(v_row.table_name, v_row.after) is not null
          then
            perform nokkel.refuse('merge_not_undoable');
          end if;
          v_ask := v_ask || v_group;
        when v_row.table_name = 'public.user_identities' then
          -- Whose it is that a login has told since cannot be told apart.
          v_present := nokkel.present_row(v_row.table_name, v_row.after);
          if v_present is null then perform nokkel.refuse('merge_not_undoable'); end if;
          if v_row.before ->> 'user_id' = v_merge.survivor_id::text and exists (
            select from unnest(array['phone_index', 'email_index', 'contact_index_key', 'contact', 'contact_updated_at']) c
            where v_present -> c <> v_row.after -> c
          ) then
            v_row.before := v_row.before || '{"phone_index": null, "email_index": null, "contact_index_key": null,
              "contact": null, "contact_updated_at": null}';
          end if;
          v_row.is_exact := false;
          v_row.after := v_present;
          perform nokkel.restore_row(v_row);
        when v_row.table_name = 'public.consent' then
          -- Taken back since, it is taken back; replaced since by a yes that is not theirs, it stands again.
          v_present := nokkel.present_row(v_row.table_name, v_row.after);
          if v_present is not null then
            v_row.before := v_row.before || jsonb_build_object('organization_id', v_present -> 'organization_id',
              'withdrawn_at', coalesce(nullif(v_present -> 'withdrawn_at', 'null'), v_row.before -> 'withdrawn_at'));
            v_row.after := v_present;
            if nokkel.restore_row(v_row) and v_present ->> 'withdrawn_at' is null and v_row.before ->> 'withdrawn_at' is not null then
              perform nokkel.audit_consent_over(p_user, (v_present ->> 'id')::uuid, 'consent.withdraw', p_request);
            end if;
          end if;
        when v_row.table_name = 'public.organization_member' and v_row.after is not null then
          -- The role and the duties of a developer each for itself.
          v_present := nokkel.present_row(v_row.table_name, v_row.after);
          select v_row.before || coalesce(jsonb_object_agg(c, v_present -> c), '{}') into v_row.before
            from unnest(array['role', 'is_developer']) c where v_present -> c <> v_row.after -> c;
          perform nokkel.restore_row(v_row);
        when v_row.table_name = 'public.rfx_opener' then
          -- Whoever has left the company since opens nothing for it.
          if exists (
            select from public.rfxs r join public.company_member m on m.company_id = r.company_id
            where r.id = v_group and m.user_id = (v_row.before ->> 'user_id')::uuid
          ) then
            perform nokkel.restore_row(v_row);
          end if;
        when v_row.table_name in ('public.device_key', 'public.signing_key') then
          if not v_replaced then perform nokkel.restore_row(v_row); end if;
        when v_row.table_name = 'nokkel.session' then
          if not v_ended and not (v_replaced and v_row.before ->> 'device_id' is not null) then perform nokkel.restore_row(v_row); end if;
        when v_row.table_name = 'nokkel.person_key' then
          -- Something may be under it by now.
          if not exists (
            select from public.user_identities i
            where i.user_id = v_merge.survivor_id and (i.contact is not null or i.personnummer is not null)
          ) then
            perform nokkel.restore_row(v_row);
          end if;
        when v_row.table_name in ('public.external_identity', 'public.user_key', 'public.app_user', 'nokkel.former_account') then
          if not nokkel.restore_row(v_row) then perform nokkel.refuse('merge_not_undoable'); end if;
        else
          perform nokkel.restore_row(v_row);
      end case;
    end loop;
    set constraints public.company_member_organization_id_user_id_fkey immediate;

    -- What came by a login since.
    delete from public.user_identities i where i.user_id = v_merge.survivor_id and not exists (
      select from nokkel.account_merge_row j where j.merge_id = v_merge.id and j.table_name = 'public.user_identities');
    with gone as (
      delete from public.external_identity i where i.user_id = v_merge.survivor_id and i.id <> all (v_merge.survivor_had) returning i.id
    )
    select coalesce(array_agg(g.id), '{}') into v_new from gone g;
    perform nokkel.audit(p_organization, p_user, 'login.unlink', 'identity', id::text, null, p_request) from unnest(v_new) id;
    perform nokkel.withdraw_without_vipps(v_merge.survivor_id, p_user, p_request);
    -- What was taken back since was taken back from both; a number that came since is neither's.
    for v_user, v_purpose in
      select distinct c.user_id, c.purpose from public.consent c
      where c.user_id in (v_merge.survivor_id, v_merge.other_id) and c.withdrawn_at >= v_merge.merged_at
        and not nokkel.has_consent(c.user_id, c.purpose)
    loop
      case v_purpose
        when 'contact' then perform nokkel.forget_contact(v_user);
        when 'recognition' then perform nokkel.forget_recognition(v_user);
        else perform nokkel.forget_personnummer(v_user);
      end case;
    end loop;
    with withdrawn as (
      update public.consent c set withdrawn_at = now()
        where c.user_id in (v_merge.survivor_id, v_merge.other_id) and c.purpose = 'personnummer' and c.withdrawn_at is null
          and c.replaced_at is null and not exists (
            select from public.user_identities i where i.user_id = c.user_id and i.personnummer is not null)
        returning c.id
    )
    select array_agg(w.id) into v_withdrawn from withdrawn w;
    perform nokkel.audit_consent_over(p_user, id, 'consent.withdraw', p_request) from unnest(v_withdrawn) id;
    delete from nokkel.offered_personnummer o where o.user_id = v_merge.survivor_id and o.offered_at >= v_merge.merged_at;
    -- Who was kept out since was kept out as both.
    insert into public.rfx_exclusion (rfx_id, user_id, excluded_by, created_at)
      select x.rfx_id, v_merge.other_id, x.excluded_by, x.created_at from public.rfx_exclusion x
      where x.user_id = v_merge.survivor_id and x.created_at >= v_merge.merged_at and exists (
        select from nokkel.rfx_live_member l where l.rfx_id = x.rfx_id and l.owner = 'user' and l.owner_id = v_merge.other_id)
      on conflict do nothing;

    -- Wraps that came since, to keys that have gone back.
    v_stray := array(
      select m.rfx_id from public.rfx_key_members m join public.user_key k on k.id = m.key_id
      where m.user_id in (v_merge.survivor_id, v_merge.other_id) and k.user_id <> m.user_id);
    delete from public.rfx_key_members m using public.user_key k
      where k.id = m.key_id and m.user_id in (v_merge.survivor_id, v_merge.other_id) and k.user_id <> m.user_id;
    update public.rfx_key_history h set user_id = k.user_id from public.user_key k
      where k.id = h.user_key_id and h.user_id = v_merge.survivor_id and k.user_id = v_merge.other_id and not exists (
        select from public.rfx_key_history o where o.rfx_id = h.rfx_id and o.version = h.version and o.user_id = k.user_id);
    delete from public.rfx_key_history h using public.user_key k
      where k.id = h.user_key_id and h.user_id in (v_merge.survivor_id, v_merge.other_id) and k.user_id <> h.user_id;
    perform nokkel.prune_rfxs(array(
      select x.rfx_id from (
        select m.rfx_id, m.user_id from public.rfx_key_members m where m.user_id in (v_merge.survivor_id, v_merge.other_id)
        union
        select b.rfx_id, b.user_id from nokkel.rfx_broken_wrap b where b.user_id in (v_merge.survivor_id, v_merge.other_id)
        union
        select h.rfx_id, h.user_id from public.rfx_key_history h where h.user_id in (v_merge.survivor_id, v_merge.other_id)
      ) x where not exists (
        select from nokkel.rfx_live_member l where l.rfx_id = x.rfx_id and l.owner = 'user' and l.owner_id = x.user_id)), '{}');
    perform nokkel.ask_for_rfx_version(g) from unnest(v_ask || v_stray) g;
    if exists (
      select from unnest(v_wrapped) g (id) join public.rfxs r on r.id = g.id
      where not exists (select from public.rfx_key_members m where m.rfx_id = g.id)
        and not exists (select from public.rfx_key_companies m where m.rfx_id = g.id)
    ) then
      perform nokkel.refuse('merge_not_undoable');
    end if;
  exception
    when foreign_key_violation or unique_violation or check_violation then perform nokkel.refuse('merge_not_undoable');
  end;

  -- Who came in by a login that has gone back is the other one; by one that has come since, either.
  v_new := v_new || array(select i.id from public.external_identity i where i.user_id = v_merge.other_id);
  v_devices := array(
    select d.id from public.device_key d join nokkel.session s on s.device_id = d.id
    where s.user_id = v_merge.survivor_id and d.user_id = s.user_id and d.registered_at >= v_merge.merged_at and s.identity_id = any (v_new));
  if cardinality(v_devices) > 0 then perform nokkel.end_devices(v_merge.survivor_id, v_devices, 'revoked'); end if;
  update nokkel.session s set ended_at = now(), ended_reason = 'revoked'
    where s.user_id = v_merge.survivor_id and s.ended_at is null and s.identity_id = any (v_new);
  delete from nokkel.account_merge m where m.id = v_merge.id;
end
$$;

-- Undoes a merge; of a pair that was dismissed, says that it is open again.
create or replace function nokkel.undo_merge(p_session uuid, p_user uuid, p_organization uuid, p_request uuid, p_duplicate uuid) returns void
  language plpgsql security definer set search_path = '' set bytea_output = 'hex' set timezone = 'UTC' as $$
declare
  v_duplicate constant nokkel.suspected_duplicate := nokkel.hold_duplicate(p_session, p_user, p_organization, p_duplicate, true);
  v_merge nokkel.account_merge;
begin
  if v_duplicate.state = 'dismissed' then
    if exists (select from nokkel.former_account f where f.user_id in (v_duplicate.first_id, v_duplicate.second_id)) then
      perform nokkel.refuse('merge_not_undoable');
    end if;
    update nokkel.suspected_duplicate d set state = 'open', settled_at = null where d.id = p_duplicate;
    perform nokkel.audit(p_organization, p_user, 'duplicate.undo', 'duplicate', p_duplicate::text, null, p_request);
    return;
  end if;
  select * into v_merge from nokkel.account_merge m where m.duplicate_id = p_duplicate for update;
  if v_merge.id is null or v_duplicate.state <> 'merged' or v_merge.merged_at <= now() - nokkel.undo_period() then
    perform nokkel.refuse('merge_not_undoable');
  end if;
  perform nokkel.move_account_back(v_merge.id, p_organization, p_user, p_request);
  perform nokkel.audit_merge(p_organization, p_user, 'duplicate.undo', p_duplicate::text, v_merge.survivor_id, v_merge.other_id, p_request);
end
$$;

-- As before, and: of contact and of the verified number no more than the person has agreed to with this organisation.
create or replace function nokkel.duplicates(
  p_session uuid, p_user uuid, p_organization uuid, p_id uuid, p_state text, p_after_at timestamptz, p_after_id uuid, p_limit integer
) returns table (
  id uuid, evidence text, state text, found_at timestamptz, survivor_id uuid, merged_at timestamptz, undo_until timestamptz, accounts jsonb
) language plpgsql stable security definer set search_path = '' set bytea_output = 'hex' set timezone = 'UTC' as $$
#variable_conflict use_column
begin
  perform nokkel.require_administrator(p_session, p_user, p_organization, false);
  return query
  select d.id, d.evidence, d.state, d.found_at, f.survivor_id, f.merged_at, f.merged_at + nokkel.undo_period(), (
      select jsonb_agg(jsonb_build_object(
        'id', u.auth_user_id, 'name', case when m.user_id is null then nokkel.initials(u.name) else u.name end, 'role', m.role, 'createdAt', u.created_at,
        'logins', coalesce(l.providers, '[]'), 'lastLoginAt', case when m.user_id is not null then l.last_login_at end,
        'bankidVerified', coalesce(i.bankid_verified, false),
        'personnummerVerified', coalesce(i.personnummer_verified, false) and agreed.recognition,
        'contactShares', case when m.user_id is not null then to_jsonb(agreed.contact) else '[]' end,
        'contact', case when m.user_id is not null and cardinality(agreed.contact) > 0 then translate(encode(i.contact, 'base64'), E'\n', '') end,
        'personKey', translate(encode(k.wrapped_key, 'base64'), E'\n', '')) order by u.auth_user_id)
      from public.app_user u
      left join public.organization_member m on m.user_id = u.auth_user_id and m.organization_id = d.organization_id
      left join public.user_identities i on i.user_id = u.auth_user_id
      left join nokkel.person_key k on k.user_id = u.auth_user_id
      cross join lateral (
        select jsonb_agg(e.provider order by e.provider, e.id) as providers, max(e.last_login_at) as last_login_at
        from public.external_identity e where e.user_id = u.auth_user_id
      ) l
      cross join lateral (
        select coalesce(bool_or(c.purpose = 'recognition'), false) as recognition,
          array(
            select unnest(of_contact.shares) from public.consent of_contact
            where of_contact.user_id = u.auth_user_id and of_contact.organization_id = d.organization_id
              and of_contact.purpose = 'contact' and of_contact.withdrawn_at is null and of_contact.replaced_at is null
          ) as contact
        from public.consent c
        where c.user_id = u.auth_user_id and c.organization_id = d.organization_id and c.withdrawn_at is null and c.replaced_at is null
      ) agreed
      where u.auth_user_id in (d.first_id, d.second_id))
  from nokkel.suspected_duplicate d
  left join nokkel.former_account f on d.state = 'merged'
    and (f.user_id, f.survivor_id) in ((d.first_id, d.second_id), (d.second_id, d.first_id))
  where d.organization_id = p_organization and (p_id is null or d.id = p_id) and (p_state is null or d.state = p_state)
    and (p_after_id is null or (d.found_at, d.id) < (p_after_at, p_after_id))
  order by d.found_at desc, d.id desc
  limit p_limit;
end
$$;

-- For those whose erasure is replayed, p_users: a backup may have them as one with somebody who had become another again when they were
-- erased, and whom no entry names. Such a merge is undone first, so that the other one stays, with everything that is theirs.
create function nokkel.part_from_others(p_erasure uuid, p_users uuid[], p_named uuid[]) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_former nokkel.former_account;
  v_merge nokkel.account_merge;
begin
  loop
    select * into v_former from nokkel.former_account f
      where f.survivor_id = any (p_users) and f.user_id <> all (p_named)
        or f.user_id = any (p_users) and f.survivor_id <> all (p_named)
      order by f.merged_at desc, f.user_id limit 1;
    exit when not found;
    -- By it, or by a later one, which took along what had become the other account.
    select * into v_merge from nokkel.account_merge m
      where m.survivor_id = v_former.survivor_id and (m.other_id = v_former.user_id or exists (
        select from nokkel.account_merge_row j
        where j.merge_id = m.id and j.table_name = 'nokkel.former_account' and j.before ->> 'user_id' = v_former.user_id::text))
      order by m.merged_at desc limit 1;
    begin
      if v_merge.id is null then perform nokkel.refuse('merge_not_undoable'); end if;
      perform from nokkel.suspected_duplicate d where d.id = v_merge.duplicate_id for update;
      perform nokkel.move_account_back(v_merge.id, d.organization_id, null, null)
        from nokkel.suspected_duplicate d where d.id = v_merge.duplicate_id;
      perform nokkel.audit_merge(d.organization_id, null, 'duplicate.undo', d.id::text, v_merge.survivor_id, v_merge.other_id, null)
        from nokkel.suspected_duplicate d where d.id = v_merge.duplicate_id;
    exception when sqlstate 'NK001' then
      raise exception using errcode = 'NK002', message = format(
        'Erasure %s does not name both of the accounts %s and %s, which were merged on %s in this backup, and that merge cannot be undone: '
          'neither was erased. Restore a backup from before the merge, or from after it was undone.',
        p_erasure, v_former.survivor_id, v_former.user_id, to_char(v_former.merged_at at time zone 'UTC', 'YYYY-MM-DD'));
    end;
  end loop;
end
$$;

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

-- When the last sweep began: servers, which may live for one request only, know it from here.
create table nokkel.last_sweep (
  only_one boolean primary key default true check (only_one),
  swept_at timestamptz not null
);
call nokkel.protect('nokkel.last_sweep');

-- As before, and what came with personal data and biometrics. Each part by itself: what fails is named, and tried again the next time.
create or replace function nokkel.sweep() returns jsonb
  language plpgsql security definer set search_path = '' as $$
declare
  v_swept jsonb;
  v_personal jsonb;
begin
  if not pg_catalog.pg_try_advisory_xact_lock(hashtextextended('nokkel sweep', 0)) then
    return '{}';
  end if;
  insert into nokkel.last_sweep (swept_at) values (now()) on conflict (only_one) do update set swept_at = excluded.swept_at;
  v_swept := nokkel.sweep_parts(array[
    ['logins', $q$delete from nokkel.login_attempt where expires_at < now() - interval '1 hour'$q$],
    ['proofs', 'delete from nokkel.dpop_proof where expires_at < now()'],
    ['challenges', 'delete from nokkel.device_challenge where expires_at < now()'],
    ['sessions', $q$delete from nokkel.session where coalesce(ended_at, expires_at) < now() - interval '30 days'$q$],
    ['blobs', $q$delete from public.blob where not is_attached and created_at < now() - interval '24 hours'$q$],
    ['invitations', 'delete from nokkel.company_invitation where expires_at < now()'],
    ['attempts', $q$delete from nokkel.rfx_key_attempt where created_at < now() - interval '24 hours'$q$],
    ['replaced', $q$update public.rfx_entry set replaced_key = null, replaced_version = null, replaced_at = null
      where replaced_at < now() - interval '30 days'$q$],
    ['replacedBids', $q$update public.rfx_bid set replaced_own_key = null, replaced_own_version = null, replaced_own_at = null
      where replaced_own_at < now() - interval '30 days'$q$],
    -- Wraps of earlier versions, once nothing is under them or what came before them.
    ['history', $q$delete from public.rfx_key_history h using public.rfxs r
      where r.id = h.rfx_id and r.company_id is not null and h.created_at < now() - interval '30 days' and case r.kind
        when 'project' then not exists (
          select from public.rfx_entry e
          where e.rfx_id = r.id and e.wrapped_key is not null and least(e.key_version, e.replaced_version) <= h.version)
        when 'opening' then not exists (
          select from public.rfx_bid b where b.opening_id = r.id and b.opening_version <= h.version)
        else not exists (
          select from public.rfx_bid b where b.bidder_id = r.id and least(b.own_version, b.replaced_own_version) <= h.version) end$q$],
    ['waiting', $q$delete from nokkel.waiting_identity where expires_at < now() - interval '1 hour'$q$],
    -- With the images of what it moved: the account that was merged stays, empty.
    ['merges', 'delete from nokkel.account_merge where merged_at <= now() - nokkel.undo_period()'],
    -- Of a minute that counts no more.
    ['counters', $q$delete from nokkel.rate_counter where window_start < now() - interval '2 minutes'$q$],
    ['erasedTokens', 'delete from nokkel.erased_token where expires_at <= now()'],
    ['erasureAnswers', 'delete from nokkel.erasure_answer where expires_at <= now()'],
    ['orphans', 'select nokkel.sweep_erasures()'],
    ['unlockChallenges', 'select nokkel.sweep_biometrics()'],
    ['forgotten', 'select nokkel.sweep_retention()']]);
  v_personal := nokkel.sweep_personal_data();
  return v_swept || v_personal || jsonb_build_object('failed', (v_swept -> 'failed') || (v_personal -> 'failed'));
end
$$;

-- As servers ask for it: nothing is done within ten minutes of the last time, or while another one is at it.
create function nokkel.sweep_when_due() returns jsonb
  language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from nokkel.last_sweep s where s.swept_at > now() - interval '10 minutes')
    or not pg_catalog.pg_try_advisory_xact_lock(hashtextextended('nokkel sweep', 0))
    -- It may have ended while we asked.
    or exists (select from nokkel.last_sweep s where s.swept_at > now() - interval '10 minutes')
  then
    return '{}';
  end if;
  return nokkel.sweep();
end
$$;
grant execute on function nokkel.sweep_when_due() to nokkel_server;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121120400' $$;

reset role;
