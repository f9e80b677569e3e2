import { randomUUID } from 'node:crypto'
import { syntheticNationalNumber } from '@nokkel/sandbox'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { countAccounts, forgetEverybody, recorded, suspicions, tryLogin } from '../../../../tools/testing/linking.ts'
import { createLoginSystem, firstPerson } from '../../../../tools/testing/login.ts'
import { createOrganization } from '../../../../tools/testing/people.ts'
import { toServerError } from '../db/refusal.ts'
import { encryptPersonnummer } from '../identity/personnummer-envelope.ts'
import {
  givenRootKeys,
  type RotateIndexKeyOptions,
  readIndexKeyVersions,
  retireIndexKey,
  rotateIndexKey,
} from '../index.ts'
import { createServerKeys, type ServerKeys } from '../keyring/server-keys.ts'
import { keepContact } from './contact-store.ts'
import { makeLoginRecord } from './login-record.ts'
import { prepareSession } from './new-session.ts'
import { obtainPersonKey } from './person-key.ts'
import type { Personnummer } from './personnummer.ts'
import { type Attempt, continueWaiting, linkLogin, signIn } from './store.ts'
import type { VerifiedContact } from './verified-login.ts'
import { generateLinkToken, hashLinkToken } from './waiting.ts'

const masterKey = '5b'.repeat(32)
const [keyA, keyB, keyC] = ['a1', 'b2', 'c3'].map((byte) => byte.repeat(32)) as [string, string, string]

/** Somebody at BankID and at Vipps. */
interface Person {
  readonly name: string
  readonly number: Personnummer
  readonly contact: VerifiedContact
}

const people: readonly Person[] = Array.from({ length: 8 }, (_, index) => ({
  name: `person-${index}`,
  number: syntheticNationalNumber(`1980-03-0${index + 1}`) as Personnummer,
  contact: { phoneNumber: `+479000000${index}`, email: `p${index}@person.example`, address: null },
}))
const [kari, ola] = people as [Person, Person]

interface Trip {
  readonly provider?: 'bankid' | 'vipps'
  /** Vipps gives another subject to each client. */
  readonly client?: string
  /** Whether the number is shared. Default: yes. */
  readonly number?: boolean
  readonly contact?: VerifiedContact | null
  readonly thumbprint?: string
  readonly confirms?: string
}

describe.each(databaseEngines)('two index keys at a time [%s]', (engine) => {
  let database: TestDatabase
  let organizationId: string
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    organizationId = await createOrganization(database)
  })
  beforeEach(async () => {
    await forgetEverybody(database)
    await sql`delete from nokkel.account_merge_row`.execute(database.owner)
    await sql`delete from nokkel.former_index`.execute(database.owner)
    await sql`delete from nokkel.index_key_version`.execute(database.owner)
  })
  afterAll(() => database.close())

  /** A server with these index keys, the present one first. */
  async function serve(...indexKeys: string[]): Promise<ServerKeys> {
    const keys = createServerKeys(givenRootKeys({ masterKeys: [masterKey], indexKeys }), {
      database: database.server,
      logger: () => undefined,
      production: false,
    })
    await keys.check()
    return keys
  }
  const rootKeys = givenRootKeys({ masterKeys: [masterKey], indexKeys: [keyB, keyA] })
  const rotate = (options: Pick<RotateIndexKeyOptions, 'pageSize' | 'onProgress'> = {}) =>
    rotateIndexKey({ database: database.server, rootKeys, mode: 'development', ...options })

  function recordOf(at: ServerKeys, person: Person, trip: Trip) {
    const { provider = 'bankid', client = 'home', number = true, contact = person.contact } = trip
    const shares = [...(number ? ['personnummer'] : []), ...(provider === 'vipps' ? ['phoneNumber', 'email'] : [])]
    const attempt = { organizationId, consentVersion: 'v1', consentShares: shares } as unknown as Attempt
    const login = {
      provider,
      client: provider === 'bankid' ? '*' : client,
      subject: provider === 'bankid' ? person.name : `${person.name}-${client}`,
      name: person.name,
      acr: null,
      assurance: 'high' as const,
      personnummer: number ? person.number : null,
      personnummerOutcome: number ? ('verified' as const) : ('not_asked' as const),
      contact: provider === 'vipps' ? contact : null,
    }
    return makeLoginRecord(login, attempt, at.blindIndex)
  }

  async function logIn(at: ServerKeys, person: Person, trip: Trip = {}) {
    const { session } = await prepareSession(trip.thumbprint ?? 'thumbprint', undefined)
    const linkToken = generateLinkToken()
    const waitingId = randomUUID()
    const outcome = await signIn(database.server, {
      login: await recordOf(at, person, trip),
      supabaseUserId: null,
      confirms: trip.confirms ?? null,
      ways: trip.confirms === undefined ? ['bankid', 'vipps'] : [],
      phoneNumber: null,
      email: null,
      waiting: { id: waitingId, tokenHash: await hashLinkToken(linkToken), contact: null },
      session,
      requestId: randomUUID(),
    }).catch((cause) => {
      throw toServerError(cause)
    })
    return { ...outcome, linkToken, waitingId }
  }
  const accountOf = async (at: ServerKeys, person: Person, trip: Trip = {}) => {
    const signedIn = await logIn(at, person, trip)
    if (signedIn.outcome === 'needs_linking') throw new Error('It waits.')
    return signedIn.userId
  }
  const continueAt = async (linkToken: string) => {
    const { session } = await prepareSession('thumbprint', undefined)
    return continueWaiting(database.server, await hashLinkToken(linkToken), session, randomUUID())
  }
  const idOf = async (key: string) => {
    const keys = createServerKeys(givenRootKeys({ masterKeys: [masterKey], indexKeys: [key] }), {
      database: database.server,
      logger: () => undefined,
      production: false,
    })
    return keys.blindIndex.keyId()
  }
  const keysOf = async (userId: string) => {
    const { rows } = await sql<{ number: string | null; contact: string | null }>`
      select personnummer_index_key as number, contact_index_key as contact from public.user_identities
      where user_id = ${userId}::uuid`.execute(database.owner)
    return rows[0]
  }
  const count = async (table: string) => {
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from ${sql.table(table)}`.execute(
      database.owner,
    )
    return rows[0]?.count
  }
  const keepNumber = async (at: ServerKeys, userId: string, number: Personnummer, source = 'bankid') => {
    const { key } = await obtainPersonKey(database.server, at.keyring, userId)
    const envelope = await encryptPersonnummer(number, key, 'kept', userId)
    await sql`update public.user_identities set personnummer = ${envelope}, personnummer_source = ${source},
      personnummer_kept_at = now() where user_id = ${userId}::uuid`.execute(database.owner)
  }
  const keep = (at: ServerKeys, userId: string, contact: VerifiedContact) =>
    keepContact(
      { database: database.server, keyring: at.keyring, logger: () => expect.unreachable() },
      userId,
      async () => contact,
    )

  it('finds who stands under the previous one, and moves them', async () => {
    const before = await serve(keyA)
    const id = await accountOf(before, kari, { provider: 'vipps' })
    expect(await keysOf(id)).toEqual({ number: await idOf(keyA), contact: await idOf(keyA) })
    const both = await serve(keyB, keyA)
    expect(await accountOf(both, kari)).toBe(id)
    expect(await keysOf(id)).toEqual({ number: await idOf(keyB), contact: await idOf(keyA) })
    expect(await accountOf(both, kari, { provider: 'vipps' })).toBe(id)
    expect(await keysOf(id)).toEqual({ number: await idOf(keyB), contact: await idOf(keyB) })
    expect(await accountOf(both, ola)).not.toBe(id)
    expect(await suspicions(database)).toEqual([])
  })

  it('lets a server without the present key find whoever has moved', async () => {
    const before = await serve(keyA)
    const both = await serve(keyB, keyA)
    const id = await accountOf(both, kari, { provider: 'vipps' })
    expect(await keysOf(id)).toEqual({ number: await idOf(keyB), contact: await idOf(keyB) })
    expect(await accountOf(before, kari)).toBe(id)
    // And leaves them where they are, also with what it tells itself.
    expect(await accountOf(before, kari, { provider: 'vipps' })).toBe(id)
    expect(await keysOf(id)).toEqual({ number: await idOf(keyB), contact: await idOf(keyB) })
    expect(await logIn(before, kari, { provider: 'vipps', client: 'away', number: false })).toMatchObject({
      outcome: 'needs_linking',
      ways: ['bankid'],
    })
    expect(await count('public.app_user')).toBe(1)
  })

  it('asks who has the same phone number and e-mail address under either', async () => {
    const [before, both] = [await serve(keyA), await serve(keyB, keyA)]
    await accountOf(before, kari)
    await accountOf(before, kari, { provider: 'vipps' })
    const waits = { provider: 'vipps', client: 'away', number: false } as const
    expect(await logIn(both, kari, waits)).toMatchObject({ outcome: 'needs_linking', ways: ['bankid'] })
    // One of a family has the same number and another address.
    const contact = { ...kari.contact, email: ola.contact.email }
    expect(await logIn(both, ola, { ...waits, contact })).toMatchObject({ outcome: 'account_created' })
  })

  it('does not take one person for another under two keys', async () => {
    const [before, both] = [await serve(keyA), await serve(keyB, keyA)]
    const family = { provider: 'vipps', contact: kari.contact } as const
    const first = await accountOf(before, kari, family)
    // Another number, though all else is the same: nobody is asked, and nobody gets in.
    const second = await accountOf(both, ola, { ...family, client: 'away' })
    expect(second).not.toBe(first)
    expect(await accountOf(before, ola)).toBe(second)
    expect(await accountOf(both, kari)).toBe(first)
    for (const at of [before, both]) {
      const session = await logIn(at, kari)
      if (session.outcome === 'needs_linking') throw new Error('It waits.')
      const linked = linkLogin(database.server, {
        userId: first,
        sessionId: session.sessionId,
        login: await recordOf(at, ola, { provider: 'vipps', client: 'third' }),
        requestId: randomUUID(),
      })
      await expect(linked).rejects.toMatchObject({ code: 'login_other_person' })
    }
    expect(await suspicions(database)).toEqual([])
  })

  it('finishes a login that has waited since before the rotation', async () => {
    const before = await serve(keyA)
    const id = await accountOf(before, kari)
    await accountOf(before, kari, { provider: 'vipps' })
    const trip = { provider: 'vipps', client: 'away', number: false } as const
    const [confirmed, continued] = [
      await logIn(before, kari, trip),
      await logIn(before, kari, { ...trip, client: 'b' }),
    ]
    const both = await serve(keyB, keyA)
    await accountOf(both, kari, { provider: 'vipps' })
    const confirms = await logIn(both, kari, { confirms: confirmed.waitingId })
    expect(confirms).toMatchObject({ outcome: 'identity_linked', userId: id })
    expect(await logIn(both, kari, trip)).toMatchObject({ outcome: 'signed_in', userId: id })
    expect(await continueAt(continued.linkToken)).toMatchObject({ outcome: 'account_created' })
    expect(await suspicions(database)).toMatchObject([{ evidence: 'phone_and_email' }])
    expect(await keysOf(id)).toEqual({ number: await idOf(keyB), contact: await idOf(keyB) })
  })

  it('refuses to confirm the login of another person, told under another key', async () => {
    const before = await serve(keyA)
    await accountOf(before, kari)
    await accountOf(before, kari, { provider: 'vipps' })
    const waiting = await logIn(before, kari, { provider: 'vipps', client: 'away', number: false })
    const both = await serve(keyB, keyA)
    await accountOf(both, ola)
    await expect(logIn(both, ola, { confirms: waiting.waitingId })).rejects.toMatchObject({
      code: 'login_link_mismatch',
    })
  })

  it('makes one account of logins at servers with and without the present key at the same time', async () => {
    const [before, both] = [await serve(keyA), await serve(keyB, keyA)]
    for (const person of people.slice(0, 4)) {
      const accounts = await Promise.all([
        accountOf(before, person),
        accountOf(both, person, { provider: 'vipps' }),
        accountOf(both, person),
        accountOf(before, person, { provider: 'vipps', client: 'away' }),
        rotate({ pageSize: 1 }),
      ])
      expect(new Set(accounts.slice(0, 4)).size).toBe(1)
    }
    expect(await count('public.app_user')).toBe(4)
    expect(await suspicions(database)).toEqual([])
  })

  it('forgets the former index with the present one, and what a person takes back', async () => {
    const [before, both] = [await serve(keyA), await serve(keyB, keyA)]
    const id = await accountOf(both, kari, { provider: 'vipps' })
    expect(await count('nokkel.former_index')).toBe(3)
    await sql`select nokkel.forget_recognition(${id}::uuid)`.execute(database.owner)
    expect(await count('nokkel.former_index')).toBe(2)
    expect(await accountOf(before, { ...kari, name: 'another BankID' })).not.toBe(id)
    await sql`select nokkel.forget_contact(${id}::uuid)`.execute(database.owner)
    expect(await count('nokkel.former_index')).toBe(0)
    await accountOf(both, ola, { provider: 'vipps' })
    expect(await count('nokkel.former_index')).toBe(3)
    await sql`delete from public.app_user`.execute(database.owner)
    expect(await count('nokkel.former_index')).toBe(0)
  })

  it('keeps the former index of what others of a family have, too', async () => {
    const both = await serve(keyB, keyA)
    const contact = { ...ola.contact, phoneNumber: kari.contact.phoneNumber }
    const [one] = [
      await accountOf(both, kari, { provider: 'vipps' }),
      await accountOf(both, ola, { provider: 'vipps', contact }),
    ]
    expect(await count('nokkel.former_index')).toBe(5)
    await sql`delete from public.app_user where auth_user_id = ${one}::uuid`.execute(database.owner)
    expect(await count('nokkel.former_index')).toBe(3)
  })

  describe('rotation', () => {
    /** Under A: everything kept, contact alone, number alone, nothing, typed, and contact that is not what they stand under. */
    async function settle(before: ServerKeys) {
      const ids = []
      for (const person of people.slice(0, 6)) ids.push(await accountOf(before, person, { provider: 'vipps' }))
      const [all, contactOnly, numberOnly, , typed, stale] = ids as [string, string, string, string, string, string]
      const at = (index: number) => people[index] as Person
      await keep(before, all, at(0).contact)
      await keepNumber(before, all, at(0).number)
      await keep(before, contactOnly, at(1).contact)
      await keepNumber(before, numberOnly, at(2).number, 'vipps')
      await keepNumber(before, typed, at(4).number, 'typed')
      await keep(before, stale, at(6).contact)
      return ids
    }
    const placesOf = async (ids: readonly string[]) => {
      const names = new Map([
        [await idOf(keyA), 'A'],
        [await idOf(keyB), 'B'],
      ])
      const keys = await Promise.all(ids.map(keysOf))
      return keys.map((key) => `${names.get(key?.number ?? '') ?? '-'}${names.get(key?.contact ?? '') ?? '-'}`)
    }

    it('moves what is kept, says who is left, and moves those at their next login', async () => {
      const before = await serve(keyA)
      const ids = await settle(before)
      const both = await serve(keyB, keyA)
      const states = () => readIndexKeyVersions(database.server)
      expect(await states()).toMatchObject([
        { state: 'previous', people: 6, numbers: 6, contacts: 6, movable: 4 },
        { state: 'present', people: 0, numbers: 0, contacts: 0, movable: 0 },
      ])
      const progress: unknown[] = []
      expect(await rotate({ pageSize: 3, onProgress: () => progress.push(1) })).toEqual({ moved: 3, passedOver: 1 })
      expect(progress).toHaveLength(2)
      expect(await placesOf(ids)).toEqual(['BB', 'AB', 'BA', 'AA', 'AA', 'AA'])
      expect(await states()).toMatchObject([
        { state: 'previous', people: 5, numbers: 4, contacts: 4, movable: 1 },
        { state: 'present', people: 3, numbers: 2, contacts: 2 },
      ])
      expect(await rotate()).toEqual({ moved: 0, passedOver: 1 })
      for (const at of [before, both]) {
        for (const [index, id] of ids.entries()) expect(await accountOf(at, people[index] as Person)).toBe(id)
      }
      for (const [index, id] of ids.entries()) {
        expect(await accountOf(both, people[index] as Person, { provider: 'vipps' })).toBe(id)
      }
      expect(await placesOf(ids)).toEqual(ids.map(() => 'BB'))
      expect(await count('public.app_user')).toBe(6)
      expect(await retireIndexKey(database.server)).toMatchObject({ retired: true, forgotten: 0 })
      const alone = await serve(keyB)
      for (const [index, id] of ids.entries()) {
        const trip = { provider: 'vipps', client: 'later' } as const
        expect(await accountOf(alone, people[index] as Person, trip)).toBe(id)
      }
      expect(await count('nokkel.former_index')).toBe(0)
    })

    it('goes on where it was stopped', async () => {
      const ids = await settle(await serve(keyA))
      const stop = ({ moved }: { readonly moved: number }) => {
        if (moved === 1) throw new Error('stopped')
      }
      await expect(rotate({ pageSize: 1, onProgress: stop })).rejects.toThrow('stopped')
      expect((await recorded(database)).at(-1)).toEqual({ action: 'index_key.rotate', problem: null })
      expect((await placesOf(ids)).filter((place) => place !== 'AA')).toHaveLength(1)
      await rotate({ pageSize: 2 })
      expect(await placesOf(ids)).toEqual(['BB', 'AB', 'BA', 'AA', 'AA', 'AA'])
    })

    it('leaves alone who has changed since they were read, and nothing of a page that fails', async () => {
      const before = await serve(keyA)
      const [id] = await settle(before)
      await serve(keyB, keyA)
      const [former, present] = [await idOf(keyA), await idOf(keyB)]
      const hex = (byte: string) => byte.repeat(32)
      const moves = [
        { user_id: id, personnummer: [hex('01'), hex('02')], contact: true, phone: null, email: null },
        { user_id: randomUUID(), personnummer: [hex('03'), hex('04')], contact: false, phone: null, email: null },
      ]
      const move = (from: string, to: string) =>
        sql<{ moved: number }>`select nokkel.move_indexes(${from}, ${to}, ${JSON.stringify(moves)}::jsonb) as moved`
          .execute(database.server)
          .then(({ rows }) => rows[0]?.moved)
      expect(await move(former, present)).toBe(0)
      expect(await count('nokkel.former_index')).toBe(0)
      await expect(move(present, former)).rejects.toThrow('conflict')
      await expect(move(former, await idOf(keyC))).rejects.toThrow('conflict')
      expect(await placesOf([id as string])).toEqual(['AA'])
    })

    it('needs both keys', async () => {
      await serve(keyA)
      const alone = givenRootKeys({ masterKeys: [masterKey], indexKeys: [keyA] })
      const before = (await recorded(database)).length
      await expect(rotateIndexKey({ database: database.server, rootKeys: alone, mode: 'development' })).rejects.toThrow(
        'The root keys hold no previous index key: there is nothing to rotate.',
      )
      expect(await recorded(database)).toHaveLength(before)
      await expect(retireIndexKey(database.server)).rejects.toThrow('there is nothing to retire')
    })

    it('moves what a merge keeps for its undo with the person', async () => {
      const before = await serve(keyA)
      const id = await accountOf(before, kari, { provider: 'vipps' })
      const other = await accountOf(before, ola)
      await sql`insert into nokkel.suspected_duplicate (organization_id, first_id, second_id, evidence)
        values (${organizationId}::uuid, least(${id}::uuid, ${other}::uuid), greatest(${id}::uuid, ${other}::uuid),
          'both_logins')`.execute(database.owner)
      await sql`with merge as (
          insert into nokkel.account_merge (duplicate_id, survivor_id, other_id, survivor_had)
          select d.id, ${id}::uuid, ${other}::uuid, '{}' from nokkel.suspected_duplicate d returning id
        ) insert into nokkel.account_merge_row (merge_id, table_name, is_exact, before, after)
        select m.id, 'public.user_identities', false, to_jsonb(i), to_jsonb(i)
        from merge m, public.user_identities i`.execute(database.owner)
      const both = await serve(keyB, keyA)
      await accountOf(both, kari, { provider: 'vipps' })
      const images = async () => {
        const { rows } = await sql<{ same: boolean; number: string | null }>`
          select to_jsonb(i) - 'updated_at' - 'contact_updated_at' = j.after - 'updated_at' - 'contact_updated_at' as same,
            j.before ->> 'personnummer_index_key' as number
          from nokkel.account_merge_row j join public.user_identities i on i.user_id = (j.after ->> 'user_id')::uuid
          order by i.user_id = ${id}::uuid desc`.execute(database.owner)
        return rows
      }
      expect(await images()).toEqual([
        { same: true, number: await idOf(keyB) },
        { same: true, number: await idOf(keyA) },
      ])
      expect(await retireIndexKey(database.server)).toMatchObject({ retired: false })
      expect((await readIndexKeyVersions(database.server))[0]).toMatchObject({ people: 1, mergedRows: 1 })
      expect(await retireIndexKey(database.server, { forget: true })).toMatchObject({ retired: true, forgotten: 1 })
      expect((await images())[1]).toMatchObject({ number: null })
      // What an undo would bring back under a key that is gone is nothing.
      await sql`update public.user_identities set personnummer_index = sha256('x'),
        personnummer_index_key = ${await idOf(keyA)} where user_id = ${other}::uuid`.execute(database.owner)
      expect(await keysOf(other)).toEqual({ number: null, contact: null })
    })

    it('gives the key up only when nobody is under it, or they are to be forgotten', async () => {
      const before = await serve(keyA)
      const id = await accountOf(before, kari, { provider: 'vipps' })
      const both = await serve(keyB, keyA)
      expect(await retireIndexKey(database.server)).toEqual({ keyId: await idOf(keyA), retired: false, forgotten: 0 })
      expect(await keysOf(id)).toEqual({ number: await idOf(keyA), contact: await idOf(keyA) })
      await logIn(before, kari)
      const waiting = await logIn(before, kari, { provider: 'vipps', client: 'away', number: false })
      expect(waiting.outcome).toBe('needs_linking')
      expect((await readIndexKeyVersions(database.server))[0]).toMatchObject({ people: 1, waitingLogins: 1 })
      expect(await retireIndexKey(database.server, { forget: true })).toMatchObject({ retired: true, forgotten: 1 })
      expect(await keysOf(id)).toEqual({ number: null, contact: null })
      await expect(continueAt(waiting.linkToken)).rejects.toMatchObject({ code: 'link_unknown' })
      // By a login they had they are recognised still.
      expect(await accountOf(both, kari)).toBe(id)
      expect(await keysOf(id)).toEqual({ number: await idOf(keyB), contact: null })
      expect(await recorded(database)).toContainEqual({ action: 'index_key.retire', problem: null })
    })

    it('lets a server that has only the retired key take no login that tells of a person', async () => {
      const before = await serve(keyA)
      const both = await serve(keyB, keyA)
      const id = await accountOf(both, kari)
      await retireIndexKey(database.server)
      await expect(logIn(before, ola)).rejects.toMatchObject({ code: 'unavailable' })
      await expect(logIn(before, kari, { provider: 'vipps', number: false })).rejects.toMatchObject({
        code: 'unavailable',
      })
      expect(await accountOf(before, kari, { number: false })).toBe(id)
      // One that has both goes on with the present one.
      expect(await accountOf(both, kari, { provider: 'vipps' })).toBe(id)
      expect(await count('nokkel.former_index')).toBe(0)
      expect(await count('public.app_user')).toBe(1)
    })

    it('gives nobody a second account, whatever happens in which order', { timeout: 120_000 }, async () => {
      const who = fc.nat({ max: 2 })
      const at = fc.constantFrom('before', 'both')
      const step = fc.oneof(
        fc.record({ do: fc.constant('bankid' as const), who, at }),
        fc.record({ do: fc.constant('vipps' as const), who, at, client: fc.constantFrom('home', 'away', 'third') }),
        fc.record({ do: fc.constant('keep' as const), who }),
        fc.record({ do: fc.constant('page' as const) }),
      )
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
          await forgetEverybody(database)
          await sql`delete from nokkel.former_index`.execute(database.owner)
          await sql`delete from nokkel.index_key_version`.execute(database.owner)
          const servers = { before: await serve(keyA), both: await serve(keyB, keyA) }
          const accounts = new Map<Person, string>()
          const expectSame = (person: Person, id: string) => {
            expect(accounts.get(person) ?? id).toBe(id)
            expect([...accounts].filter(([other]) => other !== person).map(([, of]) => of)).not.toContain(id)
            accounts.set(person, id)
          }
          for (const one of steps) {
            if (one.do === 'page') {
              await rotate({ pageSize: 1 })
              continue
            }
            const person = people[one.who] as Person
            if (one.do === 'keep') {
              const id = accounts.get(person)
              if (id !== undefined) await keepNumber(servers.both, id, person.number)
              if (id !== undefined) await keep(servers.both, id, person.contact)
            } else {
              const trip = one.do === 'vipps' ? { provider: one.do, client: one.client } : {}
              expectSame(person, await accountOf(servers[one.at as keyof typeof servers], person, trip))
            }
          }
          for (const person of accounts.keys()) {
            for (const server of [servers.before, servers.both]) expectSame(person, await accountOf(server, person))
          }
          expect(await count('public.app_user')).toBe(accounts.size)
          expect(await suspicions(database)).toEqual([])
        }),
        { numRuns: 12, seed: 20_261_121 },
      )
    })
  })
})

describe.each(databaseEngines)('servers on their way to a new index key [%s]', (engine) => {
  it('log the same people in, until one has only the retired key', { timeout: 120_000 }, async () => {
    const database = await createTestDatabase(engine)
    const keysOf = (...indexKeys: string[]) => ({ rootKeys: givenRootKeys({ masterKeys: [masterKey], indexKeys }) })
    const old = await createLoginSystem(database, keysOf(keyA))
    const { userId } = await old.logIn('bankid')
    const next = await createLoginSystem(database, keysOf(keyB, keyA))
    expect((await next.logIn('vipps')).userId).toBe(userId)
    expect((await old.logIn('vipps')).userId).toBe(userId)
    expect((await next.logIn('bankid')).userId).toBe(userId)
    const another = await old.logIn('bankid', 'likeperson-medlem-2')
    expect((await next.logIn('vipps', 'likeperson-medlem-2')).userId).toBe(another.userId)
    expect(await countAccounts(database)).toBe(2)

    expect(await retireIndexKey(database.server)).toMatchObject({ retired: true, forgotten: 0 })
    for (const provider of ['bankid', 'vipps'] as const) {
      expect(await tryLogin(old, provider)).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    }
    const last = await createLoginSystem(database, keysOf(keyB))
    expect((await last.logIn('vipps', firstPerson)).userId).toBe(userId)
    expect(await countAccounts(database)).toBe(2)
    await Promise.all([old, next, last].map((system) => system.close()))
    await database.close()
  })
})
