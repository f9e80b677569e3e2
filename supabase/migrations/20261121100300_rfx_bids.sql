set role nokkel_owner;

-- Sealed bids, one for each company. docs/spec/rfx.md
--   begun      the server's part is made; nothing is here yet
--   submitted  until the deadline it is replaced or withdrawn at will
--   withdrawn
create table public.rfx_bid (
  id uuid primary key,
  rfx_id uuid not null references public.rfxs on delete cascade,
  company_id uuid not null,
  organization_id uuid not null,
  bidder_id uuid not null references public.rfxs on delete cascade,
  opening_id uuid not null references public.rfxs on delete cascade,
  state text not null default 'begun' check (state in ('begun', 'submitted', 'withdrawn')),
  revision integer not null default 0 check (revision >= 0),
  content bytea check (length(content) between 48 and 1048576),
  sealed_part bytea check (length(sealed_part) = 133),
  opening_version integer,
  own_key bytea check (length(own_key) = 80),
  own_version integer,
  statement text check (length(statement) <= 8192),
  author_id uuid,
  signer_thumbprint text references public.signing_key,
  created_at timestamptz not null default now(),
  submitted_at timestamptz,
  opened_at timestamptz,
  -- As of an entry.
  replaced_own_key bytea check (length(replaced_own_key) = 80),
  replaced_own_version integer check (replaced_own_version >= 1),
  replaced_own_at timestamptz,
  unique (rfx_id, company_id),
  check (num_nulls(replaced_own_key, replaced_own_version, replaced_own_at) in (0, 3)),
  check (state = 'submitted' or replaced_own_at is null),
  foreign key (company_id, organization_id) references public.company (id, organization_id) on delete cascade,
  check ((state = 'submitted') = (content is not null)),
  check (num_nulls(content, sealed_part, opening_version, own_key, own_version, statement, author_id, signer_thumbprint, submitted_at) in (0, 9))
);
create index rfx_bid_company on public.rfx_bid (company_id, organization_id);
create index rfx_bid_bidder on public.rfx_bid (bidder_id);
create index rfx_bid_opening on public.rfx_bid (opening_id);
create index rfx_bid_signer on public.rfx_bid (signer_thumbprint);
call nokkel.protect('public.rfx_bid');
call nokkel.require_live_session('public.rfx_bid');

-- The server's part, under the master key.
create table nokkel.rfx_bid_part (
  bid_id uuid primary key references public.rfx_bid on delete cascade,
  envelope bytea not null check (length(envelope) = 80),
  master_key_id text not null references nokkel.master_key_version
);
create index rfx_bid_part_master_key on nokkel.rfx_bid_part (master_key_id, bid_id);
call nokkel.protect('nokkel.rfx_bid_part');

-- The bidder, always; the openers after the deadline. By the clock of the database.
create function nokkel.may_read_bid(p_bid uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.rfx_bid b join public.rfxs r on r.id = b.rfx_id
    where b.id = p_bid and (
      nokkel.rfx_role(b.bidder_id) is not null
      or r.deadline <= clock_timestamp() and r.status in ('approved', 'closed') and b.state = 'submitted' and nokkel.rfx_role(b.opening_id) is not null)
  )
$$;
grant execute on function nokkel.may_read_bid(uuid) to authenticated;
grant select on public.rfx_bid to authenticated;
create policy "bidders read their bid, openers every one after the deadline" on public.rfx_bid for select to authenticated
  using (nokkel.may_read_bid(id));

create or replace function nokkel.is_rfx_bid(p_rfx uuid, p_object uuid) returns boolean
  language sql stable security definer set search_path = '' as
  $$ select exists (select from public.rfx_bid b where b.id = p_object and b.rfx_id = p_rfx) $$;

create or replace function nokkel.may_read_rfx_blob(p_rfx uuid, p_object uuid) returns boolean
  language sql stable security definer set search_path = '' as
  $$ select case when nokkel.is_rfx_bid(p_rfx, p_object) then nokkel.may_read_bid(p_object) else nokkel.is_rfx_member(p_rfx) end $$;

-- A bid goes with its company, and its files with it: nobody else ever reads them.
create function nokkel.delete_bid_files() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  delete from public.blob b where b.rfx_id = old.rfx_id and b.object_id = old.id;
  return null;
end
$$;
create trigger delete_bid_files after delete on public.rfx_bid for each row execute function nokkel.delete_bid_files();

create or replace function nokkel.has_signed_in_rfx(p_rfx uuid, p_thumbprint text) returns boolean
  language sql stable security definer set search_path = '' as $$
  select exists (select from public.rfx_entry e where e.rfx_id = p_rfx and e.signer_thumbprint = p_thumbprint)
    or exists (select from public.rfx_bid b where b.rfx_id = p_rfx and b.signer_thumbprint = p_thumbprint and nokkel.may_read_bid(b.id))
$$;

-- Locks the project so that its deadline stands, for somebody of a company that bids. No other group is locked here: whoever goes
-- takes several of them.
create function nokkel.hold_rfx_to_bid(p_rfx uuid, p_company uuid) returns public.rfxs
  language plpgsql security definer set search_path = '' as $$
declare
  v_rfx public.rfxs;
  v_bidder uuid;
begin
  select * into v_rfx from public.rfxs r
    where r.id = p_rfx and r.kind = 'project' and r.organization_id = nokkel.organization_id() for share;
  if v_rfx.id is null or nokkel.rfx_role(p_rfx) is null then perform nokkel.refuse('not_found'); end if;
  select g.id into v_bidder from public.rfxs g where g.parent_id = p_rfx and g.kind = 'bidder' and g.company_id = p_company;
  if v_bidder is null or nokkel.rfx_role(v_bidder) is null then perform nokkel.refuse('forbidden'); end if;
  return v_rfx;
end
$$;

create function nokkel.require_open_for_bids(p_rfx public.rfxs) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  if p_rfx.status <> 'approved' or p_rfx.deadline is null then
    perform nokkel.refuse('rfx_status', jsonb_build_object('status', p_rfx.status));
  end if;
  if p_rfx.deadline <= clock_timestamp() then perform nokkel.refuse('deadline_passed'); end if;
end
$$;

-- Begins the bid of a company, with the server's part that was made for it; begun before, it is the part made then.
create function nokkel.begin_bid(p_rfx uuid, p_company uuid, p_bid uuid, p_part bytea, p_master_key text, p_request uuid)
  returns table (id uuid, part bytea) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_rfx constant public.rfxs := nokkel.hold_rfx_to_bid(p_rfx, p_company);
begin
  if num_nulls(p_bid, p_part, p_master_key) > 0 then perform nokkel.refuse('request_malformed'); end if;
  perform nokkel.require_open_for_bids(v_rfx);
  -- Files are found by the object they belong to.
  if exists (select from public.rfx_entry e where e.rfx_id = p_rfx and e.object_id = p_bid) then perform nokkel.refuse('conflict'); end if;
  insert into public.rfx_bid (id, rfx_id, company_id, organization_id, bidder_id, opening_id)
    select p_bid, p_rfx, p_company, v_rfx.organization_id, g.id, o.id
    from public.rfxs g join public.rfxs o on o.parent_id = p_rfx and o.kind = 'opening'
    where g.parent_id = p_rfx and g.kind = 'bidder' and g.company_id = p_company
    on conflict do nothing;
  if found then
    insert into nokkel.rfx_bid_part (bid_id, envelope, master_key_id) values (p_bid, p_part, p_master_key);
    perform nokkel.audit_rfx('rfx_bid.begin', 'rfx_bid', p_bid::text, p_request);
  end if;
  return query select b.id, x.envelope from public.rfx_bid b join nokkel.rfx_bid_part x on x.bid_id = b.id
    where b.rfx_id = p_rfx and b.company_id = p_company;
  if not found then perform nokkel.refuse('conflict'); end if;
end
$$;

-- Submits a bid, in place of the one before. The server has verified the statement, and still compares the key that it is sealed
-- to with the one that this gives. Given once more it changes nothing, and gives none.
create function nokkel.submit_bid(
  p_rfx uuid, p_company uuid, p_bid uuid, p_revision integer, p_content bytea, p_sealed_part bytea, p_opening_version integer,
  p_own_key bytea, p_own_version integer, p_statement text, p_signer text, p_blobs uuid[], p_request uuid
) returns text language plpgsql security definer set search_path = '' as $$
declare
  v_rfx public.rfxs;
  v_bid public.rfx_bid;
  v_opening public.rfxs;
  v_bidder public.rfxs;
  v_incomplete uuid[];
begin
  if num_nulls(p_revision, p_content, p_sealed_part, p_opening_version, p_own_key, p_own_version, p_statement, p_signer, p_blobs) > 0 then
    perform nokkel.refuse('request_malformed');
  end if;
  v_rfx := nokkel.hold_rfx_to_bid(p_rfx, p_company);
  select * into v_bid from public.rfx_bid b where b.id = p_bid and b.rfx_id = p_rfx and b.company_id = p_company for update;
  if v_bid.id is null then perform nokkel.refuse('not_found'); end if;
  if v_bid.revision = p_revision and v_bid.statement = p_statement and v_bid.content = p_content then return null; end if;
  perform nokkel.require_open_for_bids(v_rfx);
  if p_revision <> v_bid.revision + 1 then perform nokkel.refuse('revision_stale', jsonb_build_object('revision', v_bid.revision)); end if;
  select * into v_opening from public.rfxs g where g.id = v_bid.opening_id;
  select * into v_bidder from public.rfxs g where g.id = v_bid.bidder_id;
  -- Sealing to an opening key that waits to be replaced is safe: without the server's part nobody opens it, and the chain of keys
  -- opens it for the openers.
  if v_bidder.rekey_pending then perform nokkel.refuse('rekey_pending'); end if;
  if v_opening.key_version <> p_opening_version or v_bidder.key_version <> p_own_version then
    perform nokkel.refuse('version_stale', jsonb_build_object('opening', v_opening.key_version, 'bidder', v_bidder.key_version));
  end if;
  delete from public.blob b where b.rfx_id = p_rfx and b.object_id = p_bid and b.id <> all (p_blobs);
  v_incomplete := nokkel.attach_rfx_blobs(p_rfx, p_bid, p_blobs);
  if cardinality(v_incomplete) > 0 then perform nokkel.refuse('blob_incomplete', jsonb_build_object('blobIds', v_incomplete)); end if;
  -- Waiting for the locks may have taken until after the deadline.
  perform nokkel.require_open_for_bids(v_rfx);
  update public.rfx_bid b set state = 'submitted', revision = p_revision, content = p_content, sealed_part = p_sealed_part,
      opening_version = p_opening_version, own_key = p_own_key, own_version = p_own_version, statement = p_statement,
      author_id = nokkel.user_id(), signer_thumbprint = p_signer, submitted_at = clock_timestamp(),
      replaced_own_key = null, replaced_own_version = null, replaced_own_at = null
    where b.id = p_bid;
  perform nokkel.audit_rfx('rfx_bid.submit', 'rfx_bid', p_bid || '/' || p_revision, p_request);
  return (select m.seal_to from public.rfx_manifest m where m.rfx_id = v_opening.id and m.version = p_opening_version and m.revision = 1);
end
$$;

create function nokkel.withdraw_bid(p_rfx uuid, p_company uuid, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_rfx constant public.rfxs := nokkel.hold_rfx_to_bid(p_rfx, p_company);
  v_id uuid;
begin
  -- Asked again because the answer was lost.
  if exists (select from public.rfx_bid b where b.rfx_id = p_rfx and b.company_id = p_company and b.state = 'withdrawn') then return; end if;
  perform nokkel.require_open_for_bids(v_rfx);
  update public.rfx_bid b set state = 'withdrawn', content = null, sealed_part = null, opening_version = null, own_key = null,
      own_version = null, statement = null, author_id = null, signer_thumbprint = null, submitted_at = null,
      replaced_own_key = null, replaced_own_version = null, replaced_own_at = null
    where b.rfx_id = p_rfx and b.company_id = p_company and b.state = 'submitted' returning b.id into v_id;
  if v_id is null then perform nokkel.refuse('not_found'); end if;
  delete from public.blob b where b.rfx_id = p_rfx and b.object_id = v_id;
  perform nokkel.audit_rfx('rfx_bid.withdraw', 'rfx_bid', v_id::text, p_request);
end
$$;

-- The server's part of a bid for those who may read it now. Recorded before it is computed; a refusal is for the server to record.
create function nokkel.release_bid_part(p_rfx uuid, p_bid uuid, p_request uuid) returns table (part bytea, company_id uuid)
  language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_bid public.rfx_bid;
  v_rfx public.rfxs;
  v_bidder boolean;
  v_opener boolean;
begin
  select * into v_bid from public.rfx_bid b
    where b.id = p_bid and b.rfx_id = p_rfx and b.organization_id = nokkel.organization_id();
  -- As long as this reads it, the deadline stands.
  select * into v_rfx from public.rfxs r where r.id = v_bid.rfx_id for share;
  v_bidder := nokkel.rfx_role(v_bid.bidder_id) is not null;
  v_opener := v_bid.state = 'submitted' and nokkel.rfx_role(v_bid.opening_id) is not null;
  if v_bid.id is null or not v_bidder and not v_opener then perform nokkel.refuse('not_found'); end if;
  if not v_bidder and (v_rfx.deadline is null or v_rfx.deadline > clock_timestamp()) then
    perform nokkel.refuse('deadline_not_passed', jsonb_build_object('deadline',
      to_char(v_rfx.deadline at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')));
  end if;
  if not v_bidder then
    update public.rfx_bid b set opened_at = clock_timestamp() where b.id = p_bid and b.opened_at is null;
  end if;
  perform nokkel.audit_rfx(case when v_bidder then 'rfx_bid.read' else 'rfx_bid.open' end, 'rfx_bid', p_bid::text, p_request);
  return query select x.envelope, v_bid.company_id from nokkel.rfx_bid_part x where x.bid_id = p_bid;
end
$$;

-- A bid's own key follows the key of its bidder group. What is replaced stays as in move_content_keys.
create function nokkel.move_bid_key(p_rfx uuid, p_bid uuid, p_version integer, p_old bytea, p_new bytea, p_request uuid)
  returns boolean language plpgsql security definer set search_path = '' as $$
declare
  v_bidder constant uuid := (select b.bidder_id from public.rfx_bid b where b.id = p_bid and b.rfx_id = p_rfx);
  v_group constant public.rfxs := nokkel.hold_rfx_group(v_bidder);
begin
  if num_nulls(p_version, p_old, p_new) > 0 then perform nokkel.refuse('request_malformed'); end if;
  if v_group.key_version <> p_version then
    perform nokkel.refuse('version_stale', jsonb_build_object('version', v_group.key_version));
  end if;
  update public.rfx_bid b set own_key = p_new, own_version = p_version,
      replaced_own_key = case when b.replaced_own_at >= now() - interval '30 days' then b.replaced_own_key else b.own_key end,
      replaced_own_version = case when b.replaced_own_at >= now() - interval '30 days' then b.replaced_own_version else b.own_version end,
      replaced_own_at = now()
    where b.id = p_bid and b.own_key = p_old and b.own_version < p_version;
  if found then perform nokkel.audit_rfx('rfx_bid.rewrap', 'rfx_bid', p_bid || '/' || p_version, p_request); return true; end if;
  return false;
end
$$;

grant execute on function nokkel.begin_bid(uuid, uuid, uuid, bytea, text, uuid),
  nokkel.submit_bid(uuid, uuid, uuid, integer, bytea, bytea, integer, bytea, integer, text, text, uuid[], uuid),
  nokkel.withdraw_bid(uuid, uuid, uuid), nokkel.release_bid_part(uuid, uuid, uuid),
  nokkel.move_bid_key(uuid, uuid, integer, bytea, bytea, uuid) to authenticated;

create or replace function nokkel.master_key_rows() returns table (key_id text, table_name text, row_count bigint)
  language sql stable security definer set search_path = '' as $$
  select k.master_key_id, 'user_key', count(*) from public.user_key k where k.master_key_id is not null group by 1
  union all
  select k.master_key_id, 'company_key', count(*) from public.company_key k where k.master_key_id is not null group by 1
  union all
  select k.master_key_id, 'rfx_bid_part', count(*) from nokkel.rfx_bid_part k group by 1
  union all
  select translate(encode(substring(k.wrapped_private_key from 5 for 16), 'base64'), '+/=', '-_'), 'session_key', count(*)
  from nokkel.session_key k group by 1
  order by 1, 2
$$;

-- As before, and what nobody goes on with.
create or replace function nokkel.sweep() returns jsonb
  language plpgsql security definer set search_path = '' as $$
declare
  v_logins integer; v_proofs integer; v_challenges integer; v_sessions integer; v_blobs integer; v_invitations integer; v_attempts integer;
  v_replaced integer; v_history integer;
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
  delete from public.blob where not is_attached and created_at < now() - interval '24 hours';
  get diagnostics v_blobs = row_count;
  delete from nokkel.company_invitation where expires_at < now();
  get diagnostics v_invitations = row_count;
  delete from nokkel.rfx_key_attempt where created_at < now() - interval '24 hours';
  get diagnostics v_attempts = row_count;
  update public.rfx_entry set replaced_key = null, replaced_version = null, replaced_at = null
    where replaced_at < now() - interval '30 days';
  get diagnostics v_replaced = row_count;
  update public.rfx_bid set replaced_own_key = null, replaced_own_version = null, replaced_own_at = null
    where replaced_own_at < now() - interval '30 days';
  -- Wraps of earlier versions, once nothing is under them or what came before them.
  delete from public.rfx_key_history h using public.rfxs r
    where r.id = h.rfx_id and r.company_id is not null and h.created_at < now() - interval '30 days' and case r.kind
      when 'project' then not exists (
        select from public.rfx_entry e
        where e.rfx_id = r.id and e.wrapped_key is not null and least(e.key_version, e.replaced_version) <= h.version)
      when 'opening' then not exists (
        select from public.rfx_bid b where b.opening_id = r.id and b.opening_version <= h.version)
      else not exists (
        select from public.rfx_bid b where b.bidder_id = r.id and least(b.own_version, b.replaced_own_version) <= h.version) end;
  get diagnostics v_history = row_count;
  return jsonb_build_object('logins', v_logins, 'proofs', v_proofs, 'challenges', v_challenges, 'sessions', v_sessions,
    'blobs', v_blobs, 'invitations', v_invitations, 'attempts', v_attempts,
    'replaced', v_replaced, 'history', v_history);
end
$$;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121100300' $$;

reset role;
