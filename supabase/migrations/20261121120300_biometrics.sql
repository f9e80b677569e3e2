set role nokkel_owner;

-- Enrolment ----------------------------------------------------------------------------------------------------------

alter table public.device_key add constraint device_key_id_user_id_key unique (id, user_id);

-- That a person wants this device of theirs to be opened by face, finger or PIN: a wish, of which WebAuthn knows nothing yet.
create table nokkel.biometric_enrollment (
  device_id uuid primary key,
  user_id uuid not null,
  -- What the authenticator knows the person by: random, and another one after each enrolment.
  user_handle bytea not null unique check (length(user_handle) = 32),
  enrolled_at timestamptz not null default now(),
  foreign key (device_id, user_id) references public.device_key (id, user_id) on delete cascade
);
create index biometric_enrollment_person on nokkel.biometric_enrollment (user_id, device_id);
call nokkel.protect('nokkel.biometric_enrollment');

-- Made at the first unlocking. A device has one.
create table nokkel.webauthn_credential (
  device_id uuid primary key references nokkel.biometric_enrollment on delete cascade,
  credential_id bytea not null unique check (length(credential_id) between 1 and 1023),
  -- Host of the pages it was made on, and answers on.
  rp_id text not null check (length(rp_id) between 1 and 253),
  -- COSE_Key (RFC 9052 §7), as the authenticator wrote it.
  public_key bytea not null check (length(public_key) between 1 and 2048),
  sign_count bigint not null check (sign_count between 0 and 4294967295),
  device_type text not null check (device_type in ('singleDevice', 'multiDevice')),
  backed_up boolean not null,
  aaguid uuid not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz
);
call nokkel.protect('nokkel.webauthn_credential');

create table nokkel.webauthn_challenge (
  hash bytea primary key check (length(hash) = 32),
  session_id uuid not null references nokkel.session on delete cascade,
  kind text not null check (kind in ('create', 'get')),
  rp_id text not null,
  -- Of the enrolment it is for: another one, made since, is not served by it.
  user_handle bytea not null,
  -- What the credential had signed by then: the answer must come after it. Two answers on their way may overtake each other.
  sign_count bigint,
  expires_at timestamptz not null default now() + interval '5 minutes',
  check ((kind = 'get') = (sign_count is not null))
);
create index webauthn_challenge_session on nokkel.webauthn_challenge (session_id, expires_at);
create index webauthn_challenge_expiry on nokkel.webauthn_challenge (expires_at);
call nokkel.protect('nokkel.webauthn_challenge');

-- As before, and their enrolments.
create or replace function nokkel.end_devices(p_user uuid, p_devices uuid[], p_state text) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  update public.device_key d set state = p_state, ended_at = now()
    where d.user_id = p_user and d.id = any (p_devices) and d.state = 'active';
  update public.signing_key k set valid_until = now() where k.device_id = any (p_devices) and k.valid_until is null;
  update nokkel.session s set ended_at = now(), ended_reason = 'device_' || p_state
    where s.user_id = p_user and s.device_id = any (p_devices) and s.ended_at is null;
  delete from nokkel.biometric_enrollment e where e.user_id = p_user and e.device_id = any (p_devices);
end
$$;

-- As the person -------------------------------------------------------------------------------------------------------

create function nokkel.my_biometrics() returns table (
  user_id uuid, device_id uuid, enrolled_at timestamptz, credential_created_at timestamptz, credential_last_used_at timestamptz,
  backed_up boolean
) language sql stable security definer set search_path = '' as $$
  select e.user_id, e.device_id, e.enrolled_at, c.created_at, c.last_used_at, c.backed_up
  from nokkel.my_session() s
  join nokkel.biometric_enrollment e on e.device_id = s.device_id
  left join nokkel.webauthn_credential c on c.device_id = e.device_id
$$;

-- The device of the session. Asked again it changes nothing, but for a credential older than the login: whoever logs in and
-- enrols has lost it, and the next unlocking makes another one.
create function nokkel.enroll_biometrics(p_user_handle bytea, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_session record;
begin
  -- Whatever ends the device waits, and whoever else enrols it.
  perform from public.app_user u where u.auth_user_id = nokkel.user_id() for no key update;
  select * into v_session from nokkel.my_session();
  if v_session.id is null then perform nokkel.refuse('session_ended'); end if;
  if not exists (
    select from public.device_key d
    where d.id = v_session.device_id and d.user_id = nokkel.user_id() and d.state = 'active'
  ) then
    perform nokkel.refuse('device_required');
  end if;
  if v_session.authenticated_at < now() - interval '5 minutes' then
    perform nokkel.refuse('login_too_old');
  end if;
  delete from nokkel.biometric_enrollment e using nokkel.webauthn_credential c
    where e.device_id = v_session.device_id and c.device_id = e.device_id and c.created_at < v_session.authenticated_at;
  insert into nokkel.biometric_enrollment (device_id, user_id, user_handle)
    values (v_session.device_id, nokkel.user_id(), p_user_handle)
    on conflict (device_id) do nothing;
  if found then
    perform nokkel.audit(v_session.organization_id, nokkel.user_id(), 'biometrics.enroll', 'device', v_session.device_id::text,
      null, p_request);
  end if;
end
$$;

create function nokkel.remove_biometrics(p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_session record;
begin
  perform from public.app_user u where u.auth_user_id = nokkel.user_id() for no key update;
  select * into v_session from nokkel.my_session();
  if v_session.id is null then perform nokkel.refuse('session_ended'); end if;
  if not exists (select from nokkel.biometric_enrollment e where e.device_id = v_session.device_id) then
    perform nokkel.refuse('biometrics_not_enrolled');
  end if;
  if not exists (
    select from nokkel.session s
    where s.id = v_session.id and greatest(s.unlocked_at, s.authenticated_at) >= now() - interval '5 minutes'
  ) then
    perform nokkel.refuse('login_too_old');
  end if;
  delete from nokkel.biometric_enrollment e where e.device_id = v_session.device_id;
  perform nokkel.audit(v_session.organization_id, nokkel.user_id(), 'biometrics.remove', 'device', v_session.device_id::text,
    null, p_request);
end
$$;

grant execute on function nokkel.my_biometrics(), nokkel.enroll_biometrics(bytea, uuid), nokkel.remove_biometrics(uuid)
  to authenticated;

-- The lock -----------------------------------------------------------------------------------------------------------

alter table nokkel.session
  -- When the person was last verified for it by the authenticator of its device.
  add unlocked_at timestamptz,
  -- Each refresh moves it on, up to twelve hours after the unlocking or the login; null before the first.
  add unlocked_until timestamptz;

-- How long a session of an enrolled device goes on after its login, its unlocking or its last refresh.
create function nokkel.unlock_period() returns interval language sql immutable set search_path = '' as
  $$ select interval '30 minutes' $$;

-- Until when it can be refreshed; null where its device is not enrolled.
create function nokkel.unlocked_until(p_session uuid) returns timestamptz
  language sql stable security definer set search_path = '' as $$
  select greatest(s.unlocked_until, s.authenticated_at + nokkel.unlock_period())
  from nokkel.session s join nokkel.biometric_enrollment e on e.device_id = s.device_id
  where s.id = p_session
$$;

create function nokkel.unlock_due(p_session uuid) returns boolean
  language sql stable security definer set search_path = '' as
  $$ select coalesce(now() > nokkel.unlocked_until(p_session), false) $$;

-- As before, and: a person who was erased is told so; a session that is locked gives nothing and stays as it was.
-- result: rotated | same_successor | unknown | erased | other_key | reused | unlock_required | the reason the session has
-- ended for | expired.
drop function nokkel.rotate_refresh_token(bytea, bytea, bytea, text, interval);
create function nokkel.rotate_refresh_token(
  p_hash bytea, p_next_hash bytea, p_sealed_successor bytea, p_thumbprint text, p_grace interval,
  out result text, out session_id uuid, out user_id uuid, out organization_id uuid,
  out session_expires_at timestamptz, out sealed_successor bytea, out unlocked_until timestamptz
) language plpgsql security definer set search_path = '' as $$
declare
  v_token nokkel.refresh_token;
  v_session nokkel.session;
  v_state text;
begin
  select * into v_token from nokkel.refresh_token t where t.hash = p_hash for update;
  if not found then
    result := case when nokkel.is_erased_token(p_hash) then 'erased' else 'unknown' end;
    return;
  end if;
  select * into strict v_session from nokkel.session s where s.id = v_token.session_id for update;
  if v_session.thumbprint <> p_thumbprint then
    result := 'other_key';
    return;
  end if;
  v_state := nokkel.session_state(v_session.id);
  if v_state <> 'live' then
    result := v_state;
    return;
  end if;
  session_id := v_session.id;
  user_id := v_session.user_id;
  organization_id := v_session.organization_id;
  session_expires_at := v_session.expires_at;

  if v_token.used_at is not null and (v_token.used_at <= now() - p_grace or v_token.sealed_successor is null) then
    update nokkel.session s set ended_at = now(), ended_reason = 'reuse' where s.id = v_session.id;
    result := 'reused';
  elsif nokkel.unlock_due(v_session.id) then
    result := 'unlock_required';
  elsif v_token.used_at is null then
    update nokkel.refresh_token t set used_at = now(), sealed_successor = p_sealed_successor where t.hash = p_hash;
    insert into nokkel.refresh_token (hash, session_id) values (p_next_hash, v_session.id);
    -- Only the predecessor can still be replayed within the grace; older ones are kept as hashes to detect reuse.
    update nokkel.refresh_token t set sealed_successor = null
      where t.session_id = v_session.id and t.used_at < now() - p_grace and t.sealed_successor is not null;
    update nokkel.session s set last_used_at = now() where s.id = v_session.id;
    update nokkel.session s
      set unlocked_until = least(now() + nokkel.unlock_period(), greatest(s.unlocked_at, s.authenticated_at) + interval '12 hours')
      where s.id = v_session.id and exists (select from nokkel.biometric_enrollment e where e.device_id = s.device_id);
    result := 'rotated';
  else
    sealed_successor := v_token.sealed_successor;
    result := 'same_successor';
  end if;
  unlocked_until := nokkel.unlocked_until(v_session.id);
end
$$;
grant execute on function nokkel.rotate_refresh_token(bytea, bytea, bytea, text, interval) to nokkel_server;

-- Unlocking: called by the server for whoever has proven the key of the session, without an access token. --------------

-- live | not_enrolled | the reason the session has ended for | expired. A session of another key is one that is not there.
-- Until the transaction ends neither the session nor its device nor the enrolment does.
create function nokkel.hold_unlocking(p_session uuid, p_thumbprint text) returns text
  language plpgsql security definer set search_path = '' as $$
declare
  v_session nokkel.session;
  v_state text;
begin
  perform from public.app_user u
    where u.auth_user_id = (select s.user_id from nokkel.session s where s.id = p_session and s.thumbprint = p_thumbprint)
    for key share;
  select * into v_session from nokkel.session s where s.id = p_session for update;
  if v_session.thumbprint <> p_thumbprint then
    return 'revoked';
  end if;
  v_state := nokkel.session_state(p_session);
  if v_state <> 'live' then
    return v_state;
  end if;
  perform from nokkel.biometric_enrollment e where e.device_id = v_session.device_id for key share;
  return case when found then 'live' else 'not_enrolled' end;
end
$$;

-- p_rp_id: host of the page that asks. kind: `create` while the enrolment has no credential.
-- state: as above | elsewhere: the credential is for the pages of another host.
create function nokkel.create_unlock_challenge(
  p_session uuid, p_thumbprint text, p_hash bytea, p_rp_id text,
  out state text, out kind text, out credential_id bytea, out user_handle bytea, out organization_name text, out expires_at timestamptz
) language plpgsql security definer set search_path = '' as $$
declare
  v_sign_count bigint;
  v_rp_id text;
begin
  state := nokkel.hold_unlocking(p_session, p_thumbprint);
  if state <> 'live' then
    return;
  end if;
  select case when c.device_id is null then 'create' else 'get' end, c.credential_id, c.sign_count, c.rp_id, e.user_handle, o.name
    into strict kind, credential_id, v_sign_count, v_rp_id, user_handle, organization_name
    from nokkel.session s
    join nokkel.biometric_enrollment e on e.device_id = s.device_id
    join public.organization o on o.id = s.organization_id
    left join nokkel.webauthn_credential c on c.device_id = e.device_id
    where s.id = p_session;
  if v_rp_id <> p_rp_id then
    state := 'elsewhere';
    return;
  end if;
  -- One for each of a few tabs.
  delete from nokkel.webauthn_challenge c where c.hash in (
    select o.hash from nokkel.webauthn_challenge o where o.session_id = p_session order by o.expires_at desc, o.hash offset 4);
  insert into nokkel.webauthn_challenge as c (hash, session_id, kind, rp_id, user_handle, sign_count)
    values (p_hash, p_session, kind, p_rp_id, user_handle, v_sign_count)
    returning c.expires_at into expires_at;
end
$$;

-- Consumes the challenge of this session, if it is one: nobody gets it twice, whatever becomes of the answer.
-- result: taken | unknown | not_enrolled | the reason the session has ended for | expired. user_id: null when nothing is known of the session.
create function nokkel.take_unlock_challenge(
  p_session uuid, p_thumbprint text, p_hash bytea,
  out result text, out user_id uuid, out organization_id uuid, out kind text, out rp_id text, out user_handle bytea, out credential_id bytea,
  out public_key bytea, out sign_count bigint, out device_type text
) language plpgsql security definer set search_path = '' as $$
begin
  result := nokkel.hold_unlocking(p_session, p_thumbprint);
  select s.user_id, s.organization_id into user_id, organization_id
    from nokkel.session s where s.id = p_session and s.thumbprint = p_thumbprint;
  if result <> 'live' then
    return;
  end if;
  delete from nokkel.webauthn_challenge c where c.hash = p_hash and c.session_id = p_session and c.expires_at > now()
    returning c.kind, c.rp_id, c.user_handle, c.sign_count into kind, rp_id, user_handle, sign_count;
  if kind is null then
    result := 'unknown';
    return;
  end if;
  select c.credential_id, c.public_key, c.device_type into credential_id, public_key, device_type
    from nokkel.biometric_enrollment e join nokkel.webauthn_credential c on c.device_id = e.device_id
    where e.user_handle = take_unlock_challenge.user_handle;
  -- The enrolment is another one now; the credential has gone, or is there already.
  result := case when (kind = 'get') = (credential_id is not null) and exists (
    select from nokkel.session s join nokkel.biometric_enrollment e on e.device_id = s.device_id
    where s.id = p_session and e.user_handle = take_unlock_challenge.user_handle
  ) then 'taken' else 'unknown' end;
end
$$;

create function nokkel.set_unlocked(p_session uuid, p_request uuid) returns timestamptz
  language plpgsql security definer set search_path = '' as $$
declare
  v_session nokkel.session;
begin
  update nokkel.session s set unlocked_at = now(), unlocked_until = now() + nokkel.unlock_period()
    where s.id = p_session returning * into strict v_session;
  perform nokkel.audit(v_session.organization_id, v_session.user_id, 'session.unlock', 'session', p_session::text, null, p_request);
  return nokkel.unlocked_until(p_session);
end
$$;

-- The first credential of an enrolment unlocks.
-- result: unlocked | unknown (another one was faster, or the enrolment is another) | foreign | as hold_unlocking says.
create function nokkel.add_unlock_credential(
  p_session uuid, p_thumbprint text, p_user_handle bytea, p_credential_id bytea, p_public_key bytea, p_sign_count bigint,
  p_device_type text, p_backed_up boolean, p_aaguid uuid, p_rp_id text, p_request uuid,
  out result text, out unlocked_until timestamptz
) language plpgsql security definer set search_path = '' as $$
declare
  v_device uuid;
begin
  result := nokkel.hold_unlocking(p_session, p_thumbprint);
  if result <> 'live' then
    return;
  end if;
  select e.device_id into v_device from nokkel.session s join nokkel.biometric_enrollment e on e.device_id = s.device_id
    where s.id = p_session and e.user_handle = p_user_handle;
  if v_device is null then
    result := 'unknown';
    return;
  end if;
  insert into nokkel.webauthn_credential (device_id, credential_id, public_key, sign_count, device_type, backed_up, aaguid, rp_id)
    values (v_device, p_credential_id, p_public_key, p_sign_count, p_device_type, p_backed_up, p_aaguid, p_rp_id)
    on conflict do nothing;
  if not found then
    result := case when exists (select from nokkel.webauthn_credential c where c.device_id = v_device) then 'unknown' else 'foreign' end;
    return;
  end if;
  result := 'unlocked';
  unlocked_until := nokkel.set_unlocked(p_session, p_request);
end
$$;

-- An assertion by the credential of the device, which the server has verified, unlocks. result: as above, without foreign.
create function nokkel.use_unlock_credential(
  p_session uuid, p_thumbprint text, p_user_handle bytea, p_credential_id bytea, p_sign_count bigint, p_backed_up boolean,
  p_request uuid, out result text, out unlocked_until timestamptz
) language plpgsql security definer set search_path = '' as $$
begin
  result := nokkel.hold_unlocking(p_session, p_thumbprint);
  if result <> 'live' then
    return;
  end if;
  update nokkel.webauthn_credential c
    set sign_count = greatest(c.sign_count, p_sign_count), backed_up = p_backed_up, last_used_at = now()
    from nokkel.session s join nokkel.biometric_enrollment e on e.device_id = s.device_id
    where s.id = p_session and e.user_handle = p_user_handle and c.device_id = e.device_id and c.credential_id = p_credential_id;
  if not found then
    result := 'unknown';
    return;
  end if;
  result := 'unlocked';
  unlocked_until := nokkel.set_unlocked(p_session, p_request);
end
$$;

grant execute on function nokkel.create_unlock_challenge(uuid, text, bytea, text), nokkel.take_unlock_challenge(uuid, text, bytea),
  nokkel.add_unlock_credential(uuid, text, bytea, bytea, bytea, bigint, text, boolean, uuid, text, uuid),
  nokkel.use_unlock_credential(uuid, text, bytea, bytea, bigint, boolean, uuid) to nokkel_server;

-- Signing out of a session that is locked: nobody is told whether there was one.
create function nokkel.end_session_by_key(p_session uuid, p_thumbprint text) returns void
  language sql security definer set search_path = '' as $$
  update nokkel.session s set ended_at = now(), ended_reason = 'signed_out'
    where s.id = p_session and s.thumbprint = p_thumbprint and s.ended_at is null
$$;
grant execute on function nokkel.end_session_by_key(uuid, text) to nokkel_server;

-- Upkeep -------------------------------------------------------------------------------------------------------------

-- Challenges that have expired; and enrolments of devices that a merge has ended, once it cannot be undone.
create function nokkel.sweep_biometrics() returns integer
  language plpgsql security definer set search_path = '' as $$
declare
  v_challenges integer;
begin
  delete from nokkel.webauthn_challenge where expires_at < now();
  get diagnostics v_challenges = row_count;
  delete from nokkel.biometric_enrollment e using public.device_key d
    where d.id = e.device_id and d.ended_at < now() - nokkel.undo_period();
  return v_challenges;
end
$$;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121120300' $$;

reset role;
