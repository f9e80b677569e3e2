import { generateDeviceKeys, signJws } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import {
  createEquipped,
  createOrganization,
  createPerson,
  type Equipped,
  equip,
  type LoggedIn,
  logIn,
  refusalOf,
} from '../../../../tools/testing/people.ts'
import { withClaims } from '../db/with-claims.ts'
import { findSigningKey } from './directory.ts'
import { resumeDevice } from './resumption.ts'
import { endDevice, selectDevices } from './store.ts'

describe.each(databaseEngines)('devices [%s]', (engine) => {
  let database: TestDatabase
  let organization: string
  let kari: Equipped
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    organization = await createOrganization(database)
    kari = await createEquipped(database, organization)
  })
  afterAll(() => database.close())

  const revoke = ({ claims }: LoggedIn, id: string) =>
    withClaims(database.server, claims, (transaction) => endDevice(transaction, id))
  const sessionThumbprint = async ({ claims }: LoggedIn) => {
    const { rows } = await sql<{ thumbprint: string }>`
      select thumbprint from nokkel.session where id = ${claims.sid}::uuid`.execute(database.owner)
    return rows[0]?.thumbprint ?? ''
  }
  const proveResumption = async (session: LoggedIn, device: LoggedIn, changed: Record<string, unknown> = {}) => {
    const payload = {
      session: session.claims.sid,
      thumbprint: await sessionThumbprint(session),
      iat: Math.floor(Date.now() / 1000),
      ...changed,
    }
    return signJws(payload, device.keys.signing, 'nokkel-device-resume+jwt')
  }
  const resume = async ({ claims }: LoggedIn, proof: string | Promise<string>) =>
    resumeDevice(database.server, claims, await proof, new Date())

  it('binds a new session to the device, and its key to the session', async () => {
    const again = await logIn(database, organization, kari.id)
    expect(await resume(again, proveResumption(again, kari))).toBe(kari.deviceId)
    expect(await sessionThumbprint(again)).toBe(kari.signingThumbprint)
    const devices = await withClaims(database.server, again.claims, selectDevices)
    expect(devices).toMatchObject([{ id: kari.deviceId, current: true }])
  })

  it('binds a session to one device, and says the same when asked again', async () => {
    const again = await logIn(database, organization, kari.id)
    const proof = await proveResumption(again, kari)
    for (let times = 0; times < 2; times++) expect(await resume(again, proof)).toBe(kari.deviceId)
    expect(await resume(again, proveResumption(again, kari))).toBe(kari.deviceId)
    const ola = await createEquipped(database, organization)
    expect(await refusalOf(resume(ola, proveResumption(ola, kari)))).toBe('conflict')
  })

  it.each<[string, Record<string, unknown>]>([
    ['session', { session: crypto.randomUUID() }],
    ['thumbprint', { thumbprint: 'A'.repeat(43) }],
    ['time', { iat: Math.floor(Date.now() / 1000) - 301 }],
    ['member too many', { device: 'x' }],
  ])('refuses a proof with a wrong %s', async (_name, changed) => {
    const again = await logIn(database, organization, kari.id)
    const proof = proveResumption(again, kari, changed)
    expect(await refusalOf(resume(again, proof))).toBe('device_proof_invalid')
  })

  it('refuses a proof made for another session', async () => {
    const [one, two] = [await logIn(database, organization, kari.id), await logIn(database, organization, kari.id)]
    expect(await refusalOf(resume(two, proveResumption(one, kari)))).toBe('device_proof_invalid')
  })

  it('refuses a proof of another kind', async () => {
    const again = await logIn(database, organization, kari.id)
    const payload = { session: again.claims.sid, thumbprint: await sessionThumbprint(again), iat: Date.now() / 1000 }
    const proof = signJws(payload, kari.keys.signing, 'nokkel-device+jwt')
    expect(await refusalOf(resume(again, proof))).toBe('device_proof_invalid')
  })

  it('does not know the device of someone else, nor a key that is no device', async () => {
    const ola = await logIn(database, organization, await createPerson(database, organization))
    expect(await refusalOf(resume(ola, proveResumption(ola, kari)))).toBe('not_found')
    const stranger = { ...ola, keys: await generateDeviceKeys() }
    expect(await refusalOf(resume(ola, proveResumption(ola, stranger)))).toBe('not_found')
  })

  it.each([
    ['superseded', true],
    ['revoked', false],
  ])('tells a %s device so', async (state, isReplaced) => {
    const old = await createEquipped(database, organization)
    const again = await logIn(database, organization, old.id)
    if (isReplaced) await equip(database, again, { replaces: true })
    else await revoke(old, old.deviceId)
    const later = await logIn(database, organization, old.id)
    expect(await refusalOf(resume(later, proveResumption(later, old)))).toBe(`device_${state}`)
  })

  it('ends a device, its sessions and this one at once', async () => {
    const ola = await createEquipped(database, organization)
    const elsewhere = await logIn(database, organization, ola.id)
    expect(await revoke(ola, ola.deviceId)).toBe(true)
    expect(await refusalOf(revoke(ola, ola.deviceId))).toBe('device_revoked')
    const devices = await withClaims(database.server, elsewhere.claims, selectDevices)
    expect(devices).toMatchObject([{ id: ola.deviceId, state: 'revoked', current: false }])
    expect(devices[0]?.endedAt).not.toBeNull()
    expect(await revoke(elsewhere, ola.deviceId)).toBe(false)
  })

  it('does not end the device of someone else', async () => {
    const coordinator = await createEquipped(database, organization, { role: 'coordinator' })
    expect(await revoke(coordinator, kari.deviceId)).toBe(false)
    expect(await revoke(coordinator, crypto.randomUUID())).toBe(false)
    const devices = await withClaims(database.server, kari.claims, selectDevices)
    expect(devices).toMatchObject([{ state: 'active' }])
  })

  describe('directory', () => {
    const find = ({ claims }: LoggedIn, thumbprint: string) =>
      withClaims(database.server, claims, (transaction) => findSigningKey(transaction, thumbprint))

    it('tells whose a key is to its owner and to coordinators of the organisation', async () => {
      const coordinator = await createEquipped(database, organization, { role: 'coordinator' })
      for (const person of [kari, coordinator]) {
        expect(await find(person, kari.signingThumbprint)).toMatchObject({
          userId: kari.id,
          deviceId: kari.deviceId,
          userName: 'Kari Nordmann',
          validUntil: null,
        })
      }
    })

    it('tells nothing to other members and other organisations', async () => {
      const member = await createEquipped(database, organization)
      const elsewhere = await createOrganization(database)
      const stranger = await createEquipped(database, elsewhere, { role: 'administrator' })
      for (const person of [member, stranger]) expect(await find(person, kari.signingThumbprint)).toBeUndefined()
    })

    it('keeps the key of a device that has ended, and of a person who is gone', async () => {
      const coordinator = await createEquipped(database, organization, { role: 'coordinator' })
      const gone = await createEquipped(database, organization)
      await revoke(gone, gone.deviceId)
      const ended = await find(coordinator, gone.signingThumbprint)
      expect(ended?.validUntil).not.toBeNull()
      await sql`delete from public.app_user where auth_user_id = ${kari.id}::uuid`.execute(database.owner)
      const { rows } = await sql`
        select valid_until from public.signing_key where thumbprint = ${kari.signingThumbprint}
          and valid_until is not null`.execute(database.owner)
      expect(rows).toHaveLength(1)
    })
  })
})
