import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoginSystem, type LoginSystem } from '../../../../tools/testing/login.ts'

describe.each(databaseEngines)('login [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database)
  })
  afterEach(() => {
    system.sandbox.setScenario('bankid', null)
    system.sandbox.setScenario('vipps', null)
  })
  afterAll(async () => {
    await system.close()
    await database.close()
  })

  async function state(): Promise<unknown> {
    const { rows } = await sql`
      select (select count(*)::int from public.app_user) as people,
        (select count(*)::int from public.external_identity) as identities,
        (select count(*)::int from public.organization_member) as members,
        (select count(*)::int from nokkel.session) as sessions,
        (select count(*)::int from nokkel.refresh_token) as tokens`.execute(database.owner)
    return rows[0]
  }

  const refused = (code: string, status = 400) =>
    expect.objectContaining({ status, body: expect.objectContaining({ code }) })

  describe.each(['bankid', 'vipps'] as const)('with %s', (provider) => {
    it('opens a session that works', async () => {
      const login = await system.begin(provider)
      const { status, body } = await system.complete(login, await system.visit(login))
      expect(status).toBe(200)
      const me = await system.request('GET', '/nokkel/me', { token: body.tokens.accessToken })
      expect(me).toMatchObject({
        status: 200,
        body: {
          id: body.userId,
          name: 'Kari Nordmann',
          role: 'member',
          session: { id: body.tokens.sessionId, provider },
          organization: { slug: system.organization },
          personnummerVerified: true,
        },
      })
    })

    it('knows who comes back', async () => {
      const first = await system.logIn(provider)
      const second = await system.logIn(provider)
      expect(second).toMatchObject({ userId: first.userId, outcome: 'signed_in' })
      expect(second.tokens.sessionId).not.toBe(first.tokens.sessionId)
    })

    it('takes a completion once, also of two at the same time', async () => {
      const login = await system.begin(provider)
      const callback = await system.visit(login)
      const answers = await Promise.all([1, 2, 3].map(() => system.complete(login, callback)))
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400])
      const before = await state()
      expect(await system.complete(login, callback)).toEqual(refused('login_unknown'))
      expect(await state()).toEqual(before)
    })

    it.each([
      ['provider', () => ({ provider: provider === 'bankid' ? 'vipps' : 'bankid' })],
      ['organization', () => ({ organization: 'another' })],
      ['verifier', () => ({ codeVerifier: 'A'.repeat(43) })],
      ['nonce', () => ({ nonce: 'A'.repeat(43) })],
    ])('refuses another %s, and asks the provider nothing', async (_, changes) => {
      const login = await system.begin(provider)
      const callback = await system.visit(login)
      const before = await state()
      expect(await system.complete(login, callback, changes())).toEqual(refused('login_mismatch'))
      expect(await system.complete(login, callback)).toEqual(refused('login_unknown'))
      expect(await state()).toEqual(before)
    })

    it.each([
      ['of another login', async (callback: string) => callback.replace(/state=[^&]+/, `state=${'A'.repeat(43)}`)],
      ['without a state', async (callback: string) => callback.replace(/&?state=[^&]+/, '')],
      ['with two states', async (callback: string) => `${callback}&state=x`],
      ['with two codes', async (callback: string) => `${callback}&code=x`],
      ['without a code', async (callback: string) => callback.replace(/&?code=[^&]+/, '')],
      ['that is empty', async () => ''],
    ])('refuses a callback %s', async (_, change) => {
      const login = await system.begin(provider)
      const callback = await change(await system.visit(login))
      const before = await state()
      expect(await system.complete(login, callback)).toEqual(refused('login_mismatch'))
      expect(await state()).toEqual(before)
    })

    it('refuses a code of another person’s login', async () => {
      const [mine, theirs] = [await system.begin(provider), await system.begin(provider)]
      const [callback, foreign] = [await system.visit(mine), await system.visit(theirs)]
      const code = /code=([^&]+)/.exec(foreign)?.[1]
      expect(await system.complete(mine, callback.replace(/code=[^&]+/, `code=${code}`))).toEqual(
        refused('login_code_rejected'),
      )
    })

    it('refuses a code of the other provider', async () => {
      const [mine, theirs] = [
        await system.begin(provider),
        await system.begin(provider === 'bankid' ? 'vipps' : 'bankid'),
      ]
      const [callback, foreign] = [await system.visit(mine), await system.visit(theirs)]
      const code = /code=([^&]+)/.exec(foreign)?.[1]
      const before = await state()
      expect(await system.complete(mine, callback.replace(/code=[^&]+/, `code=${code}`))).toEqual(
        refused('login_code_rejected'),
      )
      expect(await state()).toEqual(before)
    })

    it('refuses the whole callback of another login, begun by somebody else', async () => {
      const [mine, theirs] = [await system.begin(provider), await system.begin(provider)]
      const foreign = await system.visit(theirs)
      const before = await state()
      expect(await system.complete(mine, foreign)).toEqual(refused('login_mismatch'))
      expect(await state()).toEqual(before)
      expect(await system.complete(theirs, foreign)).toMatchObject({ status: 200 })
    })

    it.each([
      ['an endless callback', (callback: string) => ({ callback: `${callback}&x=${'x'.repeat(8192)}` })],
      ['a short verifier', () => ({ codeVerifier: 'A'.repeat(42) })],
      ['a long verifier', () => ({ codeVerifier: 'A'.repeat(129) })],
      ['a verifier of other characters', () => ({ codeVerifier: `${'A'.repeat(42)}+` })],
      ['another method than S256', () => ({ codeChallengeMethod: 'plain' })],
      ['a redirect URI of its own', () => ({ redirectUri: 'https://evil.example' })],
    ])('refuses %s before the login is spent', async (_, changes) => {
      const login = await system.begin(provider)
      const callback = await system.visit(login)
      expect(await system.complete(login, callback, changes(callback))).toEqual(refused('request_malformed'))
      expect(await system.complete(login, callback)).toMatchObject({ status: 200 })
    })

    it('takes no challenge for a verifier, as plain would', async () => {
      const login = await system.begin(provider)
      const callback = await system.visit(login)
      const codeVerifier = new URL(login.authorizationUrl).searchParams.get('code_challenge')
      expect(await system.complete(login, callback, { codeVerifier })).toEqual(refused('login_mismatch'))
    })

    it('says the same of a login that never was, was used or has expired', async () => {
      const [used, expired] = [await system.begin(provider), await system.begin(provider)]
      const callbacks = [await system.visit(used), await system.visit(expired)] as const
      expect(await system.complete(used, callbacks[0])).toMatchObject({ status: 200 })
      await sql`update nokkel.login_attempt set expires_at = now() where id = ${expired.loginId}::uuid`.execute(
        database.owner,
      )
      const answers = [
        await system.complete(used, callbacks[0]),
        await system.complete(expired, callbacks[1]),
        await system.complete(used, callbacks[0], { loginId: crypto.randomUUID() }),
      ].map(({ status, body: { request_id, ...body } }) => ({ status, ...body }))
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
      expect(answers[0]).toMatchObject({ code: 'login_unknown' })
    })

    it('goes on after the keys of the provider were changed', async () => {
      await system.logIn(provider)
      system.sandbox.setScenario(provider, 'rotated-key', { once: true })
      expect(await system.logIn(provider)).toMatchObject({ outcome: 'signed_in' })
    })

    it('refuses a login that was begun too long ago', async () => {
      const login = await system.begin(provider)
      const callback = await system.visit(login)
      await sql`update nokkel.login_attempt set expires_at = now() where id = ${login.loginId}::uuid`.execute(
        database.owner,
      )
      expect(await system.complete(login, callback)).toEqual(refused('login_unknown'))
    })

    it.each([
      ['access-denied', 'login_refused', 400],
      ['wrong-nonce', 'login_token_invalid', 400],
      ['wrong-issuer', 'login_token_invalid', 400],
      ['wrong-audience', 'login_token_invalid', 400],
      ['expired-id-token', 'login_token_invalid', 400],
      ['foreign-signature', 'login_token_invalid', 400],
      ['expired-code', 'login_code_rejected', 400],
      ['reused-code', 'login_code_rejected', 400],
      ['failing-token', 'provider_unreachable', 502],
      ['cut-token', 'provider_unreachable', 502],
      ['mixed-up-issuer', 'login_mismatch', 400],
    ] as const)('refuses when the provider does %s', async (scenario, code, status) => {
      const login = await system.begin(provider)
      system.sandbox.setScenario(provider, scenario, { once: true })
      const callback = await system.visit(login)
      const before = await state()
      expect(await system.complete(login, callback)).toEqual(refused(code, status))
      expect(await state()).toEqual(before)
      expect(await system.complete(login, callback)).toEqual(refused('login_unknown'))
    })

    it('goes on without a personnummer', async () => {
      const login = await system.begin(provider)
      system.sandbox.setScenario(provider, 'missing-nin', { once: true })
      const answer = await system.complete(login, await system.visit(login, { person: 'hjertelaget-koordinator' }))
      expect(answer.status).toBe(200)
      const me = await system.request('GET', '/nokkel/me', { token: answer.body.tokens.accessToken })
      expect(me.body.personnummerVerified).toBe(false)
    })

    it.each([
      ['access_denied', 'access_denied'],
      ['some_new_code', 'some_new_code'],
      ['%3Cscript%3E', 'unknown'],
      ['', 'unknown'],
      [`${'x'.repeat(65)}`, 'unknown'],
    ])('repeats of the error %j only %s', async (error, told) => {
      const login = await system.begin(provider)
      const iss = provider === 'bankid' ? `&iss=${encodeURIComponent(system.sandbox.bankid.issuer)}` : ''
      const answer = await system.complete(login, `error=${error}&error_description=secret&state=${login.state}${iss}`)
      expect(answer).toEqual(refused('login_refused'))
      expect(answer.body.data).toEqual({ error: told })
      expect(JSON.stringify(answer.body)).not.toContain('secret')
    })

    it('takes no error of another login', async () => {
      const login = await system.begin(provider)
      expect(await system.complete(login, `error=access_denied&state=${'A'.repeat(43)}`)).toEqual(
        refused('login_mismatch'),
      )
    })

    it('says what the person answered', async () => {
      const login = await system.begin(provider)
      const answer = await system.complete(login, await system.visit(login, { answer: 'cancel' }))
      expect(answer).toEqual(refused('login_refused'))
      expect(answer.body.data).toEqual({ error: 'access_denied' })
    })
  })

  it.each([
    ['bankid', 'low-acr', 'login_assurance_too_low', 403],
    ['bankid', 'no-iss', 'login_mismatch', 400],
    ['vipps', 'userinfo-sub-mismatch', 'login_token_invalid', 400],
    ['vipps', 'malformed-callback', 'login_refused', 400],
    ['vipps', 'failing-userinfo', 'provider_unreachable', 502],
  ] as const)('refuses when %s does %s', async (provider, scenario, code, status) => {
    const login = await system.begin(provider)
    system.sandbox.setScenario(provider, scenario, { once: true })
    const callback = await system.visit(login)
    const before = await state()
    expect(await system.complete(login, callback)).toEqual(refused(code, status))
    expect(await state()).toEqual(before)
  })

  it.each([
    ['bankid', 'slow-token'],
    ['vipps', 'slow-token'],
    ['vipps', 'slow-userinfo'],
  ] as const)('does not wait for ever when %s does %s', async (provider, scenario) => {
    const hasty = await createLoginSystem(database, { providerTimeoutSeconds: 2 })
    hasty.sandbox.setScenario(provider, scenario, { delayMilliseconds: 60_000 })
    const login = await hasty.begin(provider)
    const callback = await hasty.visit(login)
    const before = await state()
    expect(await hasty.complete(login, callback)).toEqual(refused('provider_unreachable', 502))
    expect(await hasty.complete(login, callback)).toEqual(refused('login_unknown'))
    expect(await state()).toEqual(before)
    await hasty.close()
  })

  it('knows a person by the same BankID through every broker, and by another Vipps', async () => {
    const [bankid, vipps] = [await system.logIn('bankid', 'ny-person'), await system.logIn('vipps', 'uten-fnr')]
    for (const via of ['idura', 'signicat'] as const) {
      const broker = await createLoginSystem(database, { connection: () => ({ bankid: { via } }), personnummer: false })
      expect(await broker.logIn('bankid', 'ny-person')).toMatchObject({ userId: bankid.userId, outcome: 'signed_in' })
      await broker.close()
    }
    const broker = await createLoginSystem(database, { connection: () => ({ vipps: { via: 'idura' } }) })
    expect(await broker.logIn('vipps', 'uten-fnr')).toMatchObject({ outcome: 'account_created' })
    expect((await broker.logIn('vipps', 'uten-fnr')).userId).not.toBe(vipps.userId)
    await broker.close()
  })

  it('lets nobody in by Vipps when the organisation has come to ask for more meanwhile', async () => {
    const strict = await createLoginSystem(database)
    const login = await strict.begin('vipps')
    const callback = await strict.visit(login)
    await sql`update public.organization set minimum_assurance = 'high' where slug = ${strict.organization}`.execute(
      database.owner,
    )
    const before = await state()
    expect(await strict.complete(login, callback)).toEqual(refused('provider_unavailable', 409))
    expect(await state()).toEqual(before)
    await strict.close()
  })

  it('renews no session that came from less than the organisation has come to ask for', async () => {
    const strict = await createLoginSystem(database)
    const [weak, strong] = [await strict.logIn('vipps'), await strict.logIn('bankid')]
    const renew = ({ tokens, signing }: typeof weak) => strict.refresh(tokens, signing)
    expect((await renew(weak)).status).toBe(200)
    const later = await strict.logIn('vipps')
    await sql`update public.organization set minimum_assurance = 'high' where slug = ${strict.organization}`.execute(
      database.owner,
    )
    expect(await renew(later)).toEqual(refused('session_ended', 401))
    const me = await strict.request('GET', '/nokkel/me', { token: later.tokens.accessToken })
    expect(me).toEqual(refused('session_ended', 401))
    expect((await renew(strong)).status).toBe(200)
    await strict.close()
  })

  it('goes on without the personnummer that Vipps refuses', async () => {
    system.sandbox.setScenario('vipps', 'invalid-scope')
    const login = await system.begin('vipps')
    const answer = await system.complete(login, await system.visit(login))
    expect(answer).toEqual(refused('login_refused'))
    expect(answer.body.data).toEqual({ error: 'invalid_scope' })
    const consent = { version: 'v1', shares: ['name', 'phoneNumber', 'email', 'address'] }
    const again = await system.begin('vipps', { consent })
    expect(await system.complete(again, await system.visit(again, { person: 'uten-fnr' }))).toMatchObject({
      status: 200,
      body: { personnummer: 'not_asked' },
    })
  })

  it('says of the personnummer whether it came', async () => {
    const outcome = async () => (await system.logIn('vipps', 'hjertelaget-medlem-2')).personnummer
    system.sandbox.setScenario('vipps', 'missing-nin', { once: true })
    expect(await outcome()).toBe('absent')
    expect(await outcome()).toBe('verified')
  })

  it('needs the proof of a key, and spends nothing without it', async () => {
    const login = await system.begin('bankid')
    const callback = await system.visit(login)
    const { loginId, nonce, codeVerifier, provider, organization } = login
    const body = { loginId, nonce, codeVerifier, provider, organization, callback }
    expect(await system.request('POST', '/nokkel/login/complete', { body })).toEqual(refused('dpop_proof_invalid', 401))
    expect(await system.complete(login, callback)).toMatchObject({ status: 200 })
  })

  it('stores of state and nonce only hashes, and of the verifier nothing', async () => {
    const { loginId, state: value, nonce, codeVerifier } = await system.begin('vipps')
    const { rows } = await sql<{ text: string }>`
      select a::text as text from nokkel.login_attempt a where id = ${loginId}::uuid`.execute(database.owner)
    for (const secret of [value, nonce, codeVerifier]) expect(rows[0]?.text).not.toContain(secret)
  })
})
