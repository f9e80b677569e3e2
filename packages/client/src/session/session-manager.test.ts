import { describe, expect, it } from 'vitest'
import { createMutex, type Lock } from '../lock/lock.ts'
import { consented, createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { createLaterLock } from '../testing/later-lock.ts'
import { Refusal } from '../testing/refusal.ts'

async function signedIn(lock: Lock = createMutex()) {
  const clock = { time: Date.parse('2026-11-21T09:00:00Z') }
  const now = () => new Date(clock.time)
  const server = createFakeServer({ now })
  const client = createFakeClient(server, { now, lock })
  await client.logIn()
  server.log.length = 0
  return { clock, now, server, client, nokkel: client.nokkel }
}

async function withLaterLock() {
  const laterLock = createLaterLock()
  return { ...(await signedIn(laterLock)), laterLock }
}

describe('the access token', () => {
  it('is used again while it has a minute left, then refreshed', async () => {
    const { clock, server, nokkel } = await signedIn()
    const first = await nokkel.auth.accessToken()
    clock.time += 540_000
    expect(await nokkel.auth.accessToken()).toBe(first)
    clock.time += 1
    const second = await nokkel.auth.accessToken()
    expect(second).not.toBe(first)
    expect(server.log).toEqual(['refreshSession'])
  })

  it('is refreshed once by all who ask, in one tab and in two', async () => {
    const { clock, now, server, client, nokkel } = await signedIn()
    const lock = createMutex()
    const tabs = [1, 2].map(() => createFakeClient(server, { now, lock, storage: client.storage }).nokkel)
    clock.time += 600_000
    const asked = tabs.flatMap(({ auth }) => [auth.accessToken(), auth.accessToken()])
    expect(new Set(await Promise.all(asked)).size).toBe(1)
    expect(server.log).toEqual(['refreshSession'])
    nokkel.close()
  })

  it('is refreshed when the server calls it expired before its time, and the call repeated', async () => {
    const { server, nokkel } = await signedIn()
    server.intercept('listSessions', () => new Refusal('token_expired', 401).toResponse())
    server.intercept('listSessions', () => Response.json({ sessions: [] }))
    await expect(nokkel.auth.sessions()).resolves.toEqual([])
    expect(server.log).toEqual(['listSessions', 'refreshSession', 'listSessions'])
  })

  it('is refreshed only once for a call that stays refused', async () => {
    const { server, nokkel } = await signedIn()
    for (let time = 0; time < 2; time++) {
      server.intercept('listSessions', () => new Refusal('token_invalid', 401).toResponse())
    }
    await expect(nokkel.auth.sessions()).rejects.toMatchObject({ code: 'token_invalid' })
    expect(server.log).toEqual(['listSessions', 'refreshSession', 'listSessions'])
  })

  it('is refreshed with a proof by the device key', async () => {
    const { clock, server, nokkel } = await signedIn()
    clock.time += 600_000
    await nokkel.auth.accessToken()
    expect(server.sessions[0]?.thumbprint).toBe(server.devices[0]?.signingThumbprint)
  })

  it('asks for the same rotation again when the answer is lost', async () => {
    const { clock, server, nokkel } = await signedIn()
    const bodies: string[] = []
    server.intercept('refreshSession', ({ body }) => {
      bodies.push(body.refreshToken)
      throw new TypeError('connection reset')
    })
    server.intercept('refreshSession', ({ body }) => {
      bodies.push(body.refreshToken)
      return undefined
    })
    clock.time += 600_000
    await nokkel.auth.accessToken()
    expect(bodies).toHaveLength(2)
    expect(new Set(bodies).size).toBe(1)
  })
})

describe('a session that is over', () => {
  it.each(['refresh_token_unknown', 'refresh_token_reused', 'session_expired', 'session_ended'] as const)(
    'is cleared when a refresh is refused with %s',
    async (code) => {
      const { clock, server, client, nokkel } = await signedIn()
      server.intercept('refreshSession', () => new Refusal(code, 401).toResponse())
      clock.time += 600_000
      await expect(nokkel.auth.accessToken()).rejects.toMatchObject({ code })
      const lastProvider = 'vipps'
      expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notice: 'session_expired', lastProvider })
      expect(await client.storage.list('')).toEqual([`device_v1.${server.member.id}`, 'last_provider_v1.likeperson'])
    },
  )

  it('takes the keys and what was remembered with it when the device was superseded', async () => {
    const { server, client, nokkel } = await signedIn()
    await client.storage.put(`known_signer_v1.${server.member.id}`, {})
    for (const device of server.devices) server.endDevice(device, 'superseded')
    await expect(nokkel.devices.list()).rejects.toMatchObject({ code: 'device_superseded' })
    expect(await client.storage.list('')).toEqual([])
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notice: 'device_superseded' })
    expect(nokkel.keys.getSnapshot()).toEqual({ status: 'superseded' })
  })

  it('does not come back with the answer to a refresh', async () => {
    const { clock, server, client, nokkel } = await signedIn()
    server.intercept('refreshSession', async (exchange) => {
      const answer = await server.respond(exchange)
      await client.storage.delete('session_v1')
      return answer
    })
    clock.time += 600_000
    await expect(nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'signed_out' })
    expect(await client.storage.get('session_v1')).toBeUndefined()
  })

  it('does not take the session that came after it', async () => {
    const { server, client, nokkel } = await signedIn()
    server.intercept('listSessions', async () => {
      await client.logIn(server.coordinator)
      return new Refusal('session_ended', 401).toResponse()
    })
    await expect(nokkel.auth.sessions()).rejects.toMatchObject({ code: 'session_ended' })
    expect(nokkel.auth.getSnapshot()).toMatchObject({ status: 'signed_in', me: { name: 'Ingrid Solberg' } })
    expect(await client.storage.get('session_v1')).toBeDefined()
  })

  it('does not take the session that a login puts in its place in that moment', async () => {
    const { server, client, nokkel, laterLock } = await withLaterLock()
    server.intercept('listSessions', () => {
      laterLock.postpone('identity')
      return new Refusal('session_ended', 401).toResponse()
    })
    const refused = nokkel.auth.sessions().catch((error: unknown) => error)
    await laterLock.postponed
    await client.logIn(server.coordinator)
    laterLock.release()
    expect(await refused).toMatchObject({ code: 'session_ended' })
    expect(await client.storage.get('session_v1')).toMatchObject({ userId: server.coordinator.id })
    expect(nokkel.auth.getSnapshot()).toMatchObject({ status: 'signed_in', me: { name: 'Ingrid Solberg' } })
  })

  it('does not come back in the place of the one that a login puts there in that moment', async () => {
    const { clock, server, client, nokkel, laterLock } = await withLaterLock()
    server.intercept('refreshSession', () => void laterLock.postpone('identity'))
    clock.time += 600_000
    const refused = nokkel.auth.accessToken().catch((error: unknown) => error)
    await laterLock.postponed
    server.logInAs(server.coordinator)
    await nokkel.auth.signIn('vipps', consented)
    await nokkel.auth.completeSignIn(client.callback())
    laterLock.release()
    expect(await refused).toMatchObject({ code: 'signed_out' })
    expect(await client.storage.get('session_v1')).toMatchObject({ userId: server.coordinator.id })
  })

  it('is not ended by a refusal that says nothing of it', async () => {
    const { server, nokkel } = await signedIn()
    server.intercept('listSessions', () => new Refusal('forbidden', 403).toResponse())
    await expect(nokkel.auth.sessions()).rejects.toMatchObject({ code: 'forbidden' })
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
  })
})
