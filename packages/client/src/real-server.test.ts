import { decodeBase64, encodeBase64, unwrapKey } from '@nokkel/crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRfx, storeWrap, wrapNewKey } from '../../../tools/testing/managed-keys.ts'
import { type RealDevice, type RealServer, startRealServer } from '../../../tools/testing/real-server.ts'

let real: RealServer

beforeAll(async () => {
  real = await startRealServer()
})

afterAll(() => real.close())

async function idOf(device: RealDevice): Promise<string> {
  return device.nokkel.auth.getSnapshot().me?.id ?? ''
}

describe('against the real server', () => {
  it('a member logs in with Vipps, a coordinator with BankID, and an assignment with a file gets across', async () => {
    const kari = real.createDevice()
    const ingrid = real.createDevice()
    expect(await kari.logIn('likeperson-medlem-1')).toMatchObject({ status: 'ready' })
    expect(await ingrid.logIn('likeperson-koordinator', 'bankid')).toMatchObject({ status: 'ready' })
    expect(kari.nokkel.auth.getSnapshot()).toMatchObject({ status: 'signed_in', me: { name: 'Kari Nordmann' } })

    const page = await ingrid.nokkel.members.list({ search: 'kari nord' })
    expect(page.items.map(({ name, devices }) => [name, devices.length])).toEqual([['Kari Nordmann', 1]])
    const bytes = crypto.getRandomValues(new Uint8Array(50_000))
    const sent = await ingrid.nokkel.assignments.send({
      to: page.items[0]?.id ?? '',
      title: 'Besøk mandag',
      body: 'Klokken ti.',
      files: [new File([bytes], 'vedlegg.bin', { type: 'application/octet-stream' })],
    })
    expect(sent.deliveries?.map(({ state }) => state)).toEqual(['sent'])

    const [item] = (await kari.nokkel.assignments.inbox()).items
    const opened = await item?.open()
    expect(opened).toMatchObject({ title: 'Besøk mandag', signer: { name: 'Ingrid Solberg', verified: 'verified' } })
    const blob = await opened?.files[0]?.blob()
    expect(new Uint8Array((await blob?.arrayBuffer()) ?? new ArrayBuffer())).toEqual(bytes)
    const [status] = (await ingrid.nokkel.assignments.sent()).items
    expect(status?.deliveries?.map(({ state }) => state)).toEqual(['opened'])
  })

  it('a new device ends the old one, which purges itself; the coordinator sends again', async () => {
    const old = real.createDevice({ deviceName: 'Old' })
    const ingrid = real.createDevice()
    expect((await old.logIn('likeperson-medlem-2')).status).toBe('ready')
    await ingrid.logIn('likeperson-koordinator', 'bankid')
    await ingrid.nokkel.keys.confirmReplace()
    const to = await idOf(old)
    const { id } = await ingrid.nokkel.assignments.send({ to, title: 'Før', body: '' })

    const next = real.createDevice({ deviceName: 'New' })
    expect(await next.logIn('likeperson-medlem-2')).toMatchObject({
      status: 'confirm_replace',
      others: [{ name: 'Old' }],
    })
    await next.nokkel.keys.confirmReplace()
    expect(next.nokkel.keys.getSnapshot().status).toBe('ready')

    await expect(old.nokkel.assignments.inbox()).rejects.toMatchObject({ code: 'device_superseded' })
    expect(old.nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notice: 'device_superseded' })
    expect(await old.storage.list('')).toEqual([])

    await expect(next.nokkel.assignments.open(id)).rejects.toMatchObject({ code: 'not_readable' })
    const [item] = (await ingrid.nokkel.assignments.sent()).items
    expect(item?.deliveries?.map(({ state }) => state)).toEqual(['unreadable'])
    expect(await ingrid.nokkel.assignments.resend(id)).toMatchObject({ revision: 2 })
    expect((await next.nokkel.assignments.open(id)).title).toBe('Før')
    expect((await next.nokkel.devices.list()).map(({ state }) => state).sort()).toEqual(['active', 'superseded'])
  })

  it('a session refreshes with the key of its device, also after it was resumed', async () => {
    const kari = real.createDevice({ organization: 'fjordhjelpen' })
    expect((await kari.logIn('fjordhjelpen-medlem-1', 'bankid')).status).toBe('ready')
    const first = await kari.nokkel.auth.accessToken()
    real.clock.aheadSeconds += 600
    const second = await kari.nokkel.auth.accessToken()
    expect(second).not.toBe(first)
    await kari.nokkel.auth.signOut()
    expect((await kari.logIn('fjordhjelpen-medlem-1', 'bankid')).status).toBe('ready')
    expect(await kari.nokkel.devices.list()).toHaveLength(1)
    real.clock.aheadSeconds += 600
    await kari.nokkel.auth.accessToken()
    expect((await kari.nokkel.auth.sessions()).filter(({ current }) => current)).toHaveLength(1)
  })

  it('an organisation may allow several devices, each with a wrap of its own', async () => {
    const [phone, laptop, silje] = [1, 2, 3].map(() => real.createDevice({ organization: 'fjordhjelpen' }))
    if (!phone || !laptop || !silje) throw new Error('unreachable')
    expect((await phone.logIn('fjordhjelpen-medlem-2')).status).toBe('ready')
    expect((await laptop.logIn('fjordhjelpen-medlem-2')).status).toBe('ready')
    await silje.logIn('fjordhjelpen-koordinator')
    const { id } = await silje.nokkel.assignments.send({ to: await idOf(phone), title: 'Begge', body: '' })
    expect((await phone.nokkel.assignments.open(id)).title).toBe('Begge')
    expect((await laptop.nokkel.assignments.open(id)).title).toBe('Begge')

    const other = real.createDevice({ organization: 'fjordhjelpen' })
    await other.logIn('fjordhjelpen-koordinator')
    await expect(other.nokkel.assignments.resend(id)).rejects.toMatchObject({ code: 'own_copy_unreadable' })
  })

  it('a session ended from elsewhere is over at once', async () => {
    const one = real.createDevice({ organization: 'fjordhjelpen' })
    const two = real.createDevice({ organization: 'fjordhjelpen' })
    await one.logIn('administrator')
    await two.logIn('administrator')
    expect(await two.nokkel.auth.endOtherSessions()).toBe(1)
    await expect(one.nokkel.devices.list()).rejects.toMatchObject({ code: 'session_ended' })
    const over = { status: 'signed_out', notice: 'session_expired', lastProvider: 'vipps' }
    expect(one.nokkel.auth.getSnapshot()).toEqual(over)
  })

  it('a cancelled login ends in an error, and the next one works', async () => {
    const { nokkel, visit } = real.createDevice()
    await nokkel.vipps.signIn({ consent: { personnummer: false } })
    const callback = await visit('ny-person', { answer: 'cancel' })
    await expect(nokkel.auth.completeSignIn(callback)).rejects.toMatchObject({ code: 'login_refused' })
    expect(nokkel.vipps.getSnapshot()).toEqual({ status: 'error', purpose: 'login', reason: 'login_refused' })
    await nokkel.vipps.retry()
    await nokkel.auth.completeSignIn(await visit('ny-person'))
    expect((await nokkel.keys.settled()).status).toBe('ready')
  })

  it('a person has one managed key on all devices, and what it opens moves to the next one', async () => {
    const [laptop, phone] = [1, 2].map(() => real.createDevice({ organization: 'fjordhjelpen' }))
    if (!laptop || !phone) throw new Error('unreachable')
    await laptop.logIn('ny-person')
    await phone.logIn('ny-person')
    const { key } = laptop.nokkel.userKeys.getSnapshot()
    if (!key) throw new Error(`no key: ${laptop.nokkel.userKeys.getSnapshot().error}`)
    expect(phone.nokkel.userKeys.getSnapshot()).toEqual({ status: 'ready', key })

    const ownerId = await idOf(laptop)
    const organizationId = laptop.nokkel.auth.getSnapshot().me?.organization.id ?? ''
    const projects = await Promise.all(
      [1, 2, 3].map(async () => {
        const rfxId = await createRfx(real.database, organizationId)
        const { key: rfxKey, wrap } = await wrapNewKey(key.publicKey)
        return { rfxId, rfxKey, wrap }
      }),
    )
    const broken = projects[2]
    for (const project of projects) {
      const place = { rfxId: project.rfxId, owner: 'user', ownerId, keyId: key.id } as const
      await storeWrap(real.database, place, project === broken ? encodeBase64(new Uint8Array(512)) : project.wrap)
    }

    const [first] = projects
    const request = { rfxId: first?.rfxId ?? '', version: 1, via: 'user' } as const
    expect(encodeBase64(await phone.nokkel.userKeys.unwrap(request))).toBe(first?.rfxKey)
    const privateKey = await phone.nokkel.userKeys.privateKey()
    expect(encodeBase64(await unwrapKey(decodeBase64(first?.wrap ?? ''), privateKey))).toBe(first?.rfxKey)

    const renewed = await laptop.nokkel.userKeys.regenerate()
    expect(renewed).toMatchObject({ moved: 2, failed: [{ rfxId: broken?.rfxId, version: 1 }] })
    expect((await phone.nokkel.userKeys.list()).map(({ id, state, wraps }) => [id, state, wraps])).toEqual([
      [renewed.key.id, 'active', 2],
      [key.id, 'superseded', 1],
    ])
    expect(encodeBase64(await phone.nokkel.userKeys.unwrap(request))).toBe(first?.rfxKey)
    await expect(phone.nokkel.userKeys.unwrap({ ...request, rfxId: broken?.rfxId ?? '' })).rejects.toMatchObject({
      code: 'open_refused',
    })

    const revoked = await phone.nokkel.userKeys.markCompromised(renewed.key.id)
    expect(revoked).toMatchObject({ compromisedVersions: 2, moved: 2 })
    await expect(phone.nokkel.userKeys.privateKey(renewed.key.id)).rejects.toMatchObject({ code: 'open_refused' })
    expect(encodeBase64(await phone.nokkel.userKeys.unwrap(request))).toBe(first?.rfxKey)
  })

  it('a company is registered, joined by code, and left at once', async () => {
    const [henrik, tone] = [1, 2].map(() => real.createDevice())
    if (!henrik || !tone) throw new Error('unreachable')
    await henrik.logIn('likeperson-koordinator', 'bankid')
    await tone.logIn('likeperson-medlem-2')
    const company = await henrik.nokkel.companies.create({ name: 'Bryggen Snekkeri', organizationNumber: '987654321' })
    expect((await tone.nokkel.companies.list({ search: 'bryggen' })).items).toMatchObject([
      { id: company.id, organizationNumber: '987654321', key: null, role: null },
    ])
    const { code } = await henrik.nokkel.companies.invite(company.id)
    expect(await tone.nokkel.companies.join(code)).toMatchObject({ id: company.id, role: 'member' })
    expect((await tone.nokkel.companies.list({ mine: true })).items.map(({ id }) => id)).toEqual([company.id])
    await expect(tone.nokkel.companies.generateKey(company.id)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(henrik.nokkel.companies.leave(company.id)).rejects.toMatchObject({
      code: 'company_needs_administrator',
    })
    await tone.nokkel.companies.leave(company.id)
    await expect(tone.nokkel.companies.get(company.id)).rejects.toMatchObject({ code: 'not_found' })
  })
})
