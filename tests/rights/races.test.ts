import { randomBytes, randomUUID } from 'node:crypto'
import * as contract from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../tools/testing/api.ts'
import { sealFor } from '../../tools/testing/assignments.ts'
import { createTestDatabase, type TestDatabase } from '../../tools/testing/database.ts'
import { createCompanyOf } from '../../tools/testing/managed-keys.ts'
import { createEquipped, createOrganization, type Equipped, logIn } from '../../tools/testing/people.ts'
import { callsOf } from '../merge/testing/calls.ts'
import { createPair } from '../merge/testing/pair.ts'
import { createMemoryLedger, type MemoryLedger } from './testing/memory-ledger.ts'

describe('erasing while something else happens [postgres]', { timeout: 120_000 }, () => {
  let database: TestDatabase
  let api: TestApi
  let ledger: MemoryLedger
  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    ledger = createMemoryLedger()
    api = await createTestApi(database, { erasureLedger: ledger })
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const erase = ({ claims }: Pick<Equipped, 'claims'>) =>
    api.call(contract.erasePerson, claims, { body: { confirm: 'erase' } })
  const said = ({ status, code }: { status: number; code?: string }) => code ?? status
  const count = async (query: ReturnType<typeof sql>) => (await query.execute(database.owner)).rows.length
  const isHere = async (id: string) =>
    (await count(sql`select from public.app_user where auth_user_id = ${id}::uuid`)) === 1
  const times = <T>(many: number, work: (n: number) => Promise<T>) =>
    Promise.all(Array.from({ length: many }, (_, n) => work(n)))

  it('the same person, from several devices at once: once', async () => {
    const organization = await createOrganization(database)
    const person = await createEquipped(database, organization)
    const others = await times(3, () => logIn(database, organization, person.id))
    const answers = await Promise.all([person, ...others].map(erase))
    expect(answers.map(said).sort()).toEqual([200, ...Array(3).fill('account_erased')])
    expect(ledger.lines.filter(({ userId }) => userId === person.id)).toHaveLength(1)
    expect(await isHere(person.id)).toBe(false)
  })

  it('two of which neither is committed: whoever gets a certificate is gone', async () => {
    const organization = await createOrganization(database)
    const [one, two] = await times(2, () => createEquipped(database, organization))
    if (!one || !two) throw new Error()
    const lines = createMemoryLedger([...ledger.lines])
    const server = await createTestApi(database, { erasureLedger: lines })
    const gate = () => Promise.withResolvers<void>()
    const [twoWaits, readWithoutTwo, twoIsWritten] = [gate(), gate(), gate()]
    const { entries } = lines
    lines.beforeAppend = async ({ userId }) => {
      if (userId !== two.id) return
      twoWaits.resolve()
      await readWithoutTwo.promise
    }
    lines.afterAppend = async ({ userId }) => {
      if (userId === two.id) twoIsWritten.resolve()
      else {
        // The reading that settles the first is begun before the second is written, and ends after it.
        lines.entries = async () => {
          lines.entries = entries
          const read = await entries()
          readWithoutTwo.resolve()
          await twoIsWritten.promise
          return read
        }
      }
      throw new Error('The commit is lost.')
    }
    const eraseThere = ({ claims }: Equipped) =>
      server.call(contract.erasePerson, claims, { body: { confirm: 'erase' } })
    const second = eraseThere(two)
    await twoWaits.promise
    const answers = await Promise.all([eraseThere(one), second])
    expect(answers.map(said)).toEqual([200, 200])
    expect(await Promise.all([one, two].map(({ id }) => isHere(id)))).toEqual([false, false])
    for (const { claims } of [one, two]) {
      expect(said(await server.call(contract.listSessions, claims))).toBe('account_erased')
    }
    await server.close()
  })

  it('both administrators of a company and of an organisation: one of them stays', async () => {
    for (let round = 0; round < 5; round++) {
      const organization = await createOrganization(database)
      const [one, two] = await times(2, () => createEquipped(database, organization, { role: 'administrator' }))
      const member = await createEquipped(database, organization)
      if (!one || !two) throw new Error()
      await createCompanyOf(database, organization, {
        [one.id]: 'administrator',
        [two.id]: 'administrator',
        [member.id]: 'member',
      })
      const answers = await Promise.all([one, two].map(erase))
      expect(answers.map(said).sort()).toEqual([200, 'erasure_blocked'])
      expect(await Promise.all([one, two].map(({ id }) => isHere(id)))).toEqual(expect.arrayContaining([true, false]))
    }
  })

  it('a login of theirs: it is of a new account, or its session is over', async () => {
    for (let round = 0; round < 5; round++) {
      const organization = await createOrganization(database)
      const person = await createEquipped(database, organization)
      const subject = randomUUID()
      await sql`insert into public.external_identity (provider, client_id, subject, user_id)
        values ('bankid', '*', ${subject}, ${person.id}::uuid)`.execute(database.owner)
      const login = () => {
        const verified = {
          provider: 'bankid',
          client_id: '*',
          subject,
          name: 'Kari Nordmann',
          assurance: 'high',
          organization_id: organization,
          personnummer_outcome: 'not_asked',
        }
        return sql<{ user_id: string; session_id: string; problem: string | null }>`
          select user_id, session_id, problem from nokkel.sign_in(${JSON.stringify(verified)}::jsonb, null, null, '{}', null, null,
            null, null, null, ${randomUUID()}, 'Prøve', ${randomBytes(32)}::bytea, interval '1 hour', ${randomUUID()}::uuid)`.execute(
          database.server,
        )
      }
      const [erased, ...logins] = await Promise.all([erase(person), ...Array.from({ length: 4 }, login)])
      expect(said(erased)).toBe(200)
      for (const { rows } of logins) {
        const [row] = rows
        expect(row?.problem).toBeNull()
        const answer = await api.call(contract.listSessions, {
          ...person.claims,
          sub: row?.user_id ?? '',
          sid: row?.session_id ?? '',
        })
        expect(said(answer)).toBe(row?.user_id === person.id ? 'account_erased' : 200)
      }
      // Of those who came after it, all are the same one.
      expect(new Set(logins.map(({ rows }) => rows[0]?.user_id).filter((id) => id !== person.id)).size).toBeLessThan(2)
      expect(await isHere(person.id)).toBe(false)
      expect(await count(sql`select from nokkel.session where user_id = ${person.id}::uuid`)).toBe(0)
    }
  })

  it('a merge: one account is gone, or both, and nothing of either hangs on nobody', async () => {
    for (let round = 0; round < 3; round++) {
      const pair = await createPair(database, api)
      const calls = callsOf(api)
      const { digest } = (await calls.preview(pair)).body
      const by = round === 1 ? pair.other : pair.survivor
      const [merged, erased] = await Promise.all([calls.merge(pair, pair.administrator, digest), erase(by)])
      const here = await Promise.all([pair.survivor, pair.other].map(({ id }) => isHere(id)))
      if (merged.status === 200) {
        expect([200, 'account_merged', 'login_too_old', 'session_ended']).toContain(said(erased))
        expect(here).toEqual(said(erased) === 200 ? [false, false] : [true, true])
      } else {
        expect(['not_found', 'merge_changed', 'duplicate_settled']).toContain(merged.code)
        expect(said(erased)).toBe(200)
        expect(here).toEqual(by === pair.other ? [true, false] : [false, true])
      }
      expect(
        await count(sql`
        select from nokkel.former_account f where not exists (
          select from public.app_user u where u.auth_user_id = f.survivor_id)`),
      ).toBe(0)
    }
  })

  it('a sender and all who got something from them: nothing of it stays', async () => {
    for (let round = 0; round < 5; round++) {
      const organization = await createOrganization(database)
      const sender = await createEquipped(database, organization, { role: 'coordinator' })
      const recipients = await times(1 + (round % 3), () => createEquipped(database, organization))
      for (const _ of [1, 2]) {
        const body = await sealFor(sender, recipients)
        expect(said(await api.call(contract.sendAssignment, sender.claims, { body }))).toBe(201)
      }
      const answers = await Promise.all([sender, ...recipients].map(erase))
      expect(answers.map(said)).toEqual(answers.map(() => 200))
      expect(await count(sql`select from public.assignment where sender_id = ${sender.id}::uuid`)).toBe(0)
      expect(await count(sql`select from public.signing_key where user_id = ${sender.id}::uuid`)).toBe(0)
    }
  })

  it('assignments that are sent to them: each is sent to who was there, and no key hangs on nobody', async () => {
    const organization = await createOrganization(database)
    const sender = await createEquipped(database, organization, { role: 'coordinator' })
    const [person, other] = await times(2, () => createEquipped(database, organization))
    if (!person || !other) throw new Error()
    const requests = await times(6, () => sealFor(sender, [person, other]))
    const [erased, ...sent] = await Promise.all([
      erase(person),
      ...requests.map((body) => api.call(contract.sendAssignment, sender.claims, { body })),
    ])
    expect(said(erased)).toBe(200)
    for (const answer of sent) expect([201, 'recipients_changed']).toContain(said(answer))
    expect(await count(sql`select from public.assignment_key where user_id = ${person.id}::uuid`)).toBe(0)
    const standing = sent.filter(({ status }) => status === 201).length
    expect(await count(sql`select from public.assignment where sender_id = ${sender.id}::uuid`)).toBe(standing)
    const inbox = await api.call(contract.listAssignments, other.claims, { query: { box: 'inbox' } })
    expect(inbox.body.assignments).toHaveLength(standing)
  })
})
