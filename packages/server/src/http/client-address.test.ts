import { describe, expect, it } from 'vitest'
import { clientAddress } from './client-address.ts'

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
