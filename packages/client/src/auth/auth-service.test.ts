import { afterEach, describe, expect, it, vi } from 'vitest'
import type { SessionRecord } from '../session/auth-token-store.ts'
import { memoryStorage } from '../storage/memory-storage.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer, Refusal } from '../testing/fake-server.ts'

const pendingNames = ['vipps_pkce_v1_verifier', 'vipps_pkce_v1_state', 'vipps_pkce_v1_nonce', 'vipps_pkce_v1_login']

afterEach(() => vi.useRealTimers())

describe('signIn', () => {
  it('stores what it needs before it asks the server or leaves, and says loading first', async () => {
    const server = createFakeServer()
    const storage = memoryStorage()
    const steps: string[] = []
    const put = storage.put
    storage.put = async (name, value) => {
      steps.push(`put ${name}`)
      await put(name, value)
    }
    const { nokkel } = createFakeClient(server, { storage, urlLauncher: { launch: () => void steps.push('launch') } })
    nokkel.auth.subscribe(() => steps.push(nokkel.auth.getSnapshot().status))
    server.intercept('beginLogin', () => void steps.push('request'))
    await nokkel.auth.signIn('vipps')
    const puts = pendingNames.map((name) => `put ${name}`)
    expect(steps).toEqual(['loading', ...puts, 'request', ...puts, 'awaiting_callback', 'launch'])
    nokkel.close()
  })

  it('does nothing when tapped again', async () => {
    const server = createFakeServer()
    const { nokkel, launched } = createFakeClient(server)
    await Promise.all([nokkel.auth.signIn('vipps'), nokkel.auth.signIn('vipps'), nokkel.auth.signIn('bankid')])
    await nokkel.auth.signIn('vipps')
    expect(launched).toHaveLength(1)
    expect(server.log).toEqual(['beginLogin'])
    nokkel.close()
  })

  it('sends the challenge, and never the verifier', async () => {
    const server = createFakeServer()
    const { nokkel, storage } = createFakeClient(server)
    let sent = ''
    server.intercept('beginLogin', ({ bytes }) => {
      sent = new TextDecoder().decode(bytes)
      return undefined
    })
    await nokkel.auth.signIn('vipps')
    expect(sent).toContain('codeChallenge')
    expect(sent).not.toContain(String(await storage.get('vipps_pkce_v1_verifier')))
    nokkel.close()
  })

  it('ends in error and clears what it stored when the server refuses', async () => {
    const server = createFakeServer()
    const { nokkel, storage, launched } = createFakeClient(server)
    server.intercept('beginLogin', () => new Refusal('provider_unavailable', 409).toResponse())
    await expect(nokkel.auth.signIn('vipps')).rejects.toMatchObject({ code: 'provider_unavailable' })
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'error', reason: 'provider_unavailable' })
    expect(await storage.list('vipps_pkce')).toEqual([])
    expect(launched).toEqual([])
    await nokkel.auth.signIn('vipps')
    expect(launched).toHaveLength(1)
    nokkel.close()
  })

  it('does not leave for a URL that carries another state', async () => {
    const server = createFakeServer()
    const { nokkel, launched } = createFakeClient(server)
    server.intercept('beginLogin', async (exchange) => {
      const begun = (await (await server.respond(exchange)).json()) as { authorizationUrl: string }
      const url = new URL(begun.authorizationUrl)
      url.searchParams.set('state', 'x'.repeat(43))
      return Response.json({ ...begun, authorizationUrl: url.href })
    })
    await expect(nokkel.auth.signIn('vipps')).rejects.toMatchObject({ code: 'login_state_mismatch' })
    expect(launched).toEqual([])
  })

  it('does not leave when it cannot store', async () => {
    const server = createFakeServer()
    const storage = memoryStorage()
    storage.put = () => Promise.reject(new DOMException('full', 'QuotaExceededError'))
    const { nokkel } = createFakeClient(server, { storage })
    await expect(nokkel.auth.signIn('vipps')).rejects.toThrow('full')
    expect(server.log).toEqual([])
    expect(nokkel.auth.getSnapshot().status).toBe('error')
  })

  it('gives up after 30 seconds in the foreground and can begin again', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const server = createFakeServer()
    const { nokkel, storage, launched } = createFakeClient(server)
    await nokkel.auth.signIn('vipps')
    await vi.advanceTimersByTimeAsync(29_000)
    expect(nokkel.auth.getSnapshot().status).toBe('awaiting_callback')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'error', reason: 'login_timed_out' })
    expect(await storage.list('vipps_pkce')).toEqual([])
    await nokkel.auth.signIn('vipps')
    expect(launched).toHaveLength(2)
    nokkel.close()
  })

  it('does not count the time the page is hidden', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    vi.stubGlobal('document', { visibilityState: 'hidden' })
    const { nokkel } = createFakeClient(createFakeServer())
    await nokkel.auth.signIn('vipps')
    await vi.advanceTimersByTimeAsync(120_000)
    expect(nokkel.auth.getSnapshot().status).toBe('awaiting_callback')
    vi.unstubAllGlobals()
    nokkel.close()
  })
})

describe('completeSignIn', () => {
  it('signs in, and gives back where to go', async () => {
    const server = createFakeServer()
    const { nokkel, callback } = createFakeClient(server)
    await nokkel.auth.signIn('vipps', { returnTo: '/inbox' })
    await expect(nokkel.auth.completeSignIn(callback())).resolves.toEqual({ returnTo: '/inbox' })
    expect(nokkel.auth.getSnapshot()).toMatchObject({ status: 'signed_in', me: { name: 'Kari Nordmann' } })
  })

  it('exchanges once, however often the page asks', async () => {
    const server = createFakeServer()
    const { nokkel, callback } = createFakeClient(server)
    await nokkel.auth.signIn('vipps')
    const url = callback()
    await Promise.all([nokkel.auth.completeSignIn(url), nokkel.auth.completeSignIn(url)])
    await nokkel.auth.completeSignIn(url)
    expect(server.log.filter((endpoint) => endpoint === 'completeLogin')).toHaveLength(1)
  })

  it('says login_lost when nothing was begun here', async () => {
    const server = createFakeServer()
    const { nokkel } = createFakeClient(server)
    const url = new URL(`${server.origin}/callback/vipps/likeperson?code=c&state=s`)
    await expect(nokkel.auth.completeSignIn(url)).rejects.toMatchObject({ code: 'login_lost' })
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'error', reason: 'login_lost' })
    expect(server.log).toEqual([])
  })

  it('says login_lost when the verifier alone is gone', async () => {
    const server = createFakeServer()
    const { nokkel, storage, callback } = createFakeClient(server)
    await nokkel.auth.signIn('vipps')
    await storage.delete('vipps_pkce_v1_verifier')
    await expect(nokkel.auth.completeSignIn(callback())).rejects.toMatchObject({ code: 'login_lost' })
    expect(await storage.list('vipps_pkce')).toEqual([])
  })

  it.each([
    ['another state', (url: URL) => url.searchParams.set('state', 'x'.repeat(43))],
    ['no state', (url: URL) => url.searchParams.delete('state')],
    ['two states', (url: URL) => url.searchParams.append('state', url.searchParams.get('state') ?? '')],
    [
      'another organisation',
      (url: URL) => {
        url.pathname = '/callback/vipps/hjertelaget'
      },
    ],
  ])('refuses a callback with %s, asks nothing of the server, and uses the login up', async (_, change) => {
    const server = createFakeServer()
    const { nokkel, storage, callback } = createFakeClient(server)
    await nokkel.auth.signIn('vipps')
    const right = callback()
    const wrong = new URL(right)
    change(wrong)
    await expect(nokkel.auth.completeSignIn(wrong)).rejects.toMatchObject({ code: 'login_state_mismatch' })
    expect(await storage.list('vipps_pkce')).toEqual([])
    await expect(nokkel.auth.completeSignIn(new URL(`${right}&again=1`))).rejects.toMatchObject({ code: 'login_lost' })
    expect(server.log).toEqual(['beginLogin'])
  })

  it.each(['/callback/feide/likeperson', '/callback/vipps', '/login', '/callback/vipps/like%2Fperson'])(
    'refuses the path %s',
    async (path) => {
      const server = createFakeServer()
      const { nokkel } = createFakeClient(server)
      const url = new URL(`${server.origin}${path}?code=c&state=s`)
      await expect(nokkel.auth.completeSignIn(url)).rejects.toMatchObject({ code: 'login_state_mismatch' })
    },
  )

  it('hands an error of the provider to the server as it came, also the malformed one of Vipps', async () => {
    const server = createFakeServer()
    const { nokkel, callback } = createFakeClient(server)
    await nokkel.auth.signIn('vipps')
    const state = callback().searchParams.get('state')
    const url = new URL(`${server.origin}/callback/vipps/likeperson?state=${state}?error=access_denied`)
    let sent: unknown
    server.intercept('completeLogin', ({ body }) => {
      sent = body.callback
      return new Refusal('login_refused').toResponse()
    })
    await expect(nokkel.auth.completeSignIn(url)).rejects.toMatchObject({ code: 'login_refused' })
    expect(sent).toBe(`state=${state}?error=access_denied`)
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'error', reason: 'login_refused' })
  })

  it('sends the exchange once when no answer comes', async () => {
    const server = createFakeServer()
    const { nokkel, callback } = createFakeClient(server)
    await nokkel.auth.signIn('vipps')
    server.intercept('completeLogin', () => Promise.reject(new TypeError('connection reset')))
    await expect(nokkel.auth.completeSignIn(callback())).rejects.toMatchObject({ code: 'network_unreachable' })
    expect(server.log).toEqual(['beginLogin', 'completeLogin'])
  })

  it('ends the session that was here before', async () => {
    const server = createFakeServer()
    const client = createFakeClient(server)
    await client.logIn()
    await client.logIn(server.coordinator)
    expect(server.sessions.map(({ ended }) => ended)).toEqual(['session_ended', undefined])
    expect(client.nokkel.auth.getSnapshot().me?.name).toBe('Ingrid Solberg')
  })

  it('ends it also when it is one of another organisation, whose access token has expired', async () => {
    const server = createFakeServer()
    const client = createFakeClient(server)
    await client.logIn()
    const former = (await client.storage.get('session_v1')) as SessionRecord
    const expired = {
      organization: 'hjertelaget',
      accessToken: 'expired',
      accessTokenExpiresAt: new Date(0).toISOString(),
    }
    await client.storage.put('session_v1', { ...former, ...expired })
    const { storage } = client
    await createFakeClient(server, { storage }).logIn(server.coordinator)
    expect(server.sessions.map(({ ended }) => ended)).toEqual(['session_ended', undefined])
  })
})

describe('start', () => {
  it('takes up the session in storage', async () => {
    const server = createFakeServer()
    const first = createFakeClient(server)
    await first.logIn()
    const { nokkel } = createFakeClient(server, { storage: first.storage })
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'starting' })
    await nokkel.start()
    expect(nokkel.auth.getSnapshot()).toMatchObject({ status: 'signed_in', me: { name: 'Kari Nordmann' } })
    expect(await nokkel.keys.settled()).toMatchObject({ status: 'ready' })
    expect(server.devices).toHaveLength(1)
  })

  it('leaves the session of another organisation alone', async () => {
    const server = createFakeServer()
    const first = createFakeClient(server)
    await first.logIn()
    const { nokkel } = createFakeClient(server, { storage: first.storage, organization: 'hjertelaget' })
    await nokkel.start()
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' })
    expect(await first.storage.get('session_v1')).toBeDefined()
  })

  it('explains a storage that cannot be written', async () => {
    const storage = memoryStorage()
    const { NokkelError } = await import('../errors.ts')
    storage.open = () => Promise.reject(new NokkelError('storage_private_mode'))
    const { nokkel } = createFakeClient(createFakeServer(), { storage })
    await nokkel.start()
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'error', reason: 'storage_private_mode' })
  })

  it.each([
    ['session_ended', 'session_expired'],
    ['session_expired', 'session_expired'],
    ['device_superseded', 'device_superseded'],
    ['device_revoked', 'device_revoked'],
  ] as const)('clears a session the server has ended as %s', async (ended, notice) => {
    const server = createFakeServer()
    const first = createFakeClient(server)
    await first.logIn()
    for (const session of server.sessions) session.ended = ended
    const { nokkel } = createFakeClient(server, { storage: first.storage })
    await nokkel.start()
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notice })
    const device = ended.startsWith('device_') ? [] : [`device_v1.${server.member.id}`]
    expect(await first.storage.list('')).toEqual(device)
  })

  it('keeps the session when the server cannot be reached', async () => {
    const server = createFakeServer()
    const first = createFakeClient(server)
    await first.logIn()
    const fetch = () => Promise.reject(new TypeError('offline'))
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const { nokkel } = createFakeClient(server, { storage: first.storage, fetch })
    const started = nokkel.start()
    await vi.advanceTimersByTimeAsync(10_000)
    await started
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'error', reason: 'network_unreachable' })
    expect(await first.storage.get('session_v1')).toBeDefined()
  })
})

describe('signOut', () => {
  it('ends the session here and there, and keeps the device for the next login', async () => {
    const server = createFakeServer()
    const client = createFakeClient(server)
    await client.logIn()
    await client.nokkel.auth.signOut()
    expect(client.nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out' })
    expect(client.nokkel.keys.getSnapshot()).toEqual({ status: 'none' })
    expect(server.sessions[0]?.ended).toBe('session_ended')
    expect(await client.storage.list('')).toEqual([`device_v1.${server.member.id}`])
    await expect(client.nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'signed_out' })
  })

  it('ends the session here when the server cannot be reached', async () => {
    const server = createFakeServer()
    const client = createFakeClient(server)
    await client.logIn()
    for (let attempt = 0; attempt < 4; attempt++) {
      server.intercept('signOut', () => new Response('', { status: 500 }))
    }
    await client.nokkel.auth.signOut()
    expect(await client.storage.get('session_v1')).toBeUndefined()
  })
})
