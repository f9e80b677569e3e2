-- Nothing the server asks takes long, and nothing it begins stays open.
alter role nokkel_server set statement_timeout = '30s';
alter role nokkel_server set idle_in_transaction_session_timeout = '60s';

-- The newest migration applied. Every migration ends by replacing it with its own; a server written for another one
-- refuses to start.
set role nokkel_owner;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121080600' $$;
grant execute on function nokkel.schema_version() to nokkel_server;

reset role;
