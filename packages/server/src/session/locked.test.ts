import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Biometrics, createBiometrics, type Unlockable } from '../../../../tools/testing/biometrics.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoginSystem, type LoginSystem } from '../../../../tools/testing/login.ts'

describe.each(databaseEngines)('a session on an enrolled device [%s]', (engine) => {
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

  const refused = (code: string) => expect.objectContaining({ status: 401, body: expect.objectContaining({ code }) })
  /** Refreshes; the device has the new tokens then. */
  const goOn = async (device: Unlockable): Promise<Unlockable> => {
    const { status, body } = await biometrics.refresh(device)
    expect({ status, code: body.code }).toEqual({ status: 200, code: undefined })
    return { ...device, tokens: body }
  }
  /** Whole minutes from now, by the clock of the database. */
  const minutesUntil = async (text: string | null) => {
    const { rows } = await sql<{ minutes: number }>`
      select round(extract(epoch from ${text}::timestamptz - now()) / 60)::integer as minutes`.execute(database.owner)
    return rows[0]?.minutes
  }
  const tokensOf = async ({ claims }: Unlockable) => {
    const { rows } = await sql<{ hash: string; used: boolean }>`
      select encode(hash, 'hex') as hash, used_at is not null as used from nokkel.refresh_token
      where session_id = ${claims.sid}::uuid order by 1`.execute(database.owner)
    return rows
  }

  it('tells until when it is unlocked', async () => {
    const device = await biometrics.equipped()
    expect(device.tokens.unlockedUntil).toBeNull()
    const before = await goOn(device)
    expect(before.tokens.unlockedUntil).toBeNull()
    expect((await biometrics.enroll(before)).status).toBe(201)
    expect(await minutesUntil((await goOn(before)).tokens.unlockedUntil)).toBe(30)
  })

  it('is unlocked by the login for thirty minutes', async () => {
    const device = await biometrics.enrolled()
    await biometrics.wait(device, 29)
    expect((await biometrics.refresh(device)).status).toBe(200)
    const other = await biometrics.enrolled()
    await biometrics.wait(other, 31)
    expect(await biometrics.refresh(other)).toEqual(refused('unlock_required'))
  })

  it('is locked without anything being spent, and goes on with the same token once it is unlocked', async () => {
    const device = await biometrics.unlocked()
    await biometrics.wait(device, 31)
    const before = await tokensOf(device)
    for (let times = 0; times < 2; times++) expect(await biometrics.refresh(device)).toEqual(refused('unlock_required'))
    expect(await tokensOf(device)).toEqual(before)
    expect((await biometrics.unlock(device)).status).toBe(200)
    expect((await biometrics.refresh(device)).status).toBe(200)
  })

  it('stays unlocked while it is refreshed, up to twelve hours from the unlocking', async () => {
    let device = await biometrics.enrolled()
    await biometrics.wait(device, 60)
    const { body } = await biometrics.unlock(device)
    expect(await minutesUntil(body.unlockedUntil)).toBe(30)
    for (let minutes = 25; minutes <= 700; minutes += 25) {
      await biometrics.wait(device, 25)
      device = await goOn(device)
      expect(await minutesUntil(device.tokens.unlockedUntil)).toBe(Math.min(30, 720 - minutes))
    }
    await biometrics.wait(device, 19)
    device = await goOn(device)
    expect(await minutesUntil(device.tokens.unlockedUntil)).toBe(1)
    await biometrics.wait(device, 2)
    expect(await biometrics.refresh(device)).toEqual(refused('unlock_required'))
    expect((await biometrics.unlock(device)).status).toBe(200)
    expect(await minutesUntil((await goOn(device)).tokens.unlockedUntil)).toBe(30)
  })

  it('gives twelve hours to a login, too', async () => {
    let device = await biometrics.enrolled()
    for (let minutes = 29; minutes <= 696; minutes += 29) {
      await biometrics.wait(device, 29)
      device = await goOn(device)
    }
    await biometrics.wait(device, 25)
    expect(await biometrics.refresh(device)).toEqual(refused('unlock_required'))
  })

  it('is told its end before its lock', async () => {
    const device = await biometrics.unlocked()
    await biometrics.wait(device, 60 * 24 * 30)
    expect(await biometrics.refresh(device)).toEqual(refused('session_expired'))
  })

  it('ends when a used token comes back, locked or not', async () => {
    const device = await biometrics.unlocked()
    const next = await goOn(device)
    await biometrics.wait(device, 60)
    expect(await biometrics.refresh(device)).toEqual(refused('refresh_token_reused'))
    expect(await biometrics.refresh(next)).toEqual(refused('session_ended'))
  })

  it('gives the same successor within the grace, but not once it is locked', async () => {
    const device = await biometrics.unlocked()
    const [one, other] = [await goOn(device), await goOn(device)]
    expect(other.tokens.refreshToken).toBe(one.tokens.refreshToken)
    expect(other.tokens.unlockedUntil).toBe(one.tokens.unlockedUntil)
    await sql`update nokkel.session set authenticated_at = authenticated_at - interval '1 hour',
        unlocked_until = now() - interval '1 second' where id = ${device.claims.sid}::uuid`.execute(database.owner)
    expect(await biometrics.refresh(device)).toEqual(refused('unlock_required'))
  })

  it('is locked each for itself', async () => {
    const device = await biometrics.unlocked()
    const later = await biometrics.again(device)
    await biometrics.wait(device, 31)
    expect(await biometrics.refresh(device)).toEqual(refused('unlock_required'))
    expect(await minutesUntil((await goOn(later)).tokens.unlockedUntil)).toBe(30)
    expect((await biometrics.unlock(later)).status).toBe(200)
    expect(await biometrics.refresh(device)).toEqual(refused('unlock_required'))
  })

  it('is one only where the device is enrolled', async () => {
    const device = await biometrics.equipped()
    await biometrics.wait(device, 60 * 24)
    expect(await biometrics.refresh(device)).toMatchObject({ status: 200, body: { unlockedUntil: null } })
  })

  it('does not count a refusal as a refresh', async () => {
    const device = await biometrics.unlocked()
    await biometrics.wait(device, 31)
    await biometrics.refresh(device)
    const { rows } = await sql<{ due: boolean }>`
      select nokkel.unlock_due(${device.claims.sid}::uuid) as due`.execute(database.owner)
    expect(rows).toEqual([{ due: true }])
  })
})
