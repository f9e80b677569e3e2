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

-- What a key could open before it was wrapped to another key of its owner.
create table nokkel.moved_wrap (
  rfx_id uuid not null references public.rfxs on delete cascade,
  version integer not null,
  user_key_id uuid references public.user_key on delete cascade,
  company_key_id uuid references public.company_key on delete cascade,
  unique (user_key_id, rfx_id, version),
  unique (company_key_id, rfx_id, version),
  check (num_nonnulls(user_key_id, company_key_id) = 1)
);
create index moved_wrap_rfx on nokkel.moved_wrap (rfx_id);
call nokkel.protect('nokkel.moved_wrap');

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

-- Every wrap of every version, to whomever.
create view nokkel.rfx_wrap as
  select 'user' as owner, m.user_id as owner_id, m.rfx_id, r.key_version as version, m.key_id, m.encrypted_symmetric_key
    from public.rfx_key_members m join public.rfxs r on r.id = m.rfx_id
  union all
  select 'company', c.company_id, c.rfx_id, r.key_version, c.key_id, c.encrypted_symmetric_key
    from public.rfx_key_companies c join public.rfxs r on r.id = c.rfx_id
  union all
  select 'user', h.user_id, h.rfx_id, h.version, h.user_key_id, h.encrypted_symmetric_key
    from public.rfx_key_history h where h.user_id is not null
  union all
  select 'company', h.company_id, h.rfx_id, h.version, h.company_key_id, h.encrypted_symmetric_key
    from public.rfx_key_history h where h.company_id is not null;

-- The lives of keys --------------------------------------------------------------------------------------------------

create function nokkel.count_wraps(p_key uuid) returns integer
  language sql stable security definer set search_path = '' as
  $$ select count(distinct (w.rfx_id, w.version))::integer from nokkel.rfx_wrap w where w.key_id = p_key $$;

create function nokkel.user_keys() returns table (
  id uuid, public_key text, thumbprint text, encrypted_private_key text, state text, created_at timestamptz,
  superseded_at timestamptz, revoked_at timestamptz, destroyed_at timestamptz, wraps integer
) language sql stable security definer set search_path = '' as $$
  select k.id, k.public_key, k.thumbprint, k.encrypted_private_key, k.state, k.created_at, k.superseded_at, k.revoked_at,
    k.destroyed_at, nokkel.count_wraps(k.id)
  from public.user_key k where k.user_id = nokkel.user_id() and nokkel.session_is_live()
  order by k.created_at desc, k.state, k.id
$$;

grant execute on function nokkel.user_keys() to authenticated;

-- Locks a key of the person's, or of a company they administer, and gives its state. Who wraps to it at this moment is
-- waited for.
create function nokkel.hold_key(p_user uuid, p_organization uuid, p_company uuid, p_key uuid) returns text
  language plpgsql security definer set search_path = '' as $$
declare
  v_state text;
begin
  -- The owner first, as when a key is added.
  if p_company is null then
    perform from public.app_user u where u.auth_user_id = p_user for no key update;
    select k.state into v_state from public.user_key k where k.id = p_key and k.user_id = p_user for update;
  else
    perform nokkel.hold_company_of_administrator(p_company, p_user, p_organization);
    select k.state into v_state from public.company_key k where k.id = p_key and k.company_id = p_company for update;
  end if;
  if v_state is null then perform nokkel.refuse('not_found'); end if;
  return v_state;
end
$$;

-- Takes a key from the columns of its owner, unless they hold another one by now.
create function nokkel.clear_mirror(p_key uuid) returns void
  language sql security definer set search_path = '' as $$
  update public.app_user u set public_key = null, encrypted_private_key = null
    from public.user_key k
    where k.id = p_key and u.auth_user_id = k.user_id and u.encrypted_private_key = k.encrypted_private_key;
  update public.company c set public_key = null, encrypted_private_key = null
    from public.company_key k
    where k.id = p_key and c.id = k.company_id and c.encrypted_private_key = k.encrypted_private_key;
$$;

-- Marks a key as compromised, and every version that it opens or could open once. Gives how many these are.
create function nokkel.revoke_key(
  p_session uuid, p_user uuid, p_organization uuid, p_request uuid, p_company uuid, p_key uuid
) returns integer language plpgsql security definer set search_path = '' as $$
declare
  v_type constant text := case when p_company is null then 'user_key' else 'company_key' end;
  v_count integer;
begin
  perform nokkel.require_session(p_session, p_user, p_organization);
  if nokkel.hold_key(p_user, p_organization, p_company, p_key) = 'active' then
    perform nokkel.clear_mirror(p_key);
  end if;
  update public.user_key k set revoked_at = coalesce(k.revoked_at, now()),
      state = case when k.state = 'destroyed' then k.state else 'revoked' end
    where k.id = p_key and p_company is null;
  update public.company_key k set revoked_at = coalesce(k.revoked_at, now()),
      state = case when k.state = 'destroyed' then k.state else 'revoked' end
    where k.id = p_key and k.company_id = p_company;
  with marked as (
    insert into public.rfx_key_version as v (rfx_id, version, compromised_at)
      select o.rfx_id, o.version, now() from (
        select w.rfx_id, w.version from nokkel.rfx_wrap w where w.key_id = p_key
        union
        select w.rfx_id, w.version from nokkel.moved_wrap w where w.user_key_id = p_key
        union
        select w.rfx_id, w.version from nokkel.moved_wrap w where w.company_key_id = p_key
      ) o order by 1, 2
      on conflict (rfx_id, version) do update set compromised_at = coalesce(v.compromised_at, excluded.compromised_at)
      returning 1
  ) select count(*) into v_count from marked;
  perform nokkel.audit(p_organization, p_user, v_type || '.revoke', v_type, p_key::text, null, p_request);
  return v_count;
end
$$;

create function nokkel.destroy_key(
  p_session uuid, p_user uuid, p_organization uuid, p_request uuid, p_company uuid, p_key uuid
) returns void language plpgsql security definer set search_path = '' as $$
declare
  v_type constant text := case when p_company is null then 'user_key' else 'company_key' end;
  v_state text;
begin
  perform nokkel.require_session(p_session, p_user, p_organization);
  v_state := nokkel.hold_key(p_user, p_organization, p_company, p_key);
  if v_state = 'destroyed' then return; end if;
  if nokkel.count_wraps(p_key) > 0 then
    perform nokkel.refuse('key_in_use', jsonb_build_object('wraps', nokkel.count_wraps(p_key)));
  end if;
  if v_state = 'active' then perform nokkel.clear_mirror(p_key); end if;
  update public.user_key k
    set state = 'destroyed', destroyed_at = now(), encrypted_private_key = null, envelope_hash = null, master_key_id = null
    where k.id = p_key and p_company is null;
  update public.company_key k
    set state = 'destroyed', destroyed_at = now(), encrypted_private_key = null, envelope_hash = null, master_key_id = null
    where k.id = p_key and k.company_id = p_company;
  perform nokkel.audit(p_organization, p_user, v_type || '.destroy', v_type, p_key::text, null, p_request);
end
$$;

-- The wraps to an old key of the next p_limit versions, in the order of RFX and version, with that key and the one to move them
-- to. Among them are those that name no key, and those that name this key and are somebody else's: neither opens.
create function nokkel.begin_rewrap(
  p_session uuid, p_user uuid, p_organization uuid, p_request uuid, p_company uuid, p_key uuid,
  p_after_rfx uuid, p_after_version integer, p_limit integer
) returns table (
  encrypted_private_key text, active_id uuid, active_public_key text, remaining integer,
  rfx_ids uuid[], versions integer[], owned boolean[], wraps text[]
) language plpgsql security definer set search_path = '' as $$
declare
  v_type constant text := case when p_company is null then 'user_key' else 'company_key' end;
  v_owner constant text := case when p_company is null then 'user' else 'company' end;
  v_owner_id constant uuid := coalesce(p_company, p_user);
begin
  perform nokkel.require_session(p_session, p_user, p_organization);
  if nokkel.hold_key(p_user, p_organization, p_company, p_key) = 'destroyed' then perform nokkel.refuse('not_found'); end if;
  select k.encrypted_private_key, a.id, a.public_key into encrypted_private_key, active_id, active_public_key
    from public.user_key k left join public.user_key a on a.user_id = k.user_id and a.state = 'active'
    where k.id = p_key and p_company is null
    union all
    select k.encrypted_private_key, a.id, a.public_key
    from public.company_key k left join public.company_key a on a.company_id = k.company_id and a.state = 'active'
    where k.id = p_key and k.company_id = p_company;
  if active_id is null or active_id = p_key then perform nokkel.refuse('conflict'); end if;
  with found as (
    select w.rfx_id, w.version, w.encrypted_symmetric_key, o.own,
      dense_rank() over (order by w.rfx_id, w.version) as n
    from nokkel.rfx_wrap w,
      lateral (select coalesce(w.owner = v_owner and w.owner_id = v_owner_id and w.key_id = p_key, false) as own) o
    where (w.key_id = p_key or (w.key_id is null and w.owner = v_owner and w.owner_id = v_owner_id))
      and (p_after_rfx is null or (w.rfx_id, w.version) > (p_after_rfx, p_after_version))
  )
  select count(*) filter (where f.n > p_limit), array_agg(f.rfx_id) filter (where f.n <= p_limit),
      array_agg(f.version) filter (where f.n <= p_limit), array_agg(f.own) filter (where f.n <= p_limit),
      array_agg(f.encrypted_symmetric_key) filter (where f.n <= p_limit)
    into remaining, rfx_ids, versions, owned, wraps from (select * from found order by n, own desc) f;
  perform nokkel.audit(p_organization, p_user, v_type || '.rewrap', v_type, p_key::text, null, p_request);
  return next;
end
$$;

-- Puts each new wrap in the place of the old one, if that still stands there. Gives how many were moved.
create function nokkel.finish_rewrap(
  p_session uuid, p_user uuid, p_organization uuid, p_request uuid, p_company uuid, p_key uuid, p_active uuid,
  p_rfx uuid[], p_version integer[], p_old text[], p_new text[]
) returns integer language plpgsql security definer set search_path = '' as $$
declare
  v_owner constant text := case when p_company is null then 'user' else 'company' end;
  v_count integer;
begin
  perform nokkel.require_session(p_session, p_user, p_organization);
  perform nokkel.hold_key(p_user, p_organization, p_company, p_key);
  if nokkel.hold_key(p_user, p_organization, p_company, p_active) <> 'active' then perform nokkel.refuse('conflict'); end if;
  with wanted as (
    select * from unnest(p_rfx, p_version, p_old, p_new) w (rfx_id, version, old, new)
  ), of_user as (
    update public.rfx_key_members m set encrypted_symmetric_key = w.new, key_id = p_active
    from wanted w join public.rfxs r on r.id = w.rfx_id and r.key_version = w.version
    where p_company is null and m.rfx_id = w.rfx_id and m.user_id = p_user and m.key_id = p_key
      and m.encrypted_symmetric_key = w.old
    returning w.rfx_id, w.version
  ), of_company as (
    update public.rfx_key_companies m set encrypted_symmetric_key = w.new, key_id = p_active
    from wanted w join public.rfxs r on r.id = w.rfx_id and r.key_version = w.version
    where m.company_id = p_company and m.rfx_id = w.rfx_id and m.key_id = p_key and m.encrypted_symmetric_key = w.old
    returning w.rfx_id, w.version
  ), earlier as (
    update public.rfx_key_history h set encrypted_symmetric_key = w.new,
      user_key_id = case when p_company is null then p_active end, company_key_id = case when p_company is not null then p_active end
    from wanted w
    where h.rfx_id = w.rfx_id and h.version = w.version and h.encrypted_symmetric_key = w.old
      and (p_company is null and h.user_id = p_user and h.user_key_id = p_key
        or h.company_id = p_company and h.company_key_id = p_key)
    returning w.rfx_id, w.version
  ), moved as (
    select * from of_user union all select * from of_company union all select * from earlier
  ), remembered as (
    insert into nokkel.moved_wrap (rfx_id, version, user_key_id, company_key_id)
      select distinct m.rfx_id, m.version, case when p_company is null then p_key end, case when p_company is not null then p_key end
      from moved m
      on conflict do nothing
  ), recorded as (
    insert into nokkel.audit_log (organization_id, actor, action, subject_type, subject_id, outcome, request_id)
      select p_organization, (select p.pseudonym from nokkel.pseudonym p where p.user_id = p_user), v_owner || '_key.rewrap',
        'rfx_key_version', m.rfx_id || '/' || m.version || '/' || v_owner, 'allowed', p_request
      from moved m
      returning 1
  ) select count(*) into v_count from recorded;
  return v_count;
end
$$;

-- What should not be: keys that have outlived their owner, columns that differ from the key they mirror, and wraps that nobody
-- can open any more or that name a key of somebody else.
create function nokkel.orphaned_keys() returns table (problem text, subject_type text, subject_id text)
  language sql stable security definer set search_path = '' as $$
  select 'owner_gone', 'user_key', k.id::text from public.user_key k
    where not exists (select from public.app_user u where u.auth_user_id = k.user_id)
  union all
  select 'owner_gone', 'company_key', k.id::text from public.company_key k
    where not exists (select from public.company c where c.id = k.company_id)
  union all
  select 'mirror_differs', 'app_user', u.auth_user_id::text
    from public.app_user u left join public.user_key k on k.user_id = u.auth_user_id and k.state = 'active'
    where (u.public_key, u.encrypted_private_key) is distinct from (k.public_key, k.encrypted_private_key)
  union all
  select 'mirror_differs', 'company', c.id::text
    from public.company c left join public.company_key k on k.company_id = c.id and k.state = 'active'
    where (c.public_key, c.encrypted_private_key) is distinct from (k.public_key, k.encrypted_private_key)
  union all
  select case
      when k.id is null then 'key_unknown'
      when k.owner_id <> w.owner_id then 'key_of_another'
      else 'key_destroyed' end,
    'rfx_key_version', w.rfx_id || '/' || w.version || '/' || w.owner
    from nokkel.rfx_wrap w
    left join (
      select 'user' as owner, u.id, u.user_id as owner_id, u.state from public.user_key u
      union all
      select 'company', c.id, c.company_id, c.state from public.company_key c
    ) k on k.owner = w.owner and k.id = w.key_id
    where k.id is null or k.owner_id <> w.owner_id or k.state = 'destroyed'
$$;

grant execute on function nokkel.revoke_key(uuid, uuid, uuid, uuid, uuid, uuid),
  nokkel.destroy_key(uuid, uuid, uuid, uuid, uuid, uuid),
  nokkel.begin_rewrap(uuid, uuid, uuid, uuid, uuid, uuid, uuid, integer, integer),
  nokkel.finish_rewrap(uuid, uuid, uuid, uuid, uuid, uuid, uuid, uuid[], integer[], text[], text[]),
  nokkel.orphaned_keys() to nokkel_server;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121090300' $$;

reset role;
