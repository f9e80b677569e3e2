-- The newest migration applied. Every migration ends by replacing it with its own; a server written for another one
-- refuses to start.
set role nokkel_owner;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121080600' $$;
grant execute on function nokkel.schema_version() to nokkel_server;

reset role;
