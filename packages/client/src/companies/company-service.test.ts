import { describe, expect, it } from 'vitest'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'

async function withCompany() {
  const server = createFakeServer()
  const [ingrid, kari] = [createFakeClient(server), createFakeClient(server)]
  await ingrid.logIn(server.coordinator)
  await kari.logIn(server.member)
  const company = await ingrid.nokkel.companies.create({ name: 'Fjord Bygg AS', organizationNumber: '912345678' })
  return { server, ingrid: ingrid.nokkel.companies, kari: kari.nokkel.companies, company }
}

describe('a company', () => {
  it('is made by a coordinator, who administers it', async () => {
    const { server, ingrid, kari, company } = await withCompany()
    expect(company).toMatchObject({ name: 'Fjord Bygg AS', role: 'administrator', key: null, keys: [] })
    expect(company.members).toMatchObject([{ id: server.coordinator.id, role: 'administrator' }])
    expect((await ingrid.list({ mine: true })).items).toHaveLength(1)
    expect((await kari.list({ mine: true })).items).toEqual([])
    expect((await kari.list({ search: 'fjord' })).items).toMatchObject([{ id: company.id, role: null }])
    await expect(kari.create({ name: 'Nei' })).rejects.toMatchObject({ code: 'forbidden' })
    await expect(kari.get(company.id)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('is joined with a code, once, and left', async () => {
    const { server, ingrid, kari, company } = await withCompany()
    const { code } = await ingrid.invite(company.id)
    expect(await kari.join(code)).toMatchObject({ id: company.id, role: 'member' })
    await expect(kari.join(code)).rejects.toMatchObject({ code: 'invitation_unknown' })
    expect((await kari.get(company.id)).members.map(({ name }) => name)).toEqual(['Ingrid Solberg', 'Kari Nordmann'])
    await expect(ingrid.leave(company.id)).rejects.toMatchObject({ code: 'company_needs_administrator' })
    await ingrid.changeRole(company.id, server.member.id, 'administrator')
    expect((await kari.get(company.id)).role).toBe('administrator')
    await ingrid.leave(company.id)
    await expect(ingrid.get(company.id)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('loses a member who is removed', async () => {
    const { server, ingrid, kari, company } = await withCompany()
    await kari.join((await ingrid.invite(company.id, { role: 'administrator' })).code)
    await ingrid.remove(company.id, server.member.id)
    await expect(kari.get(company.id)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('gets a key that everybody in the organisation sees, with its fingerprint', async () => {
    const { ingrid, kari, company } = await withCompany()
    const key = await ingrid.generateKey(company.id)
    expect(key.fingerprint).toMatch(/^\d{5}( \d{5}){5}$/)
    expect((await kari.list()).items[0]?.key).toMatchObject({ id: key.id, fingerprint: key.fingerprint })
    await expect(ingrid.generateKey(company.id)).rejects.toMatchObject({ code: 'key_exists' })
  })

  it('moves what is wrapped to its old key to the new one', async () => {
    const { server, ingrid, kari, company } = await withCompany()
    await ingrid.generateKey(company.id)
    const old = server.managedKeys.find(({ ownerId }) => ownerId === company.id)
    const rfxIds = [1, 2, 3].map(() => crypto.randomUUID())
    old?.wraps.push(...rfxIds.map((rfxId, index) => ({ rfxId, version: 1, broken: index === 0 })))
    const { key, moved, failed } = await ingrid.regenerate(company.id)
    expect({ moved, failed }).toEqual({ moved: 2, failed: [{ rfxId: rfxIds[0], version: 1, code: 'open_failed' }] })
    expect((await ingrid.get(company.id)).keys.map(({ id, state, wraps }) => [id, state, wraps])).toEqual([
      [key.id, 'active', 2],
      [old?.id, 'superseded', 1],
    ])
    expect(await ingrid.moveWraps(company.id)).toMatchObject({ moved: 0, failed: [{ rfxId: rfxIds[0] }] })
    expect(await ingrid.markCompromised(company.id, key.id)).toMatchObject({ compromisedVersions: 2 })
    await kari.join((await ingrid.invite(company.id)).code)
    await expect(kari.regenerate(company.id)).rejects.toMatchObject({ code: 'forbidden' })
  })
})
