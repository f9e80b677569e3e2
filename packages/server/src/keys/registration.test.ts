import { exportPublicJwk, generateDeviceKeys } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import {
  createOrganization,
  createPerson,
  equip,
  type LoggedIn,
  logIn,
  makeRegistration,
  refusalOf,
} from '../../../../tools/testing/people.ts'
import { toServerError } from '../db/refusal.ts'
import { withClaims } from '../db/with-claims.ts'
import { createChallenge } from './challenge.ts'
import { registerDevice } from './registration.ts'
import { selectDevices } from './store.ts'

describe.each(databaseEngines)('device registration [%s]', (engine) => {
  let database: TestDatabase
  let organization: string
  let several: string
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    organization = await createOrganization(database)
    several = await createOrganization(database, { devicePolicy: 'several' })
  })
  afterAll(() => database.close())

  const newcomer = async (organizationId = organization): Promise<LoggedIn> =>
    logIn(database, organizationId, await createPerson(database, organizationId))
  const register = ({ claims }: LoggedIn, registration: string, now = new Date()) =>
    registerDevice(database.server, claims, registration, now)
  const devicesOf = ({ claims }: LoggedIn) => withClaims(database.server, claims, selectDevices)

  it('registers the first device without a question', async () => {
    const kari = await newcomer()
    const device = await register(kari, await makeRegistration(database, kari))
    expect(device).toMatchObject({ name: 'Karis telefon', current: true, state: 'active', endedAt: null })
    expect(await devicesOf(kari)).toEqual([device])
  })

  it('takes a challenge once', async () => {
    const kari = await newcomer()
    const registration = await makeRegistration(database, kari)
    await register(kari, registration)
    expect(await refusalOf(register(kari, registration))).toBe('device_challenge_unknown')
    expect(await devicesOf(kari)).toHaveLength(1)
  })

  it('gives the device it has when the same keys register again in the same session', async () => {
    const kari = await newcomer()
    const device = await register(kari, await makeRegistration(database, kari))
    for (const replaces of [false, true]) {
      expect(await register(kari, await makeRegistration(database, kari, { replaces }))).toEqual(device)
    }
    const other = { ...kari, keys: { ...kari.keys, encryption: (await generateDeviceKeys()).encryption } }
    const changed = await makeRegistration(database, other, { replaces: true })
    expect(await refusalOf(register(kari, changed))).toBe('conflict')
    expect(await devicesOf(kari)).toEqual([device])
  })

  it('spends the challenge on a failed attempt too', async () => {
    const kari = await newcomer()
    const changed = { user: crypto.randomUUID() }
    const registration = await makeRegistration(database, kari, changed)
    expect(await refusalOf(register(kari, registration))).toBe('device_proof_invalid')
    expect(await refusalOf(register(kari, registration))).toBe('device_challenge_unknown')
  })

  it('forgets the challenge before when another is asked for', async () => {
    const kari = await newcomer()
    const first = await makeRegistration(database, kari)
    const second = await makeRegistration(database, kari)
    expect(await refusalOf(register(kari, first))).toBe('device_challenge_unknown')
    expect(await refusalOf(register(kari, second))).toBeNull()
  })

  it('refuses an expired challenge', async () => {
    const kari = await newcomer()
    const registration = await makeRegistration(database, kari)
    await sql`update nokkel.device_challenge set expires_at = now() where session_id = ${kari.claims.sid}::uuid`.execute(
      database.owner,
    )
    expect(await refusalOf(register(kari, registration))).toBe('device_challenge_unknown')
  })

  it('refuses the challenge of another session', async () => {
    const [kari, ola] = [await newcomer(), await newcomer()]
    expect(await refusalOf(register(ola, await makeRegistration(database, kari)))).toBe('device_challenge_unknown')
  })

  const bytes32 = 'A'.repeat(43)
  it.each<[string, Record<string, unknown>]>([
    ['challenge', { challenge: bytes32 }],
    ['nonce', { nonce: bytes32 }],
    ['nonce in another spelling', { nonce: `${'A'.repeat(42)}B` }],
    ['user', { user: crypto.randomUUID() }],
    ['session', { session: crypto.randomUUID() }],
    ['version', { v: 2 }],
    ['suites', { suites: [16] }],
    ['name', { name: '' }],
    ['name with a control character', { name: 'a\u0000b' }],
    ['member too many', { role: 'administrator' }],
    ['time in the past', { iat: Math.floor(Date.now() / 1000) - 400 }],
    ['time in the future', { iat: Math.floor(Date.now() / 1000) + 400 }],
  ])('refuses a wrong %s', async (_name, changed) => {
    const kari = await newcomer()
    const registration = await makeRegistration(database, kari, changed)
    expect(await refusalOf(register(kari, registration))).toBe('device_proof_invalid')
    expect(await devicesOf(kari)).toEqual([])
  })

  it('refuses another encryption key than the nonce was sealed to', async () => {
    const kari = await newcomer()
    const encryptionKey = await exportPublicJwk((await generateDeviceKeys()).encryption.publicKey)
    const registration = await makeRegistration(database, kari, { encryptionKey })
    expect(await refusalOf(register(kari, registration))).toBe('device_proof_invalid')
  })

  it('refuses a signing key the session is not bound to', async () => {
    const kari = await newcomer()
    const { signing } = await generateDeviceKeys()
    const registration = await makeRegistration(database, kari, {}, signing)
    expect(await refusalOf(register(kari, registration))).toBe('device_proof_invalid')
  })

  it('refuses a signature that is not one', async () => {
    const kari = await newcomer()
    const registration = await makeRegistration(database, kari)
    const forged = `${registration.slice(0, -4)}${registration.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`
    expect(await refusalOf(register(kari, forged))).toBe('device_proof_invalid')
  })

  it('refuses an encryption key that is no point of the curve', async () => {
    const { claims } = await newcomer()
    const key = { kty: 'EC', crv: 'P-256', x: bytes32, y: bytes32 } as const
    expect(await refusalOf(createChallenge(database.server, claims, key))).toBe('request_malformed')
  })

  it('refuses keys that another device has', async () => {
    const kari = await newcomer()
    await equip(database, kari)
    const ola = await logIn(database, organization, await createPerson(database, organization), { keys: kari.keys })
    const registration = await makeRegistration(database, ola)
    expect(await refusalOf(register(ola, registration))).toBe('conflict')
  })

  it('needs a login not older than five minutes', async () => {
    const id = await createPerson(database, organization)
    const kari = await logIn(database, organization, id, { ageSeconds: 301 })
    expect(await refusalOf(register(kari, await makeRegistration(database, kari)))).toBe('login_too_old')
  })

  it('asks before it replaces a device, then ends it and its sessions', async () => {
    const old = await equip(database, await newcomer())
    const kari = await logIn(database, organization, old.id)
    const asked = await register(kari, await makeRegistration(database, kari)).catch(toServerError)
    expect(asked).toMatchObject({
      code: 'device_exists',
      data: { devices: [{ name: 'Karis telefon', registeredAt: expect.stringMatching(/^\d{4}-.*T.*\.\d{3}Z$/) }] },
    })
    expect(await devicesOf(old)).toHaveLength(1)

    const device = await register(kari, await makeRegistration(database, kari, { replaces: true }))
    const devices = await devicesOf(kari)
    expect(devices.map(({ id, state }) => [id, state])).toEqual([
      [device.id, 'active'],
      [old.deviceId, 'superseded'],
    ])
    expect(await refusalOf(devicesOf(old))).toBe('device_superseded')
    expect(await refusalOf(createChallenge(database.server, old.claims, old.encryptionKey))).toBe('device_superseded')
    expect(await refusalOf(register(old, 'a.b.c'))).toBe('device_superseded')
  })

  it('keeps several devices where the organisation allows it', async () => {
    const first = await equip(database, await newcomer(several))
    const second = await equip(database, await logIn(database, several, first.id))
    const states = (await devicesOf(first)).map(({ id, state, current }) => [id, state, current])
    expect(states).toContainEqual([first.deviceId, 'active', true])
    expect(states).toContainEqual([second.deviceId, 'active', false])
  })

  it('lets one of two devices that register at once win under the one-device policy', async () => {
    const id = await createPerson(database, organization)
    const sessions = await Promise.all([1, 2, 3].map(() => logIn(database, organization, id)))
    const registrations = await Promise.all(sessions.map((session) => makeRegistration(database, session)))
    const outcomes = await Promise.all(
      sessions.map((session, index) => refusalOf(register(session, registrations[index] ?? ''))),
    )
    expect(outcomes.sort()).toEqual([null, 'device_exists', 'device_exists'].sort())
  })

  it('leaves exactly one device when several replace at once', async () => {
    const id = await createPerson(database, organization)
    const sessions = await Promise.all([1, 2, 3].map(() => logIn(database, organization, id)))
    const registrations = await Promise.all(
      sessions.map((session) => makeRegistration(database, session, { replaces: true })),
    )
    await Promise.all(sessions.map((session, index) => refusalOf(register(session, registrations[index] ?? ''))))
    const { rows } = await sql`
      select from public.device_key where user_id = ${id}::uuid and state = 'active'`.execute(database.owner)
    expect(rows).toHaveLength(1)
  })

  it('lets one of two attempts with the same challenge through', async () => {
    const kari = await newcomer()
    const registration = await makeRegistration(database, kari)
    const outcomes = await Promise.all([1, 2].map(() => refusalOf(register(kari, registration))))
    expect(outcomes).toContain(null)
    expect(outcomes).toContain('device_challenge_unknown')
  })
})
