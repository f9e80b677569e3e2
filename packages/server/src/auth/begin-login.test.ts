import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { people, syntheticNationalNumber } from '@nokkel/sandbox'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import {
  type Answer,
  consentTo,
  createLoginSystem,
  firstPerson,
  type LoginSystem,
  publicUrl,
} from '../../../../tools/testing/login.ts'
import type { Provider } from './providers/provider.ts'
import { definitionOf } from './providers/registry.ts'

const [codeChallenge, state, nonce] = ['A'.repeat(43), 'B'.repeat(43), 'C'.repeat(43)]
const personnummer = people.find(({ id }) => id === firstPerson)?.nationalNumber ?? ''
const withoutPersonnummer = (provider: Provider) => ({
  version: 'v1',
  shares: consentTo(provider).shares.filter((share) => share !== 'personnummer'),
})

describe.each(databaseEngines)('beginning a login [%s]', (engine) => {
  let database: TestDatabase
  const systems: LoginSystem[] = []
  /** With everything that an organisation may have. */
  let complete: LoginSystem
  /** With nothing but the browser. */
  let plain: LoginSystem

  async function start(options: Parameters<typeof createLoginSystem>[1] = {}): Promise<LoginSystem> {
    const system = await createLoginSystem(database, options)
    systems.push(system)
    return system
  }
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    plain = await start({ personnummer: false })
    complete = await start()
  })
  afterAll(async () => {
    for (const system of systems) await system.close()
    await database.close()
  })

  function begin(system: LoginSystem, provider: Provider, changes: Record<string, unknown> = {}): Promise<Answer> {
    const { organization } = system
    const body = { provider, organization, codeChallenge, state, nonce, consent: consentTo(provider), ...changes }
    return system.request('POST', '/nokkel/login', { body })
  }

  async function parametersOf(
    system: LoginSystem,
    provider: Provider,
    changes: Record<string, unknown> = {},
  ): Promise<{ endpoint: string; parameters: Record<string, string> }> {
    const { status, body } = await begin(system, provider, changes)
    expect(status).toBe(201)
    const { origin, pathname, searchParams } = new URL(body.authorizationUrl)
    const names = [...searchParams.keys()]
    expect(new Set(names).size).toBe(names.length)
    return { endpoint: `${origin}${pathname}`, parameters: Object.fromEntries(searchParams) }
  }

  const common = { response_type: 'code', state, nonce, code_challenge: codeChallenge, code_challenge_method: 'S256' }
  const refused = (code: string, status: number) =>
    expect.objectContaining({ status, body: expect.objectContaining({ code }) })

  async function attempts(): Promise<unknown> {
    const { rows } = await sql`select count(*)::int as count from nokkel.login_attempt`.execute(database.owner)
    return rows
  }

  describe('the URL', () => {
    it('of BankID in the browser', async () => {
      const { sandbox, organization } = complete
      expect(await parametersOf(complete, 'bankid')).toEqual({
        endpoint: `${sandbox.bankid.issuer}/protocol/openid-connect/auth`,
        parameters: {
          ...common,
          client_id: `${organization}-bankid`,
          redirect_uri: `${publicUrl}/callback/bankid/${organization}`,
          scope: 'openid profile nnin_altsub',
          acr_values: 'urn:bankid:bid',
        },
      })
    })

    it.each(['bankid', 'vipps'] as const)(
      'of %s comes back to the application, where that is elsewhere',
      async (provider) => {
        const appUrl = 'https://app.example.no'
        const system = await start({ appUrl, allowedOrigins: [appUrl], personnummer: false })
        const { parameters } = await parametersOf(system, provider)
        expect(parameters.redirect_uri).toBe(`${appUrl}/callback/${provider}/${system.organization}`)
      },
    )

    it('of Vipps in the browser', async () => {
      const { sandbox, organization } = complete
      expect(await parametersOf(complete, 'vipps')).toEqual({
        endpoint: `${sandbox.vipps.issuer}oauth2/auth`,
        parameters: {
          ...common,
          client_id: `${organization}-vipps`,
          redirect_uri: `${publicUrl}/callback/vipps/${organization}`,
          scope: 'openid name phoneNumber email address nin',
        },
      })
    })

    it('of Vipps that opens the browser again', async () => {
      const { parameters } = await parametersOf(complete, 'vipps', { flow: 'automatic_return' })
      expect(parameters).toEqual({
        ...common,
        client_id: `${complete.organization}-vipps`,
        redirect_uri: `${publicUrl}/callback/vipps/${complete.organization}`,
        scope: 'openid name phoneNumber email address nin',
        requested_flow: 'automatic_return_from_vipps_app',
      })
    })

    it('has the market of Vipps and its confirmation in the app', async () => {
      const system = await start({ connection: () => ({ vipps: { market: 'DK', confirmInApp: true } }) })
      const { parameters } = await parametersOf(system, 'vipps')
      expect(parameters).toMatchObject({ market: 'DK', acr_values: 'urn:vipps:acr:app_auth' })
    })

    it.each([
      ['idura', 'bankid', 'openid ssn', 'urn:grn:authn:no:bankid:high'],
      ['idura', 'vipps', 'openid address ssn', 'urn:grn:authn:no:vipps'],
      ['signicat', 'bankid', 'openid profile nbid-extra idp-id nin', 'idp:nbid nbid_idp:BID'],
    ] as const)('of %s for %s', async (via, provider, scope, acr_values) => {
      const system = await start({ connection: () => ({ [provider]: { via } }) })
      const shares = [...definitionOf({ provider, via }).shares, 'personnummer']
      const { endpoint, parameters } = await parametersOf(system, provider, { consent: { version: 'v1', shares } })
      expect(endpoint.startsWith(`${system.sandbox[via].issuer}/`)).toBe(true)
      expect(parameters).toEqual({
        ...common,
        client_id: `${system.organization}-${provider}`,
        redirect_uri: `${publicUrl}/callback/${provider}/${system.organization}`,
        scope,
        acr_values,
      })
    })
  })

  describe('into an app', () => {
    const vippsApp = (organization: string) => `no.example.app:/callback/vipps/${organization}`
    const bankidApp = (organization: string) => `https://app.example.no/callback/bankid/${organization}`
    const vippsSwitch = (organization: string) => `https://app.example.no/callback/vipps/${organization}`
    const bankidSwitch = 'https://app.example.no/switch'
    let system: LoginSystem
    beforeAll(async () => {
      system = await start({
        connection: (organization) => ({
          vipps: { appRedirectUri: vippsApp(organization), appCallbackUri: vippsSwitch(organization), market: 'NO' },
          bankid: { appRedirectUri: bankidApp(organization), appCallbackUri: bankidSwitch },
        }),
      })
    })

    it.each([
      ['app_to_app', (organization: string) => ({ app_callback_uri: vippsSwitch(organization) })],
      ['app_to_app_v2', () => ({})],
    ] as const)('of Vipps: %s', async (flow, expected) => {
      const { parameters } = await parametersOf(system, 'vipps', { flow })
      expect(parameters).toEqual({
        ...common,
        ...expected(system.organization),
        requested_flow: flow,
        client_id: `${system.organization}-vipps`,
        redirect_uri: vippsApp(system.organization),
        scope: 'openid name phoneNumber email address nin',
        final_redirect_is_app: 'true',
        market: 'NO',
      })
    })

    it.each([
      ['app_to_app', { app_callback_uri: bankidSwitch }],
      ['app_to_app_v2', {}],
    ])('of BankID: %s', async (flow, expected) => {
      const { parameters } = await parametersOf(system, 'bankid', { flow })
      expect(parameters).toEqual({
        ...common,
        ...expected,
        client_id: `${system.organization}-bankid`,
        redirect_uri: bankidApp(system.organization),
        scope: 'openid profile nnin_altsub',
        acr_values: 'urn:bankid:bid',
      })
    })

    it.each([
      ['vipps', 'app_to_app'],
      ['vipps', 'app_to_app_v2'],
      ['bankid', 'app_to_app'],
      ['bankid', 'app_to_app_v2'],
      ['vipps', 'automatic_return'],
    ] as const)('and back with %s: %s', async (provider, flow) => {
      const login = await system.begin(provider, { flow })
      expect(await system.complete(login, await system.visit(login))).toMatchObject({ status: 200 })
    })

    it('does without the switch only where the flow does', async () => {
      const single = await start({
        connection: (organization) => ({
          vipps: { appRedirectUri: vippsApp(organization) },
          bankid: { appRedirectUri: bankidApp(organization) },
        }),
      })
      for (const provider of ['bankid', 'vipps'] as const) {
        expect(await begin(single, provider, { flow: 'app_to_app' })).toEqual(refused('provider_flow_unavailable', 409))
        expect((await begin(single, provider, { flow: 'app_to_app_v2' })).status).toBe(201)
      }
    })
  })

  it('records what was agreed to and what was asked for, and nothing secret', async () => {
    const { body } = await begin(complete, 'vipps', { flow: 'automatic_return' })
    const { rows } = await sql<Record<string, unknown>>`
      select consent_version, consent_shares, scope, flow, redirect_uri, issuer, client_id
      from nokkel.login_attempt where id = ${body.loginId}::uuid`.execute(database.owner)
    expect(rows).toEqual([
      {
        consent_version: 'v1',
        consent_shares: consentTo('vipps').shares,
        scope: 'openid name phoneNumber email address nin',
        flow: 'automatic_return',
        redirect_uri: `${publicUrl}/callback/vipps/${complete.organization}`,
        issuer: complete.sandbox.vipps.issuer,
        client_id: `${complete.organization}-vipps`,
      },
    ])
  })

  describe('consent', () => {
    it.each(['bankid', 'vipps'] as const)('decides whether %s is asked for the personnummer', async (provider) => {
      const yes = await parametersOf(complete, provider)
      const no = await parametersOf(complete, provider, { consent: withoutPersonnummer(provider) })
      expect(yes.parameters.scope).toMatch(/ (nnin_altsub|nin)$/)
      expect(no.parameters.scope).not.toMatch(/nin/)
      expect(yes.parameters.scope?.startsWith(`${no.parameters.scope} `)).toBe(true)
    })

    it.each(['bankid', 'vipps'] as const)('does not suffice where the client may not ask %s', async (provider) => {
      const { parameters } = await parametersOf(plain, provider)
      expect(parameters.scope).not.toMatch(/nin/)
    })

    it.each([
      ['bankid', ['name']],
      ['bankid', ['birthDate', 'personnummer']],
      ['vipps', ['name', 'phoneNumber', 'email']],
      ['vipps', ['personnummer']],
    ] as const)('must cover all that %s always tells, not %j', async (provider, shares) => {
      const before = await attempts()
      const answer = await begin(complete, provider, { consent: { version: 'v1', shares } })
      expect(answer).toEqual(refused('login_consent_missing', 400))
      expect(await attempts()).toEqual(before)
    })

    it.each([
      ['bankid', 'address'],
      ['bankid', 'email'],
      ['vipps', 'birthDate'],
    ] as const)('to what %s cannot tell is refused: %s', async (provider, share) => {
      const consent = { version: 'v1', shares: [...consentTo(provider).shares, share] }
      expect(await begin(complete, provider, { consent })).toEqual(refused('request_malformed', 400))
    })

    it.each([
      ['missing', undefined],
      ['empty', { version: 'v1', shares: [] }],
      ['of unknown things', { version: 'v1', shares: ['name', 'birthDate', 'gender'] }],
      ['twice the same', { version: 'v1', shares: ['name', 'birthDate', 'name'] }],
      ['to no text', { shares: ['name', 'birthDate'] }],
      ['to a text without a name', { version: 'V 1', shares: ['name', 'birthDate'] }],
      ['with something else', { version: 'v1', shares: ['name', 'birthDate'], all: true }],
    ])('that is %s is refused', async (_, consent) => {
      expect(await begin(complete, 'bankid', { consent })).toEqual(refused('request_malformed', 400))
    })
  })

  describe('assurance', () => {
    it.each([
      ['low', 'urn:bankid:bid'],
      ['substantial', 'urn:bankid:bis urn:bankid:bid'],
      ['high', 'urn:bankid:bid'],
    ] as const)('where it must be %s asks BankID for %s', async (minimumAssurance, expected) => {
      const system = await start({ minimumAssurance })
      expect((await parametersOf(system, 'bankid')).parameters.acr_values).toBe(expected)
    })

    it.each([
      ['idura', 'urn:grn:authn:no:bankid:substantial'],
      ['signicat', 'idp:nbid'],
    ] as const)('that biometrics reach is asked of %s', async (via, expected) => {
      const system = await start({ minimumAssurance: 'substantial', connection: () => ({ bankid: { via } }) })
      expect((await parametersOf(system, 'bankid')).parameters.acr_values).toBe(expected)
    })

    it.each(['substantial', 'high'] as const)('that must be %s is not to be had of Vipps', async (minimumAssurance) => {
      const system = await start({ minimumAssurance })
      const before = await attempts()
      const answer = await begin(system, 'vipps')
      expect(answer).toEqual(refused('provider_unavailable', 409))
      expect(answer.body.data).toEqual({ available: ['bankid'] })
      expect(await attempts()).toEqual(before)
    })
  })

  it('names the ways that work when one is not set up', async () => {
    const { organization } = plain
    await sql`insert into public.organization (slug, name) values (${`${organization}-empty`}, 'Empty')`.execute(
      database.owner,
    )
    const nothing = await begin(plain, 'vipps', { organization: `${organization}-empty` })
    expect(nothing).toEqual(refused('provider_unavailable', 409))
    expect(nothing.body.data).toEqual({ available: [] })
  })

  it('names the other provider when this one is not set up, and not one that would not do', async () => {
    const { sandbox } = complete
    for (const [minimumAssurance, available] of [
      ['low', ['vipps']],
      ['high', []],
    ] as const) {
      const system = await start({
        minimumAssurance,
        providers: {
          connections: [],
          providersOf: () => ['vipps'],
          find: (provider, organization) =>
            provider === 'vipps'
              ? {
                  provider,
                  organization,
                  issuer: sandbox.vipps.issuer,
                  clientId: 'x',
                  authentication: { method: 'client_secret_basic', secret: 'x' },
                }
              : undefined,
        },
      })
      const answer = await begin(system, 'bankid')
      expect(answer).toEqual(refused('provider_unavailable', 409))
      expect(answer.body.data).toEqual({ available })
    }
  })

  it.each(['app_to_app', 'app_to_app_v2'])('refuses the flow %s without an app', async (flow) => {
    for (const provider of ['bankid', 'vipps'] as const) {
      expect(await begin(plain, provider, { flow })).toEqual(refused('provider_flow_unavailable', 409))
    }
  })

  it('refuses a flow that the provider does not have', async () => {
    expect(await begin(complete, 'bankid', { flow: 'automatic_return' })).toEqual(
      refused('provider_flow_unavailable', 409),
    )
    expect(await begin(complete, 'vipps', { flow: 'implicit' })).toEqual(refused('request_malformed', 400))
  })

  describe('a hint of who it is', () => {
    const hint = (number: string) => ({ loginHint: { personnummer: number } })

    it('is pushed to BankID, and stands in no URL, row or log', async () => {
      const { status, body } = await begin(complete, 'bankid', hint(personnummer))
      expect(status).toBe(201)
      const { searchParams } = new URL(body.authorizationUrl)
      expect([...searchParams.keys()].sort()).toEqual(['client_id', 'request_uri', 'response_type'])
      const { rows } = await sql`select a::text from nokkel.login_attempt a`.execute(database.owner)
      expect(rows.length).toBeGreaterThan(0)
      expect(JSON.stringify([body, rows, complete.logged])).not.toContain(personnummer)
    })

    it('finds its person at BankID, and logs in who answers', async () => {
      const login = await complete.begin('bankid', hint(personnummer))
      expect(await complete.complete(login, await complete.visit(login))).toMatchObject({ status: 200 })
    })

    it('is answered the same whether anybody has that number', async () => {
      await complete.logIn('bankid')
      const [known, unknown] = [
        await begin(complete, 'bankid', hint(personnummer)),
        await begin(complete, 'bankid', hint(syntheticNationalNumber('1990-02-17'))),
      ]
      const shape = ({ status, body }: Answer) => [
        status,
        Object.keys(body),
        body.authorizationUrl.replace(/request_uri=.*/, ''),
      ]
      expect(shape(unknown)).toEqual(shape(known))
    })

    it.each([
      ['wrong check digits', 'bankid', '02918800046'],
      ['no digits', 'bankid', 'abcdefghijk'],
      ['too few digits', 'bankid', '0291880004'],
      ['any number at Vipps', 'vipps', personnummer],
    ] as const)('is refused in the same words with %s', async (_, provider, number) => {
      const { status, body } = await begin(complete, provider, hint(number))
      expect({ status, ...body }).toEqual({
        status: 400,
        code: 'request_malformed',
        title: expect.any(String),
        type: 'urn:nokkel:problem:request_malformed',
        detail: 'body.loginHint.personnummer: invalid_format',
        request_id: expect.any(String),
        data: { issues: [{ path: 'body.loginHint.personnummer', problem: 'invalid_format' }] },
      })
    })

    describe('that the provider does not take', () => {
      /** What was pushed, and whether that was refused. */
      const pushed: URLSearchParams[] = []
      let refuses: (parameters: URLSearchParams) => boolean
      let system: LoginSystem
      const host = createServer((request, response) => {
        const issuer = `http://${request.headers.host}`
        const answer = (status: number, body: unknown) =>
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
        if (request.method === 'GET') {
          answer(200, {
            issuer,
            authorization_endpoint: `${issuer}/authorize`,
            pushed_authorization_request_endpoint: `${issuer}/par`,
          })
          return
        }
        request.setEncoding('utf8').on('data', (chunk: string) => {
          const parameters = new URLSearchParams(chunk)
          pushed.push(parameters)
          if (refuses(parameters)) {
            answer(400, { error: 'invalid_request', error_description: `who is ${personnummer}?` })
          } else {
            const requestUri = parameters.has('login_hint') ? 'urn:hinted' : 'urn:plain'
            answer(201, { request_uri: requestUri, expires_in: 60 })
          }
        })
      })
      beforeAll(async () => {
        await new Promise<void>((resolve) => host.listen(0, 'localhost', resolve))
        const issuer = `http://localhost:${(host.address() as AddressInfo).port}`
        system = await start({ connection: () => ({ bankid: { issuer } }) })
      })
      afterAll(() => {
        host.close()
        host.closeAllConnections()
      })

      it.each([
        ['taken', false, 'urn:hinted'],
        ['left out', true, 'urn:plain'],
      ])('is %s, by the same requests and with an answer of the same form', async (_, refused, requestUri) => {
        pushed.length = 0
        refuses = (parameters) => refused && parameters.has('login_hint')
        const { status, body } = await begin(system, 'bankid', hint(personnummer))
        expect(status).toBe(201)
        const { searchParams } = new URL(body.authorizationUrl)
        expect([...searchParams.keys()].sort()).toEqual(['client_id', 'request_uri', 'response_type'])
        expect(searchParams.get('request_uri')).toBe(requestUri)
        const hints = pushed.map((parameters) => parameters.get('login_hint'))
        expect(hints.sort()).toEqual([`:${personnummer}`, null])
        for (const parameters of pushed) expect(parameters.get('code_challenge')).toBe(codeChallenge)
      })

      it('is not told of when nothing can be pushed', async () => {
        refuses = () => true
        const before = await attempts()
        const answer = await begin(system, 'bankid', hint(personnummer))
        expect(answer).toEqual(refused('provider_unreachable', 502))
        expect(JSON.stringify([answer.body, system.logged])).not.toContain(personnummer)
        expect(await attempts()).toEqual(before)
      })
    })

    it('is left out where it could not be pushed', async () => {
      const system = await start({ connection: () => ({ bankid: { via: 'signicat' } }) })
      const { status, body } = await begin(system, 'bankid', hint(personnummer))
      expect(status).toBe(201)
      expect(body.authorizationUrl).not.toMatch(/login_hint|request_uri/)
      expect(body.authorizationUrl).not.toContain(personnummer)
    })
  })

  it.each([
    ['an unknown organisation', { organization: 'nobody' }, 'organization_unknown', 404],
    ['an organisation that is no slug', { organization: '../evil' }, 'request_malformed', 400],
    ['an unknown provider', { provider: 'google' }, 'request_malformed', 400],
    ['a challenge that may be plain', { codeChallenge: 'A'.repeat(64) }, 'request_malformed', 400],
    ['a short challenge', { codeChallenge: 'short' }, 'request_malformed', 400],
    ['another method than S256', { codeChallengeMethod: 'plain' }, 'request_malformed', 400],
    ['a short state', { state: 'x' }, 'request_malformed', 400],
    ['an endless state', { state: 'x'.repeat(1000) }, 'request_malformed', 400],
    ['no nonce', { nonce: undefined }, 'request_malformed', 400],
    ['where to go of its own', { redirectUri: 'https://evil.example' }, 'request_malformed', 400],
    ['scopes of its own', { scope: 'openid nin' }, 'request_malformed', 400],
  ])('refuses %s', async (_, changes, code, status) => {
    const before = await attempts()
    expect(await begin(complete, 'bankid', changes)).toEqual(refused(code, status))
    expect(await attempts()).toEqual(before)
  })
})
