import { sealedByteLength } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readdressTo, sealFor } from '../../../../tools/testing/assignments.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import {
  createEquipped,
  createOrganization,
  createPerson,
  type Equipped,
  equip,
  logIn,
  makeRegistration,
  refusalOf,
} from '../../../../tools/testing/people.ts'
import { announceFile, storeChunk } from '../blobs/upload.ts'
import { withClaims } from '../db/with-claims.ts'
import { registerDevice } from '../keys/registration.ts'
import { endDevice } from '../keys/store.ts'
import { getAssignment } from './read.ts'
import { readdressAssignment } from './readdress.ts'
import { sendAssignment } from './send.ts'

describe.each(databaseEngines)('at the same time [%s]', (engine) => {
  let database: TestDatabase
  let organization: string
  let ingrid: Equipped
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    organization = await createOrganization(database)
    ingrid = await createEquipped(database, organization, { role: 'coordinator' })
  })
  afterAll(() => database.close())

  it('a chunk is replaced before the file is sent, or not at all', async () => {
    const kari = await createEquipped(database, organization)
    for (let round = 0; round < 5; round++) {
      const id = crypto.randomUUID()
      const byteLength = sealedByteLength(1)
      const put = (fill: number) =>
        storeChunk(database.server, ingrid.claims, { id, index: 0 }, new Uint8Array(byteLength).fill(fill))
      await announceFile(database.server, ingrid.claims, { id, byteLength, chunkCount: 1 })
      await put(1)
      const request = await sealFor(ingrid, [kari], { blobs: [id] })
      const [sent, replaced] = await Promise.all([
        refusalOf(sendAssignment(database.server, ingrid.claims, request)),
        refusalOf(put(2)),
      ])
      expect(sent).toBeNull()
      expect([null, 'blob_sealed']).toContain(replaced)
      const { rows } = await sql<{ bytes: Uint8Array }>`
        select bytes from public.blob_chunk where blob_id = ${id}::uuid`.execute(database.owner)
      expect(rows[0]?.bytes[0]).toBe(replaced === null ? 2 : 1)
    }
  })

  it('a file goes with one of two assignments', async () => {
    const kari = await createEquipped(database, organization)
    const id = crypto.randomUUID()
    const byteLength = sealedByteLength(1)
    await announceFile(database.server, ingrid.claims, { id, byteLength, chunkCount: 1 })
    await storeChunk(database.server, ingrid.claims, { id, index: 0 }, new Uint8Array(byteLength))
    const requests = await Promise.all([1, 2].map(() => sealFor(ingrid, [kari], { blobs: [id] })))
    const outcomes = await Promise.all(
      requests.map((request) => refusalOf(sendAssignment(database.server, ingrid.claims, request))),
    )
    expect(outcomes).toContain(null)
    expect(outcomes).toContain('blob_incomplete')
  })

  it('no two changes of devices, sends and addressings wait for each other for ever', async () => {
    const people = await Promise.all([1, 2, 3].map(() => createEquipped(database, organization)))
    const sent = await sealFor(ingrid, people)
    await sendAssignment(database.server, ingrid.claims, sent)
    const allowed = [
      null,
      'recipients_changed',
      'revision_stale',
      'device_superseded',
      'device_revoked',
      'device_exists',
    ]
    for (let round = 0; round < 3; round++) {
      const work: (() => Promise<unknown>)[] = []
      for (const [index, { id }] of people.entries()) {
        const session = await logIn(database, organization, id)
        const registration = await makeRegistration(database, session, { replaces: true })
        work.push(() => registerDevice(database.server, session.claims, registration, new Date()))
        const other = await logIn(database, organization, id)
        const device = people[index]?.deviceId ?? ''
        work.push(() => withClaims(database.server, other.claims, (transaction) => endDevice(transaction, device)))
        const order = index % 2 ? people : people.toReversed()
        const request = await sealFor(ingrid, order)
        work.push(() => sendAssignment(database.server, ingrid.claims, request))
        const own = await getAssignment(database.server, ingrid.claims, sent.id)
        const again = await readdressTo(ingrid, order, own)
        work.push(() => readdressAssignment(database.server, ingrid.claims, sent.id, again))
      }
      for (const outcome of await Promise.all(work.map((run) => refusalOf(run())))) expect(allowed).toContain(outcome)
      for (const [index, { id }] of people.entries()) {
        people[index] = await equip(database, await logIn(database, organization, id), { replaces: true })
      }
    }
    const { rows } = await sql`
      select from public.assignment_key k join public.assignment a on a.id = k.assignment_id
      where not exists (select from public.device_key d where d.id = k.device_id and d.user_id = k.user_id)`.execute(
      database.owner,
    )
    expect(rows).toEqual([])
  })

  it('a person sent to is never left without a key for the device they had', async () => {
    for (let round = 0; round < 4; round++) {
      const id = await createPerson(database, organization)
      const tone = await equip(database, await logIn(database, organization, id))
      const request = await sealFor(ingrid, [tone])
      const [refusal] = await Promise.all([
        refusalOf(sendAssignment(database.server, ingrid.claims, request)),
        withClaims(database.server, tone.claims, (transaction) => endDevice(transaction, tone.deviceId)),
      ])
      expect([null, 'recipients_changed']).toContain(refusal)
      const { rows } = await sql`
        select from public.assignment_recipient where user_id = ${id}::uuid`.execute(database.owner)
      expect(rows).toHaveLength(refusal === null ? 1 : 0)
    }
  })
})
