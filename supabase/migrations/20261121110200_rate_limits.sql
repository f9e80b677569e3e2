set role nokkel_owner;

-- What is counted over all servers.

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121110200' $$;

reset role;
