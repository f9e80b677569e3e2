set role nokkel_owner;

-- Two index keys at a time. docs/spec/keyring.md

alter table nokkel.index_key_version
  -- In the order in which they were taken. Of those that are not retired the last one indexes, and one more is the previous one.
  add n bigint not null generated always as identity unique,
  -- Since when nobody is under it. It does not come back.
  add retired_at timestamptz;

drop function nokkel.index_key_versions();
drop function nokkel.register_root_keys(text[], text[], bytea[], text);

create function nokkel.index_key_versions() returns table (key_id text, created_at timestamptz, retired_at timestamptz)
  language sql stable security definer set search_path = '' as
  $$ select v.key_id, v.created_at, v.retired_at from nokkel.index_key_version v order by v.n $$;

-- As before; of index keys first the present one, then the previous one. A new one comes only beside the one before it.
create function nokkel.register_root_keys(p_verified text[], p_key_ids text[], p_check_values bytea[], p_index_key_ids text[])
  returns boolean language plpgsql security definer set search_path = '' as $$
declare
  v_live text[];
begin
  lock table nokkel.master_key_version, nokkel.index_key_version in share row exclusive mode;
  v_live := array(select v.key_id from nokkel.index_key_version v where v.retired_at is null order by v.n desc);
  if p_verified = '{}' and exists (select from nokkel.master_key_version)
    or exists (select from nokkel.master_key_version v where v.key_id = any (p_key_ids))
    or exists (select from nokkel.master_key_version v join nokkel.master_key_rows() r using (key_id)
      where v.key_id <> all (p_verified))
    or not v_live <@ p_index_key_ids
    or p_index_key_ids[1] is distinct from v_live[1] and exists (
      select from nokkel.index_key_version v where v.key_id = p_index_key_ids[1])
    or exists (select from nokkel.index_key_version) and exists (
      select from unnest(p_index_key_ids[2:]) previous (id)
      where not exists (select from nokkel.index_key_version v where v.key_id = previous.id))
  then
    return false;
  end if;
  update nokkel.master_key_version v set retired_at = case when v.key_id <> all (p_verified) then now() end
  where (v.key_id = any (p_verified)) = (v.retired_at is not null);
  insert into nokkel.master_key_version (key_id, check_value) select * from unnest(p_key_ids, p_check_values);
  insert into nokkel.index_key_version (key_id)
    select given.id from unnest(p_index_key_ids) with ordinality given (id, position) order by given.position desc
    on conflict do nothing;
  return true;
end
$$;

grant execute on function nokkel.index_key_versions(), nokkel.register_root_keys(text[], text[], bytea[], text[]) to nokkel_server;

-- What people are recognised by under two keys -----------------------------------------------------------------------------

-- The same value under the previous key and under the present one, where a person stands under the present one. A server that does
-- not have the present key yet finds them by it. It goes with the previous key, and with what it leads to.
create table nokkel.former_index (
  former bytea primary key check (length(former) = 32),
  former_key_id text not null references nokkel.index_key_version,
  index bytea not null check (length(index) = 32),
  index_key_id text not null references nokkel.index_key_version
);
create index former_index_index on nokkel.former_index (index);
create index former_index_former_key on nokkel.former_index (former_key_id);
create index former_index_index_key on nokkel.former_index (index_key_id);
call nokkel.protect('nokkel.former_index');
create index user_identities_email on public.user_identities (email_index);
create index user_identities_personnummer_key on public.user_identities (personnummer_index_key);
create index user_identities_contact_key on public.user_identities (contact_index_key);
create index account_merge_row_identity on nokkel.account_merge_row (merge_id) where table_name = 'public.user_identities';

-- Holds the versions with these ids: until the transaction ends none of them is retired.
create function nokkel.hold_index_keys(variadic p_key_ids text[]) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  perform from nokkel.index_key_version v where v.key_id = any (p_key_ids) order by v.n for key share;
end
$$;

create function nokkel.is_retired_index_key(p_key_id text) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (select from nokkel.index_key_version v where v.key_id = p_key_id and v.retired_at is not null)
$$;

-- The row with its indexes under the present key, as far as they are known under that; without those under a retired one.
create function nokkel.present_identity(p_row public.user_identities) returns public.user_identities
  language plpgsql stable security definer set search_path = '' as $$
declare
  v_row public.user_identities := p_row;
  v_number nokkel.former_index;
  v_phone nokkel.former_index;
  v_email nokkel.former_index;
begin
  if nokkel.is_retired_index_key(v_row.personnummer_index_key) then
    v_row.personnummer_index := null;
    v_row.personnummer_index_key := null;
  end if;
  if nokkel.is_retired_index_key(v_row.contact_index_key) then
    v_row.phone_index := null;
    v_row.email_index := null;
    v_row.contact_index_key := null;
  end if;
  select * into v_number from nokkel.former_index f
    where (f.former, f.former_key_id) = (v_row.personnummer_index, v_row.personnummer_index_key);
  if found then
    v_row.personnummer_index := v_number.index;
    v_row.personnummer_index_key := v_number.index_key_id;
  end if;
  select * into v_phone from nokkel.former_index f
    where (f.former, f.former_key_id) = (v_row.phone_index, v_row.contact_index_key);
  select * into v_email from nokkel.former_index f
    where (f.former, f.former_key_id) = (v_row.email_index, v_row.contact_index_key);
  -- Both or neither: they stand under one key.
  if num_nonnulls(v_phone.index, v_email.index) > 0
    and num_nonnulls(v_phone.index, v_email.index) = num_nonnulls(v_row.phone_index, v_row.email_index)
  then
    v_row.phone_index := v_phone.index;
    v_row.email_index := v_email.index;
    v_row.contact_index_key := coalesce(v_phone.index_key_id, v_email.index_key_id);
  end if;
  return v_row;
end
$$;

-- Of what comes back by the undo of a merge, too.
create function nokkel.write_present_indexes() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  perform nokkel.hold_index_keys(new.personnummer_index_key, new.contact_index_key);
  new := nokkel.present_identity(new);
  return new;
end
$$;
create trigger write_present_indexes before insert or update of personnummer_index, personnummer_index_key,
    phone_index, email_index, contact_index_key on public.user_identities
  for each row when (num_nonnulls(new.personnummer_index, new.contact_index_key) > 0)
  execute function nokkel.write_present_indexes();

-- The image of a row in the journal of a merge, likewise.
create function nokkel.present_image(p_image jsonb) returns jsonb
  language sql stable security definer set search_path = '' set bytea_output = 'hex' as $$
  select p_image || jsonb_build_object(
    'personnummer_index', i.personnummer_index, 'personnummer_index_key', i.personnummer_index_key,
    'phone_index', i.phone_index, 'email_index', i.email_index, 'contact_index_key', i.contact_index_key)
  from nokkel.present_identity(jsonb_populate_record(null::public.user_identities, p_image)) i
$$;

-- Notes pairs of the same value under both keys, for somebody who stands under the present one now. Without a previous key there is nothing to note.
create function nokkel.note_former_indexes(p_former_key text, p_key text, p_former bytea[], p_indexes bytea[]) returns void
  language plpgsql security definer set search_path = '' set bytea_output = 'hex' as $$
declare
  v_wanted bytea[];
  v_noted bytea[] := '{}';
  v_new bytea[];
  v_count integer;
begin
  if p_former_key is null or p_former_key = p_key then return; end if;
  v_wanted := array(
    select distinct pair.former from unnest(p_former, p_indexes) pair (former, index)
    where pair.former is not null and pair.index is not null);
  loop
    with noted as (
      insert into nokkel.former_index as f (former, former_key_id, index, index_key_id)
        select distinct on (pair.former) pair.former, p_former_key, pair.index, p_key
        from unnest(p_former, p_indexes) pair (former, index)
        where pair.former = any (v_wanted)
        order by pair.former
        on conflict do nothing
        returning f.former
    ) select array_agg(noted.former) into v_new from noted;
    v_noted := v_noted || v_new;
    -- One that was there may be about to be forgotten: then it is noted anew.
    perform from nokkel.former_index f where f.former = any (v_wanted) order by f.former for key share;
    get diagnostics v_count = row_count;
    exit when v_count = cardinality(v_wanted);
  end loop;
  if v_noted = '{}' then return; end if;
  update nokkel.account_merge_row j set before = nokkel.present_image(j.before), after = nokkel.present_image(j.after)
    where j.table_name = 'public.user_identities' and exists (
      select from unnest(array[j.before, j.after]) image (row), unnest(v_noted) former (index)
      where former.index::text in (image.row ->> 'personnummer_index', image.row ->> 'phone_index', image.row ->> 'email_index'));
end
$$;

-- Whoever is no longer under the present index is not to be found by the previous one either.
create function nokkel.forget_former_indexes() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  -- Waits for whoever is noting one of these; the next statement sees for whom.
  perform from nokkel.former_index f where f.index in (old.personnummer_index, old.phone_index, old.email_index)
    order by f.former for update;
  delete from nokkel.former_index f
    where f.index in (old.personnummer_index, old.phone_index, old.email_index)
      and not exists (select from public.user_identities i where i.personnummer_index = f.index)
      and not exists (select from public.user_identities i where i.phone_index = f.index)
      and not exists (select from public.user_identities i where i.email_index = f.index);
  return null;
end
$$;
-- At the end: a merge takes an index from one account before the other one has it.
create constraint trigger forget_former_indexes after update on public.user_identities deferrable initially deferred for each row
  when ((old.personnummer_index, old.phone_index, old.email_index) is distinct from
    (new.personnummer_index, new.phone_index, new.email_index))
  execute function nokkel.forget_former_indexes();
create constraint trigger forget_deleted_former_indexes after delete on public.user_identities deferrable initially deferred
  for each row when (num_nonnulls(old.personnummer_index, old.phone_index, old.email_index) > 0)
  execute function nokkel.forget_former_indexes();

-- Logins -----------------------------------------------------------------------------------------------------------------

alter type nokkel.verified_login
  -- The same under the previous index key, while there is one.
  add attribute previous_index_key text, add attribute previous_personnummer_index bytea,
  add attribute previous_phone_index bytea, add attribute previous_email_index bytea;

-- The number of a login under each key it is known under.
create function nokkel.numbers_of(p_login nokkel.verified_login) returns text[]
  language sql immutable set search_path = '' as $$
  select array_remove(array[
    p_login.personnummer_index_key || ':' || encode(p_login.personnummer_index, 'hex'),
    p_login.previous_index_key || ':' || encode(p_login.previous_personnummer_index, 'hex')], null)
$$;

-- The login as a server with both keys would tell it: one that has not got the present key yet told it under the previous one, and so
-- did one that waits since then. A server that knows only a retired key is told no more than that it is not ready.
create function nokkel.present_login(p_login nokkel.verified_login) returns nokkel.verified_login
  language plpgsql security definer set search_path = '' as $$
declare
  v_login nokkel.verified_login := p_login;
  v_row public.user_identities;
begin
  perform nokkel.hold_index_keys(v_login.personnummer_index_key, v_login.contact_index_key, v_login.previous_index_key);
  if nokkel.is_retired_index_key(v_login.personnummer_index_key) or nokkel.is_retired_index_key(v_login.contact_index_key) then
    perform nokkel.refuse('unavailable');
  end if;
  if nokkel.is_retired_index_key(v_login.previous_index_key) then
    v_login.previous_index_key := null;
    v_login.previous_personnummer_index := null;
    v_login.previous_phone_index := null;
    v_login.previous_email_index := null;
  end if;
  if v_login.previous_index_key is not null then return v_login; end if;
  v_row.personnummer_index := v_login.personnummer_index;
  v_row.personnummer_index_key := v_login.personnummer_index_key;
  v_row.phone_index := v_login.phone_index;
  v_row.email_index := v_login.email_index;
  v_row.contact_index_key := v_login.contact_index_key;
  v_row := nokkel.present_identity(v_row);
  if v_row.personnummer_index_key <> v_login.personnummer_index_key then
    v_login.previous_index_key := v_login.personnummer_index_key;
    v_login.previous_personnummer_index := v_login.personnummer_index;
    v_login.personnummer_index_key := v_row.personnummer_index_key;
    v_login.personnummer_index := v_row.personnummer_index;
  end if;
  if v_row.contact_index_key <> v_login.contact_index_key then
    v_login.previous_index_key := v_login.contact_index_key;
    v_login.previous_phone_index := v_login.phone_index;
    v_login.previous_email_index := v_login.email_index;
    v_login.contact_index_key := v_row.contact_index_key;
    v_login.phone_index := v_row.phone_index;
    v_login.email_index := v_row.email_index;
  end if;
  return v_login;
end
$$;

-- As before, under both keys: of two servers the one that does not have both meets the other at the one they share.
create or replace function nokkel.lock_logins(p_logins nokkel.verified_login[], p_account uuid default null) returns void
  language plpgsql set search_path = '' as $$
begin
  perform pg_catalog.pg_advisory_xact_lock(hashtextextended(key, 0)) from (
    select 'identity:' || l.provider || ':' || l.client_id || ':' || l.subject as key from unnest(p_logins) l
    union select 'personnummer:' || encode(l.personnummer_index, 'hex') from unnest(p_logins) l
    union select 'personnummer:' || encode(l.previous_personnummer_index, 'hex') from unnest(p_logins) l
    union select 'contact:' || encode(l.phone_index, 'hex') || encode(l.email_index, 'hex') from unnest(p_logins) l
    union select 'contact:' || encode(l.previous_phone_index, 'hex') || encode(l.previous_email_index, 'hex') from unnest(p_logins) l
    union select 'account:' || p_account
  ) keys where key is not null order by key;
end
$$;

drop function nokkel.personnummer_account(bytea);

-- Whose verified number it is, under either key, held in the same way.
create function nokkel.personnummer_account(p_login nokkel.verified_login) returns uuid language plpgsql set search_path = '' as $$
declare
  v_user uuid;
begin
  loop
    select i.user_id into v_user from public.user_identities i
      where (i.personnummer_index, i.personnummer_index_key) in (
        (p_login.personnummer_index, p_login.personnummer_index_key),
        (p_login.previous_personnummer_index, p_login.previous_index_key));
    exit when v_user is null;
    perform from public.app_user u where u.auth_user_id = v_user for share;
    exit when exists (
      select from public.user_identities i
      where i.user_id = v_user
        and i.personnummer_index_key || ':' || encode(i.personnummer_index, 'hex') = any (nokkel.numbers_of(p_login)));
  end loop;
  return v_user;
end
$$;

-- As before; numbers are compared under the same key.
create or replace function nokkel.are_different_people(
  p_user uuid, p_login nokkel.verified_login, p_other uuid default null, p_other_login nokkel.verified_login default null
) returns boolean language sql stable set search_path = '' as $$
  with known (numbers, bankids) as (
    select array_remove(array[i.personnummer_index_key || ':' || encode(i.personnummer_index, 'hex')], null), array(
      select e.subject from public.external_identity e where e.user_id = account.id and e.provider = 'bankid')
    from (values (p_user), (p_other)) account (id) left join public.user_identities i on i.user_id = account.id
    union all
    select nokkel.numbers_of(login), array(select login.subject where login.provider = 'bankid')
    from unnest(array[p_login, p_other_login]) login
  )
  select exists (
    select from known one, known other
    where case
      -- Also under two keys that have none in common: what stands under the present one is known under the previous one, too.
      when one.numbers <> '{}' and other.numbers <> '{}' then not one.numbers && other.numbers
      else one.bankids <> '{}' and other.bankids <> '{}' and not one.bankids && other.bankids end)
$$;

-- As before, under either key.
create or replace function nokkel.contact_accounts(p_login nokkel.verified_login, p_phone text, p_email text, p_ways text[])
  returns table (id uuid, of_supabase boolean) language sql set search_path = '' as $$
  select nokkel.account_now(found.id), bool_or(found.of_supabase) from (
    select i.user_id, false from public.user_identities i
      where (i.contact_index_key, i.phone_index, i.email_index) in (
        (p_login.contact_index_key, p_login.phone_index, p_login.email_index),
        (p_login.previous_index_key, p_login.previous_phone_index, p_login.previous_email_index))
    union all
    select s.id, true from nokkel.supabase_accounts(p_phone, p_email) s (id)
      where 'supabase' = any (p_ways) or exists (select from public.app_user u where u.auth_user_id = s.id)
  ) found (id, of_supabase)
  where not nokkel.are_different_people(nokkel.account_now(found.id), p_login)
  group by 1
$$;

-- As before; whoever stands under the previous key comes to stand under the present one.
create or replace function nokkel.attach_login(p_user uuid, p_login nokkel.verified_login, p_signs_in boolean, p_request uuid)
  returns uuid language plpgsql set search_path = '' as $$
declare
  v_identity uuid;
  v_other uuid;
begin
  -- What is added anew was let in, so it is taken away no longer.
  delete from nokkel.removed_login r using nokkel.removals_of(p_user, p_login) removed
    where r = removed and not exists (
      select from public.external_identity i
      where i.provider = p_login.provider and i.client_id = p_login.client_id and i.subject = p_login.subject);
  insert into public.external_identity as i (provider, client_id, subject, user_id, last_login_at, organization_id)
    values (p_login.provider, p_login.client_id, p_login.subject, p_user, case when p_signs_in then now() end,
      case when p_login.client_id <> '*' then p_login.organization_id end)
    on conflict (provider, client_id, subject) do update set
      last_login_at = coalesce(excluded.last_login_at, i.last_login_at),
      organization_id = coalesce(i.organization_id, excluded.organization_id)
    returning i.id into v_identity;
  insert into public.organization_member (organization_id, user_id) values (p_login.organization_id, p_user)
    on conflict do nothing;

  insert into public.user_identities as i (user_id, bankid_verified, bankid_verified_at)
    values (p_user, p_login.provider = 'bankid', case when p_login.provider = 'bankid' then now() end)
    on conflict on constraint user_identities_user_id_key do update set
      bankid_verified = i.bankid_verified or excluded.bankid_verified,
      bankid_verified_at = coalesce(i.bankid_verified_at, excluded.bankid_verified_at),
      updated_at = now()
    where excluded.bankid_verified and not i.bankid_verified;
  if p_login.contact_index_key is not null then
    update public.user_identities i
      set phone_index = p_login.phone_index, email_index = p_login.email_index,
        contact_index_key = p_login.contact_index_key, updated_at = now()
      where i.user_id = p_user and (i.phone_index, i.email_index, i.contact_index_key)
        is distinct from (p_login.phone_index, p_login.email_index, p_login.contact_index_key);
    perform nokkel.note_former_indexes(p_login.previous_index_key, p_login.contact_index_key,
      array[p_login.previous_phone_index, p_login.previous_email_index], array[p_login.phone_index, p_login.email_index]);
  end if;
  if p_login.personnummer_index is not null then
    v_other := nokkel.personnummer_account(p_login);
    if v_other is null then
      update public.user_identities i
        set personnummer_index = p_login.personnummer_index, personnummer_index_key = p_login.personnummer_index_key,
          updated_at = now()
        where i.user_id = p_user and i.personnummer_index is null;
    elsif v_other <> p_user then
      perform nokkel.suspect_duplicate(p_login.organization_id, p_user, v_other, 'personnummer');
    else
      update public.user_identities i
        set personnummer_index = p_login.personnummer_index, personnummer_index_key = p_login.personnummer_index_key,
          updated_at = now()
        where i.user_id = p_user and (i.personnummer_index, i.personnummer_index_key)
          = (p_login.previous_personnummer_index, p_login.previous_index_key);
    end if;
    if exists (
      select from public.user_identities i where i.user_id = p_user and i.personnummer_index = p_login.personnummer_index
    ) then
      perform nokkel.note_former_indexes(p_login.previous_index_key, p_login.personnummer_index_key,
        array[p_login.previous_personnummer_index], array[p_login.personnummer_index]);
    end if;
  end if;

  perform nokkel.audit_consent(p_user, p_login, p_request);
  return v_identity;
end
$$;

-- As before, in whichever of the two keys the login was told.
create or replace function nokkel.sign_in(
  p_login jsonb,
  -- The account of Supabase whose token was shown.
  p_supabase_user uuid,
  -- The waiting login that this one confirms.
  p_confirms uuid,
  -- How people can log in here, and what the database of Supabase is asked for.
  p_ways text[], p_phone text, p_email text,
  -- Of the row, if this login has to wait.
  p_waiting uuid, p_token_hash bytea, p_waiting_contact bytea,
  p_thumbprint text, p_device_name text, p_refresh_hash bytea, p_lifetime interval, p_request uuid,
  out outcome text, out problem text, out user_id uuid, out session_id uuid, out session_expires_at timestamptz,
  out personnummer text, out ways text[], out waits_until timestamptz, out confirmed_contact bytea
) language plpgsql security definer set search_path = '' as $$
declare
  v_login nokkel.verified_login := jsonb_populate_record(null::nokkel.verified_login, p_login);
  v_waiting nokkel.waiting_identity;
  v_other_login nokkel.verified_login;
  v_other uuid;
  v_account uuid;
  v_enrollment text;
  v_minimum text;
  v_removed boolean;
  v_candidates uuid[];
  v_identity uuid;
begin
  if p_confirms is not null then
    select * into v_waiting from nokkel.waiting_identity w
      where w.id = p_confirms and w.consumed_at is null and w.expires_at > now() and w.thumbprint = p_thumbprint
        and w.organization_id = v_login.organization_id
      for update;
    if not found then
      problem := 'link_unknown';
      perform nokkel.audit_consent(null, v_login, p_request);
      perform nokkel.audit(v_login.organization_id, null, 'login.link', 'waiting_identity', p_confirms::text, problem, p_request);
      return;
    end if;
    v_other_login := jsonb_populate_record(null::nokkel.verified_login, v_waiting.login);
  end if;
  perform nokkel.lock_logins(array[v_login, v_other_login], p_supabase_user);
  v_login := nokkel.present_login(v_login);
  v_other_login := nokkel.present_login(v_other_login);

  user_id := nokkel.identity_account(v_login);
  outcome := 'signed_in';
  if user_id is null then
    user_id := nokkel.personnummer_account(v_login);
    outcome := 'identity_linked';
  end if;
  v_removed := outcome = 'identity_linked' and p_supabase_user is null and exists (
    select from nokkel.removals_of(sign_in.user_id, v_login));

  select o.enrollment, o.minimum_assurance into strict v_enrollment, v_minimum from public.organization o
    where o.id = v_login.organization_id;
  if p_supabase_user is not null then
    v_account := nokkel.hold_account(p_supabase_user);
    -- The id of somebody who was erased is given to nobody again.
    if v_account is null and nokkel.is_erased(p_supabase_user) then
      problem := 'supabase_token_invalid';
    elsif v_account is null and user_id is not null then
      -- It is made, so that an administrator can merge the two.
      insert into public.app_user (auth_user_id, name) values (p_supabase_user, v_login.name);
      insert into public.organization_member (organization_id, user_id)
        select v_login.organization_id, p_supabase_user where v_enrollment = 'open';
      v_account := p_supabase_user;
    end if;
    if problem is not null then
      null;
    elsif v_account is null then
      v_account := p_supabase_user;
    elsif user_id is distinct from v_account and (
      nokkel.are_different_people(v_account, v_login) or nokkel.are_different_people(v_account, null, user_id)
    ) then
      problem := 'login_other_person';
    elsif user_id <> v_account then
      problem := 'login_of_other_account';
      perform nokkel.suspect_duplicate(v_login.organization_id, user_id, v_account, 'both_logins');
    else
      user_id := v_account;
    end if;
  end if;

  if p_confirms is not null and problem is null then
    v_other := nokkel.identity_account(v_other_login);
    if v_removed or coalesce(user_id, v_account) is distinct from nokkel.account_now(v_waiting.candidate_id) then
      problem := 'login_link_mismatch';
    elsif nokkel.are_different_people(user_id, v_other_login) or nokkel.are_different_people(null, v_login, null, v_other_login) then
      problem := 'login_other_person';
    elsif v_other <> user_id then
      problem := 'login_of_other_account';
      perform nokkel.suspect_duplicate(v_login.organization_id, user_id, v_other, 'both_logins');
    end if;
  end if;

  if v_removed and problem is null then
    v_candidates := array[user_id];
    user_id := null;
  elsif user_id is null and v_account is null and problem is null then
    v_candidates := array(select c.id from nokkel.contact_accounts(v_login, p_phone, p_email, p_ways) c order by 1);
  end if;
  if cardinality(v_candidates) = 1 then
    ways := array(
      select w from unnest(p_ways) with ordinality offered (w, position)
      where case w
        when 'supabase' then exists (
          select from nokkel.contact_accounts(v_login, p_phone, p_email, p_ways) c where c.of_supabase and c.id = v_candidates[1])
        else w <> v_login.provider and exists (
          select from public.external_identity i
          where i.user_id = v_candidates[1] and i.provider = w
            and (i.client_id = '*' or i.organization_id = v_login.organization_id))
      end
      order by position);
  end if;

  -- It may be another one than when this login began.
  if problem is null and not nokkel.reaches(v_login.assurance, v_minimum) then
    problem := 'login_assurance_too_low';
  elsif problem is null and v_enrollment = 'invited' and not exists (
    select from public.organization_member m
    where m.organization_id = v_login.organization_id
      and m.user_id = coalesce(sign_in.user_id, v_account, case when cardinality(ways) > 0 then v_candidates[1] end)
  ) then
    problem := 'login_not_member';
  end if;

  if problem is not null then
    perform nokkel.audit_consent(user_id, v_login, p_request);
    perform nokkel.audit(v_login.organization_id, user_id, case when p_confirms is null then 'login.sign_in' else 'login.link' end,
      null, null, problem, p_request);
    outcome := null;
    user_id := null;
    ways := null;
    return;
  end if;

  if cardinality(ways) > 0 then
    outcome := 'needs_linking';
    insert into nokkel.waiting_identity as w (id, token_hash, thumbprint, organization_id, candidate_id, login, contact)
      values (p_waiting, p_token_hash, p_thumbprint, v_login.organization_id, v_candidates[1],
        -- The yes is recorded now, and once.
        p_login - array['consent_version', 'consent_shares'], p_waiting_contact)
      returning w.expires_at into waits_until;
    perform nokkel.audit_consent(null, v_login, p_request);
    perform nokkel.audit(v_login.organization_id, null, 'login.waiting', 'waiting_identity', p_waiting::text, null, p_request);
    return;
  end if;

  if user_id is null then
    insert into public.app_user as u (auth_user_id, name) values (coalesce(v_account, gen_random_uuid()), v_login.name)
      returning u.auth_user_id into user_id;
    outcome := 'account_created';
    perform nokkel.suspect_duplicate(v_login.organization_id, sign_in.user_id, u.auth_user_id, 'phone_and_email')
      from public.app_user u where u.auth_user_id = any (v_candidates) and not v_removed;
  end if;

  v_identity := nokkel.attach_login(user_id, v_login, true, p_request);
  if outcome = 'identity_linked' then
    perform nokkel.audit(v_login.organization_id, user_id, 'login.link', 'identity', v_identity::text, null, p_request);
  end if;
  if p_confirms is not null then
    outcome := 'identity_linked';
    confirmed_contact := v_waiting.contact;
    update nokkel.waiting_identity w set consumed_at = now() where w.id = p_confirms;
    perform nokkel.audit(v_login.organization_id, user_id, 'login.link', 'identity',
      nokkel.attach_login(user_id, v_other_login, false, p_request)::text, null, p_request);
  end if;
  personnummer := nokkel.personnummer_outcome(user_id, v_login);

  insert into nokkel.session as s
    (user_id, organization_id, provider, acr, assurance, thumbprint, device_name, expires_at, identity_id)
    values (user_id, v_login.organization_id, v_login.provider, v_login.acr, v_login.assurance, p_thumbprint, p_device_name,
      now() + p_lifetime, v_identity)
    returning s.id, s.expires_at into session_id, session_expires_at;
  insert into nokkel.refresh_token (hash, session_id) values (p_refresh_hash, session_id);
  perform nokkel.audit(v_login.organization_id, user_id, 'login.sign_in', 'identity', v_identity::text, null, p_request);
end
$$;

create or replace function nokkel.continue_login(
  p_token_hash bytea, p_thumbprint text, p_device_name text, p_refresh_hash bytea, p_lifetime interval, p_request uuid,
  out outcome text, out problem text, out user_id uuid, out session_id uuid, out session_expires_at timestamptz,
  out personnummer text, out organization_id uuid, out waiting_id uuid, out contact bytea
) language plpgsql security definer set search_path = '' as $$
declare
  v_waiting nokkel.waiting_identity;
  v_login nokkel.verified_login;
begin
  select * into v_waiting from nokkel.waiting_identity w
    where w.token_hash = p_token_hash and w.thumbprint = p_thumbprint and w.consumed_at is null and w.expires_at > now()
    for update;
  if not found then
    problem := 'link_unknown';
    perform nokkel.audit(null, null, 'login.continue', null, null, problem, p_request);
    return;
  end if;
  select s.outcome, s.problem, s.user_id, s.session_id, s.session_expires_at, s.personnummer
    into outcome, problem, user_id, session_id, session_expires_at, personnummer
    from nokkel.sign_in(v_waiting.login, null, null, '{}', null, null, null, null, null, p_thumbprint, p_device_name,
      p_refresh_hash, p_lifetime, p_request) s;
  if problem is not null then
    return;
  end if;
  organization_id := v_waiting.organization_id;
  waiting_id := v_waiting.id;
  contact := v_waiting.contact;
  if outcome = 'account_created' then
    v_login := nokkel.present_login(jsonb_populate_record(v_login, v_waiting.login));
    perform nokkel.suspect_duplicate(v_waiting.organization_id, continue_login.user_id, u.auth_user_id, 'phone_and_email')
      from public.app_user u where u.auth_user_id = nokkel.account_now(v_waiting.candidate_id) and not exists (
        -- By that it is noted already.
        select from public.user_identities i
        where i.user_id = u.auth_user_id
          and i.personnummer_index_key || ':' || encode(i.personnummer_index, 'hex') = any (nokkel.numbers_of(v_login)));
  end if;
  update nokkel.waiting_identity w set consumed_at = now() where w.id = v_waiting.id;
end
$$;

create or replace function nokkel.link_login(
  p_user uuid, p_session uuid, p_login jsonb, p_request uuid,
  out outcome text, out problem text, out id uuid, out personnummer text
) language plpgsql security definer set search_path = '' as $$
declare
  v_login nokkel.verified_login := jsonb_populate_record(null::nokkel.verified_login, p_login);
  v_owner uuid;
  v_mine boolean;
begin
  perform nokkel.lock_logins(array[v_login]);
  v_login := nokkel.present_login(v_login);
  perform from public.app_user u where u.auth_user_id = p_user for share;
  if nokkel.session_state(p_session) <> 'live' or not exists (
    select from nokkel.session s
    where s.id = p_session and s.user_id = p_user and s.organization_id = v_login.organization_id
  ) then
    perform nokkel.refuse('session_ended');
  end if;
  v_owner := nokkel.identity_account(v_login);
  v_mine := coalesce(v_owner = p_user, false);
  outcome := case when v_mine then 'already_linked' else 'identity_linked' end;
  v_owner := coalesce(v_owner, nokkel.personnummer_account(v_login), p_user);
  if not v_mine and nokkel.are_different_people(p_user, v_login, v_owner) then
    problem := 'login_other_person';
  elsif v_owner <> p_user then
    problem := 'login_of_other_account';
    perform nokkel.suspect_duplicate(v_login.organization_id, p_user, v_owner, 'both_logins');
  end if;
  if problem is not null then
    outcome := null;
    perform nokkel.audit_consent(p_user, v_login, p_request);
    perform nokkel.audit(v_login.organization_id, p_user, 'login.link', null, null, problem, p_request);
    return;
  end if;
  id := nokkel.attach_login(p_user, v_login, false, p_request);
  personnummer := nokkel.personnummer_outcome(p_user, v_login);
  perform nokkel.audit(v_login.organization_id, p_user, 'login.link', 'identity', id::text, null, p_request);
end
$$;

-- Rotation ---------------------------------------------------------------------------------------------------------------

create function nokkel.is_movable(p_row public.user_identities, p_key_id text) returns boolean
  language sql immutable set search_path = '' as $$
  select coalesce(p_row.personnummer_index_key = p_key_id and p_row.personnummer_source <> 'typed', false)
    or coalesce(p_row.contact_index_key = p_key_id and p_row.contact is not null, false)
$$;

-- How many stand under each key, oldest first: by their number, by phone and e-mail, in logins that wait and in what a merge keeps for
-- its undo. movable: of how many the values themselves are kept, encrypted.
create function nokkel.index_key_states() returns table (
  key_id text, created_at timestamptz, retired_at timestamptz, people bigint, numbers bigint, contacts bigint, movable bigint,
  waiting_logins bigint, merged_rows bigint
) language sql stable security definer set search_path = '' as $$
  select v.key_id, v.created_at, v.retired_at, i.people, i.numbers, i.contacts, i.movable,
    (select count(*) from nokkel.waiting_identity w
      where w.consumed_at is null and w.expires_at > now()
        and v.key_id in (w.login ->> 'personnummer_index_key', w.login ->> 'contact_index_key')),
    (select count(*) from nokkel.account_merge_row j
      where j.table_name = 'public.user_identities' and v.key_id in (
        j.before ->> 'personnummer_index_key', j.before ->> 'contact_index_key',
        j.after ->> 'personnummer_index_key', j.after ->> 'contact_index_key'))
  from nokkel.index_key_version v
  cross join lateral (
    select count(*) as people, count(*) filter (where u.personnummer_index_key = v.key_id) as numbers,
      count(*) filter (where u.contact_index_key = v.key_id) as contacts,
      count(*) filter (where nokkel.is_movable(u, v.key_id)) as movable
    from public.user_identities u where u.personnummer_index_key = v.key_id or u.contact_index_key = v.key_id
  ) i
  order by v.n
$$;

-- Some of those under a key whose values are kept, in the order of their ids, with what is needed to open them.
create function nokkel.movable_indexes(p_key_id text, p_after uuid, p_limit integer) returns table (
  user_id uuid, personnummer_index bytea, phone_index bytea, email_index bytea, personnummer bytea, contact bytea, wrapped_key bytea
) language sql stable security definer set search_path = '' as $$
  select i.user_id,
    case when i.personnummer_index_key = p_key_id then i.personnummer_index end,
    case when i.contact_index_key = p_key_id then i.phone_index end,
    case when i.contact_index_key = p_key_id then i.email_index end,
    case when i.personnummer_index_key = p_key_id and i.personnummer_source <> 'typed' then i.personnummer end,
    case when i.contact_index_key = p_key_id then i.contact end,
    k.wrapped_key
  from public.user_identities i join nokkel.person_key k on k.user_id = i.user_id
  where nokkel.is_movable(i, p_key_id) and (p_after is null or i.user_id > p_after)
  order by i.user_id limit p_limit
$$;

-- Moves indexes of people to the present key, each only if it is as it was read. p_moves: for each person user_id and pairs of the
-- former and the new index in hexadecimal digits, of personnummer, and, with contact, of phone and email. Gives how many were moved.
create function nokkel.move_indexes(p_former_key text, p_key text, p_moves jsonb) returns integer
  language plpgsql security definer set search_path = '' as $$
declare
  v_move record;
  v_moved integer := 0;
  v_number boolean;
  v_contact boolean;
begin
  perform nokkel.hold_index_keys(p_former_key, p_key);
  if (select array_agg(v.key_id order by v.n) from nokkel.index_key_version v where v.retired_at is null)
    is distinct from array[p_former_key, p_key]
  then
    perform nokkel.refuse('conflict');
  end if;
  -- As logins do.
  perform pg_catalog.pg_advisory_xact_lock(hashtextextended(keys.key, 0)) from (
    select 'personnummer:' || index.value as key
      from jsonb_array_elements(p_moves) m, unnest(array[m #>> '{personnummer,0}', m #>> '{personnummer,1}']) index (value)
    union
    select 'contact:' || (m #>> array['phone', n::text]) || (m #>> array['email', n::text])
      from jsonb_array_elements(p_moves) m, generate_series(0, 1) n
  ) keys where keys.key is not null order by keys.key;
  for v_move in
    select m.user_id, decode(m.personnummer ->> 0, 'hex') as former_number, decode(m.personnummer ->> 1, 'hex') as number,
      decode(m.phone ->> 0, 'hex') as former_phone, decode(m.phone ->> 1, 'hex') as phone,
      decode(m.email ->> 0, 'hex') as former_email, decode(m.email ->> 1, 'hex') as email, m.contact
    from jsonb_to_recordset(p_moves) m (user_id uuid, personnummer jsonb, contact boolean, phone jsonb, email jsonb)
    order by m.user_id
  loop
    update public.user_identities i set personnummer_index = v_move.number, personnummer_index_key = p_key
      where i.user_id = v_move.user_id and (i.personnummer_index, i.personnummer_index_key) = (v_move.former_number, p_former_key)
        and not exists (select from public.user_identities other where other.personnummer_index = v_move.number);
    v_number := found;
    update public.user_identities i set phone_index = v_move.phone, email_index = v_move.email, contact_index_key = p_key
      where i.user_id = v_move.user_id and i.contact_index_key = p_former_key and v_move.contact
        and (i.phone_index, i.email_index) is not distinct from (v_move.former_phone, v_move.former_email);
    v_contact := found;
    perform nokkel.note_former_indexes(p_former_key, p_key,
      array[case when v_number then v_move.former_number end, case when v_contact then v_move.former_phone end,
        case when v_contact then v_move.former_email end],
      array[v_move.number, v_move.phone, v_move.email]);
    if v_number or v_contact then v_moved := v_moved + 1; end if;
  end loop;
  return v_moved;
end
$$;

-- Gives the previous key up: nobody is found by it any longer. Null, where people or what waits are under it and p_forget is not said:
-- then nothing was changed. Otherwise how many people were forgotten.
create function nokkel.retire_index_key(p_key_id text, p_forget boolean, p_request uuid) returns integer
  language plpgsql security definer set search_path = '' as $$
declare
  v_count integer;
begin
  -- Whoever writes under it has finished, or finds it retired.
  perform from nokkel.index_key_version v where v.key_id = p_key_id and v.retired_at is null for update;
  if not found or not exists (
    select from nokkel.index_key_version v, nokkel.index_key_version next
    where v.key_id = p_key_id and next.retired_at is null and next.n > v.n
  ) then
    perform nokkel.refuse('not_found');
  end if;
  if not p_forget and exists (
    select from nokkel.index_key_states() s
    where s.key_id = p_key_id and (s.people > 0 or s.waiting_logins > 0 or s.merged_rows > 0)
  ) then
    return null;
  end if;
  update nokkel.index_key_version v set retired_at = now() where v.key_id = p_key_id;
  delete from nokkel.former_index f where f.former_key_id = p_key_id;
  update nokkel.waiting_identity w set expires_at = now()
    where w.consumed_at is null and w.expires_at > now()
      and p_key_id in (w.login ->> 'personnummer_index_key', w.login ->> 'contact_index_key');
  update nokkel.account_merge_row j set before = nokkel.present_image(j.before), after = nokkel.present_image(j.after)
    where j.table_name = 'public.user_identities' and p_key_id in (
      j.before ->> 'personnummer_index_key', j.before ->> 'contact_index_key',
      j.after ->> 'personnummer_index_key', j.after ->> 'contact_index_key');
  update public.user_identities i set
    personnummer_index = case when i.personnummer_index_key <> p_key_id then i.personnummer_index end,
    personnummer_index_key = nullif(i.personnummer_index_key, p_key_id),
    phone_index = case when i.contact_index_key <> p_key_id then i.phone_index end,
    email_index = case when i.contact_index_key <> p_key_id then i.email_index end,
    contact_index_key = nullif(i.contact_index_key, p_key_id)
    where p_key_id in (i.personnummer_index_key, i.contact_index_key);
  get diagnostics v_count = row_count;
  perform nokkel.audit(null, null, 'index_key.retire', 'index_key', p_key_id, null, p_request);
  return v_count;
end
$$;

grant execute on function nokkel.index_key_states(), nokkel.movable_indexes(text, uuid, integer),
  nokkel.move_indexes(text, text, jsonb), nokkel.retire_index_key(text, boolean, uuid) to nokkel_server;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121120100' $$;

reset role;
