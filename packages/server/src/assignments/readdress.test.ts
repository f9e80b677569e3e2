import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAs, readdressTo, sealFor } from '../../../../tools/testing/assignments.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import {
  createEquipped,
  createOrganization,
  type Equipped,
  equip,
  type LoggedIn,
  logIn,
  refusalOf,
} from '../../../../tools/testing/people.ts'
import { withClaims } from '../db/with-claims.ts'
import { endDevice } from '../keys/store.ts'
import { acknowledgeOpened, getAssignment } from './read.ts'
import { readdressAssignment } from './readdress.ts'
import { sendAssignment } from './send.ts'

describe.each(databaseEngines)('addressing again [%s]', (engine) => {
  let database: TestDatabase
  let organization: string
  let ingrid: Equipped
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    organization = await createOrganization(database)
    ingrid = await createEquipped(database, organization, { name: 'Ingrid Solberg', role: 'coordinator' })
  })
  afterAll(() => database.close())

  const newcomer = () => createEquipped(database, organization)
  const get = ({ claims }: LoggedIn, id: string) => getAssignment(database.server, claims, id)
  const replaceDevice = async ({ id }: LoggedIn) =>
    equip(database, await logIn(database, organization, id), { replaces: true })
  const sendTo = async (...people: Equipped[]) => {
    const request = await sealFor(ingrid, people)
    await sendAssignment(database.server, ingrid.claims, request)
    return request.id
  }
  const readdress = (
    { claims }: LoggedIn,
    id: string,
    body: { statement: string; keys: { userId: string; deviceId: string; wrappedKey: string }[] },
  ) => readdressAssignment(database.server, claims, id, body)
  /** The problem, after making sure that the sender still has what they had. */
  const refused = async (person: LoggedIn, id: string, body: Parameters<typeof readdress>[2]) => {
    const before = await get(ingrid, id)
    const refusal = await refusalOf(readdress(person, id, body))
    expect(await get(ingrid, id)).toEqual(before)
    return refusal
  }

  it('makes readable again what a new device could not read', async () => {
    const [old, ola] = [await newcomer(), await newcomer()]
    const id = await sendTo(old, ola)
    const kari = await replaceDevice(old)
    const unreadable = await get(ingrid, id)
    expect(unreadable.deliveries).toContainEqual(
      expect.objectContaining({ userId: kari.id, state: 'unreadable', hasActiveDevice: true }),
    )
    expect(await get(kari, id)).toMatchObject({ readable: false, key: null })

    const summary = await readdress(ingrid, id, await readdressTo(ingrid, [kari, ola], unreadable))
    expect(summary).toMatchObject({ id, revision: 2, sentAt: unreadable.sentAt })
    expect(summary.deliveries?.map(({ state }) => state)).toEqual(['sent', 'sent'])
    for (const person of [kari, ola, ingrid]) {
      const assignment = await get(person, id)
      expect(assignment).toMatchObject({ readable: true, content: unreadable.content, revision: 2 })
      expect(await openAs(person, assignment)).toMatchObject({ title: 'Besøk på mandag' })
    }
    const { rows } = await sql`
      select from public.assignment_key where device_id = ${old.deviceId}::uuid`.execute(database.owner)
    expect(rows).toEqual([])
  })

  it('changes nothing when it is asked again', async () => {
    const kari = await newcomer()
    const id = await sendTo(kari)
    const body = await readdressTo(ingrid, [kari], await get(ingrid, id))
    const first = await readdress(ingrid, id, body)
    expect(await readdress(ingrid, id, body)).toEqual(first)
    expect(first.revision).toBe(2)
  })

  it('takes one of two at once, and every revision once', async () => {
    const kari = await newcomer()
    const id = await sendTo(kari)
    const sent = await get(ingrid, id)
    const bodies = [await readdressTo(ingrid, [kari], sent), await readdressTo(ingrid, [kari], sent)]
    const outcomes = await Promise.all(bodies.map((body) => refusalOf(readdress(ingrid, id, body))))
    expect(outcomes).toContain(null)
    expect(outcomes).toContain('revision_stale')
    const third = await readdressTo(ingrid, [kari], await get(ingrid, id))
    expect((await readdress(ingrid, id, third)).revision).toBe(3)
    for (const body of bodies) expect(await refused(ingrid, id, body)).toBe('revision_stale')
    expect(await openAs(kari, await get(kari, id))).toMatchObject({ body: 'Klokken ti.' })
  })

  it('reaches the same persons only', async () => {
    const [kari, ola] = [await newcomer(), await newcomer()]
    const id = await sendTo(kari)
    const sent = await get(ingrid, id)
    expect(await refused(ingrid, id, await readdressTo(ingrid, [kari, ola], sent))).toBe('statement_invalid')
    const both = await sendTo(kari, ola)
    const onlyOne = await readdressTo(ingrid, [kari], await get(ingrid, both))
    expect(await refused(ingrid, both, onlyOne)).toBe('recipients_changed')
  })

  it('leaves out who has no device now, and names whose devices have changed', async () => {
    const [kari, ola] = [await newcomer(), await newcomer()]
    const id = await sendTo(kari, ola)
    await withClaims(database.server, kari.claims, (transaction) => endDevice(transaction, kari.deviceId))
    const sent = await get(ingrid, id)
    expect(await refused(ingrid, id, await readdressTo(ingrid, [kari, ola], sent))).toBe('recipients_changed')
    const summary = await readdress(ingrid, id, await readdressTo(ingrid, [ola], sent))
    expect(summary.deliveries).toContainEqual(
      expect.objectContaining({ userId: kari.id, state: 'unreadable', hasActiveDevice: false }),
    )
    const back = await equip(database, await logIn(database, organization, kari.id))
    await readdress(ingrid, id, await readdressTo(ingrid, [back, ola], await get(ingrid, id)))
    expect(await get(back, id)).toMatchObject({ readable: true })
  })

  it('is for the sender, on a device, with a statement that fits', async () => {
    const kari = await newcomer()
    const id = await sendTo(kari)
    const other = await sendTo(kari)
    const body = await readdressTo(ingrid, [kari], await get(ingrid, id))
    const colleague = await createEquipped(database, organization, { role: 'administrator' })
    const stranger = await createEquipped(database, await createOrganization(database), { role: 'coordinator' })
    for (const person of [kari, colleague, stranger]) expect(await refused(person, id, body)).toBe('not_found')
    expect(await refused(await logIn(database, organization, ingrid.id), id, body)).toBe('device_required')
    expect(await refusalOf(readdress(ingrid, crypto.randomUUID(), body))).toBe('not_found')
    const otherBody = await readdressTo(ingrid, [kari], await get(ingrid, other))
    expect(await refused(ingrid, id, otherBody)).toBe('statement_invalid')
    expect(await refused(ingrid, id, { ...body, keys: otherBody.keys })).toBe('statement_invalid')
    const forged = { ...ingrid, id: kari.id, deviceId: kari.deviceId, keys: kari.keys }
    await expect(readdressTo(forged, [], await get(kari, id))).rejects.toThrow()
  })

  it('is not for a sender who no longer coordinates', async () => {
    const former = await createEquipped(database, organization, { role: 'coordinator' })
    const kari = await newcomer()
    const request = await sealFor(former, [kari])
    await sendAssignment(database.server, former.claims, request)
    const body = await readdressTo(former, [kari], await get(former, request.id))
    await sql`update public.organization_member set role = 'member' where user_id = ${former.id}::uuid`.execute(
      database.owner,
    )
    expect(await refusalOf(readdress(former, request.id, body))).toBe('not_found')
    expect(await get(former, request.id)).toMatchObject({ revision: 1 })
  })

  it('keeps what was fetched and opened before', async () => {
    const kari = await newcomer()
    const id = await sendTo(kari)
    await get(kari, id)
    await acknowledgeOpened(database.server, kari.claims, id)
    const opened = await get(ingrid, id)
    const summary = await readdress(ingrid, id, await readdressTo(ingrid, [kari], opened))
    expect(summary.deliveries).toEqual(opened.deliveries)
  })

  it('forgets what was opened on a device that can open it no more', async () => {
    const [old, ola] = [await newcomer(), await newcomer()]
    const id = await sendTo(old, ola)
    for (const { claims } of [old, ola]) await acknowledgeOpened(database.server, claims, id)
    const kari = await replaceDevice(old)
    const summary = await readdress(ingrid, id, await readdressTo(ingrid, [kari, ola], await get(ingrid, id)))
    expect(summary.deliveries).toContainEqual(
      expect.objectContaining({ userId: kari.id, state: 'sent', openedAt: null }),
    )
    expect(summary.deliveries).toContainEqual(expect.objectContaining({ userId: ola.id, state: 'opened' }))
  })
})
