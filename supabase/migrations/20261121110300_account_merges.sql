set role nokkel_owner;

-- Merging two accounts of one person, and undoing it.

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121110300' $$;

reset role;
