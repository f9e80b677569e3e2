import { afterEach, expect, it, vi } from 'vitest'
import { consented, createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'

const page = { origin: 'https://app.example.no' }
afterEach(() => vi.unstubAllGlobals())

it('logs in on a page of another host than the API, and comes back to that page', async () => {
  vi.stubGlobal('location', page)
  const { nokkel, launched, logIn } = createFakeClient(createFakeServer())
  await logIn()
  expect(launched[0]?.searchParams.get('redirect_uri')).toBe(`${page.origin}/callback/vipps/likeperson`)
  expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
})

it('does not leave for a provider that would send people to the host of the API', async () => {
  const server = createFakeServer()
  vi.stubGlobal('location', page)
  const { nokkel, launched } = createFakeClient(server)
  await expect(nokkel.vipps.signIn(consented)).rejects.toMatchObject({ code: 'login_state_mismatch' })
  expect(launched).toEqual([])
})

it('comes back below the path of an API on its own host', async () => {
  const url = 'https://keys.example.no/nokkel'
  vi.stubGlobal('location', { origin: url })
  const server = createFakeServer()
  vi.stubGlobal('location', { origin: new URL(url).origin })
  const { nokkel, launched } = createFakeClient(server, {
    url,
    fetch: (input, init) => server.fetch(String(input).replace(url, server.origin), init),
  })
  await nokkel.vipps.signIn(consented)
  expect(launched[0]?.searchParams.get('redirect_uri')).toBe(`${url}/callback/vipps/likeperson`)
})
