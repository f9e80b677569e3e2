import * as contract from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../../tools/testing/api.ts'
import { createTestDatabase, type TestDatabase } from '../../../../../tools/testing/database.ts'
import { type BiddingCast, createBiddingCast } from '../../../../../tools/testing/rfx/bidding-cast.ts'
import { type BiddingProject, createBiddingProject, makeBid, submitBid } from '../../../../../tools/testing/rfx/bids.ts'
import type { RfxPerson } from '../../../../../tools/testing/rfx/person.ts'
import type { Transaction } from '../../db/database.ts'
import { withClaims } from '../../db/with-claims.ts'

describe('bids while something else happens', () => {
  let database: TestDatabase
  let api: TestApi
  let cast: BiddingCast
  let first: string
  let second: string
  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    api = await createTestApi(database)
    cast = await createBiddingCast(database, api)
    first = cast.companies.first
    second = cast.companies.second
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  type Bid = Awaited<ReturnType<typeof makeBid>>
  const submit = ({ claims }: RfxPerson, { id }: BiddingProject, { bidId, body }: Bid) =>
    api.call(contract.submitBid, claims, { params: { id, bidId }, body })
  const release = ({ claims }: RfxPerson, { id }: BiddingProject, bidId: string) =>
    api.call(contract.releaseBidPart, claims, { params: { id, bidId } })
  const extend = ({ id }: BiddingProject) =>
    api.call(contract.setRfxDeadline, cast.kari.claims, {
      params: { id },
      body: { deadline: new Date(Date.now() + 7_200_000).toISOString() },
    })
  const close = ({ id }: BiddingProject) =>
    api.call(contract.changeRfxStatus, cast.kari.claims, { params: { id }, body: { status: 'closed' } })
  const withdrawCompany = ({ id }: BiddingProject, companyId: string) =>
    api.call(contract.withdrawSupplier, cast.kari.claims, { params: { id, companyId } })

  async function untilSomebodyWaits(): Promise<void> {
    const waits = async () =>
      (
        await sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
          database.owner,
        )
      ).rows.length > 0
    while (!(await waits())) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  /** Does something while a transaction of the owner is open that did something before. */
  async function during<T>(before: (transaction: Transaction) => Promise<unknown>, meanwhile: () => Promise<T>) {
    const { outcome } = await database.owner.transaction().execute(async (transaction) => {
      await before(transaction)
      const started = meanwhile()
      await untilSomebodyWaits()
      return { outcome: started }
    })
    return outcome
  }

  it('a submission that waited until after the deadline is late', async () => {
    const rfx = await createBiddingProject(api, cast)
    const bid = await makeBid(api, cast.bjorn, rfx.id, { companyId: first })
    const outcome = await during(
      (transaction) =>
        sql`update public.rfxs set deadline = clock_timestamp() where id = ${rfx.id}::uuid`.execute(transaction),
      () => submit(cast.bjorn, rfx, bid),
    )
    expect(outcome).toMatchObject({ status: 409, code: 'deadline_passed' })
  })

  it('a submission that waited for a longer deadline has it', async () => {
    const rfx = await createBiddingProject(api, cast)
    const bid = await makeBid(api, cast.bjorn, rfx.id, { companyId: first })
    const outcome = await during(
      (transaction) =>
        sql`update public.rfxs set deadline = deadline + interval '1 hour' where id = ${rfx.id}::uuid`.execute(
          transaction,
        ),
      () => submit(cast.bjorn, rfx, bid),
    )
    expect(outcome.status).toBe(200)
  })

  it('a submission that waited for the closing, or for the end of its company, comes to nothing', async () => {
    const { bjorn } = cast
    const closed = await createBiddingProject(api, cast)
    const bid = await makeBid(api, bjorn, closed.id, { companyId: first })
    const late = await during(
      (transaction) =>
        sql`update public.rfxs set status = 'closed', closed_at = now() where id = ${closed.id}::uuid`.execute(
          transaction,
        ),
      () => submit(bjorn, closed, bid),
    )
    expect(late).toMatchObject({ status: 409, code: 'rfx_status' })

    const rfx = await createBiddingProject(api, cast)
    const other = await makeBid(api, bjorn, rfx.id, { companyId: first })
    const gone = await during(
      async (transaction) => {
        await sql`select from public.rfxs where id = ${rfx.id}::uuid for no key update`.execute(transaction)
        await sql`delete from public.rfx_invitation where rfx_id = ${rfx.id}::uuid and company_id = ${first}::uuid`.execute(
          transaction,
        )
      },
      () => submit(bjorn, rfx, other),
    )
    expect(gone).toMatchObject({ status: 404, code: 'not_found' })
  })

  it.each([
    ['a longer deadline', extend, 200],
    ['the closing', close, 403],
    ['the end of the company', (rfx: BiddingProject) => withdrawCompany(rfx, first), 204],
  ] as const)('%s waits for a submission under way', async (_, change, status) => {
    const rfx = await createBiddingProject(api, cast)
    const { id: bidId } = await submitBid(api, cast.bjorn, rfx.id, { companyId: first })
    const { outcome } = await withClaims(database.server, cast.bjorn.claims, async (transaction) => {
      await sql`select nokkel.withdraw_bid(${rfx.id}::uuid, ${first}::uuid, null)`.execute(transaction)
      const started = change(rfx)
      await untilSomebodyWaits()
      return { outcome: started }
    })
    expect((await outcome).status).toBe(status)
    const { rows } = await sql<{ state: string }>`
      select state from public.rfx_bid where id = ${bidId}::uuid`.execute(database.owner)
    expect(rows).toEqual(status === 204 ? [] : [{ state: 'withdrawn' }])
  })

  it('two of a company at once have one bid', async () => {
    const { bjorn, berit } = cast
    for (let round = 0; round < 3; round++) {
      const rfx = await createBiddingProject(api, cast)
      const one = await makeBid(api, bjorn, rfx.id, { companyId: first })
      const other = await makeBid(api, berit, rfx.id, { companyId: first })
      const outcomes = await Promise.all([submit(bjorn, rfx, one), submit(berit, rfx, other)])
      expect(outcomes.map(({ code }) => code ?? 'ok').toSorted()).toEqual(['ok', 'revision_stale'])
    }
  })

  it('what is opened is what was submitted in time, however close it was', { timeout: 60_000 }, async () => {
    const { kari, bjorn } = cast
    for (let round = 0; round < 6; round++) {
      const rfx = await createBiddingProject(api, cast)
      const { id: bidId } = await submitBid(api, bjorn, rfx.id, { companyId: first })
      const again = await makeBid(api, bjorn, rfx.id, { companyId: first })
      await sql`update public.rfxs set deadline = clock_timestamp() + ${round * 4}::integer * interval '1 millisecond'
        where id = ${rfx.id}::uuid`.execute(database.owner)
      const outcomes = await Promise.all([
        submit(bjorn, rfx, again),
        release(kari, rfx, bidId),
        submit(bjorn, rfx, again),
        release(kari, rfx, bidId),
      ])
      for (const { code } of outcomes) expect([undefined, 'deadline_passed', 'deadline_not_passed']).toContain(code)
      const { rows } = await sql<{ revision: number; in_time: boolean; opened_after: boolean | null }>`
        select b.revision, b.submitted_at < r.deadline as in_time, b.opened_at >= r.deadline as opened_after
        from public.rfx_bid b join public.rfxs r on r.id = b.rfx_id where b.id = ${bidId}::uuid`.execute(database.owner)
      const released = outcomes[1]?.code === undefined || outcomes[3]?.code === undefined
      const replaced = outcomes[0]?.code === undefined || outcomes[2]?.code === undefined
      expect(rows).toEqual([{ revision: replaced ? 2 : 1, in_time: true, opened_after: released ? true : null }])
    }
  })

  it('nobody waits for ever while people come and go', { timeout: 60_000 }, async () => {
    const { kari, bjorn, berit, aile, organization } = cast
    const excluded = ({ id }: BiddingProject) => ({ params: { id, userId: berit.id } })
    for (let round = 0; round < 5; round++) {
      const rfx = await createBiddingProject(api, cast)
      const bids = [
        await makeBid(api, bjorn, rfx.id, { companyId: first }),
        await makeBid(api, aile, rfx.id, { companyId: second }),
      ] as const
      const leave = () =>
        sql`delete from public.company_member
          where company_id = ${first}::uuid and user_id = ${berit.id}::uuid`.execute(database.owner)
      const outcomes = await Promise.all([
        submit(bjorn, rfx, bids[0]),
        submit(aile, rfx, bids[1]),
        extend(rfx),
        api.call(contract.excludeRfxMember, kari.claims, excluded(rfx)),
        leave(),
        withdrawCompany(rfx, second),
        release(bjorn, rfx, bids[0].bidId),
        close(rfx),
      ])
      const allowed = [undefined, 'rekey_pending', 'not_found', 'deadline_not_passed']
      for (const outcome of outcomes) if ('status' in outcome) expect(allowed).toContain(outcome.code)
      const { rows } = await sql`
        select from public.rfx_bid b where b.rfx_id = ${rfx.id}::uuid and not exists (
          select from public.rfx_invitation i where i.rfx_id = b.rfx_id and i.company_id = b.company_id)`.execute(
        database.owner,
      )
      expect(rows).toEqual([])
      await sql`insert into public.company_member (company_id, organization_id, user_id)
        values (${first}::uuid, ${organization}::uuid, ${berit.id}::uuid) on conflict do nothing`.execute(
        database.owner,
      )
    }
  })
})
