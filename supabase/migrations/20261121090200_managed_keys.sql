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

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121090200' $$;

reset role;
