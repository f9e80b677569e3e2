import * as contract from '@nokkel/contract'
import { Assurance, type Operation } from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import {
  createOrganization,
  createPerson,
  type LoggedIn,
  logIn,
  type Role,
  refusalOf,
} from '../../../../tools/testing/people.ts'
import { createProviderRegistry } from '../auth/providers/registry.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import { unwrapClientSecret } from './client-secret.ts'
import { knownVippsIssuers } from './login-setup.ts'
import { putVippsSettings } from './settings.ts'

const secret = 'planted-client-secret'
const settings = {
  enabled: true,
  environment: 'test',
  clientId: 'planted-client-id',
  authentication: 'client_secret_basic',
  merchantSerialNumber: '123456',
  personnummerApproved: false,
  confirmInApp: false,
  appRedirectUri: null,
  appCallbackUri: null,
  market: null,
} as const
const cost = { costCentre: 'planted-4711', pricePerLoginOre: 149, monthlyCap: 10 }

describe.each(databaseEngines)('login settings [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let slug: string
  let organization: string
  let administrator: LoggedIn
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
    administrator = await someone('administrator')
  })

  const someone = async (role: Role, at = organization, options: Parameters<typeof logIn>[3] = {}) =>
    logIn(database, at, await createPerson(database, at, { role }), { assurance: 'high', ...options })
  const read = async () => (await api.call(contract.getLoginSettings, administrator.claims)).body
  const put = (changes: object = {}, { claims }: LoggedIn = administrator) =>
    api.call(contract.putVippsSettings, claims, { body: { ...settings, ...changes } })
  const putCost = (changes: object = {}) =>
    api.call(contract.putVippsCost, administrator.claims, { body: { ...cost, ...changes } })
  const use = (logins: number, month?: string) =>
    sql`
    insert into nokkel.vipps_login_usage values (${organization}::uuid,
      coalesce(${month ?? null}, nokkel.norwegian_month(now())), ${logins}::integer)`.execute(database.owner)
  const storedRow = async () =>
    (
      await sql<{ wrapped_client_secret: Uint8Array; master_key_id: string; revision: number; client_id: string }>`
        select * from public.vipps_org_config where organization_id = ${organization}::uuid`.execute(database.owner)
    ).rows[0]

  it('say of a new organisation that nobody can get in', async () => {
    expect(await read()).toEqual({
      organization: slug,
      minimumAssurance: 'low',
      bankid: null,
      vipps: null,
      vippsRedirectUri: `http://localhost:3000/callback/vipps/${slug}`,
      cost: null,
      usage: [{ month: expect.stringMatching(/^\d{4}-\d{2}$/), logins: 0 }],
      warnings: ['no_way_in', 'vipps_unconfigured', 'bankid_unconfigured'],
    })
  })

  it('are set up step by step, and say what is left to do', async () => {
    expect(await put()).toMatchObject({
      status: 200,
      body: {
        vipps: { ...settings, secretSet: false },
        warnings: [
          'no_way_in',
          'vipps_secret_missing',
          'vipps_cost_unset',
          'personnummer_not_approved',
          'bankid_unconfigured',
        ],
      },
    })
    expect((await put({ clientSecret: secret })).body).toMatchObject({
      vipps: { ...settings, secretSet: true },
      warnings: ['vipps_cost_unset', 'personnummer_not_approved', 'bankid_unconfigured'],
    })
    expect((await putCost()).body).toMatchObject({
      cost,
      warnings: ['personnummer_not_approved', 'bankid_unconfigured'],
    })
    expect((await put({ personnummerApproved: true })).body.warnings).toEqual(['bankid_unconfigured'])
    expect((await put({ enabled: false })).body.warnings).toEqual([
      'no_way_in',
      'vipps_disabled',
      'bankid_unconfigured',
    ])
  })

  it('keep the secret under the master key, bound to the organisation, and never give it', async () => {
    const { body } = await put({ clientSecret: secret })
    expect(JSON.stringify(body)).not.toContain(secret)
    expect(JSON.stringify(await read())).not.toContain(secret)
    const row = await storedRow()
    expect(Buffer.from(row?.wrapped_client_secret ?? []).includes(secret)).toBe(false)
    expect(row?.master_key_id).toBe(api.keyring.keyId)
    const wrapped = row?.wrapped_client_secret ?? new Uint8Array()
    expect(await unwrapClientSecret(api.keyring, organization, wrapped)).toBe(secret)
    await expect(unwrapClientSecret(api.keyring, crypto.randomUUID(), wrapped)).rejects.toMatchObject({
      code: 'open_failed',
    })
  })

  it('keep the secret when something else changes, and ask for another one with another client or environment', async () => {
    await put({ clientSecret: secret })
    const before = await storedRow()
    expect((await put({ confirmInApp: true, authentication: 'client_secret_post', market: 'SE' })).body.vipps).toEqual({
      ...settings,
      confirmInApp: true,
      authentication: 'client_secret_post',
      market: 'SE',
      secretSet: true,
    })
    const after = await storedRow()
    expect(after?.wrapped_client_secret).toEqual(before?.wrapped_client_secret)
    expect(after?.revision).toBe((before?.revision ?? 0) + 1)
    for (const changes of [{ clientId: 'another' }, { environment: 'production' }]) {
      expect(await put(changes)).toMatchObject({ status: 400, code: 'secret_required' })
    }
    expect(await storedRow()).toEqual(after)
    const replaced = await put({ clientId: 'another', environment: 'production', clientSecret: 'of the other' })
    expect(replaced).toMatchObject({ status: 200, body: { vipps: { clientId: 'another', secretSet: true } } })
    const { wrapped_client_secret: wrapped = new Uint8Array() } = (await storedRow()) ?? {}
    expect(await unwrapClientSecret(api.keyring, organization, wrapped)).toBe('of the other')
  })

  it('take another client without a secret while there is none', async () => {
    await put()
    expect(await put({ clientId: 'another', environment: 'production' })).toMatchObject({
      status: 200,
      body: { vipps: { clientId: 'another', environment: 'production', secretSet: false } },
    })
  })

  it('take the addresses of an app that are of this provider and organisation', async () => {
    for (const scheme of ['https://app.example.no', 'no.example.app:']) {
      const appRedirectUri = `${scheme}/callback/vipps/${slug}`
      expect((await put({ appRedirectUri })).body.vipps).toMatchObject({ appRedirectUri })
      const appCallbackUri = `no.example.app:/x/callback/vipps/${slug}`
      expect((await put({ appRedirectUri, appCallbackUri })).body.vipps).toMatchObject({ appCallbackUri })
    }
  })

  it.each([
    ['another organisation', 'https://app.example.no/callback/vipps/other'],
    ['another provider', 'https://app.example.no/callback/bankid/ORG'],
    ['no TLS', 'http://app.example.no/callback/vipps/ORG'],
    ['a scheme that anybody may use', 'nokkel:/callback/vipps/ORG'],
    ['a script', 'javascript:alert(1)/callback/vipps/ORG'],
    ['a query', 'https://app.example.no/callback/vipps/ORG?x=1'],
    ['a fragment', 'https://app.example.no/callback/vipps/ORG#x'],
    ['a password', 'https://a:b@app.example.no/callback/vipps/ORG'],
    ['a path that goes up', 'https://app.example.no/x/../callback/vipps/ORG'],
    ['nothing', ''],
    ['the origin of somebody else', 'https://evil.example/callback/vipps/ORG'],
    ['an origin below that of the app', 'https://x.app.example.no/callback/vipps/ORG'],
    ['the scheme of another app', 'no.example.other:/callback/vipps/ORG'],
  ])('refuse an app redirect URI with %s', async (_what, uri) => {
    const appRedirectUri = uri.replace('ORG', slug)
    expect(await put({ appRedirectUri })).toMatchObject({
      status: 400,
      code: 'redirect_uri_invalid',
      data: { member: 'appRedirectUri' },
    })
    expect((await read()).vipps).toBeNull()
  })

  it('refuse an app callback URI without a way back, or of a form that is none', async () => {
    const appRedirectUri = `https://app.example.no/callback/vipps/${slug}`
    expect(await put({ appCallbackUri: appRedirectUri })).toMatchObject({ data: { member: 'appRedirectUri' } })
    for (const appCallbackUri of [
      `nokkel:/callback/vipps/${slug}`,
      `https://evil.example/callback/vipps/${slug}`,
      'no.example.app:/switch',
      'no.example.app:/callback/vipps/other',
      `no.example.app:/callback/bankid/${slug}`,
    ]) {
      const refused = await put({ appRedirectUri, appCallbackUri })
      expect(refused).toMatchObject({ code: 'redirect_uri_invalid', data: { member: 'appCallbackUri' } })
    }
    expect((await read()).vipps).toBeNull()
  })

  it.each([
    ['an environment there is none of', { environment: 'https://evil.example' }],
    ['an issuer', { issuer: 'https://evil.example' }],
    ['a client id with a space', { clientId: 'a b' }],
    ['an empty client id', { clientId: '' }],
    ['an empty secret', { clientSecret: '' }],
    ['a secret with U+0000', { clientSecret: 'a\0b' }],
    ['no authentication', { authentication: 'none' }],
    ['a serial number of letters', { merchantSerialNumber: 'abcdef' }],
    ['a market of elsewhere', { market: 'DE' }],
    ['less than everything', { enabled: undefined }],
  ])('refuse %s', async (_what, changes) => {
    expect(await put(changes)).toMatchObject({ status: 400, code: 'request_malformed' })
    expect((await read()).vipps).toBeNull()
  })

  it.each([{ pricePerLoginOre: -1 }, { pricePerLoginOre: 1.5 }, { monthlyCap: -1 }, { costCentre: 'x'.repeat(101) }])(
    'refuse the cost %j',
    async (changes) => {
      expect(await putCost(changes)).toMatchObject({ status: 400, code: 'request_malformed' })
      expect((await read()).cost).toBeNull()
    },
  )

  it.each([
    [7, []],
    [8, ['vipps_cap_near']],
    [9, ['vipps_cap_near']],
    [10, ['no_way_in', 'vipps_cap_reached']],
    [11, ['no_way_in', 'vipps_cap_reached']],
  ] as const)('say of %i logins of 10: %j', async (logins, warnings) => {
    await put({ clientSecret: secret, personnummerApproved: true })
    await putCost()
    await use(logins)
    expect((await read()).warnings).toEqual([...warnings, 'bankid_unconfigured'])
    expect((await putCost({ monthlyCap: null })).body.warnings).toEqual(['bankid_unconfigured'])
  })

  it('let nobody in with a cap of none', async () => {
    await put({ clientSecret: secret, personnummerApproved: true })
    expect((await putCost({ monthlyCap: 0 })).body.warnings).toContain('vipps_cap_reached')
  })

  it('tell the last months, the newest first, and of this one also when it had none', async () => {
    for (let month = 1; month <= 12; month++) await use(month, `2024-${String(month).padStart(2, '0')}`)
    await use(99, '2023-12')
    const { usage } = await read()
    expect(usage).toHaveLength(13)
    expect(usage.slice(1).map(({ month }: { month: string }) => month)).toEqual(
      Array.from({ length: 12 }, (_, index) => `2024-${String(12 - index).padStart(2, '0')}`),
    )
    expect(usage[0]).toMatchObject({ logins: 0 })
  })

  it('set the least assurance, and say when that leaves Vipps out', async () => {
    await put({ clientSecret: secret })
    const { body } = await api.call(contract.putLoginSettings, administrator.claims, {
      body: { minimumAssurance: 'substantial' },
    })
    expect(body).toMatchObject({ minimumAssurance: 'substantial' })
    expect(body.warnings.slice(0, 2)).toEqual(['no_way_in', 'vipps_below_assurance'])
    const refused = await api.call(contract.putLoginSettings, administrator.claims, {
      body: { minimumAssurance: 'highest' },
    })
    expect(refused).toMatchObject({ status: 400, code: 'request_malformed' })
  })

  const ask = (minimumAssurance: Assurance, { claims }: LoggedIn = administrator) =>
    api.call(contract.putLoginSettings, claims, { body: { minimumAssurance } })
  const stateOf = async ({ claims }: LoggedIn) =>
    (await sql<{ state: string }>`select nokkel.session_state(${claims.sid}::uuid) as state`.execute(database.owner))
      .rows[0]?.state
  const endOf = async ({ claims }: LoggedIn) =>
    (
      await sql<{ reason: string | null }>`
        select ended_reason as reason from nokkel.session where id = ${claims.sid}::uuid`.execute(database.owner)
    ).rows[0]?.reason

  it('end the sessions that came from less than is asked for, there and nowhere else', async () => {
    const [low, substantial, high] = await Promise.all(
      Assurance.options.map((assurance) => someone('member', organization, { assurance })),
    )
    const elsewhere = await createOrganization(database)
    const away = await logIn(database, elsewhere, await createPerson(database, elsewhere))
    const left = async () =>
      Promise.all([low, substantial, high, away, administrator].map((person) => person && endOf(person)))
    expect((await ask('low')).status).toBe(200)
    expect(await left()).toEqual([null, null, null, null, null])
    expect((await ask('substantial')).status).toBe(200)
    expect(await left()).toEqual(['revoked', null, null, null, null])
    expect((await ask('high')).status).toBe(200)
    expect(await left()).toEqual(['revoked', 'revoked', null, null, null])
    expect((await ask('low')).status).toBe(200)
    expect(await left()).toEqual(['revoked', 'revoked', null, null, null])
  })

  it('let no session live that came in while more was asked for', async () => {
    await ask('substantial')
    const late = await someone('member', organization, { assurance: 'low' })
    expect(await stateOf(late)).toBe('revoked')
    expect(await api.call(contract.listSessions, late.claims)).toMatchObject({ status: 401, code: 'session_ended' })
    expect(await stateOf(await someone('member', organization, { assurance: 'substantial' }))).toBe('live')
  })

  it('tell whoever would end their own session, and end none', async () => {
    const weak = await someone('administrator', organization, { assurance: 'substantial' })
    const member = await someone('member', organization, { assurance: 'low' })
    expect(await ask('high', weak)).toMatchObject({ status: 403, code: 'login_assurance_too_low' })
    expect(await read()).toMatchObject({ minimumAssurance: 'low' })
    expect(await endOf(member)).toBeNull()
    expect((await ask('substantial', weak)).status).toBe(200)
  })

  it.each<[string, Operation, unknown]>([
    ['the least assurance', contract.putLoginSettings, { minimumAssurance: 'high' }],
    ['Vipps', contract.putVippsSettings, { ...settings, clientSecret: secret }],
    ['its cost', contract.putVippsCost, cost],
  ])('want a login of the last five minutes: %s', async (_what, operation, body) => {
    const before = await read()
    const late = await someone('administrator', organization, { ageSeconds: 310 })
    expect(await api.call(operation, late.claims, { body })).toMatchObject({ status: 403, code: 'login_too_old' })
    expect((await api.call(contract.getLoginSettings, late.claims)).body).toEqual(before)
    const member = await someone('member', organization, { ageSeconds: 310 })
    expect(await api.call(operation, member.claims, { body })).toMatchObject({ status: 403, code: 'forbidden' })
    const inTime = await someone('administrator', organization, { ageSeconds: 200 })
    expect((await api.call(operation, inTime.claims, { body })).status).toBe(200)
  })

  describe('are for administrators of the organisation alone', () => {
    const operations: [string, Operation, unknown][] = [
      ['reading', contract.getLoginSettings, undefined],
      ['the least assurance', contract.putLoginSettings, { minimumAssurance: 'high' }],
      ['Vipps', contract.putVippsSettings, { ...settings, clientSecret: secret }],
      ['its cost', contract.putVippsCost, cost],
      ['the check', contract.checkVippsSettings, undefined],
    ]
    it.each(operations)('%s', async (_what, operation, body) => {
      const before = await read()
      const call = (claims: Claims | undefined) => api.call(operation, claims, body === undefined ? {} : { body })
      for (const role of ['member', 'coordinator'] as const) {
        expect(await call((await someone(role)).claims), role).toMatchObject({ status: 403, code: 'forbidden' })
      }
      // Administers another organisation and is a member here; and names ours in claims of a session that is not here.
      const elsewhere = await createOrganization(database)
      const other = await someone('administrator', elsewhere)
      const here = await logIn(database, organization, await createPerson(database, organization, { role: 'member' }))
      await sql`insert into public.organization_member (organization_id, user_id, role)
        values (${elsewhere}::uuid, ${here.id}::uuid, 'administrator')`.execute(database.owner)
      expect(await call(here.claims)).toMatchObject({ status: 403, code: 'forbidden' })
      const forged = await call({ ...other.claims, organization })
      expect(JSON.stringify(forged)).not.toContain(slug)
      if (operation === contract.putVippsSettings) expect(forged).toMatchObject({ status: 401, code: 'session_ended' })
      const ended = await someone('administrator')
      await sql`update nokkel.session set ended_at = now(), ended_reason = 'signed_out'
        where id = ${ended.claims.sid}::uuid`.execute(database.owner)
      expect(await call(ended.claims)).toMatchObject({ status: 401, code: 'session_ended' })
      const demoted = await someone('administrator')
      await sql`update public.organization_member set role = 'member' where user_id = ${demoted.id}::uuid`.execute(
        database.owner,
      )
      expect(await call(demoted.claims)).toMatchObject({ status: 403, code: 'forbidden' })
      expect(await call(undefined)).toMatchObject({ status: 401, code: 'token_missing' })
      expect(await read()).toEqual(before)
    })
  })

  it('are read through row level security by nobody else, and the secret by nobody', async () => {
    await put({ clientSecret: secret })
    await putCost()
    const elsewhere = await createOrganization(database)
    const rows = async ({ claims }: LoggedIn, table: string) =>
      (
        await withClaims(database.server, claims, (transaction) =>
          sql<{ organization_id: string }>`select organization_id from ${sql.table(table)}`.execute(transaction),
        )
      ).rows
    for (const table of ['public.vipps_org_config', 'public.vipps_org_cost_config']) {
      expect(await rows(administrator, table)).toEqual([{ organization_id: organization }])
      expect(await rows(await someone('coordinator'), table)).toEqual([])
      expect(await rows(await someone('administrator', elsewhere), table)).toEqual([])
    }
    // Also an administrator here sees nothing of it while logged in elsewhere.
    await sql`insert into public.organization_member (organization_id, user_id)
      values (${elsewhere}::uuid, ${administrator.id}::uuid)`.execute(database.owner)
    const away = await logIn(database, elsewhere, administrator.id)
    expect(await rows(away, 'public.vipps_org_config')).toEqual([])
    const peek = withClaims(database.server, administrator.claims, (transaction) =>
      sql`select wrapped_client_secret from public.vipps_org_config`.execute(transaction),
    )
    await expect(peek).rejects.toMatchObject({ code: '42501' })
  })

  it('are recorded, what was refused too, without a value', async () => {
    await put({ clientSecret: secret })
    await put({ clientId: 'another' })
    await put({}, await someone('coordinator'))
    await putCost()
    await api.call(contract.putLoginSettings, administrator.claims, { body: { minimumAssurance: 'high' } })
    const { rows } = await sql<{ action: string; outcome: string; problem: string | null }>`
      select action, outcome, problem, subject_type, subject_id, actor is not null as known, request_id is not null as asked
      from nokkel.audit_log where organization_id = ${organization}::uuid order by id`.execute(database.owner)
    const row = (action: string, problem: string | null = null) => ({
      action,
      outcome: problem === null ? 'allowed' : 'refused',
      problem,
      subject_type: 'organization',
      subject_id: organization,
      known: true,
      asked: true,
    })
    expect(rows).toEqual([
      row('vipps_config.change'),
      row('vipps_secret.change'),
      row('vipps_config.change', 'secret_required'),
      row('vipps_config.change', 'forbidden'),
      row('vipps_cost.change'),
      row('minimum_assurance.change'),
    ])
    const { rows: log } = await sql`select * from nokkel.audit_log`.execute(database.owner)
    expect(JSON.stringify(log)).not.toMatch(/planted|another/)
  })

  it('wrap nothing for whoever may not store it', async () => {
    const wrapped: unknown[] = []
    const dependencies = {
      database: database.server,
      keyring: { ...api.keyring, wrap: async (...given: unknown[]) => Promise.reject(wrapped.push(given)) },
      registry: createProviderRegistry([]),
      vippsIssuers: knownVippsIssuers,
      appUrl: 'https://keys.example.no',
      appOrigins: [],
    }
    const store = async ({ claims }: LoggedIn, changes: object = {}) =>
      putVippsSettings(
        dependencies,
        { claims, requestId: crypto.randomUUID() },
        { ...settings, clientSecret: secret, ...changes },
      )
    expect(await refusalOf(store(await someone('coordinator')))).toBe('forbidden')
    const late = await someone('administrator', organization, { ageSeconds: 310 })
    expect(await refusalOf(store(late))).toBe('login_too_old')
    expect(await refusalOf(store(administrator, { appRedirectUri: 'x' }))).toBe('redirect_uri_invalid')
    expect(wrapped).toEqual([])
  })
})
