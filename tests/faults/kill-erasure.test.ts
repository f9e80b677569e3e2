import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatErasure, parseErasures } from '@nokkel/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseEngines } from '../../tools/testing/database.ts'
import { type FragileServer, freePort, spawn, startFragileServer } from './testing/fragile-server.ts'
import { type OutlivingDatabase, prepareDatabase } from './testing/outliving-database.ts'
import { type Address, goToProvider, type PlainAnswer, send } from './testing/plain-login.ts'
import type { ServerPlan } from './testing/server-plan.ts'

// An embedded database takes a second to come back, so there a transaction is cut only where that can make a difference.
const points = {
  pglite: ['inside', 'commit', 'committed', 'reply'],
  postgres: ['begin', 'inside', 'commit', 'committed', 'reply'],
} as const

/** What is nowhere, at whatever point a server ended. */
const halves = {
  'an erasure whose person is here': `
    select from nokkel.erasure e join public.app_user u on u.auth_user_id = e.user_id`,
  'an account without what came with it': `
    select from public.app_user u where exists (select from nokkel.erased_token t) and not exists (
      select from nokkel.pseudonym p where p.user_id = u.auth_user_id)`,
  'what was encrypted for somebody, without their key': `
    select from public.user_identities i where i.contact is not null
      and not exists (select from nokkel.person_key k where k.user_id = i.user_id)`,
  'a session of nobody': `
    select from nokkel.session s where not exists (select from public.app_user u where u.auth_user_id = s.user_id)`,
  'a token that is live and erased': `
    select from nokkel.erased_token e join nokkel.refresh_token t on t.hash = e.hash`,
}

describe.each(databaseEngines)('a server that is killed while somebody is erased [%s]', (engine) => {
  let prepared: OutlivingDatabase
  let server: FragileServer
  let address: Address
  let home: string
  let erasureLedger: string

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'nokkel-kill-erasure-'))
    erasureLedger = join(home, 'erasures.jsonl')
    writeFileSync(erasureLedger, '')
    prepared = await prepareDatabase(engine)
    server = await startFragileServer(prepared.database, points[engine], { erasureLedger })
    address = { publicUrl: server.url }
  })
  afterAll(async () => {
    await server?.close()
    await prepared?.remove()
    if (home) rmSync(home, { recursive: true })
  })

  const ledger = () => parseErasures(readFileSync(erasureLedger, 'utf8'), erasureLedger)
  const expectNothingHalf = () =>
    prepared.look(async (question) => {
      for (const [what, sql] of Object.entries(halves)) expect(await question(sql), what).toEqual([])
    })
  async function arrive() {
    const { body, signing } = await goToProvider(address, {
      provider: 'vipps',
      organization: 'likeperson',
      person: 'likeperson-medlem-2',
    })
    const answer = await send(address, 'POST', '/nokkel/login/complete', { body, signing })
    expect(answer.status).toBe(200)
    const { userId, tokens } = answer.body
    return { userId, token: tokens.accessToken, refreshToken: tokens.refreshToken, signing }
  }

  it('has erased all of them or nothing, and what is in the ledger is done', { timeout: 300_000 }, async () => {
    const outcomes: string[] = []
    for (let point = 0; ; point++) {
      const person = await arrive()
      const { token, signing } = person
      const before = server.kills
      const answer: PlainAnswer | undefined = await send(address, 'POST', '/nokkel/me/erasure', {
        body: { confirm: 'erase' },
        token,
        killAt: point,
      }).catch(() => undefined)
      await server.up()
      expect(server.kills - before).toBe(answer ? 0 : 1)

      const isWritten = ledger().some(({ userId }) => userId === person.userId)
      const logins = await send(address, 'GET', '/nokkel/me/logins', { token })
      const body = { refreshToken: person.refreshToken }
      const refreshed = await send(address, 'POST', '/nokkel/session/refresh', { body, signing })
      if (isWritten) {
        for (const { status, body: problem } of [logins, refreshed]) {
          expect({ status, code: problem.code }).toEqual({ status: 401, code: 'account_erased' })
        }
      } else {
        expect([logins.status, refreshed.status]).toEqual([200, 200])
        expect(logins.body.contact.phoneNumber).toMatch(/^\+47/)
      }
      if (engine === 'postgres') await expectNothingHalf()
      if (answer) {
        expect(answer.status).toBe(200)
        expect(answer.body.certificate.split('.')).toHaveLength(3)
        expect(ledger().at(-1)?.id).toBe(answer.body.id)
        break
      }
      outcomes.push(isWritten ? 'erased' : 'there')
      // Once they are gone they stay gone, and the next login of the same person is of a new account.
      expect((await arrive()).userId === person.userId).toBe(!isWritten)
    }
    expect(outcomes).toContain('erased')
    expect(outcomes).toContain('there')
    expect(outcomes.length).toBeGreaterThan(engine === 'pglite' ? 3 : 4)
    // Before the ledger has it nothing is done; from then on everything is.
    expect(outcomes).toEqual([...outcomes].sort().reverse())
    console.log(`[${engine}] ${outcomes.length} kills: ${outcomes.join(' ')}`)
    await server.close()
    await expectNothingHalf()
  })
})

describe.each(databaseEngines)('a server that is killed while it replays its ledger [%s]', (engine) => {
  it('has erased somebody or not, and goes on until all are gone', { timeout: 300_000 }, async () => {
    const home = mkdtempSync(join(tmpdir(), 'nokkel-kill-replay-'))
    const erasureLedger = join(home, 'erasures.jsonl')
    writeFileSync(erasureLedger, '')
    const prepared = await prepareDatabase(engine)
    const publicUrl = `http://localhost:${await freePort()}`
    const plan: ServerPlan = {
      database: prepared.database,
      publicUrl,
      masterKey: '07'.repeat(32),
      points: ['begin', 'inside', 'commit', 'committed'],
      clients: [],
      erasureLedger,
    }
    /** @returns Whether it came to the end of its start. */
    const start = async (of: Partial<ServerPlan> = {}): Promise<boolean> => {
      const child = spawn()
      child.send({ ...plan, ...of })
      const ended = once(child, 'exit')
      const opened = await Promise.race([once(child, 'message').then(() => true), ended.then(() => false)])
      if (opened) child.kill('SIGKILL')
      expect(await ended).toEqual([null, 'SIGKILL'])
      return opened
    }
    const people = () =>
      prepared.look(async (ask) => {
        for (const [what, sql] of Object.entries(halves)) expect(await ask(sql), what).toEqual([])
        const rows = await ask<{ id: string }>('select auth_user_id as id from public.app_user order by 1')
        return rows.map(({ id }) => id)
      })

    expect(await start()).toBe(true)
    const before = await people()
    const erased = before.filter((_, n) => n % 3 === 0).slice(0, 4)
    const erasedAt = new Date().toISOString()
    const lines = erased.map((userId) =>
      formatErasure({ id: randomUUID(), userId, formerIds: [], erasedAt, backupsExpireAt: erasedAt, removed: {} }),
    )
    writeFileSync(erasureLedger, lines.join(''))
    const database = 'directory' in plan.database ? { ...plan.database, seeded: true } : plan.database
    const left: number[] = []
    for (let killAtStart = 0; !(await start({ database, killAtStart })); killAtStart++) {
      const here = await people()
      expect(here.filter((id) => !erased.includes(id))).toEqual(before.filter((id) => !erased.includes(id)))
      left.push(here.length - before.length + erased.length)
    }
    expect(await people()).toEqual(before.filter((id) => !erased.includes(id)))
    expect(left[0]).toBe(erased.length)
    expect(new Set(left).size).toBeGreaterThan(3)
    expect(left).toEqual([...left].sort().reverse())
    await prepared.look(async (ask) => {
      const known = await ask<{ id: string }>('select user_id as id from nokkel.erasure order by 1')
      expect(known.map(({ id }) => id)).toEqual(erased)
    })
    await prepared.remove()
    rmSync(home, { recursive: true })
  })
})
