import { randomBytes } from 'node:crypto'
import {
  decodeBase64,
  encodeBase64,
  generateContentKey,
  generateDeviceKeys,
  importPrivateKey,
  importPublicKey,
  wrapKey,
} from '@nokkel/crypto'
import { people } from '@nokkel/sandbox'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { composeDevelopment, type Development } from '../../tools/compose.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { testPrivateKeys } from '../../tools/testing/rsa-keys.ts'
import { useFixedRsaKeys } from '../faults/testing/fixed-rsa-keys.ts'
import { seedDatabase } from '../faults/testing/seed.ts'
import { arrive, fileOf } from '../faults/testing/visitor.ts'
import { createNeedle, type Needle } from './testing/needle.ts'
import { overhear } from './testing/overheard.ts'
import { type Channel, createRecorder, type Recorder } from './testing/recorder.ts'

const title = 'Blåbærtur med Åse – «kl. 17»'
const body = 'Møt henne ved Sognsvann.\nTa med kart, kaffe & "tålmodighet".'
const secretOfFile = 'Vedlegget begynner her: 4fa1c09b7d'
const file = new Uint8Array(Buffer.concat([randomBytes(1_048_500), Buffer.from(secretOfFile), randomBytes(4096)]))
const plaintexts = [createNeedle('title', title), createNeedle('body', body), createNeedle('file', secretOfFile)]

describe('a needle', () => {
  const text = 'Æ-nålen i høystakken'
  const json = (value: string) => JSON.stringify({ value })
  const hidings: readonly (readonly [string, (needle: string) => Buffer])[] = [
    ['as it stands', (needle: string) => Buffer.from(needle)],
    ['in UTF-16', (needle: string) => Buffer.from(needle, 'utf16le')],
    ['in JSON', (needle: string) => Buffer.from(json(needle))],
    ['in hexadecimal', (needle: string) => Buffer.from(Buffer.from(needle).toString('hex'))],
    ['in a URL', (needle: string) => Buffer.from(encodeURIComponent(needle))],
    ['in a form', (needle: string) => Buffer.from(String(new URLSearchParams({ needle })))],
    ...[0, 1, 2, 3].flatMap((offset) =>
      (['base64', 'base64url'] as const).map(
        (encoding) =>
          [
            `in ${encoding} after ${offset} bytes`,
            (needle: string) => Buffer.from(Buffer.from(`${'x'.repeat(offset)}${needle}yz`).toString(encoding)),
          ] as const,
      ),
    ),
  ]
  it.each(hidings)('is found %s', (_, hide) => {
    const { forms } = createNeedle('needle', text)
    expect(forms.some((form) => hide(text).includes(form))).toBe(true)
    expect(forms.some((form) => hide('Æ-nålen i høystakker').includes(form))).toBe(false)
  })
})

describe.each(databaseEngines)('what passes and stays [%s]', (engine) => {
  let database: TestDatabase
  let recorder: Recorder
  let system: Development
  let ahead = 0
  const send = globalThis.fetch

  const record = () => {
    recorder = createRecorder(send)
    vi.spyOn(globalThis, 'fetch').mockImplementation(recorder.fetch)
  }

  beforeAll(async () => {
    useFixedRsaKeys()
    database = await createTestDatabase(engine)
    await seedDatabase(database)
    system = await composeDevelopment({
      port: 0,
      web: false,
      database: database.server,
      now: () => new Date(Date.now() + ahead * 1000),
      logger: (entry) => recorder.logger(entry),
    })
  })

  afterAll(async () => {
    vi.restoreAllMocks()
    await system?.close()
    await database?.close()
  })

  describe('a planted secret is found', () => {
    const name = (text: string) => sql`update public.organization set name = ${text} where slug = 'likeperson'`

    const channels: Record<'request' | 'response' | 'log' | 'row', (text: string) => Promise<void>> = {
      async request(text) {
        await fetch(`${system.url}/nokkel/login`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ state: text }),
        })
      },
      async response(text) {
        await name(text).execute(database.owner)
        await fetch(`${system.url}/nokkel/organizations`)
        await name('Likeperson').execute(database.owner)
      },
      log: async (text) => recorder.logger({ level: 'info', event: text }),
      async row(text) {
        await name(text).execute(database.owner)
        await recorder.readRows(database)
        await name('Likeperson').execute(database.owner)
      },
    }

    it.each(Object.keys(channels) as (keyof typeof channels)[])('in a %s', async (channel) => {
      const { signing } = await crypto.subtle
        .generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign'])
        .then(async ({ privateKey }) => ({ signing: await crypto.subtle.exportKey('jwk', privateKey) }))
      const scalar = createNeedle('scalar', Buffer.from(signing.d ?? '', 'base64url'))
      record()
      expect(recorder.search([scalar, ...plaintexts])).toEqual([])
      await channels[channel](`Om ${title}`)
      await channels[channel](signing.d ?? '')
      await channels[channel](Buffer.from(`x${title}`).toString('base64'))
      const found = recorder.search([scalar, ...plaintexts], [channel]).map(({ needle }) => needle)
      expect(found.filter((needle) => needle === 'title')).toHaveLength(2)
      expect(found.filter((needle) => needle === 'scalar')).toHaveLength(1)
    })

    it('among the keys that are made', async () => {
      const overheard = overhear()
      const { encryption, signing } = await generateDeviceKeys()
      const { result, secrets } = await overheard.symmetricDuring(() =>
        crypto.subtle.importKey('raw', new Uint8Array(32).fill(7), 'AES-GCM', false, ['encrypt']),
      )
      const scalars = await overheard.privateScalars()
      overheard.restore()
      expect(result.extractable).toBe(false)
      expect(secrets).toEqual([new Uint8Array(32).fill(7)])
      for (const { privateKey } of [encryption, signing]) {
        const { d } = await crypto.subtle.exportKey('jwk', privateKey)
        expect(scalars.map((scalar) => Buffer.from(scalar).toString('base64url'))).toContain(d)
      }
    })
  })

  it('holds no plaintext, key, token or national number', { timeout: 60_000 }, async () => {
    record()
    const overheard = overhear()
    const tokens: string[] = []
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const response = await globalThis.fetch(input, init)
      const text = await response.clone().text()
      tokens.push(...text.matchAll(/"(?:access|refresh)Token":"([^"]+)"/g).map(([, token]) => token ?? ''))
      return response
    }
    const { url } = system
    const persons = ['likeperson-koordinator', 'likeperson-medlem-1'] as const
    const coordinator = await arrive({ url, person: persons[0], fetch })
    const member = await arrive({ url, person: persons[1], provider: 'vipps', fetch })
    await recorder.readRows(database)

    const to = (await coordinator.nokkel.members.list({ search: 'Kari Nordmann' })).items[0]?.id ?? ''
    const { secrets } = await overheard.symmetricDuring(() =>
      coordinator.nokkel.assignments.send({ to, title, body, files: [fileOf(file)] }),
    )
    await recorder.readRows(database)
    ahead = 601
    const [item] = (await member.nokkel.assignments.inbox()).items
    const opened = await item?.open()
    expect(opened).toMatchObject({ title, body })
    const bytes = await opened?.files[0]?.blob()
    expect(Buffer.from((await bytes?.arrayBuffer()) ?? new ArrayBuffer()).equals(file)).toBe(true)
    await coordinator.nokkel.assignments.sent()
    await member.nokkel.devices.list()
    await coordinator.nokkel.auth.signOut()
    await recorder.readRows(database)
    const scalars = await overheard.privateScalars()
    overheard.restore()

    // Two devices of two pairs, and the key that signs access tokens, if it was not made before.
    expect(scalars.length).toBeGreaterThanOrEqual(4)
    // At least the content key and the file key.
    expect(secrets.length).toBeGreaterThanOrEqual(2)
    const keys = [
      ...scalars.map((scalar, index) => createNeedle(`private key ${index}`, scalar)),
      ...secrets.map((secret, index) => createNeedle(`symmetric key ${index}`, secret)),
    ]
    const anywhere: Channel[] = ['request', 'response', 'provider', 'log', 'row']
    for (const channel of anywhere) expect(recorder.count(channel)).toBeGreaterThan(10)
    expect(recorder.search([...plaintexts, ...keys])).toEqual([])

    expect(new Set(tokens).size).toBeGreaterThanOrEqual(6)
    const kept: Needle[] = tokens.map((token, index) => {
      const secret = token.startsWith('nrt_') ? token.slice(4) : token.slice(token.lastIndexOf('.') + 1)
      return createNeedle(`token ${index}`, Buffer.from(secret, 'base64url'))
    })
    expect(recorder.search(kept, ['request', 'response']).length).toBeGreaterThan(0)
    expect(recorder.search(kept, ['log', 'row'])).toEqual([])

    const numbers = people
      .filter(({ id }) => persons.some((person) => person === id))
      .map(({ id, nationalNumber = '' }) => createNeedle(`national number of ${id}`, nationalNumber))
    expect(recorder.search(numbers, ['provider']).length).toBeGreaterThan(0)
    expect(recorder.search(numbers, ['request', 'response', 'log', 'row'])).toEqual([])
  })

  it('holds the private key of a person where they put and get it, and that of a company nowhere', {
    timeout: 60_000,
  }, async () => {
    record()
    const { url } = system
    const own = { silje: createRecorder(globalThis.fetch), magnus: createRecorder(globalThis.fetch) }
    const silje = await arrive({
      url,
      organization: 'fjordhjelpen',
      person: 'fjordhjelpen-koordinator',
      fetch: own.silje.fetch,
    })
    const magnus = await arrive({
      url,
      organization: 'hjertelaget',
      person: 'hjertelaget-koordinator',
      fetch: own.magnus.fetch,
    })
    const { companies, userKeys, auth } = silje.nokkel
    const key = (await userKeys.settled()).key
    const company = (await companies.create({ name: 'Fjordbygg' })).id
    const ofCompany = await companies.generateKey(company)

    const needles = await Promise.all(
      testPrivateKeys.map(async (text) => {
        const bytes = decodeBase64(text)
        const jwk = await privateParts(bytes)
        const publicKey = await publicKeyOf(bytes)
        const parts = Object.entries(jwk).map(([name, part]) => createNeedle(name, Buffer.from(part, 'base64url')))
        return { publicKey, parts }
      }),
    )
    const partsOf = (publicKey = '') => needles.find((needle) => needle.publicKey === publicKey)?.parts ?? []
    const [ofSilje, ofMagnus] = [
      partsOf(key?.publicKey),
      partsOf((await magnus.nokkel.userKeys.settled()).key?.publicKey),
    ]
    for (const parts of [ofSilje, ofMagnus, partsOf(ofCompany.publicKey)]) expect(parts).toHaveLength(6)
    expect(ofCompany.publicKey).not.toBe(key?.publicKey)

    const secret = generateContentKey()
    const rfxId = crypto.randomUUID()
    const me = auth.getSnapshot().me
    const wrapTo = async (publicKey = '') =>
      encodeBase64(await wrapKey(secret, (await importPublicKey(decodeBase64(publicKey))).key))
    const rows = [
      sql`insert into public.rfxs (id, organization_id) values (${rfxId}::uuid, ${me?.organization.id}::uuid)`,
      sql`insert into public.rfx_key_version (rfx_id, version) values (${rfxId}::uuid, 1)`,
      sql`insert into public.rfx_key_companies (rfx_id, company_id, encrypted_symmetric_key, key_id)
        values (${rfxId}::uuid, ${company}::uuid, ${await wrapTo(ofCompany.publicKey)}, ${ofCompany.id}::uuid)`,
    ]
    for (const row of rows) await row.execute(database.owner)

    expect((await userKeys.privateKey()).extractable).toBe(false)
    expect(await userKeys.unwrap({ rfxId, version: 1, via: 'company' })).toEqual(secret)
    await expect(magnus.nokkel.userKeys.unwrap({ rfxId, version: 1, via: 'company' })).rejects.toMatchObject({
      code: 'open_refused',
    })
    await companies.get(company)
    await companies.list()
    await userKeys.list()
    await companies.markCompromised(company, ofCompany.id)
    await recorder.readRows(database)

    const where = (searched: Recorder, parts: readonly Needle[]) =>
      [...new Set(searched.search(parts).map(({ channel, place }) => `${channel} ${place}`))].sort()
    const putAndGot = ['request POST /crypto-service', 'response POST /crypto-service']
    expect(where(own.silje, ofSilje)).toEqual(putAndGot)
    expect(where(own.magnus, ofSilje)).toEqual([])
    expect(where(own.silje, ofMagnus)).toEqual([])
    expect(where(own.magnus, ofMagnus)).toEqual(['request POST /crypto-service'])
    // Of the server, everything: the keys of both went in, that of one came out, and neither stayed.
    expect(where(recorder, [...ofSilje, ...ofMagnus])).toEqual(putAndGot)
    expect(where(recorder, partsOf(ofCompany.publicKey))).toEqual([])
    expect(where(recorder, [createNeedle('RFX key', secret)])).toEqual(['response POST /crypto-service'])
    expect(where(own.magnus, [createNeedle('RFX key', secret)])).toEqual([])
  })

  it('records what was done without saying who anybody is', async () => {
    record()
    await recorder.readRows(database)
    const inLog = (needles: readonly Needle[]) =>
      recorder.search(needles, ['row']).filter(({ place }) => place.startsWith('nokkel.audit_log.'))
    const { rows: persons } = await sql<{ id: string; name: string }>`
      select auth_user_id as id, name from public.app_user`.execute(database.owner)
    const { rows: recorded } = await sql<{ actor: string }>`
      select distinct actor from nokkel.audit_log where actor is not null`.execute(database.owner)
    expect(recorded.length).toBeGreaterThanOrEqual(2)
    // That the log is searched at all.
    expect(inLog([createNeedle('actor', recorded[0]?.actor ?? '')]).length).toBeGreaterThan(0)
    const needles = [
      ...persons.flatMap(({ id, name }) => [createNeedle('id', id), createNeedle('name', name)]),
      ...people.flatMap(({ nationalNumber }) =>
        nationalNumber ? [createNeedle('national number', nationalNumber)] : [],
      ),
      ...['Fjordbygg', 'Likeperson'].map((name) => createNeedle('name', name)),
    ]
    expect(inLog(needles)).toEqual([])
  })
})

const rsa = { name: 'RSA-OAEP', hash: 'SHA-256' }

/** The private numbers of an RSA key, each enough to know the others. */
async function privateParts(bytes: Uint8Array<ArrayBuffer>): Promise<Record<string, string>> {
  const key = await crypto.subtle.importKey('pkcs8', bytes, rsa, true, ['decrypt'])
  const { d = '', p = '', q = '', dp = '', dq = '', qi = '' } = await crypto.subtle.exportKey('jwk', key)
  return { d, p, q, dp, dq, qi }
}

async function publicKeyOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeBase64((await importPrivateKey(bytes)).publicKey)
}
