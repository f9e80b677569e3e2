set role nokkel_owner;

-- Owners whose columns hold a private key that no row of user_key or company_key accounts for: put there by other software, wrapped
-- without being bound to anybody. In order, after p_after.
create function nokkel.adoptable_keys(p_owner text, p_after uuid, p_limit integer)
  returns table (owner_id uuid, public_key text, encrypted_private_key text)
  language sql stable security definer set search_path = '' as $$
  select * from (
    select u.auth_user_id, u.public_key, u.encrypted_private_key from public.app_user u
    where p_owner = 'user' and u.encrypted_private_key is not null and not exists (
      select from public.user_key k where k.user_id = u.auth_user_id and k.encrypted_private_key = u.encrypted_private_key)
    union all
    select c.id, c.public_key, c.encrypted_private_key from public.company c
    where p_owner = 'company' and c.encrypted_private_key is not null and not exists (
      select from public.company_key k where k.company_id = c.id and k.encrypted_private_key = c.encrypted_private_key)
  ) o (owner_id, public_key, encrypted_private_key)
  where p_after is null or o.owner_id > p_after
  order by o.owner_id limit p_limit
$$;

-- Makes the key of one owner a row of ours, bound to them, if their column still holds p_found; all of it or nothing.
-- outcome: adopted; changed (another hand was quicker); key_exists (another key is active); key_reused (a former key of theirs).
create function nokkel.adopt_key(
  p_owner text, p_owner_id uuid, p_found text, p_id uuid, p_public_key text, p_thumbprint text, p_encrypted_private_key text,
  p_envelope_hash bytea, p_master_key_id text, p_request uuid
) returns table (outcome text, wraps integer) language plpgsql security definer set search_path = '' as $$
declare
  v_organization uuid;
  v_found text;
  v_active boolean;
  v_former boolean;
  v_earlier integer;
begin
  if p_owner = 'user' then
    select u.encrypted_private_key into v_found from public.app_user u where u.auth_user_id = p_owner_id for no key update;
    select coalesce(bool_or(k.state = 'active'), false), coalesce(bool_or(k.thumbprint = p_thumbprint), false)
      into v_active, v_former from public.user_key k where k.user_id = p_owner_id;
  else
    select c.encrypted_private_key, c.organization_id into v_found, v_organization
      from public.company c where c.id = p_owner_id for no key update;
    select coalesce(bool_or(k.state = 'active'), false), coalesce(bool_or(k.thumbprint = p_thumbprint), false)
      into v_active, v_former from public.company_key k where k.company_id = p_owner_id;
  end if;
  outcome := case when v_found is distinct from p_found then 'changed' when v_former then 'key_reused'
    when v_active then 'key_exists' else 'adopted' end;
  wraps := 0;
  if outcome <> 'adopted' then return next; return; end if;

  if p_owner = 'user' then
    insert into public.user_key (id, user_id, public_key, thumbprint, encrypted_private_key, envelope_hash, master_key_id)
      values (p_id, p_owner_id, p_public_key, p_thumbprint, p_encrypted_private_key, p_envelope_hash, p_master_key_id);
    update public.app_user u set public_key = p_public_key, encrypted_private_key = p_encrypted_private_key
      where u.auth_user_id = p_owner_id;
    update public.rfx_key_members m set key_id = p_id where m.user_id = p_owner_id and m.key_id is null;
    get diagnostics wraps = row_count;
    update public.rfx_key_history h set user_key_id = p_id where h.user_id = p_owner_id and h.user_key_id is null;
  else
    insert into public.company_key (id, company_id, public_key, thumbprint, encrypted_private_key, envelope_hash, master_key_id)
      values (p_id, p_owner_id, p_public_key, p_thumbprint, p_encrypted_private_key, p_envelope_hash, p_master_key_id);
    update public.company c set public_key = p_public_key, encrypted_private_key = p_encrypted_private_key
      where c.id = p_owner_id;
    update public.rfx_key_companies m set key_id = p_id where m.company_id = p_owner_id and m.key_id is null;
    get diagnostics wraps = row_count;
    update public.rfx_key_history h set company_key_id = p_id where h.company_id = p_owner_id and h.company_key_id is null;
  end if;
  get diagnostics v_earlier = row_count;
  wraps := wraps + v_earlier;
  perform nokkel.audit(v_organization, null, 'keyring.adopt', p_owner || '_key', p_id::text, null, p_request);
  return next;
end
$$;

-- Records that the key of an owner could not be adopted. A person is named by their pseudonym.
create function nokkel.audit_unadopted(p_owner text, p_owner_id uuid, p_problem text, p_request uuid) returns void
  language sql security definer set search_path = '' as $$
  select nokkel.audit((select c.organization_id from public.company c where p_owner = 'company' and c.id = p_owner_id), null,
    'keyring.adopt', p_owner,
    case p_owner when 'company' then p_owner_id::text
      else (select p.pseudonym::text from nokkel.pseudonym p where p.user_id = p_owner_id) end,
    p_problem, p_request, 'failed')
$$;

grant execute on function nokkel.adoptable_keys(text, uuid, integer),
  nokkel.adopt_key(text, uuid, text, uuid, text, text, text, bytea, text, uuid),
  nokkel.audit_unadopted(text, uuid, text, uuid) to nokkel_server;

create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
  $$ select '20261121090600' $$;

reset role;
