set role nokkel_owner;

-- Who reviews projects before suppliers see them.
alter table public.organization_member add is_developer boolean not null default false;
create index organization_member_developer on public.organization_member (organization_id, user_id) where is_developer;

-- Each row is a group of people and companies with one key: a project, and within it those who open bids and those who make the
-- bids of one company. docs/spec/rfx.md. A row without a company is a project of other software: whoever its key is wrapped to
-- is in it.
alter table public.rfxs
  add kind text not null default 'project' check (kind in ('project', 'opening', 'bidder')),
  add parent_id uuid references public.rfxs on delete cascade,
  -- Of the buyer; of a bidder group the one that bids.
  add company_id uuid,
  add status text not null default 'draft' check (status in ('draft', 'in_review', 'approved', 'closed')),
  add deadline timestamptz,
  -- Somebody has gone who had the key: nothing is written under it any more.
  add rekey_pending boolean not null default false,
  -- No reference: the project stays when who made it is gone.
  add created_by uuid,
  add sent_at timestamptz,
  add approved_at timestamptz,
  add approved_by uuid,
  add closed_at timestamptz,
  add foreign key (company_id, organization_id) references public.company (id, organization_id) on delete cascade,
  add check ((kind = 'project') = (parent_id is null)),
  add check (kind = 'project' or company_id is not null);
create index rfxs_parent on public.rfxs (parent_id);
create index rfxs_company on public.rfxs (company_id, organization_id);
create unique index rfxs_opening on public.rfxs (parent_id) where kind = 'opening';
create unique index rfxs_bidder on public.rfxs (parent_id, company_id) where kind = 'bidder';

create table public.rfx_invitation (
  rfx_id uuid not null references public.rfxs on delete cascade,
  company_id uuid not null,
  organization_id uuid not null,
  invited_by uuid not null,
  created_at timestamptz not null default now(),
  primary key (rfx_id, company_id),
  foreign key (company_id, organization_id) references public.company (id, organization_id) on delete cascade
);
create index rfx_invitation_company on public.rfx_invitation (company_id, organization_id);
call nokkel.protect('public.rfx_invitation');
call nokkel.require_live_session('public.rfx_invitation');

-- Who is kept out of a project although they are in one of its companies, or a developer.
create table public.rfx_exclusion (
  rfx_id uuid not null references public.rfxs on delete cascade,
  user_id uuid not null references public.app_user on delete cascade,
  excluded_by uuid not null,
  created_at timestamptz not null default now(),
  primary key (rfx_id, user_id)
);
create index rfx_exclusion_user on public.rfx_exclusion (user_id);
call nokkel.protect('public.rfx_exclusion');
call nokkel.require_live_session('public.rfx_exclusion');

-- Who may open bids after the deadline.
create table public.rfx_opener (
  rfx_id uuid not null references public.rfxs on delete cascade,
  user_id uuid not null references public.app_user on delete cascade,
  named_by uuid not null,
  created_at timestamptz not null default now(),
  primary key (rfx_id, user_id)
);
create index rfx_opener_user on public.rfx_opener (user_id);
call nokkel.protect('public.rfx_opener');
call nokkel.require_live_session('public.rfx_opener');

-- The live sets --------------------------------------------------------------------------------------------------------

-- Whoever is more than one thing in a project is the first of buyer, developer, supplier.
create view nokkel.rfx_live_user as
  select p.rfx_id, p.user_id, min(p.role) as role
  from (
    select r.id as rfx_id, m.user_id, 'buyer' as role
      from public.rfxs r join public.company_member m on m.company_id = r.company_id
      where r.kind = 'project'
    union all
    select r.id, m.user_id, 'developer'
      from public.rfxs r join public.organization_member m on m.organization_id = r.organization_id and m.is_developer
      where r.kind = 'project' and r.company_id is not null and r.status <> 'draft'
    union all
    select r.id, m.user_id, 'supplier'
      from public.rfxs r
      join public.rfx_invitation i on i.rfx_id = r.id
      join public.company_member m on m.company_id = i.company_id
      where r.kind = 'project' and r.status in ('approved', 'closed')
  ) p
  where not exists (select from public.rfx_exclusion x where x.rfx_id = p.rfx_id and x.user_id = p.user_id)
  group by p.rfx_id, p.user_id;

-- Every group of every project with those who belong in it now.
create view nokkel.rfx_live_member as
  select l.rfx_id, 'user' as owner, l.user_id as owner_id, l.role from nokkel.rfx_live_user l
  union all
  select r.id, 'company', r.company_id, 'buyer' from public.rfxs r where r.kind = 'project' and r.company_id is not null
  union all
  select r.id, 'company', i.company_id, 'supplier'
    from public.rfxs r join public.rfx_invitation i on i.rfx_id = r.id
    where r.kind = 'project' and r.status in ('approved', 'closed')
  union all
  select g.id, 'user', o.user_id, 'buyer'
    from public.rfxs g
    join public.rfx_opener o on o.rfx_id = g.parent_id
    join nokkel.rfx_live_user l on l.rfx_id = g.parent_id and l.user_id = o.user_id and l.role = 'buyer'
    where g.kind = 'opening'
  union all
  select g.id, 'company', g.company_id, 'buyer' from public.rfxs g where g.kind = 'opening'
  union all
  select g.id, 'user', m.user_id, 'supplier'
    from public.rfxs g
    join public.rfxs r on r.id = g.parent_id and r.status in ('approved', 'closed')
    join public.rfx_invitation i on i.rfx_id = r.id and i.company_id = g.company_id
    join public.company_member m on m.company_id = g.company_id
    where g.kind = 'bidder'
      and not exists (select from public.rfx_exclusion x where x.rfx_id = r.id and x.user_id = m.user_id)
  union all
  select g.id, 'company', g.company_id, 'supplier'
    from public.rfxs g
    join public.rfxs r on r.id = g.parent_id and r.status in ('approved', 'closed')
    join public.rfx_invitation i on i.rfx_id = r.id and i.company_id = g.company_id
    where g.kind = 'bidder';

-- The role of somebody in a group now; null for who is not in it. In a project of other software nobody has one.
create function nokkel.rfx_role_of(p_group uuid, p_user uuid) returns text
  language sql stable security definer set search_path = '' as $$
  select m.role from nokkel.rfx_live_member m where m.rfx_id = p_group and m.owner = 'user' and m.owner_id = p_user
$$;

-- The role of the person in a group of the organisation of the session.
create function nokkel.rfx_role(p_group uuid) returns text
  language sql stable security definer set search_path = '' as $$
  select nokkel.rfx_role_of(r.id, nokkel.user_id()) from public.rfxs r
  where r.id = p_group and r.organization_id = nokkel.organization_id()
$$;
grant execute on function nokkel.rfx_role(uuid) to authenticated;

create or replace function nokkel.is_rfx_member(p_rfx uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.rfxs r
    where r.id = p_rfx and r.organization_id = nokkel.organization_id() and case
      when r.company_id is not null then nokkel.rfx_role_of(r.id, nokkel.user_id()) is not null
      else exists (select from public.rfx_key_members m where m.rfx_id = r.id and m.user_id = nokkel.user_id())
        or exists (
          select from public.rfx_key_companies w join public.company_member c using (company_id)
          where w.rfx_id = r.id and c.user_id = nokkel.user_id())
      end
  )
$$;

-- Of a group, whoever is in it now also opens an earlier version that is wrapped to them, without a wrap of the present one.
create or replace function nokkel.user_wrap(p_rfx uuid, p_version integer, p_user uuid, p_organization uuid)
  returns table (key_id uuid, encrypted_symmetric_key text)
  language sql stable rows 1 set search_path = '' as $$
  select case when r.key_version = p_version then m.key_id else h.user_key_id end,
    case when r.key_version = p_version then m.encrypted_symmetric_key else h.encrypted_symmetric_key end
  from public.rfxs r
  left join public.rfx_key_members m on m.rfx_id = r.id and m.user_id = p_user
  left join public.rfx_key_history h on h.rfx_id = r.id and h.version = p_version and h.user_id = p_user
  where r.id = p_rfx and r.organization_id = p_organization and case
    when r.company_id is null then m.user_id is not null
    else nokkel.rfx_role_of(r.id, p_user) is not null end
$$;

create or replace function nokkel.company_wrap(p_rfx uuid, p_version integer, p_user uuid, p_organization uuid)
  returns table (company_id uuid, key_id uuid, encrypted_symmetric_key text)
  language sql stable rows 1 set search_path = '' as $$
  select c.company_id, case when r.key_version = p_version then m.key_id else h.company_key_id end,
    case when r.key_version = p_version then m.encrypted_symmetric_key else h.encrypted_symmetric_key end
  from public.rfxs r
  join public.company_member c on c.user_id = p_user and c.organization_id = p_organization
  left join public.rfx_key_companies m on m.rfx_id = r.id and m.company_id = c.company_id
  left join public.rfx_key_history h on h.rfx_id = r.id and h.version = p_version and h.company_id = c.company_id
  where r.id = p_rfx and r.organization_id = p_organization
    and case when r.key_version = p_version then m.company_id is not null else h.company_key_id is not null end
    and case when r.company_id is null then m.company_id is not null
      else nokkel.rfx_role_of(r.id, p_user) is not null end
  order by c.company_id
$$;

-- Who goes, goes in the same transaction ---------------------------------------------------------------------------------

create table nokkel.rfx_key_attempt (
  id uuid primary key,
  rfx_id uuid not null references public.rfxs on delete cascade,
  version integer not null check (version >= 2),
  previous_key bytea not null check (length(previous_key) = 80),
  created_by uuid not null references public.app_user on delete cascade,
  created_at timestamptz not null default now()
);
create index rfx_key_attempt_rfx on nokkel.rfx_key_attempt (rfx_id);
create index rfx_key_attempt_user on nokkel.rfx_key_attempt (created_by);
call nokkel.protect('nokkel.rfx_key_attempt');

-- Nothing is written in a closed project any more, so it keeps its keys.
create function nokkel.ask_for_rfx_version(p_group uuid) returns void
  language sql security definer set search_path = '' as $$
  update public.rfxs r set rekey_pending = true
  where r.id = p_group and r.company_id is not null
    and (select p.status from public.rfxs p where p.id = coalesce(r.parent_id, r.id)) <> 'closed'
$$;

-- Locks groups and the projects they are in, each project before the groups in it: the order in which all take them who change several.
create function nokkel.hold_rfxs(p_groups uuid[]) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  perform from public.rfxs r
    where r.id = any (p_groups || array(
      select g.parent_id from public.rfxs g where g.id = any (p_groups) and g.parent_id is not null))
    order by coalesce(r.parent_id, r.id), r.parent_id is not null, r.id for no key update;
end
$$;

-- Locks the groups in the order of hold_rfxs; takes the wraps from whoever is not in them any more, and asks for a new key where somebody had the
-- old one. p_through: the companies through which somebody could read who has gone, without a wrap of their own.
-- Every change of a group locks its row first, so that whoever waits for the lock judges by what is committed then.
create function nokkel.prune_rfxs(p_groups uuid[], p_through uuid[]) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_group record;
  v_gone uuid[];
  v_gone_companies uuid[];
begin
  for v_group in
    select r.id from public.rfxs r
    where r.id = any (p_groups) and r.company_id is not null
    order by coalesce(r.parent_id, r.id), r.parent_id is not null, r.id for no key update
  loop
    v_gone := array(
      select m.user_id from public.rfx_key_members m where m.rfx_id = v_group.id
      union
      -- What they said does not open may have opened.
      select b.user_id from nokkel.rfx_broken_wrap b where b.rfx_id = v_group.id
      except
      select l.owner_id from nokkel.rfx_live_member l where l.rfx_id = v_group.id and l.owner = 'user');
    v_gone_companies := array(
      select m.company_id from public.rfx_key_companies m where m.rfx_id = v_group.id
      except
      select l.owner_id from nokkel.rfx_live_member l where l.rfx_id = v_group.id and l.owner = 'company');
    delete from public.rfx_key_members m where m.rfx_id = v_group.id and m.user_id = any (v_gone);
    delete from public.rfx_key_companies m where m.rfx_id = v_group.id and m.company_id = any (v_gone_companies);
    delete from nokkel.rfx_broken_wrap b where b.rfx_id = v_group.id and b.user_id = any (v_gone);
    delete from public.rfx_key_history h where h.rfx_id = v_group.id and coalesce(h.user_id, h.company_id) in (
      select coalesce(x.user_id, x.company_id) from public.rfx_key_history x where x.rfx_id = v_group.id
      except
      select l.owner_id from nokkel.rfx_live_member l where l.rfx_id = v_group.id);
    delete from nokkel.rfx_key_attempt a where a.rfx_id = v_group.id;
    if cardinality(v_gone) + cardinality(v_gone_companies) > 0 or exists (
      select from public.rfx_key_companies m where m.rfx_id = v_group.id and m.company_id = any (p_through)
    ) then
      perform nokkel.ask_for_rfx_version(v_group.id);
    end if;
  end loop;
end
$$;

-- Whoever is no buyer any more opens no bids, also when they come back.
create function nokkel.remove_opener(p_rfx uuid, p_user uuid, p_request uuid) returns boolean
  language plpgsql security definer set search_path = '' as $$
begin
  delete from public.rfx_opener o where o.rfx_id = p_rfx and o.user_id = p_user;
  if not found then return false; end if;
  perform nokkel.audit(r.organization_id, nokkel.user_id(), 'rfx_opener.remove', 'rfx', p_rfx || '/' || p_user, null, p_request)
    from public.rfxs r where r.id = p_rfx;
  return true;
end
$$;

-- A colleague who left: every group that their company is in or will be, and they were not kept out of. Also of projects that
-- have not come so far: they may at this moment.
create function nokkel.prune_after_company_member() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  -- The company first: a project or group that it is coming into at this moment is there then.
  perform from public.company c where c.id = old.company_id for no key update;
  perform nokkel.prune_rfxs(array(
    select r.id from public.rfxs r
    where (r.company_id = old.company_id
        or r.id in (select i.rfx_id from public.rfx_invitation i where i.company_id = old.company_id))
      and (r.kind <> 'opening' or exists (
        select from public.rfx_opener o where o.rfx_id = r.parent_id and o.user_id = old.user_id))
      and not exists (
        select from public.rfx_exclusion x where x.rfx_id = coalesce(r.parent_id, r.id) and x.user_id = old.user_id)
    except
    select l.rfx_id from nokkel.rfx_live_member l where l.owner = 'user' and l.owner_id = old.user_id
  ), array[old.company_id]);
  -- Only now: what they could read through the company was to be seen above.
  perform nokkel.remove_opener(r.id, old.user_id, null) from public.rfxs r
    join public.rfx_opener o on o.rfx_id = r.id and o.user_id = old.user_id
    where r.company_id = old.company_id
    order by r.id;
  return null;
end
$$;
create trigger prune_rfxs after delete on public.company_member
  for each row execute function nokkel.prune_after_company_member();

-- A developer who is one no longer: every project of the organisation, also one that is being sent for review at this moment.
create function nokkel.prune_after_developer() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  perform nokkel.prune_rfxs(array(
    select r.id from public.rfxs r
    where r.organization_id = old.organization_id and r.kind = 'project' and r.company_id is not null
    except
    select l.rfx_id from nokkel.rfx_live_member l where l.owner = 'user' and l.owner_id = old.user_id
  ), '{}');
  return null;
end
$$;
create trigger prune_rfxs_update after update of is_developer on public.organization_member
  for each row when (old.is_developer and not new.is_developer) execute function nokkel.prune_after_developer();
create trigger prune_rfxs_delete after delete on public.organization_member
  for each row when (old.is_developer) execute function nokkel.prune_after_developer();

-- A company that is withdrawn, a person who is excluded, an opener who is dismissed: the groups that they were in.
create function nokkel.prune_after_party() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  if tg_table_name = 'rfx_invitation' then
    delete from public.rfxs r where r.parent_id = old.rfx_id and r.kind = 'bidder' and r.company_id = old.company_id;
    perform nokkel.prune_rfxs(array[old.rfx_id], '{}');
  elsif tg_table_name = 'rfx_opener' then
    perform nokkel.prune_rfxs(
      array(select r.id from public.rfxs r where r.parent_id = old.rfx_id and r.kind = 'opening'),
      array(select m.company_id from public.company_member m where m.user_id = old.user_id));
  else
    perform nokkel.prune_rfxs(array(
      select r.id from public.rfxs r where r.id = new.rfx_id or r.parent_id = new.rfx_id and case r.kind
        when 'opening' then exists (select from public.rfx_opener o where o.rfx_id = new.rfx_id and o.user_id = new.user_id)
        else exists (select from public.company_member m where m.company_id = r.company_id and m.user_id = new.user_id) end
    ), array(select m.company_id from public.company_member m where m.user_id = new.user_id));
  end if;
  return null;
end
$$;
create trigger prune_rfxs after delete on public.rfx_invitation for each row execute function nokkel.prune_after_party();
create trigger prune_rfxs after insert on public.rfx_exclusion for each row execute function nokkel.prune_after_party();
create trigger prune_rfxs after delete on public.rfx_opener for each row execute function nokkel.prune_after_party();

-- People and companies that are deleted leave first: what references them goes in no order that could be relied on.
create function nokkel.leave_everything() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  if tg_table_name = 'app_user' then
    delete from public.organization_member m where m.user_id = old.auth_user_id;
  else
    delete from public.company_member m where m.company_id = old.id;
    delete from public.rfx_invitation i where i.company_id = old.id;
  end if;
  return old;
end
$$;
create trigger leave_everything before delete on public.app_user for each row execute function nokkel.leave_everything();
create trigger leave_everything before delete on public.company for each row execute function nokkel.leave_everything();

-- Marks a key as compromised, and every version that it opens or could open once. Gives how many these are. Nothing is wrapped to
-- the key any more once it is held, so the groups are known before they are locked, and all are locked before a version is marked.
create or replace function nokkel.revoke_key(
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
  perform nokkel.hold_rfxs(array(
    select w.rfx_id from nokkel.rfx_wrap w where w.key_id = p_key
    union
    select w.rfx_id from nokkel.moved_wrap w where w.user_key_id = p_key
    union
    select w.rfx_id from nokkel.moved_wrap w where w.company_key_id = p_key
  ));
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

-- A version that a compromised key could open. Whoever marks it holds its group by now.
create function nokkel.rekey_compromised() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  perform nokkel.hold_rfxs(array[new.rfx_id]);
  perform nokkel.ask_for_rfx_version(r.id) from public.rfxs r where r.id = new.rfx_id and r.key_version = new.version;
  delete from nokkel.rfx_key_attempt a where a.rfx_id = new.rfx_id;
  return null;
end
$$;
create trigger rekey_compromised after insert or update of compromised_at on public.rfx_key_version
  for each row when (new.compromised_at is not null) execute function nokkel.rekey_compromised();

-- The life of a project --------------------------------------------------------------------------------------------------

-- Locks a project for who is live in it, and gives it.
create function nokkel.hold_rfx(p_rfx uuid, variadic p_roles text[]) returns public.rfxs
  language plpgsql security definer set search_path = '' as $$
declare
  v_rfx public.rfxs;
  v_role text;
begin
  select * into v_rfx from public.rfxs r
    where r.id = p_rfx and r.kind = 'project' and r.organization_id = nokkel.organization_id() for no key update;
  v_role := nokkel.rfx_role(p_rfx);
  if v_rfx.id is null or v_role is null then perform nokkel.refuse('not_found'); end if;
  if v_role <> all (p_roles) then perform nokkel.refuse('forbidden'); end if;
  return v_rfx;
end
$$;

create function nokkel.audit_rfx(p_action text, p_subject_type text, p_subject text, p_request uuid) returns void
  language sql security definer set search_path = '' as
  $$ select nokkel.audit(nokkel.organization_id(), nokkel.user_id(), p_action, p_subject_type, p_subject, null, p_request) $$;

-- A draft, which nobody else has read.
create function nokkel.delete_rfx(p_rfx uuid, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  if (nokkel.hold_rfx(p_rfx, 'buyer')).status <> 'draft' then perform nokkel.refuse('rfx_status'); end if;
  delete from public.rfxs r where r.id = p_rfx;
  perform nokkel.audit_rfx('rfx.delete', 'rfx', p_rfx::text, p_request);
end
$$;

-- Bids are not lost with one person: there is an opener, and somebody besides them has the opening key. p_without: who is about to go.
create function nokkel.require_openers(p_rfx uuid, p_without uuid default null) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_group constant uuid := (select g.id from public.rfxs g where g.parent_id = p_rfx and g.kind = 'opening');
  v_openers constant uuid[] := array(
    select l.owner_id from nokkel.rfx_live_member l
    where l.rfx_id = v_group and l.owner = 'user' and l.owner_id is distinct from p_without);
begin
  if cardinality(v_openers) = 0 then perform nokkel.refuse('openers_missing', '{"wanted": "opener"}'); end if;
  if not exists (
    select from public.rfx_key_companies m
    join public.rfxs g on g.id = m.rfx_id and g.company_id = m.company_id
    join public.company_key k on k.id = m.key_id and k.company_id = m.company_id and k.state in ('active', 'superseded')
    where m.rfx_id = v_group
  ) and (
    select count(*) from public.rfx_key_members m
    join public.user_key k on k.id = m.key_id and k.user_id = m.user_id and k.state in ('active', 'superseded')
    where m.rfx_id = v_group and m.user_id = any (v_openers)
  ) < 2 then
    perform nokkel.refuse('openers_missing', '{"wanted": "company_key_or_second_opener"}');
  end if;
end
$$;

-- Before somebody stops being an opener, while suppliers are in a project with a deadline.
create function nokkel.require_other_openers(p_rfx public.rfxs, p_user uuid) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  if p_rfx.status in ('approved', 'closed') and p_rfx.deadline is not null then
    perform nokkel.require_openers(p_rfx.id, p_user);
  end if;
end
$$;

-- What must be so before suppliers are let in, and while they are.
create function nokkel.require_bid_terms(p_rfx public.rfxs) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  if p_rfx.deadline is null then return; end if;
  if p_rfx.deadline <= clock_timestamp() then perform nokkel.refuse('deadline_passed'); end if;
  perform nokkel.require_openers(p_rfx.id);
end
$$;

-- draft → in_review (a buyer) → approved (a developer) → closed (a buyer, not before the deadline). Asked for again: nothing.
-- p_sequence: the newest entry that was read before others are let in; null when that is not said.
create function nokkel.change_rfx_status(p_rfx uuid, p_status text, p_sequence integer, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_rfx constant public.rfxs := nokkel.hold_rfx(p_rfx, 'buyer', 'developer');
  v_role constant text := nokkel.rfx_role(p_rfx);
  v_last integer;
begin
  if p_status is null then perform nokkel.refuse('request_malformed'); end if;
  if v_role <> (case p_status when 'approved' then 'developer' else 'buyer' end) then perform nokkel.refuse('forbidden'); end if;
  if v_rfx.status = p_status then return; end if;
  if (v_rfx.status, p_status) not in (('draft', 'in_review'), ('in_review', 'approved'), ('approved', 'closed')) then
    perform nokkel.refuse('rfx_status', jsonb_build_object('status', v_rfx.status));
  end if;
  if p_status <> 'closed' then
    if v_rfx.rekey_pending then perform nokkel.refuse('rekey_pending'); end if;
    select coalesce(max(e.sequence), 0) into v_last from public.rfx_entry e where e.rfx_id = p_rfx;
    if p_sequence <> v_last then perform nokkel.refuse('sequence_stale', jsonb_build_object('sequence', v_last)); end if;
  end if;
  if p_status = 'approved' then
    if not exists (select from public.rfx_invitation i where i.rfx_id = p_rfx) then perform nokkel.refuse('suppliers_missing'); end if;
    perform nokkel.require_bid_terms(v_rfx);
  end if;
  if p_status = 'closed' and v_rfx.deadline > clock_timestamp() then perform nokkel.refuse('deadline_not_passed'); end if;
  update public.rfxs r set status = p_status,
      sent_at = case when p_status = 'in_review' then now() else r.sent_at end,
      approved_at = case when p_status = 'approved' then now() else r.approved_at end,
      approved_by = case when p_status = 'approved' then nokkel.user_id() else r.approved_by end,
      closed_at = case when p_status = 'closed' then now() end
    where r.id = p_rfx;
  if p_status = 'closed' then
    -- It keeps the keys it has.
    perform nokkel.hold_rfxs(array(select r.id from public.rfxs r where r.parent_id = p_rfx));
    update public.rfxs r set rekey_pending = false where r.id = p_rfx or r.parent_id = p_rfx;
    delete from nokkel.rfx_key_attempt a using public.rfxs r where r.id = a.rfx_id and (r.id = p_rfx or r.parent_id = p_rfx);
  end if;
  perform nokkel.audit_rfx('rfx.' || p_status, 'rfx', p_rfx::text, p_request);
end
$$;

-- Before the project is approved a deadline is moved at will; afterwards only by who may name openers, to a later time, and not once
-- it has passed. Bids do not stay sealed for ever.
create function nokkel.set_rfx_deadline(p_rfx uuid, p_deadline timestamptz, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_rfx public.rfxs := nokkel.hold_rfx(p_rfx, 'buyer');
begin
  if v_rfx.deadline is not distinct from p_deadline then return; end if;
  if not isfinite(p_deadline) or p_deadline > clock_timestamp() + interval '2 years' then
    perform nokkel.refuse('request_malformed');
  end if;
  if v_rfx.status = 'approved' and not nokkel.may_name_openers(p_rfx) then perform nokkel.refuse('forbidden'); end if;
  if v_rfx.status = 'closed' then perform nokkel.refuse('rfx_status', jsonb_build_object('status', v_rfx.status)); end if;
  if p_deadline <= clock_timestamp() then perform nokkel.refuse('deadline_passed'); end if;
  if v_rfx.status = 'approved' then
    if v_rfx.deadline <= clock_timestamp() then perform nokkel.refuse('deadline_passed'); end if;
    if p_deadline is null or p_deadline < v_rfx.deadline then perform nokkel.refuse('deadline_shortened'); end if;
    v_rfx.deadline := p_deadline;
    perform nokkel.require_bid_terms(v_rfx);
  end if;
  update public.rfxs r set deadline = p_deadline where r.id = p_rfx;
  perform nokkel.audit_rfx('rfx.deadline', 'rfx', p_rfx || '/' || coalesce(
    to_char(p_deadline at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'none'), p_request);
end
$$;

-- Not the buyer itself, and nobody once the project is closed.
create function nokkel.invite_to_rfx(p_rfx uuid, p_company uuid, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_rfx public.rfxs;
  v_found boolean;
begin
  -- The company before the project, as whoever leaves the company takes them.
  perform from public.company c where c.id = p_company and c.organization_id = nokkel.organization_id() for share;
  v_found := found;
  v_rfx := nokkel.hold_rfx(p_rfx, 'buyer');
  if v_rfx.status = 'closed' then perform nokkel.refuse('rfx_status', jsonb_build_object('status', v_rfx.status)); end if;
  if not v_found then perform nokkel.refuse('not_found'); end if;
  if p_company = v_rfx.company_id then perform nokkel.refuse('conflict'); end if;
  insert into public.rfx_invitation (rfx_id, company_id, organization_id, invited_by)
    values (p_rfx, p_company, v_rfx.organization_id, nokkel.user_id()) on conflict do nothing;
  if not found then return; end if;
  perform nokkel.audit_rfx('rfx_invitation.create', 'rfx', p_rfx || '/' || p_company, p_request);
end
$$;

-- With its bid, which nobody has read: so not after the deadline.
create function nokkel.withdraw_from_rfx(p_rfx uuid, p_company uuid, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_rfx constant public.rfxs := nokkel.hold_rfx(p_rfx, 'buyer');
begin
  if v_rfx.status = 'closed' then perform nokkel.refuse('rfx_status', jsonb_build_object('status', v_rfx.status)); end if;
  if v_rfx.status = 'approved' and v_rfx.deadline <= clock_timestamp() then perform nokkel.refuse('deadline_passed'); end if;
  delete from public.rfx_invitation i where i.rfx_id = p_rfx and i.company_id = p_company;
  if not found then perform nokkel.refuse('not_found'); end if;
  perform nokkel.audit_rfx('rfx_invitation.remove', 'rfx', p_rfx || '/' || p_company, p_request);
end
$$;

-- Anybody but oneself; and who is not in it now is none of the buyer's business. Those on whom the opening of bids depends only by who
-- decides on that.
create function nokkel.exclude_from_rfx(p_rfx uuid, p_user uuid, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_rfx public.rfxs;
  v_opens boolean;
begin
  -- People before projects, as whoever deletes an account takes them.
  perform from public.app_user u where u.auth_user_id = p_user for key share;
  v_rfx := nokkel.hold_rfx(p_rfx, 'buyer');
  if p_user = nokkel.user_id() then perform nokkel.refuse('conflict'); end if;
  if exists (select from public.rfx_exclusion x where x.rfx_id = p_rfx and x.user_id = p_user) then return; end if;
  if nokkel.rfx_role_of(p_rfx, p_user) is null then perform nokkel.refuse('not_found'); end if;
  v_opens := exists (select from public.rfx_opener o where o.rfx_id = p_rfx and o.user_id = p_user);
  if (v_opens or v_rfx.created_by = p_user or exists (
    select from public.company_member m where m.company_id = v_rfx.company_id and m.user_id = p_user and m.role = 'administrator'
  )) and not nokkel.may_name_openers(p_rfx) then
    perform nokkel.refuse('forbidden');
  end if;
  if v_opens then perform nokkel.require_other_openers(v_rfx, p_user); end if;
  insert into public.rfx_exclusion (rfx_id, user_id, excluded_by) values (p_rfx, p_user, nokkel.user_id());
  -- Only now: the trigger of the exclusion was to see whom the opening group loses.
  perform nokkel.remove_opener(p_rfx, p_user, p_request);
  perform nokkel.audit_rfx('rfx_member.remove', 'rfx', p_rfx || '/' || p_user, p_request);
end
$$;

create function nokkel.readmit_to_rfx(p_rfx uuid, p_user uuid, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  perform nokkel.hold_rfx(p_rfx, 'buyer');
  delete from public.rfx_exclusion x where x.rfx_id = p_rfx and x.user_id = p_user;
  if not found then perform nokkel.refuse('not_found'); end if;
  perform nokkel.audit_rfx('rfx_member.readmit', 'rfx', p_rfx || '/' || p_user, p_request);
end
$$;

-- Openers are named among the buyers, by who made the project or an administrator of the buyer company. The key of the opening
-- group is wrapped to that company too: whoever is named when the others are gone reads through it.
create function nokkel.may_name_openers(p_rfx uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.rfxs r
    where r.id = p_rfx and nokkel.rfx_role(r.id) = 'buyer'
      and (r.created_by = nokkel.user_id() or nokkel.company_role(r.company_id) = 'administrator')
  )
$$;

create function nokkel.hold_rfx_to_name_openers(p_rfx uuid) returns public.rfxs
  language plpgsql security definer set search_path = '' as $$
declare
  v_rfx constant public.rfxs := nokkel.hold_rfx(p_rfx, 'buyer');
begin
  if not nokkel.may_name_openers(p_rfx) then perform nokkel.refuse('forbidden'); end if;
  return v_rfx;
end
$$;

create function nokkel.name_opener(p_rfx uuid, p_user uuid, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  -- People and companies before projects. Nobody leaves the company while they are named.
  perform from public.app_user u where u.auth_user_id = p_user for key share;
  perform from public.company c where c.id = (
    select r.company_id from public.rfxs r where r.id = p_rfx and r.organization_id = nokkel.organization_id()) for share;
  perform nokkel.hold_rfx_to_name_openers(p_rfx);
  if nokkel.rfx_role_of(p_rfx, p_user) is distinct from 'buyer' then perform nokkel.refuse('not_found'); end if;
  insert into public.rfx_opener (rfx_id, user_id, named_by) values (p_rfx, p_user, nokkel.user_id()) on conflict do nothing;
  if not found then return; end if;
  perform nokkel.audit_rfx('rfx_opener.create', 'rfx', p_rfx || '/' || p_user, p_request);
end
$$;

create function nokkel.dismiss_opener(p_rfx uuid, p_user uuid, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_rfx constant public.rfxs := nokkel.hold_rfx_to_name_openers(p_rfx);
begin
  if not exists (select from public.rfx_opener o where o.rfx_id = p_rfx and o.user_id = p_user) then
    perform nokkel.refuse('not_found');
  end if;
  perform nokkel.require_other_openers(v_rfx, p_user);
  perform nokkel.remove_opener(p_rfx, p_user, p_request);
end
$$;

-- Developers are named by administrators of the organisation.
create function nokkel.set_developer(p_user uuid, p_developer boolean, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  if p_developer is null then perform nokkel.refuse('request_malformed'); end if;
  if nokkel.organization_id() is null or not nokkel.has_role(nokkel.organization_id(), 'administrator') then
    perform nokkel.refuse('forbidden');
  end if;
  if not exists (
    select from public.organization_member m where m.organization_id = nokkel.organization_id() and m.user_id = p_user
  ) then
    perform nokkel.refuse('not_found');
  end if;
  update public.organization_member m set is_developer = p_developer
    where m.organization_id = nokkel.organization_id() and m.user_id = p_user and m.is_developer <> p_developer;
  if not found then return; end if;
  perform nokkel.audit_rfx(case when p_developer then 'developer.create' else 'developer.remove' end, 'app_user', p_user::text, p_request);
end
$$;

create function nokkel.developers() returns table (id uuid, name text)
  language sql stable security definer set search_path = '' as $$
  select u.auth_user_id, u.name
  from public.organization_member m join public.app_user u on u.auth_user_id = m.user_id
  where m.organization_id = nokkel.organization_id() and m.is_developer
  order by u.name, u.auth_user_id
$$;

grant execute on function nokkel.delete_rfx(uuid, uuid),
  nokkel.change_rfx_status(uuid, text, integer, uuid), nokkel.set_rfx_deadline(uuid, timestamptz, uuid),
  nokkel.invite_to_rfx(uuid, uuid, uuid), nokkel.withdraw_from_rfx(uuid, uuid, uuid),
  nokkel.exclude_from_rfx(uuid, uuid, uuid), nokkel.readmit_to_rfx(uuid, uuid, uuid),
  nokkel.name_opener(uuid, uuid, uuid), nokkel.dismiss_opener(uuid, uuid, uuid),
  nokkel.set_developer(uuid, boolean, uuid), nokkel.developers() to authenticated;

-- Suppliers see neither each other nor who was excluded.
create function nokkel.is_rfx_client(p_rfx uuid) returns boolean
  language sql stable security definer set search_path = '' as
  $$ select coalesce(nokkel.rfx_role(p_rfx) in ('buyer', 'developer'), false) $$;
grant execute on function nokkel.is_rfx_client(uuid) to authenticated;

grant select on public.rfx_invitation, public.rfx_exclusion, public.rfx_opener to authenticated;
create policy "buyers and developers see who is invited, suppliers themselves" on public.rfx_invitation for select to authenticated
  using (nokkel.is_rfx_client(rfx_id) or nokkel.company_role(company_id) is not null and nokkel.is_rfx_member(rfx_id));
create policy "buyers and developers see who is excluded" on public.rfx_exclusion for select to authenticated
  using (nokkel.is_rfx_client(rfx_id));
create policy "members see who opens bids" on public.rfx_opener for select to authenticated
  using (nokkel.is_rfx_member(rfx_id));

-- Companies and people of a project by name, as far as the person may know them:
--   supplier  invited companies, for suppliers only those they are in
--   excluded  who is kept out, for buyers and developers
--   opener    who opens bids, for everyone
create function nokkel.rfx_parties(p_rfx uuid) returns table (kind text, id uuid, name text, added_at timestamptz)
  language sql stable security definer set search_path = '' as $$
  select x.kind, x.id, x.name, x.added_at
  from (
    select 'supplier' as kind, c.id, c.name, i.created_at as added_at
      from public.rfx_invitation i join public.company c on c.id = i.company_id
      where i.rfx_id = p_rfx and ((select nokkel.is_rfx_client(p_rfx)) or nokkel.company_role(i.company_id) is not null)
    union all
    select 'excluded', u.auth_user_id, u.name, e.created_at
      from public.rfx_exclusion e join public.app_user u on u.auth_user_id = e.user_id
      where e.rfx_id = p_rfx and (select nokkel.is_rfx_client(p_rfx))
    union all
    select 'opener', u.auth_user_id, u.name, o.created_at
      from public.rfx_opener o join public.app_user u on u.auth_user_id = o.user_id
      where o.rfx_id = p_rfx and nokkel.rfx_role_of(p_rfx, o.user_id) = 'buyer'
  ) x
  where (select nokkel.rfx_role(p_rfx)) is not null
  order by x.kind, x.name, x.id
$$;
grant execute on function nokkel.may_name_openers(uuid), nokkel.rfx_parties(uuid) to authenticated;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121100000' $$;

reset role;
