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
  -- The same in every revision of a version: the commitment to its key, and in an opening group the public key, as JSON.
  commitment bytea not null check (length(commitment) = 32),
  seal_to text,
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
  -- Of the revision before; of the first, the last of the present version.
  previous bytea check (length(previous) = 32),
  leaves bytea not null check (length(leaves) between 32 and 16000 and length(leaves) % 32 = 0),
  -- The same in every revision of a version: the commitment to its key, and in an opening group the public key, as JSON.
  commitment bytea not null check (length(commitment) = 32),
  seal_to text,
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

-- What was signed of wraps of the present version whose owners said that they do not open.
create table nokkel.rfx_broken_wrap (
  rfx_id uuid not null references public.rfxs on delete cascade,
  user_id uuid not null references public.app_user on delete cascade,
  role text check (role in ('buyer', 'developer', 'supplier')),
  revision integer check (revision >= 1),
  signed_thumbprint text check (length(signed_thumbprint) = 43),
  signed_hash bytea check (length(signed_hash) = 32),
  check (num_nulls(role, revision, signed_thumbprint, signed_hash) in (0, 4)),
  unique (rfx_id, user_id, revision)
);
create index rfx_broken_wrap_user on nokkel.rfx_broken_wrap (user_id);
call nokkel.protect('nokkel.rfx_broken_wrap');

-- Who may wrap ---------------------------------------------------------------------------------------------------------

-- Who may wrap the key of a group to others: buyers and developers that of the project, and all members that of a smaller group.
create function nokkel.may_wrap_rfx(p_group uuid, p_user uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select r.kind <> 'project' and nokkel.rfx_role_of(r.id, p_user) is not null
    or nokkel.rfx_role_of(r.id, p_user) in ('buyer', 'developer')
  from public.rfxs r where r.id = p_group
$$;

-- Whether the person of the session may; null when they are not in it.
create function nokkel.i_may_wrap_rfx(p_group uuid) returns boolean
  language sql stable security definer set search_path = '' as
  $$ select case when nokkel.rfx_role(p_group) is not null then nokkel.may_wrap_rfx(p_group, nokkel.user_id()) end $$;
grant execute on function nokkel.i_may_wrap_rfx(uuid) to authenticated;

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

-- Wraps ------------------------------------------------------------------------------------------------------------------

create type nokkel.rfx_wrap_input as (
  owner text, owner_id uuid, role text, key_id uuid, thumbprint text, encrypted_symmetric_key text, hash bytea
);

-- What calls the database past the server may leave something out.
create function nokkel.require_rfx_wraps(p_wraps nokkel.rfx_wrap_input[]) returns void
  language plpgsql set search_path = '' as $$
begin
  if p_wraps is null or exists (
    select from unnest(p_wraps) w
    where num_nulls(w.owner, w.owner_id, w.role, w.key_id, w.thumbprint, w.encrypted_symmetric_key, w.hash) > 0
  ) then
    perform nokkel.refuse('request_malformed');
  end if;
end
$$;

-- Those whose wrap cannot stand: not in the group as this, or the key is not their active one.
create function nokkel.changed_recipients(p_group uuid, p_wraps nokkel.rfx_wrap_input[]) returns jsonb
  language sql stable security definer set search_path = '' as $$
  select jsonb_agg(w.owner_id order by w.owner_id)
  from unnest(p_wraps) w
  left join lateral (
    select m.owner_id from nokkel.rfx_live_member m
    where m.rfx_id = p_group and m.owner = w.owner and m.owner_id = w.owner_id and m.role = w.role limit 1
  ) l on true
  left join public.user_key u on w.owner = 'user' and u.id = w.key_id and u.user_id = w.owner_id and u.state = 'active'
    and u.thumbprint = w.thumbprint
  left join public.company_key c on w.owner = 'company' and c.id = w.key_id and c.company_id = w.owner_id and c.state = 'active'
    and c.thumbprint = w.thumbprint
  where l.owner_id is null or coalesce(u.id, c.id) is null
$$;

-- People, companies, keys, and only then the group: as whoever revokes a key or leaves takes them. Also the keys that are wrapped
-- to now. p_company: nobody leaves it before the transaction ends, because a group of it is coming that they would not know of.
create function nokkel.hold_rfx_recipients(p_group uuid, p_wraps nokkel.rfx_wrap_input[], p_company uuid default null) returns void
  language plpgsql security definer set search_path = ''
-- Each is looked up by itself: planned while a group is small, it would read all of it for each when it has grown.
set enable_seqscan = off as $$
begin
  perform from public.app_user u
    where u.auth_user_id in (select w.owner_id from unnest(p_wraps) w where w.owner = 'user') order by u.auth_user_id for key share;
  perform from public.company c where c.id = p_company for share;
  perform from public.company c
    where c.id in (select w.owner_id from unnest(p_wraps) w where w.owner = 'company') order by c.id for key share;
  perform from public.user_key k
    where k.id in (
      select w.key_id from unnest(p_wraps) w where w.owner = 'user'
      union
      select (select m.key_id from public.rfx_key_members m where m.rfx_id = p_group and m.user_id = w.owner_id)
        from unnest(p_wraps) w where w.owner = 'user'
    ) order by k.id for key share;
  perform from public.company_key k
    where k.id in (
      select w.key_id from unnest(p_wraps) w where w.owner = 'company'
      union
      select (select m.key_id from public.rfx_key_companies m where m.rfx_id = p_group and m.company_id = w.owner_id)
        from unnest(p_wraps) w where w.owner = 'company'
    ) order by k.id for key share;
end
$$;

-- Those among the wraps who have one that opens.
create function nokkel.held_rfx_wraps(p_group uuid, p_wraps nokkel.rfx_wrap_input[]) returns jsonb
  language sql stable security definer set search_path = '' as $$
  select jsonb_agg(h.owner_id order by h.owner_id) from (
    select w.owner_id from unnest(p_wraps) w
      join public.rfx_key_members m on m.rfx_id = p_group and m.user_id = w.owner_id
      join public.user_key k on k.id = m.key_id and k.user_id = m.user_id and k.state in ('active', 'superseded')
      where w.owner = 'user'
    union all
    select w.owner_id from unnest(p_wraps) w
      join public.rfx_key_companies m on m.rfx_id = p_group and m.company_id = w.owner_id
      join public.company_key k on k.id = m.key_id and k.company_id = m.company_id and k.state in ('active', 'superseded')
      where w.owner = 'company'
  ) h
$$;

-- Groups ---------------------------------------------------------------------------------------------------------------

-- A project of a company the person is in. False when the person made it before: whether with the same content is for the server to see.
create function nokkel.create_rfx(p_rfx uuid, p_company uuid, p_wraps nokkel.rfx_wrap_input[], p_request uuid) returns boolean
  language plpgsql security definer set search_path = '' as $$
begin
  if num_nulls(p_rfx, p_company) > 0 then perform nokkel.refuse('request_malformed'); end if;
  perform nokkel.require_rfx_wraps(p_wraps);
  perform nokkel.hold_rfx_recipients(null, p_wraps, p_company);
  if nokkel.company_role(p_company) is null then perform nokkel.refuse('not_found'); end if;
  insert into public.rfxs (id, organization_id, company_id, created_by)
    values (p_rfx, nokkel.organization_id(), p_company, nokkel.user_id())
    on conflict (id) do nothing;
  if not found then
    if exists (
      select from public.rfxs r where r.id = p_rfx and r.organization_id = nokkel.organization_id() and r.kind = 'project'
        and r.company_id = p_company and r.created_by = nokkel.user_id()
    ) then
      return false;
    end if;
    perform nokkel.refuse('conflict');
  end if;
  perform nokkel.audit_rfx('rfx.create', 'rfx', p_rfx::text, p_request);
  return true;
end
$$;

-- The group of a project that opens bids, or makes those of a company. Whoever is in it may make it; made again, it is the one that
-- stands there. One whose key nobody has any more, and that no bid needs, is made anew.
create function nokkel.create_rfx_group(
  p_group uuid, p_rfx uuid, p_kind text, p_company uuid, p_wraps nokkel.rfx_wrap_input[], p_request uuid
) returns uuid language plpgsql security definer set search_path = '' as $$
declare
  v_company constant uuid := case p_kind
    when 'opening' then (select r.company_id from public.rfxs r where r.id = p_rfx and r.kind = 'project') else p_company end;
  v_rfx public.rfxs;
  v_id uuid;
begin
  if num_nulls(p_group, p_rfx, p_kind) > 0 or p_kind not in ('opening', 'bidder') or p_kind = 'bidder' and p_company is null then
    perform nokkel.refuse('request_malformed');
  end if;
  perform nokkel.require_rfx_wraps(p_wraps);
  perform nokkel.hold_rfx_recipients(null, p_wraps, v_company);
  v_rfx := nokkel.hold_rfx(p_rfx, 'buyer', 'developer', 'supplier');
  delete from public.rfxs g
    where g.parent_id = p_rfx and g.kind = p_kind and g.company_id = v_company and nokkel.rfx_role(g.id) is not null
      and not exists (select from public.rfx_key_members m where m.rfx_id = g.id)
      and not exists (select from public.rfx_key_companies m where m.rfx_id = g.id)
      and not exists (select from public.rfx_bid b where g.id in (b.opening_id, b.bidder_id) and b.state = 'submitted')
    returning g.id into v_id;
  if v_id is not null then perform nokkel.audit_rfx('rfx_group.remove', 'rfx', v_id::text, p_request); end if;
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

-- Revisions ------------------------------------------------------------------------------------------------------------

-- A revision of a manifest as the server has verified it.
create type nokkel.rfx_manifest_input as (
  version integer, revision integer, previous bytea, statement text, digest bytea, leaves bytea, commitment bytea, seal_to text,
  signer_thumbprint text
);

create function nokkel.require_rfx_revision(p_manifest nokkel.rfx_manifest_input, p_wraps nokkel.rfx_wrap_input[]) returns void
  language plpgsql set search_path = '' as $$
begin
  if num_nulls((p_manifest).version, (p_manifest).revision, (p_manifest).statement, (p_manifest).digest, (p_manifest).leaves,
    (p_manifest).commitment, (p_manifest).signer_thumbprint) > 0 then
    perform nokkel.refuse('request_malformed');
  end if;
  perform nokkel.require_rfx_wraps(p_wraps);
end
$$;

-- The next revision of the manifest of the present version, with its wraps: to those who have none. What is given once more,
-- because the answer was lost, changes nothing.
create function nokkel.add_rfx_wraps(
  p_group uuid, p_manifest nokkel.rfx_manifest_input, p_wraps nokkel.rfx_wrap_input[], p_request uuid
) returns void language plpgsql security definer set search_path = ''
-- As in hold_rfx_recipients.
set enable_seqscan = off as $$
declare
  v_group public.rfxs;
  v_last public.rfx_manifest;
  v_version constant integer := p_manifest.version;
  v_changed jsonb;
begin
  perform nokkel.require_rfx_revision(p_manifest, p_wraps);
  perform nokkel.hold_rfx_recipients(p_group, p_wraps);
  v_group := nokkel.hold_rfx_group(p_group);
  if exists (
    select from public.rfx_manifest m where m.rfx_id = p_group and m.version = v_version and m.revision = p_manifest.revision
      and m.digest = p_manifest.digest
  ) then
    return;
  end if;
  if v_group.rekey_pending then perform nokkel.refuse('rekey_pending'); end if;
  if v_group.key_version <> v_version then
    perform nokkel.refuse('version_stale', jsonb_build_object('version', v_group.key_version));
  end if;
  select * into v_last from public.rfx_manifest m where m.rfx_id = p_group and m.version = v_version order by m.revision desc limit 1;
  if p_manifest.revision <> coalesce(v_last.revision, 0) + 1 or p_manifest.previous is distinct from v_last.digest then
    perform nokkel.refuse('manifest_stale', jsonb_build_object('revision', coalesce(v_last.revision, 0)));
  end if;
  if v_last.revision is not null and (v_last.commitment, v_last.seal_to) is distinct from (p_manifest.commitment, p_manifest.seal_to) then
    perform nokkel.refuse('statement_invalid');
  end if;
  v_changed := coalesce(nokkel.changed_recipients(p_group, p_wraps), nokkel.held_rfx_wraps(p_group, p_wraps));
  if v_changed is not null then perform nokkel.refuse('recipients_changed', jsonb_build_object('ownerIds', v_changed)); end if;

  -- Only where there is none: whoever marks a version as compromised may hold its row, and wait for this group.
  if not exists (select from public.rfx_key_version v where v.rfx_id = p_group and v.version = v_version) then
    insert into public.rfx_key_version (rfx_id, version) values (p_group, v_version);
  end if;
  insert into public.rfx_manifest
      (rfx_id, version, revision, statement, digest, leaves, commitment, seal_to, signer_id, signer_thumbprint)
    values (p_group, v_version, p_manifest.revision, p_manifest.statement, p_manifest.digest, p_manifest.leaves, p_manifest.commitment,
      p_manifest.seal_to, nokkel.user_id(), p_manifest.signer_thumbprint);
  -- A wrap of theirs that opens no more gives way, and what its key could open is remembered.
  insert into nokkel.moved_wrap (rfx_id, version, user_key_id)
    select p_group, v_version, o.key_id from unnest(p_wraps) w
    cross join lateral (
      select m.key_id from public.rfx_key_members m where m.rfx_id = p_group and m.user_id = w.owner_id limit 1
    ) o where w.owner = 'user' and o.key_id <> w.key_id on conflict do nothing;
  insert into nokkel.moved_wrap (rfx_id, version, company_key_id)
    select p_group, v_version, o.key_id from unnest(p_wraps) w
    cross join lateral (
      select m.key_id from public.rfx_key_companies m where m.rfx_id = p_group and m.company_id = w.owner_id limit 1
    ) o where w.owner = 'company' and o.key_id <> w.key_id on conflict do nothing;
  insert into public.rfx_key_members as m (rfx_id, user_id, encrypted_symmetric_key, key_id, role, revision, signed_thumbprint, signed_hash)
    select p_group, w.owner_id, w.encrypted_symmetric_key, w.key_id, w.role, p_manifest.revision, w.thumbprint, w.hash
    from unnest(p_wraps) w where w.owner = 'user'
    on conflict (rfx_id, user_id) do update set encrypted_symmetric_key = excluded.encrypted_symmetric_key, key_id = excluded.key_id,
      role = excluded.role, revision = excluded.revision, signed_thumbprint = excluded.signed_thumbprint, signed_hash = excluded.signed_hash,
      created_at = now();
  insert into public.rfx_key_companies as m (rfx_id, company_id, encrypted_symmetric_key, key_id, role, revision, signed_thumbprint, signed_hash)
    select p_group, w.owner_id, w.encrypted_symmetric_key, w.key_id, w.role, p_manifest.revision, w.thumbprint, w.hash
    from unnest(p_wraps) w where w.owner = 'company'
    on conflict (rfx_id, company_id) do update set encrypted_symmetric_key = excluded.encrypted_symmetric_key, key_id = excluded.key_id,
      role = excluded.role, revision = excluded.revision, signed_thumbprint = excluded.signed_thumbprint, signed_hash = excluded.signed_hash,
      created_at = now();
  perform nokkel.audit_rfx('rfx_key.wrap', 'rfx_key_version', p_group || '/' || v_version || '/' || p_manifest.revision, p_request);
end
$$;

-- The person says that what is wrapped to them does not open: it is taken away, and what its key could open is remembered, as
-- they may be wrong. Without a wrap of their own nothing happens: they said it before.
create function nokkel.report_broken_rfx_wrap(p_group uuid, p_version integer, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_group public.rfxs;
  v_key uuid;
begin
  if num_nulls(p_group, p_version) > 0 then perform nokkel.refuse('request_malformed'); end if;
  -- The key before the group, as in hold_rfx_recipients.
  perform from public.user_key k
    where k.id = (select m.key_id from public.rfx_key_members m where m.rfx_id = p_group and m.user_id = nokkel.user_id()) for key share;
  select * into v_group from public.rfxs r
    where r.id = p_group and r.organization_id = nokkel.organization_id() and r.company_id is not null for no key update;
  if v_group.id is null or nokkel.rfx_role(p_group) is null then perform nokkel.refuse('not_found'); end if;
  if v_group.key_version <> p_version then
    perform nokkel.refuse('version_stale', jsonb_build_object('version', v_group.key_version));
  end if;
  with broken as (
    delete from public.rfx_key_members m where m.rfx_id = p_group and m.user_id = nokkel.user_id() returning m.*
  ), kept as (
    insert into nokkel.rfx_broken_wrap (rfx_id, user_id, role, revision, signed_thumbprint, signed_hash)
      select b.rfx_id, b.user_id, b.role, b.revision, b.signed_thumbprint, b.signed_hash from broken b on conflict do nothing
  ) select b.key_id into v_key from broken b;
  if not found then return; end if;
  if v_key is not null then
    insert into nokkel.moved_wrap (rfx_id, version, user_key_id) values (p_group, p_version, v_key) on conflict do nothing;
  end if;
  perform nokkel.audit_rfx('rfx_key.broken', 'rfx_key_version', p_group || '/' || p_version, p_request);
end
$$;

-- The next version ----------------------------------------------------------------------------------------------------------

-- Whether the person has the key of the present version, by a wrap of their own or through a company, or nobody has it any more.
create function nokkel.may_replace_rfx_key(p_group uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (select from public.rfx_key_members m where m.rfx_id = p_group and m.user_id = nokkel.user_id())
    or exists (
      select from public.rfxs r cross join lateral nokkel.company_wrap(r.id, r.key_version, nokkel.user_id(), r.organization_id) w
      where r.id = p_group)
    or not exists (select from public.rfx_key_members m where m.rfx_id = p_group)
      and not exists (select from public.rfx_key_companies m where m.rfx_id = p_group)
$$;

-- Begins to make it. What the person began before and did not end is given up.
create function nokkel.begin_rfx_version(p_group uuid, p_attempt uuid, p_version integer, p_previous_key bytea, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_group constant public.rfxs := nokkel.hold_rfx_group(p_group);
begin
  if num_nulls(p_attempt, p_version, p_previous_key) > 0 then perform nokkel.refuse('request_malformed'); end if;
  if not nokkel.may_replace_rfx_key(p_group) then perform nokkel.refuse('forbidden'); end if;
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

-- The next revision of its manifest, with its wraps: to those who have none in it.
create function nokkel.add_rfx_attempt_wraps(
  p_group uuid, p_attempt uuid, p_manifest nokkel.rfx_manifest_input, p_wraps nokkel.rfx_wrap_input[], p_request uuid
) returns void language plpgsql security definer set search_path = '' as $$
declare
  v_attempt nokkel.rfx_key_attempt;
  v_last nokkel.rfx_attempt_manifest;
  v_previous bytea;
  v_changed jsonb;
begin
  perform nokkel.require_rfx_revision(p_manifest, p_wraps);
  perform nokkel.hold_rfx_recipients(null, p_wraps);
  v_attempt := nokkel.hold_rfx_attempt(p_group, p_attempt);
  if v_attempt.version <> p_manifest.version then
    perform nokkel.refuse('version_stale', jsonb_build_object('version', v_attempt.version - 1));
  end if;
  if exists (
    select from nokkel.rfx_attempt_manifest m
    where m.attempt_id = p_attempt and m.revision = p_manifest.revision and m.digest = p_manifest.digest
  ) then
    return;
  end if;
  select * into v_last from nokkel.rfx_attempt_manifest m where m.attempt_id = p_attempt order by m.revision desc limit 1;
  v_previous := case when v_last.revision is not null then v_last.digest else (
    select m.digest from public.rfx_manifest m
    where m.rfx_id = p_group and m.version = v_attempt.version - 1 order by m.revision desc limit 1) end;
  if p_manifest.revision <> coalesce(v_last.revision, 0) + 1 or p_manifest.previous is distinct from v_previous then
    perform nokkel.refuse('manifest_stale', jsonb_build_object('revision', coalesce(v_last.revision, 0)));
  end if;
  if v_last.revision is not null and (v_last.commitment, v_last.seal_to) is distinct from (p_manifest.commitment, p_manifest.seal_to) then
    perform nokkel.refuse('statement_invalid');
  end if;
  v_changed := coalesce(nokkel.changed_recipients(p_group, p_wraps), (
    select jsonb_agg(a.owner_id order by a.owner_id) from nokkel.rfx_attempt_wrap a
    join unnest(p_wraps) w on w.owner = a.owner and w.owner_id = a.owner_id where a.attempt_id = p_attempt));
  if v_changed is not null then perform nokkel.refuse('recipients_changed', jsonb_build_object('ownerIds', v_changed)); end if;
  insert into nokkel.rfx_attempt_manifest
      (attempt_id, revision, previous, statement, digest, leaves, commitment, seal_to, signer_thumbprint)
    values (p_attempt, p_manifest.revision, p_manifest.previous, p_manifest.statement, p_manifest.digest, p_manifest.leaves,
      p_manifest.commitment, p_manifest.seal_to, p_manifest.signer_thumbprint);
  insert into nokkel.rfx_attempt_wrap
      (attempt_id, owner, owner_id, role, key_id, encrypted_symmetric_key, revision, signed_thumbprint, signed_hash)
    select p_attempt, w.owner, w.owner_id, w.role, w.key_id, w.encrypted_symmetric_key, p_manifest.revision, w.thumbprint, w.hash
    from unnest(p_wraps) w;
  perform nokkel.audit_rfx('rfx_key.wrap', 'rfx_key_version', p_group || '/' || p_manifest.version || '/' || p_manifest.revision, p_request);
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

-- The version takes the place of the present one, when it is wrapped to exactly those who are in the group and have a key: the
-- active one, or one that was until now. Whoever is `missing` is wrapped to in one more revision; where somebody is `surplus`, as
-- what they have now or with a key they have no more, the attempt cannot become right, and a new one begins. p_omitted may be
-- missing: their key could not be used. The outgoing wraps of those who are still in the group are kept, so that a key that opens
-- nothing destroys nothing; not those to a key that is compromised.
create function nokkel.activate_rfx_version(p_group uuid, p_attempt uuid, p_omitted uuid[], p_request uuid) returns integer
  language plpgsql security definer set search_path = '' as $$
declare
  v_attempt nokkel.rfx_key_attempt;
  v_missing jsonb;
  v_surplus jsonb;
  v_omitted integer;
begin
  if num_nulls(p_group, p_attempt, p_omitted) > 0 then perform nokkel.refuse('request_malformed'); end if;
  -- Asked again because the answer was lost.
  if exists (select from public.rfx_key_version v where v.rfx_id = p_group and v.attempt_id = p_attempt)
    and nokkel.may_wrap_rfx(p_group, nokkel.user_id()) and nokkel.rfx_role(p_group) is not null then
    return (select v.version from public.rfx_key_version v where v.rfx_id = p_group and v.attempt_id = p_attempt);
  end if;
  perform nokkel.hold_rfx_recipients(null, array(
    select row(w.owner, w.owner_id, null, w.key_id, null, null, null)::nokkel.rfx_wrap_input
    from (
      select a.owner, a.owner_id, a.key_id from nokkel.rfx_attempt_wrap a where a.attempt_id = p_attempt
      union all
      select 'user', m.user_id, m.key_id from public.rfx_key_members m where m.rfx_id = p_group
      union all
      select 'company', m.company_id, m.key_id from public.rfx_key_companies m where m.rfx_id = p_group
    ) w));
  v_attempt := nokkel.hold_rfx_attempt(p_group, p_attempt);
  -- A revision that was stored meanwhile is not in what the first one names.
  if exists (
    select from nokkel.rfx_attempt_manifest a where a.attempt_id = p_attempt and a.revision = 1 and a.previous is distinct from (
      select m.digest from public.rfx_manifest m
      where m.rfx_id = p_group and m.version = v_attempt.version - 1 order by m.revision desc limit 1)
  ) then
    perform nokkel.refuse('version_stale', jsonb_build_object('version', v_attempt.version - 1));
  end if;
  select jsonb_agg(r.owner_id order by r.owner_id) filter (where w.owner_id is null and r.owner_id <> all (p_omitted)),
      count(*) filter (where w.owner_id is null and r.owner_id = any (p_omitted)),
      jsonb_agg(w.owner_id order by w.owner_id) filter (where r.owner_id is null or not w.opens or w.role <> r.role)
    into v_missing, v_omitted, v_surplus
    from nokkel.rfx_reachable(p_group) r
    full join (
      select a.owner, a.owner_id, a.role, coalesce(coalesce(u.state, c.state) in ('active', 'superseded'), false) as opens
      from nokkel.rfx_attempt_wrap a
      left join public.user_key u on a.owner = 'user' and u.id = a.key_id and u.user_id = a.owner_id
      left join public.company_key c on a.owner = 'company' and c.id = a.key_id and c.company_id = a.owner_id
      where a.attempt_id = p_attempt
    ) w on w.owner = r.owner and w.owner_id = r.owner_id;
  if v_missing is not null or v_surplus is not null then
    perform nokkel.refuse('recipients_changed', jsonb_build_object('ownerIds', coalesce(v_missing, '[]') || coalesce(v_surplus, '[]'),
      'missing', coalesce(v_missing, '[]'), 'surplus', coalesce(v_surplus, '[]')));
  end if;
  if not exists (select from nokkel.rfx_attempt_wrap w where w.attempt_id = p_attempt) then perform nokkel.refuse('request_malformed'); end if;

  insert into public.rfx_key_version (rfx_id, version, previous_key, attempt_id)
    values (p_group, v_attempt.version, v_attempt.previous_key, p_attempt);
  insert into public.rfx_manifest
      (rfx_id, version, revision, statement, digest, leaves, commitment, seal_to, signer_id, signer_thumbprint)
    select p_group, v_attempt.version, m.revision, m.statement, m.digest, m.leaves, m.commitment, m.seal_to, nokkel.user_id(), m.signer_thumbprint
    from nokkel.rfx_attempt_manifest m where m.attempt_id = p_attempt;
  -- Of wraps that other software left there may be no version.
  if not exists (select from public.rfx_key_version v where v.rfx_id = p_group and v.version = v_attempt.version - 1) then
    insert into public.rfx_key_version (rfx_id, version) values (p_group, v_attempt.version - 1);
  end if;
  insert into public.rfx_key_history (rfx_id, version, user_id, encrypted_symmetric_key, user_key_id)
    select p_group, v_attempt.version - 1, m.user_id, m.encrypted_symmetric_key, m.key_id
    from public.rfx_key_members m join public.user_key k on k.id = m.key_id and k.user_id = m.user_id and k.state in ('active', 'superseded')
    where m.rfx_id = p_group
      and m.user_id in (select l.owner_id from nokkel.rfx_live_member l where l.rfx_id = p_group and l.owner = 'user')
    on conflict do nothing;
  insert into public.rfx_key_history (rfx_id, version, company_id, encrypted_symmetric_key, company_key_id)
    select p_group, v_attempt.version - 1, m.company_id, m.encrypted_symmetric_key, m.key_id
    from public.rfx_key_companies m join public.company_key k on k.id = m.key_id and k.company_id = m.company_id and k.state in ('active', 'superseded')
    where m.rfx_id = p_group
      and m.company_id in (select l.owner_id from nokkel.rfx_live_member l where l.rfx_id = p_group and l.owner = 'company')
    on conflict do nothing;
  delete from public.rfx_key_members m where m.rfx_id = p_group;
  delete from public.rfx_key_companies m where m.rfx_id = p_group;
  delete from nokkel.rfx_broken_wrap b where b.rfx_id = p_group;
  update public.rfxs r set key_version = v_attempt.version, rekey_pending = false where r.id = p_group;
  insert into public.rfx_key_members (rfx_id, user_id, encrypted_symmetric_key, key_id, role, revision, signed_thumbprint, signed_hash)
    select p_group, w.owner_id, w.encrypted_symmetric_key, w.key_id, w.role, w.revision, w.signed_thumbprint, w.signed_hash
    from nokkel.rfx_attempt_wrap w where w.attempt_id = p_attempt and w.owner = 'user';
  insert into public.rfx_key_companies (rfx_id, company_id, encrypted_symmetric_key, key_id, role, revision, signed_thumbprint, signed_hash)
    select p_group, w.owner_id, w.encrypted_symmetric_key, w.key_id, w.role, w.revision, w.signed_thumbprint, w.signed_hash
    from nokkel.rfx_attempt_wrap w where w.attempt_id = p_attempt and w.owner = 'company';
  delete from nokkel.rfx_key_attempt a where a.rfx_id = p_group;
  perform nokkel.audit_rfx('rfx_key.activate', 'rfx_key_version', p_group || '/' || v_attempt.version
    || case when v_omitted > 0 then '/' || v_omitted else '' end, p_request);
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
      select min(m.company_id::text)::uuid from public.company_member m
      join public.rfxs r on r.id = (select coalesce(g.parent_id, g.id) from public.rfxs g where g.id = p_group)
      where m.user_id = l.owner_id and (m.company_id = r.company_id or exists (
        select from public.rfx_invitation i where i.rfx_id = r.id and i.company_id = m.company_id))
    ) end,
    case when w.key_id is not null then 'wrapped' when k.id is null then 'no_key' else 'missing' end,
    k.id, k.public_key, k.thumbprint, w.revision, w.signed_thumbprint, w.signed_hash
  -- In order before anything is looked up about them, so that a page ends when it is full.
  from (
    select m.owner, m.owner_id, m.role from nokkel.rfx_live_member m
    where m.rfx_id = p_group and (select nokkel.i_may_wrap_rfx(p_group))
      and (p_after_owner is null or m.owner < p_after_owner or m.owner = p_after_owner and m.owner_id > p_after_id)
    order by m.owner desc, m.owner_id
  ) l
  left join lateral (select u.name from public.app_user u where l.owner = 'user' and u.auth_user_id = l.owner_id limit 1) p on true
  left join lateral (select c.name from public.company c where l.owner = 'company' and c.id = l.owner_id limit 1) b on true
  left join lateral (
    select u.id, u.public_key, u.thumbprint from public.user_key u where l.owner = 'user' and u.user_id = l.owner_id and u.state = 'active'
    union all
    select c.id, c.public_key, c.thumbprint from public.company_key c where l.owner = 'company' and c.company_id = l.owner_id and c.state = 'active'
  ) k on true
  left join lateral (
    select m.key_id, m.revision, m.signed_thumbprint, m.signed_hash from public.rfx_key_members m join public.user_key u on u.id = m.key_id
      where l.owner = 'user' and m.rfx_id = p_group and m.user_id = l.owner_id and u.user_id = l.owner_id and u.state in ('active', 'superseded')
    union all
    select m.key_id, m.revision, m.signed_thumbprint, m.signed_hash from public.rfx_key_companies m join public.company_key c on c.id = m.key_id
      where l.owner = 'company' and m.rfx_id = p_group and m.company_id = l.owner_id and c.company_id = l.owner_id and c.state in ('active', 'superseded')
  ) w on true
  where not p_missing or k.id is not null and w.key_id is null
  order by l.owner desc, l.owner_id
  limit p_limit
$$;

-- How many of a group have the key: for whoever may wrap it. Each looks for their own rows, as what the planner believes about how
-- many there are is soon wrong while a key is handed out.
create function nokkel.rfx_coverage(p_group uuid) returns table (wrapped integer, missing integer, no_key integer)
  language sql stable security definer set search_path = '' as $$
  select count(*) filter (where x.opens)::integer, count(*) filter (where not x.opens and x.reachable)::integer,
    count(*) filter (where not x.opens and not x.reachable)::integer
  from (
    select k.opens, k.reachable
    from nokkel.rfx_live_member l
    cross join lateral (
      select exists (
          select from public.rfx_key_members m join public.user_key u on u.id = m.key_id and u.user_id = m.user_id
          where m.rfx_id = p_group and m.user_id = l.owner_id and u.state in ('active', 'superseded')
        ) as opens,
        exists (select from public.user_key u where u.user_id = l.owner_id and u.state = 'active') as reachable
      where l.owner = 'user'
      union all
      select exists (
          select from public.rfx_key_companies m join public.company_key c on c.id = m.key_id and c.company_id = m.company_id
          where m.rfx_id = p_group and m.company_id = l.owner_id and c.state in ('active', 'superseded')
        ),
        exists (select from public.company_key c where c.company_id = l.owner_id and c.state = 'active')
      where l.owner = 'company'
    ) k
    where l.rfx_id = p_group and (select nokkel.i_may_wrap_rfx(p_group))
  ) x
$$;

-- Whether the group concerns the person: they are in it, or it opens bids and they are a buyer or supplier, who seal to its key.
create function nokkel.sees_rfx_group(p_group uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.rfxs r
    where r.id = p_group and r.company_id is not null
      and (nokkel.rfx_role(r.id) is not null or r.kind = 'opening' and nokkel.rfx_role(r.parent_id) in ('buyer', 'supplier'))
  )
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
  ) x where nokkel.is_rfx_member(p_group) order by via desc, user_id limit 1
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
      and m.rfx_id in (select r.id from public.rfxs r where p_rfx in (r.id, r.parent_id) and nokkel.sees_rfx_group(r.id)))
    or nokkel.has_signed_in_rfx(p_rfx, k.thumbprint))
$$;

-- A group of a project, or all of them, as far as they concern the person; with their wrap.
create function nokkel.my_rfx_groups(p_rfx uuid, p_group uuid) returns table (
  id uuid, kind text, company_id uuid, version integer, rekey_pending boolean, member boolean,
  via text, owner_id uuid, role text, key_id uuid, encrypted_symmetric_key text, revision integer, signed_thumbprint text, signed_hash bytea
) language sql stable security definer set search_path = '' as $$
  select r.id, r.kind, r.company_id, r.key_version, r.rekey_pending, nokkel.rfx_role(r.id) is not null,
    w.via, w.owner_id, w.role, w.key_id, w.encrypted_symmetric_key, w.revision, w.signed_thumbprint, w.signed_hash
  from public.rfxs r left join lateral nokkel.my_rfx_wrap(r.id) w on true
  where (r.id = p_group or p_rfx in (r.id, r.parent_id)) and nokkel.sees_rfx_group(r.id)
  order by r.parent_id nulls first, r.kind desc, r.id
$$;

-- The manifests of the present versions of groups that concern the person.
create function nokkel.rfx_manifests(p_groups uuid[]) returns table (
  group_id uuid, revision integer, statement text, leaves bytea, signer_id uuid, created_at timestamptz
) language sql stable security definer set search_path = '' as $$
  select m.rfx_id, m.revision, m.statement, m.leaves, m.signer_id, m.created_at
  from public.rfxs r join public.rfx_manifest m on m.rfx_id = r.id and m.version = r.key_version
  where r.id in (select g.id from unnest(p_groups) g (id) where nokkel.sees_rfx_group(g.id))
  order by m.rfx_id, m.revision
$$;

-- The versions of groups that concern the person; the keys of earlier ones are for those who are in them.
create function nokkel.rfx_versions(p_groups uuid[]) returns table (group_id uuid, version integer, previous_key bytea)
  language sql stable security definer set search_path = '' as $$
  select v.rfx_id, v.version, case when g.member then v.previous_key end
  from (
    select u.id, nokkel.rfx_role(u.id) is not null as member from unnest(p_groups) u (id) where nokkel.sees_rfx_group(u.id)
  ) g join public.rfx_key_version v on v.rfx_id = g.id
  order by v.rfx_id, v.version
$$;

grant execute on function nokkel.create_rfx(uuid, uuid, nokkel.rfx_wrap_input[], uuid),
  nokkel.create_rfx_group(uuid, uuid, text, uuid, nokkel.rfx_wrap_input[], uuid),
  nokkel.add_rfx_wraps(uuid, nokkel.rfx_manifest_input, nokkel.rfx_wrap_input[], uuid),
  nokkel.begin_rfx_version(uuid, uuid, integer, bytea, uuid),
  nokkel.add_rfx_attempt_wraps(uuid, uuid, nokkel.rfx_manifest_input, nokkel.rfx_wrap_input[], uuid),
  nokkel.activate_rfx_version(uuid, uuid, uuid[], uuid), nokkel.report_broken_rfx_wrap(uuid, integer, uuid), nokkel.rfx_recipients(uuid, boolean, text, uuid, integer),
  nokkel.rfx_coverage(uuid), nokkel.my_rfx_groups(uuid, uuid), nokkel.rfx_manifests(uuid[]), nokkel.rfx_versions(uuid[]),
  nokkel.rfx_signers(uuid, text[]) to authenticated;
grant usage on type nokkel.rfx_wrap_input, nokkel.rfx_manifest_input to authenticated;

-- Faults -----------------------------------------------------------------------------------------------------------------

-- What should not be in the groups of a project. Who waits for a key is no fault of anybody, and is told. What the signatures say is
-- for whoever can verify them.
create function nokkel.rfx_faults_of(p_rfx uuid) returns table (problem text, rfx_id uuid, subject_type text, subject_id uuid)
  language sql stable security definer set search_path = '' as $$
  select 'wrap_surplus', r.id, 'app_user', x.user_id
    from public.rfxs r cross join lateral (
      select m.user_id from public.rfx_key_members m where m.rfx_id = r.id
      except
      select l.owner_id from nokkel.rfx_live_member l where l.rfx_id = r.id and l.owner = 'user'
    ) x where (r.id = p_rfx or r.parent_id = p_rfx)
  union all
  select 'wrap_surplus', r.id, 'company', x.company_id
    from public.rfxs r cross join lateral (
      select m.company_id from public.rfx_key_companies m where m.rfx_id = r.id
      except
      select l.owner_id from nokkel.rfx_live_member l where l.rfx_id = r.id and l.owner = 'company'
    ) x where (r.id = p_rfx or r.parent_id = p_rfx)
  union all
  select 'wrap_missing', r.id, case x.owner when 'user' then 'app_user' else 'company' end, x.owner_id
    from public.rfxs r cross join lateral (
      select l.owner, l.owner_id from nokkel.rfx_reachable(r.id) l
      except (
        select 'user', m.user_id from public.rfx_key_members m join public.user_key k on k.id = m.key_id and k.user_id = m.user_id
          where m.rfx_id = r.id and k.state in ('active', 'superseded')
        union all
        select 'company', m.company_id
          from public.rfx_key_companies m join public.company_key k on k.id = m.key_id and k.company_id = m.company_id
          where m.rfx_id = r.id and k.state in ('active', 'superseded'))
    ) x where (r.id = p_rfx or r.parent_id = p_rfx) and not r.rekey_pending
  union all
  select 'rekey_pending', r.id, 'rfx', r.id from public.rfxs r where (r.id = p_rfx or r.parent_id = p_rfx) and r.rekey_pending
  union all
  select 'version_unsigned', r.id, 'rfx', r.id from public.rfxs r
    where (r.id = p_rfx or r.parent_id = p_rfx)
      and not exists (select from public.rfx_manifest m where m.rfx_id = r.id and m.version = r.key_version)
$$;

-- The same of one project, or of all.
create function nokkel.rfx_faults(p_rfx uuid default null) returns table (problem text, rfx_id uuid, subject_type text, subject_id uuid)
  language sql stable security definer set search_path = '' as $$
  select f.* from public.rfxs r cross join lateral nokkel.rfx_faults_of(r.id) f
  where r.kind = 'project' and r.company_id is not null and (p_rfx is null or r.id = p_rfx)
$$;

-- For whoever may wrap the key of the project.
create function nokkel.my_rfx_faults(p_rfx uuid) returns table (problem text, rfx_id uuid, subject_type text, subject_id uuid)
  language plpgsql stable security definer set search_path = '' as $$
declare
  v_role constant text := nokkel.rfx_role(p_rfx);
begin
  if v_role is null or not exists (select from public.rfxs r where r.id = p_rfx and r.kind = 'project') then
    perform nokkel.refuse('not_found');
  end if;
  if not nokkel.may_wrap_rfx(p_rfx, nokkel.user_id()) then perform nokkel.refuse('forbidden'); end if;
  return query select f.* from nokkel.rfx_faults_of(p_rfx) f;
end
$$;

-- The groups of one project, or of all, in pages. `expects_gone`: somebody who has gone may still stand in its manifest.
create function nokkel.rfx_groups(p_rfx uuid, p_after uuid, p_limit integer) returns table (
  id uuid, organization_id uuid, kind text, version integer, expects_gone boolean, previous bytea
) language sql stable security definer set search_path = '' as $$
  select r.id, r.organization_id, r.kind, r.key_version,
    r.rekey_pending or (select p.status from public.rfxs p where p.id = coalesce(r.parent_id, r.id)) = 'closed',
    (select m.digest from public.rfx_manifest m where m.rfx_id = r.id and m.version = r.key_version - 1 order by m.revision desc limit 1)
  from public.rfxs r
  where r.company_id is not null and (p_rfx is null or p_rfx in (r.id, r.parent_id)) and (p_after is null or r.id > p_after)
  order by r.id limit p_limit
$$;

-- What is signed of the present version of a group, with whose key that is.
create function nokkel.rfx_signed_manifest(p_group uuid) returns table (
  revision integer, statement text, digest bytea, leaves bytea, signer_id uuid, signer_thumbprint text, key_user uuid, key_device uuid
) language sql stable security definer set search_path = '' as $$
  select m.revision, m.statement, m.digest, m.leaves, m.signer_id, m.signer_thumbprint, k.user_id, k.device_id
  from public.rfxs r
  join public.rfx_manifest m on m.rfx_id = r.id and m.version = r.key_version
  join public.signing_key k on k.thumbprint = m.signer_thumbprint
  where r.id = p_group order by m.revision
$$;

-- The wraps of a group as they were signed, and those that were reported as broken. `intact`: they are what was signed, or have
-- been moved to another key since.
create function nokkel.rfx_signed_wraps(p_group uuid) returns table (
  owner text, owner_id uuid, role text, revision integer, signed_thumbprint text, signed_hash bytea, intact boolean
) language sql stable security definer set search_path = '' as $$
  select w.owner, w.owner_id, w.role, w.revision, w.signed_thumbprint, w.signed_hash,
    w.thumbprint is distinct from w.signed_thumbprint or w.signed_hash = (
      case when length(w.wrap) = 684 and w.wrap ~ '^[A-Za-z0-9+/]+=$' then sha256(decode(w.wrap, 'base64')) end)
  from (
    select 'user' as owner, m.user_id as owner_id, m.role, m.revision, m.signed_thumbprint, m.signed_hash, k.thumbprint,
        m.encrypted_symmetric_key as wrap
      from public.rfx_key_members m left join public.user_key k on k.id = m.key_id where m.rfx_id = p_group
    union all
    select 'company', m.company_id, m.role, m.revision, m.signed_thumbprint, m.signed_hash, k.thumbprint, m.encrypted_symmetric_key
      from public.rfx_key_companies m left join public.company_key k on k.id = m.key_id where m.rfx_id = p_group
  ) w
  union all
  select 'user', b.user_id, b.role, b.revision, b.signed_thumbprint, b.signed_hash, true
  from nokkel.rfx_broken_wrap b where b.rfx_id = p_group and b.revision is not null
$$;

grant execute on function nokkel.my_rfx_faults(uuid) to authenticated;
grant execute on function nokkel.rfx_faults(uuid), nokkel.rfx_groups(uuid, uuid, integer), nokkel.rfx_signed_manifest(uuid),
  nokkel.rfx_signed_wraps(uuid) to nokkel_server;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121100100' $$;

reset role;
