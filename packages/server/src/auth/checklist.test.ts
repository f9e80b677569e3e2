import { decodeJwt } from 'jose'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { consentTo, createLoginSystem, type LoginSystem } from '../../../../tools/testing/login.ts'

type Operations = Record<string, Record<string, { responses: object; requestBody?: unknown; parameters?: unknown }>>

/** The names of all members and parameters that a schema has, also those it refers to. */
function namesIn(schema: unknown, schemas: Record<string, unknown>): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([key, value]) => {
    if (key === '$ref') return namesIn(schemas[String(value).replace('#/components/schemas/', '')], schemas)
    if (key === 'properties') return [...Object.keys(value), ...namesIn(Object.values(value), schemas)]
    return key === 'name' && typeof value === 'string' ? [value] : namesIn(value, schemas)
  })
}

/** What is asked of a login and shown nowhere else; most of it of authorization servers, where ours is none. */
describe.each(databaseEngines)('the checklist of the login [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database)
  })
  afterAll(async () => {
    await system.close()
    await database.close()
  })

  const refused = (code: string, status: number) =>
    expect.objectContaining({ status, body: expect.objectContaining({ code }) })

  it('announces keys, and neither endpoints nor grants nor ways to register', async () => {
    const { body } = await system.request('GET', '/nokkel/.well-known/openid-configuration')
    expect(Object.keys(body).sort()).toEqual([
      'dpop_signing_alg_values_supported',
      'id_token_signing_alg_values_supported',
      'issuer',
      'jwks_uri',
      'response_types_supported',
      'subject_types_supported',
    ])
    expect(body.response_types_supported).toEqual([])
  })

  it.each([
    '/authorize',
    '/oauth/authorize',
    '/oauth2/auth',
    '/token',
    '/oauth/token',
    '/register',
    '/nokkel/authorize',
    '/nokkel/token',
    '/nokkel/.well-known/oauth-authorization-server',
    '/.well-known/oauth-authorization-server',
  ])('has nothing at %s', async (path) => {
    const query = 'response_type=code&client_id=x&redirect_uri=https%3A%2F%2Fevil.example%2F'
    for (const method of ['GET', 'POST']) {
      const answer = await system.request(method, `${path}?${query}`)
      expect(answer).toEqual(refused('route_unknown', 404))
      expect(answer.headers.get('location')).toBeNull()
    }
  })

  it('redirects nobody, and takes neither a password nor where a login is to go', async () => {
    const { body } = await system.request('GET', '/nokkel/openapi.json')
    const all = Object.entries(body.paths as Operations).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, ...operation })),
    )
    expect(all.length).toBeGreaterThan(40)
    for (const { path, responses } of all) {
      expect({ path, redirects: Object.keys(responses).filter((status) => /^3/.test(status)) }).toEqual({
        path,
        redirects: [],
      })
    }
    const taken = (path: RegExp) =>
      all
        .filter((operation) => path.test(operation.path))
        .flatMap(({ requestBody, parameters }) => namesIn([requestBody, parameters], body.components.schemas))
    const ofLogins = taken(/^\/nokkel\/(login|session|me\/logins)/)
    expect(ofLogins).toEqual(expect.arrayContaining(['codeVerifier', 'nonce', 'refreshToken', 'shares']))
    const forbidden = /password|redirect|scope|return|secret/i
    expect(ofLogins.filter((name) => forbidden.test(name))).toEqual([])
    // Those of administrators take such members, which shows that they would be seen.
    expect(taken(/./).filter((name) => forbidden.test(name))).toEqual(expect.arrayContaining(['appRedirectUri']))
  })

  it('answers no request with a redirect, at whichever route and however it is asked', async () => {
    const { body } = await system.request('GET', '/nokkel/openapi.json')
    const { tokens } = await system.logIn('bankid')
    const evil = 'https://evil.example/'
    const query = new URLSearchParams({ redirect_uri: evil, returnTo: evil, next: evil, url: evil, continue: evil })
    const routes = Object.entries(body.paths as Operations).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ path: path.replaceAll(/\{[^}]+\}/g, crypto.randomUUID()), method })),
    )
    const others = [
      'openapi.json',
      'reference',
      'reference/',
      'health',
      'ready',
      '.well-known/jwks.json',
      '/evil.example',
    ]
    const everywhere = [...routes, ...others.map((path) => ({ path: `/nokkel/${path}`, method: 'get' }))]
    expect(everywhere.length).toBeGreaterThan(40)
    const seen = new Set<number>()
    for (const { path, method } of everywhere) {
      const isRead = method === 'get'
      for (const token of isRead ? [undefined, tokens.accessToken] : [undefined]) {
        const request = new Request(`http://localhost:3000${path}?${query}`, {
          method: method.toUpperCase(),
          headers: {
            origin: evil.slice(0, -1),
            'x-forwarded-host': 'evil.example',
            'content-type': 'application/json',
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
          },
          ...(!isRead && { body: '{}' }),
        })
        const { status, headers } = await system.server.fetch(request)
        seen.add(status)
        const elsewhere = ['location', 'refresh', 'content-location'].filter((name) => headers.has(name))
        expect({ path, method, redirects: status >= 300 && status < 400, elsewhere }).toEqual({
          path,
          method,
          redirects: false,
          elsewhere: [],
        })
      }
    }
    expect([...seen]).toEqual(expect.arrayContaining([200, 400, 401, 404]))
  })

  it('begins nothing without a challenge, and finishes nothing without the verifier', async () => {
    const body = {
      provider: 'bankid',
      organization: system.organization,
      state: 'A'.repeat(43),
      nonce: 'B'.repeat(43),
      consent: consentTo('bankid'),
    }
    expect(await system.request('POST', '/nokkel/login', { body })).toEqual(refused('request_malformed', 400))
    const login = await system.begin('bankid')
    const callback = await system.visit(login)
    for (const codeVerifier of [undefined, '', null]) {
      expect(await system.complete(login, callback, { codeVerifier })).toEqual(refused('request_malformed', 400))
    }
    expect(await system.complete(login, callback)).toMatchObject({ status: 200 })
  })

  it('takes an access token from the header alone', async () => {
    const { tokens } = await system.logIn('bankid')
    const query = `/nokkel/me?access_token=${tokens.accessToken}`
    expect((await system.request('GET', query)).status).toBe(401)
    expect(await system.request('GET', '/nokkel/me')).toEqual(refused('token_missing', 401))
    expect(await system.request('GET', '/nokkel/me', { token: tokens.accessToken })).toMatchObject({ status: 200 })
  })

  it('gives a refresh the same person, session and organisation, and nothing that is asked for besides', async () => {
    const { tokens, signing } = await system.logIn('bankid')
    const of = (token: string) => {
      const { iat: _, exp: __, ...rest } = decodeJwt(token)
      return rest
    }
    for (const more of [{ scope: 'openid admin' }, { organization: 'another' }, { audience: 'x' }, { resource: 'x' }]) {
      const body = { refreshToken: tokens.refreshToken, ...more }
      expect(await system.request('POST', '/nokkel/session/refresh', { body, signing })).toEqual(
        refused('request_malformed', 400),
      )
    }
    const { body } = await system.refresh(tokens, signing)
    expect(of(body.accessToken)).toEqual(of(tokens.accessToken))
  })

  it('leaves the session of a login alone when its callback comes again, from whoever', async () => {
    const login = await system.begin('vipps')
    const callback = await system.visit(login)
    const { tokens } = (await system.complete(login, callback)).body
    const { signing } = await system.begin('vipps')
    for (const again of [login, { ...login, signing }]) {
      expect(await system.complete(again, callback)).toEqual(refused('login_unknown', 400))
    }
    expect((await system.request('GET', '/nokkel/me', { token: tokens.accessToken })).status).toBe(200)
    expect((await system.refresh(tokens, login.signing)).status).toBe(200)
  })

  it('ends every refresh token with the session that the first one came with', async () => {
    const { tokens, signing } = await system.logIn('bankid')
    const lives = Date.parse(tokens.sessionExpiresAt) - Date.now()
    expect(Math.round(lives / 86_400_000)).toBe(30)
    const second = (await system.refresh(tokens, signing)).body
    const third = (await system.refresh(second, signing)).body
    expect([second, third].map(({ sessionExpiresAt }) => sessionExpiresAt)).toEqual([
      tokens.sessionExpiresAt,
      tokens.sessionExpiresAt,
    ])
    await sql`update nokkel.session set expires_at = now() where id = ${tokens.sessionId}::uuid`.execute(database.owner)
    for (const each of [second, third]) {
      expect(await system.refresh(each, signing)).toEqual(refused('session_expired', 401))
    }
  })

  it('ends every refresh token at logout, also one that was just replaced', async () => {
    const { tokens, signing } = await system.logIn('bankid')
    const next = (await system.refresh(tokens, signing)).body
    expect((await system.request('DELETE', '/nokkel/session', { token: next.accessToken })).status).toBe(204)
    for (const each of [tokens, next]) {
      expect(await system.refresh(each, signing)).toEqual(refused('session_ended', 401))
    }
  })

  it('keeps nothing of a person who is deleted', async () => {
    const { userId } = await system.logIn('vipps', 'likeperson-medlem-2')
    await sql`insert into nokkel.removed_login (provider, client_id, subject, user_id)
      values ('bankid', '*', 'removed', ${userId}::uuid)`.execute(database.owner)
    const tables = [
      'public.external_identity',
      'nokkel.removed_login',
      'public.user_identities',
      'nokkel.person_key',
      'nokkel.session',
      'nokkel.pseudonym',
    ]
    const left = async () =>
      Promise.all(
        tables.map(async (table) => {
          const rows = sql`select from ${sql.raw(table)} where user_id = ${userId}::uuid`
          return (await rows.execute(database.owner)).rows.length
        }),
      )
    expect(await left()).toEqual([1, 1, 1, 1, 1, 1])
    await sql`delete from public.app_user where auth_user_id = ${userId}::uuid`.execute(database.owner)
    expect(await left()).toEqual([0, 0, 0, 0, 0, 0])
  })
})
