import { randomUUID } from 'node:crypto'
import {
  decodeBase64,
  encodeBase64,
  generateContentKey,
  importPrivateKey,
  importPublicKey,
  wrapKey,
} from '@nokkel/crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseEngines } from '../../tools/testing/database.ts'
import { testPrivateKeys } from '../../tools/testing/rsa-keys.ts'
import { type FragileServer, startFragileServer } from './testing/fragile-server.ts'
import { type OutlivingDatabase, prepareDatabase } from './testing/outliving-database.ts'
import { killHeader } from './testing/server-plan.ts'
import { arrive, type Visitor } from './testing/visitor.ts'

const points = {
  pglite: ['commit', 'committed', 'reply'],
  postgres: ['begin', 'inside', 'commit', 'committed', 'reply'],
} as const

interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came back
  readonly body: any
}

interface Wrap {
  readonly rfxId: string
  readonly version: number
  readonly key: string
}

describe.each(databaseEngines)('managed keys and companies when the server is killed [%s]', (engine) => {
  let prepared: OutlivingDatabase
  let server: FragileServer
  let silje: Visitor
  let bjorn: Visitor
  const wraps: Wrap[] = []
  let kills = 0

  const organization = 'fjordhjelpen'
  const enter = async () => {
    const { url } = server
    silje = await arrive({ url, organization, person: 'fjordhjelpen-koordinator' })
    bjorn = await arrive({ url, organization, person: 'fjordhjelpen-medlem-1' })
  }

  beforeAll(async () => {
    prepared = await prepareDatabase(engine)
    server = await startFragileServer(prepared.database, points[engine])
    await enter()
    const owner = silje.nokkel.auth.getSnapshot().me
    const key = (await silje.nokkel.userKeys.list())[0]
    await server.close()
    const { key: recipient } = await importPublicKey(decodeBase64(key?.publicKey ?? ''))
    await prepared.look(async (ask) => {
      for (let count = 0; count < 3; count++) {
        const rfxId = randomUUID()
        await ask('insert into public.rfxs (id, organization_id, key_version) values ($1, $2, 2)', [
          rfxId,
          owner?.organization.id,
        ])
        await ask('insert into public.rfx_key_version (rfx_id, version) values ($1, 1), ($1, 2)', [rfxId])
        const secrets = [generateContentKey(), generateContentKey()]
        const [earlier, present] = await Promise.all(
          secrets.map(async (secret) => encodeBase64(await wrapKey(secret, recipient))),
        )
        await ask(
          `insert into public.rfx_key_history (rfx_id, version, user_id, encrypted_symmetric_key, user_key_id)
            values ($1, 1, $2, $3, $4)`,
          [rfxId, owner?.id, earlier, key?.id],
        )
        await ask(
          `insert into public.rfx_key_members (rfx_id, user_id, encrypted_symmetric_key, key_id)
            values ($1, $2, $3, $4)`,
          [rfxId, owner?.id, present, key?.id],
        )
        wraps.push(...secrets.map((secret, index) => ({ rfxId, version: index + 1, key: encodeBase64(secret) })))
      }
    })
    const { database } = prepared
    server = await startFragileServer(
      'directory' in database ? { ...database, seeded: true } : database,
      points[engine],
    )
    await enter()
  })

  afterAll(async () => {
    await server?.close()
    await prepared?.remove()
  })

  async function send({ nokkel }: Visitor, method: string, path: string, body?: unknown, killAt?: number) {
    const token = await nokkel.auth.accessToken()
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(killAt === undefined ? {} : { [killHeader]: String(killAt) }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) } satisfies Answer
  }

  /** Kills the server at a point of this request, if the request comes to it; says whether it did. */
  async function dies(by: Visitor, method: string, path: string, body: unknown, point: number): Promise<boolean> {
    const before = server.kills
    const answer = await send(by, method, path, body, point).catch(() => undefined)
    await server.up()
    const died = server.kills > before
    expect(died).toBe(answer === undefined)
    if (answer) expect(answer.status).toBeLessThan(300)
    kills += server.kills - before
    return died
  }

  const keys = async () => (await send(silje, 'GET', '/nokkel/keys')).body.keys
  const active = async () => (await keys()).filter(({ state }: { state: string }) => state === 'active')

  async function expectAllOpen(): Promise<void> {
    const items = wraps.map(({ rfxId, version }) => ({ rfxId, version, via: 'user' }))
    const { body } = await send(silje, 'POST', '/crypto-service', { action: 'unwrap', items })
    expect(body.items).toEqual(wraps.map(({ key }) => ({ key })))
  }

  it('a key is stored or not, and what is wrapped opens whatever was moved', { timeout: 120_000 }, async () => {
    await expectAllOpen()
    const [first] = await active()
    const publicKeys = await Promise.all(
      testPrivateKeys.map(async (text) => encodeBase64((await importPrivateKey(decodeBase64(text))).publicKey)),
    )
    const unused = testPrivateKeys.filter((_, index) => publicKeys[index] !== first.publicKey)
    const died = { encrypt: 0, rewrap: 0, compromised: 0, destroy: 0 }
    for (const [point, text] of unused.entries()) {
      const before = await keys()
      const [old] = await active()
      const request = { action: 'encrypt', text, replaces: old.id }
      if (await dies(silje, 'POST', '/crypto-service', request, point)) died.encrypt++
      const [found, ...others] = await active()
      expect(others).toEqual([])
      expect((await keys()).length - before.length).toBe(found.id === old.id ? 0 : 1)
      const stored = await send(silje, 'POST', '/crypto-service', request)
      expect(stored.status).toBe(200)
      expect(await active()).toMatchObject([{ id: stored.body.keyId, publicKey: stored.body.publicKey }])
      if (found.id !== old.id) expect(stored.body.keyId).toBe(found.id)
      expect(await keys()).toHaveLength(before.length + 1)
      await expectAllOpen()

      const path = `/nokkel/keys/${old.id}`
      if (await dies(silje, 'POST', `${path}/rewraps`, {}, point)) died.rewrap++
      await expectAllOpen()
      const moved = await send(silje, 'POST', `${path}/rewraps`, {})
      expect(moved).toMatchObject({ status: 200, body: { remaining: 0, failed: [] } })
      await expectAllOpen()
      const stateOf = async () => (await keys()).find(({ id }: { id: string }) => id === old.id)
      expect(await stateOf()).toMatchObject({ state: 'superseded', wraps: 0 })

      if (await dies(silje, 'POST', `${path}/compromised`, undefined, point)) died.compromised++
      expect(['superseded', 'revoked']).toContain((await stateOf()).state)
      expect(await send(silje, 'POST', `${path}/compromised`)).toMatchObject({ status: 200 })
      if (await dies(silje, 'DELETE', path, undefined, point)) died.destroy++
      expect(['revoked', 'destroyed']).toContain((await stateOf()).state)
      expect(await send(silje, 'DELETE', path)).toMatchObject({ status: 204 })
      expect(await stateOf()).toMatchObject({ state: 'destroyed', encryptedPrivateKey: null })
      await expectAllOpen()
    }
    // Each has died at all of its points, and in the last round at none.
    for (const [operation, times] of Object.entries(died)) {
      expect(times, operation).toBeGreaterThanOrEqual(2)
      expect(times, operation).toBeLessThan(unused.length)
    }
  })

  const newCompany = async (name: string): Promise<string> =>
    (await send(silje, 'POST', '/nokkel/companies', { name })).body.id

  it('somebody joins a company or does not', { timeout: 120_000 }, async () => {
    const company = await newCompany('Fjordbygg')
    const me = bjorn.nokkel.auth.getSnapshot().me?.id
    const before = kills
    for (let point = 0, died = true; died; point++) {
      const invited = await send(silje, 'POST', `/nokkel/companies/${company}/invitations`, { role: 'member' })
      const body = { code: invited.body.code }
      died = await dies(bjorn, 'POST', '/nokkel/companies/join', body, point)
      const { status } = await send(bjorn, 'GET', `/nokkel/companies/${company}`)
      expect([200, 404]).toContain(status)
      expect(await send(bjorn, 'POST', '/nokkel/companies/join', body)).toMatchObject({ status: 200 })
      const { members } = (await send(bjorn, 'GET', `/nokkel/companies/${company}`)).body
      expect(members).toHaveLength(2)
      const leave = `/nokkel/companies/${company}/members/${me}`
      if (await dies(bjorn, 'DELETE', leave, undefined, point)) await send(bjorn, 'DELETE', leave)
      expect(await send(bjorn, 'GET', `/nokkel/companies/${company}`)).toMatchObject({ status: 404 })
    }
    expect(kills - before).toBeGreaterThanOrEqual(engine === 'pglite' ? 6 : 12)
  })

  it('a company has no key or one', { timeout: 120_000 }, async () => {
    const before = kills
    for (let point = 0, died = true; died; point++) {
      const companyId = await newCompany(`Fjordbygg ${point}`)
      died = await dies(silje, 'POST', '/generate-company-keys', { companyId }, point)
      const found = (await send(silje, 'GET', `/nokkel/companies/${companyId}`)).body
      expect(found.keys).toHaveLength(found.key === null ? 0 : 1)
      const again = await send(silje, 'POST', '/generate-company-keys', { companyId })
      if (found.key) expect(again).toMatchObject({ status: 409, body: { data: { keyId: found.key.id } } })
      else expect(again).toMatchObject({ status: 201 })
      const { key, keys: all } = (await send(silje, 'GET', `/nokkel/companies/${companyId}`)).body
      expect(all).toMatchObject([{ id: key.id, state: 'active' }])
    }
    expect(kills - before).toBeGreaterThanOrEqual(engine === 'pglite' ? 5 : 9)
  })

  it('has left no key without an owner, and nothing without its record', async () => {
    await server.close()
    const [orphans, [counts]] = await prepared.look(async (ask) => [
      await ask('select * from nokkel.orphaned_keys()'),
      await ask<Record<string, number>>(`
        with allowed as (select action, count(*)::int from nokkel.audit_log where outcome = 'allowed' group by action)
        select
          (select count(*)::int from public.user_key) as user_keys,
          (select count from allowed where action = 'user_key.create') as user_keys_recorded,
          (select count(*)::int from public.company_key) as company_keys,
          (select count from allowed where action = 'company_key.create') as company_keys_recorded,
          (select count(*)::int from public.company_member) as members,
          -- Those of the seed were not recorded.
          8 + (select count from allowed where action = 'company_member.create')
            - (select count from allowed where action = 'company_member.remove') as members_recorded,
          (select count(*)::int from nokkel.company_invitation where used_at is null) as invitations`),
    ])
    expect(orphans).toEqual([])
    const { user_keys, company_keys, members, ...recorded } = counts ?? {}
    expect(recorded).toEqual({
      user_keys_recorded: user_keys,
      company_keys_recorded: company_keys,
      members_recorded: members,
      invitations: 0,
    })
    console.log(`[${engine}] ${kills} kills`)
  })
})
