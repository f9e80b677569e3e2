set role nokkel_owner;

-- A buyer or a supplier: a party to projects, within one organisation.
create table public.company (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organization on delete cascade,
  name text not null check (length(name) between 1 and 200),
  -- Of Enhetsregisteret.
  organization_number text check (organization_number ~ '^[89][0-9]{8}$'),
  -- Mirrors of the active row of company_key, written with it and by nobody else.
  public_key text,
  encrypted_private_key text,
  created_at timestamptz not null default now(),
  unique (organization_id, organization_number),
  unique (id, organization_id),
  check ((public_key is null) = (encrypted_private_key is null))
);
call nokkel.protect('public.company');
call nokkel.require_live_session('public.company');

-- Leaving the organisation is leaving the company.
create table public.company_member (
  company_id uuid not null,
  organization_id uuid not null,
  user_id uuid not null,
  role text not null default 'member' check (role in ('member', 'administrator')),
  created_at timestamptz not null default now(),
  primary key (company_id, user_id),
  foreign key (company_id, organization_id) references public.company (id, organization_id) on delete cascade,
  foreign key (organization_id, user_id) references public.organization_member on delete cascade
);
create index company_member_user on public.company_member (user_id, company_id);
create index company_member_organization on public.company_member (organization_id, user_id);
call nokkel.protect('public.company_member');
call nokkel.require_live_session('public.company_member');

-- A code that makes whoever presents it first a member.
create table nokkel.company_invitation (
  code_hash bytea primary key check (length(code_hash) = 32),
  company_id uuid not null references public.company on delete cascade,
  role text not null check (role in ('member', 'administrator')),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index company_invitation_company on nokkel.company_invitation (company_id);
create index company_invitation_expiry on nokkel.company_invitation (expires_at);
call nokkel.protect('nokkel.company_invitation');

-- The role of the person in the company; null for those who are not in it.
create function nokkel.company_role(p_company uuid) returns text
  language sql stable security definer set search_path = '' as $$
  select m.role from public.company_member m
  where m.company_id = p_company and m.user_id = nokkel.user_id() and m.organization_id = nokkel.organization_id()
$$;
grant execute on function nokkel.company_role(uuid) to authenticated;

-- Everyone in the organisation may wrap to a company; what is wrapped by the master key is for nobody to read.
grant select (id, organization_id, name, organization_number, public_key, created_at) on public.company to authenticated;
create policy "people see the companies of their organisation" on public.company for select to authenticated
  using (organization_id = (select nokkel.organization_id()));

grant select on public.company_member to authenticated;
create policy "people see their colleagues" on public.company_member for select to authenticated
  using (nokkel.company_role(company_id) is not null);

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121090100' $$;

reset role;
