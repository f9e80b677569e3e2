-- Partners and synthetic people for development; never for production. Running it again changes nothing.
-- The subjects are those the sandbox gives its people; a test keeps them the same.
set role nokkel_owner;

insert into public.organization (id, slug, name, device_policy, enrollment) values
    ('5eed0000-0000-4000-8000-000000000001', 'likeperson', 'Likeperson', 'one', 'open'),
    ('5eed0000-0000-4000-8000-000000000002', 'hjertelaget', 'Hjertelaget', 'one', 'open'),
    ('5eed0000-0000-4000-8000-000000000003', 'fjordhjelpen', 'Fjordhjelpen', 'several', 'open'),
    ('5eed0000-0000-4000-8000-000000000004', 'nordlys', 'Nordlys', 'one', 'invited')
  on conflict do nothing;

-- Without secrets, which lie under a master key: whoever starts the server stores those of its sandbox.
insert into public.vipps_org_config (organization_id, enabled, environment, client_id, personnummer_approved)
  select o.id, true, 'test', 'nokkel-' || o.slug, true from public.organization o
  where o.slug in ('likeperson', 'hjertelaget', 'fjordhjelpen', 'nordlys')
  on conflict do nothing;

insert into public.vipps_org_cost_config (organization_id, cost_centre, price_per_login_ore, monthly_cap) values
    ('5eed0000-0000-4000-8000-000000000001', '4100 Medlemmer', 149, 5000),
    ('5eed0000-0000-4000-8000-000000000002', '4200 Medlemmer', 149, 2000),
    ('5eed0000-0000-4000-8000-000000000003', '4300 Innkjøp', 149, 500),
    ('5eed0000-0000-4000-8000-000000000004', '4400 Medlemmer', 149, null)
  on conflict do nothing;

insert into public.app_user (auth_user_id, name) values
    ('5eed0000-0000-4000-8001-000000000001', 'Ingrid Solberg'),
    ('5eed0000-0000-4000-8001-000000000002', 'Kari Nordmann'),
    ('5eed0000-0000-4000-8001-000000000003', 'Ola Fjell'),
    ('5eed0000-0000-4000-8001-000000000004', 'Marit Strand'),
    ('5eed0000-0000-4000-8001-000000000005', 'Magnus Haugland'),
    ('5eed0000-0000-4000-8001-000000000006', 'Astrid Bakken'),
    ('5eed0000-0000-4000-8001-000000000007', 'Jonas Myhre'),
    ('5eed0000-0000-4000-8001-000000000008', 'Silje Vik'),
    ('5eed0000-0000-4000-8001-000000000009', 'Bjørn Ødegård'),
    ('5eed0000-0000-4000-8001-000000000010', 'Áile Gaup'),
    ('5eed0000-0000-4000-8001-000000000011', 'Henrik Aas'),
    ('5eed0000-0000-4000-8001-000000000012', 'Tone Sæther'),
    ('5eed0000-0000-4000-8001-000000000013', 'Even Lunde')
  on conflict do nothing;

insert into public.organization_member (organization_id, user_id, role, created_at)
  select o.id, seed.user_id::uuid, seed.role, timestamptz '2026-01-05 08:00Z'
  from (values
    ('likeperson', '5eed0000-0000-4000-8001-000000000001', 'coordinator'),
    ('likeperson', '5eed0000-0000-4000-8001-000000000002', 'member'),
    ('likeperson', '5eed0000-0000-4000-8001-000000000003', 'member'),
    ('likeperson', '5eed0000-0000-4000-8001-000000000004', 'administrator'),
    ('hjertelaget', '5eed0000-0000-4000-8001-000000000005', 'coordinator'),
    ('hjertelaget', '5eed0000-0000-4000-8001-000000000006', 'member'),
    ('hjertelaget', '5eed0000-0000-4000-8001-000000000007', 'member'),
    ('hjertelaget', '5eed0000-0000-4000-8001-000000000004', 'administrator'),
    ('fjordhjelpen', '5eed0000-0000-4000-8001-000000000008', 'coordinator'),
    ('fjordhjelpen', '5eed0000-0000-4000-8001-000000000009', 'member'),
    ('fjordhjelpen', '5eed0000-0000-4000-8001-000000000010', 'member'),
    ('fjordhjelpen', '5eed0000-0000-4000-8001-000000000004', 'administrator'),
    ('fjordhjelpen', '5eed0000-0000-4000-8001-000000000001', 'member'),
    ('fjordhjelpen', '5eed0000-0000-4000-8001-000000000002', 'member'),
    ('fjordhjelpen', '5eed0000-0000-4000-8001-000000000003', 'member'),
    ('nordlys', '5eed0000-0000-4000-8001-000000000011', 'coordinator'),
    ('nordlys', '5eed0000-0000-4000-8001-000000000012', 'member'),
    ('nordlys', '5eed0000-0000-4000-8001-000000000013', 'member'),
    ('nordlys', '5eed0000-0000-4000-8001-000000000004', 'administrator')
  ) seed (slug, user_id, role)
  join public.organization o using (slug)
  on conflict do nothing;

-- They review projects before suppliers see them.
update public.organization_member m set is_developer = true
  where m.organization_id = '5eed0000-0000-4000-8000-000000000003' and not m.is_developer
    and m.user_id in ('5eed0000-0000-4000-8001-000000000001', '5eed0000-0000-4000-8001-000000000004');

-- A BankID is the same person at every client.
insert into public.external_identity (provider, client_id, subject, user_id, organization_id)
  select seed.provider, seed.client_id, seed.subject, seed.user_id::uuid, c.organization_id
  from (values
    ('bankid', '*', '9578-6000-4-8087567', '5eed0000-0000-4000-8001-000000000001'),
    ('vipps', 'nokkel-likeperson', '0595d9ed-c31c-81e5-a6c5-969feb3a313f', '5eed0000-0000-4000-8001-000000000001'),
    ('bankid', '*', '9578-6000-4-7958655', '5eed0000-0000-4000-8001-000000000002'),
    ('vipps', 'nokkel-likeperson', 'c7dbc441-9089-86f3-989e-91b9a899aa26', '5eed0000-0000-4000-8001-000000000002'),
    ('bankid', '*', '9578-6000-4-8581890', '5eed0000-0000-4000-8001-000000000003'),
    ('vipps', 'nokkel-likeperson', '39bd6cb8-2505-8c8c-a3ad-0989ad2875a5', '5eed0000-0000-4000-8001-000000000003'),
    ('bankid', '*', '9578-6000-4-6969906', '5eed0000-0000-4000-8001-000000000004'),
    ('vipps', 'nokkel-likeperson', 'b3059395-f237-8550-8580-1d9d2cdf056d', '5eed0000-0000-4000-8001-000000000004'),
    ('bankid', '*', '9578-6000-4-5392777', '5eed0000-0000-4000-8001-000000000005'),
    ('vipps', 'nokkel-hjertelaget', '761c3f1b-678f-8ecc-a52a-8bdb05fd0fab', '5eed0000-0000-4000-8001-000000000005'),
    ('bankid', '*', '9578-6000-4-9795673', '5eed0000-0000-4000-8001-000000000006'),
    ('vipps', 'nokkel-hjertelaget', 'c708c95b-28c6-8a57-a658-307d65ec5815', '5eed0000-0000-4000-8001-000000000006'),
    ('bankid', '*', '9578-6000-4-4377618', '5eed0000-0000-4000-8001-000000000007'),
    ('vipps', 'nokkel-hjertelaget', '5b354a8d-8389-8803-860e-80ef1b743f6d', '5eed0000-0000-4000-8001-000000000007'),
    ('vipps', 'nokkel-hjertelaget', '972d7fdc-99e3-8e62-ba8a-4cff5b8d2670', '5eed0000-0000-4000-8001-000000000004'),
    ('bankid', '*', '9578-6000-4-9161361', '5eed0000-0000-4000-8001-000000000008'),
    ('vipps', 'nokkel-fjordhjelpen', '800b7417-f4ac-8701-bd60-f8ac674e9ff2', '5eed0000-0000-4000-8001-000000000008'),
    ('bankid', '*', '9578-6000-4-8967271', '5eed0000-0000-4000-8001-000000000009'),
    ('vipps', 'nokkel-fjordhjelpen', '6bc73147-0bc6-8ce0-9f11-8da9400491c8', '5eed0000-0000-4000-8001-000000000009'),
    ('bankid', '*', '9578-6000-4-2417551', '5eed0000-0000-4000-8001-000000000010'),
    ('vipps', 'nokkel-fjordhjelpen', '09d70019-1117-8e7a-b6a3-99cfd30e2215', '5eed0000-0000-4000-8001-000000000010'),
    ('vipps', 'nokkel-fjordhjelpen', '7a0f1a66-41de-8690-bc5e-1da922a80419', '5eed0000-0000-4000-8001-000000000004'),
    ('bankid', '*', '9578-6000-4-6362936', '5eed0000-0000-4000-8001-000000000011'),
    ('vipps', 'nokkel-nordlys', 'e62d35b7-3754-81fe-b5e7-a012aea6872f', '5eed0000-0000-4000-8001-000000000011'),
    ('bankid', '*', '9578-6000-4-4936110', '5eed0000-0000-4000-8001-000000000012'),
    ('vipps', 'nokkel-nordlys', '5af74ba3-47e0-8f0a-a700-8e04a70cabf4', '5eed0000-0000-4000-8001-000000000012'),
    ('bankid', '*', '9578-6000-4-3431516', '5eed0000-0000-4000-8001-000000000013'),
    ('vipps', 'nokkel-nordlys', '6a14b37d-96c3-812b-9ff7-2decd67260d6', '5eed0000-0000-4000-8001-000000000013'),
    ('vipps', 'nokkel-nordlys', '94b9624c-7618-84ae-b160-242d5eb00eb4', '5eed0000-0000-4000-8001-000000000004')
  ) seed (provider, client_id, subject, user_id)
  left join public.vipps_org_config c on seed.provider = 'vipps' and c.client_id = seed.client_id
  on conflict do nothing;

-- Members who have not logged in yet, so that the lists of the first partner have a real length.
with listed as (
  select ('5eed0000-0000-4000-8002-' || lpad(number::text, 12, '0'))::uuid as id, name, number
  from unnest(array[
    'Aksel Berntsen', 'Amalie Dahl', 'Anders Eikeland', 'Anne-Lise Foss', 'Arvid Grønnli',
    'Berit Hagen', 'Birk Isaksen', 'Brita Jørstad', 'Cecilie Kvam', 'Dag Lillevik',
    'Egil Moen', 'Eira Nygård', 'Elle Márjá Utsi', 'Erlend Opsahl', 'Frida Pettersen',
    'Geir Rønning', 'Gunn Sandvik', 'Hallgeir Tangen', 'Hedda Ulvestad', 'Håvard Vågen',
    'Ida Wiik', 'Inger Ødegaard', 'Ivar Ås', 'Jorunn Bakke', 'Kjersti Børresen',
    'Knut Elvestad', 'Lars Fagerli', 'Liv Gjerde', 'Magnhild Hovland', 'Mikkel Jensen',
    'Nils-Aslak Eira', 'Oddvar Kleppe', 'Ragnhild Lien', 'Rune Myklebust', 'Sigrid Næss',
    'Sindre Ouren', 'Solveig Røed', 'Thea Skår', 'Vegard Tveitå', 'Åse Østby'
  ]) with ordinality as names (name, number)
), people as (
  insert into public.app_user (auth_user_id, name) select id, name from listed on conflict do nothing
)
insert into public.organization_member (organization_id, user_id, created_at)
  select o.id, listed.id, timestamptz '2026-01-12 08:00Z' + listed.number * interval '7 days'
  from listed join public.organization o on o.slug = 'likeperson'
  on conflict do nothing;

-- Made up, with numbers whose last digit is wrong, so that nobody has them. Their keys are made in use.
insert into public.company (id, organization_id, name, organization_number, created_at) values
    ('5eed0000-0000-4000-8003-000000000001', '5eed0000-0000-4000-8000-000000000003', 'Vik og Ødegård Elektro', '900000001', '2026-02-02 08:00Z'),
    ('5eed0000-0000-4000-8003-000000000002', '5eed0000-0000-4000-8000-000000000003', 'Gáhpir Trebygg', '900000002', '2026-02-09 08:00Z'),
    ('5eed0000-0000-4000-8003-000000000003', '5eed0000-0000-4000-8000-000000000003', 'Åsgårdstrand Rør', '900000003', '2026-02-16 08:00Z'),
    ('5eed0000-0000-4000-8003-000000000004', '5eed0000-0000-4000-8000-000000000003', 'Fjordhjelpen Innkjøp', '900000004', '2026-02-23 08:00Z'),
    ('5eed0000-0000-4000-8003-000000000005', '5eed0000-0000-4000-8000-000000000003', 'Fjell Malermester', '900000005', '2026-03-02 08:00Z')
  on conflict do nothing;

insert into public.company_member (company_id, organization_id, user_id, role, created_at)
  select c.id, c.organization_id, seed.user_id::uuid, seed.role, c.created_at
  from (values
    ('900000001', '5eed0000-0000-4000-8001-000000000008', 'administrator'),
    ('900000001', '5eed0000-0000-4000-8001-000000000009', 'member'),
    ('900000002', '5eed0000-0000-4000-8001-000000000010', 'administrator'),
    ('900000003', '5eed0000-0000-4000-8001-000000000009', 'administrator'),
    ('900000003', '5eed0000-0000-4000-8001-000000000010', 'member'),
    ('900000004', '5eed0000-0000-4000-8001-000000000008', 'administrator'),
    ('900000004', '5eed0000-0000-4000-8001-000000000002', 'member'),
    ('900000005', '5eed0000-0000-4000-8001-000000000003', 'administrator')
  ) seed (organization_number, user_id, role)
  join public.company c on c.organization_id = '5eed0000-0000-4000-8000-000000000003'
    and c.organization_number = seed.organization_number
  on conflict do nothing;

reset role;
