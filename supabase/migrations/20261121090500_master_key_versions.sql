set role nokkel_owner;

-- How many envelopes a version may have made, never fewer than it has: servers reserve them in blocks before they make any, and
-- a block may be lost. The first block is for check values, and for what was made before there was a count.
-- NIST SP 800-38D §8.3 ends at 2^32.
alter table nokkel.master_key_version
  add wraps bigint not null default 1000 check (wraps between 0 and 4294967296),
  -- Since when servers start without it, for nothing is wrapped by it. It may come back: its check value stays.
  add retired_at timestamptz;

drop function nokkel.master_key_versions();
drop function nokkel.add_master_key_version(text, bytea);
drop function nokkel.add_index_key_version(text);

create function nokkel.master_key_versions()
  returns table (key_id text, check_value bytea, created_at timestamptz, wraps bigint, retired_at timestamptz)
  language sql stable security definer set search_path = '' as
  $$ select key_id, check_value, created_at, wraps, retired_at from nokkel.master_key_version order by created_at, key_id $$;

-- Adds what is new beside the versions that the server has verified, and retires the others, if nothing is wrapped by any of
-- them. False: somebody was quicker, look again. A server that knows none of the versions there are is never let in.
create function nokkel.register_root_keys(p_verified text[], p_key_ids text[], p_check_values bytea[], p_index_key_id text)
  returns boolean language plpgsql security definer set search_path = '' as $$
begin
  lock table nokkel.master_key_version, nokkel.index_key_version in share row exclusive mode;
  if p_verified = '{}' and exists (select from nokkel.master_key_version)
    or exists (select from nokkel.master_key_version v where v.key_id = any (p_key_ids))
    or exists (select from nokkel.master_key_version v join nokkel.master_key_rows() r using (key_id)
      where v.key_id <> all (p_verified))
    or exists (select from nokkel.index_key_version v where v.key_id <> p_index_key_id)
  then
    return false;
  end if;
  update nokkel.master_key_version v set retired_at = case when v.key_id <> all (p_verified) then now() end
  where (v.key_id = any (p_verified)) = (v.retired_at is not null);
  insert into nokkel.master_key_version (key_id, check_value) select * from unnest(p_key_ids, p_check_values);
  insert into nokkel.index_key_version (key_id) values (p_index_key_id) on conflict do nothing;
  return true;
end
$$;

-- The new count; null when so many are not left, or there is no such version.
create function nokkel.reserve_wraps(p_key_id text, p_wraps integer) returns bigint
  language sql security definer set search_path = '' as $$
  update nokkel.master_key_version set wraps = wraps + p_wraps
  where key_id = p_key_id and p_wraps > 0 and wraps + p_wraps <= 4294967296
  returning wraps
$$;

-- What is wrapped by each version now.
create function nokkel.master_key_rows() returns table (key_id text, table_name text, row_count bigint)
  language sql stable security definer set search_path = '' as $$
  select k.master_key_id, 'user_key', count(*) from public.user_key k where k.master_key_id is not null group by 1
  union all
  select k.master_key_id, 'company_key', count(*) from public.company_key k where k.master_key_id is not null group by 1
  union all
  select translate(encode(substring(k.wrapped_private_key from 5 for 16), 'base64'), '+/=', '-_'), 'session_key', count(*)
  from nokkel.session_key k group by 1
  order by 1, 2
$$;

grant execute on function nokkel.master_key_versions(), nokkel.register_root_keys(text[], text[], bytea[], text),
  nokkel.reserve_wraps(text, integer), nokkel.master_key_rows() to nokkel_server;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121090500' $$;

reset role;
