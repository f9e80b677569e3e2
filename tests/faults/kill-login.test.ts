import { generateDeviceKeys } from '@nokkel/crypto'
import type { ChangedPerson } from '@nokkel/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseEngines } from '../../tools/testing/database.ts'
import { type FragileServer, startFragileServer } from './testing/fragile-server.ts'
import { type OutlivingDatabase, prepareDatabase } from './testing/outliving-database.ts'
import {
  type Address,
  goToProvider,
  type PlainAnswer,
  type PlainLoginOptions,
  type RequestOptions,
  send,
} from './testing/plain-login.ts'

// An embedded database takes a second to come back, so there a transaction is cut only where that can make a difference.
const points = {
  pglite: ['commit', 'committed', 'reply'],
  postgres: ['begin', 'inside', 'commit', 'committed', 'reply'],
} as const
/** Before these a proof is remembered and the attempt taken: nothing that could be half. */
const firstPoint = { pglite: 2, postgres: 0 } as const

/** What no account, login or waiting login is ever without, at whatever point a server ended. */
const halves = {
  'an account that nobody can log in to': `
    select from public.app_user u where not exists (select from public.external_identity i where i.user_id = u.auth_user_id)
      and not exists (select from public.organization_member m where m.user_id = u.auth_user_id)`,
  'a login without membership': `
    select from public.external_identity i
    where not exists (select from public.organization_member m where m.user_id = i.user_id)`,
  'a login that was used and left no trace of who somebody is': `
    select from public.external_identity i where i.last_login_at is not null
      and not exists (select from public.user_identities u where u.user_id = i.user_id)`,
  'a login that was used without being recorded': `
    select from public.external_identity i where i.last_login_at is not null
      and not exists (select from nokkel.audit_log a where a.action = 'login.sign_in' and a.subject_id = i.id::text)`,
  'a session without its login or its token': `
    select from nokkel.session s
    where not exists (select from public.external_identity i where i.id = s.identity_id and i.user_id = s.user_id)
      and s.ended_at is null
      or not exists (select from nokkel.refresh_token t where t.session_id = s.id)`,
  'contact without a key': `
    select from public.user_identities i where i.contact is not null
      and not exists (select from nokkel.person_key k where k.user_id = i.user_id)`,
  'a waiting login that was used and is nobody’s': `
    select from nokkel.waiting_identity w where w.consumed_at is not null and not exists (
      select from public.external_identity i where i.subject = w.login ->> 'subject')`,
  'a waiting login that is somebody’s': `
    select from nokkel.waiting_identity w where w.consumed_at is null and exists (
      select from public.external_identity i where i.subject = w.login ->> 'subject' and i.client_id = w.login ->> 'client_id'
        and not exists (select from nokkel.waiting_identity used
          where used.consumed_at is not null and used.login ->> 'subject' = i.subject))`,
}

/** Vipps tells of them what it tells of nobody else, and no number. */
const newcomers = ['hjertelaget-medlem-1', 'likeperson-medlem-2', 'fjordhjelpen-medlem-1', 'fjordhjelpen-medlem-2']
const newcomer = (id: string): ChangedPerson => ({
  id,
  nationalNumber: null,
  phoneNumber: phoneOf(id),
  email: `${id}@ny.example`,
})
const phoneOf = (id: string) => `474600000${newcomers.indexOf(id)}`

describe.each(databaseEngines)('a server that is killed while somebody logs in [%s]', (engine) => {
  let prepared: OutlivingDatabase
  let server: FragileServer
  let address: Address
  const killedIn: Record<string, number> = {}

  beforeAll(async () => {
    prepared = await prepareDatabase(engine)
    server = await startFragileServer(prepared.database, points[engine])
    address = { publicUrl: server.url }
  })
  afterAll(async () => {
    await server?.close()
    await prepared?.remove()
  })

  /** At each point in turn until the request is answered: what was asked is done anew every time, as a person would. */
  async function untilAnswered(
    name: string,
    attempt: (killAt: number) => Promise<PlainAnswer>,
    first: number = firstPoint[engine],
  ): Promise<PlainAnswer & { readonly kills: number }> {
    for (let point = first; ; point++) {
      const kills = server.kills
      const answer = await attempt(point).catch(() => undefined)
      await server.up()
      expect(server.kills - kills).toBe(answer ? 0 : 1)
      // An embedded database can be looked into when its server is gone for good.
      if (engine === 'postgres') await expectNothingHalf()
      if (answer) {
        const count = point - first
        killedIn[name] = count
        return { ...answer, kills: count }
      }
    }
  }
  const expectNothingHalf = () =>
    prepared.look(async (question) => {
      for (const [what, sql] of Object.entries(halves)) expect(await question(sql), what).toEqual([])
    })
  async function complete(options: PlainLoginOptions, killAt?: number): Promise<PlainAnswer> {
    const { body, signing } = await goToProvider(address, options)
    return send(address, 'POST', '/nokkel/login/complete', { body, signing, killAt })
  }
  const ask = (method: string, path: string, options: RequestOptions) => send(address, method, path, options)
  const contactOf = async (token: string) => (await ask('GET', '/nokkel/me/logins', { token })).body.contact

  it('a first login ends in one account, with what Vipps told', { timeout: 120_000 }, async () => {
    const login = { provider: 'vipps', organization: 'likeperson', person: newcomer('hjertelaget-medlem-1') } as const
    const { status, body, kills } = await untilAnswered('first login', (killAt) => complete(login, killAt))
    expect(status).toBe(200)
    expect(kills).toBeGreaterThan(3)
    expect((await contactOf(body.tokens.accessToken)).email).toBe('hjertelaget-medlem-1@ny.example')
    expect((await complete(login)).body).toMatchObject({ outcome: 'signed_in', userId: body.userId })
  })

  it('a login by another way ends in the same account', { timeout: 120_000 }, async () => {
    const person = 'likeperson-medlem-1'
    const first = await complete({ provider: 'bankid', organization: 'likeperson', person })
    const { body } = await untilAnswered('second provider', (killAt) =>
      complete({ provider: 'vipps', organization: 'fjordhjelpen', person }, killAt),
    )
    expect(body.userId).toBe(first.body.userId)
  })

  it('a login that waits is linked or waits, and never both', { timeout: 240_000 }, async () => {
    const person = newcomer('likeperson-medlem-2')
    const { signing } = await generateDeviceKeys()
    const bankid = await complete({ provider: 'bankid', organization: 'likeperson', person: 'likeperson-medlem-2' })
    const token = bankid.body.tokens.accessToken
    await link(token, { provider: 'vipps', organization: 'likeperson', person })
    const login = { provider: 'vipps', organization: 'fjordhjelpen', person, signing } as const
    const waiting = await untilAnswered('waiting', (killAt) => complete(login, killAt))
    expect(waiting.body.outcome).toBe('needs_linking')

    // Whoever lost the answer is asked by Vipps again, and is either told to show the account or in it already.
    const confirmed = await untilAnswered('confirming', async (killAt) => {
      const { body } = await complete(login)
      if (body.outcome === 'signed_in') return complete(login, killAt)
      const begin = { linkToken: body.linking.token }
      return complete(
        { provider: 'bankid', organization: 'fjordhjelpen', person: 'likeperson-medlem-2', signing, begin },
        killAt,
      )
    })
    expect(confirmed.body.userId).toBe(bankid.body.userId)
    expect((await complete(login)).body).toMatchObject({ outcome: 'signed_in', userId: bankid.body.userId })
    expect((await contactOf(confirmed.body.tokens.accessToken)).phoneNumber).toBe(`+${phoneOf('likeperson-medlem-2')}`)
  })

  it('a login that waits gets one account of its own', { timeout: 240_000 }, async () => {
    const person = newcomer('fjordhjelpen-medlem-1')
    const { signing } = await generateDeviceKeys()
    const bankid = await complete({ provider: 'bankid', organization: 'likeperson', person: 'fjordhjelpen-medlem-1' })
    await link(bankid.body.tokens.accessToken, { provider: 'vipps', organization: 'likeperson', person })
    const alike = { ...person, id: 'nordlys-medlem-1' }
    const login = { provider: 'vipps', organization: 'fjordhjelpen', person: alike, signing } as const
    const continued = await untilAnswered('continuing', async (killAt) => {
      const { body } = await complete(login)
      if (body.outcome === 'signed_in') return complete(login, killAt)
      return ask('POST', '/nokkel/login/continue', { body: { linkToken: body.linking.token }, signing, killAt })
    })
    expect(continued.status).toBe(200)
    expect(continued.body.userId).not.toBe(bankid.body.userId)
    expect((await complete(login)).body).toMatchObject({ outcome: 'signed_in', userId: continued.body.userId })
  })

  it('a login is added to an account, and removed from it, whole', { timeout: 240_000 }, async () => {
    const person = newcomer('fjordhjelpen-medlem-2')
    const { body } = await complete({ provider: 'bankid', organization: 'likeperson', person: 'fjordhjelpen-medlem-2' })
    const token = body.tokens.accessToken
    const vipps = { provider: 'vipps', organization: 'likeperson', person } as const
    const linked = await untilAnswered('linking', (killAt) => link(token, vipps, killAt))
    expect(['identity_linked', 'already_linked']).toContain(linked.body.outcome)
    expect((await complete(vipps)).body).toMatchObject({ outcome: 'signed_in', userId: body.userId })

    const removed = await untilAnswered(
      'removing',
      (killAt) => ask('DELETE', `/nokkel/me/logins/${linked.body.id}`, { token, killAt }),
      0,
    )
    expect([204, 404]).toContain(removed.status)
    const { logins } = (await ask('GET', '/nokkel/me/logins', { token })).body
    expect(logins.map(({ id }: { id: string }) => id)).not.toContain(linked.body.id)
  })

  async function link(token: string, options: PlainLoginOptions, killAt?: number): Promise<PlainAnswer> {
    const { body } = await goToProvider(address, { ...options, token })
    return ask('POST', '/nokkel/me/logins/complete', { body, token, killAt })
  }

  it('has left nothing half', async () => {
    await server.close()
    await expectNothingHalf()
    const kills = Object.values(killedIn).reduce((sum, count) => sum + count, 0)
    expect(kills).toBe(server.kills)
    expect(kills).toBeGreaterThan(engine === 'pglite' ? 25 : 40)
    console.log(`[${engine}] ${kills} kills: ${JSON.stringify(killedIn)}`)
  })
})
