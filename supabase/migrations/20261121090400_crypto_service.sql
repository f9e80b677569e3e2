set role nokkel_owner;

-- How many items of each action an organisation may ask for in a day; without a row the defaults hold.
create table nokkel.crypto_quota (
  organization_id uuid primary key references public.organization on delete cascade,
  encrypt_daily bigint not null default 20000 check (encrypt_daily >= 0),
  decrypt_daily bigint not null default 500000 check (decrypt_daily >= 0),
  unwrap_daily bigint not null default 1000000 check (unwrap_daily >= 0)
);
call nokkel.protect('nokkel.crypto_quota');

create table nokkel.crypto_usage (
  organization_id uuid not null references public.organization on delete cascade,
  day date not null,
  action text not null check (action in ('encrypt', 'decrypt', 'unwrap')),
  items bigint not null check (items >= 0),
  primary key (organization_id, day, action)
) with (fillfactor = 50);
call nokkel.protect('nokkel.crypto_usage');

-- Decides on items of any number of callers at once, and records each: one round trip and one commit for all of them, before
-- anything is computed. Each item is judged by its own caller's session and rows alone.
--   encrypt  a live session
--   decrypt  p_envelope_hash is that of a private key of the caller's that is active or superseded
--   unwrap   the caller may read the RFX now, and that version is wrapped to them (p_via 'user') or to a company they are in
-- problem: null when allowed; that of a session that is not live; open_refused; quota_exceeded.
create function nokkel.crypto_service_batch(
  p_request uuid[], p_user uuid[], p_session uuid[], p_organization uuid[], p_action text[],
  p_envelope_hash bytea[], p_rfx uuid[], p_version integer[], p_via text[]
) returns table (
  n integer, problem text, key_id uuid, owner_id uuid, encrypted_private_key text, encrypted_symmetric_key text
) language plpgsql security definer set search_path = ''
-- Planned once: with the arrays before it, it would be planned for every call, which takes longer than running it.
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query
  with item as (
    select * from unnest(p_request, p_user, p_session, p_organization, p_action, p_envelope_hash, p_rfx, p_version, p_via)
      with ordinality i (request, user_id, session_id, organization_id, action, envelope_hash, rfx_id, version, via, ordinal)
  ), judged as materialized (
    select i.ordinal, i.request, i.user_id, i.organization_id, i.action,
      case
        when s.id is null then coalesce(nokkel.session_problem(i.session_id, i.user_id, i.organization_id), 'session_ended')
        when i.action <> 'encrypt' and k.key_id is null then 'open_refused'
      end as problem,
      k.key_id, k.owner_id, k.encrypted_private_key, k.encrypted_symmetric_key, i.rfx_id, i.version, i.via
    from item i
    left join lateral (
      select x.id from nokkel.session x
      join public.organization_member m on m.organization_id = x.organization_id and m.user_id = x.user_id
      where x.id = i.session_id and x.user_id = i.user_id and x.organization_id = i.organization_id
        and x.ended_at is null and x.expires_at > now()
    ) s on true
    left join lateral (
      select o.id as key_id, o.user_id as owner_id, null::text as encrypted_private_key, null::text as encrypted_symmetric_key
      from public.user_key o
      where i.action = 'decrypt' and o.user_id = i.user_id and o.envelope_hash = i.envelope_hash
        and o.state in ('active', 'superseded')
      union all
      select w.key_id, o.user_id, o.encrypted_private_key, w.encrypted_symmetric_key
      from nokkel.user_wrap(i.rfx_id, i.version, i.user_id, i.organization_id) w
      join public.user_key o on o.id = w.key_id and o.user_id = i.user_id and o.state <> 'destroyed'
      where i.action = 'unwrap' and i.via = 'user'
      union all
      select w.key_id, o.company_id, o.encrypted_private_key, w.encrypted_symmetric_key
      from nokkel.company_wrap(i.rfx_id, i.version, i.user_id, i.organization_id) w
      join public.company_key o on o.id = w.key_id and o.company_id = w.company_id and o.state <> 'destroyed'
      where i.action = 'unwrap' and i.via = 'company'
      limit 1
    ) k on true
  ), wanted as (
    select j.organization_id, j.action, count(*) as items from judged j where j.problem is null
    group by j.organization_id, j.action
  ), used as (
    insert into nokkel.crypto_usage as u (organization_id, day, action, items)
      select w.organization_id, (now() at time zone 'utc')::date, w.action, w.items from wanted w order by 1, 3
      on conflict (organization_id, day, action) do update set items = u.items + excluded.items
      returning u.organization_id, u.action, u.items
  ), decided as materialized (
    select j.*, coalesce(j.problem, case when u.items - w.items
        + row_number() over (partition by j.organization_id, j.action, j.problem is null order by j.ordinal)
        > coalesce(
          case j.action when 'encrypt' then q.encrypt_daily when 'decrypt' then q.decrypt_daily else q.unwrap_daily end,
          case j.action when 'encrypt' then 20000 when 'decrypt' then 500000 else 1000000 end)
      then 'quota_exceeded' end) as decision
    from judged j
    left join used u on u.organization_id = j.organization_id and u.action = j.action
    left join wanted w on w.organization_id = j.organization_id and w.action = j.action
    left join nokkel.crypto_quota q on q.organization_id = j.organization_id
  ), recorded as (
    insert into nokkel.audit_log (organization_id, actor, action, subject_type, subject_id, outcome, problem, request_id)
      select d.organization_id, p.pseudonym, 'crypto_service.' || d.action,
        case d.action when 'unwrap' then 'rfx_key_version' when 'decrypt' then 'user_key' end,
        case d.action when 'unwrap' then d.rfx_id::text || '/' || d.version || '/' || d.via when 'decrypt' then d.key_id::text end,
        case when d.decision is null then 'allowed' else 'refused' end, d.decision, d.request
      from decided d left join nokkel.pseudonym p on p.user_id = d.user_id
      order by d.ordinal
  )
  select d.ordinal::integer, d.decision, d.key_id, d.owner_id,
    case when d.decision is null then d.encrypted_private_key end, case when d.decision is null then d.encrypted_symmetric_key end
  from decided d order by d.ordinal;
end
$$;

-- The wrap of one version of an RFX to a person who may read it now.
create function nokkel.user_wrap(p_rfx uuid, p_version integer, p_user uuid, p_organization uuid)
  returns table (key_id uuid, encrypted_symmetric_key text)
  language sql stable rows 1 set search_path = '' as $$
  select case when r.key_version = p_version then m.key_id else h.user_key_id end,
    case when r.key_version = p_version then m.encrypted_symmetric_key else h.encrypted_symmetric_key end
  from public.rfxs r
  join public.rfx_key_members m on m.rfx_id = r.id and m.user_id = p_user
  left join public.rfx_key_history h on h.rfx_id = r.id and h.version = p_version and h.user_id = p_user
  where r.id = p_rfx and r.organization_id = p_organization
$$;

-- The same to a company the person is in now; to the first of them, if there are several.
create function nokkel.company_wrap(p_rfx uuid, p_version integer, p_user uuid, p_organization uuid)
  returns table (company_id uuid, key_id uuid, encrypted_symmetric_key text)
  language sql stable rows 1 set search_path = '' as $$
  select c.company_id, case when r.key_version = p_version then m.key_id else h.company_key_id end,
    case when r.key_version = p_version then m.encrypted_symmetric_key else h.encrypted_symmetric_key end
  from public.rfxs r
  join public.rfx_key_companies m on m.rfx_id = r.id
  join public.company_member c on c.company_id = m.company_id and c.user_id = p_user and c.organization_id = p_organization
  left join public.rfx_key_history h on h.rfx_id = r.id and h.version = p_version and h.company_id = m.company_id
  where r.id = p_rfx and r.organization_id = p_organization
    and (r.key_version = p_version or h.company_key_id is not null)
  order by c.company_id
$$;

grant execute on function nokkel.crypto_service_batch(uuid[], uuid[], uuid[], uuid[], text[], bytea[], uuid[], integer[], text[])
  to nokkel_server;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121090400' $$;

reset role;
