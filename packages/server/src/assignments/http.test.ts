import * as contract from '@nokkel/contract'
import {
  calculateThumbprint,
  decodeBase64Url,
  encodeBase64Url,
  exportPublicJwk,
  open,
  sealedByteLength,
  signJws,
} from '@nokkel/crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { openAs, readdressTo, sealFor } from '../../../../tools/testing/assignments.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import {
  createEquipped,
  createOrganization,
  createPerson,
  type Equipped,
  type LoggedIn,
  logIn,
} from '../../../../tools/testing/people.ts'

describe.each(databaseEngines)('devices, members, files and assignments over HTTP [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let organization: string
  let ingrid: Equipped
  let stranger: Equipped
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    organization = await createOrganization(database, { slug: 'likeperson' })
    ingrid = await createEquipped(database, organization, { name: 'Ingrid Solberg', role: 'coordinator' })
    stranger = await createEquipped(database, await createOrganization(database), { role: 'coordinator' })
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  /** All that a client does to get its keys registered. */
  async function register(person: LoggedIn, replaces = false): Promise<Equipped> {
    const encryptionKey = await exportPublicJwk(person.keys.encryption.publicKey)
    const asked = await api.call(contract.createDeviceChallenge, person.claims, { body: { encryptionKey } })
    expect(asked.status).toBe(201)
    const { id, challenge, sealedNonce } = asked.body
    const context = { purpose: 'device-registration', table: 'device_key', column: 'nonce', row: id, owner: person.id }
    const nonce = encodeBase64Url(await open(decodeBase64Url(sealedNonce), person.keys.encryption, context))
    const { sub: user, sid: session } = person.claims
    const iat = Math.floor(Date.now() / 1000)
    const payload = {
      v: 1,
      id,
      challenge,
      nonce,
      user,
      session,
      encryptionKey,
      suites: [2],
      name: 'Telefon',
      replaces,
      iat,
    }
    const registration = await signJws(payload, person.keys.signing, 'nokkel-device+jwt')
    const { status, body } = await api.call(contract.registerDevice, person.claims, { body: { registration } })
    expect(status).toBe(201)
    return { ...person, deviceId: body.id, encryptionKey, signingThumbprint: body.signingThumbprint }
  }

  it('tells the whole story', async () => {
    const id = await createPerson(database, organization, { name: 'Kari Nordmann' })
    const kari = await register(await logIn(database, organization, id))
    const me = await api.call(contract.getMe, kari.claims)
    expect(me.body).toMatchObject({ id, name: 'Kari Nordmann', session: { deviceId: kari.deviceId } })
    const found = await api.call(contract.listMembers, ingrid.claims, { query: { search: 'kari', limit: '5' } })
    expect(found.body.members).toMatchObject([{ id, devices: [{ id: kari.deviceId }] }])
    const looked = await api.call(contract.getMembersById, ingrid.claims, { body: { ids: [id] } })
    expect(looked.body).toEqual({ members: found.body.members })

    const blob = crypto.randomUUID()
    const byteLength = sealedByteLength(4)
    const announced = await api.call(contract.createBlob, ingrid.claims, {
      body: { id: blob, byteLength, chunkCount: 1 },
    })
    expect(announced).toMatchObject({ status: 201, body: { received: [] } })
    const bytes = crypto.getRandomValues(new Uint8Array(byteLength))
    const put = await api.call(contract.putBlobChunk, ingrid.claims, { params: { id: blob, index: 0 }, bytes })
    expect(put.status).toBe(204)

    const request = await sealFor(ingrid, [kari], { blobs: [blob] })
    const sent = await api.call(contract.sendAssignment, ingrid.claims, { body: request })
    expect(sent).toMatchObject({ status: 201, body: { fileCount: 1, deliveries: [{ userId: id, state: 'sent' }] } })
    const again = await api.call(contract.sendAssignment, ingrid.claims, { body: request })
    expect(again).toEqual(sent)

    const inbox = await api.call(contract.listAssignments, kari.claims)
    expect(inbox.body.assignments).toMatchObject([{ id: request.id, readable: true }])
    const got = await api.call(contract.getAssignment, kari.claims, { params: { id: request.id } })
    expect(await openAs(kari, got.body)).toMatchObject({ title: 'Besøk på mandag' })
    const chunk = await api.call(contract.getBlobChunk, kari.claims, { params: { id: blob, index: 0 } })
    expect(chunk.body).toEqual(bytes)
    const opened = await api.call(contract.markAssignmentOpened, kari.claims, { params: { id: request.id } })
    expect(opened.status).toBe(204)
    const { thumbprint } = got.body.signer
    const signer = await api.call(contract.getSigningKey, kari.claims, { params: { thumbprint } })
    expect(signer.body).toMatchObject({ userId: ingrid.id, userName: 'Ingrid Solberg' })

    const later = await register(await logIn(database, organization, id), true)
    const refused = await api.call(contract.getMe, kari.claims)
    expect(refused).toMatchObject({ status: 401, code: 'device_superseded' })
    const outbox = await api.call(contract.listAssignments, ingrid.claims, { query: { box: 'sent' } })
    expect(outbox.body.assignments[0].deliveries).toMatchObject([{ state: 'unreadable', hasActiveDevice: true }])
    const own = await api.call(contract.getAssignment, ingrid.claims, { params: { id: request.id } })
    const body = await readdressTo(ingrid, [later], own.body)
    const readdressed = await api.call(contract.readdressAssignment, ingrid.claims, {
      params: { id: request.id },
      body,
    })
    expect(readdressed).toMatchObject({ status: 200, body: { revision: 2 } })
    const reread = await api.call(contract.getAssignment, later.claims, { params: { id: request.id } })
    expect(await openAs(later, reread.body)).toMatchObject({ body: 'Klokken ti.' })

    const devices = await api.call(contract.listDevices, later.claims)
    expect(devices.body.devices).toMatchObject([{ current: true }, { state: 'superseded' }])
    const revoked = await api.call(contract.revokeDevice, later.claims, { params: { id: later.deviceId } })
    expect(revoked.status).toBe(204)
    expect(await api.call(contract.listDevices, later.claims)).toMatchObject({ status: 401, code: 'device_revoked' })
  })

  it('resumes a device', async () => {
    const session = await logIn(database, organization, ingrid.id)
    const thumbprint = await calculateThumbprint(await exportPublicJwk(session.keys.signing.publicKey))
    const payload = { session: session.claims.sid, thumbprint, iat: Math.floor(Date.now() / 1000) }
    const proof = await signJws(payload, ingrid.keys.signing, 'nokkel-device-resume+jwt')
    const { body } = await api.call(contract.resumeDevice, session.claims, { body: { proof } })
    expect(body).toEqual({ deviceId: ingrid.deviceId })
  })

  it('lists organisations to everyone, and nothing else', async () => {
    const { body } = await api.call(contract.listOrganizations, undefined)
    expect(body.organizations).toContainEqual({ slug: 'likeperson', name: 'likeperson', providers: [] })
    const closed = [contract.getMe, contract.listMembers, contract.listDevices, contract.listAssignments]
    for (const operation of closed) {
      expect(await api.call(operation, undefined)).toMatchObject({ status: 401, code: 'token_missing' })
    }
  })

  it('shows nothing across organisations', async () => {
    const kari = await createEquipped(database, organization)
    const blob = crypto.randomUUID()
    await api.call(contract.createBlob, ingrid.claims, { body: { id: blob, byteLength: 53, chunkCount: 1 } })
    await api.call(contract.putBlobChunk, ingrid.claims, { params: { id: blob, index: 0 }, bytes: new Uint8Array(53) })
    const request = await sealFor(ingrid, [kari], { blobs: [blob] })
    await api.call(contract.sendAssignment, ingrid.claims, { body: request })
    const body = { statement: request.statement, keys: request.keys }
    const answers = [
      api.call(contract.getAssignment, stranger.claims, { params: { id: request.id } }),
      api.call(contract.markAssignmentOpened, stranger.claims, { params: { id: request.id } }),
      api.call(contract.readdressAssignment, stranger.claims, { params: { id: request.id }, body }),
      api.call(contract.getBlobChunk, stranger.claims, { params: { id: blob, index: 0 } }),
      api.call(contract.putBlobChunk, stranger.claims, { params: { id: blob, index: 0 }, bytes: new Uint8Array(53) }),
      api.call(contract.revokeDevice, stranger.claims, { params: { id: kari.deviceId } }),
      api.call(contract.getSigningKey, stranger.claims, { params: { thumbprint: kari.signingThumbprint } }),
    ]
    for (const answer of answers) expect(await answer).toMatchObject({ status: 404, code: 'not_found' })
  })

  it('answers a wrong request with its problem', async () => {
    const kari = await createEquipped(database, organization)
    const id = crypto.randomUUID()
    const request = await sealFor(ingrid, [kari])
    const chunk = { id, index: 0 }
    const problem = async (...call: Parameters<TestApi['call']>) => {
      const { status, code } = await api.call(...call)
      return `${status} ${code}`
    }
    const upper = { ...request, id: request.id.toUpperCase() }
    expect(await problem(contract.sendAssignment, ingrid.claims, { body: upper })).toBe('400 request_malformed')
    const extra = { ...request, note: 'x' }
    expect(await problem(contract.sendAssignment, ingrid.claims, { body: extra })).toBe('400 request_malformed')
    const alone = { ...request, keys: request.keys.slice(0, 1) }
    expect(await problem(contract.sendAssignment, ingrid.claims, { body: alone })).toBe('400 request_malformed')
    const large = { ...request, content: 'A'.repeat(2_097_152) }
    expect(await problem(contract.sendAssignment, ingrid.claims, { body: large })).toBe('413 body_too_large')
    expect(await problem(contract.sendAssignment, kari.claims, { body: await sealFor(kari, [ingrid]) })).toBe(
      '403 forbidden',
    )
    expect(await problem(contract.listMembers, kari.claims)).toBe('403 forbidden')
    expect(await problem(contract.listMembers, ingrid.claims, { query: { limit: '201' } })).toBe(
      '400 request_malformed',
    )
    expect(await problem(contract.listMembers, ingrid.claims, { query: { cursor: 'x' } })).toBe('400 request_malformed')
    const oversize = new Uint8Array(1_048_577)
    expect(await problem(contract.putBlobChunk, ingrid.claims, { params: chunk, bytes: oversize })).toBe(
      '413 body_too_large',
    )
    expect(await problem(contract.putBlobChunk, ingrid.claims, { params: chunk, body: {} })).toBe(
      '415 media_type_unsupported',
    )
    expect(await problem(contract.getBlobChunk, ingrid.claims, { params: { id, index: 8192 } })).toBe(
      '400 request_malformed',
    )
    expect(await problem(contract.createBlob, ingrid.claims, { body: { id, byteLength: 53, chunkCount: 2 } })).toBe(
      '400 request_malformed',
    )
    expect(await problem(contract.createBlob, kari.claims, { body: { id, byteLength: 53, chunkCount: 1 } })).toBe(
      '403 forbidden',
    )
    expect(await problem(contract.getAssignment, ingrid.claims, { params: { id: 'x' } })).toBe('400 request_malformed')
    expect(await problem(contract.sendAssignment, ingrid.claims, { body: request })).toBe('201 undefined')
  })
})
