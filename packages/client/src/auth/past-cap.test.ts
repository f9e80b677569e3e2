import { expect, it } from 'vitest'
import { consented, createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { Refusal } from '../testing/refusal.ts'

type FakeServer = ReturnType<typeof createFakeServer>

/** The next login by Vipps finds the cap reached, and goes past it with whatever `token` says. */
function reachCap(server: FakeServer, tokens: unknown[]) {
  server.intercept('listOrganizations', () => {
    const providers = [{ id: 'vipps', available: false, shares: ['name'], personnummer: false }]
    return Response.json({ organizations: [{ slug: 'likeperson', name: 'Likeperson', providers }] })
  })
  server.intercept('beginLogin', ({ body }) => {
    tokens.push((body as { accessToken?: string }).accessToken)
    return new Refusal('provider_unavailable', 409).toResponse()
  })
}

it('tries a login past a cap for whoever is logged in, with the token of that session', async () => {
  const server = createFakeServer()
  const { nokkel, launched, logIn } = createFakeClient(server)
  await logIn()
  const tokens: unknown[] = []
  reachCap(server, tokens)
  server.intercept('beginLogin', ({ body }) => void tokens.push((body as { accessToken?: string }).accessToken))
  await nokkel.vipps.signIn(consented)
  expect(tokens).toEqual([undefined, expect.any(String)])
  expect(launched).toHaveLength(2)
})

it('does not try it for anybody else', async () => {
  const server = createFakeServer()
  const { nokkel, launched } = createFakeClient(server)
  const tokens: unknown[] = []
  reachCap(server, tokens)
  await expect(nokkel.vipps.signIn(consented)).rejects.toMatchObject({ code: 'provider_unavailable' })
  expect({ tokens, launched }).toEqual({ tokens: [], launched: [] })
})

it('says of a refusal what it was', async () => {
  const server = createFakeServer()
  const { nokkel, logIn } = createFakeClient(server)
  await logIn()
  const tokens: unknown[] = []
  reachCap(server, tokens)
  server.intercept('beginLogin', () => new Refusal('provider_unavailable', 409).toResponse())
  await expect(nokkel.vipps.signIn(consented)).rejects.toMatchObject({ code: 'provider_unavailable' })
  expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
})
