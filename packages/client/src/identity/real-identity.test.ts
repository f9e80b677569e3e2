import { people, syntheticDNumber } from '@nokkel/sandbox'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RealServer, startRealServer } from '../../../../tools/testing/real-server.ts'
import { watchedStorage } from '../testing/watched-storage.ts'

const consent = { version: 'v1' }
const code = (expected: string) => expect.objectContaining({ code: expected })
const numberOf = (person: string) => people.find(({ id }) => id === person)?.nationalNumber ?? ''
const masked = (number: string) => `${number.slice(0, 6)}*****`

describe('the identity of a person, of the real server', () => {
  let real: RealServer
  beforeAll(async () => {
    real = await startRealServer({ personnummer: true })
  })
  afterAll(() => real.close())

  async function loggedIn(person: string, provider: 'bankid' | 'vipps') {
    const storage = watchedStorage()
    const requests: string[] = []
    const answers: string[] = []
    const fetch: typeof globalThis.fetch = async (input, init) => {
      requests.push(`${init?.method} ${input} ${init?.body ?? ''}`)
      const response = await real.fetch(input, init)
      answers.push(await response.clone().text())
      return response
    }
    const device = real.createDevice({ storage, fetch })
    if ((await device.logIn(person, provider)).status === 'confirm_replace') await device.nokkel.keys.confirmReplace()
    expect(device.nokkel.keys.getSnapshot().status).toBe('ready')
    requests.length = 0
    const id = device.nokkel.auth.getSnapshot().me?.id ?? ''
    return { ...device, storage, requests, answers, id, repository: device.nokkel.identity }
  }

  it('is read from the server once, and from the cache within 15 minutes', async () => {
    const { repository, requests, id } = await loggedIn('likeperson-medlem-1', 'vipps')
    await repository.upsertIdentity({ userId: id })
    await repository.purgeLocalIdentityData()
    requests.length = 0
    const row = await repository.getIdentityByUserId(id)
    expect(row).toMatchObject({ userId: id, bankidVerified: false, personnummer: null, personnummerVerified: true })
    expect(row?.vippsSub).toMatch(/./)
    real.clock.aheadSeconds += 899
    expect(await repository.getIdentityByUserId(id)).toEqual(row)
    expect(requests).toHaveLength(1)
    real.clock.aheadSeconds += 2
    expect(await repository.getIdentityByUserId(id)).toEqual(row)
    // The access token was over, too.
    expect(requests.map((request) => request.split(' ')[1]?.slice(real.origin.length))).toEqual([
      '/nokkel/me/identity',
      '/nokkel/session/refresh',
      '/nokkel/me/identity',
    ])
    await expect(repository.markBankIdVerified(id)).rejects.toEqual(code('bankid_login_required'))
  })

  it('says that it came from BankID only where the session did', async () => {
    const { repository, id } = await loggedIn('hjertelaget-medlem-1', 'bankid')
    await repository.markBankIdVerified(id)
    expect(await repository.getIdentityByUserId(id)).toMatchObject({ bankidVerified: true })
  })

  it('keeps a typed number as ciphertext, shows it to its owner, and gives it up with the consent', async () => {
    const { repository, nokkel, storage, requests, answers, id } = await loggedIn('nordlys-medlem-1', 'vipps')
    await repository.declineOffered()
    await expect(repository.keepOffered(consent)).rejects.toEqual(code('personnummer_offer_gone'))
    const typed = syntheticDNumber('1991-04-05')
    await repository.storePersonnummer(id, typed, consent)
    expect(await repository.personnummer()).toMatchObject({
      kept: { masked: masked(typed), source: 'typed' },
      offered: null,
    })
    const row = await repository.getIdentityByUserId(id)
    expect(row?.personnummer).toMatch(/^[\w-]{64,}$/)
    expect(await repository.revealPersonnummer()).toBe(typed)
    const { data } = await nokkel.privacy.exportData()
    expect(data).toMatchObject({ userId: id, personnummer: typed })
    const everything = async () =>
      [await storage.dump(), ...requests, ...answers].filter((text) => text.includes(typed))
    expect(await everything()).toEqual([])

    const consents = await nokkel.privacy.consents()
    const own = consents.find(({ purpose, withdrawnAt }) => purpose === 'personnummer' && withdrawnAt === null)
    expect(own).toMatchObject({ legalBasis: 'gdpr-6-1-a+popplyl-12', textVersion: 'v1' })
    await nokkel.privacy.withdraw(own?.id ?? '')
    expect(await repository.getIdentityByUserId(id)).toMatchObject({ personnummer: null })
    expect((await repository.personnummer()).kept).toBeNull()
    await expect(repository.revealPersonnummer()).rejects.toEqual(code('not_found'))
    await storage.put('planted', typed)
    expect(await everything()).toHaveLength(1)
  })

  it('keeps what BankID told when the person says yes, and lets no typed one take its place', async () => {
    const { repository, id } = await loggedIn('hjertelaget-medlem-2', 'bankid')
    const number = numberOf('hjertelaget-medlem-2')
    expect((await repository.personnummer()).offered).toMatchObject({ masked: masked(number), source: 'bankid' })
    await repository.keepOffered(consent)
    expect((await repository.personnummer()).kept).toMatchObject({ masked: masked(number), source: 'bankid' })
    const typed = syntheticDNumber('1991-04-05')
    await expect(repository.storePersonnummer(id, typed, consent)).rejects.toEqual(code('personnummer_known'))
    await sql`update nokkel.session set authenticated_at = authenticated_at - interval '6 minutes' where user_id = ${id}`.execute(
      real.database.owner,
    )
    await expect(repository.revealPersonnummer()).rejects.toEqual(code('login_too_old'))
  })

  it('is sealed to the new identity key when the old one is gone', async () => {
    const { repository, id } = await loggedIn('likeperson-medlem-2', 'vipps')
    await repository.declineOffered()
    const [first, second] = [syntheticDNumber('1991-04-05'), syntheticDNumber('1991-04-06')]
    await repository.storePersonnummer(id, first, consent)
    await sql`delete from nokkel.identity_key`.execute(real.database.owner)
    await repository.storePersonnummer(id, second, consent)
    expect(await repository.revealPersonnummer()).toBe(second)
  })

  it('of somebody else is not there', async () => {
    const one = await loggedIn('uten-adresse', 'vipps')
    const other = await loggedIn('likeperson-koordinator', 'bankid')
    await one.repository.upsertIdentity({ userId: one.id })
    expect(await other.repository.getIdentityByUserId(one.id)).toBeNull()
    const token = await other.nokkel.auth.accessToken()
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ userId: one.id })
    const response = await real.fetch(`${real.origin}/nokkel/me/identity`, { method: 'PUT', headers, body })
    expect(response.status).toBe(403)
  })

  it('is erased with the person, and another tab has nothing either', async () => {
    const { nokkel, storage, repository, id } = await loggedIn('ny-person', 'vipps')
    await repository.upsertIdentity({ userId: id })
    const tab = real.createDevice({ storage })
    await tab.nokkel.start()
    expect((await nokkel.privacy.preview()).blockers).toEqual([])
    const certificate = await nokkel.privacy.erase()
    expect(certificate.certificate).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(JSON.stringify(certificate)).not.toContain(id)
    expect(await storage.list('')).toEqual([])
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notice: 'account_erased' })
    await expect(tab.nokkel.devices.list()).rejects.toEqual(code('signed_out'))
  })

  it('deletes everything on a device that comes back after the person was erased elsewhere', async () => {
    const { nokkel, storage, id } = await loggedIn('likeperson-medlem-1', 'vipps')
    // What this device had when it was put away.
    const names = await storage.list('')
    const values = await Promise.all(names.map((name) => storage.get(name)))
    await nokkel.privacy.erase()
    const other = watchedStorage()
    for (const [index, name] of names.entries()) await other.put(name, values[index])
    await other.put(`known_signer_v1.${id}`, {})
    const { nokkel: back } = real.createDevice({ storage: other })
    await back.start()
    expect(back.auth.getSnapshot()).toEqual({ status: 'signed_out', notice: 'account_erased' })
    expect(await other.list('')).toEqual([])
  })
})
