set role nokkel_owner;

-- Who somebody is in the audit log. It goes with the person, and with it the only way back from the log to them.
create table nokkel.pseudonym (
  user_id uuid primary key references public.app_user on delete cascade,
  pseudonym uuid not null unique default gen_random_uuid()
);
call nokkel.protect('nokkel.pseudonym');

insert into nokkel.pseudonym (user_id) select auth_user_id from public.app_user;

create function nokkel.give_pseudonym() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  insert into nokkel.pseudonym (user_id) values (new.auth_user_id);
  return null;
end
$$;
create trigger give_pseudonym after insert on public.app_user for each row execute function nokkel.give_pseudonym();

-- What was done or refused. Only added to: not even its owner may change or remove a row. References nothing, for it outlives
-- what it tells of.
create table nokkel.audit_log (
  id bigint generated always as identity primary key,
  recorded_at timestamptz not null default clock_timestamp(),
  organization_id uuid,
  -- A pseudonym; null for the operator and for what is done unasked.
  actor uuid,
  action text not null check (length(action) between 1 and 64),
  subject_type text check (length(subject_type) between 1 and 64),
  subject_id text check (length(subject_id) between 1 and 100),
  outcome text not null check (outcome in ('allowed', 'refused', 'failed')),
  problem text check (length(problem) between 1 and 64),
  request_id uuid,
  check ((outcome = 'allowed') = (problem is null))
);
alter table nokkel.audit_log enable row level security;
alter table nokkel.audit_log force row level security;
revoke all on table nokkel.audit_log from public, anon, authenticated, service_role;
revoke update, delete, truncate, trigger on table nokkel.audit_log from nokkel_owner;
create policy "definer functions read" on nokkel.audit_log for select to nokkel_owner using (true);
create policy "definer functions add" on nokkel.audit_log for insert to nokkel_owner with check (true);

-- One row. Within a change it stands or falls with it; a refusal is recorded in a transaction of its own.
create function nokkel.audit(
  p_organization uuid, p_user uuid, p_action text, p_subject_type text, p_subject_id text, p_problem text, p_request uuid,
  p_outcome text default null
) returns void language sql security definer set search_path = '' as $$
  insert into nokkel.audit_log (organization_id, actor, action, subject_type, subject_id, outcome, problem, request_id)
  values (p_organization, (select p.pseudonym from nokkel.pseudonym p where p.user_id = p_user), p_action, p_subject_type,
    p_subject_id, coalesce(p_outcome, case when p_problem is null then 'allowed' else 'refused' end), p_problem, p_request)
$$;
grant execute on function nokkel.audit(uuid, uuid, text, text, text, text, uuid, text) to nokkel_server;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121090000' $$;

reset role;
