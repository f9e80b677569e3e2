import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { NokkelError } from '../errors.ts'
import type { NodeNokkelOptions } from '../node/index.ts'
import type { SessionRecord } from '../session/auth-token-store.ts'
import { memoryStorage } from '../storage/memory-storage.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import { consented, createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer, type FakeServer } from '../testing/fake-server.ts'
import { Refusal } from '../testing/refusal.ts'

const pendingNames = ['vipps_pkce_v1_verifier', 'vipps_pkce_v1_state', 'vipps_pkce_v1_nonce', 'vipps_pkce_v1_login']

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function setUp(options: Partial<NodeNokkelOptions> = {}, server: FakeServer = createFakeServer()) {
  const client = createFakeClient(server, options)
  const { nokkel } = client
  const state = () => nokkel.vipps.getSnapshot()
  return { ...client, server, vipps: nokkel.vipps, bankId: nokkel.bankId, state }
}

/** The same browser after the page was left. */
function reopen({ server, storage }: ReturnType<typeof setUp>, options: Partial<NodeNokkelOptions> = {}) {
  return setUp({ storage, ...options }, server)
}

/** What goes to the server at the beginning of a login. */
function bodiesOf(server: FakeServer, endpoint: 'beginLogin' | 'beginLink' | 'completeLogin' = 'beginLogin') {
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire
  const bodies: any[] = []
  server.observe(({ endpoint: called, body }) => void (called === endpoint && bodies.push(body)))
  return bodies
}

/** The next login gets a URL that was tampered with. */
function changeUrl(server: FakeServer, change: (url: URL) => void) {
  server.intercept('beginLogin', async (exchange) => {
    const begun = (await (await server.respond(exchange)).json()) as { authorizationUrl: string }
    const url = new URL(begun.authorizationUrl)
    change(url)
    return Response.json({ ...begun, authorizationUrl: url.href })
  })
}

const code = (expected: string) => expect.objectContaining({ code: expected })

describe('consent', () => {
  it('names what will be shared, before anything is stored or asked for', async () => {
    const { vipps, storage, server, launched } = setUp()
    await vipps.signIn()
    expect(vipps.getSnapshot()).toEqual({
      status: 'awaiting_consent',
      purpose: 'login',
      consent: {
        provider: 'vipps',
        version: 'v2',
        shares: ['name', 'phoneNumber', 'email', 'address'],
        personnummer: true,
      },
    })
    expect(await storage.list('')).toEqual([])
    expect(server.log).toEqual(['listOrganizations'])
    expect(launched).toEqual([])
  })

  it('is a no without a trace', async () => {
    const { vipps, storage, server, state } = setUp()
    await vipps.signIn({ returnTo: '/inbox' })
    vipps.disagree()
    await vipps.agree({ personnummer: true })
    expect(state()).toEqual({ status: 'idle', purpose: 'login' })
    expect(await storage.list('')).toEqual([])
    expect(server.log).toEqual(['listOrganizations'])
  })

  it.each([
    [true, ['name', 'phoneNumber', 'email', 'address', 'personnummer'], 'openid name nin'],
    [false, ['name', 'phoneNumber', 'email', 'address'], 'openid name'],
  ])('is sent as it was given, personnummer: %s', async (personnummer, shares, scope) => {
    const { vipps, server, launched, state } = setUp()
    const bodies = bodiesOf(server)
    await vipps.signIn()
    await Promise.all([vipps.agree({ personnummer }), vipps.agree({ personnummer: true })])
    expect(bodies).toMatchObject([{ provider: 'vipps', consent: { version: 'v2', shares }, flow: 'browser' }])
    expect(launched.map(({ searchParams }) => searchParams.get('scope'))).toEqual([scope])
    expect(state()).toEqual({ status: 'awaiting_callback', purpose: 'login' })
    vipps.disagree()
    expect(state().status).toBe('awaiting_callback')
    await vipps.cancel()
  })

  it('does not ask for the personnummer where that may not be asked for', async () => {
    const { vipps, server } = setUp()
    server.intercept('listOrganizations', () => {
      const providers = [{ id: 'vipps', available: true, shares: ['name'], personnummer: false }]
      return Response.json({ organizations: [{ slug: 'likeperson', name: 'Likeperson', providers }] })
    })
    const bodies = bodiesOf(server)
    await vipps.signIn(consented)
    expect(bodies[0].consent.shares).toEqual(['name'])
    await vipps.cancel()
  })

  it.each([
    ['provider_unavailable', 'likeperson', { available: ['bankid'] }],
    ['organization_unknown', 'hjertelaget', undefined],
  ])('ends as %s where there is no such way', async (reason, slug, data) => {
    const { vipps, server, state, storage } = setUp()
    server.intercept('listOrganizations', () => {
      const providers = [
        { id: 'bankid', available: true, shares: ['name'], personnummer: false },
        { id: 'vipps', available: false, shares: ['name'], personnummer: false },
      ]
      return Response.json({ organizations: [{ slug, name: slug, providers }] })
    })
    await expect(vipps.signIn(consented)).rejects.toMatchObject({ code: reason, data })
    expect(state()).toEqual({ status: 'error', purpose: 'login', reason })
    expect(await storage.list('')).toEqual([])
  })
})

describe('leaving', () => {
  it('says loading before anything else, and has stored what the way back needs before it asks or goes', async () => {
    const storage = memoryStorage()
    const steps: string[] = []
    const put = storage.put
    storage.put = async (name, value) => {
      steps.push(`put ${name}`)
      await put(name, value)
    }
    const { vipps, server, state } = setUp({ storage, urlLauncher: { launch: () => void steps.push('launch') } })
    vipps.subscribe(() => steps.push(state().status))
    server.intercept('beginLogin', () => void steps.push('request'))
    const signingIn = vipps.signIn(consented)
    expect(state()).toEqual({ status: 'loading', purpose: 'login' })
    await signingIn
    const puts = pendingNames.map((name) => `put ${name}`)
    expect(steps).toEqual(['loading', 'put login_retry_v1', ...puts, 'request', ...puts, 'awaiting_callback', 'launch'])
    await vipps.cancel()
  })

  it('does nothing when tapped again, whichever the provider', async () => {
    const { vipps, bankId, server, launched } = setUp()
    await Promise.all([vipps.signIn(consented), vipps.signIn(consented), bankId.signIn(consented), vipps.link()])
    await vipps.signIn(consented)
    await vipps.retry()
    expect(launched).toHaveLength(1)
    expect(server.log).toEqual(['listOrganizations', 'beginLogin'])
    expect(bankId.getSnapshot().status).toBe('idle')
    await vipps.cancel()
  })

  it('sends the challenge of the stored verifier, and never the verifier', async () => {
    const { vipps, server, storage } = setUp()
    const bodies = bodiesOf(server)
    await vipps.signIn(consented)
    const verifier = String(await storage.get('vipps_pkce_v1_verifier'))
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))
    expect(bodies[0].codeChallenge).toBe(Buffer.from(digest).toString('base64url'))
    expect(JSON.stringify(bodies)).not.toContain(verifier)
    await vipps.cancel()
  })

  it('ends in error, and clears what it stored, when the server refuses; then begins again', async () => {
    const { vipps, server, storage, launched, state } = setUp()
    server.intercept('beginLogin', () => new Refusal('provider_flow_unavailable', 409).toResponse())
    await expect(vipps.signIn({ ...consented, flow: 'app_to_app' })).rejects.toEqual(code('provider_flow_unavailable'))
    expect(state()).toEqual({ status: 'error', purpose: 'login', reason: 'provider_flow_unavailable' })
    expect(await storage.list('vipps_pkce')).toEqual([])
    expect(launched).toEqual([])
    const bodies = bodiesOf(server)
    await vipps.retry()
    expect(bodies[0].flow).toBe('app_to_app')
    expect(launched).toHaveLength(1)
    await vipps.cancel()
  })

  it.each([{ consentVersion: 'v1' }, { consentVersion: undefined }])(
    'asks for consent again when the one that was given is to another text: %j',
    async (agreed) => {
      const left = setUp()
      await left.vipps.signIn(consented)
      const stored = (await left.storage.get('login_retry_v1')) as object
      expect(stored).toMatchObject({ consent: { personnummer: true }, consentVersion: 'v2' })
      await left.storage.put('login_retry_v1', { ...stored, ...agreed })
      const next = reopen(left)
      await next.vipps.retry()
      expect(next.state()).toMatchObject({ status: 'awaiting_consent', consent: { version: 'v2' } })
    },
  )

  it.each<[string, (url: URL) => void]>([
    ['another state', (url) => url.searchParams.set('state', 'x'.repeat(43))],
    ['a way back to elsewhere', (url) => url.searchParams.set('redirect_uri', 'https://elsewhere.example/callback')],
    ['the plain method', (url) => url.searchParams.set('code_challenge_method', 'plain')],
    ['a scope nobody agreed to', (url) => url.searchParams.set('scope', 'openid name nin')],
  ])('does not go to a URL with %s', async (_, change) => {
    const { vipps, server, storage, launched, state } = setUp()
    changeUrl(server, change)
    await expect(vipps.signIn({ consent: { personnummer: false } })).rejects.toEqual(code('login_state_mismatch'))
    expect(launched).toEqual([])
    expect(state()).toMatchObject({ status: 'error', reason: 'login_state_mismatch' })
    expect(await storage.list('vipps_pkce')).toEqual([])
  })

  it('does not go when it cannot store', async () => {
    const storage = memoryStorage()
    storage.put = () => Promise.reject(new NokkelError('storage_full'))
    const { vipps, server, state } = setUp({ storage })
    await expect(vipps.signIn(consented)).rejects.toEqual(code('storage_full'))
    expect(server.log).toEqual(['listOrganizations'])
    expect(state()).toMatchObject({ status: 'error', reason: 'storage_full' })
  })

  it('clears what it stored when the page cannot be left', async () => {
    const launch = () => Promise.reject(new TypeError('no such app'))
    const { vipps, storage, state } = setUp({ urlLauncher: { launch } })
    await expect(vipps.signIn(consented)).rejects.toThrow('no such app')
    expect(state()).toMatchObject({ status: 'error', reason: 'answer_unexpected' })
    expect(await storage.list('vipps_pkce')).toEqual([])
  })

  it('goes by the app of the provider, and comes back to ours', async () => {
    const app = 'no.example.app:/callback/vipps/likeperson'
    const { vipps, nokkel, server, launched, state } = setUp({ appRedirectUris: { vipps: app } })
    changeUrl(server, (url) => url.searchParams.set('redirect_uri', app))
    const bodies = bodiesOf(server)
    await vipps.signIn({ ...consented, flow: 'app_to_app_v2' })
    expect(bodies[0].flow).toBe('app_to_app_v2')
    const sent = launched[0]?.searchParams.get('state')
    await nokkel.auth.completeSignIn(new URL(`${app}?code=c&state=${sent}`))
    expect(state().status).toBe('authenticated')
  })

  it('hands a hint over without its being in a URL, and stores it nowhere', async () => {
    const { bankId, server, storage, launched } = setUp()
    const loginHint = { personnummer: '01010112345' }
    const bodies = bodiesOf(server)
    changeUrl(server, (url) => {
      url.search = new URLSearchParams({
        client_id: 'x',
        request_uri: 'urn:ietf:params:oauth:request_uri:x',
      }).toString()
    })
    await bankId.signIn({ ...consented, loginHint })
    expect(bodies[0].loginHint).toEqual(loginHint)
    expect(launched[0]?.searchParams.has('request_uri')).toBe(true)
    const stored = await Promise.all((await storage.list('')).map((name) => storage.get(name)))
    expect(JSON.stringify(stored)).not.toContain(loginHint.personnummer)
    await bankId.cancel()
  })

  it('takes a hint of eleven digits, for BankID', async () => {
    const { vipps, bankId, server, state } = setUp()
    await expect(vipps.signIn({ loginHint: { personnummer: '01010112345' } })).rejects.toThrow(TypeError)
    await expect(bankId.signIn({ loginHint: { personnummer: '0101011234' } })).rejects.toThrow(TypeError)
    expect(state().status).toBe('idle')
    expect(server.log).toEqual([])
  })

  it.each([
    'https://elsewhere.example',
    '//elsewhere.example',
    '/\\elsewhere.example',
    'inbox',
    '/\t/elsewhere.example',
  ])('leaves out that it should go to %j afterwards', async (returnTo) => {
    const { vipps, nokkel, callback, state } = setUp()
    await vipps.signIn({ ...consented, returnTo })
    expect(await nokkel.auth.completeSignIn(callback())).not.toHaveProperty('returnTo')
    expect(state()).not.toHaveProperty('returnTo')
  })
})

describe('waiting for the way back', () => {
  it('gives up after 30 seconds in the foreground, clears what is stored, and begins anew', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const { vipps, nokkel, storage, launched, callback, state } = setUp()
    await vipps.signIn({ ...consented, returnTo: '/inbox' })
    const late = callback()
    await vi.advanceTimersByTimeAsync(29_000)
    expect(state().status).toBe('awaiting_callback')
    await vi.advanceTimersByTimeAsync(2_000)
    expect(state()).toEqual({ status: 'error', purpose: 'login', reason: 'login_timed_out' })
    expect(await storage.list('vipps_pkce')).toEqual([])
    await expect(nokkel.auth.completeSignIn(late)).rejects.toEqual(code('login_lost'))
    await vipps.retry()
    expect(launched).toHaveLength(2)
    expect(launched[1]?.searchParams.get('code_challenge')).not.toBe(launched[0]?.searchParams.get('code_challenge'))
    expect(await nokkel.auth.completeSignIn(callback())).toMatchObject({ returnTo: '/inbox' })
  })

  it('does not count the time the page is hidden', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const page = { visibilityState: 'visible' }
    vi.stubGlobal('document', page)
    const { vipps, state } = setUp()
    await vipps.signIn(consented)
    await vi.advanceTimersByTimeAsync(20_000)
    page.visibilityState = 'hidden'
    await vi.advanceTimersByTimeAsync(600_000)
    page.visibilityState = 'visible'
    await vi.advanceTimersByTimeAsync(9_000)
    expect(state().status).toBe('awaiting_callback')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(state().reason).toBe('login_timed_out')
  })

  it('leaves alone what another tab has begun since', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const here = setUp()
    await here.vipps.signIn(consented)
    const other = reopen(here)
    vi.stubGlobal('document', Object.assign(new EventTarget(), { visibilityState: 'visible' }))
    await other.vipps.signIn(consented)
    const state = await here.storage.get('vipps_pkce_v1_state')
    other.nokkel.close()
    await vi.advanceTimersByTimeAsync(30_000)
    expect(here.state().reason).toBe('login_timed_out')
    expect(await here.storage.get('vipps_pkce_v1_state')).toBe(state)
  })

  it('stops when it is cancelled, and clears all that is stored', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const { vipps, nokkel, storage, callback, state } = setUp()
    await vipps.signIn(consented)
    const late = callback()
    await vipps.cancel()
    expect(await storage.list('')).toEqual([])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(state()).toEqual({ status: 'idle', purpose: 'login' })
    await expect(nokkel.auth.completeSignIn(late)).rejects.toEqual(code('login_lost'))
  })

  it('stays on the page that it was leaving when it is cancelled, or took too long', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const steps: string[] = []
    const urlLauncher = { launch: () => void steps.push('launch'), cancel: () => void steps.push('cancel') }
    const { vipps, state } = setUp({ urlLauncher })
    vipps.subscribe(() => steps.push(state().status))
    await vipps.signIn()
    await vipps.cancel()
    expect(steps.splice(0)).toEqual(['loading', 'awaiting_consent', 'idle'])
    await vipps.signIn(consented)
    await Promise.all([vipps.cancel(), vipps.cancel()])
    expect(steps.splice(0)).toEqual(['loading', 'awaiting_callback', 'launch', 'cancel', 'idle', 'idle'])
    await vipps.signIn(consented)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(steps.splice(0)).toEqual(['loading', 'awaiting_callback', 'launch', 'cancel', 'error'])
    await vipps.cancel()
    expect(steps).toEqual(['idle'])
  })

  it('does not stop the exchange on its way when it is cancelled then', async () => {
    const launched: URL[] = []
    const cancel = vi.fn()
    const { vipps, nokkel, server } = setUp({ urlLauncher: { launch: (url) => void launched.push(url), cancel } })
    await vipps.signIn(consented)
    server.intercept('completeLogin', async (exchange) => {
      const answer = await server.respond(exchange)
      await vipps.cancel()
      return answer
    })
    const back = new URL(`${server.origin}/callback/vipps/likeperson?code=c`)
    back.searchParams.set('state', launched[0]?.searchParams.get('state') ?? '')
    await expect(nokkel.auth.completeSignIn(back)).rejects.toEqual(code('cancelled'))
    expect(server.sessions.map(({ ended }) => ended)).toEqual(['session_ended'])
    expect(cancel).not.toHaveBeenCalled()
  })

  it('can be cancelled while it is being begun: nobody leaves, and nothing stays', async () => {
    const { vipps, server, storage, launched, state } = setUp()
    let cancelled: Promise<void> | undefined
    server.intercept('beginLogin', () => {
      cancelled = vipps.cancel()
      return undefined
    })
    await vipps.signIn(consented)
    await cancelled
    expect(launched).toEqual([])
    expect(await storage.list('')).toEqual([])
    expect(state()).toEqual({ status: 'idle', purpose: 'login' })
  })

  it('can be cancelled while it is asked what will be shared, and begun again at once', async () => {
    const { vipps, server, launched, state, storage } = setUp()
    let again: Promise<void> | undefined
    server.intercept('listOrganizations', () => {
      void vipps.cancel()
      again = vipps.signIn(consented)
      return undefined
    })
    await vipps.signIn()
    await again
    expect(launched).toHaveLength(1)
    expect(state().status).toBe('awaiting_callback')
    expect(await storage.list('vipps_pkce')).toHaveLength(4)
    await vipps.cancel()
  })
})

describe('a client that is closed', () => {
  it('begins no login any more, and leaves nothing of it', async () => {
    const { vipps, nokkel, server, storage, launched } = setUp()
    server.intercept('beginLogin', () => {
      nokkel.close()
      return undefined
    })
    await vipps.signIn(consented)
    expect(launched).toEqual([])
    expect(await storage.list('vipps_pkce')).toEqual([])
  })

  it('ends the login that is being exchanged as it would have', async () => {
    const { vipps, nokkel, server, callback, state } = setUp()
    await vipps.signIn(consented)
    server.intercept('completeLogin', () => {
      nokkel.close()
      return undefined
    })
    await nokkel.auth.completeSignIn(callback())
    expect(state().status).toBe('authenticated')
    expect(server.sessions.map(({ ended }) => ended)).toEqual([undefined])
  })
})

describe('coming back', () => {
  it('signs in, says what came of it and where to go, and leaves nothing of the login', async () => {
    const { vipps, nokkel, callback, storage, state } = setUp()
    await vipps.signIn({ ...consented, returnTo: '/inbox?unread=1' })
    const done = await nokkel.auth.completeSignIn(callback())
    const expected = {
      status: 'authenticated',
      purpose: 'login',
      outcome: 'signed_in',
      personnummer: 'verified',
      returnTo: '/inbox?unread=1',
    }
    expect(done).toEqual({ returnTo: '/inbox?unread=1', state: expected })
    expect(state()).toEqual(expected)
    expect(nokkel.auth.getSnapshot()).toMatchObject({ status: 'signed_in', me: { name: 'Kari Nordmann' } })
    expect(await storage.list('vipps_pkce')).toEqual([])
    expect(await storage.get('login_retry_v1')).toBeUndefined()
    await nokkel.auth.signOut()
    expect(state()).toEqual({ status: 'idle', purpose: 'login' })
  })

  it('works in a page that was opened anew, when the other one was closed', async () => {
    const left = setUp()
    await left.vipps.signIn({ ...consented, returnTo: '/inbox' })
    left.nokkel.close()
    const { nokkel, state } = reopen(left)
    await nokkel.start()
    expect(await nokkel.auth.completeSignIn(left.callback())).toMatchObject({ returnTo: '/inbox' })
    expect(state().status).toBe('authenticated')
  })

  it('exchanges once, however often the page asks, in two tabs too', async () => {
    const one = setUp()
    await one.vipps.signIn({ ...consented, returnTo: '/inbox' })
    const url = one.callback()
    const two = reopen(one)
    const first = await one.nokkel.auth.completeSignIn(url)
    const results = await Promise.all([
      one.nokkel.auth.completeSignIn(url),
      two.nokkel.auth.completeSignIn(url),
      two.nokkel.auth.completeSignIn(new URL(url)),
    ])
    expect(results).toEqual([first, first, first])
    expect(one.server.log.filter((endpoint) => endpoint === 'completeLogin')).toHaveLength(1)
    expect(two.state()).toEqual(one.state())
    expect(two.nokkel.auth.getSnapshot()).toMatchObject({ status: 'signed_in' })
  })

  it('does not bring back a session that has ended since', async () => {
    const one = setUp()
    await one.vipps.signIn(consented)
    const url = one.callback()
    await one.nokkel.auth.completeSignIn(url)
    const { storage } = one
    const done = await storage.get('login_done_v1')
    await one.nokkel.auth.signOut()
    expect(await storage.list('login_')).toEqual([])
    await storage.put('login_done_v1', done)
    const two = reopen(one)
    await expect(two.nokkel.auth.completeSignIn(url)).rejects.toEqual(code('login_lost'))
    expect(two.nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' })
  })

  it.each([
    ['login_lost', (url: URL) => void url.searchParams.set('state', 's')],
    ['login_refused', () => {}],
  ])('gives the same error again in another tab, after %s', async (reason, change) => {
    const one = setUp()
    if (reason === 'login_refused') {
      await one.vipps.signIn({ ...consented, returnTo: '/inbox' })
      one.server.intercept('completeLogin', () => new Refusal('login_refused').toResponse())
    }
    const url = one.callback()
    change(url)
    await expect(one.nokkel.auth.completeSignIn(url)).rejects.toEqual(code(reason))
    const two = reopen(one)
    await expect(two.nokkel.auth.completeSignIn(url)).rejects.toEqual(code(reason))
    expect(two.state()).toEqual({ status: 'error', purpose: 'login', reason })
    expect(one.server.log.filter((endpoint) => endpoint === 'completeLogin').length).toBeLessThan(2)
  })

  it('says login_lost in a browser where nothing was begun, and can begin there', async () => {
    const { vipps, nokkel, server, state } = setUp()
    const url = new URL(`${server.origin}/callback/vipps/likeperson?code=c&state=s`)
    await expect(nokkel.auth.completeSignIn(url)).rejects.toEqual(code('login_lost'))
    expect(state()).toEqual({ status: 'error', purpose: 'login', reason: 'login_lost' })
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' })
    expect(server.log).toEqual([])
    await vipps.retry()
    expect(state().status).toBe('awaiting_consent')
  })

  it.each(pendingNames)('says login_lost when %s is gone, and begins anew as it was begun', async (name) => {
    const { vipps, nokkel, storage, callback, launched, state } = setUp()
    await vipps.signIn({ ...consented, returnTo: '/inbox' })
    await storage.delete(name)
    await expect(nokkel.auth.completeSignIn(callback())).rejects.toEqual(code('login_lost'))
    expect(state().reason).toBe('login_lost')
    expect(await storage.list('vipps_pkce')).toEqual([])
    await vipps.retry()
    expect(launched).toHaveLength(2)
    expect(await nokkel.auth.completeSignIn(callback())).toMatchObject({ returnTo: '/inbox' })
  })

  it('is lost after 15 minutes, and begins anew with what the page that was left knew', async () => {
    const clock = { time: Date.parse('2026-11-21T09:00:00Z') }
    const now = () => new Date(clock.time)
    const left = setUp({ now }, createFakeServer({ now }))
    await left.bankId.signIn({ consent: { personnummer: false }, returnTo: '/inbox' })
    clock.time += 15 * 60_000
    const next = reopen(left, { now })
    const bodies = bodiesOf(left.server)
    await expect(next.nokkel.auth.completeSignIn(left.callback('bankid'))).rejects.toEqual(code('login_lost'))
    expect(next.bankId.getSnapshot()).toMatchObject({ status: 'error', reason: 'login_lost' })
    await next.bankId.retry()
    expect(bodies).toMatchObject([{ provider: 'bankid', consent: { shares: ['name', 'birthDate'] } }])
    expect(await next.nokkel.auth.completeSignIn(next.callback('bankid'))).toMatchObject({ returnTo: '/inbox' })
  })

  it('still is there just before', async () => {
    const clock = { time: Date.parse('2026-11-21T09:00:00Z') }
    const now = () => new Date(clock.time)
    const left = setUp({ now }, createFakeServer({ now }))
    await left.vipps.signIn(consented)
    clock.time += 15 * 60_000 - 1000
    await left.nokkel.auth.completeSignIn(left.callback())
    expect(left.state().status).toBe('authenticated')
  })

  it('asks for consent again when the one that was given is an hour old', async () => {
    const clock = { time: Date.parse('2026-11-21T09:00:00Z') }
    const now = () => new Date(clock.time)
    const left = setUp({ now }, createFakeServer({ now }))
    await left.vipps.signIn({ ...consented, returnTo: '/inbox' })
    clock.time += 60 * 60_000
    const next = reopen(left, { now })
    await next.vipps.retry()
    expect(next.state().status).toBe('awaiting_consent')
    await next.vipps.agree({ personnummer: false })
    expect(await next.nokkel.auth.completeSignIn(next.callback())).toMatchObject({ returnTo: '/inbox' })
  })

  it.each<[string, (url: URL) => void]>([
    ['another state', (url) => url.searchParams.set('state', 'x'.repeat(43))],
    ['no state', (url) => url.searchParams.delete('state')],
    ['two states', (url) => url.searchParams.append('state', url.searchParams.get('state') ?? '')],
    [
      'another state, from the app of Vipps',
      (url) => {
        url.search = `state=${'x'.repeat(43)}&resume_uri=https://login.example.no/resume`
      },
    ],
  ])('refuses a callback with %s, and leaves the login that is under way alone', async (_, change) => {
    const here = setUp()
    await here.vipps.signIn({ ...consented, returnTo: '/inbox' })
    const wrong = here.callback()
    change(wrong)
    const other = reopen(here)
    await expect(other.nokkel.auth.completeSignIn(wrong)).rejects.toEqual(code('login_state_mismatch'))
    expect(other.state()).toMatchObject({ status: 'error', reason: 'login_state_mismatch' })
    expect(here.state().status).toBe('awaiting_callback')
    expect(here.server.log).toEqual(['listOrganizations', 'beginLogin'])
    await expect(here.nokkel.auth.completeSignIn(wrong)).rejects.toEqual(code('login_state_mismatch'))
    expect(await here.nokkel.auth.completeSignIn(here.callback())).toMatchObject({ returnTo: '/inbox' })
    expect(here.state().status).toBe('authenticated')
  })

  it.each<[string, (url: URL) => void, string | undefined]>([
    ['another state', (url) => url.searchParams.set('state', 'x'.repeat(43)), 'login_lost'],
    ['another code for its state', (url) => url.searchParams.set('code', 'another'), 'login_lost'],
    ['no state', (url) => url.searchParams.delete('state'), 'login_lost'],
    [
      'a fragment',
      (url) => {
        url.hash = '_=_'
      },
      undefined,
    ],
  ])('finishes the login although meanwhile a callback comes with %s', async (_, change, reason) => {
    const { vipps, nokkel, server, callback, storage, state } = setUp()
    await vipps.signIn({ ...consented, returnTo: '/inbox' })
    const right = callback()
    const foreign = callback()
    change(foreign)
    let other: Promise<unknown> | undefined
    server.intercept('completeLogin', async (exchange) => {
      const answer = await server.respond(exchange)
      other = nokkel.auth.completeSignIn(foreign)
      other.catch(() => {})
      await setImmediate()
      expect(state().status).toBe('exchanging')
      return answer
    })
    const done = await nokkel.auth.completeSignIn(right)
    expect(done).toMatchObject({ returnTo: '/inbox', state: { status: 'authenticated' } })
    if (reason === undefined) expect(await other).toEqual(done)
    else await expect(other).rejects.toEqual(code(reason))
    expect(state()).toEqual(done.state)
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
    expect(server.sessions.map(({ ended }) => ended)).toEqual([undefined])
    expect(server.log.filter((endpoint) => endpoint === 'completeLogin')).toHaveLength(1)
    expect(await storage.list('vipps_pkce')).toEqual([])
  })

  it.each(['first', 'last'])(
    'finishes the login although a foreign callback comes at the same time, %s',
    async (when) => {
      const left = setUp()
      await left.vipps.signIn(consented)
      for (const { nokkel, state } of [reopen(left), left]) {
        const foreign = left.callback()
        foreign.searchParams.set('state', 'x'.repeat(43))
        const urls = when === 'first' ? [foreign, left.callback()] : [left.callback(), foreign]
        const results = await Promise.allSettled(urls.map((url) => nokkel.auth.completeSignIn(url)))
        expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
        expect(state().status).toBe('authenticated')
      }
      expect(left.server.sessions.map(({ ended }) => ended)).toEqual([undefined])
    },
  )

  it('leaves what the person is asked, and what another login waits for, when a foreign callback comes', async () => {
    const { vipps, nokkel, callback, state } = setUp()
    const foreign = callback()
    foreign.searchParams.set('state', 'x'.repeat(43))
    await vipps.signIn()
    await expect(nokkel.auth.completeSignIn(foreign)).rejects.toEqual(code('login_lost'))
    expect(state().status).toBe('awaiting_consent')
    await vipps.agree({ personnummer: true })
    foreign.searchParams.set('code', 'd')
    await expect(nokkel.auth.completeSignIn(foreign)).rejects.toEqual(code('login_state_mismatch'))
    expect(state()).toEqual({ status: 'awaiting_callback', purpose: 'login' })
    await vipps.cancel()
  })

  it('refuses the callback of a login before, and leaves the one that is under way alone', async () => {
    const here = setUp()
    await here.vipps.signIn(consented)
    const older = here.callback()
    here.server.intercept('completeLogin', () => new Refusal('login_refused').toResponse())
    await expect(here.nokkel.auth.completeSignIn(older)).rejects.toEqual(code('login_refused'))
    await here.vipps.retry()
    await expect(reopen(here).nokkel.auth.completeSignIn(older)).rejects.toEqual(code('login_state_mismatch'))
    await here.nokkel.auth.completeSignIn(here.callback())
    expect(here.state().status).toBe('authenticated')
  })

  it.each<[string, (url: URL) => void]>([
    [
      'another organisation',
      (url) => {
        url.pathname = '/callback/vipps/hjertelaget'
      },
    ],
    [
      'another origin',
      (url) => {
        url.host = 'elsewhere.example'
      },
    ],
    [
      'another path before it',
      (url) => {
        url.pathname = `/elsewhere${url.pathname}`
      },
    ],
  ])('refuses a callback with %s, asks nothing of the server, and uses the login up', async (_, change) => {
    const { vipps, nokkel, server, storage, callback, state } = setUp()
    await vipps.signIn(consented)
    const right = callback()
    const wrong = new URL(right)
    change(wrong)
    await expect(nokkel.auth.completeSignIn(wrong)).rejects.toEqual(code('login_state_mismatch'))
    expect(state()).toMatchObject({ status: 'error', reason: 'login_state_mismatch' })
    expect(await storage.list('vipps_pkce')).toEqual([])
    await expect(nokkel.auth.completeSignIn(right)).rejects.toEqual(code('login_lost'))
    expect(server.log).toEqual(['listOrganizations', 'beginLogin'])
  })

  it('takes no callback of the other provider', async () => {
    const { vipps, bankId, nokkel, callback, storage, state } = setUp()
    await vipps.signIn(consented)
    await expect(nokkel.auth.completeSignIn(callback('bankid'))).rejects.toEqual(code('login_lost'))
    expect(bankId.getSnapshot()).toMatchObject({ status: 'error', reason: 'login_lost' })
    expect(state().status).toBe('awaiting_callback')
    expect(await storage.list('vipps_pkce')).toHaveLength(4)
    await vipps.cancel()
  })

  it.each(['/callback/feide/likeperson', '/callback/vipps', '/login', '/callback/vipps/like%2Fperson'])(
    'refuses the path %s',
    async (path) => {
      const { nokkel, server, state } = setUp()
      const url = new URL(`${server.origin}${path}?code=c&state=s`)
      await expect(nokkel.auth.completeSignIn(url)).rejects.toEqual(code('login_state_mismatch'))
      expect(state().status).toBe('idle')
    },
  )

  it('hands an error of the provider to the server as it came, also the malformed one of Vipps', async () => {
    const { vipps, nokkel, server, callback, state } = setUp()
    await vipps.signIn(consented)
    const sent = callback().searchParams.get('state')
    const url = new URL(`${server.origin}/callback/vipps/likeperson?state=${sent}?error=access_denied`)
    const bodies = bodiesOf(server, 'completeLogin')
    server.intercept('completeLogin', () => new Refusal('login_refused', 400, { error: 'access_denied' }).toResponse())
    await expect(nokkel.auth.completeSignIn(url)).rejects.toEqual(code('login_refused'))
    expect(bodies).toMatchObject([{ callback: `state=${sent}?error=access_denied` }])
    expect(state()).toEqual({ status: 'error', purpose: 'login', reason: 'login_refused' })
    await vipps.retry()
    expect(state().status).toBe('awaiting_callback')
    await vipps.cancel()
  })

  it.each([false, true])('asks to go on without the personnummer where it is refused, page left: %s', async (left) => {
    const here = setUp()
    await here.vipps.signIn({ ...consented, returnTo: '/inbox' })
    const { callback, server } = here
    const client = left ? reopen(here) : here
    server.intercept('completeLogin', () => new Refusal('login_refused', 400, { error: 'invalid_scope' }).toResponse())
    await expect(client.nokkel.auth.completeSignIn(callback())).rejects.toEqual(code('login_scope_refused'))
    expect(client.state()).toMatchObject({ status: 'error', reason: 'login_scope_refused' })
    await client.vipps.retry()
    expect(client.state()).toMatchObject({ status: 'awaiting_consent', consent: { personnummer: false } })
    await client.vipps.agree({ personnummer: true })
    expect(client.launched.at(-1)?.searchParams.get('scope')).toBe('openid name')
    expect(await client.nokkel.auth.completeSignIn(client.callback())).toMatchObject({
      returnTo: '/inbox',
      state: { personnummer: 'not_asked' },
    })
  })

  it.each([
    ['network_unreachable', () => Promise.reject(new TypeError('connection reset'))],
    ['unavailable', () => new Response('', { status: 503 })],
    ['rate_limited', () => new Refusal('rate_limited', 429).toResponse()],
  ] as const)(
    'sends the exchange once, and keeps the verifier for another try, when it is %s',
    async (reason, meet) => {
      const { vipps, nokkel, server, callback, storage, state } = setUp()
      await vipps.signIn(consented)
      server.intercept('completeLogin', meet)
      await expect(nokkel.auth.completeSignIn(callback())).rejects.toEqual(code(reason))
      expect(server.log).toEqual(['listOrganizations', 'beginLogin', 'completeLogin'])
      expect(state()).toMatchObject({ status: 'error', reason })
      expect(await storage.list('vipps_pkce')).toHaveLength(4)
      await nokkel.auth.completeSignIn(callback())
      expect(state().status).toBe('authenticated')
      expect(await storage.list('vipps_pkce')).toEqual([])
    },
  )

  it('ends the session that came of it when it was cancelled meanwhile', async () => {
    const { vipps, nokkel, server, callback, storage, state } = setUp()
    await vipps.signIn(consented)
    server.intercept('completeLogin', async (exchange) => {
      const answer = await server.respond(exchange)
      await vipps.cancel()
      return answer
    })
    await expect(nokkel.auth.completeSignIn(callback())).rejects.toEqual(code('cancelled'))
    expect(server.sessions.map(({ ended }) => ended)).toEqual(['session_ended'])
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' })
    expect(state()).toEqual({ status: 'idle', purpose: 'login' })
    expect(await storage.list('')).toEqual([])
  })

  it('is cancelled altogether, also while a foreign callback waits', async () => {
    const { vipps, nokkel, server, callback, storage, state } = setUp()
    await vipps.signIn(consented)
    const foreign = callback()
    foreign.searchParams.set('state', 'x'.repeat(43))
    let other: Promise<unknown> | undefined
    server.intercept('completeLogin', async (exchange) => {
      const answer = await server.respond(exchange)
      other = nokkel.auth.completeSignIn(foreign)
      other.catch(() => {})
      await vipps.cancel()
      return answer
    })
    await expect(nokkel.auth.completeSignIn(callback())).rejects.toEqual(code('cancelled'))
    await expect(other).rejects.toEqual(code('cancelled'))
    expect(server.sessions.map(({ ended }) => ended)).toEqual(['session_ended'])
    expect(state()).toEqual({ status: 'idle', purpose: 'login' })
    expect(await storage.list('')).toEqual([])
  })

  it('ends the session that was here before', async () => {
    const { server, logIn, nokkel } = setUp()
    await logIn()
    await logIn(server.coordinator)
    expect(server.sessions.map(({ ended }) => ended)).toEqual(['session_ended', undefined])
    expect(nokkel.auth.getSnapshot().me?.name).toBe('Ingrid Solberg')
  })

  it('ends it also when it is one of another organisation, whose access token has expired', async () => {
    const client = setUp()
    const { server, storage, logIn } = client
    await logIn()
    const former = (await storage.get('session_v1')) as SessionRecord
    const expired = {
      organization: 'hjertelaget',
      accessToken: 'expired',
      accessTokenExpiresAt: new Date(0).toISOString(),
    }
    await storage.put('session_v1', { ...former, ...expired })
    await reopen(client).logIn(server.coordinator)
    expect(server.sessions.map(({ ended }) => ended)).toEqual(['session_ended', undefined])
  })

  it('keeps who is logged in when another login fails', async () => {
    const { logIn, vipps, nokkel, server, callback, state } = setUp()
    await logIn()
    await vipps.signIn(consented)
    server.intercept('completeLogin', () => new Refusal('login_not_member', 403).toResponse())
    await expect(nokkel.auth.completeSignIn(callback())).rejects.toEqual(code('login_not_member'))
    expect(state()).toMatchObject({ status: 'error', reason: 'login_not_member' })
    expect(nokkel.auth.getSnapshot()).toMatchObject({ status: 'signed_in', me: { name: 'Kari Nordmann' } })
  })

  it('is logged in although the first look at who that is fails', async () => {
    const { vipps, nokkel, server, callback, state } = setUp()
    await vipps.signIn(consented)
    server.intercept('getMe', () => new Response('', { status: 500 }))
    await nokkel.auth.completeSignIn(callback())
    expect(state().status).toBe('authenticated')
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'error', reason: 'answer_unexpected' })
    await nokkel.start()
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
  })
})

describe('another tab', () => {
  /** Two tabs over one storage, which tell each other what they write. */
  function twoTabs() {
    const listeners = new Map<object, (name: string) => void>()
    const shared = memoryStorage()
    const tab = (): SecureStorage => {
      const self = {}
      const tell = (name: string) => {
        for (const [other, listener] of listeners) if (other !== self) listener(name)
      }
      return {
        ...shared,
        put: async (name, value) => {
          await shared.put(name, value)
          tell(name)
        },
        delete: async (name) => {
          await shared.delete(name)
          tell(name)
        },
        subscribe(listener) {
          listeners.set(self, listener)
          return () => listeners.delete(self)
        },
      }
    }
    const waiting = setUp({ storage: tab() })
    return { waiting, opened: reopen(waiting, { storage: tab() }) }
  }

  it('finishes what was begun here', async () => {
    const { waiting, opened } = twoTabs()
    await waiting.nokkel.start()
    await waiting.vipps.signIn({ ...consented, returnTo: '/inbox' })
    const { state } = await opened.nokkel.auth.completeSignIn(waiting.callback())
    await vi.waitFor(() => expect(waiting.state()).toEqual(state))
    await vi.waitFor(() => expect(waiting.nokkel.auth.getSnapshot().status).toBe('signed_in'))
    waiting.nokkel.close()
  })

  it('fails in what was begun here, which begins anew as it was', async () => {
    const { waiting, opened } = twoTabs()
    await waiting.vipps.signIn({ ...consented, returnTo: '/inbox' })
    waiting.server.intercept('completeLogin', () => new Refusal('login_token_invalid').toResponse())
    await expect(opened.nokkel.auth.completeSignIn(waiting.callback())).rejects.toEqual(code('login_token_invalid'))
    const expected = { status: 'error', purpose: 'login', reason: 'login_token_invalid' }
    await vi.waitFor(() => expect(waiting.state()).toEqual(expected))
    await waiting.vipps.retry()
    expect(await waiting.nokkel.auth.completeSignIn(waiting.callback())).toMatchObject({ returnTo: '/inbox' })
  })

  it.each([
    ['first', [0, 1]],
    ['last', [1, 0]],
  ] as const)('finishes its own login of the same provider, the one begun first %s', async (_, order) => {
    const { waiting, opened } = twoTabs()
    const tabs = [waiting, opened]
    for (const [index, { vipps }] of tabs.entries()) await vipps.signIn({ ...consented, returnTo: `/${index}` })
    const storage = waiting.storage
    expect(await storage.get('vipps_pkce_v1_state')).toBe(opened.callback().searchParams.get('state'))
    for (const index of order) {
      const { nokkel, callback, state } = tabs[index] as (typeof tabs)[number]
      expect(await nokkel.auth.completeSignIn(callback())).toMatchObject({ returnTo: `/${index}` })
      expect(state().status).toBe('authenticated')
    }
    expect(await storage.list('vipps_pkce')).toEqual([])
    expect(waiting.server.sessions.map(({ ended }) => ended)).toEqual(['session_ended', undefined])
  })

  it('keeps the newest five logins that were begun, none of them longer than 15 minutes', async () => {
    const clock = { time: Date.parse('2026-11-21T09:00:00Z') }
    const now = () => new Date(clock.time)
    const first = setUp({ now }, createFakeServer({ now }))
    const tabs = [first]
    for (let more = 0; more < 6; more++) tabs.push(reopen(first, { now }))
    for (const { vipps } of tabs) {
      await vipps.signIn(consented)
      clock.time += 1000
    }
    expect(await first.storage.list('vipps_pkce_v1_earlier.')).toHaveLength(4)
    const finish = (index: number) => first.nokkel.auth.completeSignIn((tabs[index] as typeof first).callback())
    await expect(finish(1)).rejects.toEqual(code('login_state_mismatch'))
    await finish(2)
    expect(first.state().status).toBe('authenticated')
    clock.time += 15 * 60_000 - 4000
    await expect(finish(3)).rejects.toEqual(code('login_state_mismatch'))
    expect(await first.storage.list('vipps_pkce_v1_earlier.')).toHaveLength(2)
    clock.time += 4000
    await expect(finish(4)).rejects.toEqual(code('login_lost'))
    expect(await first.storage.list('vipps_pkce')).toEqual([])
    for (const { nokkel } of tabs) nokkel.close()
  })

  it('changes nothing here when it finishes a login of its own', async () => {
    const { waiting, opened } = twoTabs()
    await waiting.vipps.signIn(consented)
    await opened.bankId.signIn(consented)
    await opened.nokkel.auth.completeSignIn(opened.callback('bankid'))
    await opened.vipps.signIn(consented)
    await opened.nokkel.auth.completeSignIn(opened.callback())
    expect(waiting.state().status).toBe('awaiting_callback')
    await waiting.nokkel.auth.completeSignIn(waiting.callback())
    expect(waiting.state().status).toBe('authenticated')
  })
})

describe('an app that opens ours on the way', () => {
  const app = 'https://app.example.no/open/callback/vipps/likeperson'

  async function leave(at = app) {
    const appRedirectUris = { vipps: 'no.example.app:/callback/vipps/likeperson' }
    const client = setUp({ appRedirectUris, appCallbackUris: { vipps: app } })
    await client.vipps.signIn({ ...consented, flow: 'app_to_app' })
    const sent = client.callback().searchParams.get('state')
    const openedWith = (query: string) => new URL(`${at}?state=${sent}${query}`)
    const opened = (resumeUri: string) => openedWith(`&resume_uri=${encodeURIComponent(resumeUri)}`)
    return { ...client, opened, openedWith }
  }

  it.each(['?error=unknown_error', '&error=access_denied'])('tells that it was refused there: %s', async (query) => {
    const { nokkel, server, openedWith, state } = await leave()
    const bodies = bodiesOf(server, 'completeLogin')
    server.intercept('completeLogin', () => new Refusal('login_refused').toResponse())
    await expect(nokkel.auth.completeSignIn(openedWith(query))).rejects.toEqual(code('login_refused'))
    expect(bodies).toMatchObject([{ callback: openedWith(query).search.slice(1) }])
    expect(state()).toMatchObject({ status: 'error', reason: 'login_refused' })
  })

  it.each([
    ['a code', app, '&code=c'],
    ['an error and a code', app, '&error=access_denied&code=c'],
    ['an error, elsewhere', 'https://other.example.no/callback/vipps/likeperson', '&error=access_denied'],
    [
      'where to go on, elsewhere',
      'no.example.other:/callback/vipps/likeperson',
      '&resume_uri=https://login.example.no/r',
    ],
  ])('takes from it no %s', async (_, at, query) => {
    const { nokkel, server, launched, openedWith, storage } = await leave(at)
    await expect(nokkel.auth.completeSignIn(openedWith(query))).rejects.toEqual(code('login_state_mismatch'))
    expect(server.log).toEqual(['listOrganizations', 'beginLogin'])
    expect(launched).toHaveLength(1)
    expect(await storage.list('vipps_pkce')).toEqual([])
  })

  it('goes on where the login was begun, then signs in', async () => {
    const { nokkel, launched, opened, callback, state } = await leave()
    const resumed = await nokkel.auth.completeSignIn(opened('https://login.example.no/resume?x=1'))
    expect(resumed).toEqual({ state: { status: 'awaiting_callback', purpose: 'login' } })
    expect(launched.at(-1)?.href).toBe('https://login.example.no/resume?x=1')
    launched.pop()
    await nokkel.auth.completeSignIn(callback())
    expect(state().status).toBe('authenticated')
  })

  it.each([
    ['elsewhere', 'https://elsewhere.example/resume'],
    ['nowhere', 'resume'],
  ])('does not go %s', async (_, resumeUri) => {
    const { nokkel, launched, opened, storage } = await leave()
    await expect(nokkel.auth.completeSignIn(opened(resumeUri))).rejects.toEqual(code('login_state_mismatch'))
    expect(launched).toHaveLength(1)
    expect(await storage.list('vipps_pkce')).toEqual([])
  })

  it('goes nowhere when nothing was begun', async () => {
    const { vipps, nokkel, launched, opened } = await leave()
    await vipps.cancel()
    await expect(nokkel.auth.completeSignIn(opened('https://login.example.no/resume'))).rejects.toEqual(
      code('login_lost'),
    )
    expect(launched).toHaveLength(1)
  })

  it('gives up when nobody comes back from there', async () => {
    const { vipps, nokkel, opened, storage, state } = await leave()
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    await nokkel.auth.completeSignIn(opened('https://login.example.no/resume'))
    await vi.advanceTimersByTimeAsync(30_000)
    expect(state().reason).toBe('login_timed_out')
    expect(await storage.list('vipps_pkce')).toEqual([])
    await vipps.cancel()
  })
})

describe('a login that looks like somebody’s', () => {
  async function offered(ways: Parameters<FakeServer['offerLinking']> = ['bankid', 'supabase']) {
    const clock = { time: Date.parse('2026-11-21T09:00:00Z') }
    const now = () => new Date(clock.time)
    const client = setUp({ now }, createFakeServer({ now }))
    client.server.offerLinking(...ways)
    await client.vipps.signIn({ ...consented, returnTo: '/inbox' })
    const done = await client.nokkel.auth.completeSignIn(client.callback())
    return { ...client, clock, now, done }
  }

  it('says which ways there are, and logs nobody in', async () => {
    const { nokkel, done, state, server, vipps } = await offered()
    const linking = { ways: ['bankid', 'supabase'], expiresAt: '2026-11-21T09:15:00.000Z' }
    expect(done).toEqual({ state: { status: 'needs_linking', purpose: 'login', linking } })
    expect(state()).toEqual(done.state)
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' })
    expect(server.sessions).toEqual([])
    await vipps.cancel()
  })

  it('is confirmed by the other way with the same key, also after the page was left', async () => {
    const left = await offered()
    left.nokkel.close()
    const next = reopen(left, { now: left.now })
    await next.nokkel.start()
    expect(next.state()).toEqual(left.done.state)
    const bodies = bodiesOf(left.server)
    await next.bankId.signIn(consented)
    expect(bodies[0].linkToken).toMatch(/^[\w-]{43}$/)
    expect(next.state().status).toBe('needs_linking')
    expect(await next.nokkel.auth.completeSignIn(next.callback('bankid'))).toMatchObject({
      returnTo: '/inbox',
      state: { status: 'authenticated', outcome: 'identity_linked', linkedProvider: 'vipps' },
    })
    expect(next.state()).toEqual({ status: 'idle', purpose: 'login' })
    expect(await left.storage.get('link_v1')).toBeUndefined()
    expect(await next.nokkel.keys.settled()).toMatchObject({ status: 'ready' })
  })

  it('carries nothing along to a way the account does not have', async () => {
    const { vipps, server } = await offered()
    const bodies = bodiesOf(server)
    await vipps.signIn(consented)
    expect(bodies[0]).not.toHaveProperty('linkToken')
    await vipps.cancel()
  })

  it('is confirmed by Supabase', async () => {
    const { vipps, server, nokkel, callback } = await offered()
    const bodies = bodiesOf(server)
    await vipps.signIn({ ...consented, supabaseToken: 'a.b.c' })
    expect(bodies[0]).toMatchObject({ supabaseToken: 'a.b.c', linkToken: expect.any(String) })
    await nokkel.auth.completeSignIn(callback())
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
  })

  it('goes on with an account of its own, once', async () => {
    const { vipps, nokkel, server, storage, state } = await offered()
    await Promise.all([vipps.continueAsNew(), vipps.continueAsNew()])
    expect(state()).toMatchObject({ status: 'authenticated', outcome: 'account_created', returnTo: '/inbox' })
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
    expect(server.log.filter((endpoint) => endpoint === 'continueLogin')).toHaveLength(1)
    expect(await storage.get('link_v1')).toBeUndefined()
    await vipps.continueAsNew()
    expect(state().outcome).toBe('account_created')
  })

  it('ends when it took too long, in this page and in the next', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const left = await offered()
    left.clock.time += 900_000
    await vi.advanceTimersByTimeAsync(900_000)
    expect(left.state()).toEqual({ status: 'error', purpose: 'login', reason: 'link_unknown' })
    expect(await left.storage.get('link_v1')).toBeUndefined()
  })

  it('is not taken up when it is over, nor continued', async () => {
    const left = await offered()
    left.clock.time += 900_000
    await expect(left.vipps.continueAsNew()).rejects.toEqual(code('link_unknown'))
    await left.storage.put('link_v1', { organization: 'likeperson', keptUntil: left.now().toISOString() })
    const next = reopen(left, { now: left.now })
    await next.nokkel.start()
    expect(next.state().status).toBe('idle')
    expect(await left.storage.get('link_v1')).toBeUndefined()
  })

  it('is left alone by the client of another organisation', async () => {
    const left = await offered()
    const { storage, server, now } = left
    await createFakeClient(server, { storage, now, organization: 'hjertelaget' }).nokkel.start()
    const next = reopen(left, { now })
    await next.nokkel.start()
    expect(next.state().status).toBe('needs_linking')
    next.nokkel.close()
  })

  it('is forgotten when the server does not know it any more', async () => {
    const { vipps, bankId, server, storage, state } = await offered()
    server.intercept('continueLogin', () => new Refusal('link_unknown').toResponse())
    await expect(vipps.continueAsNew()).rejects.toEqual(code('link_unknown'))
    expect(state()).toMatchObject({ status: 'error', reason: 'link_unknown' })
    expect(await storage.get('link_v1')).toBeUndefined()
    const bodies = bodiesOf(server)
    await bankId.signIn(consented)
    expect(bodies[0]).not.toHaveProperty('linkToken')
    await bankId.cancel()
  })

  it('stays when the other login was of another account, until it is cancelled', async () => {
    const { bankId, nokkel, server, callback, storage, state } = await offered()
    await bankId.signIn(consented)
    server.intercept('completeLogin', () => new Refusal('login_link_mismatch', 409).toResponse())
    await expect(nokkel.auth.completeSignIn(callback('bankid'))).rejects.toEqual(code('login_link_mismatch'))
    expect(bankId.getSnapshot()).toEqual({ status: 'error', purpose: 'login', reason: 'login_link_mismatch' })
    const linking = { ways: ['bankid', 'supabase'], expiresAt: '2026-11-21T09:15:00.000Z' }
    expect(state()).toEqual({ status: 'needs_linking', purpose: 'login', linking, reason: 'login_link_mismatch' })
    expect(await storage.get('link_v1')).toBeDefined()
    await bankId.signIn()
    expect(state()).toEqual({ status: 'needs_linking', purpose: 'login', linking })
    await bankId.cancel()
    expect(state().status).toBe('idle')
    expect(await storage.list('')).toEqual([])
  })

  it('says in a page that was opened anew why it was not confirmed, and is confirmed by another try', async () => {
    const left = await offered()
    await left.bankId.signIn(consented)
    const next = reopen(left, { now: left.now })
    left.server.intercept('completeLogin', () => new Refusal('login_refused').toResponse())
    await expect(next.nokkel.auth.completeSignIn(left.callback('bankid'))).rejects.toEqual(code('login_refused'))
    expect(next.state()).toMatchObject({ status: 'needs_linking', reason: 'login_refused' })
    await next.bankId.retry()
    expect(await next.nokkel.auth.completeSignIn(next.callback('bankid'))).toMatchObject({
      state: { outcome: 'identity_linked', linkedProvider: 'vipps' },
    })
    expect(next.state().status).toBe('idle')
  })

  it('says nothing of a login that was not to confirm it', async () => {
    const { vipps, nokkel, server, callback, state } = await offered()
    await vipps.signIn(consented)
    server.intercept('completeLogin', () => new Refusal('login_refused').toResponse())
    await expect(nokkel.auth.completeSignIn(callback())).rejects.toEqual(code('login_refused'))
    expect(state()).toEqual({ status: 'error', purpose: 'login', reason: 'login_refused' })
  })

  it('is over when its key is gone while the other login is under way', async () => {
    const { bankId, nokkel, callback, storage } = await offered()
    await bankId.signIn(consented)
    await storage.delete('link_v1')
    await expect(nokkel.auth.completeSignIn(callback('bankid'))).rejects.toEqual(code('link_unknown'))
    expect(bankId.getSnapshot()).toMatchObject({ status: 'error', reason: 'link_unknown' })
  })

  it('gives the same result for the same callback, as long as it holds', async () => {
    const one = await offered()
    const url = one.callback()
    const two = reopen(one, { now: one.now })
    expect(await two.nokkel.auth.completeSignIn(url)).toEqual(one.done)
    await one.vipps.cancel()
    const three = reopen(one, { now: one.now })
    await expect(three.nokkel.auth.completeSignIn(url)).rejects.toEqual(code('login_lost'))
  })

  it('leaves nothing behind when it was cancelled while it was being exchanged', async () => {
    const { vipps, nokkel, server, callback, storage, state } = setUp()
    server.offerLinking('bankid')
    await vipps.signIn(consented)
    server.intercept('completeLogin', async (exchange) => {
      const answer = await server.respond(exchange)
      await vipps.cancel()
      return answer
    })
    await expect(nokkel.auth.completeSignIn(callback())).rejects.toEqual(code('cancelled'))
    expect(state().status).toBe('idle')
    expect(await storage.list('')).toEqual([])
  })
})

describe('adding a way in', () => {
  it('is done in the session that began it, and tells what came of it', async () => {
    const { logIn, bankId, nokkel, server, callback, storage } = setUp()
    await logIn()
    const before = nokkel.auth.getSnapshot().me?.session.id
    server.log.length = 0
    await bankId.link({ returnTo: '/account' })
    expect(bankId.getSnapshot()).toMatchObject({ status: 'awaiting_consent', purpose: 'link' })
    await bankId.agree({ personnummer: true })
    const expected = { status: 'authenticated', purpose: 'link', linked: 'identity_linked', personnummer: 'verified' }
    expect(await nokkel.auth.completeSignIn(callback('bankid'))).toMatchObject({
      returnTo: '/account',
      state: expected,
    })
    expect(bankId.getSnapshot()).toMatchObject(expected)
    expect(nokkel.auth.getSnapshot().me?.session.id).toBe(before)
    expect(server.sessions).toHaveLength(1)
    expect(server.log).not.toContain('completeLogin')
    expect(await storage.list('bankid_pkce')).toEqual([])
  })

  it('goes on in a page that was opened anew, and shows who is logged in', async () => {
    const left = setUp()
    await left.logIn()
    await left.bankId.link(consented)
    const next = reopen(left)
    expect(await next.nokkel.auth.completeSignIn(left.callback('bankid'))).toMatchObject({
      state: { purpose: 'link', linked: 'identity_linked' },
    })
    expect(next.nokkel.auth.getSnapshot()).toMatchObject({ status: 'signed_in' })
  })

  it('needs somebody who is logged in', async () => {
    const { bankId, server } = setUp()
    await expect(bankId.link(consented)).rejects.toEqual(code('signed_out'))
    expect(bankId.getSnapshot()).toEqual({ status: 'error', purpose: 'link', reason: 'signed_out' })
    expect(server.log).toEqual(['listOrganizations'])
  })

  it('says when the login is too old for that, and goes on afterwards', async () => {
    const { logIn, bankId, server, launched } = setUp()
    await logIn()
    server.intercept('beginLink', () => new Refusal('login_too_old', 403).toResponse())
    await expect(bankId.link(consented)).rejects.toEqual(code('login_too_old'))
    expect(bankId.getSnapshot()).toEqual({ status: 'error', purpose: 'link', reason: 'login_too_old' })
    const bodies = bodiesOf(server, 'beginLink')
    await bankId.retry()
    expect(bodies).toHaveLength(1)
    expect(launched).toHaveLength(2)
    await bankId.cancel()
  })

  it('is refused when somebody else has logged in meanwhile', async () => {
    const left = setUp()
    await left.logIn()
    await left.bankId.link(consented)
    const url = left.callback('bankid')
    const next = reopen(left)
    await next.logIn(left.server.coordinator)
    left.server.log.length = 0
    await expect(next.nokkel.auth.completeSignIn(url)).rejects.toEqual(code('login_state_mismatch'))
    expect(next.bankId.getSnapshot()).toEqual({ status: 'error', purpose: 'link', reason: 'login_state_mismatch' })
    expect(next.nokkel.auth.getSnapshot().me?.name).toBe('Ingrid Solberg')
    expect(left.server.log).not.toContain('completeLink')
  })

  it('is refused when the person has logged out meanwhile; another try says so', async () => {
    const { logIn, bankId, nokkel, callback } = setUp()
    await logIn()
    await bankId.link(consented)
    await nokkel.auth.signOut()
    await expect(nokkel.auth.completeSignIn(callback('bankid'))).rejects.toEqual(code('signed_out'))
    await expect(bankId.retry()).rejects.toEqual(code('signed_out'))
    expect(bankId.getSnapshot()).toEqual({ status: 'error', purpose: 'link', reason: 'signed_out' })
  })

  it('stays one when it is tried again in another page', async () => {
    const left = setUp()
    await left.logIn()
    await left.bankId.link({ ...consented, returnTo: '/account' })
    const next = reopen(left)
    await next.nokkel.start()
    const bodies = bodiesOf(left.server, 'beginLink')
    await next.bankId.retry()
    expect(next.bankId.getSnapshot()).toEqual({ status: 'awaiting_callback', purpose: 'link' })
    expect(bodies).toHaveLength(1)
    await next.bankId.cancel()
  })
})

describe('an account of Supabase', () => {
  it('is named by its token, which is stored nowhere', async () => {
    const { vipps, server, storage } = setUp()
    const bodies = bodiesOf(server)
    await vipps.signIn({ supabaseToken: 'a.secret.c' })
    await vipps.agree({ personnummer: false })
    expect(bodies[0].supabaseToken).toBe('a.secret.c')
    const stored = await Promise.all((await storage.list('')).map((name) => storage.get(name)))
    expect(JSON.stringify(stored)).not.toContain('secret')
    await vipps.cancel()
  })

  it('is not lost by another try in the same page, and asked for in another one', async () => {
    const here = setUp()
    const { vipps, nokkel, server, callback } = here
    await vipps.signIn({ ...consented, supabaseToken: 'a.b.c' })
    server.intercept('completeLogin', () => new Refusal('login_code_rejected').toResponse())
    await expect(nokkel.auth.completeSignIn(callback())).rejects.toEqual(code('login_code_rejected'))
    const next = reopen(here)
    await expect(next.vipps.retry()).rejects.toEqual(code('supabase_token_invalid'))
    expect(next.state().reason).toBe('supabase_token_invalid')
    const bodies = bodiesOf(server)
    await vipps.retry()
    expect(bodies[0].supabaseToken).toBe('a.b.c')
    await vipps.cancel()
  })
})
