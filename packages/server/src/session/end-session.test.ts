import { generateDeviceKeys } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Biometrics, createBiometrics, type Unlockable } from '../../../../tools/testing/biometrics.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoginSystem, type LoginSystem } from '../../../../tools/testing/login.ts'

describe.each(databaseEngines)('ending a session by its key [%s]', (engine) => {
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

  const end = (sessionId: string, signing?: CryptoKeyPair) =>
    system.request('POST', '/nokkel/session/end', { body: { sessionId }, ...(signing && { signing }) })
  const reasonOf = async ({ claims }: Unlockable) => {
    const { rows } = await sql<{ reason: string | null; endedAt: Date | null }>`
      select ended_reason as reason, ended_at as "endedAt" from nokkel.session where id = ${claims.sid}::uuid`.execute(
      database.owner,
    )
    return rows[0]
  }
  const refused = (code: string, status = 401) =>
    expect.objectContaining({ status, body: expect.objectContaining({ code }) })

  it('ends one that is locked, for whoever has its refresh or access token, too', async () => {
    const device = await biometrics.unlocked()
    await biometrics.wait(device, 31)
    expect(await biometrics.refresh(device)).toEqual(refused('unlock_required'))
    expect((await end(device.claims.sid, device.keys.signing)).status).toBe(204)
    expect(await reasonOf(device)).toMatchObject({ reason: 'signed_out' })
    expect(await biometrics.refresh(device)).toEqual(refused('session_ended'))
    expect(await biometrics.challenge(device)).toEqual(refused('session_ended'))
    const { accessToken: token } = device.tokens
    expect(await system.request('GET', '/nokkel/me', { token })).toEqual(refused('session_ended'))
  })

  it('leaves that of another key as it is, and answers the same', async () => {
    const device = await biometrics.unlocked()
    const later = await biometrics.again(device)
    const thief = (await generateDeviceKeys()).signing
    const answers = [
      await end(device.claims.sid, thief),
      await end(crypto.randomUUID(), thief),
      await end(device.claims.sid, device.keys.signing),
      await end(device.claims.sid, device.keys.signing),
    ]
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(answers[0]).toMatchObject({ status: 204 })
    expect(await reasonOf(later)).toEqual({ reason: null, endedAt: null })
    expect((await biometrics.refresh(later)).status).toBe(200)
  })

  it('does not change why or when one has ended', async () => {
    const device = await biometrics.unlocked()
    await sql`update nokkel.session set ended_at = now() - interval '1 day', ended_reason = 'reuse'
      where id = ${device.claims.sid}::uuid`.execute(database.owner)
    const before = await reasonOf(device)
    await end(device.claims.sid, device.keys.signing)
    expect(await reasonOf(device)).toEqual(before)
  })

  it('needs a proof, and a session in the request', async () => {
    const device = await biometrics.unlocked()
    expect(await end(device.claims.sid)).toEqual(refused('dpop_proof_invalid'))
    expect(await end('all', device.keys.signing)).toEqual(refused('request_malformed', 400))
    expect(await reasonOf(device)).toEqual({ reason: null, endedAt: null })
  })
})
