import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthenticator, type Misbehaviour } from '../../../../tools/testing/authenticator.ts'
import { type RealServer, startRealServer } from '../../../../tools/testing/real-server.ts'
import { NokkelError } from '../errors.ts'
import { createMutex } from '../lock/lock.ts'
import type { Nokkel } from '../nokkel.ts'
import type { SessionRecord } from '../session/auth-token-store.ts'
import { memoryStorage } from '../storage/memory-storage.ts'
import type { BiometricAuthenticator } from './biometric-authenticator.ts'

/** A platform authenticator that the person answers as told. */
function authenticatorOf(origin: string) {
  const device = createAuthenticator({ origin })
  const told: { misbehaviour?: Misbehaviour } = {}
  const answer = async (credential: ReturnType<typeof device.create>) => {
    return credential.then(
      (made) => ({ credential: made }),
      (cause: unknown) => Promise.reject(new NokkelError('biometrics_cancelled', { cause })),
    )
  }
  const authenticator: BiometricAuthenticator = {
    isAvailable: async () => true,
    create: (options) => answer(device.create(options, told.misbehaviour)),
    get: (options) => answer(device.get(options, told.misbehaviour)),
  }
  return { authenticator, told }
}

async function settled({ auth, keys, userKeys, rfx }: Nokkel): Promise<void> {
  expect(auth.getSnapshot().status).toBe('signed_in')
  await keys.settled()
  await userKeys.settled()
  await rfx.settled()
}

describe('biometrics against the real server', () => {
  let real: RealServer
  beforeAll(async () => {
    real = await startRealServer()
  })
  afterAll(() => real.close())

  async function enrolled(person: string) {
    const { authenticator, told } = authenticatorOf(real.origin)
    const [storage, lock] = [memoryStorage(), createMutex()]
    const open = (options = {}) => {
      return real.createDevice({ organization: 'fjordhjelpen', authenticator, storage, lock, ...options })
    }
    const device = open()
    await device.logIn(person)
    const id = device.nokkel.auth.getSnapshot().me?.id ?? ''
    expect(await device.nokkel.biometrics.shouldPrompt(id)).toBe(true)
    const state = await device.nokkel.biometrics.enrollBiometrics(id)
    expect(state).toMatchObject({ status: 'enrolled', record: { userId: id } })
    const session = async () => (await storage.get('session_v1')) as SessionRecord
    /** Lets time pass for what is stored here and there. */
    const wait = async (minutes: number) => {
      const record = await session()
      const earlier = (time: string) => new Date(Date.parse(time) - minutes * 60_000).toISOString()
      await storage.put('session_v1', {
        ...record,
        accessTokenExpiresAt: earlier(record.accessTokenExpiresAt),
        unlockedUntil: typeof record.unlockedUntil === 'string' ? earlier(record.unlockedUntil) : null,
      })
      const passed = sql`${minutes}::integer * interval '1 minute'`
      await sql`update nokkel.session set authenticated_at = authenticated_at - ${passed}, unlocked_at = unlocked_at - ${passed},
        unlocked_until = unlocked_until - ${passed}, expires_at = expires_at - ${passed}
        where id = ${record.sessionId}::uuid`.execute(real.database.owner)
    }
    return { ...device, id, told, open, wait, session }
  }

  it('makes the credential at the first unlocking, uses it at the next, and slides with every refresh', async () => {
    const { nokkel, wait, open, session } = await enrolled('fjordhjelpen-medlem-1')
    expect(await nokkel.biometrics.enrollment()).toMatchObject({ credential: null })
    await wait(31)
    await expect(nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'locked', lastProvider: 'vipps' })
    await nokkel.biometrics.unlock()
    await settled(nokkel)
    expect(await nokkel.biometrics.enrollment()).toMatchObject({ credential: { backedUp: false } })
    for (const minutes of [20, 20]) {
      await wait(minutes)
      const { unlockedUntil } = await session()
      await nokkel.auth.accessToken()
      expect(Date.parse((await session()).unlockedUntil ?? '')).toBeGreaterThan(Date.parse(unlockedUntil ?? ''))
    }
    await wait(31)
    const { nokkel: next } = open()
    await next.start()
    expect(next.auth.getSnapshot().status).toBe('locked')
    await next.biometrics.unlock()
    await settled(next)
    expect((await next.biometrics.enrollment())?.credential?.lastUsedAt).toBeTruthy()
  })

  it('stays locked for a person who was not verified, or an answer of another page', async () => {
    const { nokkel, told, wait } = await enrolled('fjordhjelpen-medlem-2')
    await wait(31)
    await expect(nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    for (const misbehaviour of [{ userVerified: false }, { origin: 'https://evil.example' }, { challenge: 'AAAA' }]) {
      told.misbehaviour = misbehaviour
      const code = 'challenge' in misbehaviour ? /^unlock_/ : /^unlock_failed$/
      const failed = { code: expect.stringMatching(code) }
      await expect(nokkel.biometrics.unlock()).rejects.toMatchObject(failed)
      expect(nokkel.auth.getSnapshot()).toMatchObject({ status: 'locked', reason: failed.code })
    }
    delete told.misbehaviour
    await nokkel.biometrics.unlock()
    await settled(nokkel)
  })

  it('is enrolled on the device still after the next login there, and renewed under it', async () => {
    const { nokkel, logIn, id, wait, open } = await enrolled('fjordhjelpen-koordinator')
    await wait(31)
    await expect(nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    await nokkel.biometrics.unlock()
    await settled(nokkel)
    const lost = authenticatorOf(real.origin)
    const other = open({ authenticator: lost.authenticator })
    await wait(31)
    await other.nokkel.start()
    await expect(other.nokkel.biometrics.unlock()).rejects.toMatchObject({ code: 'biometrics_cancelled' })
    await logIn('fjordhjelpen-koordinator')
    await settled(nokkel)
    expect(await nokkel.biometrics.shouldPrompt(id)).toBe(false)
    expect(await nokkel.biometrics.enrollBiometrics(id)).toEqual({ status: 'enrolled' })
    expect(await nokkel.biometrics.enrollment()).toMatchObject({ credential: { backedUp: false } })
    await nokkel.biometrics.enrollBiometrics(id, { renew: true })
    expect(await nokkel.biometrics.enrollment()).toMatchObject({ credential: null })
    await wait(31)
    const { nokkel: next } = open({ authenticator: lost.authenticator })
    await next.start()
    await next.biometrics.unlock()
    await settled(next)
  })

  it('is removed under an unlocking, and the session goes on without', async () => {
    const { nokkel, id, wait, session } = await enrolled('administrator')
    await wait(31)
    await expect(nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    await nokkel.biometrics.unlock()
    await settled(nokkel)
    await nokkel.biometrics.removeBiometrics()
    expect(await nokkel.biometrics.enrollment()).toBeNull()
    expect(await nokkel.biometrics.isBiometricEnrolled(id)).toBe(false)
    await wait(45)
    await expect(nokkel.auth.accessToken()).resolves.toBeTruthy()
    expect((await session()).unlockedUntil).toBeNull()
  })

  it('is signed out of while it is locked, at the server, too', async () => {
    const { nokkel, session, wait } = await enrolled('fjordhjelpen-medlem-1')
    await wait(31)
    await expect(nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    const { sessionId } = await session()
    await nokkel.auth.signOut()
    const { rows } = await sql`select ended_reason as reason from nokkel.session where id = ${sessionId}::uuid`.execute(
      real.database.owner,
    )
    expect(rows).toEqual([{ reason: 'signed_out' }])
    expect(await session()).toBeUndefined()
  })

  it('goes on without where the server has forgotten it', async () => {
    const { nokkel, id, wait } = await enrolled('ny-person')
    await wait(31)
    await expect(nokkel.auth.accessToken()).rejects.toMatchObject({ code: 'locked' })
    await sql`delete from nokkel.biometric_enrollment where user_id = ${id}::uuid`.execute(real.database.owner)
    await nokkel.biometrics.unlock()
    await settled(nokkel)
    expect(await nokkel.biometrics.isBiometricEnrolled(id)).toBe(false)
  })
})
