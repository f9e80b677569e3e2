set role nokkel_owner;

-- A procurement project (request for exchange), as far as its keys go.
create table public.rfxs (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organization on delete cascade,
  key_version integer not null default 1 check (key_version >= 1),
  created_at timestamptz not null default now()
);
create index rfxs_organization on public.rfxs (organization_id);
call nokkel.protect('public.rfxs');
call nokkel.require_live_session('public.rfxs');

create table public.rfx_key_version (
  rfx_id uuid not null references public.rfxs on delete cascade,
  version integer not null check (version >= 1),
  created_at timestamptz not null default now(),
  -- A key that could open it was compromised: a new version must replace it.
  compromised_at timestamptz,
  primary key (rfx_id, version)
);
call nokkel.protect('public.rfx_key_version');
call nokkel.require_live_session('public.rfx_key_version');

-- The present version of the key of an RFX, wrapped to each who may read it: RSA-OAEP, 512 bytes in base64.
-- A wrap without a key id was made by other software and opens only after `nokkel keyring adopt`.
create table public.rfx_key_members (
  rfx_id uuid not null references public.rfxs on delete cascade,
  user_id uuid not null references public.app_user on delete cascade,
  encrypted_symmetric_key text not null check (length(encrypted_symmetric_key) between 1 and 1024),
  created_at timestamptz not null default now(),
  key_id uuid references public.user_key on delete cascade,
  primary key (rfx_id, user_id)
);
create index rfx_key_members_user on public.rfx_key_members (user_id);
create index rfx_key_members_key on public.rfx_key_members (key_id);
call nokkel.protect('public.rfx_key_members');
call nokkel.require_live_session('public.rfx_key_members');

create table public.rfx_key_companies (
  rfx_id uuid not null references public.rfxs on delete cascade,
  company_id uuid not null references public.company on delete cascade,
  encrypted_symmetric_key text not null check (length(encrypted_symmetric_key) between 1 and 1024),
  created_at timestamptz not null default now(),
  key_id uuid references public.company_key on delete cascade,
  primary key (rfx_id, company_id)
);
create index rfx_key_companies_company on public.rfx_key_companies (company_id);
create index rfx_key_companies_key on public.rfx_key_companies (key_id);
call nokkel.protect('public.rfx_key_companies');
call nokkel.require_live_session('public.rfx_key_companies');

-- Earlier versions, for those who may still read what was written under them.
create table public.rfx_key_history (
  id uuid primary key default gen_random_uuid(),
  rfx_id uuid not null,
  version integer not null,
  user_id uuid references public.app_user on delete cascade,
  company_id uuid references public.company on delete cascade,
  encrypted_symmetric_key text not null check (length(encrypted_symmetric_key) between 1 and 1024),
  created_at timestamptz not null default now(),
  user_key_id uuid references public.user_key on delete cascade,
  company_key_id uuid references public.company_key on delete cascade,
  foreign key (rfx_id, version) references public.rfx_key_version on delete cascade,
  unique (rfx_id, version, user_id),
  unique (rfx_id, version, company_id),
  check (num_nonnulls(user_id, company_id) = 1),
  check (user_key_id is null or user_id is not null),
  check (company_key_id is null or company_id is not null)
);
create index rfx_key_history_user on public.rfx_key_history (user_id);
create index rfx_key_history_company on public.rfx_key_history (company_id);
create index rfx_key_history_user_key on public.rfx_key_history (user_key_id);
create index rfx_key_history_company_key on public.rfx_key_history (company_key_id);
call nokkel.protect('public.rfx_key_history');
call nokkel.require_live_session('public.rfx_key_history');

-- Whether the person may read the RFX now: its present key is wrapped to them, or to a company they are in now.
create function nokkel.is_rfx_member(p_rfx uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.rfxs r
    where r.id = p_rfx and r.organization_id = nokkel.organization_id() and (
      exists (select from public.rfx_key_members m where m.rfx_id = r.id and m.user_id = nokkel.user_id())
      or exists (
        select from public.rfx_key_companies w join public.company_member c using (company_id)
        where w.rfx_id = r.id and c.user_id = nokkel.user_id()))
  )
$$;
grant execute on function nokkel.is_rfx_member(uuid) to authenticated;

grant select on public.rfxs, public.rfx_key_version, public.rfx_key_members to authenticated;
create policy "members see their projects" on public.rfxs for select to authenticated
  using (nokkel.is_rfx_member(id));
create policy "members see the key versions" on public.rfx_key_version for select to authenticated
  using (nokkel.is_rfx_member(rfx_id));
-- What is wrapped to a company opens on the server alone.
create policy "people see what is wrapped to them" on public.rfx_key_members for select to authenticated
  using (user_id = (select nokkel.user_id()) and nokkel.is_rfx_member(rfx_id));

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121090300' $$;

reset role;
