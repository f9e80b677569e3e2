import * as contract from '@nokkel/contract'
import { createDpopProof } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../tools/testing/api.ts'
import { createAuthenticator } from '../../tools/testing/authenticator.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import type { Equipped } from '../../tools/testing/people.ts'
import { callsOf } from './testing/calls.ts'
import { createPair, type Pair } from './testing/pair.ts'

const publicUrl = 'http://localhost:3000'

describe.each(databaseEngines)('a merge of accounts with enrolled devices [%s]', { timeout: 60_000 }, (engine) => {
  let database: TestDatabase
  let api: TestApi
  let pair: Pair
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })
  beforeEach(async () => {
    pair = await createPair(database, api)
  })

  const merge = () => callsOf(api).merge(pair)
  const undo = () => callsOf(api).undo(pair)
  const enrollment = ({ claims }: Equipped) => api.call(contract.getBiometricEnrollment, claims)
  async function byKey(operation: contract.Operation, { claims, keys }: Equipped, body: object = {}) {
    const { path, method } = operation
    const options = {
      signer: keys.signing,
      method: method.toUpperCase(),
      url: `${publicUrl}${path}`,
      now: () => new Date(),
    }
    const headers = { dpop: await createDpopProof(options) }
    return api.call(operation, undefined, { headers, body: { sessionId: claims.sid, ...body } })
  }
  const challenge = (person: Equipped) => byKey(contract.createUnlockChallenge, person)
  async function unlock(person: Equipped, authenticator: ReturnType<typeof createAuthenticator>) {
    const { body } = await challenge(person)
    return byKey(contract.unlockSession, person, { credential: await authenticator.answer(body) })
  }
  /** Enrolled, with a credential. */
  async function enroll(person: Equipped) {
    const authenticator = createAuthenticator({ origin: publicUrl })
    expect(await api.call(contract.enrollBiometrics, person.claims)).toMatchObject({ status: 201 })
    expect(await unlock(person, authenticator)).toMatchObject({ status: 200 })
    return authenticator
  }

  it('leaves those of the account that goes unlocking nothing, and its undo brings them back', async () => {
    const [mine, theirs] = [await enroll(pair.survivor), await enroll(pair.other)]
    const before = await enrollment(pair.other)
    expect(before.body).toMatchObject({ enrollment: { credential: expect.anything() } })
    const given = (await challenge(pair.other)).body

    expect(await merge()).toMatchObject({ status: 200 })
    const merged = { status: 401, code: 'account_merged' }
    expect(await challenge(pair.other)).toMatchObject(merged)
    const credential = await theirs.answer(given)
    expect(await byKey(contract.unlockSession, pair.other, { credential })).toMatchObject(merged)
    expect(await enrollment(pair.other)).toMatchObject(merged)
    expect((await enrollment(pair.survivor)).body.enrollment).toMatchObject({ deviceId: pair.survivor.deviceId })
    expect(await unlock(pair.survivor, mine)).toMatchObject({ status: 200 })

    expect(await undo()).toMatchObject({ status: 200 })
    expect(await enrollment(pair.other)).toEqual(before)
    expect((await challenge(pair.other)).body).toMatchObject({ kind: 'get' })
    expect(await unlock(pair.other, theirs)).toMatchObject({ status: 200 })
    expect(await unlock(pair.survivor, mine)).toMatchObject({ status: 200 })
  })

  it('locks what its undo brings back, if the time has passed meanwhile', async () => {
    const theirs = await enroll(pair.other)
    expect(await merge()).toMatchObject({ status: 200 })
    expect(await undo()).toMatchObject({ status: 200 })
    const due = async () =>
      (
        await sql<{ due: boolean }>`select nokkel.unlock_due(${pair.other.claims.sid}::uuid) as due`.execute(
          database.owner,
        )
      ).rows
    expect(await due()).toEqual([{ due: false }])
    await sql`update nokkel.session set authenticated_at = authenticated_at - interval '1 day',
        unlocked_at = unlocked_at - interval '1 day', unlocked_until = unlocked_until - interval '1 day'
      where id = ${pair.other.claims.sid}::uuid`.execute(database.owner)
    expect(await due()).toEqual([{ due: true }])
    expect(await unlock(pair.other, theirs)).toMatchObject({ status: 200 })
    expect(await due()).toEqual([{ due: false }])
  })

  it('does not bring them back where the person has removed a device meanwhile', async () => {
    await enroll(pair.other)
    expect(await merge()).toMatchObject({ status: 200 })
    const { deviceId } = pair.survivor
    expect(await api.call(contract.revokeDevice, pair.survivor.claims, { params: { id: deviceId } })).toMatchObject({
      status: 204,
    })
    expect(await undo()).toMatchObject({ status: 200 })
    expect(await challenge(pair.other)).toMatchObject({ status: 401 })
    expect(await enrollment(pair.other)).toMatchObject({ status: 401 })
  })
})
