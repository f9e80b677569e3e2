import type { ProblemCode } from '@nokkel/contract'
import { describe, expect, it } from 'vitest'
import { userNamespace } from '../storage/user-namespace.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { Refusal } from '../testing/refusal.ts'
import { watchedStorage } from '../testing/watched-storage.ts'

/** A person who is logged in, and of whom this device has cached and remembered things; of another one, too. */
async function signedIn() {
  const server = createFakeServer()
  const storage = watchedStorage()
  const client = createFakeClient(server, { storage })
  const mine = await remembered(server.member.id)
  const others = await remembered(server.coordinator.id)
  await client.logIn()
  const { id } = server.member
  await client.nokkel.identity.upsertIdentity({ userId: id })
  for (const name of [...mine, ...others]) await storage.put(name, {})
  const events = storage.log
  server.observe(({ endpoint }) => events.push(`request ${endpoint}`))
  events.length = 0
  return { server, storage, client, nokkel: client.nokkel, id, others, events }

  async function remembered(userId: string) {
    return [
      `biometric_enrolled_v1.${await userNamespace(userId)}`,
      `known_signer_v1.${userId}`,
      `rfx_recipient_v1.${userId}`,
      `rfx_v1.${userId}.${crypto.randomUUID()}`,
    ]
  }
}

/** Where in the log something happened last; fails where it did not. */
function lastly(events: readonly string[], event: string): number {
  const index = events.lastIndexOf(event)
  expect(index, event).toBeGreaterThanOrEqual(0)
  return index
}

const over = ['session_ended', 'session_expired', 'account_merged', 'refresh_token_reused'] as const
const ended = ['device_superseded', 'device_revoked', 'account_erased'] as const

async function refused({ server, nokkel }: Awaited<ReturnType<typeof signedIn>>, code: ProblemCode): Promise<void> {
  server.intercept('listSessions', () => new Refusal(code, 401).toResponse())
  await expect(nokkel.auth.sessions()).rejects.toMatchObject({ code })
}

describe('the cached identity', () => {
  it('goes before the tokens at a sign-out, after the server was told', async () => {
    const { storage, nokkel, id, events } = await signedIn()
    await nokkel.auth.signOut()
    const purged = Math.max(
      ...[`delete identity_v1.${id}`, `delete identity_cached_at_v1.${id}`].map((event) => lastly(events, event)),
    )
    expect(purged).toBeGreaterThan(lastly(events, 'request signOut'))
    expect(purged).toBeLessThan(lastly(events, 'delete session_v1'))
    expect(await storage.list('identity_')).toEqual([])
  })

  it.each([...over, ...ended])('goes before the tokens when the session is refused as %s', async (code) => {
    const person = await signedIn()
    await refused(person, code)
    const { events, id, storage, nokkel } = person
    expect(lastly(events, `delete identity_v1.${id}`)).toBeLessThan(lastly(events, 'delete session_v1'))
    expect(await storage.list('identity_')).toEqual([])
    expect(nokkel.auth.getSnapshot()).not.toHaveProperty('notPurged')
  })

  it('goes when the keys of the device are gone', async () => {
    const { server, storage, id } = await signedIn()
    await storage.delete(`device_v1.${id}`)
    const { nokkel } = createFakeClient(server, { storage })
    await nokkel.start()
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notice: 'keys_lost' })
    expect(await storage.list('identity_')).toEqual([])
  })

  it('that cannot be purged does not keep the tokens, and that is told', async () => {
    const { storage, nokkel, id } = await signedIn()
    storage.fail('delete', /^identity_v1/)
    await nokkel.auth.signOut()
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notPurged: 'storage_unavailable' })
    expect(await storage.get('session_v1')).toBeUndefined()
    expect(await storage.list('identity_')).toEqual([`identity_v1.${id}`])
  })

  it('that cannot be purged when the session is over is told, too', async () => {
    const person = await signedIn()
    person.storage.fail('list', /^identity_/, new DOMException('no', 'UnknownError'))
    await refused(person, 'session_ended')
    expect(person.nokkel.auth.getSnapshot()).toMatchObject({
      status: 'signed_out',
      notice: 'session_expired',
      notPurged: 'storage_unavailable',
    })
    expect(await person.storage.get('session_v1')).toBeUndefined()
  })

  it('that was left is purged at the next start', async () => {
    const { server, storage, nokkel, id } = await signedIn()
    storage.fail('delete', /^identity_v1/)
    await nokkel.auth.signOut()
    storage.heal()
    const { nokkel: next } = createFakeClient(server, { storage })
    await next.start()
    expect(await storage.list('identity_')).toEqual([])
    expect(await storage.list('device_v1')).toEqual([`device_v1.${id}`])
  })

  it('goes when somebody else logs in over the session', async () => {
    const { server, client, storage, events, id } = await signedIn()
    await client.logIn(server.coordinator)
    expect(lastly(events, `delete identity_v1.${id}`)).toBeLessThan(events.indexOf('put session_v1'))
    expect(await storage.list('identity_')).toEqual([])
  })
})

describe('a device that has ended', () => {
  it.each(ended)('deletes all it keeps of the person when it is %s, and nothing of others', async (code) => {
    const person = await signedIn()
    await refused(person, code)
    expect((await person.storage.list('')).sort()).toEqual(person.others.sort())
    expect(person.nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notice: code })
    expect(person.nokkel.keys.getSnapshot()).toEqual({ status: code === 'account_erased' ? 'none' : 'superseded' })
  })

  it('that is interrupted anywhere goes on at the next start', async () => {
    const { events } = await deletions()
    const deleted = events.filter((event) => event.startsWith('delete ')).map((event) => event.slice('delete '.length))
    expect(deleted.length).toBeGreaterThan(8)
    for (let count = 0; count < deleted.length; count++) {
      const person = await signedIn()
      const { server, storage } = person
      // The page goes away after that many deletions: nothing more is ever done by it.
      let left = count
      const dying = {
        ...storage,
        delete: (name: string) => (left-- > 0 ? storage.delete(name) : new Promise<never>(() => {})),
      }
      const { nokkel: page } = createFakeClient(server, { storage: dying })
      for (const session of server.sessions) session.ended = 'account_erased'
      void page.start()
      await expect.poll(() => left).toBeLessThan(0)
      const { nokkel: next } = createFakeClient(server, { storage })
      await next.start()
      expect(next.auth.getSnapshot().status).toBe('signed_out')
      expect((await storage.list('')).sort()).toEqual(person.others.sort())
    }
  })

  async function deletions() {
    const person = await signedIn()
    for (const session of person.server.sessions) session.ended = 'account_erased'
    const { nokkel } = createFakeClient(person.server, { storage: person.storage })
    await nokkel.start()
    return person
  }

  it('goes through with the tokens when something cannot be deleted, and tells', async () => {
    const person = await signedIn()
    person.storage.fail('delete', /^rfx_v1/)
    await refused(person, 'account_erased')
    expect(person.nokkel.auth.getSnapshot()).toEqual({
      status: 'signed_out',
      notice: 'account_erased',
      notPurged: 'storage_unavailable',
    })
    expect(await person.storage.get('session_v1')).toBeUndefined()
    expect(await person.storage.get(`device_v1.${person.id}`)).toBeUndefined()
  })

  it.each(ended)('deletes at a later start what it could not when it was %s, and tells until then', async (code) => {
    const person = await signedIn()
    const { server, storage, others, id } = person
    storage.fail('delete', /^(rfx_v1|device_v1)/)
    await refused(person, code)
    const left = (await storage.list('')).filter((name) => !others.includes(name))
    expect(left.map((name) => name.split('.')[0]).sort()).toEqual(['device_v1', 'remains_v1', 'rfx_v1'])
    const start = async () => {
      const { nokkel } = createFakeClient(server, { storage })
      await nokkel.start()
      return nokkel.auth.getSnapshot()
    }
    expect(await start()).toEqual({ status: 'signed_out', notPurged: 'storage_unavailable' })
    expect(await storage.get(`remains_v1.${await userNamespace(id)}`)).toBe(id)
    storage.heal()
    expect(await start()).toEqual({ status: 'signed_out' })
    expect((await storage.list('')).sort()).toEqual(others.sort())
  })

  it('leaves the keys alone of whoever has logged in again before that', async () => {
    const person = await signedIn()
    const { server, storage, id } = person
    storage.fail('delete', /^rfx_v1/)
    await refused(person, 'device_revoked')
    for (const device of server.devices) device.state = 'revoked'
    storage.heal()
    const { nokkel, logIn } = createFakeClient(server, { storage })
    await logIn()
    await nokkel.keys.settled()
    const keys = await storage.get(`device_v1.${id}`)
    expect(keys).toBeDefined()
    await nokkel.auth.signOut()
    const { nokkel: next } = createFakeClient(server, { storage })
    await next.start()
    expect(await storage.get(`device_v1.${id}`)).toEqual(keys)
    expect(await storage.list('remains_')).toEqual([])
  })

  it('lets nobody log in whose keys it would delete later', async () => {
    const person = await signedIn()
    const { server, storage } = person
    storage.fail('delete', /^(rfx_v1|remains_v1)/)
    await refused(person, 'device_revoked')
    const { nokkel, logIn } = createFakeClient(server, { storage })
    await logIn().catch(() => {})
    expect(nokkel.auth.getSnapshot().status).not.toBe('signed_in')
  })

  it('deletes what is left also where somebody else has logged in', async () => {
    const person = await signedIn()
    const { server, storage, id } = person
    storage.fail('delete', /^rfx_v1/)
    await refused(person, 'device_revoked')
    storage.heal()
    const { logIn } = createFakeClient(server, { storage })
    await logIn(server.coordinator)
    const namespace = await userNamespace(id)
    const names = await storage.list('')
    expect(names.filter((name) => name.includes(id) || name.includes(namespace))).toEqual([])
    expect(await storage.get(`device_v1.${server.coordinator.id}`)).toBeDefined()
  })
})
