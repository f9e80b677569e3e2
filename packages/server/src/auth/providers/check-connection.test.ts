import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSandbox, type Sandbox } from '@nokkel/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CheckedConnection, checkConnection } from './check-connection.ts'

const redirectUri = (provider: 'bankid' | 'vipps') => `https://keys.example.no/callback/${provider}/likeperson`
const appRedirectUri = 'no.example.app:/callback/vipps/likeperson'
const secret = 'planted-client-secret'
const wrongSecret = 'planted-wrong-secret'

async function listen(answer: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  return { url: `http://localhost:${(server.address() as AddressInfo).port}`, server }
}

const options = {
  redirectUri: redirectUri('vipps'),
  production: false,
  timeoutSeconds: 5,
  now: () => new Date(),
}

describe('the check of a connection', () => {
  let sandbox: Sandbox
  let host: Server
  beforeAll(async () => {
    const listening = await listen((request, response) => {
      if (!sandbox.handle(request, response)) response.writeHead(404).end()
    })
    host = listening.server
    const client = (provider: 'bankid' | 'vipps', nationalNumber = true) => ({
      clientId: nationalNumber ? 'client' : 'without-number',
      clientSecret: secret,
      redirectUris: [redirectUri(provider), ...(provider === 'vipps' ? [appRedirectUri] : [])],
      nationalNumber,
    })
    sandbox = createSandbox({
      publicUrl: listening.url,
      clients: { bankid: [client('bankid'), client('bankid', false)], vipps: [client('vipps')] },
    })
  })
  afterAll(() => {
    sandbox.close()
    host.close()
    host.closeAllConnections()
  })

  const connection = (provider: 'bankid' | 'vipps', changes: Partial<CheckedConnection> = {}): CheckedConnection => ({
    provider,
    organization: 'likeperson',
    issuer: sandbox[provider].issuer,
    clientId: 'client',
    authentication: { method: 'client_secret_basic', secret },
    personnummer: true,
    ...changes,
  })
  const check = async (provider: 'bankid' | 'vipps', changes?: Partial<CheckedConnection>, more: object = {}) => {
    const findings = await checkConnection(connection(provider, changes), {
      ...options,
      redirectUri: redirectUri(provider),
      ...more,
    })
    expect(JSON.stringify(findings)).not.toMatch(new RegExp(`${secret}|${wrongSecret}`))
    return findings
  }
  const results = async (...given: Parameters<typeof check>) =>
    (await check(...given)).map(({ check: what, result }) => `${what} ${result}`)
  const detailOf = async (what: string, ...given: Parameters<typeof check>) =>
    (await check(...given)).find((finding) => finding.check === what)?.detail

  it.each(['bankid', 'vipps'] as const)('finds nothing wrong with a %s that is set up right', async (provider) => {
    expect(await results(provider)).toEqual(['discovery ok', 'redirect_uri ok', 'credentials ok', 'scopes ok'])
    expect(await detailOf('redirect_uri', provider)).toBe(`${redirectUri(provider)} is registered.`)
  })

  it('looks at the redirect URI of an app, too', async () => {
    expect(await results('vipps', { appRedirectUri })).toEqual([
      'discovery ok',
      'redirect_uri ok',
      'redirect_uri ok',
      'credentials ok',
      'scopes ok',
    ])
    const findings = await check('vipps', { appRedirectUri: 'no.example.other:/callback/vipps/likeperson' })
    expect(findings[2]).toMatchObject({ check: 'redirect_uri', result: 'failed' })
    expect(findings[2]?.detail).toContain('Register exactly no.example.other:/callback/vipps/likeperson')
  })

  it('says that a secret is wrong, of whichever method', async () => {
    for (const method of ['client_secret_basic', 'client_secret_post'] as const) {
      const given = { authentication: { method, secret: wrongSecret } }
      expect(await results('vipps', given)).toContain('credentials failed')
      expect(await detailOf('credentials', 'vipps', given)).toMatch(/does not let the client client in.*not activated/)
    }
  })

  it('says that there is no secret, and tries the rest', async () => {
    const { authentication: _, ...without } = connection('vipps')
    const findings = await checkConnection(without, options)
    expect(findings.map(({ check: what, result }) => `${what} ${result}`)).toEqual([
      'discovery ok',
      'redirect_uri ok',
      'credentials failed',
      'scopes ok',
    ])
  })

  it('says that a client is not known', async () => {
    expect(await results('vipps', { clientId: 'nobody' })).toEqual([
      'discovery ok',
      'redirect_uri failed',
      'credentials failed',
      'scopes unknown',
    ])
  })

  it('says which redirect URI to register', async () => {
    const elsewhere = 'https://elsewhere.example.no/callback/vipps/likeperson'
    expect(await results('vipps', {}, { redirectUri: elsewhere })).toContain('redirect_uri failed')
    expect(await detailOf('redirect_uri', 'vipps', {}, { redirectUri: elsewhere })).toContain(
      `Register exactly ${elsewhere} for the client client.`,
    )
  })

  it('says that a redirect URI without TLS will not do in production', async () => {
    const plain = 'http://keys.example.no/callback/vipps/likeperson'
    const findings = await checkConnection(connection('vipps', { issuer: 'https://localhost:1/' }), {
      ...options,
      redirectUri: plain,
      production: true,
    })
    expect(findings[1]).toMatchObject({
      check: 'redirect_uri',
      result: 'failed',
      detail: expect.stringContaining('https'),
    })
  })

  it('says that a scope is refused', async () => {
    expect(await results('bankid', { clientId: 'without-number' })).toEqual([
      'discovery ok',
      'redirect_uri ok',
      'credentials ok',
      'scopes failed',
    ])
    expect(await detailOf('scopes', 'bankid', { clientId: 'without-number' })).toMatch(
      /refuses a scope of openid profile nnin_altsub.*switch the personnummer off/,
    )
    expect(await results('bankid', { clientId: 'without-number', personnummer: false })).toContain('scopes ok')
  })

  it('says that an issuer is written otherwise', async () => {
    const issuer = sandbox.vipps.issuer.replace(/\/$/, '')
    const findings = await check('vipps', { issuer })
    expect(findings[0]).toMatchObject({ check: 'discovery', result: 'failed' })
    expect(findings[0]?.detail).toMatch(/final slash/)
    expect(findings.map(({ result }) => result)).toContain('unknown')
  })

  it('says that the provider is another one', async () => {
    // Vipps signs with RS256, and nobody proves who they are to it with a key.
    const details = (await check('bankid', { issuer: sandbox.vipps.issuer }))
      .filter((finding) => finding.check === 'discovery')
      .map(({ detail }) => detail)
    expect(details).toEqual([expect.stringContaining('does not have ES256')])
  })

  it.each<[string, RequestListener, RegExp]>([
    ['nothing there', (_, response) => response.writeHead(404).end('x'), /answers 404/],
    ['a redirect', (_, response) => response.writeHead(302, { location: '/elsewhere' }).end(), /answers 302/],
    ['no JSON', (_, response) => response.end('<html>'), /is no discovery document/],
    ['a list', (_, response) => response.end('[]'), /is no discovery document/],
    ['a connection that is cut', (request) => request.socket.destroy(), /cannot be reached/],
  ])('says of an issuer with %s what it is', async (_what, answer, detail) => {
    const { url, server } = await listen(answer)
    const findings = await check('vipps', { issuer: `${url}/` })
    server.close()
    expect(findings.map(({ check: what, result }) => `${what} ${result}`)).toEqual([
      'discovery failed',
      'redirect_uri unknown',
      'credentials unknown',
      'scopes unknown',
    ])
    expect(findings[0]?.detail).toMatch(detail)
  })

  describe('of a provider that behaves otherwise', () => {
    type Answers = Partial<Record<'/authorize' | '/token' | '/keys', RequestListener>>
    const checkAgainst = async (answers: Answers, metadata: (url: string) => object = () => ({})) => {
      let origin = ''
      const { url, server } = await listen((request, response) => {
        const path = new URL(request.url ?? '/', origin).pathname
        if (path === '/.well-known/openid-configuration') {
          response.setHeader('content-type', 'application/json')
          return response.end(
            JSON.stringify({
              issuer: `${origin}/`,
              authorization_endpoint: `${origin}/authorize`,
              token_endpoint: `${origin}/token`,
              jwks_uri: `${origin}/keys`,
              response_types_supported: ['code'],
              code_challenge_methods_supported: ['S256'],
              id_token_signing_alg_values_supported: ['RS256'],
              ...metadata(origin),
            }),
          )
        }
        const answer = answers[path as keyof Answers]
        return answer ? answer(request, response) : response.writeHead(500).end()
      })
      origin = url
      const findings = await check('vipps', { issuer: `${url}/` })
      server.close()
      server.closeAllConnections()
      return findings.map((finding) => [finding.check, finding.result, finding.detail] as const)
    }
    const json =
      (status: number, body: object): RequestListener =>
      (_, response) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      }
    const redirect =
      (location: string): RequestListener =>
      (_, response) =>
        response.writeHead(302, { location }).end()
    const page: RequestListener = (_, response) => response.end('<h1>Log in</h1>')

    it('takes a login page for a yes', async () => {
      const found = await checkAgainst({ '/authorize': page, '/token': json(400, { error: 'invalid_grant' }) })
      expect(found.map(([what, result]) => `${what} ${result}`)).toEqual([
        'discovery ok',
        'redirect_uri ok',
        'credentials ok',
        'scopes ok',
      ])
      const onward = await checkAgainst({ '/authorize': redirect('/login?challenge=x') })
      expect(onward[1]?.slice(0, 2)).toEqual(['redirect_uri', 'ok'])
    })

    it('takes an error page of its own for a no, and repeats nothing of it', async () => {
      const found = await checkAgainst({
        '/authorize': redirect('/error?error=invalid_request&error_description=planted-description'),
        '/token': json(400, { error: 'invalid_grant' }),
      })
      expect(found[1]).toEqual(['redirect_uri', 'failed', expect.stringContaining('with invalid_request')])
      expect(JSON.stringify(found)).not.toContain('planted-description')
      const odd = await checkAgainst({ '/authorize': redirect('/error?error=Planted%20text') })
      expect(odd[1]?.[2]).toContain('with unknown')
    })

    it('does not know of scopes what the provider does not say', async () => {
      const found = await checkAgainst({ '/authorize': redirect(`${options.redirectUri}?error=server_error`) })
      expect(found[1]?.[1]).toBe('ok')
      expect(found.at(-1)).toEqual(['scopes', 'unknown', expect.stringContaining('answers server_error')])
      const fragment = await checkAgainst({ '/authorize': redirect(`${options.redirectUri}#error=invalid_scope`) })
      expect(fragment.at(-1)?.[1]).toBe('failed')
    })

    it('says which scope is not announced', async () => {
      const announced = () => ({ scopes_supported: ['openid', 'name', 'phoneNumber', 'email', 'address'] })
      const accepted = await checkAgainst({ '/authorize': page }, announced)
      expect(accepted.at(-1)).toEqual(['scopes', 'unknown', expect.stringContaining('does not announce nin')])
      const unreachable = await checkAgainst({}, announced)
      expect(unreachable.at(-1)?.[1]).toBe('failed')
    })

    it.each([
      [json(401, { error: 'invalid_client' }), 'failed', /does not let the client/],
      [json(400, { error: 'unauthorized_client' }), 'failed', /authorization code flow/],
      [json(400, { error: 'temporarily_unavailable' }), 'unknown', /answers temporarily_unavailable/],
      [json(200, { access_token: 'x', token_type: 'bearer' }), 'failed', /never gave out/],
      [page, 'unknown', /no usable answer/],
    ] as const)('tells of the token endpoint (%#)', async (answer, result, detail) => {
      const found = await checkAgainst({ '/authorize': page, '/token': answer })
      expect(found[2]).toEqual(['credentials', result, expect.stringMatching(detail)])
    })

    it('says what the metadata lack', async () => {
      const found = await checkAgainst({}, () => ({
        authorization_endpoint: undefined,
        jwks_uri: 'x',
        response_types_supported: ['token'],
        code_challenge_methods_supported: ['plain'],
        token_endpoint_auth_methods_supported: ['none'],
      }))
      const failed = found.filter(([what]) => what === 'discovery').map(([, , detail]) => detail)
      expect(failed).toEqual([
        expect.stringContaining('authorization_endpoint is missing'),
        expect.stringContaining('jwks_uri is missing'),
        expect.stringContaining('does not have code'),
        expect.stringContaining('does not have S256'),
        expect.stringContaining('does not have client_secret_basic'),
      ])
    })
  })
})
