import { people } from '@nokkel/sandbox'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { consentTo, createLoginSystem, firstPerson, type LoginSystem } from '../../../../tools/testing/login.ts'

const another = people.find(({ id }) => id !== firstPerson)?.id ?? ''
const cost = { costCentre: '4100', pricePerLoginOre: 149, monthlyCap: 1000 }

describe.each(databaseEngines)('a cap on Vipps that is reached [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  let administrator: Awaited<ReturnType<LoginSystem['logIn']>>
  let member: Awaited<ReturnType<LoginSystem['logIn']>>
  beforeAll(async () => {
    database = await createTestDatabase(engine)
  })
  afterAll(() => database.close())
  beforeEach(async () => {
    system = await createLoginSystem(database)
    administrator = await system.logIn('vipps')
    member = await system.logIn('vipps', another)
    await sql`update public.organization_member set role = 'administrator'
      where organization_id = ${system.organizationId}::uuid and user_id = ${administrator.userId}::uuid`.execute(
      database.owner,
    )
    await sql`insert into public.vipps_org_cost_config (organization_id, monthly_cap)
      values (${system.organizationId}::uuid, 2)`.execute(database.owner)
    await sql`update nokkel.session set authenticated_at = now() - interval '6 minutes'`.execute(database.owner)
    // The same people as in the test before.
    await sql`update nokkel.login_attempt set expires_at = now()`.execute(database.owner)
  })
  afterEach(() => system.close())

  const tokenOf = ({ tokens }: typeof administrator) => tokens.accessToken
  const begin = (accessToken: string, changes: object = {}) => system.begin('vipps', { accessToken, ...changes })
  const refused = '409 provider_unavailable'
  const raise = (token: string) => system.request('PUT', '/nokkel/organization/vipps/cost', { token, body: cost })

  it('lets an administrator who is logged in log in anew, who can then raise it', async () => {
    expect(await raise(tokenOf(administrator))).toMatchObject({ status: 403, body: { code: 'login_too_old' } })
    await expect(system.begin('vipps')).rejects.toThrow(refused)
    const login = await begin(tokenOf(administrator))
    const { status, body } = await system.complete(login, await system.visit(login))
    expect({ status, userId: body.userId }).toEqual({ status: 200, userId: administrator.userId })
    expect(await raise(body.tokens.accessToken)).toMatchObject({ status: 200, body: { cost } })
    expect(await system.begin('vipps')).toMatchObject({ loginId: expect.any(String) })
  })

  it('lets nobody else', async () => {
    await expect(begin(tokenOf(member)), 'a member').rejects.toThrow(refused)
    await expect(begin('e30.e30.AAAA'), 'a token that is none').rejects.toThrow(refused)
    const other = await createLoginSystem(database)
    try {
      const { tokens, userId } = await other.logIn('vipps')
      await sql`update public.organization_member set role = 'administrator' where user_id = ${userId}::uuid`.execute(
        database.owner,
      )
      await expect(begin(tokens.accessToken), 'one of another organisation').rejects.toThrow(refused)
    } finally {
      await other.close()
    }
    await sql`update nokkel.session set ended_at = now(), ended_reason = 'revoked'
      where id = ${administrator.tokens.sessionId}::uuid`.execute(database.owner)
    await expect(begin(tokenOf(administrator)), 'one whose session has ended').rejects.toThrow(refused)
  })

  it('lets nobody come as somebody else', async () => {
    const login = await begin(tokenOf(administrator))
    const callback = await system.visit(login, { person: another })
    expect(await system.complete(login, callback)).toMatchObject({
      status: 409,
      body: { code: 'provider_unavailable', data: { available: ['bankid'] } },
    })
  })

  it('lets them three times in a while, also at once', async () => {
    const begun = await Promise.allSettled(Array.from({ length: 6 }, () => begin(tokenOf(administrator))))
    expect(begun.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    await expect(begin(tokenOf(administrator))).rejects.toThrow(refused)
    await sql`update nokkel.login_attempt set expires_at = now()`.execute(database.owner)
    expect(await begin(tokenOf(administrator))).toMatchObject({ loginId: expect.any(String) })
  })

  it('is told with the ways that work, also when Vipps is gone under way', async () => {
    const request = { provider: 'vipps', organization: system.organization, consent: consentTo('vipps') }
    const random = { codeChallenge: 'A'.repeat(43), state: 'B'.repeat(43), nonce: 'C'.repeat(43) }
    const problem = { status: 409, body: { code: 'provider_unavailable', data: { available: ['bankid'] } } }
    for (const accessToken of [tokenOf(member), tokenOf(administrator)]) {
      const body = { ...request, ...random, accessToken }
      const expected = accessToken === tokenOf(member) ? problem : { status: 201 }
      expect(await system.request('POST', '/nokkel/login', { body })).toMatchObject(expected)
    }
    await sql`update public.vipps_org_cost_config set monthly_cap = null`.execute(database.owner)
    const login = await system.begin('vipps')
    const callback = await system.visit(login)
    await sql`update public.organization set minimum_assurance = 'substantial'
      where id = ${system.organizationId}::uuid`.execute(database.owner)
    expect(await system.complete(login, callback)).toMatchObject(problem)
  })
})
