import * as contract from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createProjectOf, createRfxCast, type RfxCast } from '../../../../tools/testing/rfx/cast.ts'
import { distribute, targetOf } from '../../../../tools/testing/rfx/keys.ts'
import { createRfxPerson, type RfxPerson } from '../../../../tools/testing/rfx/person.ts'
import { createGroup } from '../../../../tools/testing/rfx/projects.ts'
import { isRekeyPending } from '../../../../tools/testing/rfx/rows.ts'
import type { Transaction } from '../db/database.ts'
import { withClaims } from '../db/with-claims.ts'
import { updateParty } from './parties.ts'
import { deleteRfx, updateDeveloper } from './store.ts'

// PGlite has one connection, on which nobody waits for another.
describe('who waits for whom in projects [postgres]', () => {
  let database: TestDatabase
  let api: TestApi
  let cast: RfxCast
  const requestId = crypto.randomUUID()
  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    api = await createTestApi(database)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  /** As {@link withClaims}, which would try again after a deadlock. */
  const once = ({ claims }: RfxPerson, work: (transaction: Transaction) => Promise<void>) =>
    database.server.transaction().execute(async (transaction) => {
      await sql`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true),
        set_config('role', 'authenticated', true)`.execute(transaction)
      await work(transaction)
    })
  const revoke = async ({ claims }: RfxPerson, keyId: string, companyId: string | null = null) => {
    await sql`select nokkel.revoke_key(${claims.sid}::uuid, ${claims.sub}::uuid, ${claims.organization}::uuid,
      ${requestId}::uuid, ${companyId}::uuid, ${keyId}::uuid)`.execute(database.server)
  }
  const keyOf = async (person: RfxPerson) => (await targetOf(api, person, 'buyer')).key.id

  async function waiting(): Promise<number> {
    const { rows } = await sql`select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(database.owner)
    return rows.length
  }

  /** Holds projects until each of `work` waits, in this order, and gives what became of them. */
  async function queue<T>(ids: readonly string[], work: readonly (() => Promise<T>)[]) {
    const running: Promise<T>[] = []
    await database.owner.transaction().execute(async (transaction) => {
      await sql`select from public.rfxs where id = any (${ids}::uuid[]) for no key update`.execute(transaction)
      for (const begin of work) {
        let isDone = false
        const one = begin().finally(() => {
          isDone = true
        })
        one.catch(() => undefined)
        running.push(one)
        while (!isDone && (await waiting()) < running.length) await new Promise((resolve) => setTimeout(resolve, 5))
      }
    })
    const outcomes = await Promise.allSettled(running)
    return outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason))
  }

  const orders = ['the key first', 'the key last'] as const
  const ordered = <T>(order: (typeof orders)[number], key: T, other: T) =>
    order === 'the key first' ? [key, other] : [other, key]

  describe.each(orders)('a key is marked as compromised, %s', (order) => {
    beforeAll(async () => {
      cast = await createRfxCast(database, api)
    })

    it('while a company is withdrawn', async () => {
      const { buyer, supplier, supplierCompany } = cast
      const id = await createProjectOf(api, cast)
      await distribute(api, supplier, await createGroup(api, supplier, id, 'bidder', supplierCompany))
      const key = await keyOf(supplier)
      const withdraw = () =>
        once(buyer, (transaction) => updateParty(transaction, 'rfx_invitation.remove', id, supplierCompany, requestId))
      expect(
        await queue(
          [id],
          ordered(order, () => revoke(supplier, key), withdraw),
        ),
      ).toEqual([undefined, undefined])
      expect(await isRekeyPending(database, id)).toBe(true)
    })

    it('while a draft with openers is deleted', async () => {
      const { buyer, colleague } = cast
      const id = await createProjectOf(api, cast, { until: 'draft', openers: [buyer, colleague] })
      const key = await keyOf(colleague)
      const remove = () => once(buyer, (transaction) => deleteRfx(transaction, id, requestId))
      expect(
        await queue(
          [id],
          ordered(order, () => revoke(colleague, key), remove),
        ),
      ).toEqual([undefined, undefined])
      const { rows } = await sql`select from public.rfxs where ${id}::uuid in (id, parent_id)`.execute(database.owner)
      expect(rows).toEqual([])
    })

    it('while its owner reviews no longer, in several projects', async () => {
      const { administrator, reviewer } = cast
      const ids = [await createProjectOf(api, cast), await createProjectOf(api, cast)]
      const key = await keyOf(reviewer)
      const dismiss = () =>
        once(administrator, (transaction) => updateDeveloper(transaction, reviewer.id, false, requestId))
      expect(
        await queue(
          ids,
          ordered(order, () => revoke(reviewer, key), dismiss),
        ),
      ).toEqual([undefined, undefined])
      for (const id of ids) expect(await isRekeyPending(database, id)).toBe(true)
    })

    it('while a company is withdrawn from one of the projects that its groups are in, over HTTP', async () => {
      const { buyer, rival, rivalCompany, organization } = cast
      const newcomer = await createRfxPerson(database, api, organization)
      await sql`insert into public.company_member (company_id, organization_id, user_id)
        values (${rivalCompany}::uuid, ${organization}::uuid, ${newcomer.id}::uuid)`.execute(database.owner)
      const ids: string[] = []
      for (let index = 0; index < 2; index++) {
        const id = await createProjectOf(api, cast, { suppliers: [rivalCompany] })
        await distribute(api, rival, await createGroup(api, rival, id, 'bidder', rivalCompany))
        ids.push(id)
      }
      const key = await keyOf(newcomer)
      const [id = ''] = ids
      const withdraw = () =>
        api.call(contract.withdrawSupplier, buyer.claims, { params: { id, companyId: rivalCompany } })
      const compromised = () => api.call(contract.revokeUserKey, newcomer.claims, { params: { id: key } })
      const answers = await queue(ids, ordered(order, compromised, withdraw))
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 204])
    })
  })

  it('a person is excluded while their account is deleted', async () => {
    const { buyer } = cast
    const gone = await createRfxPerson(database, api, cast.organization)
    await sql`insert into public.company_member (company_id, organization_id, user_id)
      values (${cast.company}::uuid, ${cast.organization}::uuid, ${gone.id}::uuid)`.execute(database.owner)
    const id = await createProjectOf(api, cast)
    const remove = async () => {
      await sql`delete from public.app_user where auth_user_id = ${gone.id}::uuid`.execute(database.owner)
    }
    const exclude = () =>
      once(buyer, (transaction) => updateParty(transaction, 'rfx_member.remove', id, gone.id, requestId))
    expect(await queue([id], [exclude, remove])).toEqual([undefined, undefined])
  })

  it('a deadlock is tried again, once', async () => {
    for (const [deadlocks, expected] of [
      [1, { outcome: 'done', attempts: 2 }],
      [2, { outcome: '40P01', attempts: 2 }],
    ] as const) {
      let attempts = 0
      const acting = withClaims(database.server, cast.buyer.claims, async (transaction) => {
        attempts += 1
        if (attempts <= deadlocks) {
          await sql`do $$ begin raise exception using errcode = '40P01'; end $$`.execute(transaction)
        }
        return 'done'
      })
      const outcome = await acting.catch((error: { code?: string }) => error.code)
      expect({ outcome, attempts }).toEqual(expected)
    }
  })
})
