import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sealFor } from '../../../../tools/testing/assignments.ts'
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
import { encodeCursor } from '../db/page-cursor.ts'
import { withClaims } from '../db/with-claims.ts'
import { endDevice } from '../keys/store.ts'
import { acknowledgeOpened, getAssignment, listAssignments } from './read.ts'
import { sendAssignment } from './send.ts'

describe.each(databaseEngines)('reading assignments [%s]', (engine) => {
  let database: TestDatabase
  let organization: string
  let ingrid: Equipped
  let kari: Equipped
  let ola: Equipped
  let stranger: Equipped
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    organization = await createOrganization(database)
    ingrid = await createEquipped(database, organization, { name: 'Ingrid Solberg', role: 'coordinator' })
    kari = await createEquipped(database, organization)
    ola = await createEquipped(database, organization, { name: 'Ola Fjell' })
    stranger = await createEquipped(database, await createOrganization(database), { role: 'administrator' })
  })
  afterAll(() => database.close())

  const sendTo = async (...people: Equipped[]) => {
    const request = await sealFor(ingrid, people)
    await sendAssignment(database.server, ingrid.claims, request)
    return request.id
  }
  const list = ({ claims }: LoggedIn, query: { box?: 'inbox' | 'sent'; limit?: number; cursor?: string } = {}) =>
    listAssignments(database.server, claims, { box: 'inbox', limit: 50, ...query })
  const get = ({ claims }: LoggedIn, id: string) => getAssignment(database.server, claims, id)
  const opened = ({ claims }: LoggedIn, id: string) => acknowledgeOpened(database.server, claims, id)
  const delivery = async (id: string) => (await get(ingrid, id)).deliveries?.[0]

  it('lists each assignment once over pages of any size, newest first, also those of one instant', async () => {
    const ids: string[] = []
    for (let index = 0; index < 5; index++) ids.push(await sendTo(kari))
    await sql`update public.assignment set sent_at = '2026-01-02T09:00:00.000001Z'
      where id = any (${ids.slice(0, 3)}::uuid[])`.execute(database.owner)
    await sql`update public.assignment set sent_at = '2026-01-02T09:00:00.000002Z'
      where id = ${ids[3]}::uuid`.execute(database.owner)
    for (const [person, box] of [
      [kari, 'inbox'],
      [ingrid, 'sent'],
    ] as const) {
      const all = (await list(person, { box })).assignments.map(({ id }) => id)
      expect(all).toEqual([ids[4], ids[3], ...ids.slice(0, 3).sort()])
      for (const limit of [1, 2, 5]) {
        const seen: string[] = []
        let cursor: string | undefined
        do {
          const page = await list(person, { box, limit, ...(cursor && { cursor }) })
          seen.push(...page.assignments.map(({ id }) => id))
          cursor = page.nextCursor
        } while (cursor)
        expect(seen).toEqual(all)
      }
    }
  })

  it('shows a session nothing of another organisation of the same person', async () => {
    const elsewhere = await createOrganization(database)
    const person = await createEquipped(database, organization)
    const id = await sendTo(person)
    await sql`insert into public.organization_member (organization_id, user_id)
      values (${elsewhere}::uuid, ${person.id}::uuid)`.execute(database.owner)
    const there = await logIn(database, elsewhere, person.id)
    await sql`update nokkel.session set device_id = ${person.deviceId}::uuid
      where id = ${there.claims.sid}::uuid`.execute(database.owner)
    expect((await list(there)).assignments).toEqual([])
    expect(await refusalOf(get(there, id))).toBe('not_found')
    expect(await refusalOf(opened(there, id))).toBe('not_found')
    expect((await list(person)).assignments.map((found) => found.id)).toEqual([id])
  })

  it.each([
    'x',
    encodeCursor({ key: 'a', id: '00000000-0000-4000-8000-000000000001' }),
    encodeCursor({ key: '-1', id: '00000000-0000-4000-8000-000000000001' }),
  ])('refuses the cursor %s', async (cursor) => {
    expect(await refusalOf(list(kari, { cursor }))).toBe('request_malformed')
  })

  it('shows a box to its owner only, deliveries to the sender only', async () => {
    const id = await sendTo(kari, ola)
    const [inbox] = (await list(kari)).assignments
    expect(inbox).toMatchObject({ id, sender: { id: ingrid.id, name: 'Ingrid Solberg' }, readable: true })
    expect(inbox).not.toHaveProperty('deliveries')
    const [sent] = (await list(ingrid, { box: 'sent' })).assignments
    expect(sent?.deliveries?.map(({ name, state }) => [name, state])).toEqual([
      ['Kari Nordmann', 'sent'],
      ['Ola Fjell', 'sent'],
    ])
    expect((await list(ingrid)).assignments).toEqual([])
    expect((await list(kari, { box: 'sent' })).assignments).toEqual([])
    expect((await list(stranger)).assignments).toEqual([])
    expect((await list(stranger, { box: 'sent' })).assignments).toEqual([])
  })

  it('is nothing to strangers, colleagues and other members', async () => {
    const id = await sendTo(kari)
    const colleague = await createEquipped(database, organization, { role: 'administrator' })
    for (const person of [stranger, colleague, ola]) {
      expect(await refusalOf(get(person, id))).toBe('not_found')
      expect(await refusalOf(opened(person, id))).toBe('not_found')
    }
    expect(await refusalOf(get(kari, crypto.randomUUID()))).toBe('not_found')
    expect(await delivery(id)).toMatchObject({ state: 'sent' })
  })

  it('follows it from sent to fetched to opened, each once', async () => {
    const id = await sendTo(kari)
    await get(ingrid, id)
    await list(kari)
    expect(await delivery(id)).toMatchObject({ state: 'sent', fetchedAt: null, openedAt: null })
    await get(kari, id)
    const fetched = await delivery(id)
    expect(fetched).toMatchObject({ state: 'fetched', openedAt: null })
    await get(kari, id)
    expect(await delivery(id)).toEqual(fetched)
    await opened(kari, id)
    const done = await delivery(id)
    expect(done).toMatchObject({ state: 'opened', fetchedAt: fetched?.fetchedAt })
    await opened(kari, id)
    expect(await delivery(id)).toEqual(done)
    expect(await get(kari, id)).toMatchObject({ openedAt: done?.openedAt })
  })

  it('is not opened by the sender, without a device, or by a device without a key', async () => {
    const tone = await createEquipped(database, organization)
    const id = await sendTo(tone)
    expect(await refusalOf(opened(ingrid, id))).toBe('not_found')
    const session = await logIn(database, organization, tone.id)
    expect(await refusalOf(opened(session, id))).toBe('device_required')
    const replaced = await equip(database, session, { replaces: true })
    await get(replaced, id)
    expect(await refusalOf(opened(replaced, id))).toBe('not_found')
    expect(await delivery(id)).toMatchObject({ state: 'unreadable', fetchedAt: null, openedAt: null })
  })

  it('is unreadable while no active device has a key', async () => {
    const tone = await createEquipped(database, organization)
    const id = await sendTo(tone)
    await opened(tone, id)
    await withClaims(database.server, tone.claims, (transaction) => endDevice(transaction, tone.deviceId))
    expect(await delivery(id)).toMatchObject({ state: 'unreadable', hasActiveDevice: false })
    expect(await refusalOf(get(tone, id))).toBe('device_revoked')
  })

  it('keeps the names of those it was sent to, and stays readable, when sender or recipient leave', async () => {
    const sender = await createEquipped(database, organization, { name: 'Silje Vik', role: 'coordinator' })
    const tone = await createEquipped(database, organization, { name: 'Tone Sæther' })
    const request = await sealFor(sender, [tone])
    await sendAssignment(database.server, sender.claims, request)
    await sql`delete from public.organization_member where user_id = ${tone.id}::uuid`.execute(database.owner)
    expect((await get(sender, request.id)).deliveries).toMatchObject([{ name: 'Tone Sæther' }])
    expect(await refusalOf(get(tone, request.id))).toBe('session_ended')

    const second = await sealFor(sender, [kari])
    await sendAssignment(database.server, sender.claims, second)
    await sql`delete from public.app_user where auth_user_id = ${sender.id}::uuid`.execute(database.owner)
    const left = await get(kari, second.id)
    expect(left).toMatchObject({ sender: { id: sender.id, name: null }, readable: true })
    expect(left.signer).toMatchObject({ userId: sender.id, thumbprint: sender.signingThumbprint })
    expect(left.signer.validUntil).not.toBeNull()
  })
})
