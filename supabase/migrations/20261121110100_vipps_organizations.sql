set role nokkel_owner;

-- How organisations are clients of Vipps, and what it costs them.

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121110100' $$;

reset role;
