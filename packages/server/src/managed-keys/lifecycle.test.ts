import * as contract from '@nokkel/contract'
import { encodeBase64 } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import {
  createCompanyOf,
  createLoggedIn,
  createRfx,
  readAudit,
  readOrphans,
  storeCompanyKey,
  storeWrap,
  wrapNewKey,
} from '../../../../tools/testing/managed-keys.ts'
import { createOrganization, type LoggedIn } from '../../../../tools/testing/people.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'

const [first, second, third] = testPrivateKeys

describe.each(databaseEngines)('lives of keys [%s]', (engine) => {
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
  const encrypt = async ({ claims }: LoggedIn, text: string, replaces?: string) =>
    (
      await api.call(contract.cryptoService, claims, {
        body: { action: 'encrypt', text, ...(replaces && { replaces }) },
      })
    ).body
  const compromised = ({ claims }: LoggedIn, id: string) => api.call(contract.revokeUserKey, claims, { params: { id } })
  const destroy = ({ claims }: LoggedIn, id: string) => api.call(contract.destroyUserKey, claims, { params: { id } })
  const rewrap = ({ claims }: LoggedIn, id: string, cursor?: string) =>
    api.call(contract.rewrapUserKey, claims, { params: { id }, body: { ...(cursor && { cursor }) } })
  const unwrap = async ({ claims }: LoggedIn, rfxId: string, version = 1, via = 'user') =>
    (await api.call(contract.cryptoService, claims, { body: { action: 'unwrap', rfxId, version, via } })).body?.key
  const keysOf = async ({ claims }: LoggedIn): Promise<contract.UserKey[]> =>
    (await api.call(contract.listUserKeys, claims)).body.keys
  const auditOf = async ({ id }: LoggedIn, action: string) =>
    (await readAudit(database))
      .filter((row) => row.user === id && row.action === action)
      .map(({ outcome, subject }) => `${outcome} ${subject}`)

  /** Somebody with an old key that `count` projects are wrapped to, and a newer active one. */
  async function regenerated(count: number) {
    const person = await newcomer()
    const old = await encrypt(person, first)
    const projects: { id: string; key: string }[] = []
    for (let index = 0; index < count; index++) {
      const id = await createRfx(database, organization)
      const { key, wrap } = await wrapNewKey(old.publicKey)
      await storeWrap(database, { rfxId: id, owner: 'user', ownerId: person.id, keyId: old.keyId }, wrap)
      projects.push({ id, key })
    }
    const active = await encrypt(person, second, old.keyId)
    return {
      person,
      old: old.keyId as string,
      active: active.keyId as string,
      publicKey: old.publicKey as string,
      projects,
    }
  }

  describe('compromised', () => {
    it('revokes the key and marks every version it could open', async () => {
      const { person, old, publicKey, projects } = await regenerated(2)
      const history = await createRfx(database, organization, 2)
      const { wrap } = await wrapNewKey(publicKey)
      const place = { rfxId: history, version: 1, owner: 'user', ownerId: person.id, keyId: old } as const
      await storeWrap(database, place, wrap)
      const untouched = await createRfx(database, organization)
      expect(await compromised(person, old)).toEqual({ status: 200, body: { compromisedVersions: 3 } })
      const { rows } = await sql<{ id: string; version: number }>`
        select rfx_id as id, version from public.rfx_key_version where compromised_at is not null`.execute(
        database.owner,
      )
      const marked = rows.map(({ id, version }) => `${id}/${version}`)
      expect(marked).toEqual(expect.arrayContaining([...projects.map(({ id }) => `${id}/1`), `${history}/1`]))
      for (const version of [`${history}/2`, `${untouched}/1`]) expect(marked).not.toContain(version)
      expect((await keysOf(person)).map(({ state }) => state)).toEqual(['active', 'revoked'])
      expect(await auditOf(person, 'user_key.revoke')).toEqual([`allowed ${old}`])
      expect(await compromised(person, old)).toMatchObject({ body: { compromisedVersions: 3 } })
    })

    it('marks what it could open before that was moved to another, also when it is destroyed', async () => {
      const { person, old, active, projects } = await regenerated(2)
      await rewrap(person, old)
      expect(await compromised(person, active)).toMatchObject({ body: { compromisedVersions: 2 } })
      await sql`update public.rfx_key_version set compromised_at = null`.execute(database.owner)
      expect(await destroy(person, old)).toMatchObject({ status: 204 })
      expect(await compromised(person, old)).toMatchObject({ body: { compromisedVersions: 2 } })
      const { rows } = await sql<{ id: string }>`
        select rfx_id as id from public.rfx_key_version where compromised_at is not null`.execute(database.owner)
      expect(rows.map(({ id }) => id).sort()).toEqual(projects.map(({ id }) => id).sort())
      const key = (await keysOf(person)).find(({ id }) => id === old)
      expect(key).toMatchObject({ state: 'destroyed', revokedAt: expect.any(String) })
    })

    it('takes an active key from where others find it', async () => {
      const person = await newcomer()
      const { keyId } = await encrypt(person, first)
      await compromised(person, keyId)
      const { rows } = await sql`select public_key, encrypted_private_key from public.app_user
        where auth_user_id = ${person.id}::uuid`.execute(database.owner)
      expect(rows).toEqual([{ public_key: null, encrypted_private_key: null }])
      expect(await encrypt(person, second)).toMatchObject({ keyId: expect.any(String) })
      expect(await readOrphans(database)).toEqual([])
    })

    it('is for nobody else', async () => {
      const { old } = await regenerated(0)
      const other = await newcomer()
      expect(await compromised(other, old)).toMatchObject({ status: 404, code: 'not_found' })
      expect(await destroy(other, old)).toMatchObject({ status: 404, code: 'not_found' })
      expect(await rewrap(other, old)).toMatchObject({ status: 404, code: 'not_found' })
      expect(await auditOf(other, 'user_key.revoke')).toEqual([`refused ${old}`])
    })
  })

  describe('destroyed', () => {
    it('only when nothing is wrapped to it', async () => {
      const { person, old, projects } = await regenerated(1)
      expect(await destroy(person, old)).toMatchObject({ status: 409, code: 'key_in_use', data: { wraps: 1 } })
      await sql`delete from public.rfx_key_members where rfx_id = ${projects[0]?.id}::uuid`.execute(database.owner)
      expect(await destroy(person, old)).toMatchObject({ status: 204 })
      expect(await destroy(person, old)).toMatchObject({ status: 204 })
      const [, key] = await keysOf(person)
      expect(key).toMatchObject({
        id: old,
        state: 'destroyed',
        encryptedPrivateKey: null,
        destroyedAt: expect.any(String),
      })
      expect(await auditOf(person, 'user_key.destroy')).toEqual([`refused ${old}`, `allowed ${old}`])
    })

    it('is not brought back', async () => {
      const { person, old, active } = await regenerated(0)
      await destroy(person, old)
      const body = { action: 'encrypt', text: first, replaces: active }
      expect(await api.call(contract.cryptoService, person.claims, { body })).toMatchObject({ code: 'key_reused' })
    })
  })

  describe('re-wrap', () => {
    it('moves every wrap, after which the old key can go', async () => {
      const { person, old, active, projects } = await regenerated(3)
      expect((await keysOf(person)).map(({ id, wraps }) => [id, wraps])).toEqual([
        [active, 0],
        [old, 3],
      ])
      expect(await rewrap(person, old)).toEqual({ status: 200, body: { rewrapped: 3, remaining: 0, failed: [] } })
      expect((await keysOf(person)).map(({ id, wraps }) => [id, wraps])).toEqual([
        [active, 3],
        [old, 0],
      ])
      for (const { id, key } of projects) expect(await unwrap(person, id)).toBe(key)
      expect(await rewrap(person, old)).toMatchObject({ body: { rewrapped: 0, remaining: 0 } })
      expect(await destroy(person, old)).toMatchObject({ status: 204 })
      for (const { id, key } of projects) expect(await unwrap(person, id)).toBe(key)
      expect(await readOrphans(database)).toEqual([])
      expect(await auditOf(person, 'user_key.rewrap')).toEqual(
        expect.arrayContaining([`allowed ${old}`, ...projects.map(({ id }) => `allowed ${id}/1/user`)]),
      )
    })

    it('goes in pages, from where the last one ended', async () => {
      const { person, old, publicKey } = await regenerated(0)
      const rfxId = await createRfx(database, organization, 250)
      const { key, wrap } = await wrapNewKey(publicKey)
      await sql`insert into public.rfx_key_history (rfx_id, version, user_id, encrypted_symmetric_key, user_key_id)
        select ${rfxId}::uuid, n, ${person.id}::uuid, ${wrap}, ${old}::uuid from generate_series(1, 249) n`.execute(
        database.owner,
      )
      await storeWrap(database, { rfxId, owner: 'user', ownerId: person.id, keyId: old }, wrap)
      const pages: { rewrapped: number; remaining: number }[] = []
      let cursor: string | undefined
      do {
        const { body } = await rewrap(person, old, cursor)
        pages.push({ rewrapped: body.rewrapped, remaining: body.remaining })
        cursor = body.cursor
      } while (cursor)
      expect(pages).toEqual([
        { rewrapped: 100, remaining: 150 },
        { rewrapped: 100, remaining: 50 },
        { rewrapped: 50, remaining: 0 },
      ])
      for (const version of [1, 100, 101, 249, 250]) expect(await unwrap(person, rfxId, version)).toBe(key)
    })

    it('leaves out nothing of a version that stands twice', async () => {
      const { person, old, publicKey } = await regenerated(0)
      const rfxId = await createRfx(database, organization, 100)
      const { wrap } = await wrapNewKey(publicKey)
      await sql`insert into public.rfx_key_history (rfx_id, version, user_id, encrypted_symmetric_key, user_key_id)
        select ${rfxId}::uuid, n, ${person.id}::uuid, ${wrap}, ${old}::uuid from generate_series(1, 100) n`.execute(
        database.owner,
      )
      await storeWrap(database, { rfxId, owner: 'user', ownerId: person.id, keyId: old }, wrap)
      expect(await rewrap(person, old)).toMatchObject({ body: { rewrapped: 101, remaining: 0 } })
      expect(await destroy(person, old)).toMatchObject({ status: 204 })
    })

    it('reports what does not open, leaves it, and goes on', async () => {
      const { person, old, projects } = await regenerated(3)
      const [broken, nameless, good] = projects.map(({ id }) => id).sort()
      const garbage = encodeBase64(new Uint8Array(512).fill(1))
      await sql`update public.rfx_key_members set encrypted_symmetric_key = ${garbage} where rfx_id = ${broken}::uuid`.execute(
        database.owner,
      )
      await sql`update public.rfx_key_members set key_id = null where rfx_id = ${nameless}::uuid`.execute(
        database.owner,
      )
      const { body } = await rewrap(person, old)
      expect(body).toEqual({
        rewrapped: 1,
        remaining: 0,
        failed: expect.arrayContaining([
          { rfxId: broken, version: 1, code: 'open_refused' },
          { rfxId: nameless, version: 1, code: 'open_refused' },
        ]),
      })
      expect(body.failed).toHaveLength(2)
      expect(await unwrap(person, good ?? '')).toBe(projects.find(({ id }) => id === good)?.key)
      const { rows } = await sql`select encrypted_symmetric_key as wrap, key_id as key from public.rfx_key_members
        where rfx_id = ${broken}::uuid`.execute(database.owner)
      expect(rows).toEqual([{ wrap: garbage, key: old }])
      expect(await auditOf(person, 'user_key.rewrap')).toEqual(
        expect.arrayContaining([`failed ${broken}/1/user`, `failed ${nameless}/1/user`]),
      )
      await sql`delete from public.rfxs where id in (${broken}::uuid, ${nameless}::uuid)`.execute(database.owner)
    })

    it('opens nothing for somebody else that names this key', async () => {
      const { person, old, publicKey } = await regenerated(0)
      const other = await newcomer()
      const rfxId = await createRfx(database, organization)
      const { wrap } = await wrapNewKey(publicKey)
      await storeWrap(database, { rfxId, owner: 'user', ownerId: other.id, keyId: old }, wrap)
      const failed = [{ rfxId, version: 1, code: 'open_refused' }]
      expect(await rewrap(person, old)).toMatchObject({ body: { rewrapped: 0, failed } })
      expect(await readOrphans(database)).toContainEqual({
        problem: 'key_of_another',
        subject_type: 'rfx_key_version',
        subject_id: `${rfxId}/1/user`,
      })
      await sql`delete from public.rfxs where id = ${rfxId}::uuid`.execute(database.owner)
    })

    it('may run several times at once', async () => {
      const { person, old, projects } = await regenerated(5)
      const pages = await Promise.all([rewrap(person, old), rewrap(person, old), rewrap(person, old)])
      expect(pages.map(({ status }) => status)).toEqual([200, 200, 200])
      expect(pages.reduce((sum, { body }) => sum + body.rewrapped, 0)).toBe(5)
      for (const { id, key } of projects) expect(await unwrap(person, id)).toBe(key)
    })

    it('needs another active key', async () => {
      const { person, old, active } = await regenerated(0)
      expect(await rewrap(person, active)).toMatchObject({ status: 409, code: 'conflict' })
      await compromised(person, active)
      expect(await rewrap(person, old)).toMatchObject({ status: 409, code: 'conflict' })
    })

    it('takes no cursor of another kind', async () => {
      const { person, old } = await regenerated(0)
      const odd = encodeBase64(new TextEncoder().encode(JSON.stringify(['x', old]))).replaceAll('=', '')
      for (const cursor of ['nonsense', odd]) {
        expect(await rewrap(person, old, cursor)).toMatchObject({ status: 400, code: 'request_malformed' })
      }
    })
  })

  describe('of a company', () => {
    async function company() {
      const [administrator, member] = [await newcomer(), await newcomer()]
      const id = await createCompanyOf(database, organization, {
        [administrator.id]: 'administrator',
        [member.id]: 'member',
      })
      const old = await storeCompanyKey(database, api, id, second)
      const rfxId = await createRfx(database, organization)
      const { key, wrap } = await wrapNewKey(old.publicKey)
      await storeWrap(database, { rfxId, owner: 'company', ownerId: id, keyId: old.id }, wrap)
      const params = { companyId: id, id: old.id }
      return { administrator, member, id, rfxId, key, params }
    }

    it('is moved, revoked and destroyed by its administrators', async () => {
      const { administrator, member, id, rfxId, key, params } = await company()
      const old = params.id
      expect(await api.call(contract.destroyCompanyKey, administrator.claims, { params })).toMatchObject({
        code: 'key_in_use',
      })
      const active = await storeCompanyKey(database, api, id, third)
      const moved = await api.call(contract.rewrapCompanyKey, administrator.claims, { params, body: {} })
      expect(moved).toMatchObject({ body: { rewrapped: 1, remaining: 0, failed: [] } })
      expect(await unwrap(member, rfxId, 1, 'company')).toBe(key)
      expect(await api.call(contract.destroyCompanyKey, administrator.claims, { params })).toMatchObject({
        status: 204,
      })
      for (const params of [
        { companyId: id, id: active.id },
        { companyId: id, id: old },
      ]) {
        const revoked = await api.call(contract.revokeCompanyKey, administrator.claims, { params })
        expect(revoked).toMatchObject({ body: { compromisedVersions: 1 } })
      }
      expect(await unwrap(member, rfxId, 1, 'company')).toBe(key)
      expect(await readOrphans(database)).toEqual([])
    })

    it('is left alone by everyone else', async () => {
      const { member, params } = await company()
      const own = await company()
      for (const operation of [contract.revokeCompanyKey, contract.rewrapCompanyKey, contract.destroyCompanyKey]) {
        const body = operation === contract.rewrapCompanyKey ? { body: {} } : {}
        expect(await api.call(operation, member.claims, { params, ...body })).toMatchObject({
          status: 403,
          code: 'forbidden',
        })
        expect(await api.call(operation, (await newcomer()).claims, { params, ...body })).toMatchObject({
          code: 'not_found',
        })
        const mixed = { companyId: own.id, id: params.id }
        const answer = await api.call(operation, own.administrator.claims, { params: mixed, ...body })
        expect(answer).toMatchObject({ status: 404, code: 'not_found' })
      }
    })
  })

  describe('deletion', () => {
    it('leaves no key and no wrap behind', async () => {
      const { person, projects } = await regenerated(1)
      await sql`delete from public.app_user where auth_user_id = ${person.id}::uuid`.execute(database.owner)
      const { rows } = await sql`
        select from public.user_key where user_id = ${person.id}::uuid
        union all select from public.rfx_key_members where rfx_id = ${projects[0]?.id}::uuid
        union all select from nokkel.pseudonym where user_id = ${person.id}::uuid`.execute(database.owner)
      expect(rows).toEqual([])
      expect(await readOrphans(database)).toEqual([])
    })

    it.each([
      [
        'a mirror of another key',
        sql`update public.app_user set public_key = 'x', encrypted_private_key = 'x'`,
        'mirror_differs',
      ],
      ['no mirror', sql`update public.app_user set public_key = null, encrypted_private_key = null`, 'mirror_differs'],
    ])('finds %s', async (_, change, problem) => {
      const person = await newcomer()
      await encrypt(person, first)
      await sql`${change} where auth_user_id = ${person.id}::uuid`.execute(database.owner)
      expect(await readOrphans(database)).toEqual([{ problem, subject_type: 'app_user', subject_id: person.id }])
      await sql`delete from public.app_user where auth_user_id = ${person.id}::uuid`.execute(database.owner)
    })
  })
})
