import { describe, expect, it } from 'vitest'
import { clientAddress } from './client-address.ts'
import { createRateLimiter } from './rate-limit.ts'

describe('rate limit', () => {
  function limiter() {
    const clock = { time: 1_800_000_000_000 - (1_800_000_000_000 % 60_000) }
    const limit = createRateLimiter(() => new Date(clock.time))
    const allowed = (subject: string, most: number) => {
      try {
        limit(subject, most)
        return true
      } catch {
        return false
      }
    }
    return { clock, limit, allowed }
  }

  it('lets as many through as it says, of each subject', () => {
    const { allowed } = limiter()
    expect(Array.from({ length: 4 }, () => allowed('a', 3))).toEqual([true, true, true, false])
    expect(allowed('b', 3)).toBe(true)
  })

  it('has no burst at the turn of a minute', () => {
    const { clock, allowed } = limiter()
    clock.time += 59_000
    for (let count = 0; count < 10; count++) expect(allowed('a', 10)).toBe(true)
    clock.time += 2_000
    expect(allowed('a', 10)).toBe(false)
  })

  it('forgets after two minutes', () => {
    const { clock, allowed } = limiter()
    for (let count = 0; count < 10; count++) allowed('a', 10)
    clock.time += 120_000
    expect(allowed('a', 10)).toBe(true)
  })

  it('does not count what it refuses', () => {
    const { clock, allowed } = limiter()
    for (let count = 0; count < 1000; count++) allowed('a', 10)
    clock.time += 90_000
    expect(allowed('a', 10)).toBe(true)
  })

  it('counts several at once, all of them or none', () => {
    const { limit, allowed } = limiter()
    limit('a', 10, 8)
    expect(() => limit('a', 10, 3)).toThrow(expect.objectContaining({ code: 'rate_limited' }))
    limit('a', 10, 2)
    expect(allowed('a', 10)).toBe(false)
  })

  it('says how long to wait', () => {
    const { limit } = limiter()
    limit('a', 1)
    expect(() => limit('a', 1)).toThrow(
      expect.objectContaining({ code: 'rate_limited', data: { retryAfterSeconds: 60 } }),
    )
  })
})

describe('client address', () => {
  const request = new Request('http://localhost', { headers: { 'x-forwarded-for': 'forged, 198.51.100.7, 10.0.0.1' } })

  it.each([
    [0, '192.0.2.1'],
    [1, '10.0.0.1'],
    [2, '198.51.100.7'],
    [9, '192.0.2.1'],
  ])('behind %i proxies is %s', (trustedProxies, expected) => {
    expect(clientAddress(request, { clientAddress: '192.0.2.1' }, trustedProxies)).toBe(expected)
  })

  it.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::5:6:7:8:9', '2001:db8:0:5::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:5678', '192.0.2.1'],
    ['[2001:db8::1]:5678', '2001:db8:0:0::/64'],
    ['unknown', 'unknown'],
  ])('%s counts as %s', (address, expected) => {
    expect(clientAddress(new Request('http://localhost'), { clientAddress: address }, 0)).toBe(expected)
    const headers = { 'x-forwarded-for': address }
    expect(clientAddress(new Request('http://localhost', { headers }), { clientAddress: '192.0.2.9' }, 1)).toBe(
      expected,
    )
  })
})
