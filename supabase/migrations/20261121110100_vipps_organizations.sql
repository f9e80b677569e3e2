set role nokkel_owner;

-- How organisations are clients of Vipps, and what it costs them.

-- Administrators choose an environment and never an URL: a secret goes only where the operator says. A row here wins over what the
-- operator has configured.
create table public.vipps_org_config (
  organization_id uuid primary key references public.organization on delete cascade,
  enabled boolean not null default false,
  environment text not null check (environment in ('production', 'test')),
  client_id text not null check (client_id ~ '^[\x21-\x7e]{1,255}$'),
  -- An envelope under the master key.
  wrapped_client_secret bytea,
  master_key_id text,
  secret_set boolean not null generated always as (wrapped_client_secret is not null) stored,
  authentication text not null default 'client_secret_basic'
    check (authentication in ('client_secret_basic', 'client_secret_post')),
  merchant_serial_number text check (merchant_serial_number ~ '^[0-9]{4,10}$'),
  -- Whether Vipps lets this client ask for `nin`.
  personnummer_approved boolean not null default false,
  -- Everybody confirms in the app, also where Vipps remembers the browser.
  confirm_in_app boolean not null default false,
  app_redirect_uri text check (length(app_redirect_uri) <= 500),
  app_callback_uri text check (length(app_callback_uri) <= 500),
  market text check (market in ('NO', 'DK', 'FI', 'SE')),
  revision integer not null default 1,
  updated_at timestamptz not null default now(),
  -- Null for the operator.
  updated_by uuid references public.app_user on delete set null,
  check ((wrapped_client_secret is null) = (master_key_id is null))
);
create index vipps_org_config_updated_by on public.vipps_org_config (updated_by);
create index vipps_org_config_master_key on public.vipps_org_config (master_key_id);
call nokkel.protect('public.vipps_org_config');
call nokkel.require_live_session('public.vipps_org_config');

create table public.vipps_org_cost_config (
  organization_id uuid primary key references public.organization on delete cascade,
  cost_centre text check (length(cost_centre) <= 100),
  price_per_login_ore integer check (price_per_login_ore between 0 and 1000000),
  -- Logins in a calendar month, after which none begins; null: no cap.
  monthly_cap integer check (monthly_cap between 0 and 10000000),
  updated_at timestamptz not null default now(),
  updated_by uuid references public.app_user on delete set null
);
create index vipps_org_cost_config_updated_by on public.vipps_org_cost_config (updated_by);
call nokkel.protect('public.vipps_org_cost_config');
call nokkel.require_live_session('public.vipps_org_cost_config');

-- Logins that Vipps has been paid for.
create table nokkel.vipps_login_usage (
  organization_id uuid not null references public.organization on delete cascade,
  month text not null check (month ~ '^[0-9]{4}-[0-9]{2}$'),
  logins integer not null check (logins > 0),
  primary key (organization_id, month)
);
call nokkel.protect('nokkel.vipps_login_usage');

-- Whose client id or secret Vipps did not take, since when; until a login succeeds or there are new settings.
create table nokkel.vipps_refusal (
  organization_id uuid primary key references public.organization on delete cascade,
  refused_at timestamptz not null default now()
);
call nokkel.protect('nokkel.vipps_refusal');

-- The organisation of the session, for its administrators; null for everybody else.
create function nokkel.administered_organization() returns uuid
  language sql stable security definer set search_path = '' as $$
  select s.organization_id from nokkel.my_session() s where nokkel.has_role(s.organization_id, 'administrator')
$$;
grant execute on function nokkel.administered_organization() to authenticated;

-- The secret is for nobody to read, also not wrapped.
grant select (organization_id, enabled, environment, client_id, secret_set, authentication, merchant_serial_number,
  personnummer_approved, confirm_in_app, app_redirect_uri, app_callback_uri, market, revision, updated_at, updated_by)
  on public.vipps_org_config to authenticated;
create policy "administrators see how their organisation uses Vipps" on public.vipps_org_config for select to authenticated
  using (organization_id = (select nokkel.administered_organization()));

grant select on public.vipps_org_cost_config to authenticated;
create policy "administrators see what Vipps costs" on public.vipps_org_cost_config for select to authenticated
  using (organization_id = (select nokkel.administered_organization()));

-- Counting -----------------------------------------------------------------------------------------------------------

-- The calendar month in Norway, as YYYY-MM.
create function nokkel.norwegian_month(p_at timestamptz) returns text
  language sql stable set search_path = '' as
  $$ select to_char(p_at at time zone 'Europe/Oslo', 'YYYY-MM') $$;

create function nokkel.count_vipps_login(p_organization uuid) returns void
  language sql security definer set search_path = '' as $$
  insert into nokkel.vipps_login_usage as u (organization_id, month, logins)
  values (p_organization, nokkel.norwegian_month(now()), 1)
  on conflict (organization_id, month) do update set logins = u.logins + 1;
  delete from nokkel.vipps_refusal r where r.organization_id = p_organization
$$;

-- Of the organisation of the session, for its administrators, the newest month first; the present one is always there.
create function nokkel.vipps_usage() returns table (month text, logins integer)
  language sql stable security definer set search_path = '' as $$
  select m.month, coalesce(u.logins, 0)
  from (
    select nokkel.norwegian_month(now())
    union
    select u.month from nokkel.vipps_login_usage u where u.organization_id = nokkel.administered_organization()
  ) m (month)
  left join nokkel.vipps_login_usage u on u.organization_id = nokkel.administered_organization() and u.month = m.month
  where nokkel.administered_organization() is not null
  order by m.month desc limit 13
$$;
grant execute on function nokkel.vipps_usage() to authenticated;

create function nokkel.note_vipps_refusal(p_organization uuid) returns void
  language sql security definer set search_path = '' as $$
  insert into nokkel.vipps_refusal (organization_id) values (p_organization) on conflict do nothing
$$;

-- Of the organisation of the session, for its administrators.
create function nokkel.vipps_refused_at() returns timestamptz
  language sql stable security definer set search_path = '' as $$
  select r.refused_at from nokkel.vipps_refusal r where r.organization_id = nokkel.administered_organization()
$$;
grant execute on function nokkel.vipps_refused_at() to authenticated;

-- What is set up ------------------------------------------------------------------------------------------------------

-- How people log in to these organisations, or to all, by slug. Without a client id Vipps is not set up in the database.
create function nokkel.login_setups(p_slugs text[]) returns table (
  organization_id uuid, slug text, name text, enrollment text, device_policy text, minimum_assurance text,
  enabled boolean, environment text, client_id text, wrapped_client_secret bytea, authentication text,
  merchant_serial_number text, personnummer_approved boolean, confirm_in_app boolean, app_redirect_uri text,
  app_callback_uri text, market text, revision integer,
  has_cost boolean, cost_centre text, price_per_login_ore integer, monthly_cap integer, logins integer, refused_at timestamptz
) language sql stable security definer set search_path = '' as $$
  select o.id, o.slug, o.name, o.enrollment, o.device_policy, o.minimum_assurance,
    c.enabled, c.environment, c.client_id, c.wrapped_client_secret, c.authentication, c.merchant_serial_number,
    c.personnummer_approved, c.confirm_in_app, c.app_redirect_uri, c.app_callback_uri, c.market, c.revision,
    p.organization_id is not null, p.cost_centre, p.price_per_login_ore, p.monthly_cap, coalesce(u.logins, 0), r.refused_at
  from public.organization o
  left join public.vipps_org_config c on c.organization_id = o.id
  left join public.vipps_org_cost_config p on p.organization_id = o.id
  left join nokkel.vipps_login_usage u on u.organization_id = o.id and u.month = nokkel.norwegian_month(now())
  left join nokkel.vipps_refusal r on r.organization_id = o.id
  where p_slugs is null or o.slug = any (p_slugs)
  order by o.slug
$$;

-- Writes the settings, whose members are columns. Another client or environment never gets the secret of the one before.
create function nokkel.store_vipps_config(
  p_organization uuid, p_user uuid, p_settings jsonb, p_wrapped_client_secret bytea, p_master_key_id text, p_request uuid
) returns void language plpgsql security definer set search_path = '' as $$
declare
  v_new constant public.vipps_org_config := jsonb_populate_record(null::public.vipps_org_config, p_settings);
  v_old public.vipps_org_config;
begin
  perform from public.organization o where o.id = p_organization for no key update;
  if not found then perform nokkel.refuse('organization_unknown'); end if;
  select * into v_old from public.vipps_org_config c where c.organization_id = p_organization;
  if p_wrapped_client_secret is null and v_old.wrapped_client_secret is not null
    and (v_old.client_id, v_old.environment) is distinct from (v_new.client_id, v_new.environment)
  then
    perform nokkel.refuse('secret_required');
  end if;
  insert into public.vipps_org_config as c (organization_id, enabled, environment, client_id, wrapped_client_secret, master_key_id,
      authentication, merchant_serial_number, personnummer_approved, confirm_in_app, app_redirect_uri, app_callback_uri, market,
      updated_by)
    values (p_organization, v_new.enabled, v_new.environment, v_new.client_id, p_wrapped_client_secret, p_master_key_id,
      v_new.authentication, v_new.merchant_serial_number, v_new.personnummer_approved, v_new.confirm_in_app,
      v_new.app_redirect_uri, v_new.app_callback_uri, v_new.market, p_user)
    on conflict (organization_id) do update set
      enabled = excluded.enabled, environment = excluded.environment, client_id = excluded.client_id,
      wrapped_client_secret = coalesce(excluded.wrapped_client_secret, c.wrapped_client_secret),
      master_key_id = coalesce(excluded.master_key_id, c.master_key_id), authentication = excluded.authentication,
      merchant_serial_number = excluded.merchant_serial_number, personnummer_approved = excluded.personnummer_approved,
      confirm_in_app = excluded.confirm_in_app, app_redirect_uri = excluded.app_redirect_uri,
      app_callback_uri = excluded.app_callback_uri, market = excluded.market,
      revision = c.revision + 1, updated_at = now(), updated_by = excluded.updated_by;
  delete from nokkel.vipps_refusal r where r.organization_id = p_organization;
  perform nokkel.audit(p_organization, p_user, 'vipps_config.change', 'organization', p_organization::text, null, p_request);
  if p_wrapped_client_secret is not null then
    perform nokkel.audit(p_organization, p_user, 'vipps_secret.change', 'organization', p_organization::text, null, p_request);
  end if;
end
$$;

create function nokkel.store_vipps_cost(
  p_organization uuid, p_user uuid, p_cost_centre text, p_price_per_login_ore integer, p_monthly_cap integer, p_request uuid
) returns void language plpgsql security definer set search_path = '' as $$
begin
  insert into public.vipps_org_cost_config as c
    (organization_id, cost_centre, price_per_login_ore, monthly_cap, updated_by)
    values (p_organization, p_cost_centre, p_price_per_login_ore, p_monthly_cap, p_user)
    on conflict (organization_id) do update set
      cost_centre = excluded.cost_centre, price_per_login_ore = excluded.price_per_login_ore,
      monthly_cap = excluded.monthly_cap, updated_at = now(), updated_by = excluded.updated_by;
  perform nokkel.audit(p_organization, p_user, 'vipps_cost.change', 'organization', p_organization::text, null, p_request);
end
$$;

-- By administrators ---------------------------------------------------------------------------------------------------

-- The organisation of the session, for what changes it: refuses whoever is no administrator, or logged in more than five minutes ago.
create function nokkel.require_own_organization() returns uuid
  language plpgsql security definer set search_path = '' as $$
declare
  v_organization constant uuid := nokkel.organization_id();
begin
  perform nokkel.require_administrator(nokkel.session_id(), nokkel.user_id(), v_organization, true);
  return v_organization;
end
$$;

-- Takes an envelope, which only the server makes; so the session is given and not claimed.
create function nokkel.put_vipps_config(
  p_session uuid, p_user uuid, p_organization uuid, p_request uuid, p_settings jsonb, p_wrapped_client_secret bytea,
  p_master_key_id text
) returns void language plpgsql security definer set search_path = '' as $$
begin
  perform nokkel.require_administrator(p_session, p_user, p_organization, true);
  perform nokkel.store_vipps_config(p_organization, p_user, p_settings, p_wrapped_client_secret, p_master_key_id, p_request);
end
$$;

create function nokkel.put_vipps_cost(
  p_cost_centre text, p_price_per_login_ore integer, p_monthly_cap integer, p_request uuid
) returns void language sql security definer set search_path = '' as $$
  select nokkel.store_vipps_cost(nokkel.require_own_organization(), nokkel.user_id(), p_cost_centre, p_price_per_login_ore,
    p_monthly_cap, p_request)
$$;

-- Ends the sessions that came from less than the organisation asks for now.
create function nokkel.end_insufficient_sessions(p_organization uuid) returns void
  language sql set search_path = '' as $$
  update nokkel.session s set ended_at = now(), ended_reason = 'revoked'
  from public.organization o
  where o.id = p_organization and s.organization_id = o.id and s.ended_at is null
    and not nokkel.reaches(s.assurance, o.minimum_assurance)
$$;

-- Nobody locks themselves out: whoever asks for more shows it first.
create function nokkel.put_minimum_assurance(p_minimum_assurance text, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_organization constant uuid := nokkel.require_own_organization();
begin
  if not exists (
    select from nokkel.session s where s.id = nokkel.session_id() and nokkel.reaches(s.assurance, p_minimum_assurance)
  ) then
    perform nokkel.refuse('login_assurance_too_low');
  end if;
  update public.organization o set minimum_assurance = p_minimum_assurance where o.id = v_organization;
  perform nokkel.end_insufficient_sessions(v_organization);
  perform nokkel.audit(v_organization, nokkel.user_id(), 'minimum_assurance.change', 'organization', v_organization::text, null,
    p_request);
end
$$;

grant execute on function nokkel.require_own_organization(), nokkel.put_vipps_cost(text, integer, integer, uuid),
  nokkel.put_minimum_assurance(text, uuid) to authenticated;

-- By the operator -----------------------------------------------------------------------------------------------------

-- Makes an organisation, or makes it as it is said here. Gives its id.
create function nokkel.apply_organization(
  p_slug text, p_name text, p_enrollment text, p_device_policy text, p_minimum_assurance text, p_request uuid
) returns uuid language plpgsql security definer set search_path = '' as $$
declare
  v_id uuid;
begin
  insert into public.organization as o (slug, name, enrollment, device_policy, minimum_assurance)
    values (p_slug, p_name, p_enrollment, p_device_policy, p_minimum_assurance)
    on conflict (slug) do update set
      name = excluded.name, enrollment = excluded.enrollment, device_policy = excluded.device_policy,
      minimum_assurance = excluded.minimum_assurance
    returning o.id into v_id;
  perform nokkel.end_insufficient_sessions(v_id);
  perform nokkel.audit(v_id, null, 'organization.apply', 'organization', v_id::text, null, p_request);
  return v_id;
end
$$;

create function nokkel.apply_vipps_config(
  p_organization uuid, p_settings jsonb, p_wrapped_client_secret bytea, p_master_key_id text, p_request uuid
) returns void language sql security definer set search_path = '' as $$
  select nokkel.store_vipps_config(p_organization, null, p_settings, p_wrapped_client_secret, p_master_key_id, p_request)
$$;

create function nokkel.apply_vipps_cost(
  p_organization uuid, p_cost_centre text, p_price_per_login_ore integer, p_monthly_cap integer, p_request uuid
) returns void language sql security definer set search_path = '' as $$
  select nokkel.store_vipps_cost(p_organization, null, p_cost_centre, p_price_per_login_ore, p_monthly_cap, p_request)
$$;

-- Gives a person a role in an organisation: how its first administrator comes to be. False: they have it already.
create function nokkel.appoint(p_slug text, p_user uuid, p_role text, p_request uuid) returns boolean
  language plpgsql security definer set search_path = '' as $$
declare
  v_organization uuid;
  v_role text;
begin
  select o.id into v_organization from public.organization o where o.slug = p_slug;
  if not found then perform nokkel.refuse('organization_unknown'); end if;
  -- Nobody logs in to an account that was merged into another one.
  perform from public.app_user u where u.auth_user_id = p_user
    and not exists (select from nokkel.former_account f where f.user_id = p_user) for key share;
  if not found then perform nokkel.refuse('not_found'); end if;
  select m.role into v_role from public.organization_member m
    where m.organization_id = v_organization and m.user_id = p_user for update;
  if v_role = p_role then return false; end if;
  insert into public.organization_member (organization_id, user_id, role) values (v_organization, p_user, p_role)
    on conflict (organization_id, user_id) do update set role = excluded.role;
  perform nokkel.audit(v_organization, null, 'organization_member.appoint', 'organization_member',
    concat_ws('/', v_organization, (select p.pseudonym from nokkel.pseudonym p where p.user_id = p_user), p_role), null, p_request);
  return true;
end
$$;

grant execute on function
  nokkel.count_vipps_login(uuid), nokkel.note_vipps_refusal(uuid), nokkel.login_setups(text[]),
  nokkel.put_vipps_config(uuid, uuid, uuid, uuid, jsonb, bytea, text),
  nokkel.apply_organization(text, text, text, text, text, uuid), nokkel.apply_vipps_config(uuid, jsonb, bytea, text, uuid),
  nokkel.apply_vipps_cost(uuid, text, integer, integer, uuid), nokkel.appoint(text, uuid, text, uuid) to nokkel_server;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121110100' $$;

reset role;
