set role nokkel_owner;

-- Past a cap -----------------------------------------------------------------------------------------------------------

-- Whose session began it although the cap on Vipps was reached: nobody else may finish it.
alter table nokkel.login_attempt add past_cap_session_id uuid references nokkel.session on delete cascade;
create index login_attempt_past_cap_session on nokkel.login_attempt (past_cap_session_id);

-- Only administrators with a new login raise a cap, and where Vipps is their only way in, a cap that is reached would keep them
-- from it. Three times in the quarter of an hour that an attempt lasts. False: not for this session.
create function nokkel.let_past_cap(p_login uuid, p_session uuid, p_user uuid, p_organization uuid) returns boolean
  language plpgsql security definer set search_path = '' as $$
begin
  begin
    perform nokkel.require_administrator(p_session, p_user, p_organization, false);
  exception when sqlstate 'NK001' then
    return false;
  end;
  perform pg_catalog.pg_advisory_xact_lock(hashtextextended('past_cap:' || p_user, 0));
  if 3 <= (
    select count(*) from nokkel.login_attempt a join nokkel.session s on s.id = a.past_cap_session_id
    where s.user_id = p_user and a.expires_at > now()
  ) then
    return false;
  end if;
  update nokkel.login_attempt a set past_cap_session_id = p_session
    where a.id = p_login and a.organization_id = p_organization and a.consumed_at is null and a.link_session_id is null
      and a.waiting_id is null and a.supabase_user_id is null;
  return found;
end
$$;

-- Whether a login that was let past the cap turned out to be that of somebody else than who began it.
create function nokkel.is_past_cap_of_another(p_login uuid, p_provider text, p_client_id text, p_subject text) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from nokkel.login_attempt a join nokkel.session s on s.id = a.past_cap_session_id
    where a.id = p_login and not exists (
      select from public.external_identity e
      where (e.provider, e.client_id, e.subject) = (p_provider, p_client_id, p_subject) and e.user_id = s.user_id)
  )
$$;

-- Refusals of BankID -----------------------------------------------------------------------------------------------------

-- Whose client BankID, or the broker in its place, did not take, since when; until a login succeeds.
create table nokkel.bankid_refusal (
  organization_id uuid primary key references public.organization on delete cascade,
  refused_at timestamptz not null default now()
);
call nokkel.protect('nokkel.bankid_refusal');

create function nokkel.note_bankid_refusal(p_organization uuid) returns void
  language sql security definer set search_path = '' as $$
  insert into nokkel.bankid_refusal (organization_id) values (p_organization) on conflict do nothing
$$;

create function nokkel.end_bankid_refusal(p_organization uuid) returns void
  language sql security definer set search_path = '' as $$
  delete from nokkel.bankid_refusal r where r.organization_id = p_organization
$$;

-- Of the organisation of the session, for its administrators.
create function nokkel.bankid_refused_at() returns timestamptz
  language sql stable security definer set search_path = '' as $$
  select r.refused_at from nokkel.bankid_refusal r where r.organization_id = nokkel.administered_organization()
$$;
grant execute on function nokkel.bankid_refused_at() to authenticated;

drop function nokkel.login_setups(text[]);
create function nokkel.login_setups(p_slugs text[]) returns table (
  organization_id uuid, slug text, name text, enrollment text, device_policy text, minimum_assurance text, retention_days integer,
  enabled boolean, environment text, client_id text, wrapped_client_secret bytea, authentication text,
  merchant_serial_number text, personnummer_approved boolean, confirm_in_app boolean, app_redirect_uri text,
  app_callback_uri text, market text, revision integer,
  has_cost boolean, cost_centre text, price_per_login_ore integer, monthly_cap integer, logins integer, refused_at timestamptz,
  bankid_refused_at timestamptz
) language sql stable security definer set search_path = '' as $$
  select o.id, o.slug, o.name, o.enrollment, o.device_policy, o.minimum_assurance, o.retention_days,
    c.enabled, c.environment, c.client_id, c.wrapped_client_secret, c.authentication, c.merchant_serial_number,
    c.personnummer_approved, c.confirm_in_app, c.app_redirect_uri, c.app_callback_uri, c.market, c.revision,
    p.organization_id is not null, p.cost_centre, p.price_per_login_ore, p.monthly_cap, coalesce(u.logins, 0), r.refused_at,
    b.refused_at
  from public.organization o
  left join public.vipps_org_config c on c.organization_id = o.id
  left join public.vipps_org_cost_config p on p.organization_id = o.id
  left join nokkel.vipps_login_usage u on u.organization_id = o.id and u.month = nokkel.norwegian_month(now())
  left join nokkel.vipps_refusal r on r.organization_id = o.id
  left join nokkel.bankid_refusal b on b.organization_id = o.id
  where p_slugs is null or o.slug = any (p_slugs)
  order by o.slug
$$;

grant execute on function
  nokkel.let_past_cap(uuid, uuid, uuid, uuid), nokkel.is_past_cap_of_another(uuid, text, text, text),
  nokkel.note_bankid_refusal(uuid), nokkel.end_bankid_refusal(uuid), nokkel.login_setups(text[]) to nokkel_server;

call nokkel.keep_plans();

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121120600' $$;

reset role;
