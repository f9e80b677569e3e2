import { randomBytes, randomUUID } from 'node:crypto'
import { encodeBase64Url, generateDeviceKeys } from '@nokkel/crypto'
import { syntheticNationalNumber } from '@nokkel/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { arriveByBoth, tryLogin } from '../../tools/testing/linking.ts'
import { type Answer, consentTo, createLoginSystem, type LoginSystem, publicUrl } from '../../tools/testing/login.ts'
import { withinOneMinute } from '../../tools/testing/one-minute.ts'

const secret = () => encodeBase64Url(randomBytes(32))

describe.each(databaseEngines)('guessing at logins [%s]', (engine) => {
  let database: TestDatabase
  /** Where people log in, without limits. */
  let open: LoginSystem
  /** Two servers with limits. */
  let limited: readonly LoginSystem[]
  let arrived = 0
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    open = await createLoginSystem(database)
    const limits = {
      login: { address: 6, person: 4 },
      refresh: { address: 6, person: Infinity },
      read: { address: Infinity, person: 4 },
      write: { address: Infinity, person: 4 },
    }
    const ofItsOwn = database.url === undefined ? {} : { database: database.url }
    limited = [
      await createLoginSystem(database, { limits }),
      await createLoginSystem(database, { limits, ...ofItsOwn }),
    ]
  })
  afterAll(async () => {
    for (const system of [open, ...limited]) await system.close()
    await database.close()
  })

  /** Somebody who has not been here yet in this test file. */
  async function arrive() {
    const person = open.sandbox.people[arrived++ % open.sandbox.people.length]?.id
    const { userId, tokens, signing } = await open.logIn('bankid', person)
    return { userId, tokens, signing, token: tokens.accessToken }
  }

  describe('ends at the limit, over all servers', () => {
    async function ask(index: number, clientAddress: string, operation: string, token?: string): Promise<Answer> {
      const [method = '', path = ''] = operation.split(' ')
      const request = new Request(`${publicUrl}${path}`, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
        },
        ...(method === 'POST' ? { body: '{}' } : {}),
      })
      const response = await limited[index % limited.length]?.server.fetch(request, { clientAddress })
      if (!response) throw new Error('there are servers')
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
    }

    function expectRefused({ status, headers, body }: Answer): void {
      expect({ status, code: body.code }).toEqual({ status: 429, code: 'rate_limited' })
      const seconds = Number(headers.get('retry-after'))
      expect(seconds).toBeGreaterThan(0)
      expect(seconds).toBeLessThanOrEqual(120)
      expect(body.data).toEqual({ retryAfterSeconds: seconds })
    }

    const split = (answers: readonly Answer[]) => ({
      through: answers.filter(({ status }) => status !== 429),
      refused: answers.filter(({ status }) => status === 429),
    })

    it.each([
      'POST /nokkel/login',
      'POST /nokkel/login/complete',
      'POST /nokkel/login/continue',
      'POST /nokkel/session/refresh',
      'POST /nokkel/me/logins',
      'POST /nokkel/me/logins/complete',
    ])('of an address: %s', async (operation) => {
      await withinOneMinute(database, async (address) => {
        const asked = Array.from({ length: 15 }, (_, index) => ask(index, address, operation))
        const { through, refused } = split(await Promise.all(asked))
        expect(through).toHaveLength(6)
        for (const answer of refused) expectRefused(answer)
        expect((await ask(0, `${address} other`, operation)).status).not.toBe(429)
      })
    })

    it('of an address, whatever it tries', async () => {
      await withinOneMinute(database, async (address) => {
        const operations = ['', '/complete', '/continue'].map((path) => `POST /nokkel/login${path}`)
        const asked = Array.from({ length: 15 }, (_, index) => ask(index, address, operations[index % 3] ?? ''))
        expect(split(await Promise.all(asked)).through).toHaveLength(6)
      })
    })

    it.each([
      'POST /nokkel/me/logins',
      'POST /nokkel/me/logins/complete',
      'GET /nokkel/me/logins',
      'DELETE /nokkel/me/logins/00000000-0000-4000-8000-000000000000',
    ])('of a person, wherever they are: %s', async (operation) => {
      await withinOneMinute(database, async (address) => {
        const { token } = await arrive()
        const asked = Array.from({ length: 10 }, (_, index) => ask(index, `${address} ${index}`, operation, token))
        const { through, refused } = split(await Promise.all(asked))
        expect(through).toHaveLength(4)
        for (const answer of refused) expectRefused(answer)
      })
    })
  })

  describe('tells nobody what exists', () => {
    /** Everything of an answer that may differ by what is there. */
    const seen = ({ status, headers, body }: Answer) => {
      const { request_id: _, ...said } = body
      return { status, said, headers: [...headers.keys()].filter((name) => name !== 'date').sort() }
    }

    const complete = (changes: Record<string, unknown>) => ({
      loginId: randomUUID(),
      provider: 'bankid',
      organization: open.organization,
      callback: `state=${secret()}&code=${secret()}`,
      codeVerifier: secret(),
      nonce: secret(),
      ...changes,
    })

    async function key() {
      return (await generateDeviceKeys()).signing
    }

    it('a login that is over is one that never was', async () => {
      const login = await open.begin('bankid')
      const callback = await open.visit(login)
      await open.complete(login, callback)
      const path = '/nokkel/login/complete'
      const over = await open.request('POST', path, {
        body: complete({ loginId: login.loginId }),
        signing: await key(),
      })
      const unknown = await open.request('POST', path, { body: complete({}), signing: await key() })
      expect(unknown).toMatchObject({ status: 400, body: { code: 'login_unknown' } })
      expect(seen(over)).toEqual(seen(unknown))
    })

    it('a login that adds a way in to somebody else’s account is none', async () => {
      const [owner, other] = [await arrive(), await arrive()]
      const begun = await open.request('POST', '/nokkel/me/logins', {
        token: owner.token,
        body: {
          provider: 'vipps',
          codeChallenge: secret(),
          state: secret(),
          nonce: secret(),
          consent: consentTo('vipps'),
        },
      })
      expect(begun.status).toBe(201)
      const changes = { loginId: begun.body.loginId, provider: 'vipps' }
      const asOther = (loginChanges: object) =>
        open.request('POST', '/nokkel/me/logins/complete', {
          token: other.token,
          body: complete({ provider: 'vipps', ...loginChanges }),
        })
      const unknown = await asOther({})
      expect(unknown.body.code).toBe('login_unknown')
      expect(seen(await asOther(changes))).toEqual(seen(unknown))
      // Nor can it be finished as a login of its own.
      const plain = (loginChanges: object) =>
        key().then((signing) =>
          open.request('POST', '/nokkel/login/complete', {
            signing,
            body: complete({ provider: 'vipps', ...loginChanges }),
          }),
        )
      expect(seen(await plain(changes))).toEqual(seen(await plain({})))
    })

    it('a way in of somebody else is none', async () => {
      const [owner, other] = [await arrive(), await arrive()]
      const { body } = await open.request('GET', '/nokkel/me/logins', { token: owner.token })
      const remove = (id: string) => open.request('DELETE', `/nokkel/me/logins/${id}`, { token: other.token })
      const unknown = await remove(randomUUID())
      expect(unknown.status).toBe(404)
      expect(seen(await remove(body.logins[0].id))).toEqual(seen(unknown))
    })

    it('a link of another device or organisation is none', async () => {
      await arriveByBoth(open, 'nordlys-medlem-1')
      const { phoneNumber = '', email = '' } = open.sandbox.people.find(({ id }) => id === 'nordlys-medlem-1') ?? {}
      const waiting = await tryLogin(open, 'vipps', {
        person: { id: 'nordlys-medlem-2', phoneNumber, email, nationalNumber: null },
      })
      expect(waiting.body.outcome).toBe('needs_linking')
      const { token } = waiting.body.linking
      const proceed = async (linkToken: string) =>
        open.request('POST', '/nokkel/login/continue', { body: { linkToken }, signing: await key() })
      const unknown = await proceed(secret())
      expect(unknown.body.code).toBe('link_unknown')
      expect(seen(await proceed(token))).toEqual(seen(unknown))

      const elsewhere = limited[0]?.organization
      const begin = (linkToken: string) =>
        open.request('POST', '/nokkel/login', {
          body: {
            provider: 'bankid',
            organization: elsewhere,
            codeChallenge: secret(),
            state: secret(),
            nonce: secret(),
            consent: consentTo('bankid'),
            linkToken,
          },
        })
      const nowhere = await begin(secret())
      expect(nowhere.body.code).toBe('link_unknown')
      expect(seen(await begin(token))).toEqual(seen(nowhere))
    })

    it('a personnummer that somebody has begins a login like any other', async () => {
      const known = 'likeperson-medlem-1'
      await open.logIn('bankid', known)
      const hinted = (personnummer: string | undefined) => open.begin('bankid', { loginHint: { personnummer } })
      const shape = ({ authorizationUrl, ...login }: Awaited<ReturnType<typeof hinted>>) => {
        const url = new URL(authorizationUrl)
        return [Object.keys(login).sort(), url.origin, url.pathname, [...url.searchParams.keys()].sort()]
      }
      const number = open.sandbox.people.find(({ id }) => id === known)?.nationalNumber
      expect(shape(await hinted(number))).toEqual(shape(await hinted(syntheticNationalNumber('1931-01-31', 7))))
    })
  })
})
