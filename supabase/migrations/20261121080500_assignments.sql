set role nokkel_owner;

create table public.assignment (
  id uuid primary key,
  organization_id uuid not null references public.organization on delete cascade,
  -- No reference: what was sent stays with its recipients when the sender is gone.
  sender_id uuid not null,
  content bytea not null check (length(content) <= 524288),
  statement text not null check (length(statement) <= 131072),
  signer_thumbprint text not null references public.signing_key,
  revision integer not null default 1 check (revision >= 1),
  file_count integer not null default 0 check (file_count between 0 and 50),
  sent_at timestamptz not null default now()
);
create index assignment_organization on public.assignment (organization_id);
create index assignment_sender on public.assignment (sender_id, sent_at desc, id);
create index assignment_signer on public.assignment (signer_thumbprint);
call nokkel.protect('public.assignment');
call nokkel.require_live_session('public.assignment');

create table public.assignment_recipient (
  assignment_id uuid not null references public.assignment on delete cascade,
  user_id uuid not null references public.app_user on delete cascade,
  fetched_at timestamptz,
  opened_at timestamptz,
  primary key (assignment_id, user_id)
);
create index assignment_recipient_user on public.assignment_recipient (user_id);
call nokkel.protect('public.assignment_recipient');
call nokkel.require_live_session('public.assignment_recipient');

-- The content key of an assignment, sealed to one device. The sender's own device has one too.
create table public.assignment_key (
  assignment_id uuid not null references public.assignment on delete cascade,
  device_id uuid not null references public.device_key on delete cascade,
  user_id uuid not null references public.app_user on delete cascade,
  wrapped_key bytea not null check (length(wrapped_key) between 100 and 300),
  primary key (assignment_id, device_id)
);
create index assignment_key_device on public.assignment_key (device_id);
create index assignment_key_user on public.assignment_key (user_id);
call nokkel.protect('public.assignment_key');
call nokkel.require_live_session('public.assignment_key');

create table public.blob (
  id uuid primary key,
  organization_id uuid not null references public.organization on delete cascade,
  owner_id uuid not null,
  byte_length bigint not null check (byte_length between 1 and 4294967296),
  chunk_count integer not null check (chunk_count between 1 and 8192),
  assignment_id uuid references public.assignment on delete cascade,
  created_at timestamptz not null default now()
);
create index blob_organization on public.blob (organization_id);
create index blob_owner on public.blob (owner_id) where assignment_id is null;
create index blob_assignment on public.blob (assignment_id);
call nokkel.protect('public.blob');
call nokkel.require_live_session('public.blob');

create table public.blob_chunk (
  blob_id uuid not null references public.blob on delete cascade,
  index integer not null check (index between 0 and 8191),
  bytes bytea not null check (length(bytes) between 1 and 1048576),
  primary key (blob_id, index)
);
-- Ciphertext does not compress.
alter table public.blob_chunk alter column bytes set storage external;
call nokkel.protect('public.blob_chunk');
call nokkel.require_live_session('public.blob_chunk');

-- Policies ask through these, so that no policy depends on another table's policy.
-- What is the same for every row is a parameter, so that a policy asks for it once.
create function nokkel.is_assignment_sender(p_assignment uuid, p_organization uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.assignment a
    where a.id = p_assignment and a.sender_id = nokkel.user_id() and a.organization_id = p_organization
  )
$$;

create function nokkel.is_assignment_recipient(p_assignment uuid, p_user uuid) returns boolean
  language sql stable security definer set search_path = '' as
  $$ select exists (select from public.assignment_recipient r where r.assignment_id = p_assignment and r.user_id = p_user) $$;

create function nokkel.may_receive_assignment(p_assignment uuid, p_user uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.assignment a join public.organization_member m using (organization_id)
    where a.id = p_assignment and m.user_id = p_user
  )
$$;

create function nokkel.is_active_device(p_device uuid, p_user uuid) returns boolean
  language sql stable security definer set search_path = '' as
  $$ select exists (select from public.device_key d where d.id = p_device and d.user_id = p_user and d.state = 'active') $$;

create function nokkel.is_own_blob(p_blob uuid, p_sent boolean) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.blob b
    where b.id = p_blob and b.owner_id = nokkel.user_id() and b.organization_id = nokkel.organization_id()
      and (p_sent or b.assignment_id is null)
  )
$$;

create function nokkel.may_read_blob(p_blob uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.blob b
    where b.id = p_blob and b.organization_id = nokkel.organization_id()
      and (b.owner_id = nokkel.user_id() or nokkel.is_assignment_recipient(b.assignment_id, nokkel.user_id()))
  )
$$;

-- Signing keys of whoever sent the person something, or shares an organisation they coordinate.
create function nokkel.may_see_signing_key(p_thumbprint text, p_user uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select p_user = nokkel.user_id() or nokkel.may_address(p_user) or exists (
    select from public.assignment a join public.assignment_recipient r on r.assignment_id = a.id
    where a.signer_thumbprint = p_thumbprint and r.user_id = nokkel.user_id()
  )
$$;

create function nokkel.has_sent_to_me(p_user uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.assignment a join public.assignment_recipient r on r.assignment_id = a.id
    where a.sender_id = p_user and r.user_id = nokkel.user_id()
  )
$$;

create function nokkel.has_received_from_me(p_user uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.assignment a join public.assignment_recipient r on r.assignment_id = a.id
    where r.user_id = p_user and a.sender_id = nokkel.user_id()
  )
$$;

-- The signing key of the device the session is bound to.
create function nokkel.signs_here(p_thumbprint text) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.device_key d
    where d.id = nokkel.device_id() and d.signing_thumbprint = p_thumbprint and d.state = 'active'
  )
$$;

grant execute on function nokkel.has_received_from_me(uuid), nokkel.signs_here(text),
  nokkel.is_assignment_sender(uuid, uuid), nokkel.is_assignment_recipient(uuid, uuid),
  nokkel.may_receive_assignment(uuid, uuid), nokkel.is_active_device(uuid, uuid), nokkel.is_own_blob(uuid, boolean),
  nokkel.may_read_blob(uuid), nokkel.may_see_signing_key(text, uuid), nokkel.has_sent_to_me(uuid) to authenticated;

grant select on public.signing_key to authenticated;
create policy "signing keys of those one deals with" on public.signing_key for select to authenticated
  using (nokkel.may_see_signing_key(thumbprint, user_id));

create policy "people see who sent them something" on public.app_user for select to authenticated
  using (nokkel.has_sent_to_me(auth_user_id));

create policy "people see whom they sent something" on public.app_user for select to authenticated
  using (nokkel.has_received_from_me(auth_user_id));

grant select, insert, update (statement, signer_thumbprint, revision) on public.assignment to authenticated;
create policy "only in the organisation of the session" on public.assignment as restrictive to authenticated
  using (organization_id = (select nokkel.organization_id())) with check (organization_id = (select nokkel.organization_id()));
create policy "senders see what they sent" on public.assignment for select to authenticated
  using (sender_id = (select nokkel.user_id()));
create policy "recipients see what they got" on public.assignment for select to authenticated
  using (nokkel.is_assignment_recipient(id, (select nokkel.user_id())));
create policy "coordinators send in their organisation" on public.assignment for insert to authenticated
  with check (
    sender_id = (select nokkel.user_id())
    and nokkel.has_role(organization_id, 'coordinator', 'administrator')
    and nokkel.signs_here(signer_thumbprint)
  );
create policy "senders address again" on public.assignment for update to authenticated
  using (sender_id = (select nokkel.user_id()) and nokkel.has_role(organization_id, 'coordinator', 'administrator'))
  with check (sender_id = (select nokkel.user_id()) and nokkel.signs_here(signer_thumbprint));

grant select, insert, update (fetched_at, opened_at) on public.assignment_recipient to authenticated;
-- One policy, as only within it the cheap question is asked first.
create policy "recipients see themselves, senders their recipients" on public.assignment_recipient for select to authenticated
  using (
    user_id = (select nokkel.user_id())
    or nokkel.is_assignment_sender(assignment_id, (select nokkel.organization_id()))
  );
create policy "senders name members" on public.assignment_recipient for insert to authenticated
  with check (
    nokkel.is_assignment_sender(assignment_id, (select nokkel.organization_id())) and nokkel.may_receive_assignment(assignment_id, user_id)
    and user_id <> (select nokkel.user_id()) and fetched_at is null and opened_at is null
  );
create policy "recipients acknowledge" on public.assignment_recipient for update to authenticated
  using (user_id = (select nokkel.user_id())) with check (user_id = (select nokkel.user_id()));

grant select, insert, delete on public.assignment_key to authenticated;
create policy "people see keys sealed to their devices, senders those they sealed" on public.assignment_key
  for select to authenticated
  using (
    user_id = (select nokkel.user_id())
    or nokkel.is_assignment_sender(assignment_id, (select nokkel.organization_id()))
  );
create policy "senders seal to recipients and themselves" on public.assignment_key for insert to authenticated
  with check (
    nokkel.is_assignment_sender(assignment_id, (select nokkel.organization_id())) and nokkel.is_active_device(device_id, user_id)
    and (user_id = (select nokkel.user_id()) or nokkel.is_assignment_recipient(assignment_id, user_id))
  );
create policy "senders replace the keys they sealed" on public.assignment_key for delete to authenticated
  using (nokkel.is_assignment_sender(assignment_id, (select nokkel.organization_id())));

grant select, insert, update (assignment_id), delete on public.blob to authenticated;
create policy "only in the organisation of the session" on public.blob as restrictive to authenticated
  using (organization_id = (select nokkel.organization_id())) with check (organization_id = (select nokkel.organization_id()));
create policy "files of those who may read them" on public.blob for select to authenticated
  using (owner_id = (select nokkel.user_id()) or nokkel.is_assignment_recipient(assignment_id, (select nokkel.user_id())));
create policy "coordinators announce files" on public.blob for insert to authenticated
  with check (
    owner_id = (select nokkel.user_id()) and assignment_id is null
    and nokkel.has_role(organization_id, 'coordinator', 'administrator')
  );
create policy "owners send a file once" on public.blob for update to authenticated
  using (owner_id = (select nokkel.user_id()) and assignment_id is null)
  with check (owner_id = (select nokkel.user_id()) and nokkel.is_assignment_sender(assignment_id, (select nokkel.organization_id())));
create policy "owners discard what is not sent" on public.blob for delete to authenticated
  using (owner_id = (select nokkel.user_id()) and assignment_id is null);

grant select, insert, update (bytes) on public.blob_chunk to authenticated;
create policy "chunks of readable files" on public.blob_chunk for select to authenticated
  using (nokkel.may_read_blob(blob_id));
create policy "owners fill what is not sent" on public.blob_chunk for insert to authenticated
  with check (nokkel.is_own_blob(blob_id, false));
create policy "owners refill what is not sent" on public.blob_chunk for update to authenticated
  using (nokkel.is_own_blob(blob_id, false)) with check (nokkel.is_own_blob(blob_id, false));

-- How far what the person sent has come with each recipient.
create function nokkel.deliveries(p_assignments uuid[]) returns table (
  assignment_id uuid, user_id uuid, name text, state text, fetched_at timestamptz, opened_at timestamptz, has_active_device boolean
) language sql stable security definer set search_path = '' as $$
  select r.assignment_id, r.user_id, u.name,
    case
      when not device.can_open then 'unreadable'
      when r.opened_at is not null then 'opened'
      when r.fetched_at is not null then 'fetched'
      else 'sent'
    end,
    r.fetched_at, r.opened_at, device.is_active
  from public.assignment a
  join public.assignment_recipient r on r.assignment_id = a.id
  join public.app_user u on u.auth_user_id = r.user_id
  cross join lateral (
    select count(*) > 0 as is_active, count(k.device_id) > 0 as can_open
    from public.device_key d
    left join public.assignment_key k on k.assignment_id = a.id and k.device_id = d.id
    where d.user_id = r.user_id and d.state = 'active'
  ) device
  where a.id = any (p_assignments) and a.sender_id = (select nokkel.user_id())
    and a.organization_id = (select nokkel.organization_id())
  order by u.name, r.user_id
$$;

-- Before an assignment is addressed again: whoever can open it nowhere now is as one who has not seen it yet.
create function nokkel.reset_deliveries(p_assignment uuid) returns void
  language sql security definer set search_path = '' as $$
  update public.assignment_recipient r set fetched_at = null, opened_at = null
  where r.assignment_id = p_assignment and nokkel.is_assignment_sender(p_assignment, nokkel.organization_id()) and not exists (
    select from public.assignment_key k join public.device_key d on d.id = k.device_id
    where k.assignment_id = r.assignment_id and k.user_id = r.user_id and d.state = 'active'
  )
$$;

-- Which chunks of the person's own files are here.
create function nokkel.received_chunks(p_blobs uuid[]) returns table (blob_id uuid, index integer, byte_length integer)
  language sql stable security definer set search_path = '' as $$
  select c.blob_id, c.index, length(c.bytes)
  from public.blob b join public.blob_chunk c on c.blob_id = b.id
  where b.id = any (p_blobs) and b.owner_id = (select nokkel.user_id())
    and b.organization_id = (select nokkel.organization_id())
  order by c.blob_id, c.index
$$;

grant execute on function nokkel.deliveries(uuid[]), nokkel.reset_deliveries(uuid), nokkel.received_chunks(uuid[]) to authenticated;

-- What has expired or was never sent. One call at a time does it; others return at once.
create function nokkel.sweep() returns jsonb
  language plpgsql security definer set search_path = '' as $$
declare
  v_logins integer; v_proofs integer; v_challenges integer; v_sessions integer; v_blobs integer;
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
  return jsonb_build_object('logins', v_logins, 'proofs', v_proofs, 'challenges', v_challenges, 'sessions', v_sessions, 'blobs', v_blobs);
end
$$;
grant execute on function nokkel.sweep() to nokkel_server;

reset role;
