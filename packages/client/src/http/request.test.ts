import { generateDeviceKeys, verifyDpopProof } from '@nokkel/crypto'
import { describe, expect, it } from 'vitest'
import { Refusal } from '../testing/refusal.ts'
import { createRequest } from './request.ts'
import { createServerClock } from './server-clock.ts'

type Answer = (request: Request) => Response | Promise<Response>

/** A request function over answers given in turn; the last one stays. */
function requestOver(...answers: Answer[]) {
  const requests: Request[] = []
  const fetch = (async (input, init) => {
    const request = new Request(input, init)
    requests.push(request)
    return (answers[requests.length - 1] ?? (answers.at(-1) as Answer))(request)
  }) as typeof globalThis.fetch
  const clock = createServerClock(() => new Date('2026-11-21T09:00:00Z'))
  const url = 'https://keys.example.no/functions/v1'
  return { request: createRequest({ url, fetch, clock, retryDelays: [1, 1, 1] }), requests }
}

const lost = () => Promise.reject(new TypeError('connection reset'))
const organizations = () => Response.json({ organizations: [] })

describe('a request', () => {
  it('puts parameters in as segments and leaves no room for others', async () => {
    const { request, requests } = requestOver(() => new Response(null, { status: 204 }))
    await request('revokeDevice', { params: { id: '../me?x=1#y' } }, { accessToken: 't' })
    expect(requests[0]?.url).toBe('https://keys.example.no/functions/v1/nokkel/devices/..%2Fme%3Fx%3D1%23y')
    expect(requests[0]?.method).toBe('DELETE')
    expect(requests[0]?.headers.get('authorization')).toBe('Bearer t')
  })

  it('sends no cookies and follows no redirect', async () => {
    const { request, requests } = requestOver(organizations)
    await request('listOrganizations', {})
    expect(requests[0]).toMatchObject({ credentials: 'omit', redirect: 'error', cache: 'no-store' })
  })

  it('turns a problem into its code, with its data', async () => {
    const data = { devices: [{ name: 'Chrome', registeredAt: '2026-11-01T00:00:00Z' }] }
    const { request } = requestOver(() => new Refusal('device_exists', 409, data).toResponse())
    await expect(request('getMe', {})).rejects.toMatchObject({
      name: 'NokkelError',
      code: 'device_exists',
      data: { ...data, status: 409 },
    })
  })

  it.each([
    [
      'an HTML error page',
      () => new Response('<h1>no</h1>', { status: 500, headers: { 'content-type': 'text/html' } }),
    ],
    [
      'a problem without a code',
      () => Response.json({ title: 'x' }, { status: 400, headers: { 'content-type': 'application/problem+json' } }),
    ],
    [
      'a problem that is not JSON',
      () => new Response('{', { status: 400, headers: { 'content-type': 'application/problem+json' } }),
    ],
    ['a success that is not JSON', () => new Response('<!doctype html>')],
  ])('does not make sense of %s', async (_, answer) => {
    const { request } = requestOver(answer)
    await expect(request('getMe', {})).rejects.toMatchObject({ code: 'answer_unexpected' })
  })

  it('says nothing of what it carried in an error', async () => {
    const { request } = requestOver(lost)
    const error = await request(
      'refreshSession',
      { body: { refreshToken: 'nrt_secret' } },
      { accessToken: 'token_secret' },
    ).catch((thrown: Error) => thrown)
    expect(`${error}${JSON.stringify(error)}`).not.toMatch(/secret/)
  })
})

describe('trying again', () => {
  it('is done for what only reads, or changes nothing the second time', async () => {
    const { request, requests } = requestOver(lost, lost, lost, organizations)
    await request('listOrganizations', {})
    expect(requests).toHaveLength(4)
  })

  it('ends with network_unreachable', async () => {
    const { request, requests } = requestOver(lost)
    await expect(request('listOrganizations', {})).rejects.toMatchObject({ code: 'network_unreachable' })
    expect(requests).toHaveLength(4)
  })

  it.each(['completeLogin', 'registerDevice', 'createDeviceChallenge', 'resumeDevice', 'beginLogin'] as const)(
    'is not done for %s',
    async (endpoint) => {
      const { request, requests } = requestOver(lost)
      await expect(request(endpoint, { body: {} } as never)).rejects.toMatchObject({ code: 'network_unreachable' })
      expect(requests).toHaveLength(1)
    },
  )

  it('is not done for a refusal', async () => {
    const { request, requests } = requestOver(() => new Refusal('forbidden', 403).toResponse())
    await expect(request('getMe', {})).rejects.toMatchObject({ code: 'forbidden' })
    expect(requests).toHaveLength(1)
  })

  it('is done when the server is busy for a moment, not when it asks for longer', async () => {
    const busy = (seconds: string) => () => new Response('', { status: 503, headers: { 'retry-after': seconds } })
    const short = requestOver(busy('0'), organizations)
    await short.request('listOrganizations', {})
    expect(short.requests).toHaveLength(2)
    const long = requestOver(busy('600'), organizations)
    await expect(long.request('listOrganizations', {})).rejects.toMatchObject({ code: 'unavailable' })
    expect(long.requests).toHaveLength(1)
  })

  it('is done when many keys are being worked on, not when the quota of the day is used up', async () => {
    const refuse = (code: 'key_queue_full' | 'quota_exceeded') => () => {
      const refusal = new Refusal(code, 429).toResponse()
      refusal.headers.set('retry-after', '0')
      return refusal
    }
    const full = requestOver(refuse('key_queue_full'), organizations)
    await full.request('listOrganizations', {})
    expect(full.requests).toHaveLength(2)
    const spent = requestOver(refuse('quota_exceeded'), organizations)
    await expect(spent.request('listOrganizations', {})).rejects.toMatchObject({ code: 'quota_exceeded' })
    expect(spent.requests).toHaveLength(1)
  })

  it('stops when cancelled, and says so', async () => {
    const controller = new AbortController()
    const { request, requests } = requestOver(() => {
      controller.abort()
      return lost()
    })
    const { signal } = controller
    await expect(request('listOrganizations', {}, { signal })).rejects.toMatchObject({ code: 'cancelled' })
    expect(requests).toHaveLength(1)
  })

  it('carries a fresh proof each time', async () => {
    const { signing } = await generateDeviceKeys()
    const { request, requests } = requestOver(lost, () => Response.json({}))
    await request('refreshSession', { body: { refreshToken: 'x' } }, { dpopSigner: signing })
    const url = 'https://keys.example.no/functions/v1/nokkel/session/refresh'
    const proofs = await Promise.all(
      requests.map(({ headers }) =>
        verifyDpopProof(headers.get('dpop') ?? '', {
          method: 'POST',
          url,
          now: () => new Date('2026-11-21T09:00:00Z'),
        }),
      ),
    )
    expect(new Set(proofs.map(({ jti }) => jti)).size).toBe(2)
  })
})

describe('a clock that is wrong', () => {
  const iatOf = (request: Request | undefined) => {
    const payload = request?.headers.get('dpop')?.split('.')[1] ?? ''
    return JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/'))).iat as number
  }
  const refused = (date: string) => () => {
    const response = new Refusal('dpop_proof_invalid', 401).toResponse()
    response.headers.set('date', date)
    return response
  }

  it('is put right by the answer of the server, and the proof made anew', async () => {
    const { signing } = await generateDeviceKeys()
    const { request, requests } = requestOver(refused('Sat, 21 Nov 2026 09:10:00 GMT'), () => Response.json({}))
    await request('completeLogin', { body: {} } as never, { dpopSigner: signing })
    expect(iatOf(requests[1]) - iatOf(requests[0])).toBe(600)
  })

  it('is not blamed when it is right', async () => {
    const { signing } = await generateDeviceKeys()
    const { request, requests } = requestOver(refused('Sat, 21 Nov 2026 09:00:05 GMT'))
    await expect(request('completeLogin', { body: {} } as never, { dpopSigner: signing })).rejects.toMatchObject({
      code: 'dpop_proof_invalid',
    })
    expect(requests).toHaveLength(1)
  })
})
