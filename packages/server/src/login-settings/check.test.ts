import { checkVippsSettings } from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoginSystem, type LoginSystem } from '../../../../tools/testing/login.ts'
import { createProviderRegistry } from '../auth/providers/registry.ts'
import { rateClass } from '../http/rate-limit.ts'
import { givenRootKeys } from '../keyring/root-keys.ts'
import { createNokkelServer } from '../server.ts'
import { knownVippsIssuers, type VippsIssuers } from './login-setup.ts'

describe.each(databaseEngines)('trying what is stored [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  let token: string
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database)
    const { userId, tokens } = await system.logIn('bankid')
    token = tokens.accessToken
    await sql`update public.organization_member set role = 'administrator' where user_id = ${userId}::uuid`.execute(
      database.owner,
    )
  })
  afterAll(async () => {
    await system.close()
    await database.close()
  })

  const put = (changes: object = {}) =>
    system.request('PUT', '/nokkel/organization/vipps', {
      token,
      body: {
        enabled: false,
        environment: 'test',
        clientId: `${system.organization}-vipps`,
        authentication: 'client_secret_basic',
        merchantSerialNumber: null,
        personnummerApproved: true,
        confirmInApp: false,
        appRedirectUri: null,
        appCallbackUri: null,
        market: null,
        ...changes,
      },
    })
  const check = async () => {
    const { status, body } = await system.request('POST', '/nokkel/organization/vipps/check', { token })
    expect(status).toBe(200)
    return checkVippsSettings.schemas.responses[200]
      .parse(body)
      .findings.map(({ check: what, result }) => `${what} ${result}`)
  }

  it('tells an administrator what is wrong, from the first step to the last, also while it is off', async () => {
    expect((await put()).status).toBe(200)
    expect(await check()).toEqual(['discovery ok', 'redirect_uri ok', 'credentials failed', 'scopes ok'])
    await put({ clientSecret: 'planted-wrong-secret' })
    expect(await check()).toEqual(['discovery ok', 'redirect_uri ok', 'credentials failed', 'scopes ok'])
    await put({ clientSecret: 'not-a-secret' })
    expect(await check()).toEqual(['discovery ok', 'redirect_uri ok', 'credentials ok', 'scopes ok'])
    await put({ clientSecret: 'not-a-secret', environment: 'production' })
    expect(await check()).toEqual(['discovery failed'])
    await put({ clientSecret: 'not-a-secret', appRedirectUri: `no.example.app:/callback/vipps/${system.organization}` })
    expect(await check()).toEqual([
      'discovery ok',
      'redirect_uri ok',
      'redirect_uri failed',
      'credentials ok',
      'scopes ok',
    ])
    // As when the operator knew it once.
    await sql`update public.vipps_org_config set app_redirect_uri = 'https://evil.example/callback/vipps/x'
      where organization_id = ${system.organizationId}::uuid`.execute(database.owner)
    expect(await check()).toEqual([
      'discovery ok',
      'redirect_uri ok',
      'credentials ok',
      'scopes ok',
      'redirect_uri failed',
    ])
    // As before it had to say which login it is of.
    await sql`update public.vipps_org_config set app_redirect_uri = null, app_callback_uri = 'no.example.app:/switch'
      where organization_id = ${system.organizationId}::uuid`.execute(database.owner)
    expect((await check()).at(-1)).toBe('redirect_uri failed')
    expect(JSON.stringify(system.logged)).not.toMatch(/planted|not-a-secret/)
  })
})

it('is counted as a login is, for it asks the provider with credentials', () => {
  expect(rateClass(checkVippsSettings)).toBe('login')
})

it('knows apps by origin or scheme only', () => {
  for (const appOrigins of [['https://app.example.no/'], ['myapp:'], ['no.example.app']]) {
    const make = () =>
      createNokkelServer({
        database: 'postgres://nokkel_server@localhost:1/none',
        publicUrl: 'https://keys.example.no',
        rootKeys: givenRootKeys({ masterKeys: ['07'.repeat(32)], indexKeys: ['09'.repeat(32)] }),
        providers: createProviderRegistry([]),
        appOrigins,
      })
    expect(make, appOrigins[0]).toThrow('appOrigins must hold')
  }
})

describe('where Vipps is', () => {
  const make = (mode: 'development' | 'production', vippsIssuers: VippsIssuers) => () =>
    createNokkelServer({
      database: 'postgres://nokkel_server@localhost:1/none',
      publicUrl: 'https://keys.example.no',
      rootKeys: givenRootKeys({ masterKeys: ['07'.repeat(32)], indexKeys: ['09'.repeat(32)] }),
      providers: createProviderRegistry([]),
      vippsIssuers,
      mode,
    })

  it('is the operator’s to say, over TLS', () => {
    expect(make('production', { production: knownVippsIssuers.production })).not.toThrow()
    expect(make('production', knownVippsIssuers)).toThrow('The issuer of vipps/test is a test environment')
    expect(make('production', { production: 'http://localhost:3000/' })).toThrow(
      'The issuer of vipps/production must be an https URL.',
    )
    expect(make('development', { test: 'http://localhost:3000/' })).not.toThrow()
    expect(make('development', knownVippsIssuers)).not.toThrow()
    expect(make('development', { test: 'http://vipps.example/' })).toThrow('vipps/test must be an https URL')
    expect(make('development', { test: 'vipps' })).toThrow('The issuer of vipps/test is not an URL.')
  })
})
