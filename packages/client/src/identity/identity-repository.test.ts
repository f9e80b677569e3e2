import { inspect } from 'node:util'
import { syntheticDNumber, syntheticNationalNumber } from '@nokkel/sandbox'
import { assert, asyncProperty, integer } from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { NokkelError } from '../errors.ts'
import { createMutex } from '../lock/lock.ts'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { type Exchange, Refusal } from '../testing/refusal.ts'
import { watchedStorage } from '../testing/watched-storage.ts'
import { IdentityRepositoryError } from './identity-error.ts'

const minute = 60_000
const consent = { version: 'v1' }
const typed = syntheticNationalNumber('1984-03-17')
const code = (expected: string) => expect.objectContaining({ name: 'IdentityRepositoryError', code: expected })

afterEach(() => vi.useRealTimers())

/** A person who is logged in and has a row, of which nothing is cached yet. */
async function signedIn() {
  const clock = {
    time: Date.parse('2026-11-21T09:00:00Z'),
    pass: (milliseconds: number) => {
      clock.time += milliseconds
    },
  }
  const now = () => new Date(clock.time)
  const server = createFakeServer({ now })
  const storage = watchedStorage()
  const lock = createMutex()
  const client = createFakeClient(server, { now, storage, lock })
  await client.logIn()
  const { id } = server.member
  const { nokkel } = client
  await nokkel.identity.upsertIdentity({ userId: id })
  await nokkel.identity.purgeLocalIdentityData()
  server.log.length = 0
  storage.log.length = 0
  return { clock, now, server, storage, lock, client, nokkel, repository: nokkel.identity, id }
}

const names = (id: string) => [`identity_cached_at_v1.${id}`, `identity_v1.${id}`]

describe('UserIdentityRepository', () => {
  it('(1) getIdentityByUserId with empty cache calls the server exactly once and caches the result', async () => {
    const { server, storage, repository, id } = await signedIn()
    const row = await repository.getIdentityByUserId(id)
    expect(row).toEqual(server.identity.rows.get(id))
    expect(server.log).toEqual(['getIdentity'])
    expect(await storage.get(`identity_v1.${id}`)).toEqual(row)
    expect(await storage.get(`identity_cached_at_v1.${id}`)).toBe('2026-11-21T09:00:00.000Z')
  })

  it('(2) getIdentityByUserId called again within the time to live returns the cached value and does not call the server', async () => {
    const { clock, server, client, storage, now, repository, id } = await signedIn()
    const row = await repository.getIdentityByUserId(id)
    server.log.length = 0
    clock.pass(15 * minute - 1)
    expect(await repository.getIdentityByUserId(id)).toEqual(row)
    // Neither does a page that is loaded anew, and nothing is refreshed although the access token is over.
    const other = createFakeClient(server, { now, storage })
    expect(await other.nokkel.identity.getIdentityByUserId(id)).toEqual(row)
    expect(server.log).toEqual([])
    await expect(client.nokkel.auth.accessToken()).resolves.toBeDefined()
    expect(server.log).toEqual(['refreshSession'])
  })

  it('(3) upsertIdentity upserts on the server and updates the cache', async () => {
    const { clock, server, storage, repository, id } = await signedIn()
    const before = await repository.getIdentityByUserId(id)
    const bodies: unknown[] = []
    server.observe(({ endpoint, body }) => endpoint === 'upsertIdentity' && bodies.push(body))
    clock.pass(minute)
    await repository.upsertIdentity({ ...before, userId: id, bankidVerified: true } as never)
    expect(bodies).toEqual([{ userId: id }])
    server.log.length = 0
    const after = await repository.getIdentityByUserId(id)
    expect(after).toEqual({ ...before, updatedAt: '2026-11-21T09:01:00.000Z' })
    expect(await storage.get(`identity_v1.${id}`)).toEqual(after)
    expect(server.log).toEqual([])
  })

  it('(4) purgeLocalIdentityData after getIdentityByUserId makes the next one call the server again', async () => {
    const { server, storage, repository, id } = await signedIn()
    await repository.getIdentityByUserId(id)
    await repository.purgeLocalIdentityData()
    expect(await storage.list('identity_')).toEqual([])
    await repository.getIdentityByUserId(id)
    expect(server.log).toEqual(['getIdentity', 'getIdentity'])
  })

  it('(5) a failing server during getIdentityByUserId is wrapped and thrown as IdentityRepositoryError', async () => {
    const { server, storage, repository, id } = await signedIn()
    server.intercept('getIdentity', () => new Refusal('server_failed', 500, { row: typed }).toResponse())
    const error = await repository.getIdentityByUserId(id).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(IdentityRepositoryError)
    expect(error).toBeInstanceOf(NokkelError)
    expect(error).toEqual(code('server_failed'))
    expect((error as Error).message).toBe('This did not work. Try again.')
    expect(inspect(error, { depth: null })).not.toContain(typed)
    expect(await storage.list('identity_')).toEqual([])
  })

  it('(6) storePersonnummer writes the encrypted value to both server and cache', async () => {
    const { server, storage, repository, id } = await signedIn()
    const bodies: Exchange['body'][] = []
    server.observe(({ endpoint, body }) => endpoint === 'keepPersonnummer' && bodies.push(body))
    await repository.storePersonnummer(id, typed, consent)
    expect(bodies).toEqual([{ from: 'typed', consent, sealed: expect.stringMatching(/^[\w-]{150}$/) }])
    expect(JSON.stringify(bodies)).not.toContain(typed)
    expect(server.identity.kept.get(id)).toMatchObject({ personnummer: typed, source: 'typed' })
    const ciphertext = server.identity.rows.get(id)?.personnummer
    expect(ciphertext).toMatch(/^[\w-]{79}$/)
    expect(await storage.get(`identity_v1.${id}`)).toMatchObject({ personnummer: ciphertext })
    expect(await storage.dump()).not.toContain(typed)
    server.log.length = 0
    expect((await repository.getIdentityByUserId(id))?.personnummer).toBe(ciphertext)
    expect(server.log).toEqual([])
  })
})

describe('the cache of the identity', () => {
  it.each([
    ['is 15 minutes old', async ({ clock }) => clock.pass(15 * minute)],
    ['is from the future', async ({ clock }) => clock.pass(-1)],
    ['does not say how old it is', ({ storage, id }) => storage.delete(`identity_cached_at_v1.${id}`)],
    ['says so in no way we know', ({ storage, id }) => storage.put(`identity_cached_at_v1.${id}`, { at: 1 })],
    ['is gone', ({ storage, id }) => storage.delete(`identity_v1.${id}`)],
    [
      'is of somebody else',
      async ({ storage, id, server }) => {
        const row = (await storage.get(`identity_v1.${id}`)) as object
        await storage.put(`identity_v1.${id}`, { ...row, userId: server.coordinator.id })
      },
    ],
  ] satisfies [string, (person: Awaited<ReturnType<typeof signedIn>>) => Promise<void>][])(
    'is not trusted when it %s',
    async (_, spoil) => {
      const person = await signedIn()
      await person.repository.getIdentityByUserId(person.id)
      await spoil(person)
      person.server.log.length = 0
      expect(await person.repository.getIdentityByUserId(person.id)).toMatchObject({ userId: person.id })
      expect(person.server.log.filter((endpoint) => endpoint === 'getIdentity')).toHaveLength(1)
    },
  )

  it('is told by the clock of this device, whatever the server says of the time', async () => {
    const { server, storage, now, repository, id } = await signedIn()
    server.intercept('getIdentity', async (exchange) => {
      const { body, headers } = await server.respond(exchange)
      const date = new Date(now().getTime() + 60 * minute).toUTCString()
      return new Response(body, { headers: { ...Object.fromEntries(headers), date } })
    })
    const row = await repository.getIdentityByUserId(id)
    server.log.length = 0
    // The difference is forgotten with the page.
    for (const { identity } of [{ identity: repository }, createFakeClient(server, { now, storage }).nokkel]) {
      expect(await identity.getIdentityByUserId(id)).toEqual(row)
    }
    expect(server.log).toEqual([])
  })

  it('is filled by one request for all who ask at the same time, in one tab and in two', async () => {
    const { server, storage, now, lock, repository, id } = await signedIn()
    const { nokkel: other } = createFakeClient(server, { now, storage, lock })
    const asked = [repository, other.identity, repository, other.identity].map((each) => each.getIdentityByUserId(id))
    const rows = await Promise.all(asked)
    expect(new Set(rows.map((row) => row?.id)).size).toBe(1)
    expect(server.log).toEqual(['getIdentity'])
  })

  it('asks again after a request that failed for all who waited for it', async () => {
    const { server, repository, id } = await signedIn()
    server.intercept('getIdentity', () => new Refusal('server_failed', 500).toResponse())
    const both = [repository.getIdentityByUserId(id), repository.getIdentityByUserId(id)]
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await repository.getIdentityByUserId(id)).toMatchObject({ userId: id })
    expect(server.log).toEqual(['getIdentity', 'getIdentity'])
  })

  it('does not hold that there is no row, and forgets the one there was', async () => {
    const { clock, server, storage, repository, id } = await signedIn()
    await repository.getIdentityByUserId(id)
    server.identity.rows.delete(id)
    clock.pass(15 * minute)
    expect(await Promise.all([1, 2].map(() => repository.getIdentityByUserId(id)))).toEqual([null, null])
    expect(await repository.getIdentityByUserId(id)).toBeNull()
    expect(server.log.filter((endpoint) => endpoint === 'getIdentity')).toHaveLength(3)
    expect(await storage.list('identity_')).toEqual([])
  })

  it.each([
    ['the person signs out', ({ nokkel }) => nokkel.auth.signOut()],
    ['all is purged', ({ repository }) => repository.purgeLocalIdentityData()],
    ['somebody else logs in', ({ client, server }) => client.logIn(server.coordinator)],
    ['the same person logs in anew', ({ client }) => client.logIn()],
  ] satisfies [string, (person: Awaited<ReturnType<typeof signedIn>>) => Promise<unknown>][])(
    'is not filled by an answer that comes after %s',
    async (_, meanwhile) => {
      const person = await signedIn()
      person.server.intercept('getIdentity', async (exchange) => {
        const answer = await person.server.respond(exchange)
        await meanwhile(person)
        return answer
      })
      await person.repository.getIdentityByUserId(person.id).catch(() => {})
      expect(await person.storage.list('identity_')).toEqual([])
    },
  )

  it('does not outlive a sign-out that comes while it is written', async () => {
    const { server, storage, now, lock, id } = await signedIn()
    let signingOut: Promise<void> | undefined
    const slow = {
      ...storage,
      async put(name: string, value: unknown) {
        if (name === `identity_v1.${id}`) {
          signingOut ??= nokkel.auth.signOut()
          await expect.poll(() => server.log.includes('signOut')).toBe(true)
          // As much as it gets done meanwhile.
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
        await storage.put(name, value)
      },
    }
    const { nokkel } = createFakeClient(server, { now, lock, storage: slow })
    expect(await nokkel.identity.getIdentityByUserId(id)).toMatchObject({ userId: id })
    await signingOut
    expect(server.log).toEqual(['getIdentity', 'signOut'])
    expect(await storage.list('identity_')).toEqual([])
  })

  it('is not filled by the row of somebody else', async () => {
    const { server, storage, repository, id } = await signedIn()
    const row = { ...server.identity.rows.get(id), userId: server.coordinator.id }
    server.intercept('getIdentity', () => Response.json({ identity: row }))
    await expect(repository.getIdentityByUserId(id)).rejects.toEqual(code('answer_unexpected'))
    server.intercept('upsertIdentity', () => Response.json(row))
    await expect(repository.upsertIdentity({ userId: id })).rejects.toEqual(code('answer_unexpected'))
    expect(await storage.list('identity_')).toEqual([])
  })

  it('is emptied when it is not known whether something was changed', async () => {
    const { server, storage, repository, id } = await signedIn()
    await repository.getIdentityByUserId(id)
    server.intercept('markBankIdVerified', async (exchange) => {
      await server.respond(exchange)
      return new Response('', { status: 500 })
    })
    await expect(repository.markBankIdVerified(id)).rejects.toEqual(code('answer_unexpected'))
    expect(await storage.list('identity_')).toEqual([])
    expect(await repository.getIdentityByUserId(id)).toMatchObject({ bankidVerified: true })
  })

  it('holds the newest answer when a reading and changes cross', async () => {
    const { clock, server, storage, repository, id } = await signedIn()
    server.intercept('getIdentity', async (exchange) => {
      const answer = await server.respond(exchange)
      clock.pass(1000)
      return answer
    })
    await Promise.all([
      repository.getIdentityByUserId(id),
      repository.markBankIdVerified(id),
      repository.storePersonnummer(id, typed, consent),
    ])
    expect(await storage.get(`identity_v1.${id}`)).toEqual(server.identity.rows.get(id))
  })

  it('tells who watches of changes here', async () => {
    const { repository, id } = await signedIn()
    let changes = 0
    const end = repository.subscribe(() => changes++)
    await repository.getIdentityByUserId(id)
    expect(changes).toBe(0)
    await repository.markBankIdVerified(id)
    await repository.purgeLocalIdentityData()
    expect(changes).toBe(2)
    end()
    await repository.purgeLocalIdentityData()
    expect(changes).toBe(2)
  })
})

describe('another tab', () => {
  /** Two storages over one, each told of what the other has written. */
  function tabs() {
    const shared = watchedStorage()
    const channels = [new Set<(name: string) => void>(), new Set<(name: string) => void>()]
    return channels.map((own) => {
      const tell = (name: string) => {
        for (const channel of channels) if (channel !== own) for (const listener of channel) listener(name)
      }
      return {
        ...shared,
        put: (name: string, value: unknown) => shared.put(name, value).then(() => tell(name)),
        delete: (name: string) => shared.delete(name).then(() => tell(name)),
        subscribe(listener: (name: string) => void) {
          own.add(listener)
          return () => void own.delete(listener)
        },
      }
    })
  }

  it('tells who watches, and reads what was cached there', async () => {
    const [here, there] = tabs()
    if (!here || !there) throw new Error('unreachable')
    const server = createFakeServer()
    const lock = createMutex()
    const one = createFakeClient(server, { storage: here, lock })
    await one.logIn()
    const { nokkel: two } = createFakeClient(server, { storage: there, lock })
    await two.start()
    let changes = 0
    two.identity.subscribe(() => changes++)
    const { id } = server.member
    await one.nokkel.identity.storePersonnummer(id, typed, consent)
    expect(changes).toBeGreaterThan(0)
    server.log.length = 0
    expect(await two.identity.getIdentityByUserId(id)).toEqual(server.identity.rows.get(id))
    expect(server.log).toEqual([])
    two.close()
    changes = 0
    await one.nokkel.identity.purgeLocalIdentityData()
    expect(changes).toBe(0)
  })
})

describe('somebody else', () => {
  it('has no row here, and nothing of theirs is written: without a request', async () => {
    const { server, repository } = await signedIn()
    const other = server.coordinator.id
    expect(await repository.getIdentityByUserId(other)).toBeNull()
    await expect(repository.upsertIdentity({ userId: other })).rejects.toEqual(code('forbidden'))
    await expect(repository.markBankIdVerified(other)).rejects.toEqual(code('forbidden'))
    await expect(repository.storePersonnummer(other, typed, consent)).rejects.toEqual(code('forbidden'))
    expect(server.log).toEqual([])
  })

  it('is told nothing when nobody is logged in', async () => {
    const { server, nokkel, repository, id } = await signedIn()
    await nokkel.auth.signOut()
    server.log.length = 0
    await expect(repository.getIdentityByUserId(id)).rejects.toEqual(code('signed_out'))
    await expect(repository.upsertIdentity({ userId: id })).rejects.toEqual(code('signed_out'))
    await expect(repository.keepOffered(consent)).rejects.toEqual(code('signed_out'))
    await expect(repository.revealPersonnummer()).rejects.toEqual(code('signed_out'))
    expect(server.log).toEqual([])
  })
})

describe('what fails', () => {
  it.each([
    ['rate_limited', 429],
    ['login_too_old', 403],
    ['unavailable', 503],
  ] as const)('says %s in words that may be shown', async (problem, status) => {
    const { server, repository } = await signedIn()
    server.intercept('revealPersonnummer', () => {
      const { body, headers } = new Refusal(problem, status, { name: 'Kari Nordmann' }).toResponse()
      return new Response(body, { status, headers: { ...Object.fromEntries(headers), 'retry-after': '60' } })
    })
    const error = await repository.revealPersonnummer().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'IdentityRepositoryError', code: problem, data: { retryAfterSeconds: 60 } })
    expect((error as Error).message).toMatch(/^[A-Z].*\.$/)
    expect(inspect(error, { depth: null })).not.toContain('Kari')
  })

  it('says that the server cannot be reached', async () => {
    const { server, storage, now, id } = await signedIn()
    const fetch = () => Promise.reject(new TypeError(`offline: ${server.origin}/${typed}`))
    const { nokkel } = createFakeClient(server, { now, storage, fetch })
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const asked = nokkel.identity.getIdentityByUserId(id).catch((thrown: unknown) => thrown)
    await vi.advanceTimersByTimeAsync(10_000)
    const error = await asked
    expect(error).toEqual(code('network_unreachable'))
    expect((error as Error).message).toBe('The server could not be reached. Try again.')
    expect(inspect(error, { depth: null })).not.toMatch(new RegExp(`${typed}|${server.origin}`))
  })

  it.each([
    ['storage_full', 'storage_full', 'put', /^identity_v1/],
    ['storage_full', 'storage_full', 'put', /^identity_cached/],
    ['storage_private_mode', 'storage_private_mode', 'put', /^identity_/],
    ['storage_unavailable', new DOMException('no', 'UnknownError'), 'put', /^identity_/],
    ['storage_unavailable', 'storage_unavailable', 'get', /^identity_/],
  ] as const)(
    'says %s when the storage fails, and leaves nothing half written',
    async (expected, fault, action, name) => {
      const { storage, repository, id } = await signedIn()
      storage.fail(action, name, fault)
      await expect(repository.getIdentityByUserId(id)).rejects.toEqual(code(expected))
      expect(await storage.list('identity_')).toEqual([])
      if (action === 'put') await expect(repository.upsertIdentity({ userId: id })).rejects.toEqual(code(expected))
      storage.heal()
      expect(await storage.list('identity_')).toEqual([])
      expect(await repository.getIdentityByUserId(id)).toMatchObject({ userId: id })
    },
  )

  it('does not leave an older row where the newer one does not fit', async () => {
    const { storage, repository, id } = await signedIn()
    await repository.getIdentityByUserId(id)
    storage.fail('put', /^identity_/, 'storage_full')
    await expect(repository.storePersonnummer(id, typed, consent)).rejects.toEqual(code('storage_full'))
    expect(await storage.list('identity_')).toEqual([])
    expect((await repository.personnummer()).kept?.source).toBe('typed')
  })

  it('tells when something could not be purged, having purged the rest', async () => {
    const { storage, repository, id } = await signedIn()
    await repository.getIdentityByUserId(id)
    storage.fail('delete', /^identity_cached/)
    await expect(repository.purgeLocalIdentityData()).rejects.toEqual(code('storage_unavailable'))
    expect(await storage.list('identity_')).toEqual([names(id)[0]])
  })
})

describe('a personnummer', () => {
  it('that is typed is sealed so that the server opens it, whoever and whatever it is', async () => {
    const { server, repository, id } = await signedIn()
    const property = asyncProperty(
      integer({ min: 0, max: 36_500 }),
      integer({ min: 0, max: 1 }),
      async (days, kind) => {
        const date = new Date(Date.UTC(1900, 0, 1 + days)).toISOString().slice(0, 10)
        const number = kind === 0 ? syntheticNationalNumber(date) : syntheticDNumber(date)
        await repository.storePersonnummer(id, number, consent)
        expect(server.identity.kept.get(id)?.personnummer).toBe(number)
      },
    )
    await assert(property, { numRuns: 50 })
  })

  it('is sealed anew each time, to a key that is kept nowhere', async () => {
    const { server, repository, id } = await signedIn()
    const sealed = new Set<string>()
    server.observe(({ endpoint, body }) => endpoint === 'keepPersonnummer' && sealed.add(body.sealed))
    for (let time = 0; time < 2; time++) await repository.storePersonnummer(id, typed, consent)
    expect(sealed.size).toBe(2)
    expect(server.log.filter((endpoint) => endpoint === 'getIdentityKey')).toHaveLength(2)
  })

  it.each([
    '',
    '1234567890',
    `${typed}0`,
    ` ${typed}`,
    '99999999999',
    typed.replace(/.$/, (digit) => `${(+digit + 1) % 10}`),
  ])('is not sent as %j, and not repeated in the error', async (mistyped) => {
    const { server, repository, id } = await signedIn()
    const error = await repository.storePersonnummer(id, mistyped, consent).catch((thrown: unknown) => thrown)
    expect(error).toEqual(code('personnummer_invalid'))
    if (mistyped !== '') expect(inspect(error, { depth: null })).not.toContain(mistyped)
    expect(await repository.checkPersonnummer(mistyped)).not.toBeNull()
    expect(server.log).toEqual([])
  })

  it('is sealed to the new identity key when that has changed meanwhile', async () => {
    const { server, repository, id } = await signedIn()
    server.intercept('getIdentityKey', async (exchange) => {
      const answer = await server.respond(exchange)
      server.identity.replaceKey()
      return answer
    })
    const other = syntheticDNumber('1990-01-02')
    await repository.storePersonnummer(id, other, consent)
    expect(server.log).toEqual(['getIdentityKey', 'keepPersonnummer', 'getIdentityKey', 'keepPersonnummer'])
    expect(server.identity.kept.get(id)?.personnummer).toBe(other)
  })

  it('is tried with a new identity key once only', async () => {
    const { server, repository, id } = await signedIn()
    for (let time = 0; time < 2; time++) {
      server.intercept('keepPersonnummer', () => new Refusal('identity_key_unknown', 409).toResponse())
    }
    await expect(repository.storePersonnummer(id, typed, consent)).rejects.toEqual(code('identity_key_unknown'))
    expect(server.log).toEqual(['getIdentityKey', 'keepPersonnummer', 'getIdentityKey', 'keepPersonnummer'])
    await repository.storePersonnummer(id, typed, consent)
    expect(server.identity.kept.get(id)?.personnummer).toBe(typed)
  })

  it('asks for the identity key again when that failed or was no key', async () => {
    const { server, repository, id } = await signedIn()
    server.intercept('getIdentityKey', () => new Refusal('forbidden', 403).toResponse())
    await expect(repository.storePersonnummer(id, typed, consent)).rejects.toEqual(code('forbidden'))
    const publicKey = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) }
    server.intercept('getIdentityKey', () => Response.json({ publicKey }))
    await expect(repository.storePersonnummer(id, typed, consent)).rejects.toEqual(code('answer_unexpected'))
    expect(server.log).not.toContain('keepPersonnummer')
    await repository.storePersonnummer(id, typed, consent)
  })

  it('that a provider told is kept, or not, as the person says', async () => {
    const { server, storage, repository, id } = await signedIn()
    server.identity.offer(id, typed)
    const masked = `${typed.slice(0, 6)}*****`
    expect(await repository.personnummer()).toMatchObject({ kept: null, offered: { masked, source: 'bankid' } })
    await repository.declineOffered()
    expect(await repository.personnummer()).toEqual({ kept: null, offered: null })
    await expect(repository.keepOffered(consent)).rejects.toEqual(code('personnummer_offer_gone'))
    server.identity.offer(id, typed)
    await repository.keepOffered(consent)
    expect(await repository.personnummer()).toMatchObject({ kept: { masked, source: 'bankid' }, offered: null })
    expect(await storage.get(`identity_v1.${id}`)).toEqual(server.identity.rows.get(id))
    await expect(repository.declineOffered()).rejects.toEqual(code('personnummer_offer_gone'))
    await expect(repository.storePersonnummer(id, typed, consent)).rejects.toEqual(code('personnummer_known'))
  })

  it('is asked for each time, never cached', async () => {
    const { server, storage, repository } = await signedIn()
    await repository.personnummer()
    await repository.personnummer()
    expect(server.log).toEqual(['getPersonnummer', 'getPersonnummer'])
    expect(storage.log.filter((event) => event.startsWith('put'))).toEqual([])
  })

  it('is revealed to the device it was sealed to only', async () => {
    const { server, nokkel, storage, repository, id } = await signedIn()
    await expect(repository.revealPersonnummer()).rejects.toEqual(code('not_found'))
    await repository.storePersonnummer(id, typed, consent)
    storage.log.length = 0
    expect(await repository.revealPersonnummer()).toBe(typed)
    expect(storage.log.filter((event) => event.startsWith('put'))).toEqual([])
    const earlier = server.devices[0]
    if (!earlier) throw new Error('unreachable')
    const { encryptionKey } = earlier
    // To another key, and to this one in the place of another device.
    server.intercept('revealPersonnummer', async (exchange) => {
      const { generateDeviceKeys, exportPublicJwk } = await import('@nokkel/crypto')
      Object.assign(earlier, {
        encryptionKey: await exportPublicJwk((await generateDeviceKeys()).encryption.publicKey),
      })
      return server.respond(exchange)
    })
    await expect(repository.revealPersonnummer()).rejects.toEqual(code('answer_unexpected'))
    Object.assign(earlier, { encryptionKey })
    server.intercept('revealPersonnummer', (exchange) => {
      const deviceId = earlier.id
      Object.assign(earlier, { id: crypto.randomUUID() })
      for (const session of server.sessions) if (session.deviceId === deviceId) session.deviceId = earlier.id
      return server.respond(exchange)
    })
    await expect(repository.revealPersonnummer()).rejects.toEqual(code('answer_unexpected'))
    server.intercept('revealPersonnummer', () => Response.json({ sealed: '!' }))
    await expect(repository.revealPersonnummer()).rejects.toEqual(code('answer_unexpected'))
    nokkel.close()
  })

  it('is nowhere in storage, requests and errors, where a planted one is found', async () => {
    const { server, storage, repository, id } = await signedIn()
    const requests: string[] = []
    server.observe(({ endpoint, url, body, headers }) => {
      requests.push(JSON.stringify([endpoint, url, body, [...headers]]))
    })
    const other = syntheticDNumber('1990-01-02')
    await repository.storePersonnummer(id, typed, consent)
    await repository.storePersonnummer(id, other, consent)
    server.intercept('keepPersonnummer', () => new Refusal('server_failed', 500).toResponse())
    const error = await repository.storePersonnummer(id, typed, consent).catch((thrown: unknown) => thrown)
    expect(await repository.revealPersonnummer()).toBe(other)
    await repository.getIdentityByUserId(id)
    const everything = async () => [await storage.dump(), ...requests, ...storage.log, inspect(error, { depth: null })]
    const found = async () => (await everything()).filter((text) => text.includes(typed) || text.includes(other))
    expect(await found()).toEqual([])
    expect(requests.length).toBeGreaterThan(5)
    await storage.put('planted', { personnummer: typed })
    expect(await found()).toHaveLength(1)
  })
})
