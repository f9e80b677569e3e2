set role nokkel_owner;

-- What is held on a person, given to them; erasing them; and forgetting those who do not come back. docs/spec/erasure.md

-- Who was erased and when: what a restored backup is held against. Only added to, as the audit log is: not even its owner may
-- change or remove a row.
create table nokkel.erasure (
  id uuid primary key,
  -- Of nobody any more. What others hold names them still.
  user_id uuid not null,
  -- The accounts that had become that one.
  former_ids uuid[] not null default '{}',
  erased_at timestamptz not null,
  -- When the last backup with their data has expired.
  backups_expire_at timestamptz not null,
  removed jsonb not null check (jsonb_typeof(removed) = 'object'),
  check (backups_expire_at >= erased_at),
  check (user_id <> all (former_ids))
);
create index erasure_user on nokkel.erasure (user_id);
create index erasure_former on nokkel.erasure using gin (former_ids);
alter table nokkel.erasure enable row level security;
alter table nokkel.erasure force row level security;
revoke all on table nokkel.erasure from public, anon, authenticated, service_role;
revoke update, delete, truncate, trigger on table nokkel.erasure from nokkel_owner;
create policy "definer functions read" on nokkel.erasure for select to nokkel_owner using (true);
create policy "definer functions add" on nokkel.erasure for insert to nokkel_owner with check (true);

-- For whoever has lost the answer: the session that asked for it, which is no more, for as long as its access token lasts. Not for
-- longer, since the log names sessions and who acted in them.
create table nokkel.erasure_answer (
  session_id uuid primary key,
  erasure_id uuid not null,
  expires_at timestamptz not null default now() + interval '15 minutes'
);
create index erasure_answer_expiry on nokkel.erasure_answer (expires_at);
call nokkel.protect('nokkel.erasure_answer');

-- Refresh tokens and sessions of those who were erased, also of sessions that had ended, so that their devices are told and delete
-- what they keep.
create table nokkel.erased_token (
  hash bytea primary key check (length(hash) = 32),
  -- It is no more.
  session_id uuid not null,
  -- When the session would have been forgotten: thirty days after its end.
  expires_at timestamptz not null
);
create index erased_token_session on nokkel.erased_token (session_id);
create index erased_token_expiry on nokkel.erased_token (expires_at);
call nokkel.protect('nokkel.erased_token');

create function nokkel.is_erased(p_user uuid) returns boolean
  language sql stable security definer set search_path = '' as
  $$ select exists (select from nokkel.erasure e where e.user_id = p_user or e.former_ids @> array[p_user]) $$;

-- As before, without those of Supabase who were erased: an account with their id would be theirs.
create or replace function nokkel.contact_accounts(p_login nokkel.verified_login, p_phone text, p_email text, p_ways text[])
  returns table (id uuid, of_supabase boolean) language sql set search_path = '' as $$
  select nokkel.account_now(found.id), bool_or(found.of_supabase) from (
    select i.user_id, false from public.user_identities i
      where (i.contact_index_key, i.phone_index, i.email_index) in (
        (p_login.contact_index_key, p_login.phone_index, p_login.email_index),
        (p_login.previous_index_key, p_login.previous_phone_index, p_login.previous_email_index))
    union all
    select s.id, true from nokkel.supabase_accounts(p_phone, p_email) s (id)
      where 'supabase' = any (p_ways) and not nokkel.is_erased(s.id)
        or exists (select from public.app_user u where u.auth_user_id = s.id)
  ) found (id, of_supabase)
  where not nokkel.are_different_people(nokkel.account_now(found.id), p_login)
  group by 1
$$;

create function nokkel.is_erased_token(p_hash bytea) returns boolean
  language sql stable security definer set search_path = '' as
  $$ select exists (select from nokkel.erased_token t where t.hash = p_hash and t.expires_at > now()) $$;

-- As before, and: whoever something was done to is named by their pseudonym, too, which goes with them.
create or replace function nokkel.audit(
  p_organization uuid, p_user uuid, p_action text, p_subject_type text, p_subject_id text, p_problem text, p_request uuid,
  p_outcome text default null
) returns void language sql security definer set search_path = '' as $$
  insert into nokkel.audit_log (organization_id, actor, action, subject_type, subject_id, outcome, problem, request_id)
  values (p_organization, (select p.pseudonym from nokkel.pseudonym p where p.user_id = p_user), p_action, p_subject_type,
    (
      select string_agg(coalesce((
          select p.pseudonym::text from nokkel.pseudonym p
          where p.user_id = case when s.part ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then s.part::uuid end
        ), s.part), '/' order by s.n)
      from string_to_table(p_subject_id, '/') with ordinality s (part, n)
    ), coalesce(p_outcome, case when p_problem is null then 'allowed' else 'refused' end), p_problem, p_request)
$$;

-- As before; of somebody who is being deleted, without their id.
create or replace function nokkel.remove_opener(p_rfx uuid, p_user uuid, p_request uuid) returns boolean
  language plpgsql security definer set search_path = '' as $$
begin
  delete from public.rfx_opener o where o.rfx_id = p_rfx and o.user_id = p_user;
  if not found then return false; end if;
  perform nokkel.audit(r.organization_id, nokkel.user_id(), 'rfx_opener.remove', 'rfx',
      concat_ws('/', p_rfx, (select p.pseudonym from nokkel.pseudonym p where p.user_id = p_user)), null, p_request)
    from public.rfxs r where r.id = p_rfx;
  return true;
end
$$;

-- As before, and: a session that went with its person is `erased`.
create or replace function nokkel.session_state(p_session uuid) returns text
  language sql stable security definer set search_path = '' as $$
  select case
    when s.id is null then case when exists (select from nokkel.erased_token t where t.session_id = wanted.id) then 'erased' else 'revoked' end
    when s.ended_at is not null then s.ended_reason
    when s.expires_at <= now() then 'expired'
    when not exists (
      select from public.organization_member m where m.organization_id = s.organization_id and m.user_id = s.user_id
    ) then 'revoked'
    when not nokkel.reaches(s.assurance, o.minimum_assurance) then 'revoked'
    else 'live'
  end
  from (values (p_session)) wanted (id)
  left join nokkel.session s on s.id = wanted.id
  left join public.organization o on o.id = s.organization_id
$$;

-- Of a session of this person: also one that a restored backup does not know.
create function nokkel.session_state(p_session uuid, p_user uuid) returns text
  language sql stable security definer set search_path = '' as $$
  select coalesce(nullif(nokkel.session_state(p_session), 'revoked'), case when nokkel.is_erased(p_user) then 'erased' else 'revoked' end)
$$;

create or replace function nokkel.session_problem(p_session uuid, p_user uuid, p_organization uuid) returns text
  language sql stable security definer set search_path = '' as $$
  select case coalesce(
      (select nokkel.session_state(s.id) from nokkel.session s
        where s.id = p_session and s.user_id = p_user and s.organization_id = p_organization),
      case when nokkel.is_erased(p_user) then 'erased' else 'revoked' end)
    when 'live' then null
    when 'expired' then 'session_expired'
    when 'device_superseded' then 'device_superseded'
    when 'device_revoked' then 'device_revoked'
    when 'merged' then 'account_merged'
    when 'erased' then 'account_erased'
    else 'session_ended' end
$$;

grant execute on function nokkel.is_erased(uuid), nokkel.is_erased_token(bytea), nokkel.session_state(uuid, uuid) to nokkel_server;

-- Only for who has just logged in.
create function nokkel.require_recent_login(p_session uuid, p_user uuid, p_organization uuid) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  perform nokkel.require_session(p_session, p_user, p_organization);
  if not exists (
    select from nokkel.session s where s.id = p_session and s.authenticated_at >= now() - interval '5 minutes'
  ) then
    -- It may have ended since.
    perform nokkel.require_session(p_session, p_user, p_organization);
    perform nokkel.refuse('login_too_old');
  end if;
end
$$;

-- A person, and the accounts that have become theirs.
create function nokkel.accounts_of(p_user uuid) returns uuid[]
  language sql stable security definer set search_path = '' as
  $$ select p_user || array(select f.user_id from nokkel.former_account f where f.survivor_id = p_user order by f.user_id) $$;

-- What is held on a person ---------------------------------------------------------------------------------------------------

-- Rows of a table as JSON: of columns of bytes, which hold keys, hashes and ciphertext, none; nor those in p_without; where p_only is
-- given, only these. p_where is ours; $1 are the accounts.
create function nokkel.exported_rows(
  p_table text, p_where text, p_users uuid[], p_without text[] default '{}', p_only text[] default null
) returns jsonb language plpgsql stable security definer set search_path = '' set timezone = 'UTC' as $$
declare
  v_columns text;
  v_rows jsonb;
begin
  select string_agg(format('%L, t.%I', a.attname, a.attname), ', ' order by a.attnum) into v_columns
    from pg_catalog.pg_attribute a
    where a.attrelid = p_table::regclass and a.attnum > 0 and not a.attisdropped and a.atttypid <> 'bytea'::regtype
      and a.attname <> all (p_without) and (p_only is null or a.attname = any (p_only));
  execute format('select coalesce(jsonb_agg(r.row order by r.row::text), ''[]'') from (select jsonb_build_object(%s) as row from %s t where %s) r',
    v_columns, p_table, p_where) into v_rows using p_users;
  return v_rows;
end
$$;

-- Everything that is held on a person, by table, for them to read. Nothing in it opens anything, and nobody else is named.
create function nokkel.personal_data(p_users uuid[]) returns jsonb
  language plpgsql stable security definer set search_path = '' set timezone = 'UTC' as $$
declare
  v_mine constant text := 't.user_id = any ($1)';
  v_wrap constant text[] := '{encrypted_symmetric_key}';
begin
  return jsonb_build_object(
    'app_user', nokkel.exported_rows('public.app_user', 't.auth_user_id = any ($1)', p_users, '{encrypted_private_key}'),
    'former_account', nokkel.exported_rows('nokkel.former_account', 't.survivor_id = any ($1)', p_users),
    'organization', nokkel.exported_rows('public.organization',
      't.id in (select m.organization_id from public.organization_member m where m.user_id = any ($1))', p_users,
      p_only => '{id,slug,name}'),
    'organization_member', nokkel.exported_rows('public.organization_member', v_mine, p_users),
    'organization_login', nokkel.exported_rows('nokkel.organization_login', v_mine, p_users),
    'external_identity', nokkel.exported_rows('public.external_identity', v_mine, p_users),
    'removed_login', nokkel.exported_rows('nokkel.removed_login', v_mine, p_users),
    'user_identities', nokkel.exported_rows('public.user_identities', v_mine, p_users, '{personnummer_index_key,contact_index_key}'),
    'consent', nokkel.exported_rows('public.consent', v_mine, p_users),
    'offered_personnummer', nokkel.exported_rows('nokkel.offered_personnummer', v_mine, p_users),
    'declined_personnummer', nokkel.exported_rows('nokkel.declined_personnummer', v_mine, p_users),
    'session', nokkel.exported_rows('nokkel.session', v_mine, p_users),
    'device_key', nokkel.exported_rows('public.device_key', v_mine, p_users),
    'signing_key', nokkel.exported_rows('public.signing_key', v_mine, p_users),
    'user_key', nokkel.exported_rows('public.user_key', v_mine, p_users, '{encrypted_private_key,master_key_id}'),
    'biometric_enrollment', nokkel.exported_rows('nokkel.biometric_enrollment', v_mine, p_users),
    'webauthn_credential', nokkel.exported_rows('nokkel.webauthn_credential',
      't.device_id in (select d.id from public.device_key d where d.user_id = any ($1))', p_users),
    'company', nokkel.exported_rows('public.company',
      't.id in (select m.company_id from public.company_member m where m.user_id = any ($1))', p_users,
      p_only => '{id,organization_id,name,organization_number}'),
    'company_member', nokkel.exported_rows('public.company_member', v_mine, p_users),
    'company_invitation', nokkel.exported_rows('nokkel.company_invitation', '$1 && array[t.invited_by, t.used_by]', p_users,
      '{invited_by,used_by}'),
    'assignment', nokkel.exported_rows('public.assignment', 't.sender_id = any ($1)', p_users, '{statement}'),
    'received_assignment', nokkel.exported_rows('public.assignment',
      't.id in (select r.assignment_id from public.assignment_recipient r where r.user_id = any ($1))', p_users,
      '{sender_id,signer_thumbprint,statement}'),
    'assignment_recipient', nokkel.exported_rows('public.assignment_recipient', v_mine, p_users),
    'assignment_key', nokkel.exported_rows('public.assignment_key', v_mine, p_users),
    'blob', nokkel.exported_rows('public.blob', 't.owner_id = any ($1)', p_users),
    'rfxs', nokkel.exported_rows('public.rfxs', '$1 && array[t.created_by, t.approved_by]', p_users, '{created_by,approved_by}'),
    'rfx_key_members', nokkel.exported_rows('public.rfx_key_members', v_mine, p_users, v_wrap),
    'rfx_key_history', nokkel.exported_rows('public.rfx_key_history', v_mine, p_users, v_wrap),
    'rfx_key_attempt', nokkel.exported_rows('nokkel.rfx_key_attempt', 't.created_by = any ($1)', p_users),
    'rfx_broken_wrap', nokkel.exported_rows('nokkel.rfx_broken_wrap', v_mine, p_users),
    'rfx_opener', nokkel.exported_rows('public.rfx_opener', v_mine, p_users, '{named_by}'),
    'rfx_exclusion', nokkel.exported_rows('public.rfx_exclusion', v_mine, p_users, '{excluded_by}'),
    'rfx_invitation', nokkel.exported_rows('public.rfx_invitation', 't.invited_by = any ($1)', p_users),
    'rfx_manifest', nokkel.exported_rows('public.rfx_manifest', 't.signer_id = any ($1)', p_users, '{statement,seal_to}'),
    'rfx_entry', nokkel.exported_rows('public.rfx_entry', 't.author_id = any ($1)', p_users, '{statement}'),
    'rfx_bid', nokkel.exported_rows('public.rfx_bid', 't.author_id = any ($1)', p_users, '{statement}'),
    'vipps_org_config', nokkel.exported_rows('public.vipps_org_config', 't.updated_by = any ($1)', p_users,
      p_only => '{organization_id,updated_at}'),
    'vipps_org_cost_config', nokkel.exported_rows('public.vipps_org_cost_config', 't.updated_by = any ($1)', p_users,
      p_only => '{organization_id,updated_at}'),
    -- Whose the other account is, is not for them to know.
    'suspected_duplicate', nokkel.exported_rows('nokkel.suspected_duplicate', '$1 && array[t.first_id, t.second_id]', p_users,
      '{first_id,second_id}'),
    'account_merge', nokkel.exported_rows('nokkel.account_merge', 't.survivor_id = any ($1)', p_users,
      p_only => '{id,survivor_id,other_id,merged_at}'),
    -- Of a subject of several parts, those that are somebody else are left out.
    'audit_log', (
      with mine as (
        select array(select p.pseudonym::text from nokkel.pseudonym p where p.user_id = any (p_users)) as names,
          p_users::text[] as ids
      )
      select coalesce(jsonb_agg(jsonb_build_object(
          'recorded_at', l.recorded_at, 'organization_id', l.organization_id, 'by_them', coalesce(l.actor::text = any (m.names), false),
          'action', l.action, 'subject_type', l.subject_type, 'subject_id', (
            select string_agg(s.part, '/' order by s.n) from regexp_split_to_table(l.subject_id, '/') with ordinality s (part, n)
            where s.part = any (m.names || m.ids) or not (
              exists (select from nokkel.pseudonym p where p.pseudonym::text = s.part)
              or exists (select from public.app_user u where u.auth_user_id::text = s.part))),
          'outcome', l.outcome, 'problem', l.problem) order by l.id), '[]')
      from nokkel.audit_log l cross join mine m
      where l.actor::text = any (m.names) or l.subject_id is not null and string_to_array(l.subject_id, '/') && (m.names || m.ids)
    ));
end
$$;

-- For who has just logged in. Beside it what the server opens: contact, the number with the device of the session to seal it to, and
-- what is offered to each account, with its key; bytes in base64.
create function nokkel.export_person(p_session uuid, p_user uuid, p_organization uuid, p_request uuid) returns table (
  data jsonb, contact bytea, contact_updated_at timestamptz, personnummer bytea, wrapped_key bytea, device_id uuid, encryption_key jsonb,
  offers jsonb
) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
begin
  perform nokkel.require_recent_login(p_session, p_user, p_organization);
  perform nokkel.audit(p_organization, p_user, 'person.export', 'person', null, null, p_request);
  return query
  select nokkel.personal_data(nokkel.accounts_of(p_user)), i.contact, i.contact_updated_at, i.personnummer, k.wrapped_key, d.id,
    d.encryption_key, (
      select coalesce(jsonb_agg(jsonb_build_object('userId', o.user_id,
        'personnummer', translate(encode(o.personnummer, 'base64'), E'\n', ''),
        'wrappedKey', translate(encode(of.wrapped_key, 'base64'), E'\n', ''))), '[]')
      from nokkel.offered_personnummer o left join nokkel.person_key of on of.user_id = o.user_id
      where o.user_id = any (nokkel.accounts_of(p_user)))
  from nokkel.session s
  left join public.user_identities i on i.user_id = s.user_id
  left join nokkel.person_key k on k.user_id = s.user_id
  left join public.device_key d on d.id = s.device_id and d.user_id = s.user_id and d.state = 'active'
  where s.id = p_session;
end
$$;

-- What goes and what stays ---------------------------------------------------------------------------------------------------

-- Assignments that nobody could read any more: those they sent or got, when no other recipient is left, nor the sender.
create function nokkel.orphaned_assignments(p_users uuid[]) returns setof uuid
  language sql stable security definer set search_path = '' as $$
  select a.id from public.assignment a
  where (a.sender_id = any (p_users) or exists (
      select from public.assignment_recipient r where r.assignment_id = a.id and r.user_id = any (p_users)))
    and not exists (select from public.assignment_recipient r where r.assignment_id = a.id and r.user_id <> all (p_users))
    and not exists (select from public.app_user u where u.auth_user_id = a.sender_id and a.sender_id <> all (p_users))
$$;

-- Logins that wait, and may be theirs.
create function nokkel.waiting_logins_of(p_users uuid[]) returns setof uuid
  language sql stable security definer set search_path = '' as $$
  select w.id from nokkel.waiting_identity w
  where w.candidate_id = any (p_users)
    or exists (
      select from public.external_identity i
      where i.user_id = any (p_users)
        and (i.provider, i.client_id, i.subject) = (w.login ->> 'provider', w.login ->> 'client_id', w.login ->> 'subject'))
    or exists (
      select from public.user_identities i
      cross join lateral (
        select i.personnummer_index as index
        union all
        select f.former from nokkel.former_index f where f.index = i.personnummer_index
      ) known
      where i.user_id = any (p_users)
        and '\x' || encode(known.index, 'hex') in (w.login ->> 'personnummer_index', w.login ->> 'previous_personnummer_index'))
$$;

-- Keys with which they signed what others hold.
create function nokkel.lasting_signing_keys(p_users uuid[]) returns setof text
  language sql stable security definer set search_path = '' as $$
  select k.thumbprint from public.signing_key k
  where k.user_id = any (p_users) and (
    exists (select from public.rfx_manifest m where m.signer_thumbprint = k.thumbprint)
    or exists (select from public.rfx_entry e where e.signer_thumbprint = k.thumbprint)
    or exists (select from public.rfx_bid b where b.signer_thumbprint = k.thumbprint)
    or exists (
      select from nokkel.rfx_attempt_manifest m join nokkel.rfx_key_attempt a on a.id = m.attempt_id
      where m.signer_thumbprint = k.thumbprint and a.created_by <> all (p_users))
    or exists (
      select from public.assignment a
      where a.signer_thumbprint = k.thumbprint and a.id not in (select nokkel.orphaned_assignments(p_users))))
$$;

-- Rows that go with these accounts, counted by table.
create function nokkel.rows_to_remove(p_users uuid[]) returns jsonb
  language plpgsql stable security definer set search_path = '' as $$
declare
  v_table record;
  v_count bigint;
  v_counts jsonb;
begin
  select jsonb_object_agg(c.what, c.count) into v_counts from (values
    ('app_user', (select count(*) from public.app_user u where u.auth_user_id = any (p_users))),
    ('company_member', (select count(*) from public.company_member m where m.user_id = any (p_users))),
    ('biometric_enrollment', (select count(*) from nokkel.biometric_enrollment e where e.user_id = any (p_users))),
    ('assignment', (select count(*) from nokkel.orphaned_assignments(p_users))),
    ('blob', (select count(*) from public.blob b
      where b.owner_id = any (p_users) and not b.is_attached or b.assignment_id in (select nokkel.orphaned_assignments(p_users)))),
    ('waiting_identity', (select count(*) from nokkel.waiting_logins_of(p_users))),
    ('signing_key', (select count(*) from public.signing_key k
      where k.user_id = any (p_users) and k.thumbprint not in (select nokkel.lasting_signing_keys(p_users))))
  ) c (what, count);
  for v_table in
    select c.conrelid::regclass::text as name, l.relname,
      string_agg(format('t.%I = any ($1)', a.attname), ' or ' order by a.attname) as linked
    from pg_catalog.pg_constraint c
    join pg_catalog.pg_class l on l.oid = c.conrelid
    join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    where c.confrelid = 'public.app_user'::regclass and c.contype = 'f' and c.confdeltype = 'c'
    group by c.conrelid, l.relname
  loop
    execute format('select count(*) from %s t where %s', v_table.name, v_table.linked) into v_count using p_users;
    v_counts := v_counts || jsonb_build_object(v_table.relname, v_count);
  end loop;
  return (select coalesce(jsonb_object_agg(c.key, c.value), '{}') from jsonb_each(v_counts) c where c.value <> '0');
end
$$;

-- Rows that others hold, which stay under a UUID that leads nowhere.
create function nokkel.rows_to_keep(p_users uuid[]) returns jsonb
  language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_object_agg(c.what, c.count), '{}') from (values
    ('assignment', (select count(*) from public.assignment a
      where a.sender_id = any (p_users) and a.id not in (select nokkel.orphaned_assignments(p_users)))),
    ('blob', (select count(*) from public.blob b
      where b.owner_id = any (p_users) and b.is_attached
        and (b.assignment_id is null or b.assignment_id not in (select nokkel.orphaned_assignments(p_users))))),
    ('rfxs', (select count(*) from public.rfxs r where r.kind = 'project' and r.created_by = any (p_users))),
    ('rfx_manifest', (select count(*) from public.rfx_manifest m where m.signer_id = any (p_users))),
    ('rfx_entry', (select count(*) from public.rfx_entry e where e.author_id = any (p_users))),
    ('rfx_bid', (select count(*) from public.rfx_bid b where b.author_id = any (p_users))),
    ('signing_key', (select count(*) from nokkel.lasting_signing_keys(p_users))),
    ('audit_log', (select count(*) from nokkel.audit_log l
      where l.actor in (select p.pseudonym from nokkel.pseudonym p where p.user_id = any (p_users))))
  ) c (what, count) where c.count > 0
$$;

-- Whether bids of the project would open for nobody without this person.
create function nokkel.would_lack_openers(p_rfx uuid, p_without uuid) returns boolean
  language plpgsql security definer set search_path = '' as $$
begin
  perform nokkel.require_openers(p_rfx, p_without);
  return false;
exception when sqlstate 'NK001' then
  return true;
end
$$;

-- What nobody else could look after. A company is in the way for those who are left in it, and as the buyer of a project that others
-- are in. Titles of projects are encrypted: a project has the name of its buyer.
create function nokkel.erasure_blockers(p_user uuid) returns jsonb
  language plpgsql security definer set search_path = '' as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('kind', b.kind, 'id', b.id, 'name', b.name) order by b.kind, b.name, b.id), '[]') from (
      select 'company_administrator' as kind, c.id, c.name
        from public.company_member m join public.company c on c.id = m.company_id
        where m.user_id = p_user and m.role = 'administrator' and nokkel.needs_administrator(c.id, p_user) and (
          exists (select from public.company_member o where o.company_id = c.id and o.user_id <> p_user)
          or exists (
            select from public.rfxs r join nokkel.rfx_live_member l on l.rfx_id = r.id
            where r.company_id = c.id and r.kind = 'project' and l.owner_id not in (p_user, c.id)))
      union all
      select 'organization_administrator', o.id, o.name
        from public.organization_member m join public.organization o on o.id = m.organization_id
        where m.user_id = p_user and m.role = 'administrator'
          and exists (select from public.organization_member x where x.organization_id = o.id and x.user_id <> p_user)
          and not exists (
            select from public.organization_member x
            where x.organization_id = o.id and x.user_id <> p_user and x.role = 'administrator')
      union all
      select 'project_opener', r.id, c.name
        from public.rfx_opener p
        join public.rfxs r on r.id = p.rfx_id and r.deadline is not null
          and (r.status = 'approved' or r.status = 'closed' and exists (
            select from public.rfx_bid b where b.rfx_id = r.id and b.state = 'submitted'))
        join public.company c on c.id = r.company_id
        where p.user_id = p_user and nokkel.would_lack_openers(r.id, p_user)
    ) b
  );
end
$$;

create function nokkel.preview_erasure(p_session uuid, p_user uuid, p_organization uuid)
  returns table (removed jsonb, kept jsonb, blockers jsonb) language plpgsql security definer set search_path = '' as $$
declare
  v_users constant uuid[] := nokkel.accounts_of(p_user);
begin
  perform nokkel.require_session(p_session, p_user, p_organization);
  return query select nokkel.rows_to_remove(v_users), nokkel.rows_to_keep(v_users), nokkel.erasure_blockers(p_user);
end
$$;

-- Erasing --------------------------------------------------------------------------------------------------------------------

-- What was found of them and their logins, then people, organisations, companies, keys, each project before the groups in it, and
-- assignments: as everybody takes them.
create function nokkel.hold_people(p_users uuid[]) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_companies uuid[];
begin
  perform from nokkel.suspected_duplicate d where d.first_id = any (p_users) or d.second_id = any (p_users) order by d.id for update;
  perform pg_catalog.pg_advisory_xact_lock(hashtextextended(keys.key, 0)) from (
    select 'identity:' || i.provider || ':' || i.client_id || ':' || i.subject as key
      from public.external_identity i where i.user_id = any (p_users)
    union
    select 'personnummer:' || encode(i.personnummer_index, 'hex')
      from public.user_identities i where i.user_id = any (p_users) and i.personnummer_index is not null
  ) keys order by keys.key;
  perform from public.app_user u where u.auth_user_id = any (p_users) order by u.auth_user_id for update;
  perform from public.organization o
    where o.id in (select m.organization_id from public.organization_member m where m.user_id = any (p_users) and m.role = 'administrator')
    order by o.id for no key update;
  v_companies := array(select m.company_id from public.company_member m where m.user_id = any (p_users));
  perform from public.company c where c.id = any (v_companies) order by c.id for no key update;
  perform from public.user_key k where k.user_id = any (p_users) order by k.id for update;
  perform nokkel.hold_rfxs(array(
    select r.id from public.rfxs r where r.company_id = any (v_companies)
    union
    select i.rfx_id from public.rfx_invitation i where i.company_id = any (v_companies)
    union
    select r.id from public.rfxs r join public.organization_member m on m.organization_id = r.organization_id and m.is_developer
      where m.user_id = any (p_users) and r.kind = 'project' and r.company_id is not null
    union
    select m.rfx_id from public.rfx_key_members m where m.user_id = any (p_users)
    union
    select h.rfx_id from public.rfx_key_history h where h.user_id = any (p_users)
    union
    select b.rfx_id from nokkel.rfx_broken_wrap b where b.user_id = any (p_users)
    union
    select a.rfx_id from nokkel.rfx_key_attempt a
      where a.created_by = any (p_users) or a.id in (
        select w.attempt_id from nokkel.rfx_attempt_wrap w where w.owner = 'user' and w.owner_id = any (p_users))
    union
    select g.id from public.rfxs g join public.rfx_opener o on o.rfx_id = g.parent_id where o.user_id = any (p_users)
  ));
  -- Of an assignment whose people all go at the same time, one is the last.
  perform from public.assignment a
    where a.sender_id = any (p_users) or a.id in (
      select r.assignment_id from public.assignment_recipient r where r.user_id = any (p_users))
    order by a.id for update;
end
$$;

-- Of people without an account, these and those who were erased before, the keys whose last word is gone. Gives how many.
create function nokkel.remove_spent_signing_keys(p_users uuid[]) returns integer
  language plpgsql security definer set search_path = '' as $$
declare
  v_count integer;
begin
  delete from public.signing_key k
    where not exists (select from public.app_user u where u.auth_user_id = k.user_id)
      and not exists (select from public.assignment a where a.signer_thumbprint = k.thumbprint)
      and not exists (select from public.rfx_manifest m where m.signer_thumbprint = k.thumbprint)
      and not exists (select from nokkel.rfx_attempt_manifest m where m.signer_thumbprint = k.thumbprint)
      and not exists (select from public.rfx_entry e where e.signer_thumbprint = k.thumbprint)
      and not exists (select from public.rfx_bid b where b.signer_thumbprint = k.thumbprint)
      and (k.user_id = any (p_users) or nokkel.is_erased(k.user_id));
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- What erasures leave behind that nobody holds any more: assignments of people who are all gone, and keys whose last word was deleted
-- later.
create function nokkel.sweep_erasures() returns integer
  language plpgsql security definer set search_path = '' as $$
declare
  v_count integer;
begin
  delete from public.assignment a
    where a.sender_id in (select unnest(e.user_id || e.former_ids) from nokkel.erasure e)
      and not exists (select from public.app_user u where u.auth_user_id = a.sender_id)
      and not exists (select from public.assignment_recipient r where r.assignment_id = a.id);
  get diagnostics v_count = row_count;
  return v_count + nokkel.remove_spent_signing_keys('{}');
end
$$;

-- Deletes accounts that are held, and everything that nobody else holds. Gives what went, by table.
create function nokkel.remove_people(p_users uuid[]) returns jsonb
  language plpgsql security definer set search_path = '' as $$
declare
  v_removed constant jsonb := nokkel.rows_to_remove(p_users);
  v_assignments constant uuid[] := array(select nokkel.orphaned_assignments(p_users));
  v_waiting constant uuid[] := array(select nokkel.waiting_logins_of(p_users));
  v_user uuid;
begin
  -- A device that lost the answer to its last refresh has the token before.
  insert into nokkel.erased_token (hash, session_id, expires_at)
    select t.hash, s.id, coalesce(s.ended_at, s.expires_at) + interval '30 days'
    from nokkel.refresh_token t join nokkel.session s on s.id = t.session_id
    where s.user_id = any (p_users) and (t.used_at is null or t.sealed_successor is not null)
    on conflict do nothing;
  delete from nokkel.waiting_identity w where w.id = any (v_waiting);
  delete from nokkel.login_attempt a where a.supabase_user_id = any (p_users);
  -- Of merges of others, which noted that they looked alike.
  delete from nokkel.account_merge_row j
    where j.table_name = 'nokkel.suspected_duplicate' and exists (
      select from unnest(array[j.before, j.after]) i
      where (i ->> 'first_id')::uuid = any (p_users) or (i ->> 'second_id')::uuid = any (p_users));
  delete from nokkel.rfx_key_attempt a where a.id in (
    select w.attempt_id from nokkel.rfx_attempt_wrap w where w.owner = 'user' and w.owner_id = any (p_users));
  -- One after the other: with an account go those that had become it.
  foreach v_user in array p_users loop
    delete from public.app_user u where u.auth_user_id = v_user;
  end loop;
  delete from public.blob b where b.owner_id = any (p_users) and not b.is_attached;
  delete from public.assignment a where a.id = any (v_assignments);
  perform nokkel.remove_spent_signing_keys(p_users);
  return v_removed;
end
$$;

-- Erases the person of a session, unless somebody else must take over first. Whoever has lost the answer gets it again, in the session
-- in which they asked. Its record names no actor: else the ledger would lead from their UUID to what they did.
create function nokkel.erase_person(
  p_session uuid, p_user uuid, p_organization uuid, p_request uuid, p_id uuid, p_retention interval
) returns nokkel.erasure language plpgsql security definer set search_path = '' as $$
declare
  v_users uuid[] := nokkel.accounts_of(p_user);
  v_blockers jsonb;
  v_erasure nokkel.erasure;
begin
  select e.* into v_erasure from nokkel.erasure_answer a join nokkel.erasure e on e.id = a.erasure_id
    where a.session_id = p_session and a.expires_at > now() and e.user_id = p_user;
  if found then return v_erasure; end if;
  perform nokkel.require_recent_login(p_session, p_user, p_organization);
  perform nokkel.hold_people(v_users);
  select e.* into v_erasure from nokkel.erasure_answer a join nokkel.erasure e on e.id = a.erasure_id
    where a.session_id = p_session and a.expires_at > now() and e.user_id = p_user;
  if found then return v_erasure; end if;
  -- What somebody else has done while this waited.
  perform nokkel.require_recent_login(p_session, p_user, p_organization);
  if nokkel.accounts_of(p_user) <> v_users then
    v_users := nokkel.accounts_of(p_user);
    perform nokkel.hold_people(v_users);
  end if;
  v_blockers := nokkel.erasure_blockers(p_user);
  if v_blockers <> '[]' then perform nokkel.refuse('erasure_blocked', jsonb_build_object('blockers', v_blockers)); end if;
  v_erasure.id := p_id;
  v_erasure.user_id := p_user;
  v_erasure.former_ids := v_users[2:];
  v_erasure.erased_at := date_trunc('milliseconds', clock_timestamp());
  v_erasure.backups_expire_at := v_erasure.erased_at + p_retention;
  v_erasure.removed := nokkel.remove_people(v_users);
  insert into nokkel.erasure select v_erasure.*;
  insert into nokkel.erasure_answer (session_id, erasure_id) values (p_session, p_id);
  perform nokkel.audit(p_organization, null, 'person.erase', 'erasure', p_id::text, null, p_request);
  -- What is deferred locks rows and may fail: now, and not once it is in the ledger.
  set constraints all immediate;
  return v_erasure;
end
$$;

-- Erases again whom a restored backup has brought back, without asking who takes over: it was settled then. Gives how many accounts
-- went; of an erasure that is known and of whom nothing is left, nothing happens. An account that was made since is somebody else's.
-- p_named: of everybody whom the entries name that are replayed with this one, at least those who became one with somebody.
create function nokkel.replay_erasure(
  p_id uuid, p_user uuid, p_former_ids uuid[], p_erased_at timestamptz, p_backups_expire_at timestamptz, p_removed jsonb, p_named uuid[]
) returns integer language plpgsql security definer set search_path = '' as $$
declare
  v_users uuid[];
  v_count integer := 0;
begin
  -- Of several servers that start, one replays.
  perform pg_catalog.pg_advisory_xact_lock(hashtextextended('nokkel replay', 0));
  v_users := array(
    select u.auth_user_id from public.app_user u where u.auth_user_id = any (p_user || p_former_ids) and u.created_at <= p_erased_at);
  if v_users <> '{}' then
    perform nokkel.part_from_others(p_id, v_users, p_user || p_former_ids || p_named);
    -- Also what had become one of them when the backup was made, and was erased by itself.
    v_users := array(
      select n from unnest(v_users) n
      union
      select f.user_id from nokkel.former_account f where f.survivor_id = any (v_users));
    perform nokkel.hold_people(v_users);
    select count(*) into v_count from public.app_user u where u.auth_user_id = any (v_users);
    if v_count > 0 then
      perform nokkel.remove_people(v_users);
      perform nokkel.audit(null, null, 'person.erase_again', 'erasure', p_id::text, null, null);
    end if;
  end if;
  insert into nokkel.erasure (id, user_id, former_ids, erased_at, backups_expire_at, removed)
    values (p_id, p_user, p_former_ids, p_erased_at, p_backups_expire_at, p_removed)
    on conflict do nothing;
  return v_count;
end
$$;

-- is_undone: somebody of it is here again, as when single tables are restored.
create function nokkel.erasures() returns table (
  id uuid, user_id uuid, former_ids uuid[], erased_at timestamptz, backups_expire_at timestamptz, removed jsonb, is_undone boolean
) language sql stable security definer set search_path = '' as $$
  select e.id, e.user_id, e.former_ids, e.erased_at, e.backups_expire_at, e.removed,
    exists (select from public.app_user u where u.auth_user_id = any (e.user_id || e.former_ids) and u.created_at <= e.erased_at)
  from nokkel.erasure e order by e.erased_at, e.id
$$;

-- What is to be replayed: of these entries, written as in a ledger, and of the known ones, those of whom somebody is here. named: of
-- everybody whom any of the entries names, those who became somebody else, or whom somebody else became.
create function nokkel.undone_erasures(p_entries jsonb) returns table (
  id uuid, user_id uuid, former_ids uuid[], erased_at timestamptz, backups_expire_at timestamptz, removed jsonb, named uuid[]
) language sql stable security definer set search_path = '' as $$
  with entry as (
    select e.id, e.user_id, e.former_ids, e.erased_at, e.backups_expire_at, e.removed from nokkel.erasure e
    union all
    select distinct on (g.id) g.id, g."userId", g."formerIds", g."erasedAt", g."backupsExpireAt", g.removed
    from jsonb_to_recordset(p_entries) g (
      id uuid, "userId" uuid, "formerIds" uuid[], "erasedAt" timestamptz, "backupsExpireAt" timestamptz, removed jsonb)
    where not exists (select from nokkel.erasure e where e.id = g.id)
  ), names as (
    select array(
      select n.id from nokkel.former_account f cross join unnest(array[f.user_id, f.survivor_id]) n (id)
      intersect
      select n.id from entry e cross join unnest(e.user_id || e.former_ids) n (id)
    ) as ids
  )
  select e.id, e.user_id, e.former_ids, e.erased_at, e.backups_expire_at, e.removed, names.ids
  from entry e cross join names
  where exists (
    select from public.app_user u where u.auth_user_id = any (e.user_id || e.former_ids) and u.created_at <= e.erased_at)
  order by e.erased_at, e.id
$$;

-- Takes in entries of whom nobody is here. Those that are known stay as they are.
create function nokkel.add_erasures(p_entries jsonb) returns void
  language sql security definer set search_path = '' as $$
  insert into nokkel.erasure (id, user_id, former_ids, erased_at, backups_expire_at, removed)
    select g.id, g."userId", g."formerIds", g."erasedAt", g."backupsExpireAt", g.removed
    from jsonb_to_recordset(p_entries) g (
      id uuid, "userId" uuid, "formerIds" uuid[], "erasedAt" timestamptz, "backupsExpireAt" timestamptz, removed jsonb)
    on conflict do nothing
$$;

grant execute on function nokkel.undone_erasures(jsonb), nokkel.add_erasures(jsonb) to nokkel_server;
grant execute on function nokkel.export_person(uuid, uuid, uuid, uuid), nokkel.preview_erasure(uuid, uuid, uuid),
  nokkel.erase_person(uuid, uuid, uuid, uuid, uuid, interval),
  nokkel.replay_erasure(uuid, uuid, uuid[], timestamptz, timestamptz, jsonb, uuid[]), nokkel.erasures() to nokkel_server;

-- Who does not come back -----------------------------------------------------------------------------------------------------

-- For how long after their last login an organisation has what providers told of its people.
alter table public.organization
  add retention_days integer not null default 1095 check (retention_days between 30 and 3650);

-- When somebody last logged in to an organisation: sessions are not kept for so long.
create table nokkel.organization_login (
  organization_id uuid not null references public.organization on delete cascade,
  user_id uuid not null references public.app_user on delete cascade,
  last_login_at timestamptz not null,
  primary key (organization_id, user_id)
);
create index organization_login_user on nokkel.organization_login (user_id);
call nokkel.protect('nokkel.organization_login');

-- Of those who were here before it was recorded, their last login to any organisation: rather too late than too early.
insert into nokkel.organization_login (organization_id, user_id, last_login_at)
  select m.organization_id, m.user_id, l.last_login_at
  from public.organization_member m
  cross join lateral (
    select max(x.at) as last_login_at from (
      select s.authenticated_at as at from nokkel.session s where s.user_id = m.user_id
      union all
      select i.last_login_at from public.external_identity i where i.user_id = m.user_id
    ) x
  ) l
  where l.last_login_at is not null;

create function nokkel.note_login() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  insert into nokkel.organization_login as l (organization_id, user_id, last_login_at)
    values (new.organization_id, new.user_id, new.authenticated_at)
    on conflict (organization_id, user_id) do update set last_login_at = greatest(l.last_login_at, excluded.last_login_at);
  return null;
end
$$;
create trigger note_login after insert on nokkel.session for each row execute function nokkel.note_login();

-- Those of whom something is held, and who have logged in to none of their organisations for as long as these say; without an
-- organisation the default counts.
create function nokkel.forgotten_people(p_user uuid default null) returns setof uuid
  language sql stable security definer set search_path = '' as $$
  select i.user_id from public.user_identities i
  where (p_user is null or i.user_id = p_user)
    and num_nonnulls(i.personnummer, i.personnummer_index, i.contact, i.phone_index, i.email_index) > 0
    and not exists (
      select from public.organization_member m
      join public.organization o on o.id = m.organization_id
      cross join lateral (
        select max(l.last_login_at) as last_login_at from nokkel.organization_login l
        where l.organization_id = m.organization_id and (l.user_id = m.user_id or l.user_id in (
          select f.user_id from nokkel.former_account f where f.survivor_id = m.user_id))
      ) l
      where m.user_id = i.user_id and coalesce(l.last_login_at, m.created_at) > now() - make_interval(days => o.retention_days))
    and (
      exists (select from public.organization_member m where m.user_id = i.user_id)
      or not exists (
        select from public.external_identity e
        where e.user_id = i.user_id and coalesce(e.last_login_at, e.created_at) > now() - interval '1095 days'))
$$;

-- Removes what providers told of them, and with it the key it was under. Their account and logins stay.
create function nokkel.sweep_retention() returns integer
  language plpgsql security definer set search_path = '' as $$
declare
  v_user uuid;
  v_withdrawn uuid[];
  v_count integer := 0;
begin
  for v_user in select f from nokkel.forgotten_people() f limit 1000 loop
    perform from public.app_user u where u.auth_user_id = v_user for update skip locked;
    -- Somebody who logs in at this moment.
    continue when not found or not exists (select from nokkel.forgotten_people(v_user));
    perform nokkel.forget_contact(v_user), nokkel.forget_recognition(v_user), nokkel.forget_personnummer(v_user);
    delete from nokkel.offered_personnummer o where o.user_id = v_user;
    delete from nokkel.person_key k where k.user_id = v_user;
    with withdrawn as (
      update public.consent c set withdrawn_at = now()
        where c.user_id = v_user and c.withdrawn_at is null and c.replaced_at is null returning c.id
    )
    select array_agg(w.id) into v_withdrawn from withdrawn w;
    perform nokkel.audit_consent_over(v_user, id, 'consent.withdraw', null) from unnest(v_withdrawn) id;
    perform nokkel.audit(null, v_user, 'person.forget', 'person', null, null, null);
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;

drop function nokkel.login_setups(text[]);
create function nokkel.login_setups(p_slugs text[]) returns table (
  organization_id uuid, slug text, name text, enrollment text, device_policy text, minimum_assurance text, retention_days integer,
  enabled boolean, environment text, client_id text, wrapped_client_secret bytea, authentication text,
  merchant_serial_number text, personnummer_approved boolean, confirm_in_app boolean, app_redirect_uri text,
  app_callback_uri text, market text, revision integer,
  has_cost boolean, cost_centre text, price_per_login_ore integer, monthly_cap integer, logins integer, refused_at timestamptz
) language sql stable security definer set search_path = '' as $$
  select o.id, o.slug, o.name, o.enrollment, o.device_policy, o.minimum_assurance, o.retention_days,
    c.enabled, c.environment, c.client_id, c.wrapped_client_secret, c.authentication, c.merchant_serial_number,
    c.personnummer_approved, c.confirm_in_app, c.app_redirect_uri, c.app_callback_uri, c.market, c.revision,
    p.organization_id is not null, p.cost_centre, p.price_per_login_ore, p.monthly_cap, coalesce(u.logins, 0), r.refused_at
  from public.organization o
  left join public.vipps_org_config c on c.organization_id = o.id
  left join public.vipps_org_cost_config p on p.organization_id = o.id
  left join nokkel.vipps_login_usage u on u.organization_id = o.id and u.month = nokkel.norwegian_month(now())
  left join nokkel.vipps_refusal r on r.organization_id = o.id
  where p_slugs is null or o.slug = any (p_slugs)
  order by o.slug
$$;

drop function nokkel.apply_organization(text, text, text, text, text, uuid);
create function nokkel.apply_organization(
  p_slug text, p_name text, p_enrollment text, p_device_policy text, p_minimum_assurance text, p_retention_days integer, p_request uuid
) returns uuid language plpgsql security definer set search_path = '' as $$
declare
  v_id uuid;
begin
  insert into public.organization as o (slug, name, enrollment, device_policy, minimum_assurance, retention_days)
    values (p_slug, p_name, p_enrollment, p_device_policy, p_minimum_assurance, p_retention_days)
    on conflict (slug) do update set
      name = excluded.name, enrollment = excluded.enrollment, device_policy = excluded.device_policy,
      minimum_assurance = excluded.minimum_assurance, retention_days = excluded.retention_days
    returning o.id into v_id;
  perform nokkel.end_insufficient_sessions(v_id);
  perform nokkel.audit(v_id, null, 'organization.apply', 'organization', v_id::text, null, p_request);
  return v_id;
end
$$;
grant execute on function nokkel.login_setups(text[]), nokkel.apply_organization(text, text, text, text, text, integer, uuid)
  to nokkel_server;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121120200' $$;

reset role;
