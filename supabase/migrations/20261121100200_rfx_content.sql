set role nokkel_owner;

-- What is written in a project, in order. docs/spec/rfx.md
create table public.rfx_entry (
  rfx_id uuid not null references public.rfxs on delete cascade,
  sequence integer not null check (sequence >= 1),
  kind text not null check (kind in ('title', 'specification', 'comment', 'document', 'removal')),
  object_id uuid not null,
  revision integer not null check (revision >= 1),
  key_version integer not null check (key_version >= 1),
  wrapped_key bytea check (length(wrapped_key) = 80),
  content bytea check (length(content) between 48 and 1048576),
  statement text not null check (length(statement) <= 8192),
  digest bytea not null check (length(digest) = 32),
  -- No reference: what was written stays when its author is gone.
  author_id uuid not null,
  signer_thumbprint text not null references public.signing_key,
  created_at timestamptz not null default now(),
  -- The oldest content key that was moved in the last thirty days, and when it was moved last: so that moving it to what opens
  -- nothing destroys nothing.
  replaced_key bytea check (length(replaced_key) = 80),
  replaced_version integer check (replaced_version >= 1),
  replaced_at timestamptz,
  primary key (rfx_id, sequence),
  check (num_nulls(replaced_key, replaced_version, replaced_at) in (0, 3)),
  check ((kind = 'removal') = (content is null)),
  check ((content is null) = (wrapped_key is null))
);
create unique index rfx_entry_revision on public.rfx_entry
  (rfx_id, object_id, (case kind when 'removal' then 'document' else kind end), revision);
create index rfx_entry_signer on public.rfx_entry (signer_thumbprint);
create index rfx_entry_kind on public.rfx_entry (rfx_id, kind, sequence);
create index rfx_entry_version on public.rfx_entry (rfx_id, key_version, sequence) where wrapped_key is not null;
create index rfx_entry_replaced on public.rfx_entry (replaced_at) where replaced_at is not null;
call nokkel.protect('public.rfx_entry');
call nokkel.require_live_session('public.rfx_entry');
grant select on public.rfx_entry to authenticated;
create policy "members read what is written" on public.rfx_entry for select to authenticated
  using (nokkel.is_rfx_member(rfx_id));

-- Files of projects and of bids beside those of assignments -----------------------------------------------------------

alter table public.blob
  add rfx_id uuid references public.rfxs on delete cascade,
  -- The document it is, or the bid it belongs to.
  add object_id uuid,
  add is_attached boolean not null generated always as (assignment_id is not null or rfx_id is not null) stored,
  add check (num_nonnulls(assignment_id, rfx_id) <= 1),
  add check ((rfx_id is null) = (object_id is null));
create index blob_rfx on public.blob (rfx_id, object_id);
drop index public.blob_owner;
create index blob_owner on public.blob (owner_id) where not is_attached;

create or replace function nokkel.is_own_blob(p_blob uuid, p_sent boolean) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.blob b
    where b.id = p_blob and b.owner_id = nokkel.user_id() and b.organization_id = nokkel.organization_id()
      and (p_sent or not b.is_attached)
  )
$$;

-- Whether files of this object are those of a bid of the project. Of bids the next migration knows.
create function nokkel.is_rfx_bid(p_rfx uuid, p_object uuid) returns boolean
  language sql stable security definer set search_path = '' as $$ select false $$;

-- Whether the person may read a file that belongs to a project.
create function nokkel.may_read_rfx_blob(p_rfx uuid, p_object uuid) returns boolean
  language sql stable security definer set search_path = '' as $$ select nokkel.is_rfx_member(p_rfx) $$;
grant execute on function nokkel.may_read_rfx_blob(uuid, uuid) to authenticated;

create or replace function nokkel.may_read_blob(p_blob uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.blob b
    where b.id = p_blob and b.organization_id = nokkel.organization_id() and case
      when b.rfx_id is not null then nokkel.may_read_rfx_blob(b.rfx_id, b.object_id)
      else b.owner_id = nokkel.user_id() or nokkel.is_assignment_recipient(b.assignment_id, nokkel.user_id()) end
  )
$$;

-- Whoever sends assignments, and whoever could be in a project.
create function nokkel.may_store_files() returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.organization_member m
    where m.organization_id = nokkel.organization_id() and m.user_id = nokkel.user_id()
      and (m.role in ('coordinator', 'administrator') or m.is_developer)
  ) or exists (
    select from public.company_member m where m.organization_id = nokkel.organization_id() and m.user_id = nokkel.user_id()
  )
$$;
grant execute on function nokkel.may_store_files() to authenticated;

drop policy "files of those who may read them" on public.blob;
drop policy "coordinators announce files" on public.blob;
drop policy "owners send a file once" on public.blob;
drop policy "owners discard what is not sent" on public.blob;
create policy "files of those who may read them" on public.blob for select to authenticated
  using (case
    when rfx_id is not null then nokkel.may_read_rfx_blob(rfx_id, object_id)
    else owner_id = (select nokkel.user_id()) or nokkel.is_assignment_recipient(assignment_id, (select nokkel.user_id())) end);
create policy "senders and members of companies announce files" on public.blob for insert to authenticated
  with check (
    owner_id = (select nokkel.user_id()) and assignment_id is null and rfx_id is null and (select nokkel.may_store_files())
  );
create policy "owners send a file once" on public.blob for update to authenticated
  using (owner_id = (select nokkel.user_id()) and not is_attached)
  with check (
    owner_id = (select nokkel.user_id()) and rfx_id is null
    and nokkel.is_assignment_sender(assignment_id, (select nokkel.organization_id()))
  );
create policy "owners discard what is not sent" on public.blob for delete to authenticated
  using (owner_id = (select nokkel.user_id()) and not is_attached);

-- Ties files of the person that are all here to a document or a bid; gives those that are not, or are not theirs. What is tied to
-- it already stays, also when a colleague sent it.
create function nokkel.attach_rfx_blobs(p_rfx uuid, p_object uuid, p_blobs uuid[]) returns uuid[]
  language plpgsql security definer set search_path = '' as $$
begin
  perform from public.blob b where b.id = any (p_blobs) order by b.id for update;
  update public.blob b set rfx_id = p_rfx, object_id = p_object
    where b.id = any (p_blobs) and b.owner_id = nokkel.user_id() and b.organization_id = nokkel.organization_id() and not b.is_attached
      and b.byte_length = (select sum(length(c.bytes)) from public.blob_chunk c where c.blob_id = b.id)
      and b.chunk_count = (select count(*) from public.blob_chunk c where c.blob_id = b.id);
  return array(
    select w.id from unnest(p_blobs) w (id) left join public.blob b on b.id = w.id and b.rfx_id = p_rfx and b.object_id = p_object
    where b.id is null);
end
$$;

create or replace function nokkel.has_signed_in_rfx(p_rfx uuid, p_thumbprint text) returns boolean
  language sql stable security definer set search_path = '' as
  $$ select exists (select from public.rfx_entry e where e.rfx_id = p_rfx and e.signer_thumbprint = p_thumbprint) $$;

-- Writing ---------------------------------------------------------------------------------------------------------------

-- Who writes what, and when:
--   title, specification   buyers until the project is approved
--   comment                members until it is closed; suppliers see the project from approved on; once written it stays
--   document, removal      buyers until it is closed, developers while it is in review
create function nokkel.may_write_rfx(p_kind text, p_role text, p_status text) returns boolean
  language sql immutable set search_path = '' as $$
  select case
    when p_status = 'closed' then false
    when p_kind in ('title', 'specification') then p_role = 'buyer' and p_status <> 'approved'
    when p_kind = 'comment' then true
    else p_role = 'buyer' or p_role = 'developer' and p_status = 'in_review' end
$$;

-- The next entry. The server has verified the statement. What is given once more, because the answer was lost, changes nothing.
create function nokkel.add_rfx_entry(
  p_rfx uuid, p_sequence integer, p_kind text, p_object uuid, p_revision integer, p_version integer, p_previous bytea,
  p_title integer, p_specification integer, p_wrapped_key bytea, p_content bytea, p_statement text, p_digest bytea, p_signer text,
  p_blobs uuid[], p_request uuid
) returns void language plpgsql security definer set search_path = '' as $$
declare
  v_rfx constant public.rfxs := nokkel.hold_rfx(p_rfx, 'buyer', 'developer', 'supplier');
  v_last record;
  v_object record;
  v_current record;
  v_incomplete uuid[];
begin
  if num_nulls(p_sequence, p_kind, p_object, p_revision, p_version, p_title, p_specification, p_statement, p_digest, p_signer, p_blobs) > 0
    or num_nulls(p_content, p_wrapped_key) <> (case p_kind when 'removal' then 2 else 0 end) then
    perform nokkel.refuse('request_malformed');
  end if;
  if exists (select from public.rfx_entry e where e.rfx_id = p_rfx and e.sequence = p_sequence and e.digest = p_digest) then return; end if;
  if not nokkel.may_write_rfx(p_kind, nokkel.rfx_role(p_rfx), v_rfx.status) then
    perform nokkel.refuse(case when v_rfx.status = 'closed' or nokkel.rfx_role(p_rfx) = 'buyer' then 'rfx_status' else 'forbidden' end,
      jsonb_build_object('status', v_rfx.status));
  end if;
  if v_rfx.rekey_pending then perform nokkel.refuse('rekey_pending'); end if;
  if v_rfx.key_version <> p_version then
    perform nokkel.refuse('version_stale', jsonb_build_object('version', v_rfx.key_version));
  end if;
  select e.sequence, e.digest into v_last from public.rfx_entry e where e.rfx_id = p_rfx order by e.sequence desc limit 1;
  if p_sequence <> coalesce(v_last.sequence, 0) + 1 or p_previous is distinct from v_last.digest then
    perform nokkel.refuse('sequence_stale', jsonb_build_object('sequence', coalesce(v_last.sequence, 0)));
  end if;
  select e.revision, e.kind into v_object from public.rfx_entry e
    where e.rfx_id = p_rfx and e.object_id = p_object and (e.kind = p_kind or p_kind in ('document', 'removal') and e.kind in ('document', 'removal'))
    order by e.revision desc limit 1;
  if p_revision <> coalesce(v_object.revision, 0) + 1 then
    perform nokkel.refuse('revision_stale', jsonb_build_object('revision', coalesce(v_object.revision, 0)));
  end if;
  -- A project begins with its title.
  if p_sequence = 1 and p_kind <> 'title' then perform nokkel.refuse('statement_invalid'); end if;
  if p_kind in ('title', 'specification') and p_object <> p_rfx
    or p_kind = 'removal' and v_object.kind is distinct from 'document' or p_kind = 'document' and v_object.kind = 'removal' then
    perform nokkel.refuse('not_found');
  end if;
  -- What somebody said stands.
  if p_kind = 'comment' and v_object.revision is not null then perform nokkel.refuse('conflict'); end if;
  if p_kind = 'document' and nokkel.is_rfx_bid(p_rfx, p_object) then perform nokkel.refuse('conflict'); end if;
  select coalesce(max(e.sequence) filter (where e.kind = 'title'), 0) as title,
      coalesce(max(e.sequence) filter (where e.kind = 'specification'), 0) as specification
    into v_current from public.rfx_entry e where e.rfx_id = p_rfx and e.kind in ('title', 'specification');
  if p_title <> (case p_kind when 'title' then p_sequence else v_current.title end)
    or p_specification <> (case p_kind when 'specification' then p_sequence else v_current.specification end) then
    perform nokkel.refuse('statement_invalid');
  end if;
  if p_kind in ('document', 'removal') then
    -- The file of the revision before goes.
    delete from public.blob b where b.rfx_id = p_rfx and b.object_id = p_object;
  end if;
  if cardinality(p_blobs) <> (case when p_kind = 'document' then 1 else 0 end) then perform nokkel.refuse('request_malformed'); end if;
  v_incomplete := nokkel.attach_rfx_blobs(p_rfx, p_object, p_blobs);
  if cardinality(v_incomplete) > 0 then perform nokkel.refuse('blob_incomplete', jsonb_build_object('blobIds', v_incomplete)); end if;
  insert into public.rfx_entry
      (rfx_id, sequence, kind, object_id, revision, key_version, wrapped_key, content, statement, digest, author_id, signer_thumbprint)
    values (p_rfx, p_sequence, p_kind, p_object, p_revision, p_version, p_wrapped_key, p_content, p_statement, p_digest, nokkel.user_id(), p_signer);
  perform nokkel.audit_rfx('rfx_entry.' || p_kind, 'rfx_entry', p_rfx || '/' || p_sequence, p_request);
end
$$;

-- Content keys follow the key -------------------------------------------------------------------------------------------

-- The next content keys that an earlier version wraps, for whoever may wrap.
create function nokkel.stale_content_keys(p_rfx uuid, p_after integer, p_limit integer) returns table (
  sequence integer, key_version integer, wrapped_key bytea
) language sql stable security definer set search_path = '' as $$
  select e.sequence, e.key_version, e.wrapped_key
  from public.rfxs r join public.rfx_entry e on e.rfx_id = r.id
  where r.id = p_rfx and r.organization_id = (select nokkel.organization_id())
    and (select nokkel.may_wrap_rfx(p_rfx, nokkel.user_id()))
    and e.key_version < r.key_version and e.wrapped_key is not null and e.sequence > p_after
  order by e.sequence limit p_limit
$$;

-- Puts each in the place of the old one, if that still stands there. Gives how many. What is replaced stays for thirty days; moved
-- again meanwhile, the oldest stays: its version is the one that was in force when the entry was written.
create function nokkel.move_content_keys(p_rfx uuid, p_version integer, p_sequence integer[], p_old bytea[], p_new bytea[], p_request uuid)
  returns integer language plpgsql security definer set search_path = '' as $$
declare
  v_group constant public.rfxs := nokkel.hold_rfx_group(p_rfx);
  v_count integer;
begin
  if num_nulls(p_version, p_sequence, p_old, p_new) > 0
    or (cardinality(p_sequence), cardinality(p_sequence)) <> (cardinality(p_old), cardinality(p_new))
    or array_position(p_new, null) is not null then
    perform nokkel.refuse('request_malformed');
  end if;
  if v_group.key_version <> p_version then
    perform nokkel.refuse('version_stale', jsonb_build_object('version', v_group.key_version));
  end if;
  update public.rfx_entry e set wrapped_key = w.new, key_version = p_version,
      replaced_key = case when e.replaced_at >= now() - interval '30 days' then e.replaced_key else e.wrapped_key end,
      replaced_version = case when e.replaced_at >= now() - interval '30 days' then e.replaced_version else e.key_version end,
      replaced_at = now()
    from unnest(p_sequence, p_old, p_new) w (sequence, old, new)
    where e.rfx_id = p_rfx and e.sequence = w.sequence and e.wrapped_key = w.old and e.key_version < p_version;
  get diagnostics v_count = row_count;
  perform nokkel.audit_rfx('rfx_entry.rewrap', 'rfx_key_version', p_rfx || '/' || p_version || '/' || v_count, p_request);
  return v_count;
end
$$;

-- Reading ---------------------------------------------------------------------------------------------------------------

-- Entries of a project, the newest first. Asks once whether the person may read them, not once for every row.
create function nokkel.rfx_entries(p_rfx uuid, p_sequence integer, p_before integer, p_limit integer) returns setof public.rfx_entry
  language sql stable security definer set search_path = '' as $$
  select e.* from public.rfx_entry e
  where e.rfx_id = p_rfx and (select nokkel.is_rfx_member(p_rfx))
    and (p_sequence is null or e.sequence = p_sequence) and (p_before is null or e.sequence < p_before)
  order by e.sequence desc limit p_limit
$$;
grant execute on function nokkel.rfx_entries(uuid, integer, integer, integer) to authenticated;

-- Who wrote, and what they are in the project now: suppliers do not learn the names of those of other suppliers, nor anything of
-- those who wrote nothing and are not of their company.
create function nokkel.rfx_people(p_rfx uuid, p_users uuid[]) returns table (id uuid, name text, role text)
  language sql stable security definer set search_path = '' as $$
  select p.id, case when p.role in ('buyer', 'developer') or (select nokkel.is_rfx_client(p_rfx)) or p.ours then p.name end, p.role
  from (
    select u.auth_user_id as id, u.name, nokkel.rfx_role_of(p_rfx, u.auth_user_id) as role, exists (
      select from public.company_member mine join public.company_member theirs using (company_id)
      where mine.user_id = nokkel.user_id() and theirs.user_id = u.auth_user_id) as ours
    from public.app_user u where u.auth_user_id = any (p_users)
  ) p
  where (select nokkel.is_rfx_member(p_rfx)) and (
    p.role is not null and ((select nokkel.is_rfx_client(p_rfx)) or p.ours)
    or exists (select from public.rfx_entry e where e.rfx_id = p_rfx and e.author_id = p.id))
$$;

-- The projects of the person, the newest first, each with its title.
create function nokkel.my_rfxs(p_ids uuid[], p_after_at timestamptz, p_after_id uuid, p_limit integer) returns table (
  id uuid, company_id uuid, company_name text, status text, role text, deadline timestamptz, key_version integer, rekey_pending boolean,
  created_at timestamptz, created_by uuid, sent_at timestamptz, approved_at timestamptz, closed_at timestamptz,
  via text, missing integer, stale integer, last_sequence integer, last_digest bytea,
  title_sequence integer, title_version integer, title_key bytea, title_content bytea, title_statement text
) language sql stable security definer set search_path = '' as $$
  select r.id, r.company_id, c.name, r.status, nokkel.rfx_role_of(r.id, nokkel.user_id()), r.deadline, r.key_version, r.rekey_pending,
    r.created_at, r.created_by, r.sent_at, r.approved_at, r.closed_at, w.via,
    (select k.missing from nokkel.rfx_coverage(r.id) k),
    (select count(*)::integer from nokkel.stale_content_keys(r.id, 0, 1000)),
    l.sequence, l.digest, t.sequence, t.key_version, t.wrapped_key, t.content, t.statement
  from public.rfxs r
  join public.company c on c.id = r.company_id
  left join lateral nokkel.my_rfx_wrap(r.id) w on true
  left join lateral (
    select e.sequence, e.digest from public.rfx_entry e where e.rfx_id = r.id order by e.sequence desc limit 1
  ) l on true
  left join lateral (
    select e.* from public.rfx_entry e where e.rfx_id = r.id and e.kind = 'title' order by e.sequence desc limit 1
  ) t on true
  where r.kind = 'project' and r.organization_id = (select nokkel.organization_id())
    and (p_ids is null or r.id = any (p_ids))
    and r.id in (select x.rfx_id from nokkel.rfx_live_user x where x.user_id = (select nokkel.user_id()))
    and (p_after_id is null or (r.created_at, r.id) < (p_after_at, p_after_id))
  order by r.created_at desc, r.id desc
  limit p_limit
$$;

grant execute on function
  nokkel.add_rfx_entry(uuid, integer, text, uuid, integer, integer, bytea, integer, integer, bytea, bytea, text, bytea, text, uuid[], uuid),
  nokkel.stale_content_keys(uuid, integer, integer),
  nokkel.move_content_keys(uuid, integer, integer[], bytea[], bytea[], uuid), nokkel.rfx_people(uuid, uuid[]),
  nokkel.my_rfxs(uuid[], timestamptz, uuid, integer) to authenticated;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121100200' $$;

reset role;
