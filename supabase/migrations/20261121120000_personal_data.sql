set role nokkel_owner;

-- What is kept of a person, why, and until when. docs/spec/personal-data.md

-- Identity -----------------------------------------------------------------------------------------------------------------

alter table public.user_identities
  -- An envelope under the key of the person; what a person typed is here too, and in no index.
  add personnummer bytea,
  add personnummer_source text check (personnummer_source in ('bankid', 'vipps', 'typed')),
  add personnummer_kept_at timestamptz,
  -- Subject of the newest Vipps login.
  add vipps_sub text,
  add check (num_nonnulls(personnummer, personnummer_source, personnummer_kept_at) in (0, 3));
grant select (personnummer, personnummer_source, personnummer_kept_at, vipps_sub) on public.user_identities to authenticated;

create function nokkel.newest_vipps(p_user uuid) returns text language sql stable set search_path = '' as $$
  select i.subject from public.external_identity i where i.user_id = p_user and i.provider = 'vipps'
  order by coalesce(i.last_login_at, i.created_at) desc, i.id desc limit 1
$$;

create function nokkel.set_vipps_sub() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  new.vipps_sub := nokkel.newest_vipps(new.user_id);
  return new;
end
$$;
create trigger set_vipps_sub before insert or update of user_id on public.user_identities
  for each row execute function nokkel.set_vipps_sub();

create function nokkel.follow_vipps_login() returns trigger
  language plpgsql security definer set search_path = '' as $$
begin
  update public.user_identities i set vipps_sub = nokkel.newest_vipps(i.user_id)
    where i.user_id in (old.user_id, new.user_id) and i.vipps_sub is distinct from nokkel.newest_vipps(i.user_id);
  return null;
end
$$;
create trigger follow_vipps_login after insert or delete or update of user_id, provider, subject, last_login_at on public.external_identity
  for each row execute function nokkel.follow_vipps_login();

update public.user_identities i set vipps_sub = nokkel.newest_vipps(i.user_id) where nokkel.newest_vipps(i.user_id) is not null;

-- Makes sure that the person has a row. What proves something in it is written at logins alone.
create function nokkel.upsert_identity() returns void
  language plpgsql security definer set search_path = '' as $$
begin
  if not nokkel.session_is_live() then perform nokkel.refuse('session_ended'); end if;
  insert into public.user_identities as i (user_id) values (nokkel.user_id())
    on conflict (user_id) do update set updated_at = now();
end
$$;

-- As other software calls it, through PostgREST. `auth.uid()` is the person of the claims, and the claims name the session.
create function public.mark_bankid_verified(target_user_id uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_provider text;
begin
  select s.provider into v_provider from nokkel.my_session() s;
  if not found then perform nokkel.refuse('session_ended'); end if;
  if target_user_id is distinct from nokkel.user_id() then perform nokkel.refuse('forbidden'); end if;
  if v_provider <> 'bankid' then perform nokkel.refuse('bankid_login_required'); end if;
  insert into public.user_identities as i (user_id, bankid_verified, bankid_verified_at) values (target_user_id, true, now())
    on conflict (user_id) do update set bankid_verified = true, bankid_verified_at = now(), updated_at = now()
    where not i.bankid_verified;
end
$$;
revoke all on function public.mark_bankid_verified(uuid) from public, anon, authenticated, service_role;
grant execute on function public.mark_bankid_verified(uuid), nokkel.upsert_identity() to authenticated;

-- Consent --------------------------------------------------------------------------------------------------------------------

create table public.consent (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.app_user on delete cascade,
  -- To whom; null when it is gone.
  organization_id uuid references public.organization on delete set null,
  purpose text not null check (purpose in ('contact', 'recognition', 'personnummer')),
  shares text[] not null,
  legal_basis text not null check (legal_basis in ('gdpr-6-1-a', 'gdpr-6-1-a+popplyl-12')),
  text_version text not null,
  given_at timestamptz not null default now(),
  withdrawn_at timestamptz,
  -- By a yes to another text or to other shares.
  replaced_at timestamptz
);
create index consent_user on public.consent (user_id, purpose);
create index consent_organization on public.consent (organization_id);
create index consent_over on public.consent (coalesce(withdrawn_at, replaced_at)) where withdrawn_at is not null or replaced_at is not null;
create unique index consent_live on public.consent (user_id, organization_id, purpose) where withdrawn_at is null and replaced_at is null;
call nokkel.protect('public.consent');
call nokkel.require_live_session('public.consent');
grant select on public.consent to authenticated;
create policy "people see what they agreed to" on public.consent for select to authenticated
  using (user_id = (select nokkel.user_id()));

-- Whether the person agrees to that still, to whichever organisation.
create function nokkel.has_consent(p_user uuid, p_purpose text) returns boolean
  language sql stable set search_path = '' as $$
  select exists (
    select from public.consent c
    where c.user_id = p_user and c.purpose = p_purpose and c.withdrawn_at is null and c.replaced_at is null)
$$;

-- Says in the log that a yes is over: where it was said, or, when that organisation is gone, wherever its person is a member.
create function nokkel.audit_consent_over(p_actor uuid, p_consent uuid, p_action text, p_request uuid) returns void
  language sql set search_path = '' as $$
  select nokkel.audit(o.id, p_actor, p_action, 'consent', p_consent::text, null, p_request) from (
    select c.organization_id as id from public.consent c where c.id = p_consent and c.organization_id is not null
    union
    select m.organization_id from public.consent c join public.organization_member m on m.user_id = c.user_id
    where c.id = p_consent and c.organization_id is null
  ) o
$$;

-- Records a yes in place of the one before. The same again is the one that stands. A number is kept for the person, so that one yes
-- stands for it, whichever organisation it was said to.
create function nokkel.record_consent(
  p_user uuid, p_organization uuid, p_purpose text, p_shares text[], p_version text, p_at timestamptz default now(),
  p_request uuid default null
) returns uuid language plpgsql set search_path = '' as $$
declare
  v_id uuid;
  v_replaced uuid[];
begin
  -- Of two logins at the same time one waits here; a withdrawal holds the account.
  perform from public.user_identities i where i.user_id = p_user for update;
  select c.id into v_id from public.consent c
    where c.user_id = p_user and c.organization_id = p_organization and c.purpose = p_purpose and c.text_version = p_version
      and c.shares = p_shares and c.withdrawn_at is null and c.replaced_at is null;
  if found then return v_id; end if;
  with replaced as (
    update public.consent c set replaced_at = p_at
      where c.user_id = p_user and c.purpose = p_purpose and (c.organization_id = p_organization or p_purpose = 'personnummer')
        and c.withdrawn_at is null and c.replaced_at is null
      returning c.id
  )
  select array_agg(r.id) into v_replaced from replaced r;
  perform nokkel.audit_consent_over(p_user, id, 'consent.replace', p_request) from unnest(v_replaced) id;
  insert into public.consent as c (user_id, organization_id, purpose, shares, legal_basis, text_version, given_at)
    values (p_user, p_organization, p_purpose, p_shares,
      case p_purpose when 'contact' then 'gdpr-6-1-a' else 'gdpr-6-1-a+popplyl-12' end, p_version, p_at)
    returning c.id into v_id;
  return v_id;
end
$$;

-- What a login asks to share, by what it is for.
create function nokkel.record_login_consent(
  p_user uuid, p_organization uuid, p_version text, p_shares text[], p_at timestamptz default now(), p_request uuid default null
) returns void language plpgsql set search_path = '' as $$
declare
  v_contact constant text[] := array(
    select s from unnest(array['phoneNumber', 'email', 'address']) s where s = any (p_shares));
begin
  if cardinality(v_contact) > 0 then
    perform nokkel.record_consent(p_user, p_organization, 'contact', v_contact, p_version, p_at, p_request);
  end if;
  if 'personnummer' = any (p_shares) then
    perform nokkel.record_consent(p_user, p_organization, 'recognition', '{personnummer}', p_version, p_at, p_request);
  end if;
end
$$;

-- As consent_version and consent_shares, which a login that waits leaves behind: the yes is in the log by then, and becomes a
-- row when it is known whose it is.
alter type nokkel.verified_login add attribute agreed_version text, add attribute agreed_shares text[];

-- A yes in the log, once; and with the person, once the login is theirs.
create or replace function nokkel.audit_consent(p_user uuid, p_login nokkel.verified_login, p_request uuid) returns void
  language plpgsql set search_path = '' as $$
begin
  if p_login.consent_version is not null then
    perform nokkel.audit(p_login.organization_id, p_user, 'login.consent', 'consent',
      left(p_login.consent_version || ':' || array_to_string(p_login.consent_shares, ','), 100), null, p_request);
  end if;
  if coalesce(p_login.agreed_version, p_login.consent_version) is not null and exists (
    select from public.external_identity i
    where i.provider = p_login.provider and i.client_id = p_login.client_id and i.subject = p_login.subject and i.user_id = p_user
  ) then
    perform nokkel.record_login_consent(p_user, p_login.organization_id, coalesce(p_login.agreed_version, p_login.consent_version),
      coalesce(p_login.agreed_shares, p_login.consent_shares), p_request => p_request);
  end if;
end
$$;

-- Of those who were here before, what the log has of the newest yes to each organisation.
select nokkel.record_login_consent(said.user_id, said.organization_id, split_part(said.subject_id, ':', 1),
    string_to_array(split_part(said.subject_id, ':', 2), ','), said.recorded_at)
from (
  select distinct on (p.user_id, a.organization_id) p.user_id, a.organization_id, a.subject_id, a.recorded_at
  from nokkel.audit_log a
  join nokkel.pseudonym p on p.pseudonym = a.actor
  join public.organization o on o.id = a.organization_id
  join public.user_identities i on i.user_id = p.user_id
    and (i.contact is not null or i.contact_index_key is not null or i.personnummer_index is not null)
  where a.action = 'login.consent'
  order by p.user_id, a.organization_id, a.id desc
) said;

-- The newest first, without those that another one replaced.
create function nokkel.my_consents() returns table (
  id uuid, purpose text, shares text[], legal_basis text, text_version text, organization text, given_at timestamptz,
  withdrawn_at timestamptz
) language sql stable security definer set search_path = '' as $$
  select c.id, c.purpose, c.shares, c.legal_basis, c.text_version, o.name, c.given_at, c.withdrawn_at
  from public.consent c left join public.organization o on o.id = c.organization_id
  where c.user_id = nokkel.user_id() and c.replaced_at is null and nokkel.session_is_live()
  order by c.given_at desc, c.id
$$;

-- Takes columns out of what merges into the account remember of it: what was taken from it was taken from both.
create function nokkel.forget_identity_images(p_user uuid, variadic p_columns text[]) returns void
  language sql security definer set search_path = '' as $$
  update nokkel.account_merge_row j
    set before = j.before || gone.columns, after = j.after || gone.columns
    from nokkel.account_merge m, (select jsonb_object_agg(c, null) as columns from unnest(p_columns) c) gone
    where m.id = j.merge_id and j.table_name = 'public.user_identities' and m.survivor_id in (
      select p_user union all select f.user_id from nokkel.former_account f where f.survivor_id = p_user)
$$;

-- The same of what they agreed to; p_organizations: to whom, or null for all.
create function nokkel.withdraw_consent_images(p_user uuid, p_purpose text, p_organizations uuid[] default null) returns void
  language sql security definer set search_path = '' set timezone = 'UTC' as $$
  update nokkel.account_merge_row j set before = j.before || jsonb_build_object('withdrawn_at', now())
    from nokkel.account_merge m
    where m.id = j.merge_id and j.table_name = 'public.consent' and j.before ->> 'purpose' = p_purpose
      and j.before ->> 'withdrawn_at' is null and j.before ->> 'replaced_at' is null
      and (p_organizations is null or (j.before ->> 'organization_id')::uuid = any (p_organizations))
      and m.survivor_id in (select p_user union all select f.user_id from nokkel.former_account f where f.survivor_id = p_user)
$$;

-- What waits for an answer, also of accounts that were merged into this one: an undo brings back none of it.
create function nokkel.forget_offers(p_user uuid) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  delete from nokkel.offered_personnummer o where o.user_id in (
    select p_user union all select f.user_id from nokkel.former_account f where f.survivor_id = p_user);
end
$$;

create function nokkel.forget_contact(p_user uuid) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  update public.user_identities i
    set phone_index = null, email_index = null, contact_index_key = null, contact = null, contact_updated_at = null, updated_at = now()
    where i.user_id = p_user and num_nonnulls(i.contact, i.contact_index_key) > 0;
  perform nokkel.forget_identity_images(p_user,
    'phone_index', 'email_index', 'contact_index_key', 'contact', 'contact_updated_at');
end
$$;

create function nokkel.forget_recognition(p_user uuid) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  update public.user_identities i set personnummer_index = null, personnummer_index_key = null, updated_at = now()
    where i.user_id = p_user and i.personnummer_index is not null;
  -- The generated column of an image follows from the index.
  perform nokkel.forget_identity_images(p_user, 'personnummer_index', 'personnummer_index_key');
  perform nokkel.forget_offers(p_user);
end
$$;

create function nokkel.forget_personnummer(p_user uuid) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  update public.user_identities i
    set personnummer = null, personnummer_source = null, personnummer_kept_at = null, updated_at = now()
    where i.user_id = p_user and i.personnummer is not null;
  perform nokkel.forget_identity_images(p_user, 'personnummer', 'personnummer_source', 'personnummer_kept_at');
end
$$;

-- Takes back a yes, and with the last one of its purpose what was held because of it. Of one that was replaced meanwhile, takes back
-- what it was replaced by.
create function nokkel.withdraw_consent(p_id uuid, p_request uuid) returns void
  language plpgsql security definer set search_path = '' set timezone = 'UTC' as $$
declare
  v_session nokkel.session;
  v_consent public.consent;
  v_withdrawn uuid[];
begin
  select s.* into v_session from nokkel.my_session() mine join nokkel.session s on s.id = mine.id;
  if not found then perform nokkel.refuse('session_ended'); end if;
  perform from public.app_user u where u.auth_user_id = v_session.user_id for update;
  select * into v_consent from public.consent c where c.id = p_id and c.user_id = v_session.user_id;
  if not found then perform nokkel.refuse('not_found'); end if;
  with withdrawn as (
    update public.consent c set withdrawn_at = now()
      where c.user_id = v_session.user_id and c.purpose = v_consent.purpose and c.withdrawn_at is null and c.replaced_at is null
        and (c.id = p_id or v_consent.replaced_at is not null
          and (c.organization_id = v_consent.organization_id or v_consent.purpose = 'personnummer'))
      returning c.id
  )
  select array_agg(w.id) into v_withdrawn from withdrawn w;
  -- Asked again because the answer was lost.
  if v_withdrawn is null then return; end if;
  perform nokkel.withdraw_consent_images(v_session.user_id, v_consent.purpose,
    case when v_consent.purpose <> 'personnummer' then array[v_consent.organization_id] end);
  if v_consent.purpose = 'recognition' then perform nokkel.forget_offers(v_session.user_id); end if;
  if not nokkel.has_consent(v_session.user_id, v_consent.purpose) then
    case v_consent.purpose
      when 'contact' then perform nokkel.forget_contact(v_session.user_id);
      when 'recognition' then perform nokkel.forget_recognition(v_session.user_id);
      else perform nokkel.forget_personnummer(v_session.user_id);
    end case;
  end if;
  perform nokkel.audit_consent_over(v_session.user_id, id, 'consent.withdraw', p_request) from unnest(v_withdrawn) id;
end
$$;
grant execute on function nokkel.my_consents(), nokkel.withdraw_consent(uuid, uuid) to authenticated;

-- For whoever holds the account: what was encrypted for its person is kept only while they have the key it is under. The undo of a
-- merge may have taken that, and so may forgetting them.
create function nokkel.require_person_key(p_user uuid, p_wrapped_key bytea) returns void
  language plpgsql set search_path = '' as $$
begin
  if not exists (select from nokkel.person_key k where k.user_id = p_user and k.wrapped_key = p_wrapped_key) then
    perform nokkel.refuse('conflict');
  end if;
end
$$;

-- Not of an account that was merged into another one meanwhile, that the login was removed from, or whose person has taken back
-- their yes.
drop function nokkel.keep_contact(uuid, bytea);
create function nokkel.keep_contact(p_user uuid, p_contact bytea, p_wrapped_key bytea) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  -- By a statement of its own: the next one sees what another transaction has taken back until then.
  perform from public.app_user u where u.auth_user_id = p_user for share;
  update public.user_identities i set contact = p_contact, contact_updated_at = now(), updated_at = now()
    where i.user_id = p_user and nokkel.has_consent(p_user, 'contact')
      and exists (select from public.external_identity e where e.user_id = p_user and e.provider = 'vipps')
      and not exists (select from nokkel.former_account f where f.user_id = p_user);
  if found then perform nokkel.require_person_key(p_user, p_wrapped_key); end if;
end
$$;
grant execute on function nokkel.keep_contact(uuid, bytea, bytea) to nokkel_server;

-- With the last Vipps of a person contact goes, since nobody tells of it any longer, and so does what it was kept for.
create function nokkel.withdraw_without_vipps(p_user uuid, p_actor uuid, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_withdrawn uuid[];
begin
  if exists (select from public.external_identity i where i.user_id = p_user and i.provider = 'vipps') then return; end if;
  with withdrawn as (
    update public.consent c set withdrawn_at = now()
      where c.user_id = p_user and c.purpose = 'contact' and c.withdrawn_at is null and c.replaced_at is null returning c.id
  )
  select array_agg(w.id) into v_withdrawn from withdrawn w;
  perform nokkel.withdraw_consent_images(p_user, 'contact');
  perform nokkel.forget_contact(p_user);
  perform nokkel.audit_consent_over(p_actor, id, 'consent.withdraw', p_request) from unnest(v_withdrawn) id;
end
$$;

-- As before, and what goes with the last Vipps goes from merges, too.
create or replace function nokkel.remove_login(p_id uuid, p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_session nokkel.session;
  v_identity public.external_identity;
begin
  select s.* into v_session from nokkel.my_session() mine join nokkel.session s on s.id = mine.id;
  if not found then
    perform nokkel.refuse('session_ended');
  end if;
  -- Of two who remove each the other's login, the second is told that it is the last one.
  perform from public.app_user u where u.auth_user_id = v_session.user_id for update;
  select * into v_identity from public.external_identity i where i.id = p_id and i.user_id = v_session.user_id;
  if not found then
    perform nokkel.refuse('not_found');
  end if;
  if v_session.authenticated_at < now() - interval '5 minutes' then
    perform nokkel.refuse('login_too_old');
  end if;
  if not exists (select from public.external_identity i where i.user_id = v_session.user_id and i.id <> p_id) then
    perform nokkel.refuse('login_last');
  end if;
  if coalesce(v_session.identity_id = p_id, v_session.provider = v_identity.provider) then
    perform nokkel.refuse('login_in_use');
  end if;
  delete from public.external_identity i where i.id = p_id;
  insert into nokkel.removed_login (provider, client_id, subject, user_id)
    values (v_identity.provider, v_identity.client_id, v_identity.subject, v_session.user_id);
  perform nokkel.withdraw_without_vipps(v_session.user_id, v_session.user_id, p_request);
  update nokkel.session s set ended_at = now(), ended_reason = 'revoked'
    where s.user_id = v_session.user_id and s.identity_id = p_id and s.ended_at is null;
  perform nokkel.audit(v_session.organization_id, v_session.user_id, 'login.unlink', 'identity', p_id::text, null, p_request);
end
$$;

-- Personnummer ---------------------------------------------------------------------------------------------------------------

-- What a provider told, until the person has said whether it may be kept; an envelope under the key of the person.
create table nokkel.offered_personnummer (
  user_id uuid primary key references public.app_user on delete cascade,
  personnummer bytea not null,
  source text not null check (source in ('bankid', 'vipps')),
  offered_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '1 hour'
);
create index offered_personnummer_expiry on nokkel.offered_personnummer (expires_at);
call nokkel.protect('nokkel.offered_personnummer');

-- Who has said no to that: they are not asked again for ninety days, unless they keep one of their own accord.
create table nokkel.declined_personnummer (
  user_id uuid primary key references public.app_user on delete cascade,
  declined_at timestamptz not null default now()
);
create index declined_personnummer_time on nokkel.declined_personnummer (declined_at);
call nokkel.protect('nokkel.declined_personnummer');

create function nokkel.may_offer_personnummer(p_user uuid) returns boolean
  language sql stable security definer set search_path = '' as $$
  select nokkel.has_consent(p_user, 'recognition')
    and not exists (select from public.user_identities i where i.user_id = p_user and i.personnummer_source <> 'typed')
    and not exists (
      select from nokkel.declined_personnummer d where d.user_id = p_user and d.declined_at > now() - interval '90 days')
    and not exists (select from nokkel.former_account f where f.user_id = p_user)
$$;

create function nokkel.offer_personnummer(p_user uuid, p_personnummer bytea, p_source text, p_wrapped_key bytea) returns void
  language plpgsql security definer set search_path = '' as $$
begin
  -- As in keep_contact.
  perform from public.app_user u where u.auth_user_id = p_user for share;
  insert into nokkel.offered_personnummer (user_id, personnummer, source)
    select p_user, p_personnummer, p_source where nokkel.may_offer_personnummer(p_user)
    on conflict (user_id) do update
      set personnummer = excluded.personnummer, source = excluded.source, offered_at = now(), expires_at = excluded.expires_at;
  if found then perform nokkel.require_person_key(p_user, p_wrapped_key); end if;
end
$$;

-- What is kept and what waits, with the key of the person; everything null where there is nothing.
create function nokkel.personnummer_of(p_session uuid, p_user uuid, p_organization uuid) returns table (
  kept bytea, source text, kept_at timestamptz, offered bytea, offered_source text, expires_at timestamptz, wrapped_key bytea
) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
begin
  perform nokkel.require_session(p_session, p_user, p_organization);
  return query
  select i.personnummer, i.personnummer_source, i.personnummer_kept_at, o.personnummer, o.source, o.expires_at, k.wrapped_key
  from (values (p_user)) person (id)
  left join public.user_identities i on i.user_id = person.id
  left join nokkel.offered_personnummer o on o.user_id = person.id and o.expires_at > now()
  left join nokkel.person_key k on k.user_id = person.id;
end
$$;

create function nokkel.write_personnummer(
  p_user uuid, p_organization uuid, p_personnummer bytea, p_source text, p_version text, p_request uuid
) returns void language plpgsql set search_path = '' as $$
begin
  insert into public.user_identities as i (user_id, personnummer, personnummer_source, personnummer_kept_at)
    values (p_user, p_personnummer, p_source, now())
    on conflict (user_id) do update set personnummer = excluded.personnummer, personnummer_source = excluded.personnummer_source,
      personnummer_kept_at = now(), updated_at = now();
  delete from nokkel.declined_personnummer d where d.user_id = p_user;
  perform nokkel.audit(p_organization, p_user, 'personnummer.keep', 'consent',
    nokkel.record_consent(p_user, p_organization, 'personnummer', '{personnummer}', p_version, p_request => p_request)::text, null, p_request);
end
$$;

-- Moves what was offered to what is kept. p_personnummer was made of p_offered, which is there still, and of somebody who agrees to be
-- recognised still, or nothing is kept.
create function nokkel.keep_offered_personnummer(
  p_session uuid, p_user uuid, p_organization uuid, p_request uuid, p_version text, p_offered bytea, p_personnummer bytea,
  p_wrapped_key bytea
) returns void language plpgsql security definer set search_path = '' as $$
declare
  v_source text;
begin
  perform from public.app_user u where u.auth_user_id = p_user for update;
  perform nokkel.require_session(p_session, p_user, p_organization);
  delete from nokkel.offered_personnummer o
    where o.user_id = p_user and o.personnummer = p_offered and o.expires_at > now() and nokkel.has_consent(p_user, 'recognition')
    returning o.source into v_source;
  if found then
    perform nokkel.require_person_key(p_user, p_wrapped_key);
    perform nokkel.write_personnummer(p_user, p_organization, p_personnummer, v_source, p_version, p_request);
    return;
  end if;
  -- Asked again because the answer was lost.
  if not exists (
    select from public.user_identities i
    join public.consent c on c.user_id = i.user_id and c.purpose = 'personnummer' and c.organization_id = p_organization
      and c.text_version = p_version and c.withdrawn_at is null and c.replaced_at is null
    where i.user_id = p_user and i.personnummer_source <> 'typed'
  ) then
    perform nokkel.refuse('personnummer_offer_gone');
  end if;
end
$$;

-- Keeps what the person typed. It proves nothing, so it is compared with nothing and replaces nothing that a provider vouched for.
create function nokkel.keep_typed_personnummer(
  p_session uuid, p_user uuid, p_organization uuid, p_request uuid, p_version text, p_personnummer bytea, p_wrapped_key bytea
) returns void language plpgsql security definer set search_path = '' as $$
begin
  perform from public.app_user u where u.auth_user_id = p_user for update;
  perform nokkel.require_session(p_session, p_user, p_organization);
  if exists (select from public.user_identities i where i.user_id = p_user and i.personnummer_source <> 'typed') then
    perform nokkel.refuse('personnummer_known');
  end if;
  perform nokkel.require_person_key(p_user, p_wrapped_key);
  perform nokkel.write_personnummer(p_user, p_organization, p_personnummer, 'typed', p_version, p_request);
end
$$;

create function nokkel.decline_personnummer(p_request uuid) returns void
  language plpgsql security definer set search_path = '' as $$
declare
  v_session nokkel.session;
begin
  select s.* into v_session from nokkel.my_session() mine join nokkel.session s on s.id = mine.id;
  if not found then perform nokkel.refuse('session_ended'); end if;
  perform from public.app_user u where u.auth_user_id = v_session.user_id for update;
  delete from nokkel.offered_personnummer o where o.user_id = v_session.user_id and o.expires_at > now();
  if not found then
    -- Asked again because the answer was lost.
    if exists (select from nokkel.declined_personnummer d where d.user_id = v_session.user_id) then return; end if;
    -- It was kept meanwhile, or is gone: who is told that it went would believe that nothing is kept.
    perform nokkel.refuse('personnummer_offer_gone');
  end if;
  insert into nokkel.declined_personnummer (user_id) values (v_session.user_id)
    on conflict (user_id) do update set declined_at = now();
  perform nokkel.audit(v_session.organization_id, v_session.user_id, 'personnummer.decline', 'personnummer', null, null, p_request);
end
$$;

-- What is kept, and the device it is sealed to: for its owner, who has just logged in.
create function nokkel.reveal_personnummer(p_session uuid, p_user uuid, p_organization uuid, p_request uuid) returns table (
  personnummer bytea, wrapped_key bytea, device_id uuid, encryption_key jsonb
) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_session nokkel.session;
begin
  perform nokkel.require_session(p_session, p_user, p_organization);
  select * into strict v_session from nokkel.session s where s.id = p_session;
  if v_session.authenticated_at < now() - interval '5 minutes' then perform nokkel.refuse('login_too_old'); end if;
  if not exists (select from public.device_key d where d.id = v_session.device_id and d.user_id = p_user and d.state = 'active') then
    perform nokkel.refuse('device_required');
  end if;
  return query
  select i.personnummer, k.wrapped_key, d.id, d.encryption_key
  from public.user_identities i
  join nokkel.person_key k on k.user_id = i.user_id
  join public.device_key d on d.id = v_session.device_id
  where i.user_id = p_user and i.personnummer is not null;
  if not found then perform nokkel.refuse('not_found'); end if;
  perform nokkel.audit(p_organization, p_user, 'personnummer.reveal', 'device', v_session.device_id::text, null, p_request);
end
$$;

grant execute on function nokkel.may_offer_personnummer(uuid), nokkel.offer_personnummer(uuid, bytea, text, bytea),
  nokkel.personnummer_of(uuid, uuid, uuid), nokkel.reveal_personnummer(uuid, uuid, uuid, uuid),
  nokkel.keep_offered_personnummer(uuid, uuid, uuid, uuid, text, bytea, bytea, bytea),
  nokkel.keep_typed_personnummer(uuid, uuid, uuid, uuid, text, bytea, bytea) to nokkel_server;
grant execute on function nokkel.decline_personnummer(uuid) to authenticated;

-- Identity key ---------------------------------------------------------------------------------------------------------------

-- What a personnummer is sealed to on its way here. The private half is an envelope under the master key; nothing at rest is under
-- it. One that was replaced opens what is under way for an hour, and is then destroyed.
create table nokkel.identity_key (
  -- RFC 7638 thumbprint.
  kid text primary key,
  public_key jsonb not null,
  wrapped_private_key bytea not null,
  created_at timestamptz not null default now(),
  replaced_at timestamptz
);
create unique index identity_key_current on nokkel.identity_key ((true)) where replaced_at is null;
call nokkel.protect('nokkel.identity_key');

-- The newest first, with those that open still.
create function nokkel.identity_keys() returns table (
  kid text, public_key jsonb, wrapped_private_key bytea, created_at timestamptz, replaced_at timestamptz
) language sql stable security definer set search_path = '' as $$
  select k.kid, k.public_key, k.wrapped_private_key, k.created_at, k.replaced_at from nokkel.identity_key k
  where k.replaced_at is null or k.replaced_at > now() - interval '1 hour'
  order by k.replaced_at desc nulls first
$$;

-- Of two that are made at the same time one stands. p_replaces: the one it takes the place of; null for the first.
create function nokkel.add_identity_key(p_kid text, p_public_key jsonb, p_wrapped_private_key bytea, p_replaces text) returns boolean
  language plpgsql security definer set search_path = '' as $$
begin
  if p_replaces is not null then
    update nokkel.identity_key k set replaced_at = now() where k.kid = p_replaces and k.replaced_at is null;
    if not found then return false; end if;
  end if;
  insert into nokkel.identity_key (kid, public_key, wrapped_private_key) values (p_kid, p_public_key, p_wrapped_private_key)
    on conflict do nothing;
  if not found then return false; end if;
  perform nokkel.audit(null, null, case when p_replaces is null then 'identity_key.create' else 'identity_key.rotate' end,
    'identity_key', p_kid, null, null);
  return true;
end
$$;
grant execute on function nokkel.identity_keys(), nokkel.add_identity_key(text, jsonb, bytea, text) to nokkel_server;

-- Sweeping -------------------------------------------------------------------------------------------------------------------

-- Runs each part by itself, so that one that fails keeps no other from its end: what it is called, and a statement that deletes or
-- that counts what it has deleted. Gives how many of each; under failed, the SQLSTATE of those that failed.
create function nokkel.sweep_parts(p_parts text[]) returns jsonb
  language plpgsql set search_path = '' as $$
declare
  v_part text[];
  v_count bigint;
  v_swept jsonb := '{}';
  v_failed jsonb := '{}';
begin
  foreach v_part slice 1 in array p_parts loop
    begin
      execute case when v_part[2] like 'select %' then v_part[2]
        else format('with gone as (%s returning 1) select count(*) from gone', v_part[2]) end into v_count;
      -- What waits for the end of the transaction would fail outside this part.
      set constraints all immediate;
      v_swept := v_swept || jsonb_build_object(v_part[1], v_count);
    exception when others then
      raise warning 'Sweeping of % failed: %', v_part[1], sqlerrm;
      v_failed := v_failed || jsonb_build_object(v_part[1], sqlstate);
    end;
  end loop;
  return v_swept || jsonb_build_object('failed', v_failed);
end
$$;

-- What nokkel.sweep() deletes of this, counted.
create function nokkel.sweep_personal_data() returns jsonb
  language sql security definer set search_path = '' as $$
  select nokkel.sweep_parts(array[
    ['offers', 'delete from nokkel.offered_personnummer where expires_at <= now()'],
    ['declined', $q$delete from nokkel.declined_personnummer where declined_at <= now() - interval '90 days'$q$],
    ['identityKeys', $q$delete from nokkel.identity_key where replaced_at <= now() - interval '1 hour'$q$],
    ['consents', $q$delete from public.consent where coalesce(withdrawn_at, replaced_at) <= now() - interval '3 years'$q$]])
$$;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121120000' $$;

reset role;
