set role nokkel_owner;

-- Whose a signing key was, and when it was valid. Outlives the device and the person, so that what they signed stays
-- verifiable: user_id is a pseudonym here, not a reference.
create table public.signing_key (
  thumbprint text primary key check (length(thumbprint) = 43),
  device_id uuid not null unique,
  user_id uuid not null,
  public_key jsonb not null,
  valid_from timestamptz not null default now(),
  valid_until timestamptz
);
create index signing_key_user on public.signing_key (user_id);
call nokkel.protect('public.signing_key');
call nokkel.require_live_session('public.signing_key');

create table public.device_key (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.app_user on delete cascade,
  name text not null check (length(name) between 1 and 80),
  state text not null default 'active' check (state in ('active', 'superseded', 'revoked')),
  encryption_key jsonb not null,
  encryption_thumbprint text not null unique check (length(encryption_thumbprint) = 43),
  signing_thumbprint text not null unique references public.signing_key,
  -- The registration as the device signed it: keys, suites it can open, name.
  registration text not null,
  registered_at timestamptz not null default now(),
  ended_at timestamptz,
  last_seen_at timestamptz,
  check ((state = 'active') = (ended_at is null))
);
create index device_key_user on public.device_key (user_id) where state = 'active';
create index device_key_user_all on public.device_key (user_id);
call nokkel.protect('public.device_key');
call nokkel.require_live_session('public.device_key');

alter table nokkel.session add foreign key (device_id) references public.device_key on delete set null;

create function nokkel.leave_tombstone() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  update public.signing_key k set valid_until = coalesce(old.ended_at, now())
    where k.thumbprint = old.signing_thumbprint and k.valid_until is null;
  return null;
end
$$;
create trigger leave_tombstone after delete on public.device_key for each row execute function nokkel.leave_tombstone();

create table nokkel.device_challenge (
  id uuid primary key default gen_random_uuid(),
  session_id uuid not null references nokkel.session on delete cascade,
  encryption_thumbprint text not null,
  challenge bytea not null check (length(challenge) = 32),
  nonce_hash bytea not null check (length(nonce_hash) = 32),
  expires_at timestamptz not null default now() + interval '5 minutes'
);
create index device_challenge_session on nokkel.device_challenge (session_id);
create index device_challenge_expiry on nokkel.device_challenge (expires_at);
call nokkel.protect('nokkel.device_challenge');

grant select on public.device_key to authenticated;
create policy "people see their devices" on public.device_key for select to authenticated
  using (user_id = (select nokkel.user_id()));

-- Registration: called by the server before it becomes `authenticated`, after it checked the signature. ---------------

create function nokkel.create_device_challenge(
  p_session uuid, p_id uuid, p_encryption_thumbprint text, p_challenge bytea, p_nonce_hash bytea
) returns timestamptz language plpgsql security definer set search_path = '' as $$
declare
  v_expires_at timestamptz;
begin
  if nokkel.session_state(p_session) <> 'live' then
    perform nokkel.refuse('session_ended');
  end if;
  delete from nokkel.device_challenge c where c.session_id = p_session;
  insert into nokkel.device_challenge as c (id, session_id, encryption_thumbprint, challenge, nonce_hash)
    values (p_id, p_session, p_encryption_thumbprint, p_challenge, p_nonce_hash)
    returning c.expires_at into v_expires_at;
  return v_expires_at;
end
$$;

-- Consumes the challenge of this session, if it is this one and still good.
create function nokkel.take_device_challenge(p_session uuid, p_id uuid) returns table (
  encryption_thumbprint text, challenge bytea, nonce_hash bytea
) language sql security definer set search_path = '' as $$
  delete from nokkel.device_challenge c
  where c.id = p_id and c.session_id = p_session and c.expires_at > now()
  returning c.encryption_thumbprint, c.challenge, c.nonce_hash
$$;

-- Ends devices of a person and the sessions on them. The signing keys stay behind as tombstones.
create function nokkel.end_devices(p_user uuid, p_devices uuid[], p_state text) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  update public.device_key d set state = p_state, ended_at = now()
    where d.user_id = p_user and d.id = any (p_devices) and d.state = 'active';
  update public.signing_key k set valid_until = now() where k.device_id = any (p_devices) and k.valid_until is null;
  update nokkel.session s set ended_at = now(), ended_reason = 'device_' || p_state
    where s.user_id = p_user and s.device_id = any (p_devices) and s.ended_at is null;
end
$$;

create function nokkel.register_device(
  p_session uuid, p_name text, p_encryption_key jsonb, p_encryption_thumbprint text,
  p_signing_key jsonb, p_signing_thumbprint text, p_registration text, p_replaces boolean
) returns uuid language plpgsql security definer set search_path = '' as $$
declare
  v_session nokkel.session;
  v_policy text;
  v_active uuid[];
  v_id uuid := gen_random_uuid();
begin
  -- Whatever changes the devices of a person waits here for the other changes, and for sends to that person.
  perform from public.app_user u
    where u.auth_user_id = (select s.user_id from nokkel.session s where s.id = p_session) for update;
  select * into v_session from nokkel.session s where s.id = p_session;
  if not found or nokkel.session_state(p_session) <> 'live' then
    perform nokkel.refuse('session_ended');
  end if;
  if v_session.thumbprint <> p_signing_thumbprint then
    perform nokkel.refuse('device_proof_invalid');
  end if;
  -- Asked again because the answer was lost: it is registered already.
  if exists (
    select from public.device_key d
    where d.id = v_session.device_id and d.state = 'active'
      and d.encryption_thumbprint = p_encryption_thumbprint and d.signing_thumbprint = p_signing_thumbprint
  ) then
    return v_session.device_id;
  end if;
  if v_session.authenticated_at < now() - interval '5 minutes' then
    perform nokkel.refuse('login_too_old');
  end if;

  select o.device_policy into strict v_policy from public.organization o where o.id = v_session.organization_id;
  select coalesce(array_agg(d.id), '{}') into v_active from public.device_key d
    where d.user_id = v_session.user_id and d.state = 'active';
  if v_policy = 'one' and cardinality(v_active) > 0 then
    if not p_replaces then
      perform nokkel.refuse('device_exists', (
        select jsonb_build_object('devices', jsonb_agg(jsonb_build_object('name', d.name, 'registeredAt',
          to_char(d.registered_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) order by d.registered_at))
        from public.device_key d where d.id = any (v_active)));
    end if;
    perform nokkel.end_devices(v_session.user_id, v_active, 'superseded');
  end if;
  if exists (select from public.device_key d where d.encryption_thumbprint = p_encryption_thumbprint)
    or exists (select from public.signing_key k where k.thumbprint = p_signing_thumbprint) then
    perform nokkel.refuse('conflict');
  end if;

  insert into public.signing_key (thumbprint, device_id, user_id, public_key)
    values (p_signing_thumbprint, v_id, v_session.user_id, p_signing_key);
  insert into public.device_key (id, user_id, name, encryption_key, encryption_thumbprint, signing_thumbprint, registration, last_seen_at)
    values (v_id, v_session.user_id, p_name, p_encryption_key, p_encryption_thumbprint, p_signing_thumbprint, p_registration, now());
  update nokkel.session s set device_id = v_id, device_name = p_name where s.id = p_session;
  return v_id;
end
$$;

-- Binds a session to a device registered before; from then on the device's key must prove possession. p_thumbprint is
-- the key the device was told the session is bound to: a proof made for another session or key does not count.
create function nokkel.resume_device(p_session uuid, p_thumbprint text, p_signing_thumbprint text) returns uuid
  language plpgsql security definer set search_path = '' as $$
declare
  v_session nokkel.session;
  v_device public.device_key;
begin
  perform from public.app_user u
    where u.auth_user_id = (select s.user_id from nokkel.session s where s.id = p_session) for update;
  select * into v_session from nokkel.session s where s.id = p_session for update;
  if not found or nokkel.session_state(p_session) <> 'live' then
    perform nokkel.refuse('session_ended');
  end if;
  -- Asked again because the answer was lost: it is bound already.
  if v_session.device_id is not null and v_session.thumbprint = p_signing_thumbprint then
    return v_session.device_id;
  end if;
  if v_session.thumbprint <> p_thumbprint then
    perform nokkel.refuse('device_proof_invalid');
  end if;
  if v_session.device_id is not null then
    perform nokkel.refuse('conflict');
  end if;
  select * into v_device from public.device_key d
    where d.signing_thumbprint = p_signing_thumbprint and d.user_id = v_session.user_id;
  if not found then
    perform nokkel.refuse('not_found');
  end if;
  if v_device.state <> 'active' then
    perform nokkel.refuse('device_' || v_device.state);
  end if;
  update nokkel.session s set device_id = v_device.id, thumbprint = p_signing_thumbprint, device_name = v_device.name
    where s.id = p_session;
  update public.device_key d set last_seen_at = now() where d.id = v_device.id;
  return v_device.id;
end
$$;

grant execute on function nokkel.create_device_challenge(uuid, uuid, text, bytea, bytea),
  nokkel.take_device_challenge(uuid, uuid),
  nokkel.register_device(uuid, text, jsonb, text, jsonb, text, text, boolean),
  nokkel.resume_device(uuid, text, text) to nokkel_server;

-- As the person -------------------------------------------------------------------------------------------------------

create function nokkel.revoke_device(p_device uuid) returns boolean
  language plpgsql security definer set search_path = '' as $$
begin
  perform from public.app_user u where u.auth_user_id = nokkel.user_id() for update;
  if not nokkel.session_is_live() or not exists (
    select from public.device_key d where d.id = p_device and d.user_id = nokkel.user_id() and d.state = 'active'
  ) then
    return false;
  end if;
  perform nokkel.end_devices(nokkel.user_id(), array[p_device], 'revoked');
  return true;
end
$$;

-- What a sender needs of the devices of those they may address, and of their own: nothing that describes the device.
create function nokkel.active_devices(p_users uuid[]) returns table (
  id uuid, user_id uuid, encryption_key jsonb, thumbprint text, registered_at timestamptz
) language sql stable security definer set search_path = '' as $$
  select d.id, d.user_id, d.encryption_key, d.encryption_thumbprint, d.registered_at
  from public.device_key d
  where d.user_id = any (p_users) and d.state = 'active' and nokkel.session_is_live()
    and (d.user_id = nokkel.user_id() or nokkel.may_address(d.user_id))
  order by d.registered_at, d.id
$$;

-- The same for members of one organisation and oneself; until the transaction ends none of them gets or loses a device.
create function nokkel.hold_devices(p_organization uuid, p_users uuid[]) returns table (
  id uuid, user_id uuid, encryption_thumbprint text
) language plpgsql security definer set search_path = '' as $$
begin
  if not nokkel.session_is_live() then
    return;
  end if;
  select array_agg(wanted.id) into p_users from unnest(p_users) wanted (id)
    where wanted.id = nokkel.user_id() or nokkel.has_role(p_organization, 'coordinator', 'administrator') and exists (
      select from public.organization_member m where m.organization_id = p_organization and m.user_id = wanted.id
    );
  perform from public.app_user u where u.auth_user_id = any (p_users) order by u.auth_user_id for key share;
  return query select d.id, d.user_id, d.encryption_thumbprint from public.device_key d
    where d.user_id = any (p_users) and d.state = 'active';
end
$$;

-- The device the session in the claims is bound to.
create function nokkel.device_id() returns uuid
  language sql stable security definer set search_path = '' as
  $$ select device_id from nokkel.my_session() $$;

grant execute on function nokkel.revoke_device(uuid), nokkel.active_devices(uuid[]), nokkel.hold_devices(uuid, uuid[]),
  nokkel.device_id() to authenticated;

reset role;
