set role nokkel_owner;

-- Merging two accounts of one person, and undoing it. docs/spec/merge.md

create table nokkel.account_merge (
  id uuid primary key default gen_random_uuid(),
  duplicate_id uuid not null unique references nokkel.suspected_duplicate on delete cascade,
  survivor_id uuid not null references public.app_user on delete cascade,
  other_id uuid not null unique references public.app_user on delete cascade,
  merged_at timestamptz not null default now(),
  -- Logins, live sessions and active devices of the account that is kept: what is there later and not among them has come since.
  survivor_had uuid[] not null,
  -- The transaction that merges or undoes, while it does: what it moves has not left.
  working xid8,
  check (survivor_id <> other_id)
);
create index account_merge_survivor on nokkel.account_merge (survivor_id);
create index account_merge_merged_at on nokkel.account_merge (merged_at);
create index account_merge_working on nokkel.account_merge (working) where working is not null;
call nokkel.protect('nokkel.account_merge');

-- For how long a merge can be undone.
create function nokkel.undo_period() returns interval language sql immutable set search_path = '' as $$ select interval '30 days' $$;

-- Every row that a merge changed, in order, as it was and as it was left; one of both is null for a row that came or went.
create table nokkel.account_merge_row (
  merge_id uuid not null references nokkel.account_merge on delete cascade,
  n bigint not null generated always as identity,
  table_name text not null,
  -- Goes back only if nothing of it has changed since, not only what the merge changed.
  is_exact boolean not null,
  before jsonb,
  after jsonb,
  -- Of a group: who was in it and had its key when the merge was done.
  fingerprint bytea check (length(fingerprint) = 32),
  -- What wraps the envelope in the image.
  master_key_id text references nokkel.master_key_version,
  primary key (merge_id, n),
  check (num_nonnulls(before, after) > 0)
);
create index account_merge_row_master_key on nokkel.account_merge_row (master_key_id);
call nokkel.protect('nokkel.account_merge_row');

-- Nobody becomes an account that has been merged ---------------------------------------------------------------------------

-- Waits for a merge that is under way.
create function nokkel.require_account() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  perform from public.app_user u where u.auth_user_id = new.user_id for key share;
  if exists (select from nokkel.former_account f where f.user_id = new.user_id) then perform nokkel.refuse('conflict'); end if;
  return new;
end
$$;
create trigger require_account before insert on nokkel.session for each row execute function nokkel.require_account();
create trigger require_account before insert or update of user_id on public.external_identity
  for each row execute function nokkel.require_account();
create trigger require_account before insert on public.organization_member
  for each row execute function nokkel.require_account();

-- Former accounts go with the one they became ------------------------------------------------------------------------------

create function nokkel.delete_former_account() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  delete from public.app_user u where u.auth_user_id = old.user_id and not exists (
    select from public.app_user s where s.auth_user_id = old.survivor_id);
  return null;
end
$$;
-- Not of app_user: one statement may delete both.
create trigger delete_former_account after delete on nokkel.former_account
  for each row execute function nokkel.delete_former_account();

-- A key that is destroyed is nowhere any more ------------------------------------------------------------------------------

create function nokkel.forget_key_images() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  delete from nokkel.account_merge_row j
    where j.table_name = 'public.user_key' and coalesce(j.after, j.before) ->> 'id' = old.id::text
      or j.table_name = 'public.app_user' and old.public_key in (j.before ->> 'public_key', j.after ->> 'public_key');
  return null;
end
$$;
create trigger forget_key_images after update of encrypted_private_key on public.user_key for each row
  when (old.encrypted_private_key is not null and new.encrypted_private_key is null) execute function nokkel.forget_key_images();
create trigger forget_deleted_key_images after delete on public.user_key for each row execute function nokkel.forget_key_images();

-- Whose memberships move has not left --------------------------------------------------------------------------------------

-- A membership moves with those that depend on it, one statement after the other.
alter table public.company_member
  alter constraint company_member_organization_id_user_id_fkey deferrable initially immediate;

create function nokkel.is_merging(p_user uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from nokkel.account_merge m
    where m.working = pg_catalog.pg_current_xact_id_if_assigned() and p_user in (m.survivor_id, m.other_id))
$$;

create or replace function nokkel.prune_after_company_member() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  if nokkel.is_merging(old.user_id) then return null; end if;
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

create or replace function nokkel.prune_after_developer() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  if nokkel.is_merging(old.user_id) then return null; end if;
  perform nokkel.prune_rfxs(array(
    select r.id from public.rfxs r
    where r.organization_id = old.organization_id and r.kind = 'project' and r.company_id is not null
    except
    select l.rfx_id from nokkel.rfx_live_member l where l.owner = 'user' and l.owner_id = old.user_id
  ), '{}');
  return null;
end
$$;

create or replace function nokkel.prune_after_party() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  if tg_table_name = 'rfx_invitation' then
    delete from public.rfxs r where r.parent_id = old.rfx_id and r.kind = 'bidder' and r.company_id = old.company_id;
    perform nokkel.prune_rfxs(array[old.rfx_id], '{}');
  elsif tg_table_name = 'rfx_opener' then
    if nokkel.is_merging(old.user_id) then return null; end if;
    perform nokkel.prune_rfxs(
      array(select r.id from public.rfxs r where r.parent_id = old.rfx_id and r.kind = 'opening'),
      array(select m.company_id from public.company_member m where m.user_id = old.user_id));
  else
    if nokkel.is_merging(new.user_id) then return null; end if;
    perform nokkel.prune_rfxs(array(
      select r.id from public.rfxs r where r.id = new.rfx_id or r.parent_id = new.rfx_id and case r.kind
        when 'opening' then exists (select from public.rfx_opener o where o.rfx_id = new.rfx_id and o.user_id = new.user_id)
        else exists (select from public.company_member m where m.company_id = r.company_id and m.user_id = new.user_id) end
    ), array(select m.company_id from public.company_member m where m.user_id = new.user_id));
  end if;
  return null;
end
$$;

-- Who made a project may name its openers, also once they have become another account.
create or replace function nokkel.may_name_openers(p_rfx uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.rfxs r
    where r.id = p_rfx and nokkel.rfx_role(r.id) = 'buyer' and (
      r.created_by = nokkel.user_id() or r.created_by = any (nokkel.former_ids())
      or nokkel.company_role(r.company_id) = 'administrator')
  )
$$;

-- Rows and their images -----------------------------------------------------------------------------------------------------

-- Changes the rows of a table that p_where finds, or deletes them when p_set is null, and notes each. p_where and p_set are ours;
-- $2 is the account that is kept, $3 the other one, $4 are groups, $5 is what the server made anew.
create function nokkel.merge_rows(
  p_merge uuid, p_table text, p_where text, p_set text,
  p_groups uuid[] default '{}', p_made jsonb default '{}', p_exact boolean default false
) returns integer language plpgsql security definer set search_path = '' set timezone = 'UTC' set bytea_output = 'hex' as $$
declare
  v_merge nokkel.account_merge;
  v_count integer;
begin
  select * into strict v_merge from nokkel.account_merge m where m.id = p_merge;
  -- Locked by a statement of its own: the next one sees what another transaction has made of them until then.
  execute format('select from %s t where %s for update', p_table, p_where)
    using p_merge, v_merge.survivor_id, v_merge.other_id, p_groups, p_made;
  if p_set is null then
    execute format($q$
      with gone as (delete from %1$s t where %2$s returning to_jsonb(t) as before)
      insert into nokkel.account_merge_row (merge_id, table_name, is_exact, before, master_key_id)
        select $1, %1$L, true, g.before, g.before ->> 'master_key_id' from gone g order by g.before::text
    $q$, p_table, p_where) using p_merge, v_merge.survivor_id, v_merge.other_id, p_groups, p_made;
  else
    execute format($q$
      with found as materialized (select t.ctid as place, to_jsonb(t) as before from %1$s t where %2$s),
      changed as (
        update %1$s t set %3$s from found where t.ctid = found.place returning found.before, to_jsonb(t) as after
      )
      insert into nokkel.account_merge_row (merge_id, table_name, is_exact, before, after, master_key_id)
        select $1, %1$L, $6, c.before, c.after, c.before ->> 'master_key_id' from changed c order by c.before::text
    $q$, p_table, p_where, p_set) using p_merge, v_merge.survivor_id, v_merge.other_id, p_groups, p_made, p_exact;
  end if;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- How a row of the table is found: by its primary key, or the first unique one.
create function nokkel.row_match(p_table text) returns text
  language sql stable set search_path = '' as $$
  select string_agg(format(case when a.attnotnull then 't.%1$I = r.%1$I' else 't.%1$I is not distinct from r.%1$I' end, a.attname), ' and ')
  from (
    select i.indrelid, i.indkey from pg_catalog.pg_index i
    where i.indrelid = p_table::regclass and i.indisunique and i.indpred is null and i.indexprs is null
    order by i.indisprimary desc, i.indexrelid limit 1
  ) k join pg_catalog.pg_attribute a on a.attrelid = k.indrelid and a.attnum = any (k.indkey::smallint[])
$$;

-- The columns of a row that are written.
create function nokkel.written_columns(p_table text, p_names text[] default null) returns text[]
  language sql stable set search_path = '' as $$
  select coalesce(array_agg(quote_ident(a.attname) order by a.attnum), '{}') from pg_catalog.pg_attribute a
  where a.attrelid = p_table::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    and (p_names is null or a.attname = any (p_names))
$$;

-- The row as it stands now; null when it is gone.
create function nokkel.present_row(p_table text, p_image jsonb) returns jsonb
  language plpgsql set search_path = '' set timezone = 'UTC' set bytea_output = 'hex' as $$
declare
  v_image jsonb;
begin
  execute format('select to_jsonb(t) from jsonb_populate_record(null::%1$s, $1) r join %1$s t on %2$s for update of t',
    p_table, nokkel.row_match(p_table)) into v_image using p_image;
  return v_image;
end
$$;

-- Whether everything is there that a row references.
create function nokkel.has_parents(p_table text, p_image jsonb) returns boolean
  language plpgsql stable set search_path = '' as $$
declare
  v_parent record;
  v_found boolean;
begin
  for v_parent in
    select c.confrelid::regclass as name, string_agg(format('p.%I = r.%I', f.attname, a.attname), ' and ') as match,
      string_agg(format('r.%I is null', a.attname), ' or ') as absent
    from pg_catalog.pg_constraint c
    cross join unnest(c.conkey, c.confkey) k (own, foreign_key)
    join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.own
    join pg_catalog.pg_attribute f on f.attrelid = c.confrelid and f.attnum = k.foreign_key
    where c.conrelid = p_table::regclass and c.contype = 'f' group by c.oid, c.confrelid
  loop
    execute format('select %s or exists (select from %s p where %s) from jsonb_populate_record(null::%s, $1) r',
      v_parent.absent, v_parent.name, v_parent.match, p_table) into v_found using p_image;
    if not v_found then return false; end if;
  end loop;
  return true;
end
$$;

-- Puts one row back as far as it is as the merge left it. False: what it was cannot be told apart from what it has become.
create function nokkel.restore_row(p_row nokkel.account_merge_row) returns boolean
  language plpgsql security definer set search_path = '' set timezone = 'UTC' set bytea_output = 'hex' as $$
declare
  v_match constant text := nokkel.row_match(p_row.table_name);
  v_columns constant text[] := nokkel.written_columns(p_row.table_name);
  v_present constant jsonb := nokkel.present_row(p_row.table_name, coalesce(p_row.after, p_row.before));
  v_changed text[];
begin
  if p_row.after is null then
    if v_present is not null or not nokkel.has_parents(p_row.table_name, p_row.before) then return false; end if;
    execute format('insert into %1$s (%2$s) select %2$s from jsonb_populate_record(null::%1$s, $1)',
      p_row.table_name, array_to_string(v_columns, ', ')) using p_row.before;
    return true;
  end if;
  if v_present is null or p_row.is_exact and v_present <> p_row.after then return false; end if;
  if p_row.before is null then
    execute format('delete from %1$s t using jsonb_populate_record(null::%1$s, $1) r where %2$s', p_row.table_name, v_match)
      using p_row.after;
    return true;
  end if;
  select array_agg(b.key) into v_changed from jsonb_each(p_row.before) b
    where b.value <> p_row.after -> b.key and b.value <> v_present -> b.key;
  if exists (select from unnest(v_changed) c where v_present -> c <> p_row.after -> c) then return false; end if;
  v_changed := nokkel.written_columns(p_row.table_name, v_changed);
  if cardinality(v_changed) = 0 or v_changed is null then return true; end if;
  execute format(
    'update %1$s t set (%2$s) = (select %2$s from jsonb_populate_record(null::%1$s, $2)) from jsonb_populate_record(null::%1$s, $1) r where %3$s',
    p_row.table_name, array_to_string(v_changed, ', '), v_match) using p_row.after, p_row.before;
  return true;
end
$$;

-- Who may, and what is held ---------------------------------------------------------------------------------------------------

-- Locks what was found of a pair of accounts, for an administrator of the organisation it was found in; with everything else that was
-- found of the same pair. p_fresh: only for one who has just logged in.
create function nokkel.hold_duplicate(p_session uuid, p_user uuid, p_organization uuid, p_duplicate uuid, p_fresh boolean)
  returns nokkel.suspected_duplicate language plpgsql security definer set search_path = '' as $$
declare
  v_duplicate nokkel.suspected_duplicate;
begin
  perform nokkel.require_administrator(p_session, p_user, p_organization, p_fresh);
  perform from nokkel.suspected_duplicate d
    where (d.first_id, d.second_id) = (
      select x.first_id, x.second_id from nokkel.suspected_duplicate x where x.id = p_duplicate and x.organization_id = p_organization)
    order by d.id for update;
  select * into v_duplicate from nokkel.suspected_duplicate d where d.id = p_duplicate and d.organization_id = p_organization;
  if v_duplicate.id is null then perform nokkel.refuse('not_found'); end if;
  return v_duplicate;
end
$$;

-- Recorded wherever one of the two is a member: their administrators are to know.
create function nokkel.audit_merge(
  p_organization uuid, p_user uuid, p_action text, p_subject text, p_one uuid, p_other uuid, p_request uuid
) returns void language sql security definer set search_path = '' as $$
  select nokkel.audit(o.id, p_user, p_action, 'duplicate', p_subject, null, p_request) from (
    select p_organization as id
    union
    select m.organization_id from public.organization_member m where m.user_id in (p_one, p_other)
  ) o
$$;

-- Logins first, then people, companies, keys, and each project before the groups in it: as everybody takes them.
create function nokkel.hold_accounts(p_one uuid, p_other uuid, p_groups uuid[] default '{}') returns void
  language plpgsql security definer set search_path = '' as $$
begin
  perform pg_catalog.pg_advisory_xact_lock(hashtextextended(keys.key, 0)) from (
    select 'identity:' || i.provider || ':' || i.client_id || ':' || i.subject as key
      from public.external_identity i where i.user_id in (p_one, p_other)
    union
    select 'personnummer:' || encode(i.personnummer_index, 'hex')
      from public.user_identities i where i.user_id in (p_one, p_other) and i.personnummer_index is not null
  ) keys order by keys.key;
  perform from public.app_user u where u.auth_user_id in (p_one, p_other) order by u.auth_user_id for update;
  perform from public.company c
    where c.id in (select m.company_id from public.company_member m where m.user_id in (p_one, p_other))
    order by c.id for no key update;
  perform from public.user_key k where k.user_id in (p_one, p_other) order by k.id for update;
  perform nokkel.hold_rfxs(array(
    select unnest(p_groups)
    union
    select m.rfx_id from public.rfx_key_members m where m.user_id in (p_one, p_other)
    union
    select h.rfx_id from public.rfx_key_history h where h.user_id in (p_one, p_other)
    union
    select b.rfx_id from nokkel.rfx_broken_wrap b where b.user_id in (p_one, p_other)
    union
    select a.rfx_id from nokkel.rfx_key_attempt a
      where a.created_by in (p_one, p_other) or a.id in (
        select w.attempt_id from nokkel.rfx_attempt_wrap w where w.owner = 'user' and w.owner_id in (p_one, p_other))
    union
    select r.id from public.rfxs r
      join (
        select o.rfx_id from public.rfx_opener o where o.user_id in (p_one, p_other)
        union
        select x.rfx_id from public.rfx_exclusion x where x.user_id in (p_one, p_other)
      ) p on p.rfx_id in (r.id, r.parent_id)
  ));
end
$$;

-- Who is in a group and has its key, and what a compromise of a key has told of it.
create function nokkel.rfx_fingerprint(p_group uuid) returns bytea
  language sql stable security definer set search_path = '' as $$
  select sha256(convert_to(r.key_version || coalesce((
    select string_agg(x.line, E'\n' order by x.line) from (
      select 'member/' || l.owner || '/' || l.owner_id || '/' || l.role as line from nokkel.rfx_live_member l where l.rfx_id = r.id
      union all
      select 'wrap/user/' || m.user_id || '/' || m.key_id from public.rfx_key_members m where m.rfx_id = r.id
      union all
      select 'wrap/company/' || m.company_id || '/' || m.key_id from public.rfx_key_companies m where m.rfx_id = r.id
      union all
      select 'broken/' || b.user_id || '/' || coalesce(b.revision, 0) from nokkel.rfx_broken_wrap b where b.rfx_id = r.id
      union all
      select 'compromised/' || v.version || '/' || extract(epoch from v.compromised_at)
        from public.rfx_key_version v where v.rfx_id = r.id and v.compromised_at is not null
    ) x
  ), ''), 'UTF8'))
  from public.rfxs r where r.id = p_group
$$;

-- The groups that a merge changed.
create function nokkel.merged_groups(p_merge uuid) returns uuid[]
  language sql stable security definer set search_path = '' as $$
  select array(
    select distinct coalesce(j.after, j.before) ->> case j.table_name when 'public.rfxs' then 'id' else 'rfx_id' end
    from nokkel.account_merge_row j
    where j.merge_id = p_merge and (j.table_name = 'public.rfxs' or coalesce(j.after, j.before) ? 'rfx_id'))::uuid[]
$$;

-- Merging --------------------------------------------------------------------------------------------------------------------

-- Begins: both accounts are held, and may be merged by this administrator.
create function nokkel.begin_merge(
  p_session uuid, p_user uuid, p_organization uuid, p_duplicate uuid, p_survivor uuid, p_fresh boolean
) returns uuid language plpgsql security definer set search_path = '' as $$
declare
  v_duplicate constant nokkel.suspected_duplicate := nokkel.hold_duplicate(p_session, p_user, p_organization, p_duplicate, p_fresh);
  v_other uuid;
  v_id uuid;
begin
  if v_duplicate.state <> 'open' then perform nokkel.refuse('duplicate_settled'); end if;
  if p_survivor is null or p_survivor not in (v_duplicate.first_id, v_duplicate.second_id) then
    perform nokkel.refuse('request_malformed');
  end if;
  v_other := case when p_survivor = v_duplicate.first_id then v_duplicate.second_id else v_duplicate.first_id end;
  perform nokkel.hold_accounts(p_survivor, v_other);
  if exists (select from nokkel.former_account f where f.user_id in (p_survivor, v_other)) then
    perform nokkel.refuse('duplicate_settled');
  end if;
  -- What shows that both are theirs reaches no further than the weakest login that could have shown it.
  if p_user in (p_survivor, v_other) or exists (
    select from public.organization_member m join public.organization o on o.id = m.organization_id
    where m.user_id in (p_survivor, v_other) and m.organization_id <> p_organization and case v_duplicate.evidence
      when 'phone_and_email' then true when 'both_logins' then o.minimum_assurance <> 'low' else false end
  ) then
    perform nokkel.refuse('merge_not_allowed');
  end if;
  if nokkel.are_different_people(p_survivor, null, v_other) then perform nokkel.refuse('merge_different_people'); end if;
  if nokkel.is_unadopted(p_survivor, null) or nokkel.is_unadopted(v_other, null) then perform nokkel.refuse('key_not_adopted'); end if;
  insert into nokkel.account_merge as m (duplicate_id, survivor_id, other_id, survivor_had, working)
    values (p_duplicate, p_survivor, v_other, array(
      select i.id from public.external_identity i where i.user_id = p_survivor
      union all
      select s.id from nokkel.session s where s.user_id = p_survivor and s.ended_at is null
      union all
      select d.id from public.device_key d where d.user_id = p_survivor and d.state = 'active'
    ), pg_catalog.pg_current_xact_id()) returning m.id into v_id;
  return v_id;
end
$$;

-- Moves what a person may. p_made: the managed keys and the contact as the server bound them to the account that is kept; in a preview
-- there are none, and nothing of it stands.
create function nokkel.move_account(p_merge uuid, p_made jsonb) returns void
  language plpgsql security definer set search_path = '' set bytea_output = 'hex' set timezone = 'UTC' as $$
declare
  v_merge nokkel.account_merge;
  v_had uuid[];
  v_attempts uuid[];
  v_lost uuid[];
  v_through uuid[];
  v_made jsonb;
  v_survivor public.user_identities;
  v_other public.user_identities;
begin
  select * into strict v_merge from nokkel.account_merge m where m.id = p_merge;
  set constraints public.company_member_organization_id_user_id_fkey deferred;

  -- Keys of projects, before it is judged who is in them.
  v_had := array(
    select m.rfx_id from public.rfx_key_members m where m.user_id = v_merge.other_id
    union
    select b.rfx_id from nokkel.rfx_broken_wrap b where b.user_id = v_merge.other_id);
  v_attempts := array(
    select a.id from nokkel.rfx_key_attempt a
    where a.rfx_id = any (v_had) or a.created_by = v_merge.other_id or a.id in (
      select w.attempt_id from nokkel.rfx_attempt_wrap w where w.owner = 'user' and w.owner_id = v_merge.other_id));
  perform nokkel.merge_rows(p_merge, 'public.rfxs',
    't.id in (select a.rfx_id from nokkel.rfx_key_attempt a where a.id = any ($4))', 'rekey_pending = t.rekey_pending', v_attempts);
  perform nokkel.merge_rows(p_merge, 'nokkel.rfx_attempt_wrap', 't.attempt_id = any ($4)', null, v_attempts);
  perform nokkel.merge_rows(p_merge, 'nokkel.rfx_attempt_manifest', 't.attempt_id = any ($4)', null, v_attempts);
  perform nokkel.merge_rows(p_merge, 'nokkel.rfx_key_attempt', 't.id = any ($4)', null, v_attempts);
  perform nokkel.merge_rows(p_merge, 'public.rfx_key_members',
    't.user_id = $3 and exists (select from public.rfx_key_members s where s.rfx_id = t.rfx_id and s.user_id = $2)', null);
  perform nokkel.merge_rows(p_merge, 'public.rfx_key_members', 't.user_id = $3', 'user_id = $2', p_exact => true);
  perform nokkel.merge_rows(p_merge, 'public.rfx_key_history', 't.user_id = $3 and exists (
    select from public.rfx_key_history s where s.rfx_id = t.rfx_id and s.version = t.version and s.user_id = $2)', null);
  perform nokkel.merge_rows(p_merge, 'public.rfx_key_history', 't.user_id = $3', 'user_id = $2', p_exact => true);
  perform nokkel.merge_rows(p_merge, 'nokkel.rfx_broken_wrap', 't.user_id = $3 and exists (
    select from nokkel.rfx_broken_wrap s
    where s.rfx_id = t.rfx_id and s.revision is not distinct from t.revision and s.user_id = $2)', null);
  perform nokkel.merge_rows(p_merge, 'nokkel.rfx_broken_wrap', 't.user_id = $3', 'user_id = $2', p_exact => true);
  perform nokkel.merge_rows(p_merge, 'public.rfx_opener',
    't.user_id = $3 and exists (select from public.rfx_opener s where s.rfx_id = t.rfx_id and s.user_id = $2)', null);
  perform nokkel.merge_rows(p_merge, 'public.rfx_opener', 't.user_id = $3', 'user_id = $2');
  perform nokkel.merge_rows(p_merge, 'public.rfx_exclusion',
    't.user_id = $3 and exists (select from public.rfx_exclusion s where s.rfx_id = t.rfx_id and s.user_id = $2)', null);
  perform nokkel.merge_rows(p_merge, 'public.rfx_exclusion', 't.user_id = $3', 'user_id = $2', p_exact => true);

  perform nokkel.merge_rows(p_merge, 'public.company_member', $q$t.user_id = $2 and t.role = 'member' and exists (
    select from public.company_member o where o.company_id = t.company_id and o.user_id = $3 and o.role = 'administrator')$q$,
    $q$role = 'administrator'$q$);
  perform nokkel.merge_rows(p_merge, 'public.company_member',
    't.user_id = $3 and exists (select from public.company_member s where s.company_id = t.company_id and s.user_id = $2)', null);
  perform nokkel.merge_rows(p_merge, 'public.company_member', 't.user_id = $3', 'user_id = $2');
  perform nokkel.merge_rows(p_merge, 'public.organization_member', $q$t.user_id = $2 and exists (
    select from public.organization_member o where o.organization_id = t.organization_id and o.user_id = $3
      and (o.is_developer and not t.is_developer or nokkel.role_rank(o.role) > nokkel.role_rank(t.role)))$q$,
    $q$(role, is_developer) = (
      select case when nokkel.role_rank(o.role) > nokkel.role_rank(t.role) then o.role else t.role end, o.is_developer or t.is_developer
      from public.organization_member o where o.organization_id = t.organization_id and o.user_id = $3)$q$);
  -- With those that depend on it: its company memberships have moved.
  perform nokkel.merge_rows(p_merge, 'public.organization_member', 't.user_id = $3 and exists (
    select from public.organization_member s where s.organization_id = t.organization_id and s.user_id = $2)', null);
  perform nokkel.merge_rows(p_merge, 'public.organization_member', 't.user_id = $3', 'user_id = $2');

  -- Who was kept out as one of the two is kept out as both, and opens no bids there.
  perform nokkel.merge_rows(p_merge, 'public.rfx_opener',
    't.user_id = $2 and exists (select from public.rfx_exclusion x where x.rfx_id = t.rfx_id and x.user_id = $2)', null);
  v_lost := array(
    select x.rfx_id from (
      select m.rfx_id from public.rfx_key_members m where m.user_id = v_merge.survivor_id
      union
      select b.rfx_id from nokkel.rfx_broken_wrap b where b.user_id = v_merge.survivor_id
      union
      select h.rfx_id from public.rfx_key_history h where h.user_id = v_merge.survivor_id
    ) x join public.rfxs r on r.id = x.rfx_id and r.company_id is not null
    except
    select l.rfx_id from nokkel.rfx_live_member l where l.owner = 'user' and l.owner_id = v_merge.survivor_id);
  v_through := array(
    select r.id from nokkel.account_merge_row j
    join public.rfxs r on (j.before ->> 'rfx_id')::uuid in (r.id, r.parent_id)
    join public.rfx_key_companies w on w.rfx_id = r.id
    join public.company_member c on c.company_id = w.company_id and c.user_id = v_merge.survivor_id
    where j.merge_id = p_merge and j.table_name = 'public.rfx_exclusion' and j.after is not null);
  perform nokkel.merge_rows(p_merge, 'public.rfx_key_members', 't.rfx_id = any ($4) and t.user_id = $2', null, v_lost);
  perform nokkel.merge_rows(p_merge, 'public.rfx_key_history', 't.rfx_id = any ($4) and t.user_id = $2', null, v_lost);
  perform nokkel.merge_rows(p_merge, 'nokkel.rfx_broken_wrap', 't.rfx_id = any ($4) and t.user_id = $2', null, v_lost);
  -- As nokkel.ask_for_rfx_version does.
  perform nokkel.merge_rows(p_merge, 'public.rfxs', $q$t.id = any ($4) and t.company_id is not null
    and (select p.status from public.rfxs p where p.id = coalesce(t.parent_id, t.id)) <> 'closed'$q$, 'rekey_pending = true',
    v_had || v_lost || v_through);

  -- Managed keys, and the columns that mirror the active one.
  perform nokkel.merge_rows(p_merge, 'public.app_user', 't.auth_user_id = $3 and t.public_key is not null',
    'public_key = null, encrypted_private_key = null');
  perform nokkel.merge_rows(p_merge, 'public.user_key', 't.user_id = $3', $q$user_id = $2,
    encrypted_private_key = coalesce($5 #>> array['keys', t.id::text, 'envelope'], t.encrypted_private_key),
    envelope_hash = coalesce(decode($5 #>> array['keys', t.id::text, 'hash'], 'base64'), t.envelope_hash),
    master_key_id = coalesce($5 #>> array['keys', t.id::text, 'masterKeyId'], t.master_key_id),
    (state, superseded_at) = (
      select case when a.there then 'superseded' else t.state end, case when a.there then now() else t.superseded_at end
      from (select t.state = 'active' and exists (
        select from public.user_key k where k.user_id = $2 and k.state = 'active') as there) a)$q$,
    p_made => p_made, p_exact => true);
  perform nokkel.merge_rows(p_merge, 'public.app_user', $q$t.auth_user_id = $2 and t.public_key is null
    and exists (select from public.user_key k where k.user_id = $2 and k.state = 'active')$q$,
    $q$(public_key, encrypted_private_key) = (
      select k.public_key, k.encrypted_private_key from public.user_key k where k.user_id = $2 and k.state = 'active')$q$);
  -- Bids do not come to lie with one person only because two were one.
  perform nokkel.require_openers(r.id) from public.rfxs r
    where r.status in ('approved', 'closed') and r.deadline is not null and r.id in (
      select (j.before ->> 'rfx_id')::uuid from nokkel.account_merge_row j
      where j.merge_id = p_merge and j.table_name = 'public.rfx_opener' and j.after is null);

  -- Logins, and what providers said of the person.
  perform nokkel.merge_rows(p_merge, 'public.external_identity', 't.user_id = $3', 'user_id = $2');
  if p_made ? 'personKey' then
    insert into nokkel.person_key (user_id, wrapped_key, master_key_id)
      values (v_merge.survivor_id, decode(p_made #>> '{personKey,wrapped}', 'base64'), p_made #>> '{personKey,masterKeyId}')
      on conflict do nothing;
    if not found then perform nokkel.refuse('merge_changed'); end if;
    insert into nokkel.account_merge_row (merge_id, table_name, is_exact, after)
      select p_merge, 'nokkel.person_key', true, to_jsonb(k) from nokkel.person_key k where k.user_id = v_merge.survivor_id;
  end if;
  select * into v_survivor from public.user_identities i where i.user_id = v_merge.survivor_id;
  select * into v_other from public.user_identities i where i.user_id = v_merge.other_id;
  v_made := p_made || jsonb_build_object('other', to_jsonb(v_other));
  if v_other.id is not null and v_survivor.id is null then
    perform nokkel.merge_rows(p_merge, 'public.user_identities', 't.user_id = $3',
      $q$user_id = $2, contact = coalesce(decode($5 #>> '{contact,envelope}', 'base64'), t.contact)$q$, p_made => v_made);
  elsif v_other.id is not null then
    perform nokkel.merge_rows(p_merge, 'public.user_identities', 't.user_id = $3', 'personnummer_index = null, personnummer_index_key = null,
      phone_index = null, email_index = null, contact_index_key = null, contact = null, contact_updated_at = null');
    perform nokkel.merge_rows(p_merge, 'public.user_identities', 't.user_id = $2', $q$
      (personnummer_index, personnummer_index_key) = (
        select case when t.personnummer_index is null then o.personnummer_index else t.personnummer_index end,
          coalesce(t.personnummer_index_key, o.personnummer_index_key)
        from jsonb_populate_record(null::public.user_identities, $5 -> 'other') o),
      (phone_index, email_index, contact_index_key) = (
        select case when o.usable then coalesce(t.phone_index, o.phone_index) else t.phone_index end,
          case when o.usable then coalesce(t.email_index, o.email_index) else t.email_index end,
          coalesce(t.contact_index_key, o.contact_index_key)
        from (
          -- Indexes under another key are not to be compared with ours.
          select r.*, coalesce(t.contact_index_key = r.contact_index_key, true) as usable
          from jsonb_populate_record(null::public.user_identities, $5 -> 'other') r
        ) o),
      (contact, contact_updated_at) = (
        select case when t.contact is null then coalesce(decode($5 #>> '{contact,envelope}', 'base64'), o.contact) else t.contact end,
          coalesce(t.contact_updated_at, o.contact_updated_at)
        from jsonb_populate_record(null::public.user_identities, $5 -> 'other') o),
      (bankid_verified, bankid_verified_at) = (
        select t.bankid_verified or o.bankid_verified, coalesce(t.bankid_verified_at, o.bankid_verified_at)
        from jsonb_populate_record(null::public.user_identities, $5 -> 'other') o)$q$, p_made => v_made);
  else
    perform nokkel.merge_rows(p_merge, 'public.user_identities', 't.user_id = $2', 'id = t.id');
  end if;

  -- What they sent to each other stays as it was sent.
  perform nokkel.merge_rows(p_merge, 'public.assignment_recipient',
    't.user_id = $3 and exists (select from public.assignment_recipient s where s.assignment_id = t.assignment_id and s.user_id = $2)', null);
  perform nokkel.merge_rows(p_merge, 'public.assignment_recipient',
    't.user_id = $3 and not exists (select from public.assignment a where a.id = t.assignment_id and a.sender_id = $2)', 'user_id = $2');

  -- What was the other account ends.
  perform nokkel.merge_rows(p_merge, 'nokkel.session', 't.user_id = $3 and t.ended_at is null',
    $q$ended_at = now(), ended_reason = 'merged'$q$);
  perform nokkel.merge_rows(p_merge, 'public.device_key', $q$t.user_id = $3 and t.state = 'active'$q$,
    $q$state = 'revoked', ended_at = now()$q$);
  perform nokkel.merge_rows(p_merge, 'public.signing_key', 't.user_id = $3 and t.valid_until is null', 'valid_until = now()');

  -- What else was found of it is of the account that is kept.
  perform nokkel.merge_rows(p_merge, 'nokkel.suspected_duplicate', $q$ $2 in (t.first_id, t.second_id) and $3 in (t.first_id, t.second_id)
    and t.state = 'open'$q$, $q$state = 'merged', settled_at = now()$q$);
  perform nokkel.merge_rows(p_merge, 'nokkel.suspected_duplicate', $q$ $3 in (t.first_id, t.second_id) and t.state <> 'merged'
    and $2 not in (t.first_id, t.second_id) and not exists (
      select from nokkel.suspected_duplicate s where s.evidence = t.evidence and $2 in (s.first_id, s.second_id)
        and (t.first_id in (s.first_id, s.second_id) or t.second_id in (s.first_id, s.second_id)))$q$, $q$(first_id, second_id) = (
      select least($2, third.id), greatest($2, third.id)
      from (select case when t.first_id = $3 then t.second_id else t.first_id end as id) third)$q$);
  perform nokkel.merge_rows(p_merge, 'nokkel.former_account', 't.survivor_id = $3', 'survivor_id = $2');
  insert into nokkel.former_account (user_id, survivor_id, merged_at) values (v_merge.other_id, v_merge.survivor_id, v_merge.merged_at);

  set constraints public.company_member_organization_id_user_id_fkey immediate;
  update nokkel.account_merge_row j set fingerprint = nokkel.rfx_fingerprint((j.after ->> 'id')::uuid)
    where j.merge_id = p_merge and j.table_name = 'public.rfxs';
end
$$;

create function nokkel.role_rank(p_role text) returns integer language sql immutable set search_path = '' as
  $$ select array_position(array['member', 'coordinator', 'administrator'], p_role) $$;

-- What a merge has done, counted.
create function nokkel.merge_effects(p_merge uuid) returns jsonb
  language sql stable security definer set search_path = '' as $$
  with merge as (
    select m.survivor_id::text as survivor, m.other_id::text as other, m.other_id from nokkel.account_merge m where m.id = p_merge
  ), changed as (
    select j.table_name, j.before, j.after, j.before ->> 'user_id' = m.other as of_other
    from nokkel.account_merge_row j cross join merge m where j.merge_id = p_merge
  ), counted (what, effect, count) as (
    select 'logins', 'moves', count(*) from changed c where c.table_name = 'public.external_identity'
    union all
    select 'memberships', 'moves', count(*) from changed c where c.table_name = 'public.organization_member' and c.of_other
    union all
    select 'roles_raised', 'changes', count(*) from changed c
      where c.table_name in ('public.organization_member', 'public.company_member') and not c.of_other
    union all
    select 'companies', 'moves', count(*) from changed c where c.table_name = 'public.company_member' and c.of_other
    union all
    select 'managed_keys', 'moves', count(*) from changed c where c.table_name = 'public.user_key'
    union all
    select 'project_keys', 'moves', count(*) from changed c where c.table_name = 'public.rfx_key_members' and c.of_other
    union all
    select 'projects_rekeyed', 'changes', count(distinct coalesce(c.after ->> 'parent_id', c.after ->> 'id')) from changed c
      where c.table_name = 'public.rfxs' and c.before -> 'rekey_pending' <> c.after -> 'rekey_pending'
    union all
    select 'opener_duties', 'moves', count(*) from changed c where c.table_name = 'public.rfx_opener' and c.of_other
    union all
    select 'exclusions', 'moves', count(*) from changed c where c.table_name = 'public.rfx_exclusion' and c.of_other
    union all
    select 'received_assignments', 'moves', count(*) from changed c where c.table_name = 'public.assignment_recipient'
    union all
    select 'personnummer', 'moves', count(*) from changed c
      where c.table_name = 'public.user_identities' and c.of_other and c.before ->> 'personnummer_index' is not null
    union all
    select 'contact', 'moves', count(*) from changed c
      where c.table_name = 'public.user_identities' and c.after ->> 'contact' is not null and c.after ->> 'user_id' = (select m.survivor from merge m)
        and (c.of_other or c.before ->> 'contact' is null)
    union all
    select 'sessions_ended', 'ends', count(*) from changed c where c.table_name = 'nokkel.session'
    union all
    select 'devices_ended', 'ends', count(*) from changed c where c.table_name = 'public.device_key'
    union all
    select 'sent_assignments', 'stays', count(*) from public.assignment a where a.sender_id = (select m.other_id from merge m)
    union all
    select 'project_entries', 'stays',
      (select count(*) from public.rfx_entry e where e.author_id = (select m.other_id from merge m))
        + (select count(*) from public.rfx_bid b where b.author_id = (select m.other_id from merge m))
  )
  select coalesce(jsonb_agg(jsonb_build_object('what', c.what, 'effect', c.effect, 'count', c.count)), '[]')
  from counted c where c.count > 0
$$;

-- Names everything that a merge has changed, as it was before: without what changes whenever somebody uses their account.
create function nokkel.merge_digest(p_merge uuid) returns bytea
  language sql stable security definer set search_path = '' as $$
  select sha256(convert_to(m.survivor_id || E'\n' || m.other_id || coalesce((
    select string_agg(x.line, '' order by x.line) from (
      select E'\n' || j.table_name || ' '
        || (j.before - array['last_login_at', 'last_used_at', 'last_seen_at', 'fetched_at', 'opened_at'])::text as line
      from nokkel.account_merge_row j where j.merge_id = m.id and j.before is not null
    ) x
  ), ''), 'UTF8'))
  from nokkel.account_merge m where m.id = p_merge
$$;

-- Merges, looks, and lets nothing of it stand.
create function nokkel.preview_merge(p_session uuid, p_user uuid, p_organization uuid, p_duplicate uuid, p_survivor uuid)
  returns table (effects jsonb, digest bytea) language plpgsql security definer set search_path = '' as $$
declare
  v_merge uuid;
begin
  begin
    v_merge := nokkel.begin_merge(p_session, p_user, p_organization, p_duplicate, p_survivor, false);
    perform nokkel.move_account(v_merge, '{}');
    effects := nokkel.merge_effects(v_merge);
    digest := nokkel.merge_digest(v_merge);
    raise exception using errcode = 'NK002';
  exception when sqlstate 'NK002' then
    return next;
  end;
end
$$;

-- What the server binds to the account that is kept, before it merges.
create function nokkel.merge_material(p_session uuid, p_user uuid, p_organization uuid, p_duplicate uuid, p_survivor uuid)
  returns table (
    other_id uuid, key_ids uuid[], envelopes text[], contact bytea, person_key bytea, survivor_has_contact boolean, survivor_person_key bytea
  ) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_duplicate nokkel.suspected_duplicate;
begin
  perform nokkel.require_administrator(p_session, p_user, p_organization, true);
  select * into v_duplicate from nokkel.suspected_duplicate d where d.id = p_duplicate and d.organization_id = p_organization;
  if v_duplicate.id is null then perform nokkel.refuse('not_found'); end if;
  if v_duplicate.state <> 'open' then perform nokkel.refuse('duplicate_settled'); end if;
  if p_survivor is null or p_survivor not in (v_duplicate.first_id, v_duplicate.second_id) then
    perform nokkel.refuse('request_malformed');
  end if;
  return query
  select o.id, k.ids, k.envelopes, i.contact, p.wrapped_key, coalesce(s.contact is not null, false), sp.wrapped_key
  from (select case when p_survivor = v_duplicate.first_id then v_duplicate.second_id else v_duplicate.first_id end as id) o
  left join public.user_identities i on i.user_id = o.id
  left join nokkel.person_key p on p.user_id = o.id
  left join public.user_identities s on s.user_id = p_survivor
  left join nokkel.person_key sp on sp.user_id = p_survivor
  cross join lateral (
    select coalesce(array_agg(k.id order by k.id), '{}') as ids, coalesce(array_agg(k.encrypted_private_key order by k.id), '{}') as envelopes
    from public.user_key k where k.user_id = o.id and k.encrypted_private_key is not null
  ) k;
end
$$;

-- p_digest: what was previewed. p_made is of what stands there now, or nothing is merged.
create function nokkel.merge_accounts(
  p_session uuid, p_user uuid, p_organization uuid, p_request uuid, p_duplicate uuid, p_survivor uuid, p_digest bytea, p_made jsonb
) returns void language plpgsql security definer set search_path = '' as $$
declare
  v_id constant uuid := nokkel.begin_merge(p_session, p_user, p_organization, p_duplicate, p_survivor, true);
  v_merge nokkel.account_merge;
begin
  select * into strict v_merge from nokkel.account_merge m where m.id = v_id;
  if (select count(*) from jsonb_object_keys(p_made -> 'keys')) <> (
    select count(*) from public.user_key k
    where k.user_id = v_merge.other_id and k.encrypted_private_key = p_made #>> array['keys', k.id::text, 'from']
  ) or exists (
    select from public.user_key k where k.user_id = v_merge.other_id and not p_made -> 'keys' ? k.id::text and k.encrypted_private_key is not null
  ) or exists (
    select from public.user_identities o
    left join public.user_identities s on s.user_id = p_survivor
    where o.user_id = v_merge.other_id and o.contact is not null and s.contact is null
      and o.contact is distinct from decode(p_made #>> '{contact,from}', 'base64')
  ) then
    perform nokkel.refuse('merge_changed');
  end if;
  perform nokkel.move_account(v_id, p_made);
  if nokkel.merge_digest(v_id) is distinct from p_digest then perform nokkel.refuse('merge_changed'); end if;
  update nokkel.account_merge m set working = null where m.id = v_id;
  perform nokkel.audit_merge(p_organization, p_user, 'duplicate.merge',
    p_duplicate || '/' || (select p.pseudonym from nokkel.pseudonym p where p.user_id = p_survivor),
    v_merge.survivor_id, v_merge.other_id, p_request);
end
$$;

-- Undoing --------------------------------------------------------------------------------------------------------------------

-- What is left in an image of what the account that was kept still has: what was taken from it since was taken from both. Null when
-- that is nothing.
create function nokkel.what_is_left(p_table text, p_image jsonb, p_survivor uuid) returns jsonb
  language plpgsql security definer set search_path = '' as $$
declare
  v_counterpart jsonb := p_image || jsonb_build_object('user_id', p_survivor);
begin
  if p_table = 'public.rfx_key_history' then
    v_counterpart := v_counterpart || (
      select jsonb_build_object('id', h.id) from public.rfx_key_history h
      where (h.rfx_id, h.version, h.user_id) = ((p_image ->> 'rfx_id')::uuid, (p_image ->> 'version')::integer, p_survivor));
  end if;
  v_counterpart := nokkel.present_row(p_table, v_counterpart);
  if v_counterpart is null or p_table not in ('public.organization_member', 'public.company_member') then
    return case when v_counterpart is not null then p_image end;
  end if;
  if nokkel.role_rank(v_counterpart ->> 'role') < nokkel.role_rank(p_image ->> 'role') then
    p_image := p_image || jsonb_build_object('role', v_counterpart -> 'role');
  end if;
  if v_counterpart -> 'is_developer' = 'false' then p_image := p_image || '{"is_developer": false}'; end if;
  return p_image;
end
$$;

-- Puts everything back that a merge moved. What the account that was kept has got or lost since stays with it, where the two can be
-- told apart; what was taken from it is taken from both. Of a pair that was dismissed, says that it is open again.
create function nokkel.undo_merge(p_session uuid, p_user uuid, p_organization uuid, p_request uuid, p_duplicate uuid) returns void
  language plpgsql security definer set search_path = '' set bytea_output = 'hex' set timezone = 'UTC' as $$
declare
  v_duplicate constant nokkel.suspected_duplicate := nokkel.hold_duplicate(p_session, p_user, p_organization, p_duplicate, true);
  v_merge nokkel.account_merge;
  v_ended boolean;
  v_replaced boolean;
  v_new uuid[];
  v_row nokkel.account_merge_row;
  v_group uuid;
  v_same uuid[];
  v_wrapped uuid[];
  v_ask uuid[] := '{}';
  v_attempts uuid[];
  v_stray uuid[];
  v_devices uuid[];
  v_present jsonb;
begin
  if v_duplicate.state = 'dismissed' then
    if exists (select from nokkel.former_account f where f.user_id in (v_duplicate.first_id, v_duplicate.second_id)) then
      perform nokkel.refuse('merge_not_undoable');
    end if;
    update nokkel.suspected_duplicate d set state = 'open', settled_at = null where d.id = p_duplicate;
    perform nokkel.audit(p_organization, p_user, 'duplicate.undo', 'duplicate', p_duplicate::text, null, p_request);
    return;
  end if;
  select * into v_merge from nokkel.account_merge m where m.duplicate_id = p_duplicate for update;
  if v_merge.id is null or v_duplicate.state <> 'merged' or v_merge.merged_at <= now() - nokkel.undo_period() then
    perform nokkel.refuse('merge_not_undoable');
  end if;
  perform nokkel.hold_accounts(v_merge.survivor_id, v_merge.other_id, nokkel.merged_groups(v_merge.id));
  update nokkel.account_merge m set working = pg_catalog.pg_current_xact_id() where m.id = v_merge.id;
  -- Somebody who ends one session of the person, or one device, may have meant those that the merge had ended.
  v_ended := exists (
    select from nokkel.session s
    where s.user_id = v_merge.survivor_id and (s.ended_at >= v_merge.merged_at or s.ended_at is not null and s.id = any (v_merge.survivor_had)));
  v_replaced := exists (
    select from public.device_key d
    where d.user_id = v_merge.survivor_id and (d.ended_at >= v_merge.merged_at or d.ended_at is not null and d.id = any (v_merge.survivor_had)));
  v_same := array(
    select (j.after ->> 'id')::uuid from nokkel.account_merge_row j
    where j.merge_id = v_merge.id and j.table_name = 'public.rfxs' and j.fingerprint = nokkel.rfx_fingerprint((j.after ->> 'id')::uuid));
  v_wrapped := array(
    select m.rfx_id from public.rfx_key_members m where m.user_id in (v_merge.survivor_id, v_merge.other_id)
    union
    select m.rfx_id from public.rfx_key_members m where m.rfx_id = any (nokkel.merged_groups(v_merge.id)));
  begin
    set constraints public.company_member_organization_id_user_id_fkey deferred;
    delete from nokkel.former_account f where f.user_id = v_merge.other_id and f.survivor_id = v_merge.survivor_id;
    if not found then perform nokkel.refuse('merge_not_undoable'); end if;
    -- Back in the order in which they went.
    for v_row in select * from nokkel.account_merge_row j where j.merge_id = v_merge.id order by j.n desc loop
      v_group := (coalesce(v_row.after, v_row.before) ->> case v_row.table_name when 'public.rfxs' then 'id' else 'rfx_id' end)::uuid;
      if v_row.table_name in ('nokkel.rfx_attempt_wrap', 'nokkel.rfx_attempt_manifest') then
        continue when (v_row.before ->> 'attempt_id')::uuid <> all (coalesce(v_attempts, '{}'));
      elsif v_group is not null then
        continue when not exists (select from public.rfxs r where r.id = v_group);
      end if;
      if v_row.after is null and v_row.before ->> 'user_id' = v_merge.other_id::text then
        v_row.before := nokkel.what_is_left(v_row.table_name, v_row.before, v_merge.survivor_id);
        if v_row.before is null then
          if v_row.table_name = 'public.rfx_key_members' then v_ask := v_ask || v_group; end if;
          continue;
        end if;
      end if;
      case
        when v_row.table_name = 'public.rfxs' then
          -- Somebody may have left since, and the same mark asks for a new key for them.
          if v_group = any (v_same) then perform nokkel.restore_row(v_row); end if;
        when v_row.table_name = 'nokkel.rfx_key_attempt' then
          continue when v_group <> all (v_same);
          if nokkel.restore_row(v_row) then v_attempts := v_attempts || (v_row.before ->> 'id')::uuid; end if;
        when v_row.table_name in ('public.rfx_key_members', 'nokkel.rfx_broken_wrap') then
          -- A wrap of the version that was present then, of no other.
          if not exists (
            select from nokkel.account_merge_row j join public.rfxs r on r.id = v_group and r.key_version <> (j.after ->> 'key_version')::integer
            where j.merge_id = v_merge.id and j.table_name = 'public.rfxs' and j.after ->> 'id' = v_group::text
          ) and nokkel.restore_row(v_row) then
            continue;
          end if;
          -- It could not be made anew.
          if exists (select from public.rfxs r where r.id = v_group and r.company_id is null)
            and nokkel.present_row(v_row.table_name, v_row.after) is not null
          then
            perform nokkel.refuse('merge_not_undoable');
          end if;
          v_ask := v_ask || v_group;
        when v_row.table_name = 'public.user_identities' then
          -- Whose it is that a login has told since cannot be told apart.
          v_present := nokkel.present_row(v_row.table_name, v_row.after);
          if v_present is null then perform nokkel.refuse('merge_not_undoable'); end if;
          if v_row.before ->> 'user_id' = v_merge.survivor_id::text and exists (
            select from unnest(array['phone_index', 'email_index', 'contact_index_key', 'contact', 'contact_updated_at']) c
            where v_present -> c <> v_row.after -> c
          ) then
            v_row.before := v_row.before || '{"phone_index": null, "email_index": null, "contact_index_key": null,
              "contact": null, "contact_updated_at": null}';
          end if;
          v_row.is_exact := false;
          v_row.after := v_present;
          perform nokkel.restore_row(v_row);
        when v_row.table_name = 'public.organization_member' and v_row.after is not null then
          -- The role and the duties of a developer each for itself.
          v_present := nokkel.present_row(v_row.table_name, v_row.after);
          select v_row.before || coalesce(jsonb_object_agg(c, v_present -> c), '{}') into v_row.before
            from unnest(array['role', 'is_developer']) c where v_present -> c <> v_row.after -> c;
          perform nokkel.restore_row(v_row);
        when v_row.table_name = 'public.rfx_opener' then
          -- Whoever has left the company since opens nothing for it.
          if exists (
            select from public.rfxs r join public.company_member m on m.company_id = r.company_id
            where r.id = v_group and m.user_id = (v_row.before ->> 'user_id')::uuid
          ) then
            perform nokkel.restore_row(v_row);
          end if;
        when v_row.table_name in ('public.device_key', 'public.signing_key') then
          if not v_replaced then perform nokkel.restore_row(v_row); end if;
        when v_row.table_name = 'nokkel.session' then
          if not v_ended and not (v_replaced and v_row.before ->> 'device_id' is not null) then perform nokkel.restore_row(v_row); end if;
        when v_row.table_name = 'nokkel.person_key' then
          -- Something may be under it by now.
          if not exists (select from public.user_identities i where i.user_id = v_merge.survivor_id and i.contact is not null) then
            perform nokkel.restore_row(v_row);
          end if;
        when v_row.table_name in ('public.external_identity', 'public.user_key', 'public.app_user', 'nokkel.former_account') then
          if not nokkel.restore_row(v_row) then perform nokkel.refuse('merge_not_undoable'); end if;
        else
          perform nokkel.restore_row(v_row);
      end case;
    end loop;
    set constraints public.company_member_organization_id_user_id_fkey immediate;

    -- What came by a login since.
    delete from public.user_identities i where i.user_id = v_merge.survivor_id and not exists (
      select from nokkel.account_merge_row j where j.merge_id = v_merge.id and j.table_name = 'public.user_identities');
    with gone as (
      delete from public.external_identity i where i.user_id = v_merge.survivor_id and i.id <> all (v_merge.survivor_had) returning i.id
    )
    select coalesce(array_agg(g.id), '{}') into v_new from gone g;
    perform nokkel.audit(p_organization, p_user, 'login.unlink', 'identity', id::text, null, p_request) from unnest(v_new) id;
    -- Who was kept out since was kept out as both.
    insert into public.rfx_exclusion (rfx_id, user_id, excluded_by, created_at)
      select x.rfx_id, v_merge.other_id, x.excluded_by, x.created_at from public.rfx_exclusion x
      where x.user_id = v_merge.survivor_id and x.created_at >= v_merge.merged_at and exists (
        select from nokkel.rfx_live_member l where l.rfx_id = x.rfx_id and l.owner = 'user' and l.owner_id = v_merge.other_id)
      on conflict do nothing;

    -- Wraps that came since, to keys that have gone back.
    v_stray := array(
      select m.rfx_id from public.rfx_key_members m join public.user_key k on k.id = m.key_id
      where m.user_id in (v_merge.survivor_id, v_merge.other_id) and k.user_id <> m.user_id);
    delete from public.rfx_key_members m using public.user_key k
      where k.id = m.key_id and m.user_id in (v_merge.survivor_id, v_merge.other_id) and k.user_id <> m.user_id;
    update public.rfx_key_history h set user_id = k.user_id from public.user_key k
      where k.id = h.user_key_id and h.user_id = v_merge.survivor_id and k.user_id = v_merge.other_id and not exists (
        select from public.rfx_key_history o where o.rfx_id = h.rfx_id and o.version = h.version and o.user_id = k.user_id);
    delete from public.rfx_key_history h using public.user_key k
      where k.id = h.user_key_id and h.user_id in (v_merge.survivor_id, v_merge.other_id) and k.user_id <> h.user_id;
    perform nokkel.prune_rfxs(array(
      select x.rfx_id from (
        select m.rfx_id, m.user_id from public.rfx_key_members m where m.user_id in (v_merge.survivor_id, v_merge.other_id)
        union
        select b.rfx_id, b.user_id from nokkel.rfx_broken_wrap b where b.user_id in (v_merge.survivor_id, v_merge.other_id)
        union
        select h.rfx_id, h.user_id from public.rfx_key_history h where h.user_id in (v_merge.survivor_id, v_merge.other_id)
      ) x where not exists (
        select from nokkel.rfx_live_member l where l.rfx_id = x.rfx_id and l.owner = 'user' and l.owner_id = x.user_id)), '{}');
    perform nokkel.ask_for_rfx_version(g) from unnest(v_ask || v_stray) g;
    if exists (
      select from unnest(v_wrapped) g (id) join public.rfxs r on r.id = g.id
      where not exists (select from public.rfx_key_members m where m.rfx_id = g.id)
        and not exists (select from public.rfx_key_companies m where m.rfx_id = g.id)
    ) then
      perform nokkel.refuse('merge_not_undoable');
    end if;
  exception
    when foreign_key_violation or unique_violation or check_violation then perform nokkel.refuse('merge_not_undoable');
  end;

  -- Who came in by a login that has gone back is the other one; by one that has come since, either.
  v_new := v_new || array(select i.id from public.external_identity i where i.user_id = v_merge.other_id);
  v_devices := array(
    select d.id from public.device_key d join nokkel.session s on s.device_id = d.id
    where s.user_id = v_merge.survivor_id and d.user_id = s.user_id and d.registered_at >= v_merge.merged_at and s.identity_id = any (v_new));
  if cardinality(v_devices) > 0 then perform nokkel.end_devices(v_merge.survivor_id, v_devices, 'revoked'); end if;
  update nokkel.session s set ended_at = now(), ended_reason = 'revoked'
    where s.user_id = v_merge.survivor_id and s.ended_at is null and s.identity_id = any (v_new);
  delete from nokkel.account_merge m where m.id = v_merge.id;
  perform nokkel.audit_merge(p_organization, p_user, 'duplicate.undo', p_duplicate::text, v_merge.survivor_id, v_merge.other_id, p_request);
end
$$;

-- Also those that a merge had ended: they do not come back by its undo.
create or replace function nokkel.end_other_sessions() returns integer
  language sql security definer set search_path = '' as $$
  with ended as (
    update nokkel.session s set ended_at = now(), ended_reason = 'revoked'
    where s.user_id = nokkel.user_id() and s.id <> nokkel.session_id() and s.ended_at is null and nokkel.session_is_live()
    returning 1
  ), forgotten as (
    delete from nokkel.account_merge_row j using nokkel.account_merge m
    where m.id = j.merge_id and m.survivor_id = nokkel.user_id() and j.table_name = 'nokkel.session' and nokkel.session_is_live()
  )
  select count(*)::integer from ended
$$;

create function nokkel.dismiss_duplicate(p_session uuid, p_user uuid, p_organization uuid, p_request uuid, p_duplicate uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_duplicate constant nokkel.suspected_duplicate := nokkel.hold_duplicate(p_session, p_user, p_organization, p_duplicate, false);
begin
  if v_duplicate.state <> 'open' then perform nokkel.refuse('duplicate_settled'); end if;
  if p_user in (v_duplicate.first_id, v_duplicate.second_id) then perform nokkel.refuse('merge_not_allowed'); end if;
  update nokkel.suspected_duplicate d set state = 'dismissed', settled_at = now() where d.id = p_duplicate;
  perform nokkel.audit(p_organization, p_user, 'duplicate.dismiss', 'duplicate', p_duplicate::text, null, p_request);
end
$$;

create function nokkel.initials(p_name text) returns text language sql immutable set search_path = '' as $$
  select coalesce(string_agg(left(word, 1) || '.', ' ' order by n), '')
  from regexp_split_to_table(btrim(p_name), '\s+') with ordinality words (word, n) where word <> ''
$$;

-- Pairs found in the organisation, the newest first, for its administrators; what is encrypted is for the server to mask. Of an account
-- that is in other organisations alone there is less.
create function nokkel.duplicates(
  p_session uuid, p_user uuid, p_organization uuid, p_id uuid, p_state text, p_after_at timestamptz, p_after_id uuid, p_limit integer
) returns table (
  id uuid, evidence text, state text, found_at timestamptz, survivor_id uuid, merged_at timestamptz, undo_until timestamptz, accounts jsonb
) language plpgsql stable security definer set search_path = '' set bytea_output = 'hex' set timezone = 'UTC' as $$
#variable_conflict use_column
begin
  perform nokkel.require_administrator(p_session, p_user, p_organization, false);
  return query
  select d.id, d.evidence, d.state, d.found_at, f.survivor_id, f.merged_at, f.merged_at + nokkel.undo_period(), (
      select jsonb_agg(jsonb_build_object(
        'id', u.auth_user_id, 'name', case when m.user_id is null then nokkel.initials(u.name) else u.name end, 'role', m.role, 'createdAt', u.created_at,
        'logins', coalesce(l.providers, '[]'), 'lastLoginAt', case when m.user_id is not null then l.last_login_at end,
        'bankidVerified', coalesce(i.bankid_verified, false), 'personnummerVerified', coalesce(i.personnummer_verified, false),
        'contact', case when m.user_id is not null then translate(encode(i.contact, 'base64'), E'\n', '') end,
        'personKey', translate(encode(k.wrapped_key, 'base64'), E'\n', '')) order by u.auth_user_id)
      from public.app_user u
      left join public.organization_member m on m.user_id = u.auth_user_id and m.organization_id = d.organization_id
      left join public.user_identities i on i.user_id = u.auth_user_id
      left join nokkel.person_key k on k.user_id = u.auth_user_id
      cross join lateral (
        select jsonb_agg(e.provider order by e.provider, e.id) as providers, max(e.last_login_at) as last_login_at
        from public.external_identity e where e.user_id = u.auth_user_id
      ) l
      where u.auth_user_id in (d.first_id, d.second_id))
  from nokkel.suspected_duplicate d
  left join nokkel.former_account f on d.state = 'merged'
    and (f.user_id, f.survivor_id) in ((d.first_id, d.second_id), (d.second_id, d.first_id))
  where d.organization_id = p_organization and (p_id is null or d.id = p_id) and (p_state is null or d.state = p_state)
    and (p_after_id is null or (d.found_at, d.id) < (p_after_at, p_after_id))
  order by d.found_at desc, d.id desc
  limit p_limit;
end
$$;

grant execute on function nokkel.duplicates(uuid, uuid, uuid, uuid, text, timestamptz, uuid, integer),
  nokkel.preview_merge(uuid, uuid, uuid, uuid, uuid), nokkel.merge_material(uuid, uuid, uuid, uuid, uuid),
  nokkel.merge_accounts(uuid, uuid, uuid, uuid, uuid, uuid, bytea, jsonb),
  nokkel.undo_merge(uuid, uuid, uuid, uuid, uuid), nokkel.dismiss_duplicate(uuid, uuid, uuid, uuid, uuid) to nokkel_server;

-- What was signed for a former account -------------------------------------------------------------------------------------

drop function nokkel.rfx_signed_wraps(uuid);

-- The wraps of a group as they were signed, and those that were reported as broken. `intact`: they are what was signed, or have
-- been moved to another key since. `former_ids`: of a person, under which it may have been signed as well.
create function nokkel.rfx_signed_wraps(p_group uuid) returns table (
  owner text, owner_id uuid, role text, revision integer, signed_thumbprint text, signed_hash bytea, intact boolean,
  former_ids uuid[]
) language sql stable security definer set search_path = '' as $$
  select w.owner, w.owner_id, w.role, w.revision, w.signed_thumbprint, w.signed_hash,
    w.thumbprint is distinct from w.signed_thumbprint or w.signed_hash = (
      case when length(w.wrap) = 684 and w.wrap ~ '^[A-Za-z0-9+/]+=$' then sha256(decode(w.wrap, 'base64')) end),
    array(select f.user_id from nokkel.former_account f where w.owner = 'user' and f.survivor_id = w.owner_id)
  from (
    select 'user' as owner, m.user_id as owner_id, m.role, m.revision, m.signed_thumbprint, m.signed_hash, k.thumbprint,
        m.encrypted_symmetric_key as wrap
      from public.rfx_key_members m left join public.user_key k on k.id = m.key_id where m.rfx_id = p_group
    union all
    select 'company', m.company_id, m.role, m.revision, m.signed_thumbprint, m.signed_hash, k.thumbprint, m.encrypted_symmetric_key
      from public.rfx_key_companies m left join public.company_key k on k.id = m.key_id where m.rfx_id = p_group
  ) w
  union all
  select 'user', b.user_id, b.role, b.revision, b.signed_thumbprint, b.signed_hash, true,
    array(select f.user_id from nokkel.former_account f where f.survivor_id = b.user_id)
  from nokkel.rfx_broken_wrap b where b.rfx_id = p_group and b.revision is not null
$$;
grant execute on function nokkel.rfx_signed_wraps(uuid) to nokkel_server;

drop function nokkel.rfx_recipients(uuid, boolean, text, uuid, integer);

-- Those in a group with the keys to wrap to, people first, in the order of their ids: for whoever may wrap its key, and of oneself.
--   wrapped  it opens with their active key, or with an older one of theirs until the wrap is moved
--   missing  they have a key, and nothing is wrapped to it
--   no_key   they have no key yet
-- `former_ids`: of a person, under which their wrap may have been signed.
create function nokkel.rfx_recipients(p_group uuid, p_missing boolean, p_after_owner text, p_after_id uuid, p_limit integer)
  returns table (
    owner text, owner_id uuid, name text, role text, company_id uuid, state text, key_id uuid, public_key text, thumbprint text,
    revision integer, signed_thumbprint text, signed_hash bytea, former_ids uuid[]
  ) language sql stable security definer set search_path = '' as $$
  select l.owner, l.owner_id, coalesce(p.name, b.name), l.role,
    case when l.owner = 'company' then l.owner_id else (
      select min(m.company_id::text)::uuid from public.company_member m
      join public.rfxs r on r.id = (select coalesce(g.parent_id, g.id) from public.rfxs g where g.id = p_group)
      where m.user_id = l.owner_id and (m.company_id = r.company_id or exists (
        select from public.rfx_invitation i where i.rfx_id = r.id and i.company_id = m.company_id))
    ) end,
    case when w.key_id is not null then 'wrapped' when k.id is null then 'no_key' else 'missing' end,
    k.id, k.public_key, k.thumbprint, w.revision, w.signed_thumbprint, w.signed_hash,
    array(select f.user_id from nokkel.former_account f where l.owner = 'user' and f.survivor_id = l.owner_id order by f.user_id)
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
grant execute on function nokkel.rfx_recipients(uuid, boolean, text, uuid, integer) to authenticated;

-- Master keys and sweeping -------------------------------------------------------------------------------------------------

create or replace function nokkel.master_key_rows() returns table (key_id text, table_name text, row_count bigint)
  language sql stable security definer set search_path = '' as $$
  select k.master_key_id, 'user_key', count(*) from public.user_key k where k.master_key_id is not null group by 1
  union all
  select k.master_key_id, 'company_key', count(*) from public.company_key k where k.master_key_id is not null group by 1
  union all
  select k.master_key_id, 'rfx_bid_part', count(*) from nokkel.rfx_bid_part k group by 1
  union all
  select k.master_key_id, 'person_key', count(*) from nokkel.person_key k group by 1
  union all
  select k.master_key_id, 'vipps_org_config', count(*) from public.vipps_org_config k where k.master_key_id is not null group by 1
  union all
  select k.master_key_id, 'account_merge_row', count(*) from nokkel.account_merge_row k where k.master_key_id is not null group by 1
  union all
  select translate(encode(substring(k.contact from 5 for 16), 'base64'), '+/=', '-_'), 'waiting_identity', count(*)
  from nokkel.waiting_identity k where k.contact is not null group by 1
  union all
  select translate(encode(substring(k.wrapped_private_key from 5 for 16), 'base64'), '+/=', '-_'), 'session_key', count(*)
  from nokkel.session_key k group by 1
  order by 1, 2
$$;

-- As before, and what came with logins.
create or replace function nokkel.sweep() returns jsonb
  language plpgsql security definer set search_path = '' as $$
declare
  v_logins integer; v_proofs integer; v_challenges integer; v_sessions integer; v_blobs integer; v_invitations integer; v_attempts integer;
  v_replaced integer; v_history integer; v_waiting integer; v_merges integer; v_counters integer;
begin
  if not pg_catalog.pg_try_advisory_xact_lock(hashtextextended('nokkel sweep', 0)) then
    return '{}';
  end if;
  delete from nokkel.login_attempt where expires_at < now() - interval '1 hour';
  get diagnostics v_logins = row_count;
  delete from nokkel.dpop_proof where expires_at < now();
  get diagnostics v_proofs = row_count;
  delete from nokkel.device_challenge where expires_at < now();
  get diagnostics v_challenges = row_count;
  delete from nokkel.session where coalesce(ended_at, expires_at) < now() - interval '30 days';
  get diagnostics v_sessions = row_count;
  delete from public.blob where not is_attached and created_at < now() - interval '24 hours';
  get diagnostics v_blobs = row_count;
  delete from nokkel.company_invitation where expires_at < now();
  get diagnostics v_invitations = row_count;
  delete from nokkel.rfx_key_attempt where created_at < now() - interval '24 hours';
  get diagnostics v_attempts = row_count;
  update public.rfx_entry set replaced_key = null, replaced_version = null, replaced_at = null
    where replaced_at < now() - interval '30 days';
  get diagnostics v_replaced = row_count;
  update public.rfx_bid set replaced_own_key = null, replaced_own_version = null, replaced_own_at = null
    where replaced_own_at < now() - interval '30 days';
  -- Wraps of earlier versions, once nothing is under them or what came before them.
  delete from public.rfx_key_history h using public.rfxs r
    where r.id = h.rfx_id and r.company_id is not null and h.created_at < now() - interval '30 days' and case r.kind
      when 'project' then not exists (
        select from public.rfx_entry e
        where e.rfx_id = r.id and e.wrapped_key is not null and least(e.key_version, e.replaced_version) <= h.version)
      when 'opening' then not exists (
        select from public.rfx_bid b where b.opening_id = r.id and b.opening_version <= h.version)
      else not exists (
        select from public.rfx_bid b where b.bidder_id = r.id and least(b.own_version, b.replaced_own_version) <= h.version) end;
  get diagnostics v_history = row_count;
  delete from nokkel.waiting_identity where expires_at < now() - interval '1 hour';
  get diagnostics v_waiting = row_count;
  -- With the images of what it moved: the account that was merged stays, empty.
  delete from nokkel.account_merge where merged_at <= now() - nokkel.undo_period();
  get diagnostics v_merges = row_count;
  -- Of a minute that counts no more.
  delete from nokkel.rate_counter where window_start < now() - interval '2 minutes';
  get diagnostics v_counters = row_count;
  return jsonb_build_object('logins', v_logins, 'proofs', v_proofs, 'challenges', v_challenges, 'sessions', v_sessions,
    'blobs', v_blobs, 'invitations', v_invitations, 'attempts', v_attempts,
    'replaced', v_replaced, 'history', v_history, 'waiting', v_waiting, 'merges', v_merges, 'counters', v_counters);
end
$$;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121110300' $$;

reset role;
