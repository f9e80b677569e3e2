set role nokkel_owner;

-- A buyer or a supplier: a party to projects, within one organisation.
create table public.company (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organization on delete cascade,
  name text not null check (length(name) between 1 and 200),
  -- Of Enhetsregisteret.
  organization_number text check (organization_number ~ '^[89][0-9]{8}$'),
  -- Mirrors of the active row of company_key, written with it and by nobody else.
  public_key text,
  encrypted_private_key text,
  created_at timestamptz not null default now(),
  unique (organization_id, organization_number),
  unique (id, organization_id),
  check ((public_key is null) = (encrypted_private_key is null))
);
create index company_name on public.company (organization_id, name, id);
call nokkel.protect('public.company');
call nokkel.require_live_session('public.company');

-- Leaving the organisation is leaving the company.
create table public.company_member (
  company_id uuid not null,
  organization_id uuid not null,
  user_id uuid not null,
  role text not null default 'member' check (role in ('member', 'administrator')),
  created_at timestamptz not null default now(),
  primary key (company_id, user_id),
  foreign key (company_id, organization_id) references public.company (id, organization_id) on delete cascade,
  foreign key (organization_id, user_id) references public.organization_member on delete cascade
);
create index company_member_company on public.company_member (company_id, organization_id);
create index company_member_user on public.company_member (user_id, company_id);
create index company_member_organization on public.company_member (organization_id, user_id);
call nokkel.protect('public.company_member');
call nokkel.require_live_session('public.company_member');

-- A code that makes whoever presents it first a member. It is worth what the one who made it may still do.
create table nokkel.company_invitation (
  code_hash bytea primary key check (length(code_hash) = 32),
  company_id uuid not null references public.company on delete cascade,
  role text not null check (role in ('member', 'administrator')),
  invited_by uuid not null references public.app_user on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '7 days',
  used_at timestamptz,
  used_by uuid references public.app_user on delete set null,
  check (used_by is null or used_at is not null)
);
create index company_invitation_company on nokkel.company_invitation (company_id);
create index company_invitation_inviter on nokkel.company_invitation (invited_by);
create index company_invitation_user on nokkel.company_invitation (used_by);
create index company_invitation_expiry on nokkel.company_invitation (expires_at);
call nokkel.protect('nokkel.company_invitation');

-- The role of the person in the company; null for those who are not in it.
create function nokkel.company_role(p_company uuid) returns text
  language sql stable security definer set search_path = '' as $$
  select m.role from public.company_member m
  where m.company_id = p_company and m.user_id = nokkel.user_id() and m.organization_id = nokkel.organization_id()
$$;
grant execute on function nokkel.company_role(uuid) to authenticated;

-- Everyone in the organisation may wrap to a company; what is wrapped by the master key is for nobody to read.
grant select (id, organization_id, name, organization_number, public_key, created_at) on public.company to authenticated;
create policy "people see the companies of their organisation" on public.company for select to authenticated
  using (organization_id = (select nokkel.organization_id()));

grant select on public.company_member to authenticated;
create policy "people see their colleagues" on public.company_member for select to authenticated
  using (nokkel.company_role(company_id) is not null);

-- Companies of the organisation of the session, by name: asks once for the right, not once for every row.
-- In plpgsql, as this and company_keys use what later migrations make.
create function nokkel.companies(
  p_ids uuid[], p_mine boolean, p_pattern text, p_after_name text, p_after_id uuid, p_limit integer
) returns table (
  id uuid, name text, organization_number text, role text,
  key_id uuid, public_key text, thumbprint text, key_created_at timestamptz
) language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query
  select c.id, c.name, c.organization_number, m.role, k.id, k.public_key, k.thumbprint, k.created_at
  from public.company c
  left join public.company_member m on m.company_id = c.id and m.user_id = (select nokkel.user_id())
  left join public.company_key k on k.company_id = c.id and k.state = 'active'
  where c.organization_id = (select nokkel.organization_id())
    and (p_ids is null or c.id = any (p_ids))
    and (not p_mine or m.user_id is not null)
    and (p_pattern is null or c.name ~ p_pattern)
    and (p_after_id is null or (c.name, c.id) > (p_after_name, p_after_id))
  order by c.name, c.id
  limit p_limit;
end
$$;

-- For those who are in the company: who is in it, by name, and its keys, the newest first.
create function nokkel.company_members(p_company uuid) returns table (id uuid, name text, role text, joined_at timestamptz)
  language sql stable security definer set search_path = '' as $$
  select u.auth_user_id, u.name, m.role, m.created_at
  from public.company_member m join public.app_user u on u.auth_user_id = m.user_id
  where m.company_id = p_company and (select nokkel.company_role(p_company)) is not null
  order by u.name, u.auth_user_id
$$;

create function nokkel.company_keys(p_company uuid) returns table (
  id uuid, state text, public_key text, thumbprint text, created_at timestamptz, superseded_at timestamptz,
  revoked_at timestamptz, destroyed_at timestamptz, wraps integer
) language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query
  select k.id, k.state, k.public_key, k.thumbprint, k.created_at, k.superseded_at, k.revoked_at, k.destroyed_at,
    nokkel.count_wraps(k.id)
  from public.company_key k
  where k.company_id = p_company and (select nokkel.company_role(p_company)) is not null
  order by k.created_at desc, k.state, k.id;
end
$$;

grant execute on function nokkel.companies(uuid[], boolean, text, text, uuid, integer), nokkel.company_members(uuid),
  nokkel.company_keys(uuid) to authenticated;

-- Who is in a company --------------------------------------------------------------------------------------------------

-- The role of the person in a company of the organisation they are logged in to; null for those who are not in it. Until the
-- transaction ends, nobody else changes who is in it.
create function nokkel.hold_company(p_company uuid) returns text
  language plpgsql security definer set search_path = '' as $$
begin
  perform from public.company c where c.id = p_company and c.organization_id = nokkel.organization_id() for no key update;
  if not found then perform nokkel.refuse('not_found'); end if;
  return nokkel.company_role(p_company);
end
$$;

-- As hold_company, for what only administrators may do.
create function nokkel.hold_company_as_administrator(p_company uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_role constant text := nokkel.hold_company(p_company);
begin
  if v_role is null then perform nokkel.refuse('not_found'); end if;
  if v_role <> 'administrator' then perform nokkel.refuse('forbidden'); end if;
end
$$;

-- Administrators of the company invite. While it has none, those of its organisation may invite one.
create function nokkel.may_invite(p_company uuid, p_user uuid, p_role text) returns boolean
  language sql stable security definer set search_path = '' as $$
  select case when exists (
      select from public.company_member m where m.company_id = p_company and m.role = 'administrator'
    ) then exists (
      select from public.company_member m
      where m.company_id = p_company and m.user_id = p_user and m.role = 'administrator'
    ) else p_role = 'administrator' and exists (
      select from public.company c join public.organization_member m using (organization_id)
      where c.id = p_company and m.user_id = p_user and m.role = 'administrator'
    ) end
$$;

-- Whether the company would have no administrator without this person.
create function nokkel.needs_administrator(p_company uuid, p_user uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select not exists (
    select from public.company_member m
    where m.company_id = p_company and m.role = 'administrator' and m.user_id <> p_user
  )
$$;

-- The subject is the company, the pseudonym of the member, and the role they have or had.
create function nokkel.audit_company_member(p_action text, p_company uuid, p_user uuid, p_role text, p_request uuid) returns void
  language sql security definer set search_path = '' as $$
  select nokkel.audit(nokkel.organization_id(), nokkel.user_id(), p_action, 'company_member',
    concat_ws('/', p_company, (select p.pseudonym from nokkel.pseudonym p where p.user_id = p_user), p_role), null, p_request)
$$;

create function nokkel.create_company(p_name text, p_organization_number text, p_request uuid) returns uuid
  language plpgsql security definer set search_path = '' as $$
declare
  v_organization constant uuid := nokkel.organization_id();
  v_id constant uuid := gen_random_uuid();
begin
  if not nokkel.has_role(v_organization, 'coordinator', 'administrator') then
    perform nokkel.refuse('forbidden');
  end if;
  insert into public.company (id, organization_id, name, organization_number)
    values (v_id, v_organization, p_name, p_organization_number);
  insert into public.company_member (company_id, organization_id, user_id, role)
    values (v_id, v_organization, nokkel.user_id(), 'administrator');
  perform nokkel.audit(v_organization, nokkel.user_id(), 'company.create', 'company', v_id::text, null, p_request);
  perform nokkel.audit_company_member('company_member.create', v_id, nokkel.user_id(), 'administrator', p_request);
  return v_id;
end
$$;

create function nokkel.invite_to_company(p_company uuid, p_role text, p_code_hash bytea, p_request uuid) returns timestamptz
  language plpgsql security definer set search_path = '' as $$
declare
  v_role constant text := nokkel.hold_company(p_company);
  v_expires_at timestamptz;
begin
  if not nokkel.may_invite(p_company, nokkel.user_id(), p_role) then
    perform nokkel.refuse(case when v_role is null then 'not_found' else 'forbidden' end);
  end if;
  insert into nokkel.company_invitation as i (code_hash, company_id, role, invited_by)
    values (p_code_hash, p_company, p_role, nokkel.user_id())
    returning i.expires_at into v_expires_at;
  perform nokkel.audit(nokkel.organization_id(), nokkel.user_id(), 'company_invitation.create', 'company',
    concat_ws('/', p_company, p_role), null, p_request);
  return v_expires_at;
end
$$;

-- Nobody joins by a code of their own: who may invite into a company without administrators must find somebody else for it.
create function nokkel.join_company(p_code_hash bytea, p_request uuid) returns uuid
  language plpgsql security definer set search_path = '' as $$
declare
  v_user constant uuid := nokkel.user_id();
  v_company uuid;
  v_role text;
  v_invitation nokkel.company_invitation;
begin
  select i.company_id into v_company from nokkel.company_invitation i
    join public.company c on c.id = i.company_id and c.organization_id = nokkel.organization_id()
    where i.code_hash = p_code_hash;
  if not found then perform nokkel.refuse('invitation_unknown'); end if;
  v_role := nokkel.hold_company(v_company);
  select * into v_invitation from nokkel.company_invitation i where i.code_hash = p_code_hash;
  -- Asked again because the answer was lost: they are in it already.
  if v_invitation.used_by = v_user and v_role is not null then return v_company; end if;
  if not found or v_invitation.used_at is not null or v_invitation.expires_at <= now() or v_invitation.invited_by = v_user
    or not nokkel.may_invite(v_company, v_invitation.invited_by, v_invitation.role) then
    perform nokkel.refuse('invitation_unknown');
  end if;
  if v_role is not null and (v_role = 'administrator' or v_invitation.role = 'member') then
    perform nokkel.refuse('conflict');
  end if;
  update nokkel.company_invitation i set used_at = now(), used_by = v_user where i.code_hash = p_code_hash;
  insert into public.company_member as m (company_id, organization_id, user_id, role)
    values (v_company, nokkel.organization_id(), v_user, v_invitation.role)
    on conflict (company_id, user_id) do update set role = excluded.role;
  perform nokkel.audit_company_member(
    case when v_role is null then 'company_member.create' else 'company_member.change' end,
    v_company, v_user, v_invitation.role, p_request);
  return v_company;
end
$$;

create function nokkel.change_company_member(p_company uuid, p_user uuid, p_role text, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_role text;
begin
  perform nokkel.hold_company_as_administrator(p_company);
  select m.role into v_role from public.company_member m where m.company_id = p_company and m.user_id = p_user;
  if v_role is null then perform nokkel.refuse('not_found'); end if;
  if v_role = p_role then return; end if;
  if nokkel.needs_administrator(p_company, p_user) then perform nokkel.refuse('company_needs_administrator'); end if;
  update public.company_member m set role = p_role where m.company_id = p_company and m.user_id = p_user;
  perform nokkel.audit_company_member('company_member.change', p_company, p_user, p_role, p_request);
end
$$;

create function nokkel.remove_company_member(p_company uuid, p_user uuid, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_role text;
begin
  if p_user = nokkel.user_id() then
    perform nokkel.hold_company(p_company);
  else
    perform nokkel.hold_company_as_administrator(p_company);
  end if;
  select m.role into v_role from public.company_member m where m.company_id = p_company and m.user_id = p_user;
  if v_role is null then perform nokkel.refuse('not_found'); end if;
  if v_role = 'administrator' and nokkel.needs_administrator(p_company, p_user) then
    perform nokkel.refuse('company_needs_administrator');
  end if;
  delete from public.company_member m where m.company_id = p_company and m.user_id = p_user;
  perform nokkel.audit_company_member('company_member.remove', p_company, p_user, v_role, p_request);
end
$$;

grant execute on function nokkel.create_company(text, text, uuid), nokkel.invite_to_company(uuid, text, bytea, uuid),
  nokkel.join_company(bytea, uuid), nokkel.change_company_member(uuid, uuid, text, uuid),
  nokkel.remove_company_member(uuid, uuid, uuid) to authenticated;

-- What has expired or was never sent. One call at a time does it; others return at once.
create or replace function nokkel.sweep() returns jsonb
  language plpgsql security definer set search_path = '' as $$
declare
  v_logins integer; v_proofs integer; v_challenges integer; v_sessions integer; v_blobs integer; v_invitations integer;
begin
  if not pg_catalog.pg_try_advisory_xact_lock(hashtextextended('nokkel sweep', 0)) then
    return '{}';
  end if;
  delete from nokkel.login_attempt where expires_at < now() - interval '1 hour';
  get diagnostics v_logins = row_count;
  delete from nokkel.dpop_proof where expires_at < now();
  get diagnostics v_proofs = row_count;
  delete from nokkel.device_challenge where expires_at < now();
  get diagnostics v_challenges = row_count;
  delete from nokkel.session where coalesce(ended_at, expires_at) < now() - interval '30 days';
  get diagnostics v_sessions = row_count;
  delete from public.blob where assignment_id is null and created_at < now() - interval '24 hours';
  get diagnostics v_blobs = row_count;
  delete from nokkel.company_invitation where expires_at < now();
  get diagnostics v_invitations = row_count;
  return jsonb_build_object('logins', v_logins, 'proofs', v_proofs, 'challenges', v_challenges, 'sessions', v_sessions,
    'blobs', v_blobs, 'invitations', v_invitations);
end
$$;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121090100' $$;

reset role;
