set role nokkel_owner;

-- Who has the key of each version, as signed by those who wrapped it. docs/spec/rfx.md
alter table public.rfx_key_version
  -- The key of the version before, under this one.
  add previous_key bytea check (length(previous_key) = 80),
  add attempt_id uuid unique;

create table public.rfx_manifest (
  rfx_id uuid not null,
  version integer not null,
  revision integer not null check (revision >= 1),
  statement text not null check (length(statement) <= 8192),
  -- SHA-256 of its signing input, which the next revision names.
  digest bytea not null check (length(digest) = 32),
  leaves bytea not null check (length(leaves) between 32 and 16000 and length(leaves) % 32 = 0),
  signer_id uuid not null,
  signer_thumbprint text not null references public.signing_key,
  created_at timestamptz not null default now(),
  primary key (rfx_id, version, revision),
  foreign key (rfx_id, version) references public.rfx_key_version on delete cascade
);
create index rfx_manifest_signer on public.rfx_manifest (signer_thumbprint);
call nokkel.protect('public.rfx_manifest');
call nokkel.require_live_session('public.rfx_manifest');
grant select on public.rfx_manifest to authenticated;
create policy "members see who has the key" on public.rfx_manifest for select to authenticated
  using (nokkel.is_rfx_member(rfx_id));

-- In which revision a wrap was signed, to whom, and as what. What is moved to another key of its owner keeps this.
alter table public.rfx_key_members
  add role text check (role in ('buyer', 'developer', 'supplier')),
  add revision integer check (revision >= 1),
  add signed_thumbprint text check (length(signed_thumbprint) = 43),
  add signed_hash bytea check (length(signed_hash) = 32),
  add check (num_nulls(role, revision, signed_thumbprint, signed_hash) in (0, 4));
alter table public.rfx_key_companies
  add role text check (role in ('buyer', 'developer', 'supplier')),
  add revision integer check (revision >= 1),
  add signed_thumbprint text check (length(signed_thumbprint) = 43),
  add signed_hash bytea check (length(signed_hash) = 32),
  add check (num_nulls(role, revision, signed_thumbprint, signed_hash) in (0, 4));

-- A next version in the making: nobody reads it before all of it is here.
create table nokkel.rfx_attempt_manifest (
  attempt_id uuid not null references nokkel.rfx_key_attempt on delete cascade,
  revision integer not null check (revision >= 1),
  statement text not null check (length(statement) <= 8192),
  digest bytea not null check (length(digest) = 32),
  leaves bytea not null check (length(leaves) between 32 and 16000 and length(leaves) % 32 = 0),
  signer_thumbprint text not null references public.signing_key,
  primary key (attempt_id, revision)
);
create index rfx_attempt_manifest_signer on nokkel.rfx_attempt_manifest (signer_thumbprint);
call nokkel.protect('nokkel.rfx_attempt_manifest');

create table nokkel.rfx_attempt_wrap (
  attempt_id uuid not null references nokkel.rfx_key_attempt on delete cascade,
  owner text not null check (owner in ('user', 'company')),
  owner_id uuid not null,
  role text not null check (role in ('buyer', 'developer', 'supplier')),
  key_id uuid not null,
  encrypted_symmetric_key text not null check (length(encrypted_symmetric_key) between 1 and 1024),
  revision integer not null check (revision >= 1),
  signed_thumbprint text not null check (length(signed_thumbprint) = 43),
  signed_hash bytea not null check (length(signed_hash) = 32),
  primary key (attempt_id, owner, owner_id)
);
call nokkel.protect('nokkel.rfx_attempt_wrap');

-- Groups ---------------------------------------------------------------------------------------------------------------

-- Who may wrap the key of a group to others: buyers and developers that of the project, and all members that of a smaller group.
create function nokkel.may_wrap_rfx(p_group uuid, p_user uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select r.kind <> 'project' and nokkel.rfx_role_of(r.id, p_user) is not null
    or nokkel.rfx_role_of(r.id, p_user) in ('buyer', 'developer')
  from public.rfxs r where r.id = p_group
$$;

-- Locks a group of the organisation of the session, for who may wrap its key.
create function nokkel.hold_rfx_group(p_group uuid) returns public.rfxs
  language plpgsql security definer set search_path = '' as $$
declare
  v_group public.rfxs;
begin
  select * into v_group from public.rfxs r
    where r.id = p_group and r.organization_id = nokkel.organization_id() and r.company_id is not null for no key update;
  if v_group.id is null or nokkel.rfx_role(p_group) is null then perform nokkel.refuse('not_found'); end if;
  if not nokkel.may_wrap_rfx(p_group, nokkel.user_id()) then perform nokkel.refuse('forbidden'); end if;
  return v_group;
end
$$;

-- The group of a project that opens bids, or makes those of a company. Whoever is in it may make it; made again, it is the one that
-- stands there.
create function nokkel.create_rfx_group(p_group uuid, p_rfx uuid, p_kind text, p_company uuid, p_request uuid) returns uuid
  language plpgsql security definer set search_path = '' as $$
declare
  v_rfx constant public.rfxs := nokkel.hold_rfx(p_rfx, 'buyer', 'developer', 'supplier');
  v_company constant uuid := case p_kind when 'opening' then v_rfx.company_id else p_company end;
  v_id uuid;
begin
  select r.id into v_id from public.rfxs r
    where r.parent_id = p_rfx and r.kind = p_kind and r.company_id = v_company and nokkel.rfx_role(r.id) is not null;
  if v_id is not null then return v_id; end if;
  if nokkel.company_role(v_company) is null then perform nokkel.refuse('not_found'); end if;
  insert into public.rfxs (id, organization_id, kind, parent_id, company_id, status, created_by)
    values (p_group, v_rfx.organization_id, p_kind, p_rfx, v_company, 'draft', nokkel.user_id()) on conflict do nothing;
  if not found then perform nokkel.refuse('conflict'); end if;
  if nokkel.rfx_role(p_group) is null then perform nokkel.refuse('forbidden'); end if;
  perform nokkel.audit_rfx('rfx_group.create', 'rfx', p_rfx || '/' || p_kind, p_request);
  return p_group;
end
$$;

-- Wraps ------------------------------------------------------------------------------------------------------------------

create type nokkel.rfx_wrap_input as (
  owner text, owner_id uuid, role text, key_id uuid, thumbprint text, encrypted_symmetric_key text, hash bytea
);

-- Those whose wrap cannot stand: not in the group as this, or the key is not their active one.
create function nokkel.changed_recipients(p_group uuid, p_wraps nokkel.rfx_wrap_input[]) returns jsonb
  language sql stable security definer set search_path = '' as $$
  select jsonb_agg(w.owner_id order by w.owner_id)
  from unnest(p_wraps) w
  left join nokkel.rfx_live_member l on l.rfx_id = p_group and l.owner = w.owner and l.owner_id = w.owner_id and l.role = w.role
  left join public.user_key u on w.owner = 'user' and u.id = w.key_id and u.user_id = w.owner_id and u.state = 'active'
    and u.thumbprint = w.thumbprint
  left join public.company_key c on w.owner = 'company' and c.id = w.key_id and c.company_id = w.owner_id and c.state = 'active'
    and c.thumbprint = w.thumbprint
  where l.owner_id is null or coalesce(u.id, c.id) is null
$$;

-- Keys first, then the group: as whoever revokes a key takes them.
create function nokkel.hold_rfx_recipients(p_wraps nokkel.rfx_wrap_input[]) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  perform from public.user_key k
    where k.id in (select w.key_id from unnest(p_wraps) w where w.owner = 'user') order by k.id for key share;
  perform from public.company_key k
    where k.id in (select w.key_id from unnest(p_wraps) w where w.owner = 'company') order by k.id for key share;
end
$$;

-- The next revision of the manifest of the present version, with its wraps. The server has verified the statement. What is given
-- once more, because the answer was lost, changes nothing.
create function nokkel.add_rfx_wraps(
  p_group uuid, p_version integer, p_revision integer, p_previous bytea, p_statement text, p_digest bytea, p_leaves bytea,
  p_signer text, p_wraps nokkel.rfx_wrap_input[], p_request uuid
) returns void language plpgsql security definer set search_path = '' as $$
declare
  v_group public.rfxs;
  v_last record;
  v_changed jsonb;
begin
  perform nokkel.hold_rfx_recipients(p_wraps);
  v_group := nokkel.hold_rfx_group(p_group);
  if exists (
    select from public.rfx_manifest m
    where m.rfx_id = p_group and m.version = p_version and m.revision = p_revision and m.digest = p_digest
  ) then
    return;
  end if;
  if v_group.rekey_pending then perform nokkel.refuse('rekey_pending'); end if;
  if v_group.key_version <> p_version then
    perform nokkel.refuse('version_stale', jsonb_build_object('version', v_group.key_version));
  end if;
  select m.revision, m.digest into v_last from public.rfx_manifest m
    where m.rfx_id = p_group and m.version = p_version order by m.revision desc limit 1;
  if p_revision <> coalesce(v_last.revision, 0) + 1 or p_previous is distinct from v_last.digest then
    perform nokkel.refuse('manifest_stale', jsonb_build_object('revision', coalesce(v_last.revision, 0)));
  end if;
  v_changed := nokkel.changed_recipients(p_group, p_wraps);
  if v_changed is not null then perform nokkel.refuse('recipients_changed', jsonb_build_object('ownerIds', v_changed)); end if;

  insert into public.rfx_key_version (rfx_id, version) values (p_group, p_version) on conflict do nothing;
  insert into public.rfx_manifest (rfx_id, version, revision, statement, digest, leaves, signer_id, signer_thumbprint)
    values (p_group, p_version, p_revision, p_statement, p_digest, p_leaves, nokkel.user_id(), p_signer);
  -- An earlier wrap of theirs gives way, and what its key could open is remembered.
  insert into nokkel.moved_wrap (rfx_id, version, user_key_id)
    select m.rfx_id, p_version, m.key_id from public.rfx_key_members m join unnest(p_wraps) w on w.owner = 'user' and w.owner_id = m.user_id
    where m.rfx_id = p_group and m.key_id <> w.key_id on conflict do nothing;
  insert into nokkel.moved_wrap (rfx_id, version, company_key_id)
    select m.rfx_id, p_version, m.key_id from public.rfx_key_companies m join unnest(p_wraps) w on w.owner = 'company' and w.owner_id = m.company_id
    where m.rfx_id = p_group and m.key_id <> w.key_id on conflict do nothing;
  insert into public.rfx_key_members as m (rfx_id, user_id, encrypted_symmetric_key, key_id, role, revision, signed_thumbprint, signed_hash)
    select p_group, w.owner_id, w.encrypted_symmetric_key, w.key_id, w.role, p_revision, w.thumbprint, w.hash
    from unnest(p_wraps) w where w.owner = 'user'
    on conflict (rfx_id, user_id) do update set encrypted_symmetric_key = excluded.encrypted_symmetric_key, key_id = excluded.key_id,
      role = excluded.role, revision = excluded.revision, signed_thumbprint = excluded.signed_thumbprint, signed_hash = excluded.signed_hash,
      created_at = now();
  insert into public.rfx_key_companies as m (rfx_id, company_id, encrypted_symmetric_key, key_id, role, revision, signed_thumbprint, signed_hash)
    select p_group, w.owner_id, w.encrypted_symmetric_key, w.key_id, w.role, p_revision, w.thumbprint, w.hash
    from unnest(p_wraps) w where w.owner = 'company'
    on conflict (rfx_id, company_id) do update set encrypted_symmetric_key = excluded.encrypted_symmetric_key, key_id = excluded.key_id,
      role = excluded.role, revision = excluded.revision, signed_thumbprint = excluded.signed_thumbprint, signed_hash = excluded.signed_hash,
      created_at = now();
  perform nokkel.audit_rfx('rfx_key.wrap', 'rfx_key_version', p_group || '/' || p_version || '/' || p_revision, p_request);
end
$$;

-- The next version ----------------------------------------------------------------------------------------------------------

-- Begins to make it. What the person began before and did not end is given up.
create function nokkel.begin_rfx_version(p_group uuid, p_attempt uuid, p_version integer, p_previous_key bytea, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_group constant public.rfxs := nokkel.hold_rfx_group(p_group);
begin
  if p_version <> v_group.key_version + 1 then
    perform nokkel.refuse('version_stale', jsonb_build_object('version', v_group.key_version));
  end if;
  delete from nokkel.rfx_key_attempt a where a.rfx_id = p_group and a.created_by = nokkel.user_id() and a.id <> p_attempt;
  insert into nokkel.rfx_key_attempt (id, rfx_id, version, previous_key, created_by)
    values (p_attempt, p_group, p_version, p_previous_key, nokkel.user_id()) on conflict (id) do nothing;
  if not exists (
    select from nokkel.rfx_key_attempt a where a.id = p_attempt and a.rfx_id = p_group and a.created_by = nokkel.user_id()
      and a.version = p_version and a.previous_key = p_previous_key
  ) then
    perform nokkel.refuse('conflict');
  end if;
  perform nokkel.audit_rfx('rfx_key.begin', 'rfx_key_version', p_group || '/' || p_version, p_request);
end
$$;

-- Locks an attempt of the person's with its group. It is gone when somebody left meanwhile, or another one was faster.
create function nokkel.hold_rfx_attempt(p_group uuid, p_attempt uuid) returns nokkel.rfx_key_attempt
  language plpgsql security definer set search_path = '' as $$
declare
  v_group constant public.rfxs := nokkel.hold_rfx_group(p_group);
  v_attempt nokkel.rfx_key_attempt;
begin
  select * into v_attempt from nokkel.rfx_key_attempt a
    where a.id = p_attempt and a.rfx_id = p_group and a.created_by = nokkel.user_id() for update;
  if v_attempt.id is null or v_attempt.version <> v_group.key_version + 1 then
    perform nokkel.refuse('version_stale', jsonb_build_object('version', v_group.key_version));
  end if;
  return v_attempt;
end
$$;

create function nokkel.add_rfx_attempt_wraps(
  p_group uuid, p_attempt uuid, p_version integer, p_revision integer, p_previous bytea, p_statement text, p_digest bytea, p_leaves bytea,
  p_signer text, p_wraps nokkel.rfx_wrap_input[]
) returns void language plpgsql security definer set search_path = '' as $$
declare
  v_attempt nokkel.rfx_key_attempt;
  v_last record;
  v_changed jsonb;
begin
  perform nokkel.hold_rfx_recipients(p_wraps);
  v_attempt := nokkel.hold_rfx_attempt(p_group, p_attempt);
  if v_attempt.version <> p_version then perform nokkel.refuse('version_stale', jsonb_build_object('version', v_attempt.version - 1)); end if;
  if exists (select from nokkel.rfx_attempt_manifest m where m.attempt_id = p_attempt and m.revision = p_revision and m.digest = p_digest) then
    return;
  end if;
  select m.revision, m.digest into v_last from nokkel.rfx_attempt_manifest m
    where m.attempt_id = p_attempt order by m.revision desc limit 1;
  if v_last.revision is null then
    select 0 as revision, m.digest into v_last from public.rfx_manifest m
      where m.rfx_id = p_group and m.version = p_version - 1 order by m.revision desc limit 1;
  end if;
  if p_revision <> coalesce(v_last.revision, 0) + 1 or p_previous is distinct from v_last.digest then
    perform nokkel.refuse('manifest_stale', jsonb_build_object('revision', coalesce(v_last.revision, 0)));
  end if;
  v_changed := nokkel.changed_recipients(p_group, p_wraps);
  if v_changed is not null then perform nokkel.refuse('recipients_changed', jsonb_build_object('ownerIds', v_changed)); end if;
  insert into nokkel.rfx_attempt_manifest (attempt_id, revision, statement, digest, leaves, signer_thumbprint)
    values (p_attempt, p_revision, p_statement, p_digest, p_leaves, p_signer);
  insert into nokkel.rfx_attempt_wrap as x
      (attempt_id, owner, owner_id, role, key_id, encrypted_symmetric_key, revision, signed_thumbprint, signed_hash)
    select p_attempt, w.owner, w.owner_id, w.role, w.key_id, w.encrypted_symmetric_key, p_revision, w.thumbprint, w.hash from unnest(p_wraps) w
    on conflict (attempt_id, owner, owner_id) do update set role = excluded.role, key_id = excluded.key_id,
      encrypted_symmetric_key = excluded.encrypted_symmetric_key, revision = excluded.revision,
      signed_thumbprint = excluded.signed_thumbprint, signed_hash = excluded.signed_hash;
end
$$;

-- Everyone in the group who has an active key.
create function nokkel.rfx_reachable(p_group uuid) returns table (owner text, owner_id uuid, role text, key_id uuid)
  language sql stable security definer set search_path = '' as $$
  select l.owner, l.owner_id, l.role, coalesce(u.id, c.id)
  from nokkel.rfx_live_member l
  left join public.user_key u on l.owner = 'user' and u.user_id = l.owner_id and u.state = 'active'
  left join public.company_key c on l.owner = 'company' and c.company_id = l.owner_id and c.state = 'active'
  where l.rfx_id = p_group and coalesce(u.id, c.id) is not null
$$;

-- The version takes the place of the present one, when it is wrapped to exactly those who are in the group and have a key.
create function nokkel.activate_rfx_version(p_group uuid, p_attempt uuid, p_request uuid) returns integer
  language plpgsql security definer set search_path = '' as $$
declare
  v_attempt nokkel.rfx_key_attempt;
  v_missing jsonb;
  v_surplus jsonb;
begin
  -- Asked again because the answer was lost.
  if exists (select from public.rfx_key_version v where v.rfx_id = p_group and v.attempt_id = p_attempt)
    and nokkel.may_wrap_rfx(p_group, nokkel.user_id()) and nokkel.rfx_role(p_group) is not null then
    return (select v.version from public.rfx_key_version v where v.rfx_id = p_group and v.attempt_id = p_attempt);
  end if;
  perform from public.user_key k join nokkel.rfx_attempt_wrap w on w.attempt_id = p_attempt and w.key_id = k.id order by k.id for key share of k;
  perform from public.company_key k join nokkel.rfx_attempt_wrap w on w.attempt_id = p_attempt and w.key_id = k.id order by k.id for key share of k;
  v_attempt := nokkel.hold_rfx_attempt(p_group, p_attempt);
  select jsonb_agg(coalesce(r.owner_id, w.owner_id)) filter (where w.owner_id is null or w.key_id <> r.key_id or w.role <> r.role),
      jsonb_agg(w.owner_id) filter (where r.owner_id is null)
    into v_missing, v_surplus
    from nokkel.rfx_reachable(p_group) r
    full join (select * from nokkel.rfx_attempt_wrap a where a.attempt_id = p_attempt) w on w.owner = r.owner and w.owner_id = r.owner_id;
  if v_missing is not null or v_surplus is not null then
    perform nokkel.refuse('recipients_changed', jsonb_build_object('ownerIds', coalesce(v_missing, '[]') || coalesce(v_surplus, '[]'),
      'missing', coalesce(v_missing, '[]'), 'surplus', coalesce(v_surplus, '[]')));
  end if;
  if not exists (select from nokkel.rfx_attempt_wrap w where w.attempt_id = p_attempt) then perform nokkel.refuse('request_malformed'); end if;

  insert into public.rfx_key_version (rfx_id, version, previous_key, attempt_id)
    values (p_group, v_attempt.version, v_attempt.previous_key, p_attempt);
  insert into public.rfx_manifest (rfx_id, version, revision, statement, digest, leaves, signer_id, signer_thumbprint)
    select p_group, v_attempt.version, m.revision, m.statement, m.digest, m.leaves, nokkel.user_id(), m.signer_thumbprint
    from nokkel.rfx_attempt_manifest m where m.attempt_id = p_attempt;
  delete from public.rfx_key_members m where m.rfx_id = p_group;
  delete from public.rfx_key_companies m where m.rfx_id = p_group;
  update public.rfxs r set key_version = v_attempt.version, rekey_pending = false where r.id = p_group;
  insert into public.rfx_key_members (rfx_id, user_id, encrypted_symmetric_key, key_id, role, revision, signed_thumbprint, signed_hash)
    select p_group, w.owner_id, w.encrypted_symmetric_key, w.key_id, w.role, w.revision, w.signed_thumbprint, w.signed_hash
    from nokkel.rfx_attempt_wrap w where w.attempt_id = p_attempt and w.owner = 'user';
  insert into public.rfx_key_companies (rfx_id, company_id, encrypted_symmetric_key, key_id, role, revision, signed_thumbprint, signed_hash)
    select p_group, w.owner_id, w.encrypted_symmetric_key, w.key_id, w.role, w.revision, w.signed_thumbprint, w.signed_hash
    from nokkel.rfx_attempt_wrap w where w.attempt_id = p_attempt and w.owner = 'company';
  delete from nokkel.rfx_key_attempt a where a.rfx_id = p_group;
  perform nokkel.audit_rfx('rfx_key.activate', 'rfx_key_version', p_group || '/' || v_attempt.version, p_request);
  return v_attempt.version;
end
$$;

-- For reading ------------------------------------------------------------------------------------------------------------------

-- Those in a group with the keys to wrap to, people first, in the order of their ids: for whoever may wrap its key, and of oneself.
--   wrapped  it opens with their active key, or with an older one of theirs until the wrap is moved
--   missing  they have a key, and nothing is wrapped to it
--   no_key   they have no key yet
create function nokkel.rfx_recipients(p_group uuid, p_missing boolean, p_after_owner text, p_after_id uuid, p_limit integer)
  returns table (
    owner text, owner_id uuid, name text, role text, company_id uuid, state text, key_id uuid, public_key text, thumbprint text,
    revision integer, signed_thumbprint text, signed_hash bytea
  ) language sql stable security definer set search_path = '' as $$
  select l.owner, l.owner_id, coalesce(p.name, b.name), l.role,
    case when l.owner = 'company' then l.owner_id else (
      select min(m.company_id::text)::uuid from public.company_member m join public.rfxs r on r.id = coalesce(g.parent_id, g.id)
      where m.user_id = l.owner_id and (m.company_id = r.company_id or exists (
        select from public.rfx_invitation i where i.rfx_id = r.id and i.company_id = m.company_id))
    ) end,
    case when w.key_id is not null then 'wrapped' when k.id is null then 'no_key' else 'missing' end,
    k.id, k.public_key, k.thumbprint, w.revision, w.signed_thumbprint, w.signed_hash
  from public.rfxs g
  join nokkel.rfx_live_member l on l.rfx_id = g.id
  left join public.app_user p on l.owner = 'user' and p.auth_user_id = l.owner_id
  left join public.company b on l.owner = 'company' and b.id = l.owner_id
  left join lateral (
    select u.id, u.public_key, u.thumbprint from public.user_key u where l.owner = 'user' and u.user_id = l.owner_id and u.state = 'active'
    union all
    select c.id, c.public_key, c.thumbprint from public.company_key c where l.owner = 'company' and c.company_id = l.owner_id and c.state = 'active'
  ) k on true
  left join lateral (
    select m.key_id, m.revision, m.signed_thumbprint, m.signed_hash from public.rfx_key_members m join public.user_key u on u.id = m.key_id
      where l.owner = 'user' and m.rfx_id = g.id and m.user_id = l.owner_id and u.user_id = l.owner_id and u.state in ('active', 'superseded')
    union all
    select m.key_id, m.revision, m.signed_thumbprint, m.signed_hash from public.rfx_key_companies m join public.company_key c on c.id = m.key_id
      where l.owner = 'company' and m.rfx_id = g.id and m.company_id = l.owner_id and c.company_id = l.owner_id and c.state in ('active', 'superseded')
  ) w on true
  where g.id = p_group and g.organization_id = (select nokkel.organization_id())
    and (select nokkel.may_wrap_rfx(p_group, nokkel.user_id()))
    and (not p_missing or k.id is not null and w.key_id is null)
    and (p_after_owner is null or l.owner < p_after_owner or l.owner = p_after_owner and l.owner_id > p_after_id)
  order by l.owner desc, l.owner_id
  limit p_limit
$$;

-- How many of a group have the key: for whoever may wrap it.
create function nokkel.rfx_coverage(p_group uuid) returns table (wrapped integer, missing integer, no_key integer)
  language sql stable security definer set search_path = '' as $$
  select count(*) filter (where r.state = 'wrapped')::integer, count(*) filter (where r.state = 'missing')::integer,
    count(*) filter (where r.state = 'no_key')::integer
  from nokkel.rfx_recipients(p_group, false, null, null, null) r
$$;

-- The wrap of the person, or that of a company through which the server unwraps for them.
create function nokkel.my_rfx_wrap(p_group uuid) returns table (
  via text, owner_id uuid, role text, key_id uuid, encrypted_symmetric_key text, revision integer, signed_thumbprint text, signed_hash bytea
) language sql stable security definer set search_path = '' as $$
  select * from (
    select 'user' as via, m.user_id, m.role, m.key_id, m.encrypted_symmetric_key, m.revision, m.signed_thumbprint, m.signed_hash
    from public.rfx_key_members m join public.user_key k on k.id = m.key_id and k.state in ('active', 'superseded')
    where m.rfx_id = p_group and m.user_id = nokkel.user_id()
    union all
    select 'company', w.company_id, m.role, w.key_id, null, m.revision, m.signed_thumbprint, m.signed_hash
    from public.rfxs r
    cross join lateral nokkel.company_wrap(r.id, r.key_version, nokkel.user_id(), r.organization_id) w
    join public.rfx_key_companies m on m.rfx_id = r.id and m.company_id = w.company_id
    where r.id = p_group
  ) x where nokkel.is_rfx_member(p_group) order by via desc limit 1
$$;

-- More ways of signing come with what is signed.
create function nokkel.has_signed_in_rfx(p_rfx uuid, p_thumbprint text) returns boolean
  language sql stable security definer set search_path = '' as $$ select false $$;

-- Whose device signed: for members of the group or project.
create function nokkel.rfx_signers(p_rfx uuid, p_thumbprints text[]) returns table (
  thumbprint text, user_id uuid, device_id uuid, public_key jsonb, valid_from timestamptz, valid_until timestamptz
) language sql stable security definer set search_path = '' as $$
  select k.thumbprint, k.user_id, k.device_id, k.public_key, k.valid_from, k.valid_until
  from public.signing_key k
  where k.thumbprint = any (p_thumbprints) and (select nokkel.is_rfx_member(p_rfx)) and (
    exists (select from public.rfx_manifest m where m.signer_thumbprint = k.thumbprint
      and m.rfx_id in (select r.id from public.rfxs r where p_rfx in (r.id, r.parent_id)))
    or nokkel.has_signed_in_rfx(p_rfx, k.thumbprint))
$$;

grant execute on function nokkel.create_rfx_group(uuid, uuid, text, uuid, uuid),
  nokkel.add_rfx_wraps(uuid, integer, integer, bytea, text, bytea, bytea, text, nokkel.rfx_wrap_input[], uuid),
  nokkel.begin_rfx_version(uuid, uuid, integer, bytea, uuid),
  nokkel.add_rfx_attempt_wraps(uuid, uuid, integer, integer, bytea, text, bytea, bytea, text, nokkel.rfx_wrap_input[]),
  nokkel.activate_rfx_version(uuid, uuid, uuid), nokkel.rfx_recipients(uuid, boolean, text, uuid, integer),
  nokkel.rfx_coverage(uuid), nokkel.my_rfx_wrap(uuid), nokkel.rfx_signers(uuid, text[]) to authenticated;
grant usage on type nokkel.rfx_wrap_input to authenticated;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121100100' $$;

reset role;
