set role nokkel_owner;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121120100' $$;

reset role;
