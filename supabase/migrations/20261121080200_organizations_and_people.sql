set role nokkel_owner;

create table public.organization (
  id uuid primary key default gen_random_uuid(),
  slug text not null unique check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  name text not null check (length(name) between 1 and 200),
  device_policy text not null default 'one' check (device_policy in ('one', 'several')),
  -- open: whoever logs in becomes a member; invited: only those already registered get in.
  enrollment text not null default 'open' check (enrollment in ('open', 'invited')),
  created_at timestamptz not null default now()
);
call nokkel.protect('public.organization');

create table public.app_user (
  auth_user_id uuid primary key default gen_random_uuid(),
  name text not null check (length(name) between 1 and 200),
  created_at timestamptz not null default now()
);
call nokkel.protect('public.app_user');

create table public.organization_member (
  organization_id uuid not null references public.organization on delete cascade,
  user_id uuid not null references public.app_user on delete cascade,
  role text not null default 'member' check (role in ('member', 'coordinator', 'administrator')),
  created_at timestamptz not null default now(),
  primary key (organization_id, user_id)
);
create index organization_member_user on public.organization_member (user_id);
call nokkel.protect('public.organization_member');

create table public.external_identity (
  provider text not null check (provider in ('bankid', 'vipps')),
  client_id text not null,
  subject text not null,
  user_id uuid not null references public.app_user on delete cascade,
  created_at timestamptz not null default now(),
  last_login_at timestamptz,
  primary key (provider, client_id, subject)
);
create index external_identity_user on public.external_identity (user_id);
call nokkel.protect('public.external_identity');

create table public.user_identities (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null unique references public.app_user (auth_user_id) on delete cascade,
  -- HMAC-SHA-256 under the index key, of a number a provider verified; never of one a person typed.
  personnummer_index bytea unique check (length(personnummer_index) = 32),
  personnummer_index_key text,
  personnummer_verified boolean not null generated always as (personnummer_index is not null) stored,
  bankid_verified boolean not null default false,
  bankid_verified_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((personnummer_index is null) = (personnummer_index_key is null)),
  check (bankid_verified = (bankid_verified_at is not null))
);
call nokkel.protect('public.user_identities');

-- Whether the person has one of these roles in the organisation.
create function nokkel.has_role(p_organization uuid, variadic p_roles text[]) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.organization_member m
    where m.organization_id = p_organization and m.user_id = nokkel.user_id() and m.role = any (p_roles)
  )
$$;

-- Whether the person coordinates an organisation that the other one is a member of.
create function nokkel.may_address(p_user uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.organization_member mine
    join public.organization_member theirs using (organization_id)
    where mine.user_id = nokkel.user_id() and mine.role in ('coordinator', 'administrator') and theirs.user_id = p_user
  )
$$;

grant execute on function nokkel.has_role(uuid, text[]), nokkel.may_address(uuid) to authenticated;

grant select on public.organization to authenticated;
create policy "members see their organisation" on public.organization for select to authenticated
  using (nokkel.has_role(id, 'member', 'coordinator', 'administrator'));

grant select on public.organization_member to authenticated;
create policy "people see their memberships" on public.organization_member for select to authenticated
  using (user_id = (select nokkel.user_id()));
create policy "coordinators see the members" on public.organization_member for select to authenticated
  using (nokkel.has_role(organization_id, 'coordinator', 'administrator'));

grant select on public.app_user to authenticated;
create policy "people see themselves" on public.app_user for select to authenticated
  using (auth_user_id = (select nokkel.user_id()));
create policy "coordinators see whom they may address" on public.app_user for select to authenticated
  using (nokkel.may_address(auth_user_id));

grant select on public.external_identity to authenticated;
create policy "people see their logins" on public.external_identity for select to authenticated
  using (user_id = (select nokkel.user_id()));

-- The index is never for reading.
grant select (id, user_id, personnummer_verified, bankid_verified, bankid_verified_at, created_at, updated_at)
  on public.user_identities to authenticated;
create policy "people see their identity" on public.user_identities for select to authenticated
  using (user_id = (select nokkel.user_id()));

-- For the login page, before anyone is logged in.
create function nokkel.organizations() returns table (id uuid, slug text, name text)
  language sql stable security definer set search_path = '' as
  $$ select id, slug, name from public.organization order by name, slug $$;
grant execute on function nokkel.organizations() to nokkel_server;

reset role;
