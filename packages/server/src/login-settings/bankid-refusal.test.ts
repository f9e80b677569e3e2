import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoginSystem, type LoginSystem } from '../../../../tools/testing/login.ts'
import { createProviderRegistry } from '../auth/providers/registry.ts'
import { listOrganizationStates } from '../organizations/operate.ts'
import { recordRefusedClient } from './usage.ts'

describe.each(databaseEngines)('a BankID that does not take the client [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  let wrong: LoginSystem
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database)
    const authentication = { bankid: { method: 'client_secret_basic', secret: 'not-a-secret' } } as const
    wrong = await createLoginSystem(database, {
      authentication,
      connection: () => ({ bankid: { authentication: { method: 'client_secret_basic', secret: 'planted-expired' } } }),
    })
  })
  afterAll(async () => {
    await system.close()
    await wrong.close()
    await database.close()
  })

  async function settingsOf({ request, organizationId }: LoginSystem, userId: string, token: string) {
    await sql`update public.organization_member set role = 'administrator'
      where organization_id = ${organizationId}::uuid and user_id = ${userId}::uuid`.execute(database.owner)
    return (await request('GET', '/nokkel/organization/login', { token })).body
  }
  const attempt = async ({ begin, visit, complete }: LoginSystem) => {
    const login = await begin('bankid')
    return complete(login, await visit(login))
  }
  const statesOf = async (slug: string, connections: Parameters<typeof createProviderRegistry>[0]) => {
    const ways = { registry: createProviderRegistry(connections), vippsIssuers: {} }
    const states = await listOrganizationStates(database.server, ways)
    return states.find((state) => state.slug === slug)?.warnings
  }

  it('is told to administrators and to the operator', async () => {
    const { organization } = wrong
    const { userId, tokens } = await wrong.logIn('vipps')
    expect(await settingsOf(wrong, userId, tokens.accessToken)).not.toHaveProperty('bankidRefusedAt')
    expect(await attempt(wrong)).toMatchObject({ status: 409, body: { code: 'provider_misconfigured' } })
    const settings = await settingsOf(wrong, userId, tokens.accessToken)
    expect(settings.warnings).toContain('bankid_refused')
    expect(settings.warnings).not.toContain('no_way_in')
    expect(settings.bankidRefusedAt).toMatch(/^\d{4}-\d{2}-\d{2}T.*Z$/)
    const bankid = {
      provider: 'bankid',
      organization,
      issuer: wrong.sandbox.bankid.issuer,
      clientId: 'x',
      authentication: { method: 'client_secret_basic', secret: 'x' },
    } as const
    expect(await statesOf(organization, [bankid])).toEqual(['no_way_in', 'vipps_unconfigured', 'bankid_refused'])
    expect(await statesOf(organization, [])).not.toContain('bankid_refused')
  })

  it('is told until it does', async () => {
    const { organizationId } = system
    const { userId, tokens } = await system.logIn('vipps')
    await recordRefusedClient(database.server, { provider: 'bankid', organizationId })
    await recordRefusedClient(database.server, { provider: 'bankid', organizationId })
    expect((await settingsOf(system, userId, tokens.accessToken)).warnings).toContain('bankid_refused')
    expect(await attempt(system)).toMatchObject({ status: 200 })
    expect(await settingsOf(system, userId, tokens.accessToken)).not.toHaveProperty('bankidRefusedAt')
  })
})
