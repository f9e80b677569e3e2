import { inspect } from 'node:util'
import { syntheticNationalNumber } from '@nokkel/sandbox'
import { describe, expect, it } from 'vitest'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { Refusal } from '../testing/refusal.ts'
import { watchedStorage } from '../testing/watched-storage.ts'

const typed = syntheticNationalNumber('1984-03-17')

/** A person who is logged in, and whose typed number is kept. */
async function signedIn() {
  const server = createFakeServer()
  const storage = watchedStorage()
  const client = createFakeClient(server, { storage })
  await client.logIn()
  const { id } = server.member
  const { nokkel } = client
  await nokkel.identity.storePersonnummer(id, typed, { version: 'v1' })
  server.log.length = 0
  return { server, storage, client, nokkel, privacy: nokkel.privacy, id }
}

describe('consents', () => {
  it('are listed, and one that is taken back takes what was held with it, also from this device', async () => {
    const { server, storage, nokkel, privacy, id } = await signedIn()
    const [consent] = await privacy.consents()
    expect(consent).toMatchObject({ purpose: 'personnummer', textVersion: 'v1', withdrawnAt: null })
    expect(await storage.list('identity_')).toHaveLength(2)
    await privacy.withdraw(consent?.id ?? '')
    expect(await storage.list('identity_')).toEqual([])
    expect(server.log).toEqual(['listConsents', 'withdrawConsent', 'getMe'])
    expect((await privacy.consents())[0]?.withdrawnAt).not.toBeNull()
    expect(await nokkel.identity.getIdentityByUserId(id)).toMatchObject({ personnummer: null })
  })

  it('leave nothing cached when it is not known whether one was taken back', async () => {
    const { server, storage, privacy } = await signedIn()
    const [consent] = await privacy.consents()
    server.intercept('withdrawConsent', async (exchange) => {
      await server.respond(exchange)
      return new Response('', { status: 500 })
    })
    await expect(privacy.withdraw(consent?.id ?? '')).rejects.toMatchObject({ code: 'answer_unexpected' })
    expect(await storage.list('identity_')).toEqual([])
    expect(server.identity.kept.size).toBe(0)
  })

  it('of nobody are not taken back', async () => {
    const { privacy } = await signedIn()
    await expect(privacy.withdraw(crypto.randomUUID())).rejects.toMatchObject({ code: 'not_found' })
  })

  it('are not told when nobody is logged in', async () => {
    const { nokkel, privacy } = await signedIn()
    await nokkel.auth.signOut()
    for (const ask of [privacy.consents, privacy.preview, privacy.exportData, privacy.erase]) {
      await expect(ask()).rejects.toMatchObject({ code: 'signed_out' })
    }
  })
})

describe('exportData', () => {
  it('gives everything for a machine, with the number opened on this device and stored nowhere', async () => {
    const { server, storage, privacy, id } = await signedIn()
    const answers: string[] = []
    server.intercept('exportPersonalData', async (exchange) => {
      const answer = await server.respond(exchange)
      answers.push(await answer.clone().text())
      return answer
    })
    const { data, json } = await privacy.exportData()
    expect(data).toMatchObject({ format: 'nokkel/export/v1', userId: id, personnummer: typed })
    expect(data).not.toHaveProperty('sealedPersonnummer')
    expect(data.data.user_identities).toEqual([server.identity.rows.get(id)])
    expect(json.type).toBe('application/json')
    expect(JSON.parse(await json.text())).toEqual(data)
    expect(answers.join()).not.toContain(typed)
    expect(await storage.dump()).not.toContain(typed)
  })

  it('says so when no number is kept', async () => {
    const { server, privacy } = await signedIn()
    server.identity.kept.clear()
    expect((await privacy.exportData()).data.personnummer).toBeNull()
  })

  it('refuses a number that was sealed to another device, and tells nothing of what came', async () => {
    const { server, privacy } = await signedIn()
    server.intercept('exportPersonalData', async (exchange) => {
      const device = server.devices[0]
      const deviceId = device?.id
      Object.assign(device ?? {}, { id: crypto.randomUUID() })
      for (const session of server.sessions) if (session.deviceId === deviceId) session.deviceId = device?.id ?? null
      return server.respond(exchange)
    })
    const error = await privacy.exportData().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'answer_unexpected' })
    expect(inspect(error, { depth: null })).not.toContain(typed)
  })

  it('quotes nothing of an answer that is cut short', async () => {
    const { server, privacy } = await signedIn()
    server.intercept('exportPersonalData', () => new Response('{"contact":{"email":"kari@example.no"'))
    const error = await privacy.exportData().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'answer_unexpected' })
    expect(inspect(error, { depth: null })).not.toContain('kari')
  })

  it('asks for a new login', async () => {
    const { server, privacy } = await signedIn()
    server.intercept('exportPersonalData', () => new Refusal('login_too_old', 403).toResponse())
    await expect(privacy.exportData()).rejects.toMatchObject({ code: 'login_too_old' })
  })
})

describe('erase', () => {
  it('gives the certificate, leaves nothing on this device, and logs out', async () => {
    const { server, storage, nokkel, privacy, id } = await signedIn()
    await storage.put(`known_signer_v1.${id}`, {})
    expect(await privacy.preview()).toMatchObject({ removed: { user_identities: 1 }, blockers: [] })
    expect(await privacy.erase()).toMatchObject({ removed: { user_identities: 1 }, certificate: expect.any(String) })
    expect(await storage.list('')).toEqual([])
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notice: 'account_erased' })
    expect([nokkel.keys.getSnapshot().status, nokkel.userKeys.getSnapshot().status]).toEqual(['none', 'idle'])
    expect(server.log).toEqual(['previewErasure', 'erasePerson'])
  })

  it('gives the certificate although this device cannot delete everything, and tells that', async () => {
    const { storage, nokkel, privacy } = await signedIn()
    storage.fail('delete', /^identity_/)
    expect(await privacy.erase()).toHaveProperty('certificate')
    expect(nokkel.auth.getSnapshot()).toMatchObject({ notice: 'account_erased', notPurged: 'storage_unavailable' })
    expect(await storage.get('session_v1')).toBeUndefined()
  })

  it.each([
    ['erasure_blocked', 409],
    ['login_too_old', 403],
  ] as const)('leaves everything as it is when it is refused as %s', async (code, status) => {
    const { server, storage, nokkel, privacy } = await signedIn()
    const before = await storage.dump()
    server.intercept('erasePerson', () => new Refusal(code, status).toResponse())
    await expect(privacy.erase()).rejects.toMatchObject({ code })
    expect(await storage.dump()).toBe(before)
    expect(nokkel.auth.getSnapshot().status).toBe('signed_in')
  })

  it('is not asked for twice, and found out later, when the answer is lost', async () => {
    const { server, storage, nokkel, privacy } = await signedIn()
    server.intercept('erasePerson', async (exchange) => {
      await server.respond(exchange)
      throw new TypeError('connection reset')
    })
    await expect(privacy.erase()).rejects.toMatchObject({ code: 'network_unreachable' })
    expect(server.log).toEqual(['erasePerson'])
    await expect(privacy.consents()).rejects.toMatchObject({ code: 'account_erased' })
    expect(await storage.list('')).toEqual([])
    expect(nokkel.auth.getSnapshot()).toEqual({ status: 'signed_out', notice: 'account_erased' })
  })

  it('empties another device of the person at its next contact, and leaves that of others', async () => {
    const { server, privacy } = await signedIn()
    const storage = watchedStorage()
    const other = createFakeClient(server, { storage })
    await other.logIn(server.coordinator)
    const kept = await storage.list('')
    await privacy.erase()
    await other.nokkel.auth.sessions().catch(() => {})
    expect(await storage.list('')).toEqual(kept)
    expect(other.nokkel.auth.getSnapshot().status).toBe('signed_in')
  })
})
