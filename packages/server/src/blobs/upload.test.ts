import { chunkCount, FILE_CHUNK_BYTE_LENGTH, sealedByteLength } from '@nokkel/crypto'
import { type RawBuilder, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createCompanyOf, createRfx } from '../../../../tools/testing/managed-keys.ts'
import { createEquipped, createOrganization, type Equipped, refusalOf } from '../../../../tools/testing/people.ts'
import { withClaims } from '../db/with-claims.ts'
import { storedChunkByteLength } from './layout.ts'
import { findChunk } from './store.ts'
import { announceFile, PENDING_BYTES_QUOTA, storeChunk } from './upload.ts'

describe.each(databaseEngines)('files [%s]', (engine) => {
  let database: TestDatabase
  let ingrid: Equipped
  let colleague: Equipped
  let member: Equipped
  let stranger: Equipped
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    const organization = await createOrganization(database)
    ingrid = await createEquipped(database, organization, { role: 'coordinator' })
    colleague = await createEquipped(database, organization, { role: 'administrator' })
    member = await createEquipped(database, organization)
    stranger = await createEquipped(database, await createOrganization(database), { role: 'coordinator' })
  })
  afterAll(() => database.close())

  const file = (plain: number, id: string = crypto.randomUUID()) => ({
    id,
    byteLength: sealedByteLength(plain),
    chunkCount: chunkCount(plain),
  })
  const announce = ({ claims }: Equipped, announced: ReturnType<typeof file>) =>
    announceFile(database.server, claims, announced)
  const put = ({ claims }: Equipped, id: string, index: number, bytes: Uint8Array) =>
    storeChunk(database.server, claims, { id, index }, bytes)
  const get = ({ claims }: Equipped, id: string, index: number) =>
    withClaims(database.server, claims, (transaction) => findChunk(transaction, id, index))

  it('stores chunks in any order and tells which are here', async () => {
    const announced = file(2 * FILE_CHUNK_BYTE_LENGTH + 5)
    expect(await announce(ingrid, announced)).toEqual({ id: announced.id, received: [] })
    for (const index of [2, 0]) {
      await put(ingrid, announced.id, index, new Uint8Array(storedChunkByteLength(announced, index)).fill(index))
    }
    expect(await announce(ingrid, announced)).toEqual({ id: announced.id, received: [0, 2] })
    const bytes = await get(ingrid, announced.id, 2)
    expect(bytes).toHaveLength(21)
    expect(bytes?.every((byte) => byte === 2)).toBe(true)
    expect(await get(ingrid, announced.id, 1)).toBeUndefined()
  })

  it('replaces a chunk that is put again', async () => {
    const announced = file(1)
    await announce(ingrid, announced)
    await put(ingrid, announced.id, 0, new Uint8Array(53).fill(1))
    await put(ingrid, announced.id, 0, new Uint8Array(53).fill(2))
    expect((await get(ingrid, announced.id, 0))?.[0]).toBe(2)
  })

  it('refuses sizes that are not those of the chunk, and chunks the file does not have', async () => {
    const announced = file(FILE_CHUNK_BYTE_LENGTH + 1)
    await announce(ingrid, announced)
    const sizes = [0, 1, 17, storedChunkByteLength(announced, 0) - 1, storedChunkByteLength(announced, 0) + 1]
    for (const size of sizes) {
      expect(await refusalOf(put(ingrid, announced.id, 0, new Uint8Array(size)))).toBe('request_malformed')
    }
    expect(await refusalOf(put(ingrid, announced.id, 2, new Uint8Array(17)))).toBe('not_found')
    expect(await announce(ingrid, announced)).toMatchObject({ received: [] })
  })

  it('refuses a number of chunks the size does not give', async () => {
    expect(await refusalOf(announce(ingrid, { ...file(1), chunkCount: 2 }))).toBe('request_malformed')
    expect(await refusalOf(announce(ingrid, { ...file(1), byteLength: 51 }))).toBe('request_malformed')
  })

  it('refuses the same id for another file', async () => {
    const announced = file(1)
    await announce(ingrid, announced)
    expect(await refusalOf(announce(ingrid, file(2, announced.id)))).toBe('conflict')
  })

  it('keeps the files of someone else to themselves', async () => {
    const announced = file(1)
    await announce(ingrid, announced)
    await put(ingrid, announced.id, 0, new Uint8Array(53).fill(7))
    for (const person of [colleague, stranger]) {
      expect(await refusalOf(announce(person, announced))).toBe('conflict')
      expect(await refusalOf(put(person, announced.id, 0, new Uint8Array(53)))).toBe('not_found')
      expect(await get(person, announced.id, 0)).toBeUndefined()
    }
    expect((await get(ingrid, announced.id, 0))?.[0]).toBe(7)
  })

  it('is for coordinators and administrators, people of companies, and developers', async () => {
    expect(await refusalOf(announce(member, file(1)))).toBe('forbidden')
    expect(await refusalOf(announce(colleague, file(1)))).toBeNull()
    const organization = await createOrganization(database)
    const [buyer, developer, bystander] = [
      await createEquipped(database, organization),
      await createEquipped(database, organization),
      await createEquipped(database, organization),
    ]
    const company = await createCompanyOf(database, organization, { [buyer.id]: 'member' })
    await sql`update public.organization_member set is_developer = true
      where user_id = ${developer.id}::uuid`.execute(database.owner)
    const outcomes = async () =>
      Promise.all([buyer, developer, bystander].map((person) => refusalOf(announce(person, file(1)))))
    expect(await outcomes()).toEqual([null, null, 'forbidden'])

    // What was announced in time is still sent; nothing more is announced.
    const announced = file(1)
    await announce(buyer, announced)
    await sql`delete from public.company_member where company_id = ${company}::uuid`.execute(database.owner)
    await sql`update public.organization_member set is_developer = false
      where user_id = ${developer.id}::uuid`.execute(database.owner)
    expect(await outcomes()).toEqual(['forbidden', 'forbidden', 'forbidden'])
    expect(await refusalOf(put(buyer, announced.id, 0, new Uint8Array(53)))).toBeNull()
  })

  it('is not for people of a company of another organisation', async () => {
    const organization = await createOrganization(database)
    const other = await createOrganization(database)
    const person = await createEquipped(database, organization)
    await sql`insert into public.organization_member (organization_id, user_id)
      values (${other}::uuid, ${person.id}::uuid)`.execute(database.owner)
    await createCompanyOf(database, other, { [person.id]: 'administrator' })
    expect(await refusalOf(announce(person, file(1)))).toBe('forbidden')
  })

  it('ties no file to a project, whatever is asked of the database', async () => {
    const rfx = await createRfx(database, ingrid.claims.organization)
    const announced = file(1)
    await announce(ingrid, announced)
    const asIngrid = (statement: RawBuilder<unknown>) =>
      refusalOf(withClaims(database.server, ingrid.claims, (transaction) => statement.execute(transaction)))
    const { id, byteLength } = file(1)
    expect(
      await asIngrid(sql`
        insert into public.blob (id, organization_id, owner_id, byte_length, chunk_count, rfx_id, object_id)
        values (${id}::uuid, ${ingrid.claims.organization}::uuid, ${ingrid.id}::uuid, ${byteLength}::bigint, 1,
          ${rfx}::uuid, ${id}::uuid)`),
    ).toBe('forbidden')
    expect(
      await asIngrid(sql`
        update public.blob set rfx_id = ${rfx}::uuid, object_id = id where id = ${announced.id}::uuid`),
    ).toBe('forbidden')
    expect(
      await asIngrid(sql`select nokkel.attach_rfx_blobs(${rfx}::uuid, ${id}::uuid, array[${announced.id}::uuid])`),
    ).toBe('forbidden')
  })

  it('limits what waits to be sent, also when announced at once', async () => {
    const organization = await createOrganization(database)
    const eager = await createEquipped(database, organization, { role: 'coordinator' })
    const half = PENDING_BYTES_QUOTA / 2 - 1_000_000
    const outcomes = await Promise.all([1, 2, 3].map(() => refusalOf(announce(eager, file(half)))))
    expect(outcomes.filter((outcome) => outcome === null)).toHaveLength(2)
    expect(outcomes).toContain('blob_quota_exceeded')
    expect(await refusalOf(announce(eager, file(1000)))).toBeNull()
  })

  it('refuses a dead session', async () => {
    const organization = await createOrganization(database)
    const gone = await createEquipped(database, organization, { role: 'coordinator' })
    const announced = file(1)
    await announce(gone, announced)
    await sql`delete from public.organization_member where user_id = ${gone.id}::uuid`.execute(database.owner)
    expect(await refusalOf(put(gone, announced.id, 0, new Uint8Array(53)))).toBe('session_ended')
    expect(await refusalOf(get(gone, announced.id, 0))).toBe('session_ended')
  })
})
