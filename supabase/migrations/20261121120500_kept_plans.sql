set role nokkel_owner;

-- Before version 18 Postgres plans what is in an SQL function anew at every call, unless it can put it into the statement around it,
-- which it cannot where the function is SECURITY DEFINER or sets something. The questions of projects took ten times as long to plan as
-- to answer. In PL/pgSQL a plan is kept for as long as the connection: every migration that adds such functions ends with this.
create procedure nokkel.keep_plans() language plpgsql set search_path = '' as $$
declare
  f record;
begin
  for f in
    select p.prosrc as body, pg_catalog.pg_get_functiondef(p.oid) as definition,
      -- As in SQL, a name is a column before it is a parameter.
      case when p.proretset then E'\n  #variable_conflict use_column\nbegin\n  return query\n%s;\nend\n'
        else E'\n  #variable_conflict use_column\nbegin\n  return (\n%s);\nend\n' end as frame
    from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang
    where p.pronamespace in ('nokkel'::regnamespace, 'public'::regnamespace) and p.proowner = 'nokkel_owner'::regrole
      and l.lanname = 'sql' and p.prosqlbody is null and p.prokind = 'f' and p.provolatile = 's' and (p.prosecdef or p.proconfig is not null)
  loop
    execute replace(
      replace(f.definition, 'LANGUAGE sql', 'LANGUAGE plpgsql'), f.body, format(f.frame, rtrim(f.body, E'; \n'))
    );
  end loop;
end
$$;
revoke all on procedure nokkel.keep_plans() from public;
call nokkel.keep_plans();

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121120500' $$;

reset role;
