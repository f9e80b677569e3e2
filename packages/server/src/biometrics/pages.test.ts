import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthenticator } from '../../../../tools/testing/authenticator.ts'
import { type Biometrics, createBiometrics, type Unlockable } from '../../../../tools/testing/biometrics.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoginSystem, type LoginSystem, publicUrl } from '../../../../tools/testing/login.ts'

/** Where the application is; the API is somewhere else, as that of edge functions. */
const app = 'https://app.example.no'
const other = 'https://other.example.no'
const allowedOrigins = [app, `${app}:8443`, other, 'http://plain.example.no', 'https://203.0.113.1']

describe.each(databaseEngines)('biometrics of pages on another host [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  let biometrics: Biometrics
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database, { allowedOrigins })
    biometrics = createBiometrics(database, system)
  })
  afterAll(async () => {
    await system.close()
    await database.close()
  })

  const refused = (code: string, status: number) =>
    expect.objectContaining({ status, body: expect.objectContaining({ code }) })
  const unavailable = refused('biometrics_unavailable', 409)
  const on = (device: Unlockable, origin: string): Unlockable => ({
    ...device,
    origin,
    authenticator: createAuthenticator({ origin }),
  })
  async function unlockedOn(origin: string): Promise<Unlockable> {
    const device = on(await biometrics.equipped(), origin)
    expect((await biometrics.enroll(device)).status).toBe(201)
    expect((await biometrics.unlock(device)).status).toBe(200)
    return device
  }
  const stored = async ({ deviceId }: Unlockable) =>
    (
      await sql`select rp_id as "rpId" from nokkel.webauthn_credential where device_id = ${deviceId}::uuid`.execute(
        database.owner,
      )
    ).rows

  it('are made and used for the host of the page', async () => {
    const device = on(await biometrics.equipped(), app)
    expect((await biometrics.enroll(device)).status).toBe(201)
    const { kind, options } = await biometrics.challenged(device)
    expect({ kind, rp: options.rp }).toEqual({ kind: 'create', rp: { id: 'app.example.no', name: 'Nøkkel' } })
    expect((await biometrics.unlock(device)).status).toBe(200)
    expect(await stored(device)).toEqual([{ rpId: 'app.example.no' }])
    expect(await biometrics.challenged(device)).toMatchObject({ kind: 'get', options: { rpId: 'app.example.no' } })
    expect((await biometrics.unlock(device)).status).toBe(200)
    expect((await biometrics.unlock(device, { origin: `${app}:8443` })).status).toBe(200)
  })

  it.each([publicUrl, other, 'https://sub.app.example.no', 'http://plain.example.no', 'https://evil.example'])(
    'are refused with an answer that was given to a page of %s',
    async (origin) => {
      const first = on(await biometrics.equipped(), app)
      await biometrics.enroll(first)
      expect(await biometrics.unlock(first, { origin })).toEqual(refused('unlock_failed', 400))
      expect(await stored(first)).toEqual([])
      const known = await unlockedOn(app)
      expect(await biometrics.unlock(known, { origin })).toEqual(refused('unlock_failed', 400))
    },
  )

  it('are refused with an answer of another relying party', async () => {
    const device = on(await biometrics.equipped(), app)
    await biometrics.enroll(device)
    expect(await biometrics.unlock(device, { rpId: 'localhost' })).toEqual(refused('unlock_failed', 400))
    expect(await biometrics.unlock(device, { rpId: 'localhost', origin: publicUrl })).toEqual(
      refused('unlock_failed', 400),
    )
  })

  it.each(['https://evil.example', 'null', 'http://plain.example.no', 'https://203.0.113.1', `${app}.evil.example`])(
    'are not enrolled from a page of %s, where they could never be used',
    async (origin) => {
      const device = await biometrics.equipped()
      expect(await biometrics.enroll({ ...device, origin })).toEqual(unavailable)
      expect(await biometrics.enrollment(device)).toBeNull()
      const { rows } = await sql`select outcome, problem from nokkel.audit_log
        where action = 'biometrics.enroll' order by id desc limit 1`.execute(database.owner)
      expect(rows).toEqual([{ outcome: 'refused', problem: 'biometrics_unavailable' }])
      expect((await biometrics.enroll(device)).status).toBe(201)
      expect(await biometrics.challenge({ ...device, origin })).toEqual(unavailable)
    },
  )

  it('of before the application moved give way to a login, after which they are made anew', async () => {
    const before = await unlockedOn(app)
    const moved = on(before, other)
    expect(await biometrics.challenge(moved)).toEqual(unavailable)
    expect(await biometrics.challenge({ ...before, origin: publicUrl })).toEqual(unavailable)
    const { rows } = await sql`select from nokkel.webauthn_challenge
      where session_id = ${before.claims.sid}::uuid`.execute(database.owner)
    expect(rows).toEqual([])
    const later = await biometrics.again(moved)
    expect(await biometrics.challenge(later)).toEqual(unavailable)
    expect(await biometrics.enroll(later)).toMatchObject({ status: 201, body: { credential: null } })
    expect((await biometrics.unlock(later)).status).toBe(200)
    expect(await stored(later)).toEqual([{ rpId: 'other.example.no' }])
    expect(await biometrics.challenge({ ...later, origin: app })).toEqual(unavailable)
  })

  it('are used for the host of the public URL where no page asks', async () => {
    const device = await biometrics.unlocked()
    expect(await stored(device)).toEqual([{ rpId: 'localhost' }])
    expect((await biometrics.challenge(on(device, publicUrl))).status).toBe(201)
    expect(await biometrics.challenge(on(device, app))).toEqual(unavailable)
  })

  it('tell of a page that cannot use them nothing of the session', async () => {
    const device = await biometrics.equipped()
    expect(await biometrics.challenge(on(device, app))).toEqual(refused('biometrics_not_enrolled', 409))
    expect(await biometrics.challenge(on(device, 'https://evil.example'))).toEqual(unavailable)
  })
})
