set role nokkel_owner;

-- Which master key versions this database was opened with. The check value is an envelope of known content:
-- a wrong key cannot open it, so it is refused before anything is touched.
create table nokkel.master_key_version (
  key_id text primary key,
  check_value bytea not null,
  created_at timestamptz not null default now()
);
call nokkel.protect('nokkel.master_key_version');

-- The index key this database was opened with: under another one, nobody known by their personnummer would be recognised.
create table nokkel.index_key_version (
  key_id text primary key,
  created_at timestamptz not null default now()
);
call nokkel.protect('nokkel.index_key_version');

-- Keys that sign access tokens. The private half is an envelope under the master key.
create table nokkel.session_key (
  kid text primary key,
  public_key jsonb not null,
  wrapped_private_key bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);
call nokkel.protect('nokkel.session_key');

create table nokkel.login_attempt (
  id uuid primary key default gen_random_uuid(),
  provider text not null,
  organization_id uuid not null references public.organization on delete cascade,
  issuer text not null,
  client_id text not null,
  redirect_uri text not null,
  state_hash bytea not null,
  nonce_hash bytea not null,
  code_challenge text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  consumed_at timestamptz
);
create index login_attempt_expiry on nokkel.login_attempt (expires_at);
create index login_attempt_organization on nokkel.login_attempt (organization_id);
call nokkel.protect('nokkel.login_attempt');

create table nokkel.session (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.app_user on delete cascade,
  organization_id uuid not null references public.organization on delete cascade,
  provider text not null,
  acr text,
  -- RFC 7638 thumbprint of the key that must prove possession at every refresh.
  thumbprint text not null,
  device_id uuid,
  device_name text not null,
  authenticated_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  -- Absolute: rotation never moves it.
  expires_at timestamptz not null,
  ended_at timestamptz,
  ended_reason text check (ended_reason in ('signed_out', 'revoked', 'reuse', 'device_superseded', 'device_revoked')),
  check ((ended_at is null) = (ended_reason is null))
);
create index session_person on nokkel.session (user_id);
create index session_organization on nokkel.session (organization_id);
create index session_device on nokkel.session (device_id);
call nokkel.protect('nokkel.session');

create table nokkel.refresh_token (
  hash bytea primary key check (length(hash) = 32),
  session_id uuid not null references nokkel.session on delete cascade,
  created_at timestamptz not null default now(),
  used_at timestamptz,
  -- The next token, sealed under a key derived from this one: only who holds this token can be given the same successor again.
  sealed_successor bytea
);
create index refresh_token_session on nokkel.refresh_token (session_id);
call nokkel.protect('nokkel.refresh_token');

create table nokkel.dpop_proof (
  jti_hash bytea primary key,
  expires_at timestamptz not null
);
create index dpop_proof_expiry on nokkel.dpop_proof (expires_at);
call nokkel.protect('nokkel.dpop_proof');

create function nokkel.session_state(p_session uuid) returns text
  language sql stable security definer set search_path = '' as $$
  select case
    when s.id is null then 'revoked'
    when s.ended_at is not null then s.ended_reason
    when s.expires_at <= now() then 'expired'
    when not exists (
      select from public.organization_member m where m.organization_id = s.organization_id and m.user_id = s.user_id
    ) then 'revoked'
    else 'live'
  end
  from (values (p_session)) wanted (id) left join nokkel.session s using (id)
$$;

-- The session in the claims, if it is one of the person in the claims and `live` as session_state says.
create function nokkel.my_session() returns table (
  id uuid, provider text, organization_id uuid, authenticated_at timestamptz, expires_at timestamptz, device_id uuid
) language sql stable security definer set search_path = '' as $$
  select s.id, s.provider, s.organization_id, s.authenticated_at, s.expires_at, s.device_id
  from nokkel.session s
  join public.organization_member m on m.organization_id = s.organization_id and m.user_id = s.user_id
  where s.id = nokkel.session_id() and s.user_id = nokkel.user_id() and s.ended_at is null and s.expires_at > now()
$$;

create function nokkel.session_is_live() returns boolean
  language sql stable security definer set search_path = '' as
  $$ select exists (select from nokkel.my_session()) $$;

-- Another organisation's things are not for this session. Null when the session is not live.
create function nokkel.organization_id() returns uuid
  language sql stable security definer set search_path = '' as
  $$ select organization_id from nokkel.my_session() $$;

grant execute on function nokkel.session_state(uuid) to nokkel_server;
grant execute on function nokkel.my_session(), nokkel.session_is_live(), nokkel.organization_id() to authenticated;

create procedure nokkel.require_live_session(p_table regclass) language plpgsql set search_path = '' as $$
begin
  execute format(
    'create policy "only in a live session" on %s as restrictive to authenticated using ((select nokkel.session_is_live())) with check ((select nokkel.session_is_live()))',
    p_table);
end
$$;
call nokkel.require_live_session('public.organization');
call nokkel.require_live_session('public.organization_member');
call nokkel.require_live_session('public.app_user');
call nokkel.require_live_session('public.external_identity');
call nokkel.require_live_session('public.user_identities');

-- Members of an organisation the person coordinates, by name: asks once for the right, not once for every row.
create function nokkel.members(
  p_organization uuid, p_ids uuid[], p_pattern text, p_after_name text, p_after_id uuid, p_limit integer
) returns table (id uuid, name text, role text, joined_at timestamptz)
  language sql stable security definer set search_path = '' as $$
  select u.auth_user_id, u.name, m.role, m.created_at
  from public.organization_member m join public.app_user u on u.auth_user_id = m.user_id
  where m.organization_id = p_organization
    and (select nokkel.session_is_live() and nokkel.has_role(p_organization, 'coordinator', 'administrator'))
    and (p_ids is null or m.user_id = any (p_ids))
    and (p_pattern is null or u.name ~ p_pattern)
    and (p_after_id is null or (u.name, u.auth_user_id) > (p_after_name, p_after_id))
  order by u.name, u.auth_user_id
  limit p_limit
$$;
grant execute on function nokkel.members(uuid, uuid[], text, text, uuid, integer) to authenticated;

-- Keys ---------------------------------------------------------------------------------------------------------------

create function nokkel.master_key_versions() returns table (key_id text, check_value bytea)
  language sql stable security definer set search_path = '' as
  $$ select key_id, check_value from nokkel.master_key_version order by created_at $$;

create function nokkel.add_master_key_version(p_key_id text, p_check_value bytea) returns void
  language sql security definer set search_path = '' as
  $$ insert into nokkel.master_key_version (key_id, check_value) values (p_key_id, p_check_value) on conflict do nothing $$;

create function nokkel.index_key_versions() returns table (key_id text)
  language sql stable security definer set search_path = '' as
  $$ select key_id from nokkel.index_key_version order by created_at $$;

create function nokkel.add_index_key_version(p_key_id text) returns void
  language sql security definer set search_path = '' as
  $$ insert into nokkel.index_key_version (key_id) values (p_key_id) on conflict do nothing $$;

create function nokkel.session_keys() returns table (kid text, public_key jsonb, wrapped_private_key bytea, retired boolean)
  language sql stable security definer set search_path = '' as
  $$ select kid, public_key, wrapped_private_key, retired_at is not null from nokkel.session_key order by created_at desc, kid $$;

create function nokkel.add_session_key(p_kid text, p_public_key jsonb, p_wrapped_private_key bytea) returns void
  language sql security definer set search_path = '' as
  $$ insert into nokkel.session_key (kid, public_key, wrapped_private_key) values (p_kid, p_public_key, p_wrapped_private_key) $$;

grant execute on function nokkel.master_key_versions(), nokkel.add_master_key_version(text, bytea), nokkel.index_key_versions(),
  nokkel.add_index_key_version(text), nokkel.session_keys(),
  nokkel.add_session_key(text, jsonb, bytea) to nokkel_server;

-- Login --------------------------------------------------------------------------------------------------------------

create function nokkel.begin_login(
  p_provider text, p_organization uuid, p_issuer text, p_client_id text, p_redirect_uri text,
  p_state_hash bytea, p_nonce_hash bytea, p_code_challenge text
) returns table (id uuid, expires_at timestamptz)
  language sql security definer set search_path = '' as $$
  insert into nokkel.login_attempt
    (provider, organization_id, issuer, client_id, redirect_uri, state_hash, nonce_hash, code_challenge, expires_at)
  values (p_provider, p_organization, p_issuer, p_client_id, p_redirect_uri, p_state_hash, p_nonce_hash, p_code_challenge,
    now() + interval '15 minutes')
  returning id, expires_at
$$;

-- Consumes the attempt: at most one caller ever gets it, whatever becomes of the login.
create function nokkel.take_login(p_id uuid) returns table (
  provider text, organization_id uuid, organization_slug text, issuer text, client_id text, redirect_uri text,
  state_hash bytea, nonce_hash bytea, code_challenge text
) language sql security definer set search_path = '' as $$
  update nokkel.login_attempt a set consumed_at = now()
  from public.organization o
  where a.id = p_id and a.consumed_at is null and a.expires_at > now() and o.id = a.organization_id
  returning a.provider, a.organization_id, o.slug, a.issuer, a.client_id, a.redirect_uri, a.state_hash, a.nonce_hash, a.code_challenge
$$;

-- Finds or makes the account of a verified login and opens a session, in one statement.
-- Order: the same external identity; the same personnummer, when a trusted provider verified it; a new account.
create function nokkel.sign_in(
  p_provider text, p_client_id text, p_subject text, p_organization uuid, p_name text, p_acr text,
  p_personnummer_index bytea, p_personnummer_index_key text,
  p_thumbprint text, p_device_name text, p_refresh_hash bytea, p_lifetime interval,
  out user_id uuid, out session_id uuid, out session_expires_at timestamptz, out outcome text
) language plpgsql security definer set search_path = '' as $$
declare
  v_enrollment text;
begin
  -- Two first logins of one person at the same time wait for each other here.
  perform pg_catalog.pg_advisory_xact_lock(hashtextextended(key, 0)) from unnest(array[
    'identity:' || p_provider || ':' || p_client_id || ':' || p_subject,
    'personnummer:' || encode(p_personnummer_index, 'hex')
  ]) key where key is not null order by key;

  select i.user_id into user_id from public.external_identity i
    where i.provider = p_provider and i.client_id = p_client_id and i.subject = p_subject;
  outcome := 'signed_in';

  if user_id is null and p_personnummer_index is not null then
    select i.user_id into user_id from public.user_identities i where i.personnummer_index = p_personnummer_index;
    outcome := 'identity_linked';
  end if;

  select o.enrollment into strict v_enrollment from public.organization o where o.id = p_organization;
  if v_enrollment = 'invited' and not exists (
    select from public.organization_member m where m.organization_id = p_organization and m.user_id = sign_in.user_id
  ) then
    perform nokkel.refuse('login_not_member');
  end if;

  if user_id is null then
    insert into public.app_user (name) values (p_name) returning auth_user_id into user_id;
    outcome := 'account_created';
  end if;

  insert into public.external_identity as i (provider, client_id, subject, user_id, last_login_at)
    values (p_provider, p_client_id, p_subject, user_id, now())
    on conflict (provider, client_id, subject) do update set last_login_at = now();
  insert into public.organization_member (organization_id, user_id) values (p_organization, user_id) on conflict do nothing;

  insert into public.user_identities as i (user_id, bankid_verified, bankid_verified_at)
    values (user_id, p_provider = 'bankid', case when p_provider = 'bankid' then now() end)
    on conflict on constraint user_identities_user_id_key do update set
      bankid_verified = i.bankid_verified or excluded.bankid_verified,
      bankid_verified_at = coalesce(i.bankid_verified_at, excluded.bankid_verified_at),
      updated_at = now()
    where excluded.bankid_verified and not i.bankid_verified;
  -- A number that already stands with another account stays there: accounts are never merged silently.
  update public.user_identities i
    set personnummer_index = p_personnummer_index, personnummer_index_key = p_personnummer_index_key, updated_at = now()
    where i.user_id = sign_in.user_id and i.personnummer_index is null and p_personnummer_index is not null
      and not exists (select from public.user_identities other where other.personnummer_index = p_personnummer_index);

  insert into nokkel.session as s (user_id, organization_id, provider, acr, thumbprint, device_name, expires_at)
    values (user_id, p_organization, p_provider, p_acr, p_thumbprint, p_device_name, now() + p_lifetime)
    returning s.id, s.expires_at into session_id, session_expires_at;
  insert into nokkel.refresh_token (hash, session_id) values (p_refresh_hash, session_id);
end
$$;

grant execute on function nokkel.begin_login(text, uuid, text, text, text, bytea, bytea, text), nokkel.take_login(uuid),
  nokkel.sign_in(text, text, text, uuid, text, text, bytea, text, text, text, bytea, interval) to nokkel_server;

-- Rotation -----------------------------------------------------------------------------------------------------------

-- False when this proof was seen before.
create function nokkel.remember_proof(p_jti_hash bytea, p_expires_at timestamptz) returns boolean
  language sql security definer set search_path = '' as $$
  with inserted as (
    insert into nokkel.dpop_proof values (p_jti_hash, p_expires_at) on conflict do nothing returning 1
  ) select exists (select from inserted)
$$;

-- result: rotated | same_successor | unknown | other_key | reused | the reason the session has ended for | expired.
-- A used token presented again within the grace gives the same successor; after it, the session ends.
create function nokkel.rotate_refresh_token(
  p_hash bytea, p_next_hash bytea, p_sealed_successor bytea, p_thumbprint text, p_grace interval,
  out result text, out session_id uuid, out user_id uuid, out organization_id uuid,
  out session_expires_at timestamptz, out sealed_successor bytea
) language plpgsql security definer set search_path = '' as $$
declare
  v_token nokkel.refresh_token;
  v_session nokkel.session;
  v_state text;
begin
  select * into v_token from nokkel.refresh_token t where t.hash = p_hash for update;
  if not found then
    result := 'unknown';
    return;
  end if;
  select * into strict v_session from nokkel.session s where s.id = v_token.session_id for update;
  if v_session.thumbprint <> p_thumbprint then
    result := 'other_key';
    return;
  end if;
  v_state := nokkel.session_state(v_session.id);
  if v_state <> 'live' then
    result := v_state;
    return;
  end if;
  session_id := v_session.id;
  user_id := v_session.user_id;
  organization_id := v_session.organization_id;
  session_expires_at := v_session.expires_at;

  if v_token.used_at is null then
    update nokkel.refresh_token t set used_at = now(), sealed_successor = p_sealed_successor where t.hash = p_hash;
    insert into nokkel.refresh_token (hash, session_id) values (p_next_hash, v_session.id);
    -- Only the predecessor can still be replayed within the grace; older ones are kept as hashes to detect reuse.
    update nokkel.refresh_token t set sealed_successor = null
      where t.session_id = v_session.id and t.used_at < now() - p_grace and t.sealed_successor is not null;
    update nokkel.session s set last_used_at = now() where s.id = v_session.id;
    result := 'rotated';
  elsif v_token.used_at > now() - p_grace and v_token.sealed_successor is not null then
    sealed_successor := v_token.sealed_successor;
    result := 'same_successor';
  else
    update nokkel.session s set ended_at = now(), ended_reason = 'reuse' where s.id = v_session.id;
    result := 'reused';
  end if;
end
$$;

grant execute on function nokkel.remember_proof(bytea, timestamptz),
  nokkel.rotate_refresh_token(bytea, bytea, bytea, text, interval) to nokkel_server;

-- A person's own sessions --------------------------------------------------------------------------------------------

create function nokkel.my_sessions() returns table (
  id uuid, provider text, device_name text, device_id uuid, organization_id uuid,
  authenticated_at timestamptz, last_used_at timestamptz, expires_at timestamptz
) language sql stable security definer set search_path = '' as $$
  select id, provider, device_name, device_id, organization_id, authenticated_at, last_used_at, expires_at
  from nokkel.session s
  where s.user_id = nokkel.user_id() and s.ended_at is null and s.expires_at > now() and nokkel.session_is_live()
  order by s.last_used_at desc
$$;

create function nokkel.end_session(p_session uuid, p_reason text) returns boolean
  language sql security definer set search_path = '' as $$
  with ended as (
    update nokkel.session s set ended_at = now(), ended_reason = p_reason
    where s.id = p_session and s.user_id = nokkel.user_id() and s.ended_at is null and p_reason in ('signed_out', 'revoked')
      and nokkel.session_is_live()
    returning 1
  ) select exists (select from ended)
$$;

create function nokkel.end_other_sessions() returns integer
  language sql security definer set search_path = '' as $$
  with ended as (
    update nokkel.session s set ended_at = now(), ended_reason = 'revoked'
    where s.user_id = nokkel.user_id() and s.id <> nokkel.session_id() and s.ended_at is null and nokkel.session_is_live()
    returning 1
  ) select count(*)::integer from ended
$$;

grant execute on function nokkel.my_sessions(), nokkel.end_session(uuid, text), nokkel.end_other_sessions() to authenticated;

reset role;
