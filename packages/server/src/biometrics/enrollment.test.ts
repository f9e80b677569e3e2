import { generateDeviceKeys } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Biometrics, createBiometrics, type Unlockable } from '../../../../tools/testing/biometrics.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoginSystem, type LoginSystem } from '../../../../tools/testing/login.ts'
import { equip } from '../../../../tools/testing/people.ts'

const someoneElse = 'likeperson-medlem-2'

describe.each(databaseEngines)('biometric enrolment [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  let biometrics: Biometrics
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database)
    biometrics = createBiometrics(database, system)
  })
  afterAll(async () => {
    await system.close()
    await database.close()
  })

  const refused = (code: string, status: number) =>
    expect.objectContaining({ status, body: expect.objectContaining({ code }) })
  const recorded = async (action: string) => {
    const { rows } = await sql<{ outcome: string; problem: string | null; subject: string; id: string }>`
      select outcome, problem, subject_type as subject, subject_id as id from nokkel.audit_log l
      where action = ${action} order by l.id desc limit 1`.execute(database.owner)
    return rows[0]
  }
  const count = async (action: string) => {
    const { rows } = await sql`select from nokkel.audit_log where action = ${action}`.execute(database.owner)
    return rows.length
  }
  const rowsOf = async ({ deviceId }: Unlockable) => {
    const { rows } = await sql<{ user_id: string; handle: string }>`
      select user_id, encode(user_handle, 'hex') as handle from nokkel.biometric_enrollment
      where device_id = ${deviceId}::uuid`.execute(database.owner)
    return rows
  }

  it('is recorded for the device of the session, and scans nothing', async () => {
    const device = await biometrics.equipped()
    expect(await biometrics.enrollment(device)).toBeNull()
    const { status, body } = await biometrics.enroll(device)
    expect(status).toBe(201)
    expect(body).toEqual({
      userId: device.id,
      deviceId: device.deviceId,
      enrolledAt: expect.stringMatching(/Z$/),
      credential: null,
    })
    expect(await biometrics.enrollment(device)).toEqual(body)
    expect(await recorded('biometrics.enroll')).toEqual({
      outcome: 'allowed',
      problem: null,
      subject: 'device',
      id: device.deviceId,
    })
    expect(await rowsOf(device)).toEqual([{ user_id: device.id, handle: expect.stringMatching(/^[0-9a-f]{64}$/) }])
  })

  it('answers the same when it is asked for again, also at once', async () => {
    const device = await biometrics.equipped()
    const before = await count('biometrics.enroll')
    const answers = await Promise.all([1, 2, 3].map(() => biometrics.enroll(device)))
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
    const again = await biometrics.enroll(device)
    for (const { body } of answers) expect(body).toEqual(again.body)
    expect(await count('biometrics.enroll')).toBe(before + 1)
  })

  it('needs a registered device', async () => {
    const { tokens } = await system.logIn('bankid', someoneElse)
    const { accessToken: token } = tokens
    expect(await system.request('POST', '/nokkel/biometrics', { token })).toEqual(refused('device_required', 403))
    expect(await recorded('biometrics.enroll')).toMatchObject({ outcome: 'refused', problem: 'device_required' })
    expect((await system.request('GET', '/nokkel/biometrics', { token })).body).toEqual({ enrollment: null })
    expect(await system.request('DELETE', '/nokkel/biometrics', { token })).toEqual(
      refused('biometrics_not_enrolled', 409),
    )
  })

  it('needs a login not older than five minutes', async () => {
    const device = await biometrics.equipped()
    await biometrics.wait(device, 6)
    expect(await biometrics.enroll(device)).toEqual(refused('login_too_old', 403))
    expect(await recorded('biometrics.enroll')).toMatchObject({ outcome: 'refused', problem: 'login_too_old' })
    expect(await rowsOf(device)).toEqual([])
  })

  it('is not enough with an unlocking instead of a login', async () => {
    const device = await biometrics.enrolled()
    await biometrics.wait(device, 6)
    expect((await biometrics.unlock(device)).status).toBe(200)
    expect(await biometrics.enroll(device)).toEqual(refused('login_too_old', 403))
  })

  it.each([
    ['GET', '/nokkel/biometrics'],
    ['POST', '/nokkel/biometrics'],
    ['DELETE', '/nokkel/biometrics'],
  ])('needs an access token to %s %s', async (method, path) => {
    expect(await system.request(method, path)).toEqual(refused('token_missing', 401))
  })

  it('is of one device and one person', async () => {
    const theirs = await biometrics.enrolled(someoneElse)
    const mine = await biometrics.equipped()
    expect(await biometrics.enrollment(mine)).toBeNull()
    expect(await biometrics.remove(mine)).toEqual(refused('biometrics_not_enrolled', 409))
    expect((await biometrics.enroll(mine)).status).toBe(201)
    expect((await biometrics.remove(mine)).status).toBe(204)
    expect(await biometrics.enrollment(theirs)).toMatchObject({ userId: theirs.id, deviceId: theirs.deviceId })
  })

  it('cannot be of another person than the device', async () => {
    const mine = await biometrics.equipped()
    const theirs = await biometrics.equipped(someoneElse)
    const insert = sql`insert into nokkel.biometric_enrollment (device_id, user_id, user_handle)
      values (${mine.deviceId}::uuid, ${theirs.id}::uuid, sha256('x'))`.execute(database.owner)
    await expect(insert).rejects.toMatchObject({ code: '23503' })
  })

  describe('a lost credential', () => {
    it('is given up by enrolling again after a login, and another one is made', async () => {
      const device = await biometrics.unlocked()
      const [before] = await rowsOf(device)
      const later = await biometrics.again(device)
      expect(await biometrics.enrollment(later)).toMatchObject({ credential: { backedUp: false } })
      const { body } = await biometrics.enroll(later)
      expect(body).toMatchObject({ deviceId: device.deviceId, credential: null })
      const [after] = await rowsOf(device)
      expect(after?.handle).not.toBe(before?.handle)
      expect((await biometrics.challenged(later)).kind).toBe('create')
      expect((await biometrics.unlock(later)).status).toBe(200)
      expect(await biometrics.enroll(later)).toMatchObject({ status: 201, body: { credential: { lastUsedAt: null } } })
    })

    it('is kept when nobody has logged in since it was made', async () => {
      const device = await biometrics.unlocked()
      expect(await biometrics.enroll(device)).toMatchObject({ status: 201, body: { credential: { backedUp: false } } })
      expect((await biometrics.challenged(device)).kind).toBe('get')
    })
  })

  describe('its end', () => {
    it('leaves sessions that are refreshed as before', async () => {
      const device = await biometrics.unlocked()
      expect((await biometrics.remove(device)).status).toBe(204)
      expect(await recorded('biometrics.remove')).toMatchObject({ outcome: 'allowed', id: device.deviceId })
      expect(await biometrics.enrollment(device)).toBeNull()
      expect(await biometrics.remove(device)).toEqual(refused('biometrics_not_enrolled', 409))
      await biometrics.wait(device, 600)
      expect(await biometrics.refresh(device)).toMatchObject({ status: 200, body: { unlockedUntil: null } })
      const { rows } = await sql`select from nokkel.webauthn_credential
        where device_id = ${device.deviceId}::uuid`.execute(database.owner)
      expect(rows).toEqual([])
    })

    it('needs a login or an unlocking of the last five minutes', async () => {
      const device = await biometrics.unlocked()
      await biometrics.wait(device, 6)
      expect(await biometrics.remove(device)).toEqual(refused('login_too_old', 403))
      expect(await recorded('biometrics.remove')).toMatchObject({ outcome: 'refused', problem: 'login_too_old' })
      expect((await biometrics.unlock(device)).status).toBe(200)
      expect((await biometrics.remove(device)).status).toBe(204)
    })

    it('comes with that of the device', async () => {
      const old = await biometrics.unlocked()
      const next = await biometrics.unlocked()
      expect(await rowsOf(old)).toEqual([])
      expect(await biometrics.enroll(old)).toEqual(refused('device_superseded', 401))
      const { accessToken: token } = next.tokens
      expect((await system.request('DELETE', `/nokkel/devices/${next.deviceId}`, { token })).status).toBe(204)
      expect(await rowsOf(next)).toEqual([])
      expect(await biometrics.enroll(next)).toEqual(refused('device_revoked', 401))
    })

    it('comes once a device that a merge has ended does not come back', async () => {
      const device = await biometrics.enrolled()
      const end = (days: number) =>
        sql`update public.device_key set state = 'revoked', ended_at = now() - ${days}::integer * interval '1 day'
          where id = ${device.deviceId}::uuid`.execute(database.owner)
      const sweep = () => sql`select nokkel.sweep_biometrics()`.execute(database.owner)
      await end(29)
      await sweep()
      expect(await rowsOf(device)).toHaveLength(1)
      await end(31)
      await sweep()
      expect(await rowsOf(device)).toEqual([])
    })
  })

  it('and the replacement of the device at once leave nothing of the old one', async () => {
    const old = await biometrics.equipped()
    const { signing, tokens } = await system.logIn('bankid')
    const { encryption } = await generateDeviceKeys()
    const claims = { ...old.claims, sid: tokens.sessionId }
    const replace = equip(database, { id: old.id, claims, keys: { signing, encryption } }, { replaces: true })
    const [enrolled] = await Promise.all([biometrics.enroll(old), replace])
    expect([201, 401]).toContain(enrolled.status)
    expect(await rowsOf(old)).toEqual([])
  })
})
