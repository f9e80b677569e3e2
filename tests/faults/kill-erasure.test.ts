import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseErasures } from '@nokkel/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseEngines } from '../../tools/testing/database.ts'
import { type FragileServer, startFragileServer } from './testing/fragile-server.ts'
import { type OutlivingDatabase, prepareDatabase } from './testing/outliving-database.ts'
import { type Address, goToProvider, type PlainAnswer, send } from './testing/plain-login.ts'

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
