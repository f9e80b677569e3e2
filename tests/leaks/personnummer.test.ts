import { people } from '@nokkel/sandbox'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { composeDevelopment, type Development } from '../../tools/compose.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { useFixedRsaKeys } from '../faults/testing/fixed-rsa-keys.ts'
import { seedDatabase } from '../faults/testing/seed.ts'
import { arrive, type Visitor } from '../faults/testing/visitor.ts'
import { takeBackup } from '../rights/testing/backup.ts'
import { createNeedle } from './testing/needle.ts'
import { type Channel, createRecorder, type Recorder } from './testing/recorder.ts'

const number = people.find(({ id }) => id === 'hjertelaget-medlem-1')?.nationalNumber ?? ''
const needle = createNeedle('personnummer', number)
const consent = { version: 'v1' }

/** Everywhere but between us and the provider, who tells it. */
const searched: readonly Channel[] = ['request', 'response', 'log', 'row', 'error', 'store', 'backup']

describe.each(databaseEngines)('a personnummer [%s]', { timeout: 120_000 }, (engine) => {
  let database: TestDatabase
  let recorder: Recorder
  let system: Development
  const send = globalThis.fetch

  function record(): void {
    recorder = createRecorder(send)
    vi.spyOn(globalThis, 'fetch').mockImplementation(recorder.fetch)
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
      vi.spyOn(console, method).mockImplementation((...told) =>
        recorder.keep('log', 'console', told.map(String).join()),
      )
    }
  }

  beforeAll(async () => {
    useFixedRsaKeys()
    database = await createTestDatabase(engine)
    await seedDatabase(database)
    system = await composeDevelopment({
      port: 0,
      web: false,
      database: database.server,
      logger: (entry) => recorder.logger(entry),
    })
  })

  afterAll(async () => {
    vi.restoreAllMocks()
    await system?.close()
    await database?.close()
  })

  async function readStore({ storage }: Pick<Visitor, 'storage'>): Promise<void> {
    for (const name of await storage.list('')) {
      recorder.keep('store', name, name, JSON.stringify(await storage.get(name)) ?? '')
    }
  }

  async function readBackup(): Promise<void> {
    for (const [table, rows] of await takeBackup(database)) recorder.keep('backup', table, JSON.stringify(rows))
  }

  /** What is thrown, as somebody would report it. */
  async function fails(work: Promise<unknown>, code: string): Promise<void> {
    const error: unknown = await work.catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code })
    const causes = function* (cause: unknown): Generator<unknown> {
      yield cause
      if (cause instanceof Error && cause.cause !== undefined) yield* causes(cause.cause)
    }
    for (const cause of causes(error)) {
      recorder.keep('error', code, String(cause), JSON.stringify(cause), (cause as Error).stack ?? '')
    }
  }

  describe('that is leaked is found', () => {
    const named = async (text: string, look: () => Promise<unknown>) => {
      await sql`update public.organization set name = ${text} where slug = 'hjertelaget'`.execute(database.owner)
      await look()
      await sql`update public.organization set name = 'Hjertelaget' where slug = 'hjertelaget'`.execute(database.owner)
    }
    const leaks: readonly (readonly [what: string, channel: Channel, leak: () => Promise<unknown>])[] = [
      ['a URL', 'request', () => fetch(`${system.url}/nokkel/health?number=${number}`)],
      [
        'a body',
        'request',
        () => fetch(`${system.url}/nokkel/login`, { method: 'POST', body: JSON.stringify({ number }) }),
      ],
      ['a response', 'response', () => named(number, () => fetch(`${system.url}/nokkel/organizations`))],
      ['a line of the log', 'log', async () => recorder.logger({ level: 'info', event: number })],
      ['the console', 'log', async () => console.error(new Error(`Not valid: ${number}`))],
      ['an error', 'error', () => fails(Promise.reject(Object.assign(new Error(number), { code: 'x' })), 'x')],
      ['a row', 'row', () => named(`of ${number}`, () => recorder.readRows(database))],
      ['a backup', 'backup', () => named(number, readBackup)],
      [
        'a store',
        'store',
        () => readStore({ storage: { list: async () => ['a'], get: async () => ({ number }) } as never }),
      ],
    ]
    it.each(leaks)('in %s', async (_, channel, leak) => {
      record()
      expect(recorder.search([needle])).toEqual([])
      await leak()
      expect(recorder.search([needle]).map((found) => found.channel)).toContain(channel)
    })
  })

  it('is nowhere in the clear, whatever its person and others do with it', async () => {
    record()
    const at = { url: system.url, organization: 'hjertelaget' }
    const owner = await arrive({ ...at, person: 'hjertelaget-medlem-1' })
    const stranger = await arrive({ ...at, person: 'hjertelaget-medlem-2', provider: 'vipps' })
    const idOf = ({ nokkel }: Visitor) => nokkel.auth.getSnapshot().me?.id ?? ''
    const { identity, privacy } = owner.nokkel

    const look = async () => {
      await recorder.readRows(database)
      await readBackup()
      for (const visitor of [owner, stranger]) await readStore(visitor)
    }
    expect((await identity.personnummer()).offered).toMatchObject({ masked: `${number.slice(0, 6)}*****` })
    await look()
    await identity.keepOffered(consent)
    expect(await identity.getIdentityByUserId(idOf(owner))).toMatchObject({ personnummer: expect.any(String) })
    expect(await identity.revealPersonnummer()).toBe(number)
    expect(JSON.stringify(await privacy.exportData())).toContain(number)
    await fails(identity.storePersonnummer(idOf(owner), number, consent), 'personnummer_known')
    await look()

    const typed = stranger.nokkel.identity
    await fails(typed.storePersonnummer(idOf(stranger), `${number}1`, consent), 'personnummer_invalid')
    const mistyped = `${number.slice(0, 10)}${(Number(number[10]) + 1) % 10}`
    await fails(typed.storePersonnummer(idOf(stranger), mistyped, consent), 'personnummer_invalid')
    if ((await typed.personnummer()).offered) await typed.declineOffered()
    await typed.storePersonnummer(idOf(stranger), number, consent)
    expect(await typed.revealPersonnummer()).toBe(number)
    await look()
    await stranger.nokkel.auth.signOut()
    await privacy.erase()
    await look()

    for (const channel of searched) expect(recorder.count(channel), channel).toBeGreaterThanOrEqual(3)
    // What is searched for did pass: from the provider to us.
    expect(recorder.search([needle], ['provider']).length).toBeGreaterThan(0)
    expect(recorder.search([needle], searched)).toEqual([])
  })
})
