import { changeCompanyMember, getCompany, inviteToCompany, joinCompany, removeCompanyMember } from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createCompany, joinCompany as join } from '../../../../tools/testing/companies.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createOrganization, createPerson, type LoggedIn, logIn, type Role } from '../../../../tools/testing/people.ts'

type CompanyRole = 'member' | 'administrator'

describe.each(databaseEngines)('members of companies [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let organization: string
  let ingrid: LoggedIn
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    organization = await createOrganization(database)
    ingrid = await person('coordinator')
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const person = async (role: Role = 'member', of = organization): Promise<LoggedIn> =>
    logIn(database, of, await createPerson(database, of, { role }))
  const invite = ({ claims }: LoggedIn, id: string, role: CompanyRole = 'member') =>
    api.call(inviteToCompany, claims, { params: { id }, body: { role } })
  const codeOf = async (by: LoggedIn, id: string, role: CompanyRole = 'member'): Promise<string> =>
    (await invite(by, id, role)).body.code
  const present = ({ claims }: LoggedIn, code: string) => api.call(joinCompany, claims, { body: { code } })
  const change = ({ claims }: LoggedIn, id: string, of: LoggedIn, role: CompanyRole) =>
    api.call(changeCompanyMember, claims, { params: { id, userId: of.id }, body: { role } })
  const remove = ({ claims }: LoggedIn, id: string, of: LoggedIn) =>
    api.call(removeCompanyMember, claims, { params: { id, userId: of.id } })
  const rolesIn = async (id: string): Promise<Record<string, string>> => {
    const { rows } = await sql<{ user_id: string; role: string }>`
      select user_id, role from public.company_member where company_id = ${id}::uuid`.execute(database.owner)
    return Object.fromEntries(rows.map(({ user_id, role }) => [user_id, role]))
  }
  const owner = (statement: ReturnType<typeof sql>) => statement.execute(database.owner)
  /** A company of `ingrid` with one more administrator and one member. */
  async function peopled() {
    const id = await createCompany(api, ingrid)
    const [marit, kari] = [await person(), await person()]
    await join(api, ingrid, id, marit, 'administrator')
    await join(api, ingrid, id, kari)
    return { id, marit, kari }
  }

  describe('join', () => {
    it('by a code, which works once and within seven days', async () => {
      const id = await createCompany(api, ingrid)
      const invited = await invite(ingrid, id)
      expect(invited).toMatchObject({ status: 201 })
      const days = (Date.parse(invited.body.expiresAt) - Date.now()) / 86_400_000
      expect(Math.round(days)).toBe(7)
      const [kari, ola] = [await person(), await person()]
      expect(await present(kari, invited.body.code)).toMatchObject({ status: 200, body: { id, role: 'member' } })
      expect(await present(ola, invited.body.code)).toMatchObject({ status: 404, code: 'invitation_unknown' })
      expect(await rolesIn(id)).toEqual({ [ingrid.id]: 'administrator', [kari.id]: 'member' })
    })

    it('are told the same when they ask again, as long as they are in it', async () => {
      const { id, marit } = await peopled()
      const code = await codeOf(marit, id)
      const ola = await person()
      const joined = await present(ola, code)
      expect(await present(ola, code)).toEqual(joined)
      await remove(marit, id, ola)
      expect(await present(ola, code)).toMatchObject({ code: 'invitation_unknown' })
    })

    it('one of those who present the code at the same time', async () => {
      const id = await createCompany(api, ingrid)
      for (let round = 0; round < 4; round++) {
        const code = await codeOf(ingrid, id)
        const people = await Promise.all([1, 2, 3].map(() => person()))
        const answers = await Promise.all(people.map((someone) => present(someone, code)))
        expect(answers.map(({ status }) => status).sort()).toEqual([200, 404, 404])
        expect(Object.keys(await rolesIn(id))).toHaveLength(2 + round)
      }
    })

    it('not by a code that is expired, unknown, mistyped or of another organisation', async () => {
      const id = await createCompany(api, ingrid)
      const code = await codeOf(ingrid, id)
      const stranger = await person('administrator', await createOrganization(database))
      expect(await present(stranger, code)).toMatchObject({ code: 'invitation_unknown' })
      const kari = await person()
      // The last character stands for two bits; the others of it must be zero.
      for (const other of ['A'.repeat(22), `${code.slice(0, -1)}_`]) {
        expect(await present(kari, other)).toMatchObject({ status: 404, code: 'invitation_unknown' })
      }
      for (const other of ['', code.slice(1), `${code}A`, `${code.slice(1)}+`]) {
        expect(await present(kari, other)).toMatchObject({ status: 400, code: 'request_malformed' })
      }
      await owner(sql`update nokkel.company_invitation set expires_at = now() where company_id = ${id}::uuid`)
      expect(await present(kari, code)).toMatchObject({ code: 'invitation_unknown' })
      expect(await rolesIn(id)).toEqual({ [ingrid.id]: 'administrator' })
    })

    it('with a higher role, and not with one they have', async () => {
      const { id, kari, marit } = await peopled()
      const code = await codeOf(ingrid, id)
      expect(await present(kari, code)).toMatchObject({ status: 409, code: 'conflict' })
      expect(await present(marit, code)).toMatchObject({ code: 'conflict' })
      expect(await present(await person(), code)).toMatchObject({ status: 200 })
      expect(await present(kari, await codeOf(ingrid, id, 'administrator'))).toMatchObject({
        body: { role: 'administrator' },
      })
    })

    it('not by a code whose maker may no longer invite', async () => {
      const { id, marit } = await peopled()
      const codes = [await codeOf(marit, id), await codeOf(marit, id)]
      const [kari, ola] = [await person(), await person()]
      await change(ingrid, id, marit, 'member')
      expect(await present(kari, codes[0] ?? '')).toMatchObject({ code: 'invitation_unknown' })
      await change(ingrid, id, marit, 'administrator')
      expect(await present(kari, codes[0] ?? '')).toMatchObject({ status: 200 })
      await remove(ingrid, id, marit)
      expect(await present(ola, codes[1] ?? '')).toMatchObject({ code: 'invitation_unknown' })
    })

    it('by codes of which only the hash is stored', async () => {
      const id = await createCompany(api, ingrid)
      const code = await codeOf(ingrid, id)
      const { rows } = await sql<{ row: string; hash: string }>`
        select i::text as row, encode(i.code_hash, 'hex') as hash from nokkel.company_invitation i
        where i.company_id = ${id}::uuid`.execute(database.owner)
      const bytes = Buffer.from(code, 'base64url')
      expect(bytes).toHaveLength(16)
      const digest = await crypto.subtle.digest('SHA-256', bytes)
      expect(rows).toMatchObject([{ hash: Buffer.from(digest).toString('hex') }])
      expect(rows[0]?.row).not.toContain(code)
      expect(rows[0]?.row).not.toContain(bytes.toString('hex'))
    })

    it('by codes that are gone once they have expired', async () => {
      const id = await createCompany(api, ingrid)
      await invite(ingrid, id)
      await invite(ingrid, id)
      await owner(sql`update nokkel.company_invitation set expires_at = now() - interval '1 second'
        where code_hash = (select code_hash from nokkel.company_invitation where company_id = ${id}::uuid limit 1)`)
      const { rows } = await sql<{ swept: { invitations: number } }>`select nokkel.sweep() as swept`.execute(
        database.server,
      )
      expect(rows[0]?.swept.invitations).toBeGreaterThan(0)
      const left = await owner(sql`select from nokkel.company_invitation where company_id = ${id}::uuid`)
      expect(left.rows).toHaveLength(1)
    })
  })

  describe('are invited', () => {
    it('by administrators of the company, and by nobody else while it has one', async () => {
      const { id, kari, marit } = await peopled()
      expect(await invite(marit, id, 'administrator')).toMatchObject({ status: 201 })
      expect(await invite(kari, id)).toMatchObject({ status: 403, code: 'forbidden' })
      const others = [
        await person(),
        await person('administrator'),
        await person('administrator', await createOrganization(database)),
      ]
      for (const other of others) {
        for (const role of ['member', 'administrator'] as const) {
          expect(await invite(other, id, role)).toMatchObject({ status: 404, code: 'not_found' })
        }
      }
    })

    it('by an administrator of the organisation to be administrator, while the company has none', async () => {
      const id = await createCompany(api, ingrid)
      const administrator = await person('administrator')
      const stranger = await person('administrator', await createOrganization(database))
      const coordinator = await person('coordinator')
      await owner(sql`delete from public.company_member where company_id = ${id}::uuid`)
      expect(await invite(administrator, id, 'member')).toMatchObject({ code: 'not_found' })
      for (const other of [stranger, coordinator]) {
        expect(await invite(other, id, 'administrator')).toMatchObject({ code: 'not_found' })
      }
      const [first, second] = [
        await codeOf(administrator, id, 'administrator'),
        await codeOf(administrator, id, 'administrator'),
      ]
      // Nobody gives themselves what the company can open.
      expect(await present(administrator, first)).toMatchObject({ code: 'invitation_unknown' })
      expect(await present(await person(), first)).toMatchObject({ status: 200, body: { role: 'administrator' } })
      expect(await present(await person(), second)).toMatchObject({ code: 'invitation_unknown' })
      expect(Object.values(await rolesIn(id))).toEqual(['administrator'])
    })
  })

  describe('change and leave', () => {
    it('by administrators, and each of themselves', async () => {
      const { id, kari, marit } = await peopled()
      expect(await change(marit, id, kari, 'administrator')).toMatchObject({ status: 204 })
      expect(await change(kari, id, kari, 'member')).toMatchObject({ status: 204 })
      expect(await remove(marit, id, kari)).toMatchObject({ status: 204 })
      expect(await remove(marit, id, marit)).toMatchObject({ status: 204 })
      expect(await rolesIn(id)).toEqual({ [ingrid.id]: 'administrator' })
      expect(await api.call(getCompany, kari.claims, { params: { id } })).toMatchObject({ code: 'not_found' })
    })

    it('not by members of others, nor by those who are not in it', async () => {
      const { id, kari, marit } = await peopled()
      expect(await change(kari, id, kari, 'administrator')).toMatchObject({ status: 403, code: 'forbidden' })
      expect(await change(kari, id, marit, 'member')).toMatchObject({ code: 'forbidden' })
      expect(await remove(kari, id, marit)).toMatchObject({ code: 'forbidden' })
      const others = [
        await person(),
        await person('administrator'),
        await person('administrator', await createOrganization(database)),
      ]
      for (const other of others) {
        for (const of of [other, kari]) {
          expect(await change(other, id, of, 'administrator')).toMatchObject({ status: 404, code: 'not_found' })
          expect(await remove(other, id, of)).toMatchObject({ status: 404, code: 'not_found' })
        }
      }
      const nobody = await person()
      expect(await change(marit, id, nobody, 'administrator')).toMatchObject({ code: 'not_found' })
      expect(await remove(marit, id, nobody)).toMatchObject({ code: 'not_found' })
      expect(await remove(kari, crypto.randomUUID(), kari)).toMatchObject({ code: 'not_found' })
      expect(Object.values(await rolesIn(id)).sort()).toEqual(['administrator', 'administrator', 'member'])
    })

    it('not the last administrator', async () => {
      const id = await createCompany(api, ingrid)
      const kari = await person()
      await join(api, ingrid, id, kari)
      for (const answer of [await change(ingrid, id, ingrid, 'member'), await remove(ingrid, id, ingrid)]) {
        expect(answer).toMatchObject({ status: 409, code: 'company_needs_administrator' })
      }
      expect(await change(ingrid, id, ingrid, 'administrator')).toMatchObject({ status: 204 })
      expect((await rolesIn(id))[ingrid.id]).toBe('administrator')
    })

    it('not the last two administrators at the same time', async () => {
      for (let round = 0; round < 6; round++) {
        const { id, marit } = await peopled()
        const leave = (of: LoggedIn) => (round % 2 ? remove(of, id, of) : change(of, id, of, 'member'))
        const answers = await Promise.all([leave(ingrid), leave(marit)])
        expect(answers.map(({ status }) => status).sort()).toEqual([204, 409])
        expect(Object.values(await rolesIn(id)).filter((role) => role === 'administrator')).toHaveLength(1)
      }
    })

    it('when they leave the organisation, also the last administrator', async () => {
      const { id, kari } = await peopled()
      await owner(sql`delete from public.organization_member where user_id = ${kari.id}::uuid`)
      expect(Object.keys(await rolesIn(id))).toHaveLength(2)
      await owner(sql`delete from public.app_user where auth_user_id in (
        select user_id from public.company_member where company_id = ${id}::uuid and user_id <> ${ingrid.id}::uuid)`)
      expect(await rolesIn(id)).toEqual({ [ingrid.id]: 'administrator' })
    })
  })

  it('are recorded, each change with it and each refusal of its own', async () => {
    const administrator = await person('coordinator')
    const id = await createCompany(api, administrator)
    const [kari, ola] = [await person(), await person()]
    await join(api, administrator, id, kari)
    await invite(kari, id)
    await change(administrator, id, kari, 'administrator')
    await remove(kari, id, kari)
    await remove(ola, id, administrator)
    await present(ola, 'A'.repeat(22))
    const { rows } = await sql<Record<string, unknown>>`
      select a.action, a.subject_type, replace(a.subject_id, ${id}, 'id') as subject_id, a.outcome, a.problem, p.user_id as actor,
        a.organization_id, a.request_id is not null as request
      from nokkel.audit_log a join nokkel.pseudonym p on p.pseudonym = a.actor
      where p.user_id = any (${[administrator.id, kari.id, ola.id]}::uuid[]) order by a.id`.execute(database.owner)
    const { rows: pseudonyms } = await sql<{ user_id: string; pseudonym: string }>`
      select user_id, pseudonym from nokkel.pseudonym`.execute(database.owner)
    const pseudonym = ({ id: user }: LoggedIn) => pseudonyms.find(({ user_id }) => user_id === user)?.pseudonym
    const allowed = (actor: LoggedIn, action: string, subject_type: string, subject_id: string) => ({
      action,
      subject_type,
      subject_id,
      outcome: 'allowed',
      problem: null,
      actor: actor.id,
      organization_id: organization,
      request: true,
    })
    const refused = (actor: LoggedIn, action: string, subject_id: string | null, problem: string) => ({
      ...allowed(actor, action, 'company', ''),
      subject_id,
      outcome: 'refused',
      problem,
    })
    const member = (of: LoggedIn, role: string) => `id/${pseudonym(of)}/${role}`
    expect(rows).toEqual([
      allowed(administrator, 'company.create', 'company', 'id'),
      allowed(administrator, 'company_member.create', 'company_member', member(administrator, 'administrator')),
      allowed(administrator, 'company_invitation.create', 'company', 'id/member'),
      allowed(kari, 'company_member.create', 'company_member', member(kari, 'member')),
      refused(kari, 'company_invitation.create', 'id', 'forbidden'),
      allowed(administrator, 'company_member.change', 'company_member', member(kari, 'administrator')),
      allowed(kari, 'company_member.remove', 'company_member', member(kari, 'administrator')),
      refused(ola, 'company_member.remove', 'id', 'not_found'),
      refused(ola, 'company_member.create', null, 'invitation_unknown'),
    ])
  })
})
