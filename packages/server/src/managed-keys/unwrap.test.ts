import { cryptoService } from '@nokkel/contract'
import { encodeBase64 } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import {
  createCompanyOf,
  createLoggedIn,
  createRfx,
  readAudit,
  storeCompanyKey,
  storeWrap,
  wrapNewKey,
} from '../../../../tools/testing/managed-keys.ts'
import { createOrganization, type LoggedIn, logIn } from '../../../../tools/testing/people.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'

const [first, second] = testPrivateKeys

describe.each(databaseEngines)('unwrap [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let organization: string
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    organization = await createOrganization(database)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const newcomer = () => createLoggedIn(database, organization)
  const ask = (person: LoggedIn, body: object) => api.call(cryptoService, person.claims, { body })
  const unwrap = (person: LoggedIn, rfxId: string, version = 1, via: 'user' | 'company' = 'user') =>
    ask(person, { action: 'unwrap', rfxId, version, via })
  const refused = expect.objectContaining({ status: 404, code: 'open_refused', data: undefined })

  /** Somebody who may read a project of three versions, and the keys of it. */
  async function reader() {
    const person = await newcomer()
    const { body } = await ask(person, { action: 'encrypt', text: first })
    const rfxId = await createRfx(database, organization, 3)
    const place = { rfxId, owner: 'user', ownerId: person.id, keyId: body.keyId as string } as const
    const [present, earlier] = [await wrapNewKey(body.publicKey), await wrapNewKey(body.publicKey)]
    await storeWrap(database, place, present.wrap)
    await storeWrap(database, { ...place, version: 2 }, earlier.wrap)
    return { person, keyId: body.keyId as string, publicKey: body.publicKey as string, rfxId, present, earlier }
  }

  it('opens the present version and earlier ones, and gives only the key', async () => {
    const { person, rfxId, present, earlier } = await reader()
    expect(await unwrap(person, rfxId, 3)).toEqual({ status: 200, body: { key: present.key } })
    expect(await unwrap(person, rfxId, 2)).toEqual({ status: 200, body: { key: earlier.key } })
    const audit = (await readAudit(database)).filter(({ user }) => user === person.id).slice(-2)
    expect(audit.map(({ subject, outcome }) => [subject, outcome])).toEqual([
      [`${rfxId}/3/user`, 'allowed'],
      [`${rfxId}/2/user`, 'allowed'],
    ])
  })

  it('opens no version that is not wrapped, no other project, and nothing to others', async () => {
    const { person, rfxId } = await reader()
    const other = await reader()
    expect(await unwrap(person, rfxId, 1)).toEqual(refused)
    expect(await unwrap(person, rfxId, 4)).toEqual(refused)
    expect(await unwrap(person, crypto.randomUUID(), 3)).toEqual(refused)
    expect(await unwrap(person, other.rfxId, 3)).toEqual(refused)
    expect(await unwrap(person, rfxId, 3, 'company')).toEqual(refused)
    expect(await unwrap(await newcomer(), rfxId, 3)).toEqual(refused)
  })

  it('opens nothing in a session with another organisation', async () => {
    const { person, rfxId } = await reader()
    const elsewhere = await createOrganization(database)
    await sql`insert into public.organization_member (organization_id, user_id)
      values (${elsewhere}::uuid, ${person.id}::uuid)`.execute(database.owner)
    expect(await unwrap(await logIn(database, elsewhere, person.id), rfxId, 3)).toEqual(refused)
    expect(await unwrap(person, rfxId, 3)).toMatchObject({ status: 200 })
  })

  it('opens earlier versions only for who may read the project now', async () => {
    const { person, rfxId } = await reader()
    await sql`delete from public.rfx_key_members where rfx_id = ${rfxId}::uuid`.execute(database.owner)
    expect(await unwrap(person, rfxId, 2)).toEqual(refused)
  })

  it('opens with a key that is superseded or revoked, and with none that is destroyed', async () => {
    const { person, rfxId, keyId, present } = await reader()
    await ask(person, { action: 'encrypt', text: second, replaces: keyId })
    expect(await unwrap(person, rfxId, 3)).toMatchObject({ body: { key: present.key } })
    const set = (state: string) =>
      sql`update public.user_key set state = ${state}, revoked_at = now(),
          destroyed_at = case when ${state} = 'destroyed' then now() end,
          encrypted_private_key = case when ${state} = 'revoked' then encrypted_private_key end,
          envelope_hash = case when ${state} = 'revoked' then envelope_hash end,
          master_key_id = case when ${state} = 'revoked' then master_key_id end
        where id = ${keyId}::uuid`.execute(database.owner)
    await set('revoked')
    expect(await unwrap(person, rfxId, 3)).toMatchObject({ body: { key: present.key } })
    await set('destroyed')
    expect(await unwrap(person, rfxId, 3)).toEqual(refused)
  })

  it.each([
    ['broken', async () => encodeBase64(crypto.getRandomValues(new Uint8Array(512)))],
    ['too short', async () => encodeBase64(new Uint8Array(511))],
    ['no base64', async () => 'å'.repeat(684)],
  ])('answers the same to a wrap that is %s, and records the failure', async (_, make) => {
    const { person, rfxId } = await reader()
    await sql`update public.rfx_key_members set encrypted_symmetric_key = ${await make()}
      where rfx_id = ${rfxId}::uuid`.execute(database.owner)
    expect(await unwrap(person, rfxId, 3)).toEqual(refused)
    const last = (await readAudit(database)).at(-1)
    expect(last).toEqual({
      user: person.id,
      action: 'crypto_service.unwrap',
      subject: `${rfxId}/3/user`,
      outcome: 'failed',
      problem: 'open_refused',
    })
  })

  it('opens no wrap that names no key or the key of somebody else', async () => {
    const { person, rfxId } = await reader()
    const other = await reader()
    for (const keyId of [null, other.keyId]) {
      await sql`update public.rfx_key_members set key_id = ${keyId}::uuid where rfx_id = ${rfxId}::uuid`.execute(
        database.owner,
      )
      expect(await unwrap(person, rfxId, 3)).toEqual(refused)
    }
  })

  it('opens no wrap and no key that were moved to somebody else by hand', async () => {
    const victim = await reader()
    const thief = await reader()
    await sql`update public.rfx_key_members t set encrypted_symmetric_key = v.encrypted_symmetric_key
      from public.rfx_key_members v where v.rfx_id = ${victim.rfxId}::uuid and t.rfx_id = ${thief.rfxId}::uuid`.execute(
      database.owner,
    )
    await sql`update public.user_key t
      set encrypted_private_key = v.encrypted_private_key, envelope_hash = v.envelope_hash
      from public.user_key v where v.id = ${victim.keyId}::uuid and t.id = ${thief.keyId}::uuid`.execute(database.owner)
    expect(await unwrap(victim.person, victim.rfxId, 3)).toMatchObject({ status: 200 })
    expect(await unwrap(thief.person, thief.rfxId, 3)).toEqual(refused)
  })

  it('opens a hundred in their order, the broken one alone refused', async () => {
    const { person, rfxId, present, earlier } = await reader()
    const items = Array.from({ length: 100 }, (_, index) => ({ rfxId, version: (index % 3) + 1, via: 'user' }))
    const { body } = await ask(person, { action: 'unwrap', items })
    const expected = [{ code: 'open_refused' }, { key: earlier.key }, { key: present.key }]
    expect(body.items).toEqual(items.map((_, index) => expected[index % 3]))
  })

  describe('of a company', () => {
    async function colleague() {
      const person = await newcomer()
      const companyId = await createCompanyOf(database, organization, { [person.id]: 'member' })
      const key = await storeCompanyKey(database, api, companyId, second)
      const rfxId = await createRfx(database, organization)
      const { key: expected, wrap } = await wrapNewKey(key.publicKey)
      await storeWrap(database, { rfxId, owner: 'company', ownerId: companyId, keyId: key.id }, wrap)
      return { person, companyId, rfxId, expected }
    }

    it('opens for whoever is in it now, also who joined later', async () => {
      const { person, companyId, rfxId, expected } = await colleague()
      expect(await unwrap(person, rfxId, 1, 'company')).toEqual({ status: 200, body: { key: expected } })
      expect(await unwrap(person, rfxId, 1, 'user')).toEqual(refused)
      const later = await newcomer()
      expect(await unwrap(later, rfxId, 1, 'company')).toEqual(refused)
      await sql`insert into public.company_member (company_id, organization_id, user_id)
        values (${companyId}::uuid, ${organization}::uuid, ${later.id}::uuid)`.execute(database.owner)
      expect(await unwrap(later, rfxId, 1, 'company')).toMatchObject({ body: { key: expected } })
    })

    it('ends at once for who leaves it', async () => {
      const { person, companyId, rfxId } = await colleague()
      expect(await unwrap(person, rfxId, 1, 'company')).toMatchObject({ status: 200 })
      await sql`delete from public.company_member where company_id = ${companyId}::uuid`.execute(database.owner)
      expect(await unwrap(person, rfxId, 1, 'company')).toEqual(refused)
    })

    it('never decrypts the key itself, not even for an administrator', async () => {
      const { person, companyId } = await colleague()
      await sql`update public.company_member set role = 'administrator' where user_id = ${person.id}::uuid`.execute(
        database.owner,
      )
      const { rows } = await sql<{ text: string }>`
        select encrypted_private_key as text from public.company_key where company_id = ${companyId}::uuid`.execute(
        database.owner,
      )
      const { data, iv } = JSON.parse(rows[0]?.text ?? '{}')
      expect(await ask(person, { action: 'decrypt', data, iv })).toEqual(refused)
    })
  })
})
