import { randomBytes, randomUUID } from 'node:crypto'
import * as contract from '@nokkel/contract'
import { connect } from '@nokkel/server'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../tools/testing/api.ts'
import { createTestDatabase, type TestDatabase } from '../../tools/testing/database.ts'
import { answerOf } from '../../tools/testing/rfx/person.ts'
import { callsOf } from './testing/calls.ts'
import { dumpTables } from './testing/dump.ts'
import { createPair, type Pair } from './testing/pair.ts'

describe('merging while something else happens [postgres]', () => {
  let database: TestDatabase
  let api: TestApi
  let calls: ReturnType<typeof callsOf>
  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    api = await createTestApi(database)
    calls = callsOf(api)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const statuses = (answers: readonly { status: number; code?: string }[]) =>
    answers.map(({ status, code }) => code ?? status).sort()
  const one = async <T>(statement: ReturnType<typeof sql<T>>) => (await statement.execute(database.owner)).rows[0]
  const leftBehind = ({ other }: Pair) =>
    one(sql`
      select (select count(*)::int from public.external_identity where user_id = ${other.id}::uuid)
        + (select count(*)::int from public.user_key where user_id = ${other.id}::uuid)
        + (select count(*)::int from nokkel.session where user_id = ${other.id}::uuid and ended_at is null) as count,
        (select count(*)::int from nokkel.orphaned_keys()) as orphans`)

  it('two administrators merge at once, one into each account: one of them does', async () => {
    const pair = await createPair(database, api)
    const before = await dumpTables(database)
    const [one, other] = [pair.survivor.id, pair.other.id]
    const digests = [
      (await calls.preview(pair, pair.administrator, one)).body.digest,
      (await calls.preview(pair, pair.administrator, other)).body.digest,
    ]
    const answers = await Promise.all([
      calls.merge(pair, pair.administrator, digests[0], one),
      calls.merge(pair, pair.deputy, digests[1], other),
      calls.merge(pair, pair.deputy, digests[0], one),
    ])
    expect(statuses(answers)).toEqual([200, 'duplicate_settled', 'duplicate_settled'])
    const undone = await Promise.all([calls.undo(pair), calls.undo(pair, pair.deputy)])
    expect(statuses(undone)).toEqual([200, 'merge_not_undoable'])
    expect(await dumpTables(database)).toEqual(before)
  })

  it('the person logs in as the other account: they are the kept one, or their session has ended', async () => {
    const pair = await createPair(database, api)
    const identity = await one(sql<{ subject: string; client: string }>`
      select subject, client_id as client from public.external_identity
      where user_id = ${pair.other.id}::uuid and provider = 'bankid'`)
    const { digest } = (await calls.preview(pair)).body
    const login = () => {
      const verified = {
        provider: 'bankid',
        client_id: identity?.client,
        subject: identity?.subject,
        name: 'Kari Nordmann',
        assurance: 'high',
        organization_id: pair.organization,
        personnummer_outcome: 'not_asked',
      }
      return sql<{ user_id: string | null; problem: string | null }>`
        select user_id, problem from nokkel.sign_in(${JSON.stringify(verified)}::jsonb, null, null, '{}', null, null, null, null, null,
          ${randomUUID()}, 'Prøve', ${randomBytes(32)}::bytea, interval '1 hour', ${randomUUID()}::uuid)`.execute(
        database.server,
      )
    }
    const [merged, ...logins] = await Promise.all([
      calls.merge(pair, pair.administrator, digest),
      ...Array.from({ length: 6 }, login),
    ])
    // A login before the merge is a session that the preview has not shown.
    expect([200, 'merge_changed']).toContain(merged.code ?? merged.status)
    if (merged.code) expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    for (const { rows } of logins) {
      expect(rows[0]?.problem).toBeNull()
      expect([pair.survivor.id, pair.other.id]).toContain(rows[0]?.user_id)
    }
    expect(await leftBehind(pair)).toEqual({ count: 0, orphans: 0 })
    const { rows } = await login()
    expect(rows[0]?.user_id).toBe(pair.survivor.id)
  })

  it('the other account revokes its key: it is revoked or it moves, never both', async () => {
    const pair = await createPair(database, api)
    const { digest } = (await calls.preview(pair)).body
    const { keys } = await answerOf(api, contract.listUserKeys, pair.other)
    const [merged, revoked] = await Promise.all([
      calls.merge(pair, pair.administrator, digest),
      api.call(contract.revokeUserKey, pair.other.claims, { params: { id: keys[0].id } }),
    ])
    expect([
      [200, 'account_merged'],
      // Its session was looked at before the merge, the key after it.
      [200, 'not_found'],
      ['merge_changed', 200],
    ]).toContainEqual([merged.code ?? merged.status, revoked.code ?? revoked.status])
    if (merged.code) expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    expect(await leftBehind(pair)).toEqual({ count: 0, orphans: 0 })
    const state = merged.code ? 'revoked' : 'superseded'
    const { keys: moved } = await answerOf(api, contract.listUserKeys, pair.survivor)
    expect(moved.find(({ id }: { id: string }) => id === keys[0].id)).toMatchObject({ state })
  })

  it('the connection is lost in the middle: nothing was merged, or nothing was undone', async () => {
    const pair = await createPair(database, api)
    const server = connect(database.url ?? '')
    const connected = await createTestApi({ ...database, server })
    const calls = callsOf(connected)
    const { digest } = (await calls.preview(pair)).body
    const { rows: keys } = await sql<{ thumbprint: string }>`
      select thumbprint from public.signing_key where user_id = ${pair.other.id}::uuid`.execute(database.owner)
    for (const [act, problem] of [
      [() => calls.merge(pair, pair.administrator, digest), 'unavailable'],
      [() => calls.undo(pair), 'unavailable'],
    ] as const) {
      const before = await dumpTables(database)
      await database.owner.transaction().execute(async (transaction) => {
        // What comes late in it waits here.
        await sql`select from public.signing_key where thumbprint = ${keys[0]?.thumbprint} for update`.execute(
          transaction,
        )
        const acting = act()
        await expect.poll(endTheWaiting).toBe(1)
        expect(await acting).toMatchObject({ code: problem })
      })
      expect(await dumpTables(database)).toEqual(before)
      expect(await act()).toMatchObject({ status: 200 })
    }
    await connected.close()
    await server.destroy()
  })

  /** Ends the connection of whoever waits for a lock in this database. Gives how many. */
  async function endTheWaiting(): Promise<number> {
    const { rows } = await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query ~ 'nokkel.(merge_accounts|undo_merge)'`.execute(
      database.owner,
    )
    return rows.length
  }
})
