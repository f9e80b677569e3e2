-- nokkel_owner owns every table and every SECURITY DEFINER function and cannot log in.
-- nokkel_server is who the server logs in as: it owns nothing, may become `authenticated`, and may execute listed functions.
do $$
begin
  if to_regrole('nokkel_owner') is null then create role nokkel_owner nologin noinherit; end if;
  if to_regrole('nokkel_server') is null then create role nokkel_server login noinherit; end if;
end
$$;

grant nokkel_owner to current_user;
grant authenticated to nokkel_server;

-- PUBLIC may create nothing here (the default since Postgres 15, said for databases that were upgraded).
revoke create on schema public from public;
grant usage, create on schema public to nokkel_owner;
grant usage on schema public to authenticated;
create schema nokkel authorization nokkel_owner;

set role nokkel_owner;

alter default privileges revoke execute on functions from public;
grant usage on schema nokkel to nokkel_server, authenticated;

-- With bodies that are resolved here, so that they need no search path and the planner can put them in place.
create function nokkel.claims() returns jsonb language sql stable
  return coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb;

create function nokkel.user_id() returns uuid language sql stable
  return (nokkel.claims() ->> 'sub')::uuid;

create function nokkel.session_id() returns uuid language sql stable
  return (nokkel.claims() ->> 'sid')::uuid;

grant execute on function nokkel.claims(), nokkel.user_id(), nokkel.session_id() to authenticated;

-- Ends the statement with a stable problem code; the server turns SQLSTATE NK001 into that problem.
create function nokkel.refuse(p_code text, p_data jsonb default null) returns void language plpgsql set search_path = '' as $$
begin
  raise exception using errcode = 'NK001', message = p_code, detail = coalesce(p_data::text, '');
end
$$;

-- Row level security on and forced, nothing granted, the owner's definer functions let through.
create procedure nokkel.protect(p_table regclass) language plpgsql set search_path = '' as $$
begin
  execute format('alter table %s enable row level security', p_table);
  execute format('alter table %s force row level security', p_table);
  execute format('revoke all on table %s from public, anon, authenticated, service_role', p_table);
  execute format('create policy "definer functions" on %s to nokkel_owner using (true) with check (true)', p_table);
end
$$;

reset role;
