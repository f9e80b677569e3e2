import type { RfxBid } from '@nokkel/contract'
import * as contract from '@nokkel/contract'
import {
  asRfxKey,
  type Bytes,
  CryptoError,
  decodeBase64,
  decodeBase64Url,
  decryptEnvelope,
  deriveOpeningKeyPair,
  importEnvelopeKey,
  open,
  openOwnRfxBid,
  openPreviousKey,
  openRfxBid,
  type RfxKey,
  unwrapKey,
} from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../../tools/testing/database.ts'
import { type BiddingCast, createBiddingCast } from '../../../../../tools/testing/rfx/bidding-cast.ts'
import {
  type BiddingProject,
  beginBid,
  createBiddingProject,
  openOwnBid,
  submitBid,
} from '../../../../../tools/testing/rfx/bids.ts'
import { openGroup } from '../../../../../tools/testing/rfx/keys.ts'
import { answerOf, type RfxPerson } from '../../../../../tools/testing/rfx/person.ts'
import { passDeadline } from '../../../../../tools/testing/rfx/projects.ts'

/** Every row there is, as whoever has the database would read it. */
interface Loot {
  readonly wraps: readonly string[]
  readonly groups: readonly { readonly id: string; readonly version: number }[]
  readonly bytes: readonly Uint8Array[]
  readonly bid: RfxBidRow
}

interface RfxBidRow {
  readonly id: string
  readonly company_id: string
  readonly content: Uint8Array
  readonly sealed_part: Uint8Array
  readonly own_key: Uint8Array
}

/** The bytes of 32 that somebody has, or gets from what lies there by any way there is. */
class Hoard {
  readonly #known = new Map<string, Bytes>()
  readonly #left: Bytes[] = []

  add(secret: Uint8Array): void {
    const text = secret.toString()
    if (secret.byteLength !== 32 || this.#known.has(text)) return
    const bytes = new Uint8Array(secret)
    this.#known.set(text, bytes)
    this.#left.push(bytes)
  }

  /** Each once. */
  *untried(): Generator<Bytes> {
    for (let next = this.#left.shift(); next; next = this.#left.shift()) yield next
  }

  get all(): Bytes[] {
    return [...this.#known.values()]
  }
}

const opened = <T>(attempt: Promise<T>): Promise<T | undefined> =>
  attempt.catch((error: unknown) => {
    if (error instanceof CryptoError) return undefined
    throw error
  })

describe.each(databaseEngines)('whoever has all rows [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let cast: BiddingCast
  let rfx: BiddingProject
  let bid: RfxBid
  let first: string
  let second: string
  let serverParts: { readonly bjorn: Bytes; readonly aile: Bytes }
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    cast = await createBiddingCast(database, api)
    first = cast.companies.first
    second = cast.companies.second
    rfx = await createBiddingProject(api, cast)
    bid = await submitBid(api, cast.bjorn, rfx.id, { companyId: first, text: 'Vårt tilbud' })
    await submitBid(api, cast.aile, rfx.id, { companyId: second, text: 'Et annet tilbud' })
    const part = async (person: RfxPerson, company: string) =>
      decodeBase64Url((await beginBid(api, person, rfx.id, company)).serverPart)
    serverParts = { bjorn: await part(cast.bjorn, first), aile: await part(cast.aile, second) }
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  async function loot(): Promise<Loot> {
    const { rows: tables } = await sql<{ name: string; columns: string[] }>`
      select format('%I.%I', table_schema, table_name) as name, array_agg(column_name::text) as columns
      from information_schema.columns
      where table_schema in ('public', 'nokkel') and data_type = 'bytea'
        and (table_schema, table_name) in (select schemaname, tablename from pg_catalog.pg_tables)
      group by 1`.execute(database.owner)
    const bytes: Uint8Array[] = []
    for (const { name, columns } of tables) {
      const { rows } = await sql<Record<string, Uint8Array | null>>`
        select ${sql.raw(columns.join(', '))} from ${sql.raw(name)}`.execute(database.owner)
      for (const row of rows) bytes.push(...Object.values(row).filter((value) => value !== null))
    }
    const wraps = await sql<{ wrap: string }>`
      select encrypted_symmetric_key as wrap from nokkel.rfx_wrap`.execute(database.owner)
    const groups = await sql<{ id: string; version: number }>`
      select rfx_id as id, version from public.rfx_key_version`.execute(database.owner)
    const bids = await sql<RfxBidRow>`select * from public.rfx_bid where id = ${bid.id}::uuid`.execute(database.owner)
    return {
      bytes,
      groups: groups.rows,
      wraps: wraps.rows.map(({ wrap }) => wrap),
      bid: (bids.rows as [RfxBidRow])[0],
    }
  }

  /** Uses private key, given keys and parts on everything, and what comes out of it again, until nothing new does. */
  async function opens({ managed }: RfxPerson, given: readonly Uint8Array[]): Promise<boolean> {
    const { wraps, groups, bytes, bid: row } = await loot()
    const hoard = new Hoard()
    for (const secret of [...given, ...bytes]) hoard.add(secret)
    for (const wrap of wraps) {
      const key = await opened(unwrapKey(decodeBase64(wrap), managed.privateKey))
      if (key) hoard.add(key)
    }
    const small = bytes.filter(({ byteLength }) => byteLength === 80 || byteLength === 133)
    const ids = { rfxId: rfx.id, bidId: row.id, companyId: row.company_id }
    const { content, sealed_part: sealedPart, own_key: ownKey } = row
    for (const secret of hoard.untried()) {
      const key: RfxKey = asRfxKey(secret)
      for (const { id: groupId, version } of groups) {
        const bidder = { groupId, version, key }
        for (const envelope of small) {
          if (version > 1) {
            const previous = await opened(openPreviousKey({ ...bidder, previous: envelope }))
            if (previous) hoard.add(previous)
          }
        }
        if (await opened(openOwnRfxBid({ ...ids, bidder, ownKey, content }))) return true
      }
      // As the key of an envelope that says nothing of where it is from.
      const envelopeKey = await importEnvelopeKey(new Uint8Array(secret))
      const part = { purpose: 'rfx-bid-server-part', table: 'rfx_bid_part', column: 'envelope' }
      for (const envelope of small) {
        const context = { ...part, row: row.id, owner: row.company_id }
        const found = await opened(decryptEnvelope(envelope, envelopeKey, context))
        if (found) hoard.add(found)
      }
      const contentContext = { purpose: 'rfx-bid', table: 'rfx_bid', column: 'content', row: row.id, owner: first }
      if (await opened(decryptEnvelope(content, envelopeKey, contentContext))) return true
      const pair = await deriveOpeningKeyPair(key)
      const partContext = {
        purpose: 'rfx-bid-part',
        table: 'rfx_bid',
        column: 'sealed_part',
        row: row.id,
        owner: first,
      }
      const openersPart = await opened(open(sealedPart, pair, partContext))
      if (openersPart) {
        hoard.add(openersPart)
        for (const serverPart of hoard.all) {
          if (await opened(openRfxBid({ ...ids, openingKeyPair: pair, serverPart, sealedPart, content }))) return true
        }
      }
    }
    return false
  }

  const keyOf = async (person: RfxPerson, groupId: string) => (await openGroup(api, person, groupId)).key

  it('opens the bid with what its maker has, or an opener who is given the part: so the attempt can succeed', async () => {
    expect(await opens(cast.bjorn, [])).toBe(true)
    expect(await opens(cast.kari, [serverParts.bjorn])).toBe(true)
    expect(await opens(cast.outsider, [await keyOf(cast.bjorn, rfx.firstId)])).toBe(true)
  })

  it.each(['before', 'after'])('does not as another supplier, %s the deadline', async (when) => {
    if (when === 'after') await passDeadline(database, rfx.id)
    const { aile } = cast
    const given = [
      await keyOf(aile, rfx.id),
      await keyOf(aile, rfx.secondId),
      serverParts.aile,
      // Even with the part of the server of the bid, which nobody gives them.
      serverParts.bjorn,
    ]
    expect(await opens(aile, given)).toBe(false)
    const refused = { params: { id: rfx.id, bidId: bid.id } }
    expect(await api.call(contract.releaseBidPart, aile.claims, refused)).toMatchObject({ code: 'not_found' })
    const own = await answerOf(api, contract.listBids, aile, { params: { id: rfx.id } })
    expect(own.bids.map(({ id }: RfxBid) => id)).not.toContain(bid.id)
    await expect(openOwnBid(api, aile, rfx.secondId, bid)).rejects.toThrow()
  })

  it('does not as an opener without the part of the server', async () => {
    const { kari } = cast
    const given = [await keyOf(kari, rfx.id), await keyOf(kari, rfx.openingId), serverParts.aile]
    expect(await opens(kari, given)).toBe(false)
  })

  it('does not as a buyer who is no opener, or a developer, with the part of the server', async () => {
    const { silje, developer } = cast
    for (const person of [silje, developer]) {
      expect(await opens(person, [await keyOf(person, rfx.id), serverParts.bjorn])).toBe(false)
    }
  })
})
