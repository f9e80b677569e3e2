import { cryptoService, listUserKeys, type UserKey } from '@nokkel/contract'
import { decodeBase64, encodeBase64 } from '@nokkel/crypto'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoggedIn, readAudit, readOrphans } from '../../../../tools/testing/managed-keys.ts'
import { createOrganization, type LoggedIn } from '../../../../tools/testing/people.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'

const [first, second, third] = testPrivateKeys

describe.each(databaseEngines)('crypto-service [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let organization: string
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    organization = await createOrganization(database)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const newcomer = () => createLoggedIn(database, organization)
  const ask = (person: LoggedIn, body: unknown) => api.call(cryptoService, person.claims, { body })
  const keysOf = async ({ claims }: LoggedIn): Promise<UserKey[]> => (await api.call(listUserKeys, claims)).body.keys
  const statesOf = async (person: LoggedIn) => (await keysOf(person)).map(({ state }) => state)
  /** Somebody with one key; gives what decrypts it. */
  async function equipped(text: string = first) {
    const person = await newcomer()
    const { body } = await ask(person, { action: 'encrypt', text })
    const { data, iv } = body as { data: string; iv: string }
    return { person, id: body.keyId as string, data, iv }
  }
  const auditOf = async ({ id }: LoggedIn) =>
    (await readAudit(database))
      .filter(({ user }) => user === id)
      .map(({ action, outcome, problem }) => [action, outcome, ...(problem ? [problem] : [])].join(' '))

  describe('encrypt', () => {
    it('wraps and stores a key of one’s own, in both places', async () => {
      const { person, id, data, iv } = await equipped()
      const [key] = await keysOf(person)
      expect(key).toMatchObject({
        id,
        state: 'active',
        wraps: 0,
        supersededAt: null,
        encryptedPrivateKey: { data, iv, v: 1 },
      })
      const { rows } = await sql<{ public_key: string; encrypted_private_key: string }>`
        select public_key, encrypted_private_key from public.app_user where auth_user_id = ${person.id}::uuid`.execute(
        database.owner,
      )
      expect(rows[0]?.public_key).toBe(key?.publicKey)
      expect(JSON.parse(rows[0]?.encrypted_private_key ?? '')).toEqual(key?.encryptedPrivateKey)
      expect(await auditOf(person)).toEqual(['crypto_service.encrypt allowed', 'user_key.create allowed'])
    })

    it('stores the same key once, however often it is sent', async () => {
      const { person, id, data, iv } = await equipped()
      expect(await ask(person, { action: 'encrypt', text: first })).toMatchObject({ body: { keyId: id, data, iv } })
      expect(await keysOf(person)).toHaveLength(1)
    })

    it('replaces only the key that is named', async () => {
      const { person, id } = await equipped()
      const refused = { status: 409, code: 'key_exists', data: { keyId: id } }
      expect(await ask(person, { action: 'encrypt', text: second })).toMatchObject(refused)
      const other = crypto.randomUUID()
      expect(await ask(person, { action: 'encrypt', text: second, replaces: other })).toMatchObject(refused)
      expect(await ask(person, { action: 'encrypt', text: second, replaces: id })).toMatchObject({ status: 200 })
      expect(await statesOf(person)).toEqual(['active', 'superseded'])
      expect(await auditOf(person)).toContain('user_key.create refused key_exists')
    })

    it('takes no key back that was used before', async () => {
      const { person, id } = await equipped()
      const { body } = await ask(person, { action: 'encrypt', text: second, replaces: id })
      const again = { action: 'encrypt', text: first, replaces: body.keyId }
      expect(await ask(person, again)).toMatchObject({ status: 409, code: 'key_reused' })
    })

    it('lets one of two win who replace the same key at once', async () => {
      const { person, id } = await equipped()
      const answers = await Promise.all(
        [second, third].map((text) => ask(person, { action: 'encrypt', text, replaces: id })),
      )
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
      expect(answers.find(({ status }) => status === 409)?.code).toBe('key_exists')
      expect((await statesOf(person)).filter((state) => state === 'active')).toHaveLength(1)
      expect(await readOrphans(database)).toEqual([])
    })

    it.each([
      ['of 2048 bits or no key at all', encodeBase64(new Uint8Array(2300))],
      ['altered', `${first.slice(0, 1000)}AAAA${first.slice(1004)}`],
      ['that is not canonical', `${first.slice(0, 3001)}==`],
    ])('refuses a key %s', async (_, text) => {
      const person = await newcomer()
      expect(await ask(person, { action: 'encrypt', text })).toMatchObject({ status: 400, code: 'key_unsupported' })
      expect(await keysOf(person)).toEqual([])
      expect(await auditOf(person)).toEqual([
        'crypto_service.encrypt allowed',
        'crypto_service.encrypt failed key_unsupported',
      ])
    })

    it('makes the last of several active, and answers each for itself', async () => {
      const person = await newcomer()
      const bad = encodeBase64(new Uint8Array(2300))
      const items = [first, bad, second].map((text) => ({ text }))
      const { body } = await ask(person, { action: 'encrypt', items })
      expect(body.items).toMatchObject([
        { keyId: expect.any(String) },
        { code: 'key_unsupported' },
        { keyId: expect.any(String) },
      ])
      expect((await keysOf(person)).map(({ id, state }) => [id, state])).toEqual([
        [body.items[2].keyId, 'active'],
        [body.items[0].keyId, 'superseded'],
      ])
      expect((await ask(person, { action: 'encrypt', items })).body).toEqual(body)
      expect(await readOrphans(database)).toEqual([])
    })

    it('makes no other one active when the last of several is refused', async () => {
      const { person, id } = await equipped()
      const bad = encodeBase64(new Uint8Array(2300))
      const items = [second, bad].map((text) => ({ text }))
      const refused = await ask(person, { action: 'encrypt', items, replaces: id })
      expect(refused).toMatchObject({ status: 400, code: 'key_unsupported' })
      expect((await keysOf(person)).map((key) => [key.id, key.state])).toEqual([[id, 'active']])
      expect((await auditOf(person)).at(-1)).toBe('user_key.create refused key_unsupported')
    })

    it('makes no other one active when the quota ends before the last of several', async () => {
      const poor = await createOrganization(database)
      await sql`insert into nokkel.crypto_quota (organization_id, encrypt_daily) values (${poor}::uuid, 1)`.execute(
        database.owner,
      )
      const person = await createLoggedIn(database, poor)
      const items = [first, second].map((text) => ({ text }))
      expect(await ask(person, { action: 'encrypt', items })).toMatchObject({ status: 429, code: 'quota_exceeded' })
      expect(await keysOf(person)).toEqual([])
    })

    it('refuses the same key twice in one request', async () => {
      const items = [{ text: first }, { text: first }]
      expect(await ask(await newcomer(), { action: 'encrypt', items })).toMatchObject({ code: 'key_reused' })
    })
  })

  describe('decrypt', () => {
    it('opens one’s own, also a superseded one', async () => {
      const { person, id, data, iv } = await equipped()
      await ask(person, { action: 'encrypt', text: second, replaces: id })
      expect(await ask(person, { action: 'decrypt', data, iv })).toEqual({ status: 200, body: { text: first } })
      expect(await auditOf(person)).toContain('crypto_service.decrypt allowed')
    })

    it('opens nobody else’s', async () => {
      const { data, iv } = await equipped()
      const other = await newcomer()
      expect(await ask(other, { action: 'decrypt', data, iv })).toEqual({
        status: 404,
        code: 'open_refused',
        data: undefined,
        body: undefined,
      })
      expect(await auditOf(other)).toEqual(['crypto_service.decrypt refused open_refused'])
    })

    it('opens nothing that was moved to another row, whatever is copied with it', async () => {
      const { id, data, iv } = await equipped()
      const { person } = await equipped(second)
      await sql`
        update public.user_key to_row set encrypted_private_key = f.encrypted_private_key, envelope_hash = f.envelope_hash
        from public.user_key f where f.id = ${id}::uuid and to_row.user_id = ${person.id}::uuid`.execute(database.owner)
      expect(await ask(person, { action: 'decrypt', data, iv })).toMatchObject({ code: 'open_refused' })
      expect((await auditOf(person)).slice(-2)).toEqual([
        'crypto_service.decrypt allowed',
        'crypto_service.decrypt failed open_refused',
      ])
      await sql`delete from public.app_user where auth_user_id = ${person.id}::uuid`.execute(database.owner)
    })

    it('opens nothing altered, cut or exchanged', async () => {
      const { person, data, iv } = await equipped()
      const other = await equipped()
      const bytes = decodeBase64(data)
      const refusedAll = async (items: { data: string; iv: string }[]) => {
        const { status, body } = await ask(person, { action: 'decrypt', items })
        expect(status).toBe(200)
        expect(body.items).toEqual(items.map(() => ({ code: 'open_refused' })))
      }
      const flip = (bit: number) => {
        const flipped = bytes.slice()
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        return { data: encodeBase64(flipped), iv }
      }
      await refusedAll([
        { data: encodeBase64(bytes.slice(0, -1)), iv },
        { data: encodeBase64(bytes.slice(20)), iv },
        { data: encodeBase64(new Uint8Array([...decodeBase64(other.data).slice(0, 20), ...bytes.slice(20), 0])), iv },
        { data, iv: other.iv },
        { data, iv: `${iv.slice(0, 15)}${iv.endsWith('A') ? 'B' : 'A'}` },
        { data: `${data.slice(0, 100)}====`.slice(0, 100), iv },
        { data: 'A'.repeat(64), iv },
      ])
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(bytes.byteLength * 8 - 1), { minLength: 1, maxLength: 100 }), (bits) =>
          refusedAll(bits.map(flip)),
        ),
        { numRuns: 5 },
      )
      await refusedAll(Array.from({ length: 100 }, (_, bit) => flip(bit)))
      await refusedAll(Array.from({ length: 60 }, (_, bit) => flip(100 + bit)))
    })

    it('opens nothing under another master key', async () => {
      const { person, data, iv } = await equipped()
      const bytes = decodeBase64(data)
      bytes.set(new Uint8Array(16).fill(7), 4)
      expect(await ask(person, { action: 'decrypt', data: encodeBase64(bytes), iv })).toMatchObject({
        code: 'open_refused',
      })
    })

    it.each([['revoked'], ['destroyed']])('opens no key that is %s', async (state) => {
      const { person, id, data, iv } = await equipped()
      await sql`
        update public.user_key set state = ${state}, revoked_at = now(),
          destroyed_at = case when ${state} = 'destroyed' then now() end,
          encrypted_private_key = case when ${state} = 'revoked' then encrypted_private_key end,
          envelope_hash = case when ${state} = 'revoked' then envelope_hash end,
          master_key_id = case when ${state} = 'revoked' then master_key_id end
        where id = ${id}::uuid`.execute(database.owner)
      expect(await ask(person, { action: 'decrypt', data, iv })).toMatchObject({ status: 404, code: 'open_refused' })
      await sql`update public.app_user set public_key = null, encrypted_private_key = null
        where auth_user_id = ${person.id}::uuid`.execute(database.owner)
    })

    it('answers each item of a batch in its place', async () => {
      const { person, id, data, iv } = await equipped()
      const { body: newer } = await ask(person, { action: 'encrypt', text: second, replaces: id })
      const other = await equipped(third)
      const items = [
        { data: other.data, iv: other.iv },
        { data: newer.data, iv: newer.iv },
        { data, iv },
        { data, iv: newer.iv },
        { data, iv },
      ]
      const { body } = await ask(person, { action: 'decrypt', items })
      const refused = { code: 'open_refused' }
      expect(body.items).toEqual([refused, { text: second }, { text: first }, refused, { text: first }])
    })

    it('lets many ask at once', async () => {
      const people = await Promise.all([equipped(first), equipped(second), equipped(third)])
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, index) => {
          const { person } = people[index % 3] as (typeof people)[0]
          const { data, iv } = people[(index >> 2) % 3] as (typeof people)[0]
          return ask(person, { action: 'decrypt', data, iv })
        }),
      )
      answers.forEach(({ body, code }, index) => {
        const own = index % 3 === (index >> 2) % 3
        expect(own ? body : code).toEqual(own ? { text: [first, second, third][index % 3] } : 'open_refused')
      })
    })
  })

  describe('request', () => {
    it.each([
      ['no items', { action: 'decrypt', items: [] }],
      [
        '101 items',
        { action: 'unwrap', items: Array(101).fill({ rfxId: crypto.randomUUID(), version: 1, via: 'user' }) },
      ],
      ['one item and several', { action: 'encrypt', text: first, items: [{ text: first }] }],
      ['an extra member', { action: 'encrypt', text: first, owner: crypto.randomUUID() }],
      ['another action', { action: 'sign', text: first }],
      ['a wrap of the caller’s own', { action: 'unwrap', data: 'A'.repeat(684), iv: 'A'.repeat(16) }],
      ['a text that is too long', { action: 'encrypt', text: 'A'.repeat(3304) }],
      ['data that is too long', { action: 'decrypt', data: 'A'.repeat(4100), iv: 'A'.repeat(16) }],
      ['version 0', { action: 'unwrap', rfxId: crypto.randomUUID(), version: 0, via: 'user' }],
    ])('refuses %s', async (_, body) => {
      expect(await ask(await newcomer(), body)).toMatchObject({ status: 400, code: 'request_malformed' })
    })

    it('is for who is logged in', async () => {
      const body = { action: 'encrypt', text: first }
      expect(await api.call(cryptoService, undefined, { body })).toMatchObject({ status: 401, code: 'token_missing' })
    })

    it.each([
      ['signed_out', 'session_ended'],
      ['revoked', 'session_ended'],
      ['device_superseded', 'device_superseded'],
      ['device_revoked', 'device_revoked'],
      ['merged', 'account_merged'],
    ])('tells who asks in a session that was ended as %s', async (reason, code) => {
      const { person, data, iv } = await equipped()
      await sql`update nokkel.session set ended_at = now(), ended_reason = ${reason}
        where id = ${person.claims.sid}::uuid`.execute(database.owner)
      const rfxId = crypto.randomUUID()
      for (const body of [
        { action: 'decrypt', data, iv },
        { action: 'decrypt', items: [{ data, iv: 'A'.repeat(16) }] },
        { action: 'unwrap', rfxId, version: 1, via: 'user' },
        { action: 'encrypt', text: second },
      ]) {
        expect(await ask(person, body)).toMatchObject({ status: 401, code })
      }
      expect((await auditOf(person)).slice(-4)).toEqual(
        ['decrypt', 'decrypt', 'unwrap', 'encrypt'].map((action) => `crypto_service.${action} refused ${code}`),
      )
    })

    it('tells who has left the organisation, and who is of another one', async () => {
      const { person, data, iv } = await equipped()
      const elsewhere = await createOrganization(database)
      const claims = { ...person.claims, organization: elsewhere }
      const body = { action: 'decrypt', data, iv }
      expect(await api.call(cryptoService, claims, { body })).toMatchObject({ status: 401, code: 'session_ended' })
      await sql`delete from public.organization_member where user_id = ${person.id}::uuid`.execute(database.owner)
      expect(await ask(person, body)).toMatchObject({ status: 401, code: 'session_ended' })
    })
  })
})
