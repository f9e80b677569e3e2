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

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121120100' $$;

reset role;
