import { createDpopProof, generateDeviceKeys } from '@nokkel/crypto'
import {
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  decodeProtectedHeader,
  generateKeyPair,
  jwtVerify,
  SignJWT,
} from 'jose'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { type Answer, createLoginSystem, type LoginSystem, publicUrl } from '../../../../tools/testing/login.ts'

describe.each(databaseEngines)('sessions [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database)
  })
  afterAll(async () => {
    await system.close()
    await database.close()
  })

  const refused = (code: string, status = 401) =>
    expect.objectContaining({ status, body: expect.objectContaining({ code }) })
  const me = (token: string) => system.request('GET', '/nokkel/me', { token })
  const ageTokens = (sessionId: string, seconds: number) =>
    sql`update nokkel.refresh_token set used_at = used_at - ${`${seconds} seconds`}::interval
      where session_id = ${sessionId}::uuid`.execute(database.owner)

  describe('access token', () => {
    it('can be verified by anyone who reads the discovery document', async () => {
      const { tokens, userId } = await system.logIn('bankid')
      const { body } = await system.request('GET', '/nokkel/.well-known/openid-configuration')
      expect(body.issuer).toBe(`${publicUrl}/nokkel`)
      const keys = createRemoteJWKSet(new URL(body.jwks_uri), {
        [customFetch]: (url, options) => system.server.fetch(new Request(url, options as RequestInit)),
      })
      const { payload } = await jwtVerify(tokens.accessToken, keys, { issuer: body.issuer, audience: 'authenticated' })
      expect(payload).toEqual({
        iss: body.issuer,
        aud: 'authenticated',
        sub: userId,
        sid: tokens.sessionId,
        role: 'authenticated',
        organization: system.organizationId,
        iat: expect.any(Number),
        exp: Number(payload.iat) + 600,
      })
    })

    it('publishes no private half', async () => {
      const { body } = await system.request('GET', '/nokkel/.well-known/jwks.json')
      expect(Object.keys(body.keys[0]).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    })

    it('is refused when it is missing, malformed, altered or signed by another key', async () => {
      const { tokens } = await system.logIn('bankid')
      const [header, payload, signature] = tokens.accessToken.split('.') as [string, string, string]
      const { privateKey } = await generateKeyPair('ES256')
      const forge = (claims = decodeJwt(tokens.accessToken), changes = {}) =>
        new SignJWT(claims)
          .setProtectedHeader({ ...(decodeProtectedHeader(tokens.accessToken) as { alg: string }), ...changes })
          .sign(privateKey)
      expect(await system.request('GET', '/nokkel/me')).toEqual(refused('token_missing'))
      const none = `${btoa('{"alg":"none","typ":"JWT"}').replaceAll('=', '')}.${payload}.`
      const other = btoa(JSON.stringify({ ...decodeJwt(tokens.accessToken), sub: crypto.randomUUID() }))
      for (const token of [
        'x',
        `${header}.${payload}`,
        `${header}.${other.replaceAll('=', '')}.${signature}`,
        await forge(),
        await forge(undefined, { kid: 'unknown' }),
        none,
        'x'.repeat(5000),
      ]) {
        expect(await me(token)).toEqual(refused('token_invalid'))
      }
    })

    it.each(['Basic x', 'Bearer', 'Bearer a b', 'DPoP x'])('is refused as %j', async (authorization) => {
      expect(await system.request('GET', '/nokkel/me', { headers: { authorization } })).toEqual(
        refused('token_invalid'),
      )
    })

    it('expires, also when it was seen before', async () => {
      const { tokens } = await system.logIn('bankid')
      expect((await me(tokens.accessToken)).status).toBe(200)
      system.clock.offsetSeconds = 601
      expect(await me(tokens.accessToken)).toEqual(refused('token_expired'))
      system.clock.offsetSeconds = 0
    })
  })

  describe('rotation', () => {
    it('gives new tokens and never moves the end of the session', async () => {
      const { tokens, signing } = await system.logIn('bankid')
      const { status, body } = await system.refresh(tokens, signing)
      expect(status).toBe(200)
      expect(body.refreshToken).not.toBe(tokens.refreshToken)
      expect(body).toMatchObject({ sessionId: tokens.sessionId, sessionExpiresAt: tokens.sessionExpiresAt })
      expect((await me(body.accessToken)).status).toBe(200)
    })

    it('gives the same successor to a token used twice within the grace', async () => {
      const { tokens, signing } = await system.logIn('bankid')
      const answers = await Promise.all([1, 2, 3].map(() => system.refresh(tokens, signing)))
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
      expect(new Set(answers.map(({ body }) => body.refreshToken)).size).toBe(1)
      expect((await system.refresh((answers[0] as Answer).body, signing)).status).toBe(200)
    })

    it('ends the session when a token is used again after the grace', async () => {
      const { tokens, signing } = await system.logIn('bankid')
      const next = await system.refresh(tokens, signing)
      await ageTokens(tokens.sessionId, 31)
      expect(await system.refresh(tokens, signing)).toEqual(refused('refresh_token_reused'))
      expect(await system.refresh(next.body, signing)).toEqual(refused('session_ended'))
      expect(await me(next.body.accessToken)).toEqual(refused('session_ended'))
    })

    it('ends the session when an older token than the last is used again', async () => {
      const { tokens, signing } = await system.logIn('bankid')
      const second = await system.refresh(tokens, signing)
      await ageTokens(tokens.sessionId, 31)
      await system.refresh(second.body, signing)
      expect(await system.refresh(tokens, signing)).toEqual(refused('refresh_token_reused'))
    })

    it('refuses another key, which changes nothing', async () => {
      const { tokens, signing } = await system.logIn('bankid')
      const thief = (await generateDeviceKeys()).signing
      expect(await system.refresh(tokens, thief)).toEqual(refused('dpop_proof_invalid'))
      const { status } = await system.refresh(tokens, signing)
      expect(status).toBe(200)
      expect(await system.refresh(tokens, thief)).toEqual(refused('dpop_proof_invalid'))
    })

    it.each([
      ['unknown', `nrt_${'A'.repeat(43)}`],
      ['without its prefix', 'A'.repeat(47)],
      ['too short', `nrt_${'A'.repeat(42)}`],
      ['not canonical', `nrt_${'A'.repeat(42)}B`],
    ])('refuses a token that is %s', async (_, refreshToken) => {
      const { tokens, signing } = await system.logIn('bankid')
      expect(await system.refresh({ ...tokens, refreshToken }, signing)).toEqual(refused('refresh_token_unknown'))
    })

    it('refuses when the session is past its end', async () => {
      const { tokens, signing } = await system.logIn('bankid')
      await sql`update nokkel.session set expires_at = now() where id = ${tokens.sessionId}::uuid`.execute(
        database.owner,
      )
      expect(await system.refresh(tokens, signing)).toEqual(refused('session_expired'))
      expect(await me(tokens.accessToken)).toEqual(refused('session_expired'))
    })

    it('stores no token that could be used', async () => {
      const { tokens, signing } = await system.logIn('bankid')
      const { body } = await system.refresh(tokens, signing)
      const { rows } = await sql<{ text: string }>`
        select t::text as text from nokkel.refresh_token t where session_id = ${tokens.sessionId}::uuid`.execute(
        database.owner,
      )
      expect(rows).toHaveLength(2)
      for (const { refreshToken } of [tokens, body]) {
        const bytes = Buffer.from(refreshToken.slice(4), 'base64url')
        expect(JSON.stringify(rows)).not.toContain(refreshToken)
        expect(JSON.stringify(rows)).not.toContain(bytes.toString('hex'))
      }
    })
  })

  describe('proof of possession', () => {
    it('counts once', async () => {
      const { tokens, signing } = await system.logIn('bankid')
      const url = `${publicUrl}/nokkel/session/refresh`
      const dpop = await createDpopProof({ signer: signing, method: 'POST', url })
      const send = () =>
        system.request('POST', '/nokkel/session/refresh', {
          body: { refreshToken: tokens.refreshToken },
          headers: { dpop },
        })
      expect((await send()).status).toBe(200)
      expect(await send()).toEqual(refused('dpop_proof_invalid'))
    })

    it.each([
      ['another method', { method: 'GET' }],
      ['another URL', { url: `${publicUrl}/nokkel/login/complete` }],
      ['another host', { url: 'https://evil.example/nokkel/session/refresh' }],
      ['an earlier time', { now: () => new Date(Date.now() - 120_000) }],
      ['a later time', { now: () => new Date(Date.now() + 120_000) }],
    ])('is refused for %s', async (_, changes) => {
      const { tokens, signing } = await system.logIn('bankid')
      const request = { signer: signing, method: 'POST', url: `${publicUrl}/nokkel/session/refresh` }
      const dpop = await createDpopProof({ ...request, ...changes })
      const body = { refreshToken: tokens.refreshToken }
      const answer = await system.request('POST', '/nokkel/session/refresh', { body, headers: { dpop } })
      expect(answer).toEqual(refused('dpop_proof_invalid'))
      expect((await system.refresh(tokens, signing)).status).toBe(200)
    })
  })

  describe('list and end', () => {
    it('shows a person their sessions and nobody else’s', async () => {
      const mine = await system.logIn('bankid', 'likeperson-medlem-1')
      await system.logIn('bankid', 'likeperson-medlem-2')
      const { body } = await system.request('GET', '/nokkel/sessions', { token: mine.tokens.accessToken })
      const current = body.sessions.filter((session: { current: boolean }) => session.current)
      expect(current).toEqual([
        {
          id: mine.tokens.sessionId,
          current: true,
          provider: 'bankid',
          deviceName: '',
          deviceId: null,
          authenticatedAt: expect.stringMatching(/Z$/),
          lastUsedAt: expect.stringMatching(/Z$/),
          expiresAt: mine.tokens.sessionExpiresAt,
        },
      ])
    })

    it('ends one session at once', async () => {
      const [one, other] = [await system.logIn('bankid'), await system.logIn('bankid')]
      const end = () =>
        system.request('DELETE', `/nokkel/sessions/${other.tokens.sessionId}`, { token: one.tokens.accessToken })
      expect((await me(other.tokens.accessToken)).status).toBe(200)
      expect((await end()).status).toBe(204)
      expect(await me(other.tokens.accessToken)).toEqual(refused('session_ended'))
      expect(await system.refresh(other.tokens, other.signing)).toEqual(refused('session_ended'))
      expect(await end()).toEqual(refused('not_found', 404))
    })

    it('does not end the session of another person', async () => {
      const mine = await system.logIn('bankid', 'likeperson-medlem-1')
      const theirs = await system.logIn('bankid', 'likeperson-medlem-2')
      const path = `/nokkel/sessions/${theirs.tokens.sessionId}`
      expect(await system.request('DELETE', path, { token: mine.tokens.accessToken })).toEqual(
        refused('not_found', 404),
      )
      expect((await me(theirs.tokens.accessToken)).status).toBe(200)
    })

    it('ends all the others', async () => {
      const person = 'hjertelaget-koordinator'
      const [one, other] = [await system.logIn('bankid', person), await system.logIn('bankid', person)]
      const { body } = await system.request('DELETE', '/nokkel/sessions', { token: one.tokens.accessToken })
      expect(body).toEqual({ ended: 1 })
      expect(await me(other.tokens.accessToken)).toEqual(refused('session_ended'))
      expect((await me(one.tokens.accessToken)).status).toBe(200)
    })

    it('signs out', async () => {
      const { tokens, signing } = await system.logIn('bankid')
      expect((await system.request('DELETE', '/nokkel/session', { token: tokens.accessToken })).status).toBe(204)
      expect(await me(tokens.accessToken)).toEqual(refused('session_ended'))
      expect(await system.refresh(tokens, signing)).toEqual(refused('session_ended'))
    })

    it('ends with the membership', async () => {
      const { tokens, userId } = await system.logIn('bankid', 'likeperson-medlem-2')
      await sql`delete from public.organization_member where user_id = ${userId}::uuid`.execute(database.owner)
      expect(await me(tokens.accessToken)).toEqual(refused('session_ended'))
    })
  })
})
