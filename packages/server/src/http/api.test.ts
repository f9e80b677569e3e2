import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { consentTo, createLoginSystem, type LoginSystem, publicUrl } from '../../../../tools/testing/login.ts'

describe.each(databaseEngines)('http [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  let token: string
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database, { allowedOrigins: ['https://app.example'] })
    token = (await system.logIn('bankid')).tokens.accessToken
  })
  afterAll(async () => {
    await system.close()
    await database.close()
  })

  const refused = (code: string, status: number) =>
    expect.objectContaining({ status, body: expect.objectContaining({ code }) })
  const login = () => ({
    provider: 'bankid',
    organization: system.organization,
    codeChallenge: 'A'.repeat(43),
    state: 'B'.repeat(43),
    nonce: 'C'.repeat(43),
    consent: consentTo('bankid'),
  })
  const json = { 'content-type': 'application/json' }

  it('answers a problem as RFC 9457 says, with the id of the request', async () => {
    const { status, headers, body } = await system.request('GET', '/nokkel/nothing-here')
    expect(status).toBe(404)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(body).toEqual({
      type: 'urn:nokkel:problem:route_unknown',
      title: expect.any(String),
      status: 404,
      code: 'route_unknown',
      request_id: headers.get('x-request-id'),
    })
  })

  it.each([
    ['POST', '/nokkel/me', 'GET'],
    ['PATCH', '/nokkel/sessions', 'GET, DELETE'],
    ['GET', '/nokkel/session/refresh', 'POST'],
  ])('refuses %s %s', async (method, path, allow) => {
    const answer = await system.request(method, path, { token })
    expect(answer).toEqual(refused('method_not_allowed', 405))
    expect(answer.headers.get('allow')).toBe(allow)
  })

  it('asks for a token before it looks at anything else', async () => {
    const answer = await system.request('POST', '/nokkel/assignments', { body: 'not json' })
    expect(answer).toEqual(refused('token_missing', 401))
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
  })

  it.each([
    ['not JSON', '{'],
    ['not an object', '[]'],
    ['nothing', ''],
    ['deep', '['.repeat(30_000)],
    ['not UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
  ])('refuses a body that is %s', async (_, text) => {
    const request = new Request(`${publicUrl}/nokkel/login`, { method: 'POST', headers: json, body: text })
    const response = await system.server.fetch(request)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'request_malformed' })
  })

  it('names the places that are wrong and never what stood there', async () => {
    const body = { ...login(), state: 'secret value', nonce: 7, extra: 'secret value' }
    const answer = await system.request('POST', '/nokkel/login', { body })
    expect(answer.body.data.issues).toEqual([
      { path: 'body.state', problem: expect.any(String) },
      { path: 'body.state', problem: expect.any(String) },
      { path: 'body.nonce', problem: 'invalid_type' },
      { path: 'body', problem: 'unrecognized_keys' },
    ])
    expect(JSON.stringify(answer.body)).not.toContain('secret value')
  })

  it.each([
    ['text/plain', {}],
    ['application/json; charset=latin1', {}],
    ['application/x-www-form-urlencoded', {}],
    ['application/json', { 'content-encoding': 'gzip' }],
  ])('refuses %s %j', async (type, headers) => {
    const answer = await system.request('POST', '/nokkel/login', {
      body: login(),
      headers: { 'content-type': type, ...headers },
    })
    expect(answer).toEqual(refused('media_type_unsupported', 415))
  })

  it('takes a content type with its character set', async () => {
    const headers = { 'content-type': 'application/json; charset=UTF-8' }
    expect((await system.request('POST', '/nokkel/login', { body: login(), headers })).status).toBe(201)
  })

  it('refuses a body that is too large by its length', async () => {
    const body = JSON.stringify({ ...login(), state: 'x'.repeat(70_000) })
    expect(await system.request('POST', '/nokkel/login', { body })).toEqual(refused('body_too_large', 413))
  })

  it('stops reading a body of unknown length at the limit', async () => {
    let pulled = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(16_384))
      },
    })
    const init = { method: 'POST', headers: json, body, duplex: 'half' }
    const response = await system.server.fetch(new Request(`${publicUrl}/nokkel/login`, init as RequestInit))
    expect(response.status).toBe(413)
    expect(pulled).toBeLessThan(10)
  })

  it.each([
    ['/nokkel/members?unknown=1', 'query'],
    ['/nokkel/members?limit=1&limit=2', 'query'],
    ['/nokkel/members?limit=0', 'query.limit'],
    ['/nokkel/members?search=%00', 'query'],
    ['/nokkel/me?x=1', 'query'],
    ['/nokkel/assignments/not-a-uuid', 'path.id'],
    ['/nokkel/assignments/%2e%2e%2fme', 'path.id'],
  ])('refuses %s', async (path, place) => {
    const answer = await system.request('GET', path, { token })
    expect(answer).toEqual(refused('request_malformed', 400))
    expect(answer.body.data.issues[0].path).toBe(place)
  })

  it('takes no prototype from a body', async () => {
    const body = JSON.stringify(login()).replace('{', '{"__proto__":{"admin":true},')
    expect((await system.request('POST', '/nokkel/login', { body })).status).not.toBe(500)
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })

  it('never builds an URL from the Host header', async () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example' }
    const { body } = await system.request('POST', '/nokkel/login', { body: login(), headers })
    const redirect = new URL(body.authorizationUrl).searchParams.get('redirect_uri')
    expect(redirect).toBe(`${publicUrl}/callback/bankid/${system.organization}`)
  })

  it('sends security headers with everything', async () => {
    for (const path of ['/nokkel/health', '/nokkel/reference', '/nothing']) {
      const { headers } = await system.server.fetch(new Request(`${publicUrl}${path}`))
      expect(headers.get('content-security-policy')).toContain(
        "default-src 'self'; script-src 'self'; style-src 'self'",
      )
      expect(headers.get('content-security-policy')).not.toContain('unsafe')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
      expect(headers.get('strict-transport-security')).toBeNull()
    }
  })

  it('lets only pages of known origins in', async () => {
    const preflight = (origin: string) =>
      system.server.fetch(
        new Request(`${publicUrl}/nokkel/me`, {
          method: 'OPTIONS',
          headers: { origin, 'access-control-request-method': 'GET' },
        }),
      )
    expect((await preflight('https://app.example')).headers.get('access-control-allow-origin')).toBe(
      'https://app.example',
    )
    expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull()
    expect((await preflight('null')).headers.get('access-control-allow-origin')).toBeNull()
  })

  it('keeps answers out of caches', async () => {
    expect((await system.request('GET', '/nokkel/me', { token })).headers.get('cache-control')).toBe('no-store')
  })

  it('logs the route, and neither path, query, body nor token', async () => {
    system.logged.length = 0
    const id = crypto.randomUUID()
    await system.request('GET', `/nokkel/assignments/${id}`, { token })
    await system.request('GET', '/nokkel/members?search=hemmelig', { token })
    const text = JSON.stringify(system.logged)
    expect(system.logged).toContainEqual({
      level: 'info',
      event: 'request',
      requestId: expect.any(String),
      method: 'GET',
      route: '/nokkel/assignments/:id',
      status: 404,
      milliseconds: expect.any(Number),
    })
    for (const secret of [id, 'hemmelig', token]) expect(text).not.toContain(secret)
  })

  it('tells who is counted apart, and when to come back', async () => {
    const limited = await createLoginSystem(database, { limits: { login: { address: 3, person: Infinity } } })
    const attempt = (clientAddress: string, headers = {}) =>
      limited.server.fetch(
        new Request(`${publicUrl}/nokkel/login`, { method: 'POST', headers: { ...json, ...headers }, body: '{}' }),
        { clientAddress },
      )
    const statuses: number[] = []
    for (let count = 0; count < 4; count++) {
      statuses.push((await attempt('192.0.2.1', { 'x-forwarded-for': `198.51.100.${count}` })).status)
    }
    expect(statuses).toEqual([400, 400, 400, 429])
    const response = await attempt('192.0.2.1')
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await response.json()).toMatchObject({
      code: 'rate_limited',
      data: { retryAfterSeconds: expect.any(Number) },
    })
    expect((await attempt('192.0.2.2')).status).toBe(400)
    await limited.close()
  })
})
