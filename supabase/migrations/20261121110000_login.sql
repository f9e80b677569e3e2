-- Accounts of Supabase with this confirmed phone number and e-mail address. The only function that is not of nokkel_owner:
-- the migrating role may read auth.users there, and nobody else of ours should.
set role nokkel_owner;
grant usage, create on schema nokkel to session_user;
reset role;
create function nokkel.supabase_accounts(p_phone text, p_email text) returns setof uuid
  language plpgsql stable security definer set search_path = '' as $$
begin
  if p_phone is null or p_email is null or has_table_privilege(to_regclass('auth.users'), 'select') is not true then
    return;
  end if;
  return query execute $q$
    select u.id from auth.users u
    where u.phone in ($1, ltrim($1, '+')) and lower(u.email) = $2
      and u.phone_confirmed_at is not null and u.email_confirmed_at is not null
      and to_jsonb(u) ->> 'deleted_at' is null and to_jsonb(u) ->> 'is_anonymous' is distinct from 'true'
  $q$ using p_phone, p_email;
end
$$;
revoke all on function nokkel.supabase_accounts(text, text) from public, anon, authenticated, service_role;
grant execute on function nokkel.supabase_accounts(text, text) to nokkel_owner;
set role nokkel_owner;
revoke usage, create on schema nokkel from session_user;

-- The least that a login must prove; each provider says which of these its own levels are.
alter table public.organization
  add minimum_assurance text not null default 'low' check (minimum_assurance in ('low', 'substantial', 'high'));

alter table public.external_identity
  add id uuid not null unique default gen_random_uuid(),
  -- Whose client it came by; null where a subject is the same at every client.
  add organization_id uuid references public.organization on delete set null;
create index external_identity_organization on public.external_identity (organization_id);

-- Of verified ones only, like personnummer_index; not unique: families share them.
alter table public.user_identities
  add phone_index bytea check (length(phone_index) = 32),
  add email_index bytea check (length(email_index) = 32),
  -- What Vipps told, as an envelope under the key of the person.
  add contact bytea,
  add contact_updated_at timestamptz,
  add contact_index_key text,
  add check ((contact is null) = (contact_updated_at is null)),
  add check ((phone_index is null and email_index is null) or contact_index_key is not null);
create index user_identities_contact on public.user_identities (phone_index, email_index);

-- The key of one person's stored personal data, wrapped by the master key: when it goes, what it encrypted is gone.
create table nokkel.person_key (
  user_id uuid primary key references public.app_user on delete cascade,
  wrapped_key bytea not null,
  master_key_id text not null,
  created_at timestamptz not null default now()
);
create index person_key_master_key on nokkel.person_key (master_key_id);
call nokkel.protect('nokkel.person_key');

-- Accounts that were merged into another one. What they signed names them still.
create table nokkel.former_account (
  user_id uuid primary key references public.app_user on delete cascade,
  survivor_id uuid not null references public.app_user on delete cascade,
  merged_at timestamptz not null default now(),
  check (user_id <> survivor_id)
);
create index former_account_survivor on nokkel.former_account (survivor_id);
call nokkel.protect('nokkel.former_account');

create function nokkel.former_ids() returns uuid[]
  language sql stable security definer set search_path = '' as $$
  select array(select f.user_id from nokkel.former_account f where f.survivor_id = nokkel.user_id() and nokkel.session_is_live() order by f.user_id)
$$;
grant execute on function nokkel.former_ids() to authenticated;

-- Two accounts that look like one person's, found at a login; a pair is noted once for each kind of evidence.
create table nokkel.suspected_duplicate (
  id uuid primary key default gen_random_uuid(),
  -- Where it was found.
  organization_id uuid not null references public.organization on delete cascade,
  first_id uuid not null references public.app_user on delete cascade,
  second_id uuid not null references public.app_user on delete cascade,
  evidence text not null check (evidence in ('personnummer', 'both_logins', 'phone_and_email')),
  state text not null default 'open' check (state in ('open', 'merged', 'dismissed')),
  found_at timestamptz not null default now(),
  settled_at timestamptz,
  check (first_id < second_id),
  check ((state = 'open') = (settled_at is null)),
  unique (first_id, second_id, evidence)
);
create index suspected_duplicate_organization on nokkel.suspected_duplicate (organization_id, state, found_at, id);
create index suspected_duplicate_second on nokkel.suspected_duplicate (second_id);
call nokkel.protect('nokkel.suspected_duplicate');

create function nokkel.suspect_duplicate(p_organization uuid, p_one uuid, p_other uuid, p_evidence text) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_id uuid;
begin
  insert into nokkel.suspected_duplicate as d (organization_id, first_id, second_id, evidence)
    values (p_organization, least(p_one, p_other), greatest(p_one, p_other), p_evidence)
    on conflict do nothing returning d.id into v_id;
  if v_id is not null then
    perform nokkel.audit(p_organization, null, 'duplicate.suspect', 'duplicate', v_id::text, null, null);
  end if;
end
$$;

-- A verified login that waits for its person to show that an account is theirs.
create table nokkel.waiting_identity (
  id uuid primary key default gen_random_uuid(),
  token_hash bytea not null unique check (length(token_hash) = 32),
  -- RFC 7638 thumbprint of the key that finished the login; only with it does the token work.
  thumbprint text not null,
  organization_id uuid not null references public.organization on delete cascade,
  -- Whose account it may belong to. No reference: an account of Supabase may not have been here yet.
  candidate_id uuid not null,
  -- A verified_login.
  login jsonb not null,
  -- What the provider told besides, as an envelope under the master key: nobody's key can be used before it is known whose it is.
  contact bytea,
  expires_at timestamptz not null default now() + interval '15 minutes',
  consumed_at timestamptz
);
create index waiting_identity_organization on nokkel.waiting_identity (organization_id);
create index waiting_identity_expiry on nokkel.waiting_identity (expires_at);
call nokkel.protect('nokkel.waiting_identity');

-- A login that a person has taken from their account: it does not come back by itself.
create table nokkel.removed_login (
  provider text not null,
  client_id text not null,
  subject text not null,
  user_id uuid not null references public.app_user on delete cascade,
  removed_at timestamptz not null default now(),
  primary key (user_id, provider, client_id, subject)
);
call nokkel.protect('nokkel.removed_login');

alter table nokkel.session
  -- Which of the person's logins it came from; no reference, for a session outlives the login in the lists.
  add identity_id uuid,
  -- What that login proved; of one that was there before this was asked, the least.
  add assurance text not null default 'low' check (assurance in ('low', 'substantial', 'high'));
create index session_identity on nokkel.session (identity_id);
alter table nokkel.session drop constraint session_ended_reason_check, add constraint session_ended_reason_check
  check (ended_reason in ('signed_out', 'revoked', 'reuse', 'device_superseded', 'device_revoked', 'merged'));

create function nokkel.reaches(p_assurance text, p_minimum text) returns boolean
  language sql immutable set search_path = '' as $$
  select array_position(levels, p_assurance) >= array_position(levels, p_minimum)
  from (values (array['low', 'substantial', 'high'])) known (levels)
$$;

-- A session is live only while its login suffices for the organisation.
create or replace function nokkel.session_state(p_session uuid) returns text
  language sql stable security definer set search_path = '' as $$
  select case
    when s.id is null then 'revoked'
    when s.ended_at is not null then s.ended_reason
    when s.expires_at <= now() then 'expired'
    when not exists (
      select from public.organization_member m where m.organization_id = s.organization_id and m.user_id = s.user_id
    ) then 'revoked'
    when not nokkel.reaches(s.assurance, o.minimum_assurance) then 'revoked'
    else 'live'
  end
  from (values (p_session)) wanted (id)
  left join nokkel.session s using (id)
  left join public.organization o on o.id = s.organization_id
$$;

create or replace function nokkel.session_problem(p_session uuid, p_user uuid, p_organization uuid) returns text
  language sql stable security definer set search_path = '' as $$
  select case coalesce(
      (select nokkel.session_state(s.id) from nokkel.session s
        where s.id = p_session and s.user_id = p_user and s.organization_id = p_organization), 'revoked')
    when 'live' then null
    when 'expired' then 'session_expired'
    when 'device_superseded' then 'device_superseded'
    when 'device_revoked' then 'device_revoked'
    when 'merged' then 'account_merged'
    else 'session_ended' end
$$;

create or replace function nokkel.my_session() returns table (
  id uuid, provider text, organization_id uuid, authenticated_at timestamptz, expires_at timestamptz, device_id uuid
) language sql stable security definer set search_path = '' as $$
  select s.id, s.provider, s.organization_id, s.authenticated_at, s.expires_at, s.device_id
  from nokkel.session s
  join public.organization o on o.id = s.organization_id
  join public.organization_member m on m.organization_id = s.organization_id and m.user_id = s.user_id
  where s.id = nokkel.session_id() and s.user_id = nokkel.user_id() and s.ended_at is null and s.expires_at > now()
    and nokkel.reaches(s.assurance, o.minimum_assurance)
$$;

-- p_fresh: their login is not older than five minutes, either.
create function nokkel.require_administrator(p_session uuid, p_user uuid, p_organization uuid, p_fresh boolean) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  perform nokkel.require_session(p_session, p_user, p_organization);
  if not exists (
    select from public.organization_member m
    where m.organization_id = p_organization and m.user_id = p_user and m.role = 'administrator'
  ) then
    perform nokkel.refuse('forbidden');
  end if;
  if p_fresh and not exists (
    select from nokkel.session s where s.id = p_session and s.authenticated_at >= now() - interval '5 minutes'
  ) then
    perform nokkel.refuse('login_too_old');
  end if;
end
$$;

alter table nokkel.login_attempt
  add consent_version text,
  add consent_shares text[],
  -- What was asked of the provider, of what the person agreed to.
  add scope text,
  add flow text,
  -- Whose account the login is to be added to, and the session that began that.
  add link_session_id uuid references nokkel.session on delete cascade,
  -- The waiting login that this one is to confirm.
  add waiting_id uuid references nokkel.waiting_identity on delete cascade,
  -- The account of Supabase that showed its token when this began.
  add supabase_user_id uuid,
  add check (num_nonnulls(link_session_id, waiting_id) <= 1);
create index login_attempt_link on nokkel.login_attempt (link_session_id);
create index login_attempt_waiting on nokkel.login_attempt (waiting_id);

drop function nokkel.begin_login(text, uuid, text, text, text, bytea, bytea, text);
drop function nokkel.take_login(uuid);

create function nokkel.begin_login(
  p_provider text, p_organization uuid, p_issuer text, p_client_id text, p_redirect_uri text,
  p_state_hash bytea, p_nonce_hash bytea, p_code_challenge text,
  p_consent_version text, p_consent_shares text[], p_scope text, p_flow text,
  p_link_session uuid, p_waiting uuid, p_supabase_user uuid
) returns table (id uuid, expires_at timestamptz)
  language sql security definer set search_path = '' as $$
  insert into nokkel.login_attempt
    (provider, organization_id, issuer, client_id, redirect_uri, state_hash, nonce_hash, code_challenge,
      consent_version, consent_shares, scope, flow, link_session_id, waiting_id, supabase_user_id, expires_at)
  values (p_provider, p_organization, p_issuer, p_client_id, p_redirect_uri, p_state_hash, p_nonce_hash, p_code_challenge,
    p_consent_version, p_consent_shares, p_scope, p_flow, p_link_session, p_waiting, p_supabase_user,
    now() + interval '15 minutes')
  returning id, expires_at
$$;

-- Consumes the attempt: at most one caller ever gets it, whatever becomes of the login. p_session is that of the caller: a link is
-- finished only in the session that began it, and a login only outside of any.
create function nokkel.take_login(p_id uuid, p_session uuid) returns table (
  provider text, organization_id uuid, organization_slug text, issuer text, client_id text, redirect_uri text,
  state_hash bytea, nonce_hash bytea, code_challenge text, consent_version text, consent_shares text[], scope text, flow text,
  link_session_id uuid, waiting_id uuid, supabase_user_id uuid, minimum_assurance text
) language sql security definer set search_path = '' as $$
  update nokkel.login_attempt a set consumed_at = now()
  from public.organization o
  where a.id = p_id and a.consumed_at is null and a.expires_at > now() and o.id = a.organization_id
    and a.link_session_id is not distinct from p_session
  returning a.provider, a.organization_id, o.slug, a.issuer, a.client_id, a.redirect_uri, a.state_hash, a.nonce_hash,
    a.code_challenge, a.consent_version, a.consent_shares, a.scope, a.flow, a.link_session_id, a.waiting_id, a.supabase_user_id,
    o.minimum_assurance
$$;

grant execute on function
  nokkel.begin_login(text, uuid, text, text, text, bytea, bytea, text, text, text[], text, text, uuid, uuid, uuid),
  nokkel.take_login(uuid, uuid) to nokkel_server;

-- Linking ------------------------------------------------------------------------------------------------------------

drop function nokkel.sign_in(text, text, text, uuid, text, text, bytea, text, text, text, bytea, interval);

-- A login as the provider vouched for it, and what the person had agreed to.
create type nokkel.verified_login as (
  provider text, client_id text, subject text, name text, acr text, assurance text, organization_id uuid,
  personnummer_index bytea, personnummer_index_key text, personnummer_outcome text,
  -- The key is there when the provider told anything: then the indexes replace those of before.
  phone_index bytea, email_index bytea, contact_index_key text,
  consent_version text, consent_shares text[]
);

-- Logins that could be of one person wait for each other here, in an order that is the same for all.
create function nokkel.lock_logins(p_logins nokkel.verified_login[], p_account uuid default null) returns void
  language plpgsql set search_path = '' as $$
begin
  perform pg_catalog.pg_advisory_xact_lock(hashtextextended(key, 0)) from (
    select 'identity:' || l.provider || ':' || l.client_id || ':' || l.subject as key from unnest(p_logins) l
    union select 'personnummer:' || encode(l.personnummer_index, 'hex') from unnest(p_logins) l
    union select 'contact:' || encode(l.phone_index, 'hex') || encode(l.email_index, 'hex') from unnest(p_logins) l
    union select 'account:' || p_account
  ) keys where key is not null order by key;
end
$$;

-- Which account it is now: it may have been merged into another one.
create function nokkel.account_now(p_user uuid) returns uuid language sql stable set search_path = '' as $$
  with recursive account (id) as (
    select p_user
    union
    select f.survivor_id from account a join nokkel.former_account f on f.user_id = a.id
  )
  select a.id from account a where not exists (select from nokkel.former_account f where f.user_id = a.id)
$$;

-- That account, which nobody merges until the transaction ends; null when it has never been here.
create function nokkel.hold_account(p_user uuid) returns uuid language plpgsql set search_path = '' as $$
declare
  v_user uuid := p_user;
begin
  loop
    v_user := nokkel.account_now(v_user);
    perform from public.app_user u where u.auth_user_id = v_user for share;
    if not found then
      return null;
    end if;
    exit when nokkel.account_now(v_user) = v_user;
  end loop;
  return v_user;
end
$$;

-- Whose the identity is. Until the transaction ends nobody merges that account or removes a login of it.
create function nokkel.identity_account(p_login nokkel.verified_login) returns uuid
  language plpgsql set search_path = '' as $$
declare
  v_user uuid;
begin
  loop
    select i.user_id into v_user from public.external_identity i
      where i.provider = p_login.provider and i.client_id = p_login.client_id and i.subject = p_login.subject;
    exit when v_user is null;
    perform from public.app_user u where u.auth_user_id = v_user for share;
    exit when exists (
      select from public.external_identity i where i.provider = p_login.provider and i.client_id = p_login.client_id
        and i.subject = p_login.subject and i.user_id = v_user);
  end loop;
  return v_user;
end
$$;

-- Whose verified number it is, held in the same way.
create function nokkel.personnummer_account(p_index bytea) returns uuid language plpgsql set search_path = '' as $$
declare
  v_user uuid;
begin
  loop
    select i.user_id into v_user from public.user_identities i where i.personnummer_index = p_index;
    exit when v_user is null;
    perform from public.app_user u where u.auth_user_id = v_user for share;
    exit when exists (select from public.user_identities i where i.personnummer_index = p_index and i.user_id = v_user);
  end loop;
  return v_user;
end
$$;

-- Whether any two of these are two people, as far as is known: by their verified numbers, where both have one, else by their
-- BankIDs. One person can get another BankID, and often neither comes with a number.
create function nokkel.are_different_people(
  p_user uuid, p_login nokkel.verified_login, p_other uuid default null, p_other_login nokkel.verified_login default null
) returns boolean language sql stable set search_path = '' as $$
  with known (personnummer, bankids) as (
    select i.personnummer_index, array(
      select e.subject from public.external_identity e where e.user_id = account.id and e.provider = 'bankid')
    from (values (p_user), (p_other)) account (id) left join public.user_identities i on i.user_id = account.id
    union all
    select login.personnummer_index, array(select login.subject where login.provider = 'bankid')
    from unnest(array[p_login, p_other_login]) login
  )
  select exists (
    select from known one, known other
    where coalesce(one.personnummer <> other.personnummer,
      one.bankids <> '{}' and other.bankids <> '{}' and not one.bankids && other.bankids))
$$;

-- What the person of an account has taken from it and that login may be. A Vipps has another subject at each client, so one that was
-- removed may be any of another client.
create function nokkel.removals_of(p_user uuid, p_login nokkel.verified_login) returns setof nokkel.removed_login
  language sql stable set search_path = '' as $$
  select r.* from nokkel.removed_login r
  where r.user_id in (select p_user union all select f.user_id from nokkel.former_account f where f.survivor_id = p_user)
    and r.provider = p_login.provider and (r.client_id <> p_login.client_id or r.subject = p_login.subject)
$$;

-- Accounts that have both the phone number and the e-mail address, as a provider verified them or as Supabase confirmed them.
-- One that has never been here counts only where its person could show that it is theirs; one of another person, who may be of the
-- same family, never.
create function nokkel.contact_accounts(p_login nokkel.verified_login, p_phone text, p_email text, p_ways text[])
  returns table (id uuid, of_supabase boolean) language sql set search_path = '' as $$
  select nokkel.account_now(found.id), bool_or(found.of_supabase) from (
    select i.user_id, false from public.user_identities i
      where i.phone_index = p_login.phone_index and i.email_index = p_login.email_index
    union all
    select s.id, true from nokkel.supabase_accounts(p_phone, p_email) s (id)
      where 'supabase' = any (p_ways) or exists (select from public.app_user u where u.auth_user_id = s.id)
  ) found (id, of_supabase)
  where not nokkel.are_different_people(nokkel.account_now(found.id), p_login)
  group by 1
$$;

create function nokkel.audit_consent(p_user uuid, p_login nokkel.verified_login, p_request uuid) returns void
  language plpgsql set search_path = '' as $$
begin
  if p_login.consent_version is not null then
    perform nokkel.audit(p_login.organization_id, p_user, 'login.consent', 'consent',
      left(p_login.consent_version || ':' || array_to_string(p_login.consent_shares, ','), 100), null, p_request);
  end if;
end
$$;

-- Adds a login to an account, with what it says of the person. A number that stands with another account stays there: accounts are
-- never merged silently.
create function nokkel.attach_login(p_user uuid, p_login nokkel.verified_login, p_signs_in boolean, p_request uuid)
  returns uuid language plpgsql set search_path = '' as $$
declare
  v_identity uuid;
  v_other uuid;
begin
  -- What is added anew was let in, so it is taken away no longer.
  delete from nokkel.removed_login r using nokkel.removals_of(p_user, p_login) removed
    where r = removed and not exists (
      select from public.external_identity i
      where i.provider = p_login.provider and i.client_id = p_login.client_id and i.subject = p_login.subject);
  insert into public.external_identity as i (provider, client_id, subject, user_id, last_login_at, organization_id)
    values (p_login.provider, p_login.client_id, p_login.subject, p_user, case when p_signs_in then now() end,
      case when p_login.client_id <> '*' then p_login.organization_id end)
    on conflict (provider, client_id, subject) do update set
      last_login_at = coalesce(excluded.last_login_at, i.last_login_at),
      organization_id = coalesce(i.organization_id, excluded.organization_id)
    returning i.id into v_identity;
  insert into public.organization_member (organization_id, user_id) values (p_login.organization_id, p_user)
    on conflict do nothing;

  insert into public.user_identities as i (user_id, bankid_verified, bankid_verified_at)
    values (p_user, p_login.provider = 'bankid', case when p_login.provider = 'bankid' then now() end)
    on conflict on constraint user_identities_user_id_key do update set
      bankid_verified = i.bankid_verified or excluded.bankid_verified,
      bankid_verified_at = coalesce(i.bankid_verified_at, excluded.bankid_verified_at),
      updated_at = now()
    where excluded.bankid_verified and not i.bankid_verified;
  if p_login.contact_index_key is not null then
    update public.user_identities i
      set phone_index = p_login.phone_index, email_index = p_login.email_index,
        contact_index_key = p_login.contact_index_key, updated_at = now()
      where i.user_id = p_user and (i.phone_index, i.email_index, i.contact_index_key)
        is distinct from (p_login.phone_index, p_login.email_index, p_login.contact_index_key);
  end if;
  if p_login.personnummer_index is not null then
    v_other := nokkel.personnummer_account(p_login.personnummer_index);
    if v_other is null then
      update public.user_identities i
        set personnummer_index = p_login.personnummer_index, personnummer_index_key = p_login.personnummer_index_key,
          updated_at = now()
        where i.user_id = p_user and i.personnummer_index is null;
    elsif v_other <> p_user then
      perform nokkel.suspect_duplicate(p_login.organization_id, p_user, v_other, 'personnummer');
    end if;
  end if;

  perform nokkel.audit_consent(p_user, p_login, p_request);
  return v_identity;
end
$$;

create function nokkel.personnummer_outcome(p_user uuid, p_login nokkel.verified_login) returns text
  language sql stable set search_path = '' as $$
  select case
    when exists (select from public.user_identities i where i.user_id = p_user and i.personnummer_verified) then 'verified'
    else p_login.personnummer_outcome
  end
$$;

-- Decides whose a login is and opens a session, in one transaction. Order: the same external identity; the same personnummer, when a
-- trusted provider verified it; a verified phone number and e-mail address that fit one account, whose person must then show that
-- it is theirs, as they must where they removed the login; a new account. A refusal is a row too, because what it tells of is
-- recorded.
create function nokkel.sign_in(
  p_login jsonb,
  -- The account of Supabase whose token was shown.
  p_supabase_user uuid,
  -- The waiting login that this one confirms.
  p_confirms uuid,
  -- How people can log in here, and what the database of Supabase is asked for.
  p_ways text[], p_phone text, p_email text,
  -- Of the row, if this login has to wait.
  p_waiting uuid, p_token_hash bytea, p_waiting_contact bytea,
  p_thumbprint text, p_device_name text, p_refresh_hash bytea, p_lifetime interval, p_request uuid,
  out outcome text, out problem text, out user_id uuid, out session_id uuid, out session_expires_at timestamptz,
  out personnummer text, out ways text[], out waits_until timestamptz, out confirmed_contact bytea
) language plpgsql security definer set search_path = '' as $$
declare
  v_login nokkel.verified_login := jsonb_populate_record(null::nokkel.verified_login, p_login);
  v_waiting nokkel.waiting_identity;
  v_other_login nokkel.verified_login;
  v_other uuid;
  v_account uuid;
  v_enrollment text;
  v_minimum text;
  v_removed boolean;
  v_candidates uuid[];
  v_identity uuid;
begin
  if p_confirms is not null then
    select * into v_waiting from nokkel.waiting_identity w
      where w.id = p_confirms and w.consumed_at is null and w.expires_at > now() and w.thumbprint = p_thumbprint
        and w.organization_id = v_login.organization_id
      for update;
    if not found then
      problem := 'link_unknown';
      perform nokkel.audit_consent(null, v_login, p_request);
      perform nokkel.audit(v_login.organization_id, null, 'login.link', 'waiting_identity', p_confirms::text, problem, p_request);
      return;
    end if;
    v_other_login := jsonb_populate_record(null::nokkel.verified_login, v_waiting.login);
  end if;
  perform nokkel.lock_logins(array[v_login, v_other_login], p_supabase_user);

  user_id := nokkel.identity_account(v_login);
  outcome := 'signed_in';
  if user_id is null then
    user_id := nokkel.personnummer_account(v_login.personnummer_index);
    outcome := 'identity_linked';
  end if;
  v_removed := outcome = 'identity_linked' and p_supabase_user is null and exists (
    select from nokkel.removals_of(sign_in.user_id, v_login));

  select o.enrollment, o.minimum_assurance into strict v_enrollment, v_minimum from public.organization o
    where o.id = v_login.organization_id;
  if p_supabase_user is not null then
    v_account := nokkel.hold_account(p_supabase_user);
    if v_account is null and user_id is not null then
      -- It is made, so that an administrator can merge the two.
      insert into public.app_user (auth_user_id, name) values (p_supabase_user, v_login.name);
      insert into public.organization_member (organization_id, user_id)
        select v_login.organization_id, p_supabase_user where v_enrollment = 'open';
      v_account := p_supabase_user;
    end if;
    if v_account is null then
      v_account := p_supabase_user;
    elsif user_id is distinct from v_account and (
      nokkel.are_different_people(v_account, v_login) or nokkel.are_different_people(v_account, null, user_id)
    ) then
      problem := 'login_other_person';
    elsif user_id <> v_account then
      problem := 'login_of_other_account';
      perform nokkel.suspect_duplicate(v_login.organization_id, user_id, v_account, 'both_logins');
    else
      user_id := v_account;
    end if;
  end if;

  if p_confirms is not null and problem is null then
    v_other := nokkel.identity_account(v_other_login);
    if v_removed or coalesce(user_id, v_account) is distinct from nokkel.account_now(v_waiting.candidate_id) then
      problem := 'login_link_mismatch';
    elsif nokkel.are_different_people(user_id, v_other_login) or nokkel.are_different_people(null, v_login, null, v_other_login) then
      problem := 'login_other_person';
    elsif v_other <> user_id then
      problem := 'login_of_other_account';
      perform nokkel.suspect_duplicate(v_login.organization_id, user_id, v_other, 'both_logins');
    end if;
  end if;

  if v_removed and problem is null then
    v_candidates := array[user_id];
    user_id := null;
  elsif user_id is null and v_account is null and problem is null then
    v_candidates := array(select c.id from nokkel.contact_accounts(v_login, p_phone, p_email, p_ways) c order by 1);
  end if;
  if cardinality(v_candidates) = 1 then
    ways := array(
      select w from unnest(p_ways) with ordinality offered (w, position)
      where case w
        when 'supabase' then exists (
          select from nokkel.contact_accounts(v_login, p_phone, p_email, p_ways) c where c.of_supabase and c.id = v_candidates[1])
        else w <> v_login.provider and exists (
          select from public.external_identity i
          where i.user_id = v_candidates[1] and i.provider = w
            and (i.client_id = '*' or i.organization_id = v_login.organization_id))
      end
      order by position);
  end if;

  -- It may be another one than when this login began.
  if problem is null and not nokkel.reaches(v_login.assurance, v_minimum) then
    problem := 'login_assurance_too_low';
  elsif problem is null and v_enrollment = 'invited' and not exists (
    select from public.organization_member m
    where m.organization_id = v_login.organization_id
      and m.user_id = coalesce(sign_in.user_id, v_account, case when cardinality(ways) > 0 then v_candidates[1] end)
  ) then
    problem := 'login_not_member';
  end if;

  if problem is not null then
    perform nokkel.audit_consent(user_id, v_login, p_request);
    perform nokkel.audit(v_login.organization_id, user_id, case when p_confirms is null then 'login.sign_in' else 'login.link' end,
      null, null, problem, p_request);
    outcome := null;
    user_id := null;
    ways := null;
    return;
  end if;

  if cardinality(ways) > 0 then
    outcome := 'needs_linking';
    insert into nokkel.waiting_identity as w (id, token_hash, thumbprint, organization_id, candidate_id, login, contact)
      values (p_waiting, p_token_hash, p_thumbprint, v_login.organization_id, v_candidates[1],
        -- The yes is recorded now, and once.
        p_login - array['consent_version', 'consent_shares'], p_waiting_contact)
      returning w.expires_at into waits_until;
    perform nokkel.audit_consent(null, v_login, p_request);
    perform nokkel.audit(v_login.organization_id, null, 'login.waiting', 'waiting_identity', p_waiting::text, null, p_request);
    return;
  end if;

  if user_id is null then
    insert into public.app_user as u (auth_user_id, name) values (coalesce(v_account, gen_random_uuid()), v_login.name)
      returning u.auth_user_id into user_id;
    outcome := 'account_created';
    perform nokkel.suspect_duplicate(v_login.organization_id, sign_in.user_id, u.auth_user_id, 'phone_and_email')
      from public.app_user u where u.auth_user_id = any (v_candidates) and not v_removed;
  end if;

  v_identity := nokkel.attach_login(user_id, v_login, true, p_request);
  if outcome = 'identity_linked' then
    perform nokkel.audit(v_login.organization_id, user_id, 'login.link', 'identity', v_identity::text, null, p_request);
  end if;
  if p_confirms is not null then
    outcome := 'identity_linked';
    confirmed_contact := v_waiting.contact;
    update nokkel.waiting_identity w set consumed_at = now() where w.id = p_confirms;
    perform nokkel.audit(v_login.organization_id, user_id, 'login.link', 'identity',
      nokkel.attach_login(user_id, v_other_login, false, p_request)::text, null, p_request);
  end if;
  personnummer := nokkel.personnummer_outcome(user_id, v_login);

  insert into nokkel.session as s
    (user_id, organization_id, provider, acr, assurance, thumbprint, device_name, expires_at, identity_id)
    values (user_id, v_login.organization_id, v_login.provider, v_login.acr, v_login.assurance, p_thumbprint, p_device_name,
      now() + p_lifetime, v_identity)
    returning s.id, s.expires_at into session_id, session_expires_at;
  insert into nokkel.refresh_token (hash, session_id) values (p_refresh_hash, session_id);
  perform nokkel.audit(v_login.organization_id, user_id, 'login.sign_in', 'identity', v_identity::text, null, p_request);
end
$$;

-- The waiting login that a token is of, without saying anything of it.
create function nokkel.waiting_login(p_token_hash bytea, p_organization text) returns uuid
  language sql stable security definer set search_path = '' as $$
  select w.id from nokkel.waiting_identity w join public.organization o on o.id = w.organization_id
  where w.token_hash = p_token_hash and o.slug = p_organization and w.consumed_at is null and w.expires_at > now()
$$;

-- Gives a waiting login an account of its own: once, and only with the key that it came with.
create function nokkel.continue_login(
  p_token_hash bytea, p_thumbprint text, p_device_name text, p_refresh_hash bytea, p_lifetime interval, p_request uuid,
  out outcome text, out problem text, out user_id uuid, out session_id uuid, out session_expires_at timestamptz,
  out personnummer text, out organization_id uuid, out waiting_id uuid, out contact bytea
) language plpgsql security definer set search_path = '' as $$
declare
  v_waiting nokkel.waiting_identity;
  v_login nokkel.verified_login;
begin
  select * into v_waiting from nokkel.waiting_identity w
    where w.token_hash = p_token_hash and w.thumbprint = p_thumbprint and w.consumed_at is null and w.expires_at > now()
    for update;
  if not found then
    problem := 'link_unknown';
    perform nokkel.audit(null, null, 'login.continue', null, null, problem, p_request);
    return;
  end if;
  select s.outcome, s.problem, s.user_id, s.session_id, s.session_expires_at, s.personnummer
    into outcome, problem, user_id, session_id, session_expires_at, personnummer
    from nokkel.sign_in(v_waiting.login, null, null, '{}', null, null, null, null, null, p_thumbprint, p_device_name,
      p_refresh_hash, p_lifetime, p_request) s;
  if problem is not null then
    return;
  end if;
  organization_id := v_waiting.organization_id;
  waiting_id := v_waiting.id;
  contact := v_waiting.contact;
  if outcome = 'account_created' then
    v_login := jsonb_populate_record(v_login, v_waiting.login);
    perform nokkel.suspect_duplicate(v_waiting.organization_id, continue_login.user_id, u.auth_user_id, 'phone_and_email')
      from public.app_user u where u.auth_user_id = nokkel.account_now(v_waiting.candidate_id) and not exists (
        -- By that it is noted already.
        select from public.user_identities i
        where i.user_id = u.auth_user_id and i.personnummer_index = v_login.personnummer_index);
  end if;
  update nokkel.waiting_identity w set consumed_at = now() where w.id = v_waiting.id;
end
$$;

-- Adds a login to the account of a session. Refusals are rows, as with sign_in.
create function nokkel.link_login(
  p_user uuid, p_session uuid, p_login jsonb, p_request uuid,
  out outcome text, out problem text, out id uuid, out personnummer text
) language plpgsql security definer set search_path = '' as $$
declare
  v_login nokkel.verified_login := jsonb_populate_record(null::nokkel.verified_login, p_login);
  v_owner uuid;
  v_mine boolean;
begin
  perform nokkel.lock_logins(array[v_login]);
  perform from public.app_user u where u.auth_user_id = p_user for share;
  if nokkel.session_state(p_session) <> 'live' or not exists (
    select from nokkel.session s
    where s.id = p_session and s.user_id = p_user and s.organization_id = v_login.organization_id
  ) then
    perform nokkel.refuse('session_ended');
  end if;
  v_owner := nokkel.identity_account(v_login);
  v_mine := coalesce(v_owner = p_user, false);
  outcome := case when v_mine then 'already_linked' else 'identity_linked' end;
  v_owner := coalesce(v_owner, nokkel.personnummer_account(v_login.personnummer_index), p_user);
  if not v_mine and nokkel.are_different_people(p_user, v_login, v_owner) then
    problem := 'login_other_person';
  elsif v_owner <> p_user then
    problem := 'login_of_other_account';
    perform nokkel.suspect_duplicate(v_login.organization_id, p_user, v_owner, 'both_logins');
  end if;
  if problem is not null then
    outcome := null;
    perform nokkel.audit_consent(p_user, v_login, p_request);
    perform nokkel.audit(v_login.organization_id, p_user, 'login.link', null, null, problem, p_request);
    return;
  end if;
  id := nokkel.attach_login(p_user, v_login, false, p_request);
  personnummer := nokkel.personnummer_outcome(p_user, v_login);
  perform nokkel.audit(v_login.organization_id, p_user, 'login.link', 'identity', id::text, null, p_request);
end
$$;

-- The ways in of a person. A session that was there before logins had ids is taken to have come from any of its provider.
create function nokkel.my_logins() returns table (
  id uuid, provider text, linked_at timestamptz, last_login_at timestamptz, current boolean, organization text
) language sql stable security definer set search_path = '' as $$
  select i.id, i.provider, i.created_at, i.last_login_at,
    coalesce(s.identity_id = i.id, s.provider = i.provider), case when i.client_id <> '*' then o.name end
  from nokkel.my_session() mine
  join nokkel.session s on s.id = mine.id
  join public.external_identity i on i.user_id = s.user_id
  left join public.organization o on o.id = i.organization_id
  order by i.created_at, i.id
$$;

-- Removes a way in, for good, and ends the sessions that came from it.
create function nokkel.remove_login(p_id uuid, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_session nokkel.session;
  v_identity public.external_identity;
begin
  select s.* into v_session from nokkel.my_session() mine join nokkel.session s on s.id = mine.id;
  if not found then
    perform nokkel.refuse('session_ended');
  end if;
  -- Of two who remove each the other's login, the second is told that it is the last one.
  perform from public.app_user u where u.auth_user_id = v_session.user_id for update;
  select * into v_identity from public.external_identity i where i.id = p_id and i.user_id = v_session.user_id;
  if not found then
    perform nokkel.refuse('not_found');
  end if;
  if v_session.authenticated_at < now() - interval '5 minutes' then
    perform nokkel.refuse('login_too_old');
  end if;
  if not exists (select from public.external_identity i where i.user_id = v_session.user_id and i.id <> p_id) then
    perform nokkel.refuse('login_last');
  end if;
  if coalesce(v_session.identity_id = p_id, v_session.provider = v_identity.provider) then
    perform nokkel.refuse('login_in_use');
  end if;
  delete from public.external_identity i where i.id = p_id;
  insert into nokkel.removed_login (provider, client_id, subject, user_id)
    values (v_identity.provider, v_identity.client_id, v_identity.subject, v_session.user_id);
  -- Nobody tells of it any longer.
  if not exists (select from public.external_identity i where i.user_id = v_session.user_id and i.provider = 'vipps') then
    update public.user_identities i
      set phone_index = null, email_index = null, contact_index_key = null, contact = null, contact_updated_at = null,
        updated_at = now()
      where i.user_id = v_session.user_id;
  end if;
  update nokkel.session s set ended_at = now(), ended_reason = 'revoked'
    where s.user_id = v_session.user_id and s.identity_id = p_id and s.ended_at is null;
  perform nokkel.audit(v_session.organization_id, v_session.user_id, 'login.unlink', 'identity', p_id::text, null, p_request);
end
$$;

-- Personal data ------------------------------------------------------------------------------------------------------

create function nokkel.person_key_of(p_user uuid) returns bytea language sql stable security definer set search_path = '' as
  $$ select k.wrapped_key from nokkel.person_key k where k.user_id = p_user $$;

-- The key that is kept: of two that are made at the same time it is the first, and nothing was encrypted under the other one yet.
create function nokkel.keep_person_key(p_user uuid, p_wrapped_key bytea, p_master_key_id text) returns bytea
  language plpgsql security definer set search_path = '' as $$
begin
  insert into nokkel.person_key (user_id, wrapped_key, master_key_id) values (p_user, p_wrapped_key, p_master_key_id)
    on conflict do nothing;
  return nokkel.person_key_of(p_user);
end
$$;

-- Not of an account that was merged into another one meanwhile, or that the login was removed from.
create function nokkel.keep_contact(p_user uuid, p_contact bytea) returns void
  language sql security definer set search_path = '' as $$
  update public.user_identities i set contact = p_contact, contact_updated_at = now(), updated_at = now()
  where i.user_id = p_user and exists (select from public.external_identity e where e.user_id = p_user and e.provider = 'vipps')
    and not exists (select from nokkel.former_account f where f.user_id = p_user)
$$;

create function nokkel.contact_of(p_user uuid) returns table (contact bytea, updated_at timestamptz, wrapped_key bytea)
  language sql stable security definer set search_path = '' as $$
  select i.contact, i.contact_updated_at, k.wrapped_key
  from public.user_identities i join nokkel.person_key k on k.user_id = i.user_id
  where i.user_id = p_user and i.contact is not null
$$;

grant execute on function
  nokkel.sign_in(jsonb, uuid, uuid, text[], text, text, uuid, bytea, bytea, text, text, bytea, interval, uuid),
  nokkel.waiting_login(bytea, text), nokkel.continue_login(bytea, text, text, bytea, interval, uuid),
  nokkel.link_login(uuid, uuid, jsonb, uuid), nokkel.person_key_of(uuid), nokkel.keep_person_key(uuid, bytea, text),
  nokkel.keep_contact(uuid, bytea), nokkel.contact_of(uuid) to nokkel_server;
grant execute on function nokkel.my_logins(), nokkel.remove_login(uuid, uuid) to authenticated;


create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121110000' $$;

reset role;
