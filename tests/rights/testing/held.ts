import { createHash, randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { encryptContact } from '../../../packages/server/src/auth/contact-store.ts'
import { obtainPersonKey } from '../../../packages/server/src/auth/person-key.ts'
import { type Personnummer, parsePersonnummer } from '../../../packages/server/src/auth/personnummer.ts'
import { encryptPersonnummer } from '../../../packages/server/src/identity/personnummer-envelope.ts'
import type { TestApi } from '../../../tools/testing/api.ts'
import type { TestDatabase } from '../../../tools/testing/database.ts'
import type { Equipped } from '../../../tools/testing/people.ts'

export const heldContact = {
  phoneNumber: '+4790000055',
  email: 'ase.sletten@person.example',
  address: { street: 'Fjellveien 3', postalCode: '5003', place: 'Bergen', country: 'NO' },
}

export const heldNumber = '02918800045'

const number = (): Personnummer => {
  const parsed = parsePersonnummer(heldNumber, true)
  if (!parsed) throw new Error(`${heldNumber} is no number`)
  return parsed
}

/** What is kept of a person whom a provider has told of, as it lies in the database. */
export interface Held {
  readonly contact: Uint8Array
  readonly personnummer: Uint8Array
  readonly subject: string
}

/** Gives an account a name, a login, a contact, a kept number with its index, consents, an unlocking device and a refresh token. */
export async function holdEverything(
  { owner, server }: TestDatabase,
  { keyring }: Pick<TestApi, 'keyring'>,
  { id, claims, deviceId }: Equipped,
  name = 'Åse Sletten',
): Promise<Held> {
  const { key } = await obtainPersonKey(server, keyring, id)
  const contact = await encryptContact(heldContact, key, id)
  const personnummer = await encryptPersonnummer(number(), key, 'kept', id)
  const offered = await encryptPersonnummer(number(), key, 'offered', id)
  const hash = (text: string) => createHash('sha256').update(`${text} ${id}`).digest()
  const subject = randomUUID()
  const run = (statement: ReturnType<typeof sql>) => statement.execute(owner)
  await run(sql`update public.app_user set name = ${name} where auth_user_id = ${id}::uuid`)
  await run(sql`insert into public.external_identity (provider, client_id, subject, user_id, last_login_at)
    values ('vipps', 'client', ${subject}, ${id}::uuid, now())`)
  for (const table of [
    'public.user_identities',
    'public.consent',
    'nokkel.offered_personnummer',
    'nokkel.biometric_enrollment',
  ]) {
    await run(sql`delete from ${sql.table(table)} where user_id = ${id}::uuid`)
  }
  await run(sql`
    insert into public.user_identities (user_id, personnummer_index, personnummer_index_key, bankid_verified, bankid_verified_at,
      phone_index, email_index, contact_index_key, contact, contact_updated_at, personnummer, personnummer_source,
      personnummer_kept_at)
    values (${id}::uuid, ${hash('number')}::bytea, 'index', true, now(), ${hash('phone')}::bytea, ${hash('email')}::bytea, 'index',
      ${contact}::bytea, now(), ${personnummer}::bytea, 'bankid', now())`)
  await run(sql`insert into nokkel.offered_personnummer (user_id, personnummer, source)
    values (${id}::uuid, ${offered}::bytea, 'bankid')`)
  for (const purpose of ['contact', 'recognition', 'personnummer']) {
    await run(sql`
      insert into public.consent (user_id, organization_id, purpose, shares, legal_basis, text_version)
      values (${id}::uuid, ${claims.organization}::uuid, ${purpose}, '{name}', 'gdpr-6-1-a', 'v1')`)
  }
  await run(sql`insert into nokkel.removed_login (provider, client_id, subject, user_id)
    values ('vipps', 'gone', ${randomUUID()}, ${id}::uuid)`)
  await run(
    sql`insert into nokkel.refresh_token (hash, session_id) values (${hash('token')}::bytea, ${claims.sid}::uuid)`,
  )
  await run(sql`insert into nokkel.biometric_enrollment (device_id, user_id, user_handle)
    values (${deviceId}::uuid, ${id}::uuid, ${hash('handle')}::bytea)`)
  await run(sql`
    insert into nokkel.webauthn_credential
      (device_id, credential_id, rp_id, public_key, sign_count, device_type, backed_up, aaguid)
    values (${deviceId}::uuid, ${hash('credential')}::bytea, 'localhost', ${hash('public')}::bytea, 0, 'singleDevice', false, ${randomUUID()}::uuid)`)
  await run(sql`
    insert into nokkel.waiting_identity (token_hash, thumbprint, organization_id, candidate_id, login)
    values (${hash('waiting')}::bytea, 't', ${claims.organization}::uuid, ${id}::uuid,
      ${JSON.stringify({ provider: 'vipps', client_id: 'client', subject: `waiting ${subject}`, name })}::jsonb)`)
  return { contact, personnummer, subject }
}
