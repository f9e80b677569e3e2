import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoginSystem, type LoginSystem } from '../../../../tools/testing/login.ts'
import { createOrganization } from '../../../../tools/testing/people.ts'
import { givenRootKeys } from '../keyring/root-keys.ts'
import { createServerKeys } from '../keyring/server-keys.ts'
import { wrapClientSecret } from '../login-settings/client-secret.ts'
import { recordPaidLogin, recordRefusedClient } from '../login-settings/usage.ts'
import { createProviderConnections } from './connections.ts'
import { createProviderRegistry } from './providers/registry.ts'

const issuers = { production: 'https://vipps.example/', test: 'https://test.vipps.example/' }

/** What an administrator would have stored. */
async function store(
  { owner }: TestDatabase,
  keyring: TestApi['keyring'],
  organizationId: string,
  changes: Record<string, unknown> = {},
  secret: string | null = 'stored-secret',
): Promise<void> {
  const wrapped = secret === null ? null : await wrapClientSecret(keyring, organizationId, secret)
  const settings = {
    enabled: true,
    environment: 'production',
    client_id: 'stored',
    authentication: 'client_secret_post',
  }
  const all = { personnummer_approved: false, confirm_in_app: false, ...settings, ...changes }
  await sql`select nokkel.store_vipps_config(${organizationId}::uuid, null, ${JSON.stringify(all)}::jsonb,
    ${wrapped?.envelope ?? null}::bytea, ${wrapped?.masterKeyId ?? null}, null)`.execute(owner)
}

const setCap = ({ owner }: TestDatabase, organizationId: string, cap: number) =>
  sql`insert into public.vipps_org_cost_config (organization_id, monthly_cap)
    values (${organizationId}::uuid, ${cap}::integer)
    on conflict (organization_id) do update set monthly_cap = excluded.monthly_cap`.execute(owner)

const loginsOf = async ({ owner }: TestDatabase, organizationId: string) =>
  (
    await sql<{ logins: number }>`select logins from nokkel.vipps_login_usage
      where organization_id = ${organizationId}::uuid`.execute(owner)
  ).rows.map(({ logins }) => logins)

describe.each(databaseEngines)('connections [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let slug: string
  let organization: string
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })
  beforeEach(async () => {
    slug = `org-${crypto.randomUUID().slice(0, 8)}`
    organization = await createOrganization(database, { slug })
  })

  const operated = (provider: 'bankid' | 'vipps') => ({
    provider,
    organization: slug,
    issuer: 'https://operator.example/',
    clientId: 'operated',
    authentication: { method: 'client_secret_basic', secret: 'operated-secret' } as const,
    personnummer: true,
  })
  const connections = (
    options: {
      providers?: ('bankid' | 'vipps')[]
      vippsIssuers?: Partial<typeof issuers>
      appOrigins?: readonly string[]
    } = {},
  ) =>
    createProviderConnections({
      database: database.server,
      keyring: api.keyring,
      registry: createProviderRegistry((options.providers ?? ['bankid']).map(operated)),
      vippsIssuers: options.vippsIssuers ?? issuers,
      appOrigins: options.appOrigins ?? ['https://app.example'],
    })
  const put = (changes?: Record<string, unknown>, secret?: string | null) =>
    store(database, api.keyring, organization, changes, secret)
  const offered = async (from = connections()) => (await from.offers([slug])).get(slug)
  const vippsOffered = async () => (await offered())?.find(({ id }) => id === 'vipps')

  it('are those of the operator where nothing is stored', async () => {
    const from = connections({ providers: ['bankid', 'vipps'] })
    expect(await from.find('vipps', slug)).toEqual(operated('vipps'))
    expect(await from.find('bankid', slug)).toEqual(operated('bankid'))
    expect(await offered(from)).toEqual([
      { id: 'bankid', available: true, shares: ['name', 'birthDate'], personnummer: true },
      { id: 'vipps', available: true, shares: ['name', 'phoneNumber', 'email', 'address'], personnummer: true },
    ])
  })

  it('are nothing where nothing is set up', async () => {
    const from = connections({ providers: [] })
    expect(await from.find('vipps', slug)).toBeUndefined()
    expect(await from.find('bankid', slug)).toBeUndefined()
    expect(await from.find('vipps', 'no-such-organisation')).toBeUndefined()
    expect(await offered(from)).toEqual([])
  })

  it('are what is stored, before what the operator configured', async () => {
    const app = { app_redirect_uri: `https://app.example/callback/vipps/${slug}`, market: 'NO', confirm_in_app: true }
    await put(app)
    const from = connections({ providers: ['bankid', 'vipps'] })
    const found = await from.find('vipps', slug)
    expect(found).toEqual({
      provider: 'vipps',
      organization: slug,
      issuer: issuers.production,
      clientId: 'stored',
      authentication: { method: 'client_secret_post', secret: 'stored-secret' },
      revision: `${organization}/1`,
      personnummer: false,
      confirmInApp: true,
      appRedirectUri: app.app_redirect_uri,
      market: 'NO',
    })
    expect((await offered(from))?.[1]).toMatchObject({ id: 'vipps', available: true, personnummer: false })
    await put({ ...app, app_callback_uri: app.app_redirect_uri, environment: 'test' })
    expect(await from.find('vipps', slug)).toMatchObject({
      issuer: issuers.test,
      revision: `${organization}/2`,
      appCallbackUri: app.app_redirect_uri,
    })
  })

  it('have no address of an app that the operator does not know, or no longer', async () => {
    const app = {
      app_redirect_uri: `https://app.example/callback/vipps/${slug}`,
      app_callback_uri: `no.example.app:/callback/vipps/${slug}`,
    }
    await put(app)
    const found = async (appOrigins: readonly string[]) => {
      const { appRedirectUri, appCallbackUri, clientId } = (await connections({ appOrigins }).find('vipps', slug)) ?? {}
      return { appRedirectUri, appCallbackUri, clientId }
    }
    const [appRedirectUri, appCallbackUri, clientId] = [app.app_redirect_uri, app.app_callback_uri, 'stored']
    expect(await found(['https://app.example', 'no.example.app:'])).toEqual({
      appRedirectUri,
      appCallbackUri,
      clientId,
    })
    expect(await found(['https://app.example'])).toEqual({ appRedirectUri, clientId })
    expect(await found(['https://other.example'])).toEqual({ clientId })
    expect(await found([])).toEqual({ clientId })
    await put({ ...app, app_callback_uri: 'no.example.app:/switch' })
    expect(await found(['https://app.example', 'no.example.app:'])).toEqual({ appRedirectUri, clientId })
  })

  it('of an organisation that switched Vipps off are not those of the operator', async () => {
    await put({ enabled: false })
    const from = connections({ providers: ['vipps'] })
    expect(await from.find('vipps', slug)).toBeUndefined()
    expect(await offered(from)).toMatchObject([{ id: 'vipps', available: false }])
  })

  it.each<[string, () => Promise<unknown>, Partial<typeof issuers>?]>([
    ['it is off', () => put({ enabled: false })],
    ['there is no secret', () => put({}, null)],
    ['the environment is not to be had', () => put({ environment: 'test' }), { production: issuers.production }],
    [
      'more assurance is asked for',
      async () => {
        await put()
        await sql`update public.organization set minimum_assurance = 'substantial'
          where id = ${organization}::uuid`.execute(database.owner)
      },
    ],
  ])('cannot be used when %s, and say so without a reason', async (_why, arrange, vippsIssuers = issuers) => {
    await arrange()
    const from = connections({ vippsIssuers })
    for (const moment of ['begin', 'finish'] as const) expect(await from.find('vipps', slug, moment)).toBeUndefined()
    expect(await offered(from)).toEqual([
      { id: 'bankid', available: true, shares: ['name', 'birthDate'], personnummer: true },
      { id: 'vipps', available: false, shares: ['name', 'phoneNumber', 'email', 'address'], personnummer: false },
    ])
  })

  it('begin no login past the cap, and finish those under way', async () => {
    await put()
    await setCap(database, organization, 2)
    const from = connections()
    await recordPaidLogin(database.server, { provider: 'vipps', organizationId: organization })
    expect(await vippsOffered()).toMatchObject({ available: true })
    await recordPaidLogin(database.server, { provider: 'vipps', organizationId: organization })
    expect(await from.find('vipps', slug)).toBeUndefined()
    expect(await from.find('vipps', slug, 'finish')).toMatchObject({ clientId: 'stored' })
    expect(await vippsOffered()).toMatchObject({ available: false })
    // That of the operator counts towards the same cap.
    await sql`delete from public.vipps_org_config where organization_id = ${organization}::uuid`.execute(database.owner)
    expect(await connections({ providers: ['vipps'] }).find('vipps', slug)).toBeUndefined()
  })

  it('do not open with the secret of another organisation', async () => {
    await put()
    const other = await createOrganization(database)
    await store(database, api.keyring, other)
    await sql`update public.vipps_org_config set wrapped_client_secret = (
        select wrapped_client_secret from public.vipps_org_config where organization_id = ${other}::uuid)
      where organization_id = ${organization}::uuid`.execute(database.owner)
    await expect(connections().find('vipps', slug)).rejects.toMatchObject({ code: 'open_failed' })
  })

  it('count every login by Vipps once, also at the same time, and none by BankID', async () => {
    const count = (provider: 'bankid' | 'vipps') =>
      recordPaidLogin(database.server, { provider, organizationId: organization })
    await Promise.all(Array.from({ length: 40 }, () => count('vipps')))
    await count('bankid')
    expect(await loginsOf(database, organization)).toEqual([40])
  })

  it('count by the month it is in Norway', async () => {
    const { rows } = await sql<{ month: string }>`
      select nokkel.norwegian_month(at::timestamptz) as month from (values
        ('2026-12-31 22:59:59Z'), ('2026-12-31 23:00:00Z'), ('2026-06-30 21:59:59Z'), ('2026-06-30 22:00:00Z')
      ) instants (at)`.execute(database.owner)
    expect(rows.map(({ month }) => month)).toEqual(['2026-12', '2027-01', '2026-06', '2026-07'])
  })
})

describe.each(databaseEngines)('logins by what is stored [%s]', (engine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase(engine)
  })
  afterAll(() => database.close())

  const withSystem = async (
    options: Parameters<typeof createLoginSystem>[1],
    work: (system: LoginSystem, put: (secret: string) => Promise<void>) => Promise<void>,
    settings: (organization: string) => Record<string, unknown> = () => ({}),
  ) => {
    const system = await createLoginSystem(database, options)
    // Those of that server.
    const { keyring } = createServerKeys(
      givenRootKeys({ masterKeys: ['07'.repeat(32)], indexKeys: ['09'.repeat(32)] }),
      {
        database: database.server,
        logger: () => undefined,
        production: false,
      },
    )
    const all = {
      environment: 'test',
      client_id: `${system.organization}-vipps`,
      authentication: 'client_secret_basic',
      ...settings(system.organization),
    }
    const put = (secret: string) => store(database, keyring, system.organizationId, all, secret)
    try {
      await put('not-a-secret')
      await work(system, put)
    } finally {
      await system.close()
    }
  }
  it('say that Vipps does not take the client, until it does or there are new settings', async () => {
    await withSystem({}, async (system, put) => {
      const { organizationId, logged, organization } = system
      const { tokens, userId } = await system.logIn('bankid')
      await sql`update public.organization_member set role = 'administrator'
        where organization_id = ${organizationId}::uuid and user_id = ${userId}::uuid`.execute(database.owner)
      const settings = async () =>
        (await system.request('GET', '/nokkel/organization/login', { token: tokens.accessToken })).body
      const attempt = async () => {
        const login = await system.begin('vipps')
        return system.complete(login, await system.visit(login))
      }
      const before = await settings()
      expect(before).toMatchObject({ organization, warnings: expect.any(Array) })
      expect(before).not.toHaveProperty('vippsRefusedAt')
      await put('planted-expired')
      for (const again of [1, 2]) {
        const body = { code: 'provider_misconfigured', data: { available: ['bankid'] } }
        expect(await attempt(), `attempt ${again}`).toMatchObject({ status: 409, body })
      }
      const entry = { level: 'error', event: 'provider_misconfigured', provider: 'vipps', organization }
      expect(logged.filter(({ event }) => event === 'provider_misconfigured')).toEqual([entry, entry])
      expect(JSON.stringify(logged)).not.toContain('planted')
      const { warnings, vippsRefusedAt } = await settings()
      expect(warnings).toContain('vipps_refused')
      expect(vippsRefusedAt).toMatch(/^\d{4}-\d{2}-\d{2}T.*Z$/)
      await put('not-a-secret')
      expect((await settings()).warnings).not.toContain('vipps_refused')

      await recordRefusedClient(database.server, { provider: 'bankid', organizationId })
      expect((await settings()).warnings).not.toContain('vipps_refused')
      await recordRefusedClient(database.server, { provider: 'vipps', organizationId })
      expect((await settings()).warnings).toContain('vipps_refused')
      expect(await attempt()).toMatchObject({ status: 200 })
      expect(await settings()).not.toHaveProperty('vippsRefusedAt')
    })
  })

  it('work, are counted, and stop at the cap while one under way goes on', async () => {
    await withSystem({}, async (system) => {
      expect(await system.logIn('vipps')).toMatchObject({ outcome: 'account_created' })
      expect(await loginsOf(database, system.organizationId)).toEqual([1])
      await setCap(database, system.organizationId, 2)
      const underWay = await Promise.all([system.begin('vipps'), system.begin('vipps')])
      for (const login of underWay) {
        expect(await system.complete(login, await system.visit(login))).toMatchObject({ status: 200 })
      }
      expect(await loginsOf(database, system.organizationId)).toEqual([3])
      await expect(system.begin('vipps')).rejects.toThrow('409 provider_unavailable')
      expect(await system.logIn('bankid')).toMatchObject({ tokens: { sessionId: expect.any(String) } })
      expect(await loginsOf(database, system.organizationId)).toEqual([3])
    })
  })

  const returnsTo = (origin: string) => (organization: string) => ({
    app_redirect_uri: `${origin}/callback/vipps/${organization}`,
    app_callback_uri: `${origin}/callback/vipps/${organization}`,
  })
  const flows = ['app_to_app', 'app_to_app_v2'] as const

  it('send nobody into an app that an administrator made up', async () => {
    await withSystem(
      {},
      async (system) => {
        for (const flow of flows) {
          await expect(system.begin('vipps', { flow }), flow).rejects.toThrow('409 provider_flow_unavailable')
        }
        const { authorizationUrl } = await system.begin('vipps')
        expect(authorizationUrl).not.toContain('evil.example')
      },
      returnsTo('https://evil.example'),
    )
  })

  it('send people into the app that the operator knows', async () => {
    await withSystem(
      { appOrigins: ['https://app.example'] },
      async (system) => {
        for (const flow of flows) {
          const { authorizationUrl } = await system.begin('vipps', { flow })
          expect(new URL(authorizationUrl).searchParams.get('redirect_uri')).toBe(
            `https://app.example/callback/vipps/${system.organization}`,
          )
        }
      },
      returnsTo('https://app.example'),
    )
  })

  it('are counted when they are refused afterwards, and not when the code is', async () => {
    await withSystem({ enrollment: 'invited' }, async (system) => {
      const login = await system.begin('vipps')
      const callback = await system.visit(login)
      expect(await system.complete(login, callback)).toMatchObject({ body: { code: 'login_not_member' } })
      expect(await loginsOf(database, system.organizationId)).toEqual([1])
      const second = await system.begin('vipps')
      const denied = await system.visit(second, { answer: 'cancel' })
      expect(await system.complete(second, denied)).toMatchObject({ body: { code: 'login_refused' } })
      expect(await loginsOf(database, system.organizationId)).toEqual([1])
    })
  })

  it('end when Vipps is switched off under way', async () => {
    await withSystem({}, async (system) => {
      const login = await system.begin('vipps')
      const callback = await system.visit(login)
      await sql`update public.vipps_org_config set enabled = false
        where organization_id = ${system.organizationId}::uuid`.execute(database.owner)
      expect(await system.complete(login, callback)).toMatchObject({ body: { code: 'provider_unavailable' } })
      expect(await loginsOf(database, system.organizationId)).toEqual([])
    })
  })
})
