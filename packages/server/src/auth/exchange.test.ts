import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encodeBase64Url } from '@nokkel/crypto'
import { createSandbox, type Sandbox, type SignInOptions, signIn } from '@nokkel/sandbox'
import { buildAuthorizationUrl } from 'openid-client'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { sha256 } from '../keyring/digest.ts'
import { exchangeLogin } from './exchange.ts'
import { createProviderClients, type ProviderClients } from './providers/client.ts'
import type { Broker, Provider, ProviderConnection } from './providers/provider.ts'
import { definitionOf } from './providers/registry.ts'
import type { RefusedClient } from './refused-client.ts'
import type { Attempt } from './store.ts'

const kari = 'likeperson-medlem-1'
const number = '02918800045'
const random = () => encodeBase64Url(crypto.getRandomValues(new Uint8Array(32)))

const ways = [
  ['bankid', undefined],
  ['bankid', 'idura'],
  ['bankid', 'signicat'],
  ['vipps', undefined],
  ['vipps', 'idura'],
] as const

describe('exchange', () => {
  let sandbox: Sandbox
  let providerClients: ProviderClients
  /** They do not wait long for an answer. */
  let hastyClients: ProviderClients
  /** The requests that this process made of the provider for the last login: what a code was spent on. */
  const asked: string[] = []
  const ask = globalThis.fetch
  const host = createServer((request, response) => {
    if (!sandbox.handle(request, response)) response.writeHead(404).end()
  })

  beforeAll(async () => {
    await new Promise<void>((resolve) => host.listen(0, 'localhost', resolve))
    const clients = ['likeperson', 'fjordhjelpen'].map((clientId) => ({
      clientId,
      clientSecret: 'not-a-secret',
      redirectUris: ['bankid', 'vipps'].map((provider) => `https://app.example.no/callback/${provider}/${clientId}`),
      nationalNumber: true,
    }))
    sandbox = createSandbox({
      publicUrl: `http://localhost:${(host.address() as AddressInfo).port}`,
      clients: { bankid: clients, vipps: clients, idura: clients, signicat: clients },
    })
    const clientsThatWait = (timeoutSeconds: number) =>
      createProviderClients({ production: false, timeoutSeconds, now: () => new Date() })
    providerClients = clientsThatWait(30)
    hastyClients = clientsThatWait(2)
    vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) => {
      asked.push(`${init?.method ?? 'GET'} ${new URL(String(input)).pathname.split('/').at(-1)}`)
      return ask(input, init)
    })
  })
  afterEach(() => {
    for (const provider of ['bankid', 'vipps', 'idura', 'signicat'] as const) sandbox.setScenario(provider, null)
  })
  afterAll(() => {
    vi.restoreAllMocks()
    sandbox.close()
    host.close()
    host.closeAllConnections()
  })

  interface Options {
    readonly via?: Broker | undefined
    readonly person?: SignInOptions['person']
    readonly minimumAssurance?: Attempt['minimumAssurance']
    readonly confirmInApp?: boolean
    /** What of it was agreed to. Default: everything. */
    readonly shares?: readonly string[]
    readonly attempt?: Partial<Attempt>
    readonly request?: Partial<Parameters<typeof exchangeLogin>[2]>
    readonly allowSynthetic?: boolean
    readonly exchanged?: (attempt: Attempt) => Promise<void>
    readonly refused?: RefusedClient
    readonly callback?: (callback: string) => string | Promise<string>
    readonly organization?: string
    readonly hasty?: boolean
    /** What the connection has become meanwhile. */
    readonly found?: Partial<ProviderConnection> | null
  }

  /** A login from the request for a code to the callback. */
  async function visit(provider: Provider, options: Options = {}) {
    const { via, minimumAssurance = 'low', confirmInApp = false, organization = 'likeperson' } = options
    const connection: ProviderConnection = {
      provider,
      ...(via && { via }),
      organization,
      issuer: sandbox[via ?? provider].issuer,
      clientId: organization,
      authentication: { method: 'client_secret_basic', secret: 'not-a-secret' },
      personnummer: true,
      confirmInApp,
    }
    const definition = definitionOf(connection)
    const { shares = [...definition.shares, 'personnummer'] } = options
    const [state, nonce, codeVerifier] = [random(), random(), random()]
    const redirectUri = `https://app.example.no/callback/${provider}/${organization}`
    const asks = shares.includes('personnummer') ? [definition.personnummerScope] : []
    const scope = [...definition.scopes, ...asks].join(' ')
    const codeChallenge = encodeBase64Url(await sha256(codeVerifier))
    const acrValues = definition.acrValues({ minimumAssurance, confirmInApp })
    const url = buildAuthorizationUrl((await providerClients(connection)).configuration, {
      ...(acrValues !== undefined && { acr_values: acrValues }),
      redirect_uri: redirectUri,
      scope,
      state,
      nonce,
      code_challenge: codeChallenge,
      code_challenge_method: 'S256',
    })
    const query = new URL(await signIn(url, { person: options.person ?? kari })).search.slice(1)
    const attempt: Attempt = {
      provider,
      organizationId: '5f0d6a7e-3a3c-4d54-9c8f-0f6a52cf26f1',
      organization,
      issuer: connection.issuer,
      clientId: connection.clientId,
      redirectUri,
      stateHash: await sha256(state),
      nonceHash: await sha256(nonce),
      codeChallenge,
      consentVersion: 'v1',
      consentShares: shares,
      scope,
      flow: 'browser',
      linkSessionId: null,
      waitingId: null,
      supabaseUserId: null,
      minimumAssurance,
      ...options.attempt,
    }
    return { connection, attempt, query, codeVerifier, nonce }
  }

  /** All of a login, to what the provider vouches for. */
  async function logIn(provider: Provider, options: Options = {}) {
    const { allowSynthetic = true, exchanged, refused, organization = 'likeperson' } = options
    const { connection, attempt, query, codeVerifier, nonce } = await visit(provider, options)
    const callback = (await options.callback?.(query)) ?? query
    const clients = options.hasty ? hastyClients : providerClients
    await clients(connection)
    const found = options.found === null ? undefined : { ...connection, ...options.found }
    asked.length = 0
    return exchangeLogin(
      {
        connections: { find: async () => found, offers: async () => new Map() },
        providerClients: clients,
        allowSynthetic,
        ...(exchanged && { exchanged }),
        ...(refused && { refused }),
      },
      attempt,
      { provider, organization, callback, codeVerifier, nonce, ...options.request },
    )
  }

  const refused = (code: string) => expect.objectContaining({ code })

  describe.each(ways)('with %s by way of %s', (provider, via) => {
    const scenarioHost = via ?? provider

    it('gives who it is, and what of it was agreed to', async () => {
      const login = await logIn(provider, { via })
      expect(login).toMatchObject({
        provider,
        name: 'Kari Nordmann',
        assurance: provider === 'bankid' ? 'high' : 'low',
        personnummer: number,
        personnummerOutcome: 'verified',
        client: provider === 'bankid' ? '*' : via ? 'idura:likeperson' : 'likeperson',
      })
      expect(Object.keys(login).sort()).toEqual([
        'acr',
        'assurance',
        'client',
        'contact',
        'name',
        'personnummer',
        'personnummerOutcome',
        'provider',
        'subject',
      ])
    })

    it('goes on without a personnummer that did not come', async () => {
      sandbox.setScenario(scenarioHost, 'missing-nin', { once: true })
      expect(await logIn(provider, { via })).toMatchObject({ personnummer: null, personnummerOutcome: 'absent' })
      expect(await logIn(provider, { via, person: 'uten-fnr' })).toMatchObject({ personnummerOutcome: 'absent' })
    })

    it('goes on without a personnummer that was not asked for', async () => {
      const { shares } = definitionOf({ provider, ...(via && { via }) })
      expect(await logIn(provider, { via, shares })).toMatchObject({
        personnummer: null,
        personnummerOutcome: 'not_asked',
      })
    })

    it('takes no made-up personnummer in production', async () => {
      expect(await logIn(provider, { via, allowSynthetic: false })).toMatchObject({
        personnummer: null,
        personnummerOutcome: 'absent',
      })
    })

    it('tolerates keys that were changed just after they were asked for, and sends the code once', async () => {
      await logIn(provider, { via })
      sandbox.setScenario(scenarioHost, 'rotated-key', { once: true })
      expect(await logIn(provider, { via })).toMatchObject({ personnummer: number })
      expect(asked.filter((request) => request.startsWith('POST'))).toHaveLength(1)
      expect(asked.filter((request) => /GET (certs|jwks|jwks.json)$/.test(request))).toHaveLength(1)
    })

    it('remembers the keys of a provider', async () => {
      await logIn(provider, { via })
      await logIn(provider, { via })
      expect(asked.filter((request) => /GET (certs|jwks|jwks.json)$/.test(request))).toHaveLength(0)
    })

    it('tolerates no key that the provider does not publish', async () => {
      sandbox.setScenario(scenarioHost, 'foreign-signature', { once: true })
      await expect(logIn(provider, { via })).rejects.toEqual(refused('login_token_invalid'))
      expect(asked.filter((request) => request.startsWith('POST'))).toHaveLength(1)
    })

    it('sends the code once when the provider is silent', async () => {
      sandbox.setScenario(scenarioHost, 'slow-token', { once: true, delayMilliseconds: 60_000 })
      await expect(logIn(provider, { via, hasty: true })).rejects.toEqual(refused('provider_unreachable'))
      expect(asked.filter((request) => request.startsWith('POST'))).toHaveLength(1)
      expect(asked.filter((request) => request.endsWith('userinfo'))).toHaveLength(0)
    })

    it.each([
      ['failing-token', 'provider_unreachable'],
      ['cut-token', 'provider_unreachable'],
      ['expired-code', 'login_code_rejected'],
      ['reused-code', 'login_code_rejected'],
      ['wrong-nonce', 'login_token_invalid'],
      ['wrong-issuer', 'login_token_invalid'],
      ['wrong-audience', 'login_token_invalid'],
      ['expired-id-token', 'login_token_invalid'],
    ] as const)('sends the code once when the provider does %s', async (scenario, code) => {
      sandbox.setScenario(scenarioHost, scenario, { once: true })
      await expect(logIn(provider, { via })).rejects.toEqual(refused(code))
      expect(asked.filter((request) => request.startsWith('POST'))).toHaveLength(1)
      expect(asked.filter((request) => request.endsWith('userinfo'))).toHaveLength(0)
    })

    it.each([
      [
        'a code of another client',
        (query: string) => query.replace(/code=[^&]+/, 'code=injected'),
        'login_code_rejected',
      ],
      ['another state', (query: string) => query.replace(/state=[^&]+/, `state=${random()}`), 'login_mismatch'],
      [
        'an issuer that is another',
        (query: string) => `${query.replace(/&iss=[^&]*/, '')}&iss=https%3A%2F%2Fevil.example`,
        'login_mismatch',
      ],
      ['an empty code', (query: string) => query.replace(/code=[^&]+/, 'code='), 'login_mismatch'],
      ['two issuers', (query: string) => `${query}&iss=a&iss=b`, 'login_mismatch'],
    ] as const)('refuses %s', async (_, callback, code) => {
      await expect(logIn(provider, { via, callback })).rejects.toEqual(refused(code))
      expect(asked).toEqual(code === 'login_mismatch' ? [] : [expect.stringContaining('POST')])
    })

    it.each([
      ['another organisation', { organization: 'fjordhjelpen' }],
      ['another login', {}],
    ])('refuses a code of %s, which was given for another client or challenge', async (_, options) => {
      const { query } = await visit(provider, { via, ...options })
      const code = new URLSearchParams(query).get('code') ?? ''
      const callback = (mine: string) => mine.replace(/code=[^&]+/, `code=${code}`)
      await expect(logIn(provider, { via, callback })).rejects.toEqual(refused('login_code_rejected'))
      expect(asked.filter((request) => request.startsWith('POST'))).toHaveLength(1)
    })

    it('refuses the callback of another organisation', async () => {
      const { query } = await visit(provider, { via, organization: 'fjordhjelpen' })
      await expect(logIn(provider, { via, callback: () => query })).rejects.toEqual(refused('login_mismatch'))
      expect(asked).toEqual([])
    })

    it.each([
      ['provider', { provider: provider === 'bankid' ? 'vipps' : 'bankid' }],
      ['organisation', { organization: 'fjordhjelpen' }],
      ['verifier', { codeVerifier: 'A'.repeat(43) }],
      ['nonce', { nonce: 'A'.repeat(43) }],
    ] as const)('refuses another %s, and asks nothing', async (_, request) => {
      await expect(logIn(provider, { via, request })).rejects.toEqual(refused('login_mismatch'))
      expect(asked).toEqual([])
    })

    it.each([
      ['is no more', null],
      ['has another client', { clientId: 'another' }],
      ['has another issuer', { issuer: 'https://evil.example' }],
    ])('refuses when what it was begun with %s', async (_, found) => {
      await expect(logIn(provider, { via, found })).rejects.toEqual(refused('provider_unavailable'))
      expect(asked).toEqual([])
    })

    it('reports a client that the provider does not take, asks once, and is not paid for', async () => {
      const reported: unknown[] = []
      const exchanged = vi.fn(async () => {})
      const options = { via, exchanged, refused: async (client: unknown) => void reported.push(client) }
      const found = { authentication: { method: 'client_secret_basic', secret: 'planted-expired' } } as const
      const error = await logIn(provider, { ...options, found }).catch((cause: unknown) => cause)
      expect(error).toMatchObject({ code: 'provider_misconfigured', data: { available: [] } })
      expect(reported).toMatchObject([{ provider, organization: 'likeperson' }])
      expect(exchanged).not.toHaveBeenCalled()
      expect(asked.filter((request) => request.startsWith('POST'))).toHaveLength(1)
      sandbox.setScenario(scenarioHost, 'expired-code', { once: true })
      await expect(logIn(provider, options)).rejects.toEqual(refused('login_code_rejected'))
      expect(reported).toHaveLength(1)
    })

    it('says that it was paid for once there are tokens, and not before', async () => {
      const paid: Attempt[] = []
      const exchanged = async (attempt: Attempt) => void paid.push(attempt)
      await logIn(provider, { via, exchanged })
      expect(paid).toHaveLength(1)
      sandbox.setScenario(scenarioHost, 'expired-code', { once: true })
      await expect(logIn(provider, { via, exchanged })).rejects.toEqual(refused('login_code_rejected'))
      expect(paid).toHaveLength(1)
    })
  })

  it.each(['idura', 'signicat', undefined] as const)(
    'takes biometrics of BankID by %s where they suffice',
    async (via) => {
      const login = () => logIn('bankid', { via, minimumAssurance: 'substantial' })
      const { subject } = await login()
      sandbox.setScenario(via ?? 'bankid', 'low-acr')
      expect((await login()).subject).toBe(subject)
      for (const minimumAssurance of ['low', 'high'] as const) {
        await expect(logIn('bankid', { via, minimumAssurance })).rejects.toEqual(refused('login_assurance_too_low'))
      }
    },
  )

  it('is paid for also when it is refused afterwards', async () => {
    const exchanged = vi.fn(async () => {})
    sandbox.setScenario('bankid', 'low-acr', { once: true })
    await expect(logIn('bankid', { exchanged })).rejects.toEqual(refused('login_assurance_too_low'))
    expect(exchanged).toHaveBeenCalledTimes(1)
  })

  it('knows a person by the same BankID through every broker', async () => {
    const subjects = await Promise.all(
      ([undefined, 'idura', 'signicat'] as const).map(async (via) => (await logIn('bankid', { via })).subject),
    )
    expect(new Set(subjects).size).toBe(1)
    expect(subjects[0]).toMatch(/^9578-/)
  })

  it('needs the issuer in the callback of a provider that says it sends one', async () => {
    const callback = (query: string) => query.replace(/&iss=[^&]*/, '')
    await expect(logIn('bankid', { callback })).rejects.toEqual(refused('login_mismatch'))
    expect(asked).toEqual([])
  })

  it('needs confirmation in the app of Vipps where that was asked for', async () => {
    expect((await logIn('vipps', { confirmInApp: true })).acr).toBe('urn:vipps:acr:app_auth')
    sandbox.setScenario('vipps', 'no-app-confirmation', { once: true })
    await expect(logIn('vipps', { confirmInApp: true })).rejects.toEqual(refused('login_assurance_too_low'))
  })

  it('takes no Vipps where the organisation has come to ask for more', async () => {
    const attempt = { minimumAssurance: 'high' } as const
    await expect(logIn('vipps', { attempt })).rejects.toEqual(refused('login_assurance_too_low'))
  })

  describe('what Vipps tells', () => {
    it('is how the person can be reached', async () => {
      const { contact } = await logIn('vipps')
      expect(contact).toEqual({
        phoneNumber: expect.stringMatching(/^\+47\d{8}$/),
        email: `${kari}@person.example`,
        address: {
          street: expect.any(String),
          postalCode: expect.stringMatching(/^\d{4}$/),
          place: expect.any(String),
          country: 'NO',
        },
      })
    })

    it('is nothing that it has not verified', async () => {
      sandbox.setScenario('vipps', 'unverified-contact', { once: true })
      expect((await logIn('vipps')).contact).toMatchObject({ phoneNumber: null, email: null })
    })

    it('may lack an address', async () => {
      sandbox.setScenario('vipps', 'empty-address', { once: true })
      expect((await logIn('vipps')).contact?.address).toBeNull()
      expect((await logIn('vipps', { person: 'uten-adresse' })).contact?.address).toBeNull()
    })

    it('is of no use without what says that it has been verified: Idura', async () => {
      const { contact } = await logIn('vipps', { via: 'idura' })
      expect(contact).toMatchObject({ phoneNumber: null, email: null, address: { country: 'NO' } })
    })

    it.each(['invalid-scope', 'nin-error'] as const)(
      'may be had without the personnummer after %s',
      async (scenario) => {
        sandbox.setScenario('vipps', scenario)
        await expect(logIn('vipps')).rejects.toMatchObject({ code: 'login_refused', data: { error: 'invalid_scope' } })
        expect(asked).toEqual([])
        const { shares } = definitionOf({ provider: 'vipps' })
        expect(await logIn('vipps', { shares })).toMatchObject({ personnummerOutcome: 'not_asked' })
      },
    )
  })

  it('asks for userinfo once more, and no oftener', async () => {
    for (const [provider, via] of [
      ['vipps', undefined],
      ['bankid', 'signicat'],
    ] as const) {
      const userinfo = () => asked.filter((request) => request === 'GET userinfo').length
      sandbox.setScenario(via ?? provider, 'failing-userinfo-once', { once: true })
      expect(await logIn(provider, { via })).toMatchObject({ name: 'Kari Nordmann' })
      expect(userinfo()).toBe(2)
      for (const scenario of ['failing-userinfo', 'slow-userinfo'] as const) {
        sandbox.setScenario(via ?? provider, scenario, { once: true, delayMilliseconds: 60_000 })
        await expect(logIn(provider, { via, hasty: scenario === 'slow-userinfo' })).rejects.toEqual(
          refused('provider_unreachable'),
        )
        expect(userinfo()).toBe(2)
      }
    }
  })

  it('takes no userinfo of somebody else', async () => {
    sandbox.setScenario('vipps', 'userinfo-sub-mismatch', { once: true })
    await expect(logIn('vipps')).rejects.toEqual(refused('login_token_invalid'))
  })
})
