import * as contract from '@nokkel/contract'
import { type Context, decryptEnvelope, type EnvelopeKey } from '@nokkel/crypto'
import { type ErasureEntry, listErasures, replayErasures } from '@nokkel/server'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { decryptContact } from '../../packages/server/src/auth/contact-store.ts'
import { openPersonKey } from '../../packages/server/src/auth/person-key.ts'
import { decryptPersonnummer } from '../../packages/server/src/identity/personnummer-envelope.ts'
import { createTestApi, type TestApi } from '../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { createEquipped, createOrganization, type Equipped, logIn } from '../../tools/testing/people.ts'
import { watchDatabase } from '../faults/testing/watched-database.ts'
import { callsOf } from '../merge/testing/calls.ts'
import { createDuplicate, createPair, type Pair } from '../merge/testing/pair.ts'
import { type Backup, restoreBackup, takeBackup } from './testing/backup.ts'
import { type Held, heldContact, heldNumber, holdEverything } from './testing/held.ts'
import { createMemoryLedger, type MemoryLedger } from './testing/memory-ledger.ts'

describe.each(databaseEngines)('a backup from before an erasure [%s]', { timeout: 120_000 }, (engine) => {
  let database: TestDatabase
  let api: TestApi
  let ledger: MemoryLedger
  let person: Equipped
  let bystander: Equipped
  let held: Held
  let backup: Backup
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    ledger = createMemoryLedger()
    api = await createTestApi(database, { erasureLedger: ledger })
    const organization = await createOrganization(database)
    person = await createEquipped(database, organization)
    bystander = await createEquipped(database, organization)
    held = await holdEverything(database, api, person)
    await holdEverything(database, api, bystander, 'Even Lunde')
    backup = await takeBackup(database)
    expect(await api.call(contract.erasePerson, person.claims, { body: { confirm: 'erase' } })).toMatchObject({
      status: 200,
    })
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  /** A server over a database that the backup was restored into. */
  async function restored<T>(
    lines: MemoryLedger | undefined,
    work: (api: TestApi, database: TestDatabase) => Promise<T>,
  ): Promise<T> {
    const fresh = await createTestDatabase(engine)
    await restoreBackup(fresh, backup)
    const server = await createTestApi(fresh, { ...(lines && { erasureLedger: lines }) })
    try {
      return await work(server, fresh)
    } finally {
      await server.close()
      await fresh.close()
    }
  }

  /** What opens with all that a system has: the key of everybody in it, as every person, and the master keys themselves. */
  async function opened({ keyring }: TestApi, { owner }: TestDatabase): Promise<string[]> {
    const { rows } = await sql<{ userId: string; wrapped: Uint8Array }>`
      select user_id as "userId", wrapped_key as wrapped from nokkel.person_key`.execute(owner)
    expect(rows.length).toBeGreaterThan(0)
    const found: string[] = []
    const tried = async (open: () => Promise<unknown>) => {
      await open().then(
        (value) => found.push(JSON.stringify(value)),
        () => undefined,
      )
    }
    for (const { userId, wrapped } of rows) {
      const key: EnvelopeKey = await openPersonKey(keyring, userId, new Uint8Array(wrapped))
      for (const id of new Set([person.id, userId])) {
        await tried(() => decryptContact(held.contact, key, id))
        await tried(() => decryptPersonnummer(held.personnummer, key, 'kept', id))
        await tried(() => decryptPersonnummer(held.personnummer, key, 'offered', id))
        for (const envelope of [held.contact, held.personnummer]) {
          await tried(() => keyring.unwrap(envelope, contextOf('contact', id)))
          await tried(() => keyring.unwrap(envelope, contextOf('personnummer', id)))
          await tried(() => decryptEnvelope(envelope, key, contextOf('person-key', id)))
        }
      }
    }
    return found
  }

  const isHere = async ({ owner }: TestDatabase, { id }: Equipped) =>
    (await sql`select from public.app_user where auth_user_id = ${id}::uuid`.execute(owner)).rows.length > 0

  it('opens when nobody holds it against the ledger: so the next test can fail', async () => {
    await restored(undefined, async (server, fresh) => {
      expect(await isHere(fresh, person)).toBe(true)
      expect(await opened(server, fresh)).toEqual([JSON.stringify(heldContact), JSON.stringify(heldNumber)])
    })
  })

  it('cannot be opened once it was restored: whoever is in the ledger is erased before anything is answered', async () => {
    await restored(ledger, async (server, fresh) => {
      expect(await isHere(fresh, person)).toBe(false)
      expect(await isHere(fresh, bystander)).toBe(true)
      expect(await opened(server, fresh)).toEqual([])
      const left = JSON.stringify([...(await takeBackup(fresh))].map(([name, rows]) => [name, rows]))
      for (const bytes of [held.contact, held.personnummer]) {
        expect(left).not.toContain(Buffer.from(bytes).toString('hex'))
      }
      expect(left).not.toContain(held.subject)
      expect(await server.call(contract.listSessions, person.claims)).toMatchObject({ code: 'account_erased' })
      expect(await server.call(contract.listSessions, bystander.claims)).toMatchObject({ status: 200 })
      const { rows } = await sql<{ action: string; actor: string | null }>`
        select action, actor from nokkel.audit_log where action like 'person.erase%'`.execute(fresh.owner)
      expect(rows).toEqual([{ action: 'person.erase_again', actor: null }])
    })
  })

  it('is held against the ledger by several servers that start at once, and by the same one again', async () => {
    const fresh = await createTestDatabase(engine)
    await restoreBackup(fresh, backup)
    const servers = await Promise.all([1, 2, 3].map(() => createTestApi(fresh, { erasureLedger: ledger })))
    expect(await isHere(fresh, person)).toBe(false)
    for (const server of servers) {
      expect(await server.call(contract.listSessions, person.claims)).toMatchObject({ code: 'account_erased' })
    }
    const again = await createTestApi(fresh, { erasureLedger: ledger })
    expect((await sql`select from nokkel.erasure`.execute(fresh.owner)).rows).toHaveLength(1)
    expect(ledger.lines).toHaveLength(1)
    for (const server of [...servers, again]) await server.close()
    await fresh.close()
  })

  it('makes a ledger whole that was begun later than the database', async () => {
    const late = createMemoryLedger()
    const server = await createTestApi(database, { erasureLedger: late })
    expect(late.lines).toEqual(ledger.lines)
    await server.close()
  })

  it('is asked as often for many entries as for few, of whom nobody is here', async () => {
    const made = (many: number): ErasureEntry[] =>
      Array.from({ length: many }, () => ({
        id: crypto.randomUUID(),
        userId: crypto.randomUUID(),
        formerIds: [crypto.randomUUID()],
        erasedAt: '2026-11-21T12:00:00.123Z',
        backupsExpireAt: '2026-12-21T12:00:00.123Z',
        removed: { app_user: 1 },
      }))
    const fresh = await createTestDatabase(engine)
    await restoreBackup(fresh, backup)
    let asked = 0
    const watched = watchDatabase(fresh.server, () => {
      asked++
    })
    const few = made(2)
    expect(await replayErasures(watched, few)).toBe(0)
    const before = asked
    asked = 0
    const [many, again] = [made(300), few[0]]
    if (!again) throw new Error()
    expect(await replayErasures(watched, [...many, again, ...many])).toBe(0)
    expect(asked).toBe(before)
    expect((await listErasures(fresh.server)).map(({ id }) => id).sort()).toEqual(
      [...few, ...many].map(({ id }) => id).sort(),
    )
    // Whoever is here is found among them.
    expect(await replayErasures(watched, [...many, ...ledger.lines, ...made(100)])).toBe(1)
    expect([await isHere(fresh, person), await isHere(fresh, bystander)]).toEqual([false, true])
    expect(await listErasures(fresh.server)).toEqual(expect.arrayContaining([...few, ...many, ...ledger.lines]))
    await fresh.close()
  })

  it('starts no server whose ledger cannot be read', async () => {
    const broken = { ...createMemoryLedger(), entries: () => Promise.reject(new Error('Line 2 of it is no erasure.')) }
    await expect(createTestApi(database, { erasureLedger: broken })).rejects.toThrow('Line 2 of it')
  })

  it('erases single rows that came back, also without a ledger', async () => {
    const comeBack = (since: string) =>
      sql`insert into public.app_user (auth_user_id, name, created_at)
        values (${person.id}::uuid, 'Åse', now() + ${since}::interval)`.execute(database.owner)
    await comeBack('-1 hour')
    await (await createTestApi(database)).close()
    expect(await isHere(database, person)).toBe(false)
    // What was made after the erasure did not come back.
    await comeBack('0')
    for (const erasureLedger of [undefined, ledger]) {
      await (await createTestApi(database, { ...(erasureLedger && { erasureLedger }) })).close()
      expect(await isHere(database, person)).toBe(true)
    }
    await sql`delete from public.app_user where auth_user_id = ${person.id}::uuid`.execute(database.owner)
  })

  it('erases nobody while its ledger cannot be used, and goes on with everything else', async () => {
    const equipped = await createEquipped(database, person.claims.organization)
    const lines = createMemoryLedger([...ledger.lines])
    const server = await createTestApi(database, { erasureLedger: lines })
    const { entries } = lines
    lines.entries = () => Promise.reject(new Error('Line 2 of it is no erasure.'))
    const answer = await server.call(contract.erasePerson, equipped.claims, { body: { confirm: 'erase' } })
    expect(answer).toMatchObject({ status: 503, code: 'unavailable' })
    expect(await isHere(database, equipped)).toBe(true)
    expect(await server.call(contract.listSessions, equipped.claims)).toMatchObject({ status: 200 })
    // What may be in it already is another thing: nothing is answered before that is known.
    lines.entries = entries
    lines.afterAppend = async () => {
      lines.entries = () => Promise.reject(new Error('The disk is gone.'))
      throw new Error('The disk is gone.')
    }
    const doubtful = await server.call(contract.erasePerson, equipped.claims, { body: { confirm: 'erase' } })
    expect(doubtful).toMatchObject({ status: 503 })
    expect(await server.call(contract.listSessions, bystander.claims)).toMatchObject({ status: 503 })
    lines.entries = entries
    expect(await server.call(contract.listSessions, equipped.claims)).toMatchObject({ code: 'account_erased' })
    expect(await server.call(contract.listSessions, bystander.claims)).toMatchObject({ status: 200 })
    await server.close()
  })

  describe('an erasure that is interrupted after it is in the ledger', () => {
    it('is done all the same, and told so', async () => {
      const { id, claims } = await createEquipped(database, person.claims.organization)
      const lines = createMemoryLedger([...ledger.lines])
      const server = await createTestApi(database, { erasureLedger: lines })
      lines.afterAppend = async () => {
        throw new Error('The disk is full.')
      }
      const answer = await server.call(contract.erasePerson, claims, { body: { confirm: 'erase' } })
      expect(answer).toMatchObject({ status: 200, body: { id: lines.lines.at(-1)?.id } })
      expect(await isHere(database, { id } as Equipped)).toBe(false)
      await server.close()
    })

    it('is not done when it did not come there', async () => {
      const equipped = await createEquipped(database, person.claims.organization)
      const lines = createMemoryLedger([...ledger.lines])
      const server = await createTestApi(database, { erasureLedger: lines })
      lines.beforeAppend = async () => {
        throw new Error('The disk is full.')
      }
      const answer = await server.call(contract.erasePerson, equipped.claims, { body: { confirm: 'erase' } })
      expect(answer).toMatchObject({ status: 500, code: 'server_failed' })
      expect(await isHere(database, equipped)).toBe(true)
      lines.beforeAppend = async () => undefined
      expect(await server.call(contract.listSessions, equipped.claims)).toMatchObject({ status: 200 })
      expect(await server.call(contract.erasePerson, equipped.claims, { body: { confirm: 'erase' } })).toMatchObject({
        status: 200,
      })
      await server.close()
    })
  })
})

/** What of a person comes back when a merge is undone. */
const ofPerson = [
  'public.external_identity',
  'public.organization_member',
  'public.company_member',
  'public.user_identities',
  'public.user_key',
  'public.consent',
  'public.device_key',
  'public.signing_key',
  'nokkel.person_key',
] as const

describe.each(databaseEngines)('a backup in which two people are one [%s]', { timeout: 120_000 }, (engine) => {
  let database: TestDatabase
  let api: TestApi
  let ledger: MemoryLedger
  let pair: Pair
  beforeEach(async () => {
    database = await createTestDatabase(engine)
    ledger = createMemoryLedger()
    api = await createTestApi(database, { erasureLedger: ledger })
    pair = await createPair(database, api)
    expect(await callsOf(api).merge(pair)).toMatchObject({ status: 200 })
  })
  afterEach(async () => {
    await api.close()
    await database.close()
  })

  const erase = async (id: string) => {
    const { claims } = await logIn(database, pair.organization, id)
    expect(await api.call(contract.erasePerson, claims, { body: { confirm: 'erase' } })).toMatchObject({ status: 200 })
  }
  const here = async ({ owner }: TestDatabase) => {
    const { rows } = await sql<{ id: string }>`
      select auth_user_id as id from public.app_user
      where auth_user_id in (${pair.survivor.id}::uuid, ${pair.other.id}::uuid)`.execute(owner)
    return rows.map(({ id }) => (id === pair.other.id ? 'other' : 'survivor')).sort()
  }
  async function belongings({ owner }: TestDatabase, id: string) {
    const of: Record<string, unknown[]> = {}
    for (const table of ofPerson) {
      const { rows } = await sql<{ row: object }>`
        select to_jsonb(t) - array['updated_at', 'last_seen_at'] as row from ${sql.table(table)} t
        where t.user_id = ${id}::uuid order by 1`.execute(owner)
      of[table] = rows.map(({ row }) => row)
    }
    return of
  }
  async function restoreInto<T>(
    backup: Backup,
    work: (fresh: TestDatabase, start: () => Promise<TestApi>) => Promise<T>,
  ) {
    const fresh = await createTestDatabase(engine)
    await restoreBackup(fresh, backup)
    try {
      return await work(fresh, () => createTestApi(fresh, { erasureLedger: ledger }))
    } finally {
      await fresh.close()
    }
  }

  it('leaves the one who was not erased, with everything that is theirs', async () => {
    const backup = await takeBackup(database)
    expect(await callsOf(api).undo(pair)).toMatchObject({ status: 200 })
    await erase(pair.survivor.id)
    expect(ledger.lines).toMatchObject([{ userId: pair.survivor.id, formerIds: [] }])
    expect(await here(database)).toEqual(['other'])
    const theirs = await belongings(database, pair.other.id)
    for (const table of ofPerson) expect(theirs[table], table).not.toEqual([])
    await restoreInto(backup, async (fresh, start) => {
      const server = await start()
      expect(await here(fresh)).toEqual(['other'])
      expect(await belongings(fresh, pair.other.id)).toEqual(theirs)
      expect(await server.call(contract.listSessions, pair.survivor.claims)).toMatchObject({ code: 'account_erased' })
      expect(await server.call(contract.listSessions, pair.other.claims)).toMatchObject({ status: 200 })
      expect((await sql`select from nokkel.former_account`.execute(fresh.owner)).rows).toEqual([])
      // Again changes nothing.
      await (await start()).close()
      expect(await here(fresh)).toEqual(['other'])
      await server.close()
    })
  })

  it('leaves the one whom the other had become, too', async () => {
    const backup = await takeBackup(database)
    expect(await callsOf(api).undo(pair)).toMatchObject({ status: 200 })
    await erase(pair.other.id)
    const theirs = await belongings(database, pair.survivor.id)
    await restoreInto(backup, async (fresh, start) => {
      await (await start()).close()
      expect(await here(fresh)).toEqual(['survivor'])
      expect(await belongings(fresh, pair.survivor.id)).toEqual(theirs)
    })
  })

  it('parts them also where both had become a third one', async () => {
    const third = await createEquipped(database, pair.organization)
    const duplicate = await createDuplicate(database, pair.organization, third.id, pair.survivor.id, 'personnummer')
    const later = { ...pair, duplicate }
    expect(await callsOf(api).merge(later, pair.administrator, undefined, third.id)).toMatchObject({ status: 200 })
    const backup = await takeBackup(database)
    for (const one of [later, pair]) expect(await callsOf(api).undo(one)).toMatchObject({ status: 200 })
    await erase(pair.other.id)
    const theirs = [await belongings(database, pair.survivor.id), await belongings(database, third.id)]
    await restoreInto(backup, async (fresh, start) => {
      await (await start()).close()
      expect(await here(fresh)).toEqual(['survivor'])
      expect([await belongings(fresh, pair.survivor.id), await belongings(fresh, third.id)]).toEqual(theirs)
      expect((await sql`select from nokkel.former_account`.execute(fresh.owner)).rows).toEqual([])
    })
  })

  it('loses both when both were erased, each by themselves or as one', async () => {
    const backup = await takeBackup(database)
    expect(await callsOf(api).undo(pair)).toMatchObject({ status: 200 })
    await erase(pair.survivor.id)
    await erase(pair.other.id)
    // Nothing has to be undone for that.
    const withoutJournal = new Map(backup)
    withoutJournal.set('nokkel.account_merge', [])
    withoutJournal.set('nokkel.account_merge_row', [])
    for (const one of [backup, withoutJournal]) {
      await restoreInto(one, async (fresh, start) => {
        await (await start()).close()
        expect(await here(fresh)).toEqual([])
        expect((await sql`select from nokkel.erasure`.execute(fresh.owner)).rows).toHaveLength(2)
      })
    }
  })

  it('starts no server where they cannot be told apart, and says who they are and what to do', async () => {
    const backup = new Map(await takeBackup(database))
    backup.set('nokkel.account_merge', [])
    backup.set('nokkel.account_merge_row', [])
    expect(await callsOf(api).undo(pair)).toMatchObject({ status: 200 })
    await erase(pair.survivor.id)
    await restoreInto(backup, async (fresh, start) => {
      const sentence = new RegExp(`${pair.survivor.id} and ${pair.other.id}, .* Restore a backup from before the merge`)
      await expect(start()).rejects.toThrow(sentence)
      await expect(replayErasures(fresh.server, ledger.lines)).rejects.toThrow(sentence)
      expect(await here(fresh)).toEqual(['other', 'survivor'])
    })
  })
})

const contextOf = (purpose: string, id: string): Context => ({
  purpose,
  table: purpose === 'person-key' ? 'person_key' : 'user_identities',
  column: purpose === 'person-key' ? 'wrapped_key' : purpose,
  row: id,
  owner: id,
})
