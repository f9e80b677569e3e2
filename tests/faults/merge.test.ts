import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseEngines } from '../../tools/testing/database.ts'
import { type FragileServer, startFragileServer } from './testing/fragile-server.ts'
import { type OutlivingDatabase, prepareDatabase } from './testing/outliving-database.ts'
import { killHeader } from './testing/server-plan.ts'
import { arrive, type Visitor } from './testing/visitor.ts'

const points = {
  pglite: ['commit', 'committed', 'reply'],
  postgres: ['begin', 'inside', 'commit', 'committed', 'reply'],
} as const

const organization = 'fjordhjelpen'
/** What has been counted or recorded for good. */
const leftOut = [
  'audit_log',
  'master_key_version',
  'rate_counter',
  'last_sweep',
  'dpop_proof',
  'login_attempt',
  'refresh_token',
]

interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came back
  readonly body: any
}

describe.each(databaseEngines)('a merge and its undo when the server is killed [%s]', (engine) => {
  let prepared: OutlivingDatabase
  let server: FragileServer
  let administrator: Visitor
  let administratorId = ''
  let survivor = ''
  let path = ''
  let before: Record<string, unknown> = {}
  let kills = 0

  const start = async () => {
    const { database } = prepared
    server = await startFragileServer(
      'directory' in database && administrator ? { ...database, seeded: true } : database,
      points[engine],
    )
  }

  beforeAll(async () => {
    prepared = await prepareDatabase(engine)
    await start()
    const { url } = server
    const ids: string[] = []
    for (const person of ['fjordhjelpen-medlem-1', 'fjordhjelpen-medlem-2']) {
      const visitor = await arrive({ url, organization, person })
      ids.push(visitor.nokkel.auth.getSnapshot().me?.id ?? '')
    }
    administrator = await arrive({ url, organization, person: 'administrator' })
    administratorId = administrator.nokkel.auth.getSnapshot().me?.id ?? ''
    await server.close()
    survivor = ids[0] ?? ''
    await prepared.look(async (ask) => {
      await ask(
        'update public.user_identities set personnummer_index = null, personnummer_index_key = null where user_id = $1',
        [survivor],
      )
      // Two BankIDs would be two people.
      await ask("update public.external_identity set provider = 'vipps' where user_id = $1", [survivor])
      const [found] = await ask<{ id: string }>(
        `insert into nokkel.suspected_duplicate (organization_id, first_id, second_id, evidence)
          select id, least($1::uuid, $2::uuid), greatest($1::uuid, $2::uuid), 'both_logins' from public.organization where slug = $3
          returning id`,
        [...ids, organization],
      )
      path = `/nokkel/duplicates/${found?.id}`
    })
    before = await dump()
    await start()
    administrator = await arrive({ url: server.url, organization, person: 'administrator' })
  }, 120_000)

  afterAll(async () => {
    await server?.close()
    await prepared?.remove()
  })

  const dump = () =>
    prepared.look(async (ask) => {
      const tables = await ask<{ name: string }>(
        `select format('%I.%I', schemaname, tablename) as name from pg_catalog.pg_tables
          where schemaname in ('public', 'nokkel') and not tablename = any ($1) order by 1`,
        [leftOut],
      )
      const rows: Record<string, unknown> = {}
      for (const { name } of tables) {
        // The administrator logs in meanwhile.
        const own = `%${administratorId}%`
        rows[name] = await ask(
          `select to_jsonb(t)::text as row from ${name} t where to_jsonb(t)::text not like $1 order by 1`,
          [own],
        )
      }
      return rows
    })

  async function send(method: string, at: string, body?: unknown, killAt?: number): Promise<Answer> {
    const response = await fetch(`${server.url}${at}`, {
      method,
      headers: {
        authorization: `Bearer ${await administrator.nokkel.auth.accessToken()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(killAt === undefined ? {} : { [killHeader]: String(killAt) }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json() }
  }

  /** Kills the server at a point of this request, if the request comes to it; says whether it did. */
  async function dies(at: string, body: unknown, point: number): Promise<boolean> {
    const before = server.kills
    const answer = await send('POST', at, body, point).catch(() => undefined)
    await server.up()
    expect(server.kills > before).toBe(answer === undefined)
    if (answer) expect(answer.status).toBe(200)
    kills += server.kills - before
    return server.kills > before
  }

  const digest = async () => {
    const { status, body } = await send('GET', `${path}/preview?survivor=${survivor}`)
    expect(status).toBe(200)
    return body.digest as string
  }
  const stateOf = async (state: string) => {
    const { body } = await send('GET', `/nokkel/duplicates?state=${state}`)
    return body.duplicates.some(({ id }: { id: string }) => path.endsWith(id))
  }
  const state = async () => ((await stateOf('merged')) ? 'merged' : (await stateOf('open')) ? 'open' : 'neither')

  it('each is done or not, and after all of them every row is as it was', { timeout: 240_000 }, async () => {
    const first = await digest()
    const seen = { merge: new Set<string>(), undo: new Set<string>() }
    for (let point = 0, died = true; died; point++) {
      died = await dies(`${path}/merge`, { survivor, digest: first }, point)
      const merged = await state()
      expect(['open', 'merged']).toContain(merged)
      seen.merge.add(merged)
      // What a merge would touch is all as it was, or all of it has moved.
      if (merged === 'open') {
        expect(await digest()).toBe(first)
        expect(await send('POST', `${path}/merge`, { survivor, digest: first })).toMatchObject({ status: 200 })
      }
      died = (await dies(`${path}/undo`, undefined, point)) || died
      const undone = await state()
      seen.undo.add(undone)
      if (undone === 'merged') expect(await send('POST', `${path}/undo`)).toMatchObject({ status: 200 })
      expect(await digest()).toBe(first)
    }
    // Killed before and after the one moment at which it happens.
    expect([...seen.merge].sort()).toEqual(['merged', 'open'])
    expect([...seen.undo].sort()).toEqual(['merged', 'open'])
    expect(kills).toBeGreaterThanOrEqual(engine === 'pglite' ? 8 : 12)

    await server.close()
    expect(await dump()).toEqual(before)
    const [orphans] = await prepared.look((ask) =>
      ask<{ count: number }>('select count(*)::int as count from nokkel.orphaned_keys()'),
    )
    expect(orphans).toEqual({ count: 0 })
    console.log(`[${engine}] ${kills} kills`)
  })
})
