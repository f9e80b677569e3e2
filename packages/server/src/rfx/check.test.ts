import * as contract from '@nokkel/contract'
import { encodeBase64 } from '@nokkel/crypto'
import { type RawBuilder, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createProjectOf, createRfxCast, type RfxCast } from '../../../../tools/testing/rfx/cast.ts'
import { distribute, rekey } from '../../../../tools/testing/rfx/keys.ts'
import { createRfxPerson, type RfxPerson } from '../../../../tools/testing/rfx/person.ts'
import { createGroup, inOneHour } from '../../../../tools/testing/rfx/projects.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { checkAllRfx } from './check.ts'

describe.each(databaseEngines)('what is wrong with projects [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let cast: RfxCast
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    cast = await createRfxCast(database, api)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const check = ({ claims }: RfxPerson, id: string) => api.call(contract.checkRfx, claims, { params: { id } })
  const faultsOf = async (id: string): Promise<contract.RfxFault[]> => (await check(cast.buyer, id)).body.faults
  const problemsOf = async (id: string) => (await faultsOf(id)).map(({ problem }) => problem).sort()
  /** Changes rows as nobody but a superuser can. */
  const tamper = (statement: RawBuilder<unknown>) => statement.execute(database.owner)

  it('is nothing, when all is well: in every group, and after a new version', async () => {
    const { buyer, colleague, supplier, supplierCompany } = cast
    const id = await createProjectOf(api, cast, { openers: [buyer, colleague], deadline: inOneHour() })
    await distribute(api, supplier, await createGroup(api, supplier, id, 'bidder', supplierCompany))
    expect(await faultsOf(id)).toEqual([])
    const { groups } = (await api.call(contract.getRfx, buyer.claims, { params: { id } })).body
    for (const group of groups) await rekey(api, buyer, group.id)
    expect(await faultsOf(id)).toEqual([])
    expect(await check(cast.developer, id)).toMatchObject({ body: { faults: [], checkedAt: expect.any(String) } })
  })

  it('is for buyers and developers to see', async () => {
    const { supplier, rival, outsider, stranger } = cast
    const id = await createProjectOf(api, cast)
    expect(await check(supplier, id)).toMatchObject({ status: 403, code: 'forbidden' })
    for (const person of [rival, outsider, stranger]) {
      expect(await check(person, id)).toMatchObject({ status: 404, code: 'not_found' })
    }
    expect(await check(cast.buyer, crypto.randomUUID())).toMatchObject({ code: 'not_found' })
    const opening = await createProjectOf(api, cast, { openers: [cast.buyer] })
    const { groups } = (await api.call(contract.getRfx, cast.buyer.claims, { params: { id: opening } })).body
    expect(await check(cast.buyer, groups[1].id)).toMatchObject({ code: 'not_found' })
  })

  it('is somebody who waits, and a group that waits for a new key', async () => {
    const { buyer, another, company, organization } = cast
    const id = await createProjectOf(api, cast)
    const newcomer = await createRfxPerson(database, api, organization)
    await tamper(sql`insert into public.company_member (company_id, organization_id, user_id)
      values (${company}::uuid, ${organization}::uuid, ${newcomer.id}::uuid)`)
    const waits = { problem: 'wrap_missing', groupId: id, subjectType: 'app_user', subjectId: newcomer.id }
    expect(await faultsOf(id)).toEqual([waits])
    await api.call(contract.excludeRfxMember, buyer.claims, { params: { id, userId: another.id } })
    // Whoever has gone still stands in what was signed, and nobody wonders.
    expect(await faultsOf(id)).toEqual([{ problem: 'rekey_pending', groupId: id, subjectType: 'rfx', subjectId: id }])
    await tamper(sql`delete from public.company_member where user_id = ${newcomer.id}::uuid`)
  })

  it('is nothing when the server has moved a wrap to another key of its owner', async () => {
    const { another } = cast
    const id = await createProjectOf(api, cast)
    const { keys } = (await api.call(contract.listUserKeys, another.claims)).body
    const active = keys.find(({ state }: { state: string }) => state === 'active')
    const body = { action: 'encrypt', text: testPrivateKeys[3], replaces: active.id }
    expect(await api.call(contract.cryptoService, another.claims, { body })).toMatchObject({ status: 200 })
    expect(await faultsOf(id)).toEqual([])
    const params = { id: active.id }
    const moved = await api.call(contract.rewrapUserKey, another.claims, { params, body: {} })
    expect(moved.body.rewrapped).toBeGreaterThan(0)
    expect(await faultsOf(id)).toEqual([])
  })

  describe('when rows were changed past the server', () => {
    it.each<[string, (id: string) => RawBuilder<unknown>, string[]]>([
      [
        'a wrap that nobody signed',
        (id) => sql`insert into public.rfx_key_members (rfx_id, user_id, encrypted_symmetric_key, key_id)
          select ${id}::uuid, user_id, 'x', id from public.user_key where user_id = ${cast.outsider.id}::uuid and state = 'active'`,
        ['wrap_surplus', 'wrap_unsigned'],
      ],
      [
        'a wrap that somebody else’s signature is claimed for',
        (id) => sql`insert into public.rfx_key_members
            (rfx_id, user_id, encrypted_symmetric_key, key_id, role, revision, signed_thumbprint, signed_hash)
          select ${id}::uuid, ${cast.outsider.id}::uuid, m.encrypted_symmetric_key, k.id, m.role, m.revision,
            m.signed_thumbprint, m.signed_hash
          from public.rfx_key_members m join public.user_key k on k.user_id = ${cast.outsider.id}::uuid and k.state = 'active'
          where m.rfx_id = ${id}::uuid and m.user_id = ${cast.buyer.id}::uuid`,
        ['wrap_surplus', 'wrap_unsigned'],
      ],
      [
        'another role',
        (id) => sql`update public.rfx_key_members set role = 'buyer'
          where rfx_id = ${id}::uuid and user_id = ${cast.developer.id}::uuid`,
        ['leaf_unexplained', 'wrap_unsigned'],
      ],
      [
        'a wrap in the name of another revision',
        (id) => sql`update public.rfx_key_members set revision = 1
          where rfx_id = ${id}::uuid and user_id = ${cast.developer.id}::uuid`,
        ['wrap_unsigned'],
      ],
      [
        'a wrap in the name of a revision that there is not',
        (id) => sql`update public.rfx_key_members set revision = 77
          where rfx_id = ${id}::uuid and user_id = ${cast.developer.id}::uuid`,
        ['wrap_unsigned'],
      ],
      [
        'other bytes than were signed',
        (id) => sql`update public.rfx_key_members
          set encrypted_symmetric_key = ${encodeBase64(new Uint8Array(512).fill(7))}
          where rfx_id = ${id}::uuid and user_id = ${cast.developer.id}::uuid`,
        ['wrap_unsigned'],
      ],
      [
        'bytes that are no wrap',
        (id) => sql`update public.rfx_key_companies set encrypted_symmetric_key = 'not base64'
          where rfx_id = ${id}::uuid and company_id = ${cast.company}::uuid`,
        ['wrap_unsigned'],
      ],
      [
        'a thumbprint that is none',
        (id) => sql`update public.rfx_key_members set signed_thumbprint = repeat('!', 43)
          where rfx_id = ${id}::uuid and user_id = ${cast.developer.id}::uuid`,
        ['leaf_unexplained', 'wrap_unsigned'],
      ],
      [
        'a wrap that is gone',
        (id) => sql`delete from public.rfx_key_members
          where rfx_id = ${id}::uuid and user_id = ${cast.developer.id}::uuid`,
        ['leaf_unexplained', 'wrap_missing'],
      ],
      [
        'a revision that is gone',
        (id) => sql`delete from public.rfx_manifest where rfx_id = ${id}::uuid and revision = 2`,
        ['manifest_invalid', 'wrap_unsigned', 'wrap_unsigned', 'wrap_unsigned'],
      ],
      [
        'no manifest at all',
        (id) => sql`delete from public.rfx_manifest where rfx_id = ${id}::uuid`,
        ['version_unsigned', ...Array.from({ length: 9 }, () => 'wrap_unsigned')],
      ],
      [
        'a leaf that nobody signed',
        (id) => sql`update public.rfx_manifest set leaves = leaves || sha256('x')
          where rfx_id = ${id}::uuid and revision = 1`,
        ['leaf_unexplained', 'manifest_invalid'],
      ],
      [
        'a statement of another project',
        (id) => sql`update public.rfx_manifest m set statement = o.statement, digest = o.digest, leaves = o.leaves
          from public.rfx_manifest o where m.rfx_id = ${id}::uuid and m.revision = 1 and o.revision = 1 and o.rfx_id <> m.rfx_id`,
        ['leaf_unexplained', 'manifest_invalid', 'wrap_unsigned'],
      ],
      [
        'another signer',
        (id) => sql`update public.rfx_manifest set signer_id = ${cast.developer.id}::uuid
          where rfx_id = ${id}::uuid and revision = 1`,
        ['manifest_invalid'],
      ],
      [
        'a device that the directory gives to somebody else',
        (id) => sql`update public.signing_key set user_id = ${cast.outsider.id}::uuid
          where thumbprint = (select signer_thumbprint from public.rfx_manifest where rfx_id = ${id}::uuid and revision = 1)`,
        ['manifest_invalid'],
      ],
      [
        'another digest, which the next revision would name',
        (id) => sql`update public.rfx_manifest set digest = sha256('x') where rfx_id = ${id}::uuid and revision = 4`,
        ['manifest_invalid'],
      ],
      [
        'somebody who is in it, kept out of sight',
        (id) => sql`delete from public.rfx_invitation where rfx_id = ${id}::uuid`,
        ['leaf_unexplained'],
      ],
    ])('is %s', async (name, change, expected) => {
      const { buyer } = cast
      await createProjectOf(api, cast, { until: 'draft' })
      const id = await createProjectOf(api, cast)
      expect(await faultsOf(id)).toEqual([])
      await tamper(change(id))
      if (name.startsWith('somebody')) {
        // The trigger has taken the wraps and asked for a new key; that is undone too.
        await tamper(sql`update public.rfxs set rekey_pending = false where id = ${id}::uuid`)
      }
      expect(await problemsOf(id)).toEqual(expected.toSorted())
      const { faults, groups } = await checkAllRfx(database.server)
      expect(
        faults
          .filter(({ groupId }) => groupId === id)
          .map(({ problem }) => problem)
          .sort(),
      ).toEqual(expected.toSorted())
      expect(groups).toBeGreaterThan(1)
      await tamper(
        sql`update public.signing_key set user_id = ${buyer.id}::uuid where device_id = ${buyer.deviceId}::uuid`,
      )
      await tamper(sql`delete from public.rfxs where id = ${id}::uuid`)
    })

    it('is a version that does not follow the one before', async () => {
      const { buyer } = cast
      const id = await createProjectOf(api, cast)
      await rekey(api, buyer, id)
      expect(await faultsOf(id)).toEqual([])
      await tamper(sql`update public.rfx_manifest set digest = sha256('x') where rfx_id = ${id}::uuid and version = 1`)
      expect(await problemsOf(id)).toEqual(['manifest_invalid'])
      await tamper(sql`delete from public.rfxs where id = ${id}::uuid`)
    })
  })
})
