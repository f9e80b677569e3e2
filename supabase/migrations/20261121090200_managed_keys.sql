set role nokkel_owner;

-- The managed keys of people and companies: RSA-4096, the private half an envelope under the master key, bound to this row and
-- its owner. docs/spec/managed-key.md
--   active      others wrap to it, and it opens; one for each owner
--   superseded  another is active; it opens what was wrapped to it before
--   revoked     marked as compromised: it opens for the server alone, until what it protected has new keys
--   destroyed   its private half is gone; the row tells that it was there
create table public.user_key (
  id uuid primary key,
  user_id uuid not null references public.app_user on delete cascade,
  -- SubjectPublicKeyInfo in base64.
  public_key text not null,
  -- RFC 7638, SHA-256.
  thumbprint text not null check (length(thumbprint) = 43),
  encrypted_private_key text,
  envelope_hash bytea check (length(envelope_hash) = 32),
  master_key_id text references nokkel.master_key_version,
  state text not null default 'active' check (state in ('active', 'superseded', 'revoked', 'destroyed')),
  created_at timestamptz not null default now(),
  superseded_at timestamptz,
  revoked_at timestamptz,
  destroyed_at timestamptz,
  unique (user_id, thumbprint),
  check (state <> 'superseded' or superseded_at is not null),
  check (state <> 'revoked' or revoked_at is not null),
  check ((state = 'destroyed') = (destroyed_at is not null)),
  check ((state = 'destroyed') = (encrypted_private_key is null)),
  check ((encrypted_private_key is null) = (envelope_hash is null)),
  check ((encrypted_private_key is null) = (master_key_id is null))
);
create unique index user_key_active on public.user_key (user_id) where state = 'active';
create index user_key_master_key on public.user_key (master_key_id, id);
call nokkel.protect('public.user_key');
call nokkel.require_live_session('public.user_key');

create table public.company_key (
  id uuid primary key,
  company_id uuid not null references public.company on delete cascade,
  public_key text not null,
  thumbprint text not null check (length(thumbprint) = 43),
  encrypted_private_key text,
  envelope_hash bytea check (length(envelope_hash) = 32),
  master_key_id text references nokkel.master_key_version,
  state text not null default 'active' check (state in ('active', 'superseded', 'revoked', 'destroyed')),
  created_at timestamptz not null default now(),
  superseded_at timestamptz,
  revoked_at timestamptz,
  destroyed_at timestamptz,
  unique (company_id, thumbprint),
  check (state <> 'superseded' or superseded_at is not null),
  check (state <> 'revoked' or revoked_at is not null),
  check ((state = 'destroyed') = (destroyed_at is not null)),
  check ((state = 'destroyed') = (encrypted_private_key is null)),
  check ((encrypted_private_key is null) = (envelope_hash is null)),
  check ((encrypted_private_key is null) = (master_key_id is null))
);
create unique index company_key_active on public.company_key (company_id) where state = 'active';
create index company_key_master_key on public.company_key (master_key_id, id);
call nokkel.protect('public.company_key');
call nokkel.require_live_session('public.company_key');

-- Mirrors of the active row of user_key, written with it and by nobody else.
alter table public.app_user
  add public_key text,
  add encrypted_private_key text,
  add check ((public_key is null) = (encrypted_private_key is null));

-- Coordinators see other people's rows, and a right to a column is a right to it in every row: so the wrapped private key is
-- read from user_key, which shows everyone only their own.
revoke select on public.app_user from authenticated;
grant select (auth_user_id, name, created_at, public_key) on public.app_user to authenticated;

grant select (id, user_id, public_key, thumbprint, encrypted_private_key, state, created_at, superseded_at, revoked_at, destroyed_at)
  on public.user_key to authenticated;
create policy "people see their keys" on public.user_key for select to authenticated
  using (user_id = (select nokkel.user_id()));

-- The private half of a company never leaves the server, also not wrapped.
grant select (id, company_id, public_key, thumbprint, state, created_at, superseded_at, revoked_at, destroyed_at)
  on public.company_key to authenticated;
create policy "members see the keys of their company" on public.company_key for select to authenticated
  using (nokkel.company_role(company_id) is not null);

-- Why this session may not act for this person in this organisation, as a problem code; null when it may.
create function nokkel.session_problem(p_session uuid, p_user uuid, p_organization uuid) returns text
  language sql stable security definer set search_path = '' as $$
  select case coalesce(
      (select nokkel.session_state(s.id) from nokkel.session s
        where s.id = p_session and s.user_id = p_user and s.organization_id = p_organization), 'revoked')
    when 'live' then null
    when 'expired' then 'session_expired'
    when 'device_superseded' then 'device_superseded'
    when 'device_revoked' then 'device_revoked'
    else 'session_ended' end
$$;

create function nokkel.require_session(p_session uuid, p_user uuid, p_organization uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_problem text := nokkel.session_problem(p_session, p_user, p_organization);
begin
  if v_problem is not null then perform nokkel.refuse(v_problem); end if;
end
$$;

-- Until the transaction ends, nobody else changes who is in the company, or its keys.
create function nokkel.hold_company_of_administrator(p_company uuid, p_user uuid, p_organization uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_role text;
begin
  perform from public.company c where c.id = p_company and c.organization_id = p_organization for no key update;
  select m.role into v_role from public.company_member m
    where m.company_id = p_company and m.user_id = p_user and m.organization_id = p_organization;
  if v_role is null then perform nokkel.refuse('not_found'); end if;
  if v_role <> 'administrator' then perform nokkel.refuse('forbidden'); end if;
end
$$;

-- Whether the columns of an owner hold a private key that none of their rows accounts for: put there by other software, it
-- stands nowhere else. Of the person, or of the company unless that is null.
create function nokkel.is_unadopted(p_user uuid, p_company uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.app_user u
    where u.auth_user_id = p_user and p_company is null and u.encrypted_private_key is not null and not exists (
      select from public.user_key k where k.user_id = u.auth_user_id and k.encrypted_private_key = u.encrypted_private_key)
  ) or exists (
    select from public.company c
    where c.id = p_company and c.encrypted_private_key is not null and not exists (
      select from public.company_key k where k.company_id = c.id and k.encrypted_private_key = c.encrypted_private_key)
  )
$$;

-- Adds keys of a person, in order; the last becomes active in place of p_replaces, which must be the active one, or null when
-- there is none. The same request again changes nothing and gives the same rows.
create function nokkel.add_user_keys(
  p_session uuid, p_user uuid, p_organization uuid, p_request uuid, p_replaces uuid, p_id uuid[], p_public_key text[],
  p_thumbprint text[], p_encrypted_private_key text[], p_envelope_hash bytea[], p_master_key_id text[]
) returns table (id uuid, public_key text, encrypted_private_key text)
  language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_last constant integer := cardinality(p_thumbprint);
  v_active public.user_key;
  v_known integer;
  v_usable integer;
begin
  perform nokkel.require_session(p_session, p_user, p_organization);
  -- One at a time for each person.
  perform from public.app_user u where u.auth_user_id = p_user for no key update;
  select * into v_active from public.user_key k where k.user_id = p_user and k.state = 'active';
  select count(*), count(*) filter (where k.state in ('active', 'superseded')) into v_known, v_usable
    from public.user_key k where k.user_id = p_user and k.thumbprint = any (p_thumbprint);
  if (select count(distinct t) from unnest(p_thumbprint) t) < v_last then perform nokkel.refuse('key_reused'); end if;
  if v_known > 0 then
    if v_usable < v_last or v_active.thumbprint is distinct from p_thumbprint[v_last] then
      perform nokkel.refuse('key_reused');
    end if;
  else
    if v_active.id is distinct from p_replaces then
      perform nokkel.refuse('key_exists', jsonb_build_object('keyId', v_active.id));
    end if;
    if nokkel.is_unadopted(p_user, null) then perform nokkel.refuse('key_not_adopted'); end if;
    update public.user_key k set state = 'superseded', superseded_at = now() where k.id = v_active.id;
    insert into public.user_key as k
      (id, user_id, public_key, thumbprint, encrypted_private_key, envelope_hash, master_key_id, state, superseded_at)
      select i.id, p_user, i.public_key, i.thumbprint, i.encrypted_private_key, i.envelope_hash, i.master_key_id,
        case when i.n = v_last then 'active' else 'superseded' end, case when i.n < v_last then now() end
      from unnest(p_id, p_public_key, p_thumbprint, p_encrypted_private_key, p_envelope_hash, p_master_key_id)
        with ordinality i (id, public_key, thumbprint, encrypted_private_key, envelope_hash, master_key_id, n);
    update public.app_user u
      set public_key = p_public_key[v_last], encrypted_private_key = p_encrypted_private_key[v_last]
      where u.auth_user_id = p_user;
    perform nokkel.audit(p_organization, p_user, 'user_key.create', 'user_key', i::text, null, p_request) from unnest(p_id) i;
  end if;
  return query
    select k.id, k.public_key, k.encrypted_private_key from unnest(p_thumbprint) with ordinality i (thumbprint, n)
    join public.user_key k on k.user_id = p_user and k.thumbprint = i.thumbprint order by i.n;
end
$$;

-- The same for a company, one key at a time, by an administrator of it.
create function nokkel.add_company_key(
  p_session uuid, p_user uuid, p_organization uuid, p_request uuid, p_company uuid, p_replaces uuid, p_id uuid,
  p_public_key text, p_thumbprint text, p_encrypted_private_key text, p_envelope_hash bytea, p_master_key_id text
) returns void language plpgsql security definer set search_path = '' as $$
declare
  v_active uuid;
begin
  perform nokkel.require_session(p_session, p_user, p_organization);
  perform nokkel.hold_company_of_administrator(p_company, p_user, p_organization);
  select k.id into v_active from public.company_key k where k.company_id = p_company and k.state = 'active';
  if v_active is distinct from p_replaces then
    perform nokkel.refuse('key_exists', jsonb_build_object('keyId', v_active));
  end if;
  if nokkel.is_unadopted(p_user, p_company) then perform nokkel.refuse('key_not_adopted'); end if;
  update public.company_key k set state = 'superseded', superseded_at = now() where k.id = v_active;
  insert into public.company_key
    (id, company_id, public_key, thumbprint, encrypted_private_key, envelope_hash, master_key_id)
    values (p_id, p_company, p_public_key, p_thumbprint, p_encrypted_private_key, p_envelope_hash, p_master_key_id);
  update public.company c set public_key = p_public_key, encrypted_private_key = p_encrypted_private_key
    where c.id = p_company;
  perform nokkel.audit(p_organization, p_user, 'company_key.create', 'company_key', p_id::text, null, p_request);
end
$$;

grant execute on function
  nokkel.add_user_keys(uuid, uuid, uuid, uuid, uuid, uuid[], text[], text[], text[], bytea[], text[]),
  nokkel.add_company_key(uuid, uuid, uuid, uuid, uuid, uuid, uuid, text, text, text, bytea, text)
  to nokkel_server;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121090200' $$;

reset role;
