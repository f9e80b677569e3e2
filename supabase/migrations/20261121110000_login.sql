set role nokkel_owner;

-- The least that a login must prove; each provider says which of these its own levels are.
alter table public.organization
  add minimum_assurance text not null default 'low' check (minimum_assurance in ('low', 'substantial', 'high'));

alter table public.external_identity
  add id uuid not null unique default gen_random_uuid(),
  -- Whose client it came by; null where a subject is the same at every client.
  add organization_id uuid references public.organization on delete set null;
create index external_identity_organization on public.external_identity (organization_id);

-- Of verified ones only, like personnummer_index; not unique: families share them.
alter table public.user_identities
  add phone_index bytea check (length(phone_index) = 32),
  add email_index bytea check (length(email_index) = 32),
  -- What Vipps told, as an envelope under the key of the person.
  add contact bytea,
  add contact_updated_at timestamptz,
  add contact_index_key text,
  add check ((contact is null) = (contact_updated_at is null)),
  add check ((phone_index is null and email_index is null) or contact_index_key is not null);
create index user_identities_contact on public.user_identities (phone_index, email_index);

-- The key of one person's stored personal data, wrapped by the master key: when it goes, what it encrypted is gone.
create table nokkel.person_key (
  user_id uuid primary key references public.app_user on delete cascade,
  wrapped_key bytea not null,
  master_key_id text not null,
  created_at timestamptz not null default now()
);
create index person_key_master_key on nokkel.person_key (master_key_id);
call nokkel.protect('nokkel.person_key');

-- Accounts that were merged into another one. What they signed names them still.
create table nokkel.former_account (
  user_id uuid primary key references public.app_user on delete cascade,
  survivor_id uuid not null references public.app_user on delete cascade,
  merged_at timestamptz not null default now(),
  check (user_id <> survivor_id)
);
create index former_account_survivor on nokkel.former_account (survivor_id);
call nokkel.protect('nokkel.former_account');

create function nokkel.former_ids() returns uuid[]
  language sql stable security definer set search_path = '' as $$
  select array(select f.user_id from nokkel.former_account f where f.survivor_id = nokkel.user_id() order by f.user_id)
$$;
grant execute on function nokkel.former_ids() to authenticated;

-- Two accounts that look like one person's, found at a login; a pair is noted once for each kind of evidence.
create table nokkel.suspected_duplicate (
  id uuid primary key default gen_random_uuid(),
  -- Where it was found.
  organization_id uuid not null references public.organization on delete cascade,
  first_id uuid not null references public.app_user on delete cascade,
  second_id uuid not null references public.app_user on delete cascade,
  evidence text not null check (evidence in ('personnummer', 'both_logins', 'phone_and_email')),
  state text not null default 'open' check (state in ('open', 'merged', 'dismissed')),
  found_at timestamptz not null default now(),
  settled_at timestamptz,
  check (first_id < second_id),
  check ((state = 'open') = (settled_at is null)),
  unique (first_id, second_id, evidence)
);
create index suspected_duplicate_organization on nokkel.suspected_duplicate (organization_id, state, found_at, id);
create index suspected_duplicate_second on nokkel.suspected_duplicate (second_id);
call nokkel.protect('nokkel.suspected_duplicate');

create function nokkel.suspect_duplicate(p_organization uuid, p_one uuid, p_other uuid, p_evidence text) returns void
  language sql security definer set search_path = '' as $$
  insert into nokkel.suspected_duplicate (organization_id, first_id, second_id, evidence)
  values (p_organization, least(p_one, p_other), greatest(p_one, p_other), p_evidence)
  on conflict do nothing
$$;

-- A verified login that waits for its person to show that an account is theirs.
create table nokkel.waiting_identity (
  id uuid primary key default gen_random_uuid(),
  token_hash bytea not null unique check (length(token_hash) = 32),
  -- RFC 7638 thumbprint of the key that finished the login; only with it does the token work.
  thumbprint text not null,
  organization_id uuid not null references public.organization on delete cascade,
  -- Whose account it may belong to.
  candidate_id uuid not null references public.app_user on delete cascade,
  -- What sign_in was given: the login as the provider vouched for it, without a session.
  login jsonb not null,
  expires_at timestamptz not null default now() + interval '15 minutes',
  consumed_at timestamptz
);
create index waiting_identity_organization on nokkel.waiting_identity (organization_id);
create index waiting_identity_candidate on nokkel.waiting_identity (candidate_id);
create index waiting_identity_expiry on nokkel.waiting_identity (expires_at);
call nokkel.protect('nokkel.waiting_identity');

alter table nokkel.session
  -- Which of the person's logins it came from; no reference, for a session outlives the login in the lists.
  add identity_id uuid;
create index session_identity on nokkel.session (identity_id);

alter table nokkel.login_attempt
  add consent_version text,
  add consent_shares text[],
  -- What was asked of the provider, of what the person agreed to.
  add scope text,
  add flow text,
  -- Whose account the login is to be added to, and the session that began that.
  add link_session_id uuid references nokkel.session on delete cascade,
  -- The waiting login that this one is to confirm.
  add waiting_id uuid references nokkel.waiting_identity on delete cascade,
  -- The account of Supabase that showed its token when this began.
  add supabase_user_id uuid,
  add check (num_nonnulls(link_session_id, waiting_id) <= 1);
create index login_attempt_link on nokkel.login_attempt (link_session_id);
create index login_attempt_waiting on nokkel.login_attempt (waiting_id);

drop function nokkel.begin_login(text, uuid, text, text, text, bytea, bytea, text);
drop function nokkel.take_login(uuid);

create function nokkel.begin_login(
  p_provider text, p_organization uuid, p_issuer text, p_client_id text, p_redirect_uri text,
  p_state_hash bytea, p_nonce_hash bytea, p_code_challenge text,
  p_consent_version text, p_consent_shares text[], p_scope text, p_flow text,
  p_link_session uuid, p_waiting uuid, p_supabase_user uuid
) returns table (id uuid, expires_at timestamptz)
  language sql security definer set search_path = '' as $$
  insert into nokkel.login_attempt
    (provider, organization_id, issuer, client_id, redirect_uri, state_hash, nonce_hash, code_challenge,
      consent_version, consent_shares, scope, flow, link_session_id, waiting_id, supabase_user_id, expires_at)
  values (p_provider, p_organization, p_issuer, p_client_id, p_redirect_uri, p_state_hash, p_nonce_hash, p_code_challenge,
    p_consent_version, p_consent_shares, p_scope, p_flow, p_link_session, p_waiting, p_supabase_user,
    now() + interval '15 minutes')
  returning id, expires_at
$$;

-- Consumes the attempt: at most one caller ever gets it, whatever becomes of the login. p_session is that of the caller: a link is
-- finished only in the session that began it, and a login only outside of any.
create function nokkel.take_login(p_id uuid, p_session uuid) returns table (
  provider text, organization_id uuid, organization_slug text, issuer text, client_id text, redirect_uri text,
  state_hash bytea, nonce_hash bytea, code_challenge text, consent_version text, consent_shares text[], scope text, flow text,
  link_session_id uuid, waiting_id uuid, supabase_user_id uuid, minimum_assurance text
) language sql security definer set search_path = '' as $$
  update nokkel.login_attempt a set consumed_at = now()
  from public.organization o
  where a.id = p_id and a.consumed_at is null and a.expires_at > now() and o.id = a.organization_id
    and a.link_session_id is not distinct from p_session
  returning a.provider, a.organization_id, o.slug, a.issuer, a.client_id, a.redirect_uri, a.state_hash, a.nonce_hash,
    a.code_challenge, a.consent_version, a.consent_shares, a.scope, a.flow, a.link_session_id, a.waiting_id, a.supabase_user_id,
    o.minimum_assurance
$$;

grant execute on function
  nokkel.begin_login(text, uuid, text, text, text, bytea, bytea, text, text, text[], text, text, uuid, uuid, uuid),
  nokkel.take_login(uuid, uuid) to nokkel_server;

-- Linking ------------------------------------------------------------------------------------------------------------

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121110000' $$;

reset role;
