import * as contract from '@nokkel/contract'
import { decodeBase64Url, encodeBase64Url, generateDeviceKeys } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthenticator, type Misbehaviour } from '../../../../tools/testing/authenticator.ts'
import { type Biometrics, createBiometrics, type Unlockable } from '../../../../tools/testing/biometrics.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { type Answer, createLoginSystem, type LoginSystem, publicUrl } from '../../../../tools/testing/login.ts'
import { rateClass } from '../http/rate-limit.ts'

const someoneElse = 'likeperson-medlem-2'

describe.each(databaseEngines)('unlocking [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  let biometrics: Biometrics
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database, { allowedOrigins: ['http://localhost:5173', 'https://evil.example'] })
    biometrics = createBiometrics(database, system)
  })
  afterAll(async () => {
    await system.close()
    await database.close()
  })

  const refused = (code: string, status = 400) =>
    expect.objectContaining({ status, body: expect.objectContaining({ code }) })
  const codesOf = (answers: readonly Answer[]) => answers.map(({ status, body }) => body?.code ?? status).sort()
  const endSession = ({ claims }: Unlockable, reason: string) =>
    sql`update nokkel.session set ended_at = now(), ended_reason = ${reason} where id = ${claims.sid}::uuid`.execute(
      database.owner,
    )
  const recorded = async ({ claims }: Unlockable) => {
    const { rows } = await sql<{ outcome: string; problem: string | null }>`
      select outcome, problem from nokkel.audit_log
      where action = 'session.unlock' and subject_id = ${claims.sid} order by id desc limit 1`.execute(database.owner)
    return rows[0]
  }
  const credentialOf = async ({ deviceId }: Unlockable) => {
    const { rows } = await sql<{ count: string; used: boolean }>`
      select sign_count::text as count, last_used_at is not null as used from nokkel.webauthn_credential
      where device_id = ${deviceId}::uuid`.execute(database.owner)
    return rows[0]
  }

  describe('a challenge', () => {
    it('asks for a credential where there is none, made here and by a person who is verified', async () => {
      const device = await biometrics.enrolled()
      const { status, body } = await biometrics.challenge(device)
      expect(status).toBe(201)
      expect(body).toEqual({
        kind: 'create',
        options: {
          rp: { id: 'localhost', name: 'Nøkkel' },
          user: {
            id: expect.stringMatching(/^[\w-]{43}$/),
            name: expect.stringMatching(/^Nøkkel – org-[0-9a-f]{8}$/),
            displayName: expect.stringMatching(/^Nøkkel – org-[0-9a-f]{8}$/),
          },
          challenge: expect.stringMatching(/^[\w-]{43}$/),
          pubKeyCredParams: [
            { type: 'public-key', alg: -7 },
            { type: 'public-key', alg: -257 },
          ],
          timeout: 300_000,
          excludeCredentials: [],
          authenticatorSelection: {
            authenticatorAttachment: 'platform',
            residentKey: 'preferred',
            userVerification: 'required',
          },
          hints: ['client-device'],
          attestation: 'none',
        },
        expiresAt: expect.stringMatching(/Z$/),
      })
      expect(JSON.stringify(body)).not.toContain(device.id)
    })

    it('asks for the one of this device where there is one', async () => {
      const device = await biometrics.enrolled()
      const made = await biometrics.answer(device)
      expect((await biometrics.send(device, made)).status).toBe(200)
      expect((await biometrics.challenge(device)).body).toEqual({
        kind: 'get',
        options: {
          challenge: expect.stringMatching(/^[\w-]{43}$/),
          timeout: 300_000,
          rpId: 'localhost',
          allowCredentials: [{ type: 'public-key', id: made.id, transports: ['internal'] }],
          userVerification: 'required',
          hints: ['client-device'],
        },
        expiresAt: expect.stringMatching(/Z$/),
      })
    })

    it('is another one each time, of which only the hash is stored', async () => {
      const device = await biometrics.enrolled()
      const [one, other] = [await biometrics.challenged(device), await biometrics.challenged(device)]
      expect(one.options.challenge).not.toBe(other.options.challenge)
      const { rows } = await sql`select c::text as text from nokkel.webauthn_challenge c
        where session_id = ${device.claims.sid}::uuid`.execute(database.owner)
      expect(rows).toHaveLength(2)
      for (const { options } of [one, other]) {
        const hex = Buffer.from(decodeBase64Url(options.challenge)).toString('hex')
        expect(JSON.stringify(rows)).not.toContain(hex)
      }
    })

    it('is one of five of a session at most', async () => {
      const device = await biometrics.enrolled()
      const first = await biometrics.answer(device)
      for (let times = 0; times < 5; times++) await biometrics.challenged(device)
      const { rows } = await sql`select from nokkel.webauthn_challenge
        where session_id = ${device.claims.sid}::uuid`.execute(database.owner)
      expect(rows).toHaveLength(5)
      expect(await biometrics.send(device, first)).toEqual(refused('unlock_challenge_unknown'))
    })

    it('is given to all who ask at once', async () => {
      const device = await biometrics.enrolled()
      const answers = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => biometrics.challenge(device)))
      expect(codesOf(answers)).toEqual(answers.map(() => 201))
      const { rows } = await sql`select from nokkel.webauthn_challenge
        where session_id = ${device.claims.sid}::uuid`.execute(database.owner)
      expect(rows).toHaveLength(5)
    })

    it('tells nothing of a session to whoever lacks its key', async () => {
      const device = await biometrics.enrolled()
      const { signing } = await generateDeviceKeys()
      const unknown = await system.request('POST', '/nokkel/session/unlock/challenges', {
        signing,
        body: { sessionId: crypto.randomUUID() },
      })
      const ended = await biometrics.enrolled(someoneElse)
      await endSession(ended, 'merged')
      for (const answer of [await biometrics.challenge(device, signing), await biometrics.challenge(ended, signing)]) {
        expect(answer).toEqual(refused('session_ended', 401))
        expect({ ...answer.body, request_id: '' }).toEqual({ ...unknown.body, request_id: '' })
      }
    })

    it('is not given without a proof, nor with one of another request', async () => {
      const device = await biometrics.enrolled()
      const body = { sessionId: device.claims.sid }
      const path = '/nokkel/session/unlock/challenges'
      expect(await system.request('POST', path, { body })).toEqual(refused('dpop_proof_invalid', 401))
      const { accessToken: token } = device.tokens
      expect(await system.request('POST', path, { body, token })).toEqual(refused('dpop_proof_invalid', 401))
      const headers = { dpop: 'a.b.c' }
      expect(await system.request('POST', path, { body, headers })).toEqual(refused('dpop_proof_invalid', 401))
    })

    it('is not given where nothing is enrolled', async () => {
      const device = await biometrics.equipped()
      expect(await biometrics.challenge(device)).toEqual(refused('biometrics_not_enrolled', 409))
    })
  })

  describe('with the first credential', () => {
    it('unlocks, and the device has it from then on', async () => {
      const device = await biometrics.enrolled()
      await biometrics.wait(device, 40)
      const { status, body } = await biometrics.unlock(device)
      expect(status).toBe(200)
      expect(body).toEqual({ unlockedUntil: expect.stringMatching(/Z$/) })
      expect(await recorded(device)).toEqual({ outcome: 'allowed', problem: null })
      expect(await biometrics.enrollment(device)).toMatchObject({
        credential: { createdAt: expect.stringMatching(/Z$/), lastUsedAt: null, backedUp: false },
      })
      expect(await biometrics.refresh(device)).toMatchObject({ status: 200 })
    })

    it('is taken from another page of the host, and with a key of RSA', async () => {
      const device = {
        ...(await biometrics.enrolled()),
        authenticator: createAuthenticator({ origin: publicUrl, algorithm: 'RS256' }),
      }
      expect((await biometrics.unlock(device, { origin: 'http://localhost:5173' })).status).toBe(200)
      expect((await biometrics.unlock(device)).status).toBe(200)
    })

    it('is made once, when two tabs make one at the same time', async () => {
      const device = await biometrics.enrolled()
      const tabs = [device, { ...device, authenticator: createAuthenticator({ origin: publicUrl }) }]
      const made = await Promise.all(tabs.map((tab) => biometrics.answer(tab)))
      const answers = await Promise.all(made.map((credential) => biometrics.send(device, credential)))
      expect(codesOf(answers)).toEqual([200, 'unlock_challenge_unknown'])
      const winner = tabs[answers.findIndex(({ status }) => status === 200)] as Unlockable
      const loser = tabs.find((tab) => tab !== winner) as Unlockable
      expect((await biometrics.unlock(winner)).status).toBe(200)
      await expect(biometrics.unlock(loser)).rejects.toThrow('NotAllowed')
    })

    it('is refused when it is already that of another device', async () => {
      const theirs = await biometrics.enrolled(someoneElse)
      expect((await biometrics.unlock(theirs)).status).toBe(200)
      const mine = await biometrics.enrolled()
      const again = await biometrics.answer(mine)
      await sql`update nokkel.webauthn_credential set credential_id = ${decodeBase64Url(again.id)}
        where device_id = ${theirs.deviceId}::uuid`.execute(database.owner)
      expect(await biometrics.send(mine, again)).toEqual(refused('unlock_failed'))
      expect(await biometrics.enrollment(mine)).toMatchObject({ credential: null })
    })
  })

  describe('with a known credential', () => {
    it('unlocks, and counts', async () => {
      const device = await biometrics.unlocked()
      expect(await credentialOf(device)).toEqual({ count: '1', used: false })
      expect((await biometrics.unlock(device)).status).toBe(200)
      expect(await credentialOf(device)).toEqual({ count: '2', used: true })
    })

    it('unlocks in two tabs at once, whichever answer comes first', async () => {
      const device = await biometrics.unlocked()
      const challenges = [await biometrics.challenged(device), await biometrics.challenged(device)]
      const [first, second] = [
        await device.authenticator.answer(challenges[0] as contract.UnlockChallenge),
        await device.authenticator.answer(challenges[1] as contract.UnlockChallenge),
      ]
      expect((await biometrics.send(device, second)).status).toBe(200)
      expect((await biometrics.send(device, first)).status).toBe(200)
      expect(await credentialOf(device)).toEqual({ count: '3', used: true })
      const more = [await biometrics.answer(device), await biometrics.answer(device)]
      const answers = await Promise.all(more.map((credential) => biometrics.send(device, credential)))
      expect(codesOf(answers)).toEqual([200, 200])
      expect(await credentialOf(device)).toEqual({ count: '5', used: true })
    })

    it('learns that it has been copied meanwhile, where it may be', async () => {
      const device = await biometrics.enrolled()
      expect((await biometrics.unlock(device, { backup: { eligible: true, state: false } })).status).toBe(200)
      expect(await biometrics.enrollment(device)).toMatchObject({ credential: { backedUp: false } })
      expect((await biometrics.unlock(device, { backup: { eligible: true, state: true } })).status).toBe(200)
      expect(await biometrics.enrollment(device)).toMatchObject({ credential: { backedUp: true } })
    })
  })

  describe('is refused', () => {
    const misbehaviours: [string, Misbehaviour][] = [
      ['of another origin', { origin: 'https://evil.example' }],
      ['of another relying party', { rpId: 'evil.example' }],
      ['without verification', { userVerified: false }],
      ['in a frame of another page', { crossOrigin: true, topOrigin: 'https://evil.example' }],
      ['with another id', { id: encodeBase64Url(new Uint8Array(32)) }],
    ]
    it.each(misbehaviours)(
      'by an answer %s, to a first and a known credential; the challenge is spent',
      async (_, how) => {
        for (const make of [biometrics.enrolled, biometrics.unlocked]) {
          const device = await make()
          const before = await credentialOf(device)
          const answer = await biometrics.answer(device, how)
          expect(await biometrics.send(device, answer)).toEqual(refused('unlock_failed'))
          expect(await recorded(device)).toEqual({ outcome: 'refused', problem: 'unlock_failed' })
          expect(await biometrics.send(device, answer)).toEqual(refused('unlock_challenge_unknown'))
          expect(await recorded(device)).toEqual({ outcome: 'refused', problem: 'unlock_challenge_unknown' })
          expect(await credentialOf(device)).toEqual(before)
        }
      },
    )

    it('by a changed signature', async () => {
      const device = await biometrics.unlocked()
      const { response, ...rest } = await biometrics.answer(device)
      const bytes = decodeBase64Url(response.signature ?? '')
      bytes[20] = (bytes[20] ?? 0) ^ 1
      const answer = { ...rest, response: { ...response, signature: encodeBase64Url(bytes) } }
      expect(await biometrics.send(device, answer)).toEqual(refused('unlock_failed'))
    })

    it('by a credential whose count has not gone on', async () => {
      const device = await biometrics.unlocked()
      expect((await biometrics.unlock(device, { signCount: 9 })).status).toBe(200)
      expect(await biometrics.unlock(device, { signCount: 9 })).toEqual(refused('unlock_failed'))
      expect(await biometrics.unlock(device, { signCount: 8 })).toEqual(refused('unlock_failed'))
      expect((await biometrics.unlock(device, { signCount: 10 })).status).toBe(200)
    })

    it('by the same answer again', async () => {
      for (const make of [biometrics.enrolled, biometrics.unlocked]) {
        const device = await make()
        const answer = await biometrics.answer(device)
        const answers = await Promise.all([1, 2].map(() => biometrics.send(device, answer)))
        expect(codesOf(answers)).toEqual([200, 'unlock_challenge_unknown'])
        expect(await biometrics.send(device, answer)).toEqual(refused('unlock_challenge_unknown'))
      }
    })

    it('by an answer after five minutes', async () => {
      const device = await biometrics.unlocked()
      const answer = await biometrics.answer(device)
      await biometrics.wait(device, 5)
      expect(await biometrics.send(device, answer)).toEqual(refused('unlock_challenge_unknown'))
      expect((await biometrics.unlock(device)).status).toBe(200)
    })

    it('by an answer to another challenge than was given, or to none', async () => {
      const device = await biometrics.unlocked()
      const made = encodeBase64Url(crypto.getRandomValues(new Uint8Array(32)))
      expect(await biometrics.unlock(device, { challenge: made })).toEqual(refused('unlock_challenge_unknown'))
      const answer = await biometrics.answer(device)
      const text = (json: string) => encodeBase64Url(new TextEncoder().encode(json))
      for (const clientDataJSON of [text('{'), text('{"challenge":""}'), text('{"type":"webauthn.get"}')]) {
        const response = { ...answer.response, clientDataJSON }
        expect(await biometrics.send(device, { ...answer, response })).toEqual(refused('unlock_challenge_unknown'))
      }
    })

    it('by an answer to the challenge of another session', async () => {
      const device = await biometrics.unlocked()
      const later = await biometrics.again(device)
      const answer = await biometrics.answer(device)
      expect(await biometrics.send(later, answer)).toEqual(refused('unlock_challenge_unknown'))
      expect((await biometrics.send(device, answer)).status).toBe(200)
    })

    it('by an answer of the other kind', async () => {
      const known = await biometrics.unlocked()
      const asked = await biometrics.challenged(known)
      const { options } = await biometrics.challenged(await biometrics.enrolled(someoneElse))
      const made = await createAuthenticator({ origin: publicUrl }).create({ ...options, ...asked.options })
      expect(await biometrics.send(known, made)).toEqual(refused('unlock_failed'))

      const device = await biometrics.enrolled()
      const { options: creation } = await biometrics.challenged(device)
      const { id } = await device.authenticator.create(creation)
      const second = await biometrics.challenged(device)
      const got = await device.authenticator.get({ ...second.options, rpId: 'localhost', allowCredentials: [{ id }] })
      expect(await biometrics.send(device, got)).toEqual(refused('unlock_failed'))
      expect(await biometrics.enrollment(device)).toMatchObject({ credential: null })
    })

    it('by the credential of somebody else', async () => {
      const theirs = await biometrics.unlocked(someoneElse)
      const mine = await biometrics.unlocked()
      const { options } = await biometrics.challenged(mine)
      const { allowCredentials } = (await biometrics.challenged(theirs)).options
      const answer = await theirs.authenticator.get({ ...options, allowCredentials })
      expect(await biometrics.send(mine, answer)).toEqual(refused('unlock_failed'))
    })

    it('without the key of the session', async () => {
      const device = await biometrics.unlocked()
      const answer = await biometrics.answer(device)
      const { signing } = await generateDeviceKeys()
      expect(await biometrics.send(device, answer, signing)).toEqual(refused('session_ended', 401))
      const body = { sessionId: device.claims.sid, credential: answer }
      expect(await system.request('POST', '/nokkel/session/unlock', { body })).toEqual(
        refused('dpop_proof_invalid', 401),
      )
      expect((await biometrics.send(device, answer)).status).toBe(200)
    })

    it('of a session that is not there', async () => {
      const device = await biometrics.unlocked()
      const answer = await biometrics.answer(device)
      const stranger = { ...device, claims: { ...device.claims, sid: crypto.randomUUID() } }
      expect(await biometrics.send(stranger, answer)).toEqual(refused('session_ended', 401))
    })

    it.each([
      ['signed_out', 'session_ended'],
      ['revoked', 'session_ended'],
      ['reuse', 'session_ended'],
      ['merged', 'account_merged'],
    ])('in a session that is %s, as its reason says', async (reason, code) => {
      const device = await biometrics.unlocked()
      const answer = await biometrics.answer(device)
      await endSession(device, reason)
      expect(await biometrics.challenge(device)).toEqual(refused(code, 401))
      expect(await biometrics.send(device, answer)).toEqual(refused(code, 401))
      expect(await recorded(device)).toEqual({ outcome: 'refused', problem: code })
      expect(await biometrics.refresh(device)).toEqual(refused(code, 401))
    })

    it('in a session that is past its end', async () => {
      const device = await biometrics.unlocked()
      const answer = await biometrics.answer(device)
      await sql`update nokkel.session set expires_at = now() where id = ${device.claims.sid}::uuid`.execute(
        database.owner,
      )
      expect(await biometrics.challenge(device)).toEqual(refused('session_expired', 401))
      expect(await biometrics.send(device, answer)).toEqual(refused('session_expired', 401))
    })

    it('when the device was revoked or replaced meanwhile', async () => {
      for (const code of ['device_revoked', 'device_superseded']) {
        const device = await biometrics.unlocked()
        const { accessToken: token } = device.tokens
        const answer = await biometrics.answer(device)
        if (code === 'device_superseded') await biometrics.equipped()
        else expect((await system.request('DELETE', `/nokkel/devices/${device.deviceId}`, { token })).status).toBe(204)
        expect(await biometrics.send(device, answer)).toEqual(refused(code, 401))
        expect(await biometrics.challenge(device)).toEqual(refused(code, 401))
      }
    })

    it('or not, when the device is revoked at the same time; it is not enrolled then', async () => {
      const device = await biometrics.enrolled()
      const { accessToken: token } = device.tokens
      const answer = await biometrics.answer(device)
      const [unlocked, revoked] = await Promise.all([
        biometrics.send(device, answer),
        system.request('DELETE', `/nokkel/devices/${device.deviceId}`, { token }),
      ])
      expect(revoked.status).toBe(204)
      expect([200, 'device_revoked']).toContain(unlocked.body.code ?? unlocked.status)
      expect(await credentialOf(device)).toBeUndefined()
      expect(await biometrics.refresh(device)).toEqual(refused('device_revoked', 401))
    })

    it('when the person was erased meanwhile', async () => {
      const device = await biometrics.unlocked('hjertelaget-koordinator')
      const answer = await biometrics.answer(device)
      await sql`insert into nokkel.erased_token (hash, session_id, expires_at)
        select t.hash, t.session_id, s.expires_at from nokkel.refresh_token t join nokkel.session s on s.id = t.session_id
        where s.id = ${device.claims.sid}::uuid`.execute(database.owner)
      await sql`delete from public.app_user where auth_user_id = ${device.id}::uuid`.execute(database.owner)
      expect(await biometrics.send(device, answer)).toEqual(refused('account_erased', 401))
      expect(await biometrics.challenge(device)).toEqual(refused('account_erased', 401))
      expect(await biometrics.refresh(device)).toEqual(refused('account_erased', 401))
    })

    it('when the enrolment was ended, or made anew, meanwhile', async () => {
      const device = await biometrics.unlocked()
      const answer = await biometrics.answer(device)
      expect((await biometrics.remove(device)).status).toBe(204)
      expect(await biometrics.send(device, answer)).toEqual(refused('biometrics_not_enrolled', 409))
      expect((await biometrics.enroll(device)).status).toBe(201)
      expect(await biometrics.send(device, answer)).toEqual(refused('unlock_challenge_unknown'))

      const other = await biometrics.enrolled(someoneElse)
      const made = await biometrics.answer(other)
      expect((await biometrics.remove(other)).status).toBe(204)
      expect((await biometrics.enroll(other)).status).toBe(201)
      expect(await biometrics.send(other, made)).toEqual(refused('unlock_challenge_unknown'))
    })
  })

  it.each([contract.createUnlockChallenge, contract.unlockSession])(
    'takes no other body at $path',
    async (operation) => {
      const { signing } = await generateDeviceKeys()
      const send = (body: unknown) => system.request('POST', operation.path, { signing, body })
      expect(await send({ filler: 'x'.repeat(70_000) })).toEqual(refused('body_too_large', 413))
      const credential = await createAuthenticator({ origin: publicUrl }).create({
        challenge: 'AA',
        rp: { id: 'localhost' },
        user: { id: 'AA' },
        pubKeyCredParams: [{ alg: -7 }],
      })
      const whole = { sessionId: crypto.randomUUID(), credential }
      const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`
      for (const body of [
        {},
        [],
        { ...whole, more: 1 },
        { ...whole, sessionId: 'x' },
        { ...whole, sessionId: undefined },
        { sessionId: whole.sessionId, credential: { ...credential, clientExtensionResults: { prf: { results: {} } } } },
        { sessionId: whole.sessionId, credential: { ...credential, type: 'password' } },
        { sessionId: whole.sessionId, credential: { ...credential, response: { clientDataJSON: 'x'.repeat(9000) } } },
        { sessionId: whole.sessionId, credential: { ...credential, response: { ...credential.response, more: 'x' } } },
        `{"sessionId":"${whole.sessionId}","credential":{"response":{"x":${deep}}}}`,
      ]) {
        expect(await send(body)).toEqual(refused('request_malformed'))
      }
    },
  )

  it('is counted with the refreshes', () => {
    expect(rateClass(contract.createUnlockChallenge)).toBe('refresh')
    expect(rateClass(contract.unlockSession)).toBe('refresh')
    expect(rateClass(contract.enrollBiometrics)).toBe('write')
  })

  it('leaves nothing of what was answered in the log', async () => {
    const device = await biometrics.enrolled()
    const answer = await biometrics.answer(device, { origin: 'https://evil.example' })
    await biometrics.send(device, answer)
    const told = JSON.stringify(system.logged)
    for (const secret of [answer.id, answer.response.clientDataJSON, 'evil.example', device.claims.sid]) {
      expect(told).not.toContain(secret)
    }
  })

  it('forgets challenges that have expired', async () => {
    const device = await biometrics.enrolled()
    const later = await biometrics.again(device)
    for (const session of [device, later]) await biometrics.challenged(session)
    await biometrics.wait(device, 6)
    const sweep = () => sql<{ swept: number }>`select nokkel.sweep_biometrics() as swept`.execute(database.owner)
    expect((await sweep()).rows[0]?.swept).toBeGreaterThan(0)
    expect((await sweep()).rows).toEqual([{ swept: 0 }])
    const { rows } = await sql`select from nokkel.webauthn_challenge
      where session_id = any (${[device.claims.sid, later.claims.sid]}::uuid[])`.execute(database.owner)
    expect(rows).toHaveLength(1)
  })
})
