import { encodeBase64Url, sealedByteLength, signJws, verifyJws } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAs, type SealedRequest, sealFor } from '../../../../tools/testing/assignments.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import {
  createEquipped,
  createOrganization,
  createPerson,
  type Equipped,
  equip,
  type LoggedIn,
  logIn,
  makeRegistration,
  refusalOf,
} from '../../../../tools/testing/people.ts'
import { announceFile, storeChunk } from '../blobs/upload.ts'
import { withClaims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { registerDevice } from '../keys/registration.ts'
import { endDevice } from '../keys/store.ts'
import { getAssignment } from './read.ts'
import { sendAssignment } from './send.ts'

describe.each(databaseEngines)('sending [%s]', (engine) => {
  let database: TestDatabase
  let organization: string
  let elsewhere: string
  let ingrid: Equipped
  let kari: Equipped
  let ola: Equipped
  let stranger: Equipped
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    organization = await createOrganization(database)
    elsewhere = await createOrganization(database)
    ingrid = await createEquipped(database, organization, { name: 'Ingrid Solberg', role: 'coordinator' })
    kari = await createEquipped(database, organization)
    ola = await createEquipped(database, organization, { name: 'Ola Fjell' })
    stranger = await createEquipped(database, elsewhere, { role: 'coordinator' })
  })
  afterAll(() => database.close())

  const newcomer = (organizationId = organization) => createEquipped(database, organizationId)
  const send = ({ claims }: LoggedIn, request: SealedRequest) => sendAssignment(database.server, claims, request)
  const counts = async () => {
    const { rows } = await sql`
      select (select count(*)::int from public.assignment) as assignments,
        (select count(*)::int from public.assignment_recipient) as recipients,
        (select count(*)::int from public.assignment_key) as keys,
        (select count(*)::int from public.blob where assignment_id is not null) as files`.execute(database.owner)
    return rows[0]
  }
  /** The problem, after making sure that nothing came of it. */
  const refused = async (person: LoggedIn, request: SealedRequest) => {
    const before = await counts()
    const refusal = await refusalOf(send(person, request))
    expect(await counts()).toEqual(before)
    return refusal
  }
  const problemOf = (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      (error: unknown) => (error instanceof ServerError ? { code: error.code, data: error.data } : error),
    )
  const announce = async (person: LoggedIn, { complete = true } = {}) => {
    const id = crypto.randomUUID()
    await announceFile(database.server, person.claims, { id, byteLength: sealedByteLength(9), chunkCount: 1 })
    if (complete)
      await storeChunk(database.server, person.claims, { id, index: 0 }, new Uint8Array(sealedByteLength(9)))
    return id
  }

  it('reaches its recipients and the sender, and opens with their keys', async () => {
    const request = await sealFor(ingrid, [kari, ola])
    const summary = await send(ingrid, request)
    expect(summary).toMatchObject({
      id: request.id,
      organizationId: organization,
      sender: { id: ingrid.id, name: 'Ingrid Solberg' },
      revision: 1,
      fileCount: 0,
      readable: true,
      openedAt: null,
      deliveries: [
        { userId: kari.id, name: 'Kari Nordmann', state: 'sent', hasActiveDevice: true },
        { userId: ola.id, name: 'Ola Fjell', state: 'sent', hasActiveDevice: true },
      ],
    })
    for (const person of [ingrid, kari, ola]) {
      const assignment = await getAssignment(database.server, person.claims, request.id)
      expect(await openAs(person, assignment)).toMatchObject({ title: 'Besøk på mandag' })
      expect(assignment.signer).toMatchObject({
        userId: ingrid.id,
        deviceId: ingrid.deviceId,
        thumbprint: ingrid.signingThumbprint,
        validUntil: null,
      })
    }
  })

  it('changes nothing when it is sent again, also at once', async () => {
    const blob = await announce(ingrid)
    const request = await sealFor(ingrid, [kari], { blobs: [blob] })
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => send(ingrid, request)))
    const before = await counts()
    for (const summary of [...others, await send(ingrid, request)]) expect(summary).toEqual(first)
    expect(await counts()).toEqual(before)
  })

  it('refuses other bytes under the same id', async () => {
    const request = await sealFor(ingrid, [kari])
    await send(ingrid, request)
    expect(await refused(ingrid, await sealFor(ingrid, [kari], { id: request.id }))).toBe('conflict')
    const colleague = await createEquipped(database, organization, { role: 'administrator' })
    expect(await refused(colleague, await sealFor(colleague, [kari], { id: request.id }))).toBe('conflict')
    expect(await refused(stranger, await sealFor(stranger, [await newcomer(elsewhere)], { id: request.id }))).toBe(
      'conflict',
    )
  })

  it('is for coordinators and administrators', async () => {
    expect(await refused(kari, await sealFor(kari, [ola]))).toBe('forbidden')
  })

  it('needs a registered device', async () => {
    const session = await logIn(database, organization, ingrid.id)
    expect(await refused(session, await sealFor(ingrid, [kari]))).toBe('device_required')
  })

  it('takes statements of the device of the session only', async () => {
    const colleague = await createEquipped(database, organization, { role: 'coordinator' })
    expect(await refused(colleague, await sealFor(ingrid, [kari]))).toBe('statement_invalid')
    const forged = { ...ingrid, deviceId: kari.deviceId }
    expect(await refused(ingrid, await sealFor(forged, [ola]))).toBe('statement_invalid')
    const otherKey = { ...ingrid, keys: { ...ingrid.keys, signing: kari.keys.signing } }
    expect(await refused(ingrid, await sealFor(otherKey, [kari]))).toBe('statement_invalid')
  })

  it('refuses a statement that does not fit', async () => {
    const request = await sealFor(ingrid, [kari])
    const other = await sealFor(ingrid, [kari])
    const [key] = request.keys
    const changes: Partial<SealedRequest>[] = [
      { id: crypto.randomUUID() },
      { content: other.content },
      { statement: other.statement },
      { keys: other.keys },
      { keys: request.keys.map((entry) => (entry === key ? { ...entry, userId: kari.id } : entry)) },
      { statement: `${request.statement.slice(0, -2)}AA` },
    ]
    for (const change of changes) expect(await refused(ingrid, { ...request, ...change })).toBe('statement_invalid')
    const elsewhereSealed = await sealFor(ingrid, [kari], { organizationId: elsewhere })
    expect(await refused(ingrid, elsewhereSealed)).toBe('statement_invalid')
    const { payload } = await verifyJws(request.statement, 'nokkel-assignment+jwt')
    const revised = await signJws({ ...payload, revision: 2 }, ingrid.keys.signing, 'nokkel-assignment+jwt')
    expect(await refused(ingrid, { ...request, statement: revised })).toBe('statement_invalid')
    expect(await refusalOf(send(ingrid, request))).toBeNull()
  })

  it('refuses keys that are malformed, doubled or only the own', async () => {
    const request = await sealFor(ingrid, [kari])
    const [first, second] = request.keys as [SealedRequest['keys'][0], SealedRequest['keys'][0]]
    const own = request.keys.filter(({ userId }) => userId === ingrid.id)
    const malformed = [
      [first, { ...second, wrappedKey: `${second.wrappedKey}AAA` }],
      [first, { ...second, wrappedKey: `${second.wrappedKey.slice(0, -1)}=` }],
      [first, second, second],
      own,
    ]
    for (const keys of malformed) expect(await refused(ingrid, { ...request, keys })).toBe('request_malformed')
    expect(await refused(ingrid, { ...request, content: '====' })).toBe('request_malformed')
  })

  it('names the recipients whose devices have changed', async () => {
    const tone = await newcomer()
    const sealed = await sealFor(ingrid, [kari, tone])
    const now = await equip(database, await logIn(database, organization, tone.id), { replaces: true })
    expect(await problemOf(send(ingrid, sealed))).toEqual({ code: 'recipients_changed', data: { userIds: [tone.id] } })
    expect(await refusalOf(send(ingrid, await sealFor(ingrid, [kari, now])))).toBeNull()
    await withClaims(database.server, now.claims, (transaction) => endDevice(transaction, now.deviceId))
    expect(await refused(ingrid, await sealFor(ingrid, [kari, now]))).toBe('recipients_changed')
  })

  it('wants a key for each of several devices', async () => {
    const several = await createOrganization(database, { devicePolicy: 'several' })
    const sender = await createEquipped(database, several, { role: 'coordinator' })
    const phone = await createEquipped(database, several)
    const laptop = await equip(database, await logIn(database, several, phone.id))
    expect(await refused(sender, await sealFor(sender, [phone]))).toBe('recipients_changed')
    const summary = await send(sender, await sealFor(sender, [phone, laptop]))
    expect(summary.deliveries).toHaveLength(1)
    // The sender's own other devices may be left out.
    const senderToo = await equip(database, await logIn(database, several, sender.id))
    expect(await refusalOf(send(sender, await sealFor(sender, [phone, laptop])))).toBeNull()
    expect(await refusalOf(send(sender, await sealFor(sender, [phone, laptop, senderToo])))).toBeNull()
  })

  it('refuses a key sealed to another key than that of the device', async () => {
    const wrong = { ...kari, encryptionKey: ola.encryptionKey }
    expect(await refused(ingrid, await sealFor(ingrid, [wrong]))).toBe('recipients_changed')
  })

  it('reaches members of the organisation only', async () => {
    const withoutDevice = await createPerson(database, organization)
    const outsiders = [stranger, { ...kari, id: withoutDevice }, { ...kari, id: crypto.randomUUID() }]
    for (const outsider of outsiders) {
      const problem = await problemOf(send(ingrid, await sealFor(ingrid, [outsider])))
      expect(problem).toEqual({ code: 'recipients_changed', data: { userIds: [outsider.id] } })
    }
    // Also for one who coordinates both.
    await sql`insert into public.organization_member (organization_id, user_id, role)
      values (${elsewhere}::uuid, ${ingrid.id}::uuid, 'coordinator')`.execute(database.owner)
    expect(await refused(ingrid, await sealFor(ingrid, [stranger]))).toBe('recipients_changed')
    await sql`delete from public.organization_member
      where organization_id = ${elsewhere}::uuid and user_id = ${ingrid.id}::uuid`.execute(database.owner)
  })

  it('refuses a session that has ended', async () => {
    const former = await createEquipped(database, organization, { role: 'coordinator' })
    const request = await sealFor(former, [kari])
    await sql`delete from public.organization_member where user_id = ${former.id}::uuid`.execute(database.owner)
    expect(await refused(former, request)).toBe('session_ended')
    const superseded = await createEquipped(database, organization, { role: 'coordinator' })
    await equip(database, await logIn(database, organization, superseded.id), { replaces: true })
    expect(await refused(superseded, await sealFor(superseded, [kari]))).toBe('device_superseded')
  })

  describe('files', () => {
    it('belong to the assignment from then on, and to its recipients', async () => {
      const blobs = [await announce(ingrid), await announce(ingrid)]
      const summary = await send(ingrid, await sealFor(ingrid, [kari], { blobs }))
      expect(summary.fileCount).toBe(2)
      expect(summary.byteLength).toBeGreaterThan(2 * sealedByteLength(9))
      const [blob = ''] = blobs
      const put = storeChunk(
        database.server,
        ingrid.claims,
        { id: blob, index: 0 },
        new Uint8Array(sealedByteLength(9)),
      )
      expect(await refusalOf(put)).toBe('blob_sealed')
      const readers = await Promise.all(
        [ingrid, kari, ola, stranger].map(({ claims }) =>
          withClaims(database.server, claims, async (transaction) => {
            const { rows } = await sql`select from public.blob_chunk where blob_id = ${blob}::uuid`.execute(transaction)
            return rows.length
          }),
        ),
      )
      expect(readers).toEqual([1, 1, 0, 0])
    })

    it('must be complete, the own, and not sent before', async () => {
      const colleague = await createEquipped(database, organization, { role: 'coordinator' })
      const sent = await announce(ingrid)
      await send(ingrid, await sealFor(ingrid, [kari], { blobs: [sent] }))
      const unusable = [
        await announce(ingrid, { complete: false }),
        await announce(colleague),
        sent,
        crypto.randomUUID(),
      ]
      for (const blob of unusable) {
        const good = await announce(ingrid)
        const request = await sealFor(ingrid, [kari], { blobs: [good, blob] })
        const before = await counts()
        expect(await problemOf(send(ingrid, request))).toEqual({ code: 'blob_incomplete', data: { blobIds: [blob] } })
        expect(await counts()).toEqual(before)
      }
    })
  })

  it('either reaches the device or is refused when the recipient changes devices at the same time', async () => {
    for (let round = 0; round < 4; round++) {
      const tone = await newcomer()
      const request = await sealFor(ingrid, [tone])
      const session = await logIn(database, organization, tone.id)
      const registration = await makeRegistration(database, session, { replaces: true })
      const [refusal] = await Promise.all([
        refusalOf(send(ingrid, request)),
        registerDevice(database.server, session.claims, registration, new Date()),
      ])
      const { rows } = await sql`
        select from public.assignment_key where assignment_id = ${request.id}::uuid
          and device_id = ${tone.deviceId}::uuid`.execute(database.owner)
      expect(refusal).toBe(rows.length === 1 ? null : 'recipients_changed')
    }
  })

  // PGlite has one connection, so nothing can begin in between there.
  if (engine === 'postgres') {
    it('waits for a device change that has begun', async () => {
      const tone = await newcomer()
      const request = await sealFor(ingrid, [tone])
      let sent: Promise<string | null> | undefined
      await database.owner.transaction().execute(async (transaction) => {
        await sql`select from public.app_user where auth_user_id = ${tone.id}::uuid for update`.execute(transaction)
        await sql`select nokkel.end_devices(${tone.id}::uuid, array[${tone.deviceId}::uuid], 'superseded')`.execute(
          transaction,
        )
        sent = refusalOf(send(ingrid, request))
        await new Promise((resolve) => setTimeout(resolve, 150))
      })
      expect(await sent).toBe('recipients_changed')
    })
  }

  it('encodes what it stores', async () => {
    const request = await sealFor(ingrid, [kari])
    await send(ingrid, request)
    const { rows } = await sql<{ device_id: string; wrapped_key: Uint8Array }>`
      select device_id, wrapped_key from public.assignment_key where assignment_id = ${request.id}::uuid`.execute(
      database.owner,
    )
    const stored = new Map(rows.map(({ device_id, wrapped_key }) => [device_id, encodeBase64Url(wrapped_key)]))
    for (const { deviceId, wrappedKey } of request.keys) expect(stored.get(deviceId)).toBe(wrappedKey)
  })
})
