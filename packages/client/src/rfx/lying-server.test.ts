import type { Rfx as FetchedRfx, RfxEntry, RfxGroup, RfxRecipient, RfxWrap } from '@nokkel/contract'
import {
  calculateWrapLeaf,
  decodeBase64,
  decodeBase64Url,
  deriveOpeningKeyPair,
  encodeBase64,
  encodeBase64Url,
  exportPublicJwk,
  generateRfxKey,
  hashWrap,
  importPrivateKey,
  importPublicKey,
  type PublicJwk,
  type Thumbprint,
  unwrapKey,
  wrapKey,
} from '@nokkel/crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RealServer, startRealServer } from '../../../../tools/testing/real-server.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import type { NokkelError } from '../errors.ts'
import type { Rfx } from './rfx.ts'

const buyer = '5eed0000-0000-4000-8003-000000000004'
const roerlegger = '5eed0000-0000-4000-8003-000000000003'

// biome-ignore lint/suspicious/noExplicitAny: what a lie is told about differs
type Json = any
type Fetch = typeof globalThis.fetch

interface Exchange {
  readonly method: string
  readonly path: string
  readonly body: Json
}

/** Changes an answer, or answers itself; `undefined` leaves it as it is. */
type Lie = (exchange: Exchange, answer: () => Promise<Json>) => unknown

let real: RealServer
/** What is told to each of them. */
const lies = { silje: undefined, kari: undefined, bjorn: undefined, ingrid: undefined } as Record<
  string,
  Lie | undefined
>
let cast: Awaited<ReturnType<typeof gather>>
let rfx: Rfx

beforeAll(async () => {
  real = await startRealServer()
  cast = await gather()
})
afterAll(() => real.close())
beforeEach(async () => {
  for (const name of Object.keys(lies)) lies[name] = undefined
  rfx = await cast.silje.nokkel.rfx.create({ title: 'Rør til skolen', companyId: buyer })
  await cast.silje.nokkel.rfx.settled()
  await rfx.invite(roerlegger)
  await rfx.sendForReview()
  await cast.ingrid.nokkel.rfx.get(rfx.id).approve()
})

async function gather() {
  const login = async (name: string, person: string, provider: 'bankid' | 'vipps' = 'bankid') => {
    const device = real.createDevice({ organization: 'fjordhjelpen', fetch: lyingTo(name) })
    await device.logIn(person, provider)
    return device
  }
  return {
    silje: await login('silje', 'fjordhjelpen-koordinator'),
    kari: await login('kari', 'likeperson-medlem-1'),
    ingrid: await login('ingrid', 'likeperson-koordinator'),
    marit: await login('marit', 'administrator', 'vipps'),
    bjorn: await login('bjorn', 'fjordhjelpen-medlem-1'),
  }
}

function lyingTo(name: string): Fetch {
  return async (input, init) => {
    const lie = lies[name]
    if (!lie) return real.fetch(input, init)
    const url = new URL(String(input))
    let response: Response | undefined
    const answer = async () => {
      response = await real.fetch(input, init)
      return response.clone().json()
    }
    const body = typeof init?.body === 'string' ? JSON.parse(init.body) : undefined
    const told = await lie({ method: init?.method ?? 'GET', path: url.pathname, body }, answer)
    return told === undefined ? (response ?? (await real.fetch(input, init))) : Response.json(told)
  }
}

/** Tells what `change` makes of the project as it is fetched. */
function lieAbout(change: (fetched: FetchedRfx) => FetchedRfx): Lie {
  return async ({ method, path }, answer) => {
    if (method === 'GET' && path === `/nokkel/rfx/${rfx.id}`) return change(await answer())
    return undefined
  }
}

function withGroup(fetched: FetchedRfx, change: (group: RfxGroup) => Partial<RfxGroup>, kind = 'project'): FetchedRfx {
  return {
    ...fetched,
    groups: fetched.groups.map((group) => (group.kind === kind ? { ...group, ...change(group) } : group)),
  }
}

const of = (name: 'silje' | 'kari' | 'ingrid' | 'bjorn') => cast[name].nokkel.rfx.get(rfx.id)

async function whatSees(name: 'silje' | 'kari' | 'ingrid' | 'bjorn') {
  await of(name).reload()
  const { state, error } = of(name).getSnapshot()
  return error ? `${state} ${error.code}` : state
}

/** Somebody leaves, so that there is a second version. */
async function renew(): Promise<void> {
  await rfx.exclude(await idOf('kari'))
  expect(rfx.getSnapshot().details).toMatchObject({ version: 2 })
}

async function idOf(name: 'silje' | 'kari' | 'ingrid' | 'bjorn'): Promise<string> {
  return cast[name].nokkel.auth.getSnapshot().me?.id ?? ''
}

describe('a server that lies', () => {
  it('is believed when it does not', async () => {
    expect(await whatSees('bjorn')).toBe('ready')
  })

  it('about the list of members: a leaf less, a revision less, or one that nobody signed', async () => {
    lies.bjorn = lieAbout((fetched) =>
      withGroup(fetched, ({ manifest }) => ({
        manifest: manifest.map((revision, index) =>
          index === manifest.length - 1 ? { ...revision, leaves: revision.leaves.slice(43) } : revision,
        ),
      })),
    )
    expect(await whatSees('bjorn')).toBe('error rfx_tampered')
    lies.bjorn = lieAbout((fetched) => withGroup(fetched, ({ manifest }) => ({ manifest: manifest.slice(1) })))
    expect(await whatSees('bjorn')).toBe('error rfx_tampered')
    // The last one names him.
    lies.bjorn = lieAbout((fetched) => withGroup(fetched, ({ manifest }) => ({ manifest: manifest.slice(0, -1) })))
    expect(await whatSees('bjorn')).toBe('error rfx_tampered')
    lies.bjorn = lieAbout((fetched) => withGroup(fetched, () => ({ manifest: [] })))
    expect(await whatSees('bjorn')).toBe('error rfx_tampered')
    lies.bjorn = undefined
    expect(await whatSees('bjorn')).toBe('ready')
    // Silje has seen the later revisions, whether or not they name her.
    expect(await whatSees('silje')).toBe('ready')
    lies.silje = lieAbout((fetched) => withGroup(fetched, ({ manifest }) => ({ manifest: manifest.slice(0, -1) })))
    expect(await whatSees('silje')).toBe('error rfx_rolled_back')
  })

  it('about who signed', async () => {
    lies.bjorn = async ({ path }, answer) => {
      if (!path.endsWith('/signers')) return undefined
      const { signers } = await answer()
      return { signers: signers.map((signer: Json) => ({ ...signer, userId: crypto.randomUUID() })) }
    }
    expect(await whatSees('bjorn')).toBe('error rfx_tampered')
    lies.bjorn = async ({ path }) => (path.endsWith('/signers') ? { signers: [] } : undefined)
    expect(await whatSees('bjorn')).toBe('error rfx_tampered')
    lies.bjorn = async ({ path }, answer) => {
      if (!path.endsWith('/signers')) return undefined
      const { signers } = await answer()
      const [validFrom, validUntil] = ['2020-01-01T00:00:00.000Z', '2020-02-01T00:00:00.000Z']
      return { signers: signers.map((signer: Json) => ({ ...signer, validFrom, validUntil })) }
    }
    expect(await whatSees('bjorn')).toBe('error rfx_tampered')
  })

  it('by answering as before a new version was made', async () => {
    let recorded: FetchedRfx | undefined
    lies.bjorn = lieAbout((fetched) => {
      recorded ??= fetched
      return fetched
    })
    expect(await whatSees('bjorn')).toBe('ready')
    await renew()
    expect(await whatSees('bjorn')).toBe('ready')
    expect(of('bjorn').getSnapshot().details?.version).toBe(2)
    expect(recorded?.version).toBe(1)
    lies.bjorn = lieAbout((fetched) => recorded ?? fetched)
    expect(await whatSees('bjorn')).toBe('error rfx_rolled_back')
    // What it remembers outlives the page.
    const again = real.createDevice({
      organization: 'fjordhjelpen',
      storage: cast.bjorn.storage,
      fetch: lyingTo('bjorn'),
    })
    await again.nokkel.start()
    await again.nokkel.rfx.get(rfx.id).open()
    expect(again.nokkel.rfx.get(rfx.id).getSnapshot().error).toMatchObject({ code: 'rfx_rolled_back' })
    again.nokkel.close()
  })

  it('about the key before: what it kept must be the key that was signed', async () => {
    const value = await of('silje').encrypt(new TextEncoder().encode('1'), place)
    expect(await whatSees('bjorn')).toBe('ready')
    await renew()
    const other = encodeBase64Url(crypto.getRandomValues(new Uint8Array(80)))
    const newPage = async () => {
      const page = real.createDevice({
        organization: 'fjordhjelpen',
        storage: cast.bjorn.storage,
        fetch: lyingTo('bjorn'),
      })
      await page.nokkel.start()
      return page.nokkel.rfx.get(rfx.id)
    }
    const withoutChain = (previousKey: string | null) =>
      lieAbout((fetched) =>
        withGroup(fetched, ({ versions }) => ({ versions: versions.map((one) => ({ ...one, previousKey })) })),
      )
    for (const previousKey of [other, null]) {
      const lie = withoutChain(previousKey)
      lies.bjorn = async (exchange, answer) =>
        exchange.path === '/crypto-service' && exchange.body.action === 'unwrap'
          ? { key: encodeBase64(generateRfxKey()) }
          : lie(exchange, answer)
      const deceived = await newPage()
      await deceived.open()
      expect(deceived.getSnapshot().error).toMatchObject({ code: 'rfx_tampered' })
    }
    // A member can have made that, too: with the key that was signed, it goes on.
    for (const previousKey of [other, null]) {
      lies.bjorn = withoutChain(previousKey)
      const opened = await newPage()
      expect(await opened.decrypt(value, place)).toEqual(new TextEncoder().encode('1'))
    }
  })

  it('about the role of the person: a supplier hands the key to nobody', async () => {
    const sent: string[] = []
    const attacker = await importPrivateKey(decodeBase64(testPrivateKeys[5] ?? testPrivateKeys[0] ?? ''))
    lies.bjorn = async ({ method, path }, answer) => {
      if (method === 'POST' && path.endsWith('/wraps')) sent.push(path)
      if (path.endsWith('/recipients')) {
        const invented: RfxRecipient = {
          owner: 'user',
          ownerId: crypto.randomUUID(),
          name: 'Ingen',
          role: 'buyer',
          companyId: buyer,
          state: 'missing',
          key: {
            id: crypto.randomUUID(),
            publicKey: encodeBase64(attacker.publicKey),
            thumbprint: attacker.thumbprint,
          },
          signed: null,
          formerIds: [],
        }
        return { recipients: [invented], coverage: { wrapped: 1, missing: 1, noKey: 0 } }
      }
      if (method !== 'GET' || path !== `/nokkel/rfx/${rfx.id}`) return undefined
      return { ...(await answer()), role: 'developer', missing: 1, rekeyPending: false }
    }
    const again = await anew('bjorn', 'fjordhjelpen-medlem-1')
    expect(await again(rfx.id)).toBe('ready')
    expect(await again(rfx.id, (opened) => opened.distribute())).toBe('nothing')
    expect(await again(rfx.id, (opened) => opened.settle())).toBe('nothing')
    expect(sent).toEqual([])
    const telling = lies.bjorn
    lies.bjorn = async (exchange, answer) => {
      const told = (await telling(exchange, answer)) as FetchedRfx | undefined
      if (!told?.groups) return told
      return withGroup(told, ({ wrap }) => ({ wrap: wrap && { ...wrap, role: 'buyer' as const } }))
    }
    expect(await again(rfx.id)).toBe('error rfx_tampered')
    expect(sent).toEqual([])
  })

  it('about the wrap: that of another project, or somebody else’s', async () => {
    const other = await cast.silje.nokkel.rfx.create({ title: 'Et annet', companyId: buyer })
    let strange: Json
    const recording: Lie = async ({ path }, answer) => {
      if (path !== `/nokkel/rfx/${other.id}`) return undefined
      const fetched = await answer()
      strange = fetched.groups[0].wrap
      return fetched
    }
    lies.silje = recording
    await other.reload()
    lies.silje = lieAbout((fetched) => withGroup(fetched, () => ({ wrap: strange })))
    const again = await anew('silje', 'fjordhjelpen-koordinator')
    expect(strange.via).toBe('user')
    expect(await again(rfx.id)).toBe('error rfx_tampered')
    lies.silje = lieAbout((fetched) =>
      withGroup(fetched, ({ wrap }) => ({ wrap: wrap && { ...wrap, ownerId: crypto.randomUUID() } })),
    )
    expect(await again(rfx.id)).toBe('error rfx_tampered')
    lies.silje = lieAbout((fetched) =>
      withGroup(fetched, ({ wrap }) => ({ wrap: wrap && { ...wrap, role: 'developer' as const } })),
    )
    expect(await again(rfx.id)).toBe('error rfx_tampered')
    lies.silje = undefined
    expect(await again(rfx.id)).toBe('ready')
  })

  it('about whose key is whose: known ones are not wrapped to, and whoever’s was exchanged sees that the list names another', async () => {
    const attacker = await importPrivateKey(decodeBase64(testPrivateKeys[5] ?? testPrivateKeys[0] ?? ''))
    const bjorn = await idOf('bjorn')
    const exchange = (recipient: RfxRecipient) =>
      recipient.ownerId === bjorn && recipient.key
        ? {
            ...recipient,
            key: { ...recipient.key, publicKey: encodeBase64(attacker.publicKey), thumbprint: attacker.thumbprint },
          }
        : recipient
    const lieAboutKeys: Lie = async ({ path }, answer) => {
      if (!path.endsWith('/recipients')) return undefined
      const page = await answer()
      return { ...page, recipients: page.recipients.map(exchange) }
    }
    // Ingrid has wrapped to Bjørn before: she is not deceived.
    const second = await cast.silje.nokkel.rfx.create({ title: 'Nummer to', companyId: buyer })
    await second.invite(roerlegger)
    await second.sendForReview()
    lies.ingrid = lieAboutKeys
    const result = await cast.ingrid.nokkel.rfx.get(second.id).approve()
    expect(result.success).toBe(false)
    expect(result.errors).toContainEqual({ companyId: expect.any(String), userId: bjorn, error: 'key_changed' })

    // Somebody who has never wrapped to him is; what the server then has to show him gives it away.
    const captured: { statement: string; wraps: RfxWrap[] }[] = []
    lies.marit = async (asked, answer) => {
      if (!asked.path.endsWith('/wraps')) return lieAboutKeys(asked, answer)
      captured.push(asked.body)
      return { version: 1, revision: 99 }
    }
    // A server that does not show what was stored with it is found out at once, if it takes no more trouble.
    await expect(cast.marit.nokkel.rfx.get(second.id).distribute()).rejects.toMatchObject({ code: 'rfx_rolled_back' })
    const { statement, wraps } = captured.find(({ wraps: made }) => made.some(({ ownerId }) => ownerId === bjorn)) ?? {}
    const own = wraps?.find(({ ownerId }) => ownerId === bjorn)
    if (!statement || !own || !wraps) throw new Error('nothing was wrapped to the key of the server')
    const stolen = await unwrapKey(decodeBase64(own.encryptedSymmetricKey), attacker.privateKey)
    expect(stolen.byteLength).toBe(32)
    const { publicKey, id: keyId, thumbprint } = (await cast.bjorn.nokkel.userKeys.list())[0] ?? {}
    if (!publicKey || !keyId || !thumbprint) throw new Error('he has a key')
    const passedOn = await wrapKey(stolen, (await importPublicKey(decodeBase64(publicKey))).key)
    const leaves = await leavesOf(second.id, wraps)
    const told = async (named: string, hash: Uint8Array) => {
      lies.bjorn = async ({ method, path }, answer) => {
        if (method !== 'GET' || path !== `/nokkel/rfx/${second.id}`) return undefined
        const fetched: FetchedRfx = await answer()
        return withGroup(fetched, ({ manifest }) => {
          const revision = manifest.length + 1
          const last = manifest.at(-1)
          if (!last) throw new Error('there is a manifest')
          return {
            manifest: [...manifest, { ...last, revision, statement, leaves }],
            wrap: {
              via: 'user',
              ownerId: bjorn,
              role: 'supplier',
              keyId,
              encryptedSymmetricKey: encodeBase64(passedOn),
              revision,
              thumbprint: named,
              hash: encodeBase64Url(hash),
            },
          }
        })
      }
      await cast.bjorn.nokkel.rfx.get(second.id).reload()
      const { state, error } = cast.bjorn.nokkel.rfx.get(second.id).getSnapshot()
      return `${state} ${error?.code}`
    }
    expect(await told(attacker.thumbprint, await hashWrap(decodeBase64(own.encryptedSymmetricKey)))).toBe(
      'error rfx_tampered',
    )
    expect(await told(thumbprint, await hashWrap(passedOn))).toBe('error rfx_tampered')
  })

  it('about what bids are sealed to', async () => {
    await rfx.nameOpener(await idOf('silje'))
    await rfx.nameOpener(await idOf('kari'))
    await rfx.setDeadline(new Date(Date.now() + 86_400_000))
    expect(await whatSees('bjorn')).toBe('ready')
    const own = (await importOpening()).publicKey
    lies.bjorn = lieAbout((fetched) =>
      withGroup(
        fetched,
        ({ manifest }) => ({
          manifest: manifest.map((one) => ({ ...one, statement: exchangeSealTo(one.statement, own) })),
        }),
        'opening',
      ),
    )
    expect(await whatSees('bjorn')).toBe('ready')
    const bid = { text: 'Vi kan', amount: '100', currency: 'NOK' as const, files: [] }
    await expect(of('bjorn').submitBid(roerlegger, bid)).rejects.toMatchObject({ code: 'rfx_tampered' })
  })

  it('about which title holds', async () => {
    rfx = await cast.silje.nokkel.rfx.create({ title: 'Rør til skolen', companyId: buyer })
    await cast.silje.nokkel.rfx.settled()
    const first = await titleOf('kari')
    expect(await whatSees('kari')).toBe('ready')
    await rfx.rename('Rør til den nye skolen')
    lies.kari = lieAbout((fetched) => ({ ...fetched, title: first }))
    expect(await whatSees('kari')).toBe('ready')
    expect(of('kari').getSnapshot().details?.title).toBe('Rør til den nye skolen')
    lies.kari = async ({ method, path }, answer) => {
      if (method !== 'GET' || !path.endsWith('/entries')) return undefined
      const { entries } = (await answer()) as { entries: RfxEntry[] }
      return { entries: entries.map((entry) => ({ ...entry, content: first?.content ?? null })) }
    }
    const again = await anew('kari', 'likeperson-medlem-1')
    expect(await again(rfx.id)).toBe('error rfx_tampered')
  })

  it('about the log: an older one', async () => {
    let recorded: { [path: string]: Json } = {}
    lies.bjorn = async ({ method, path }, answer) => {
      if (method !== 'GET' || !path.startsWith(`/nokkel/rfx/${rfx.id}`)) return undefined
      recorded[path] ??= await answer()
      return undefined
    }
    await of('bjorn').reload()
    await of('bjorn').comments()
    await rfx.comment('Gjelder dette også loftet?')
    lies.bjorn = undefined
    expect((await of('bjorn').comments()).map(({ text }) => text)).toEqual(['Gjelder dette også loftet?'])
    const old = recorded
    recorded = {}
    lies.bjorn = async ({ method, path }) => (method === 'GET' ? old[path] : undefined)
    const again = real.createDevice({
      organization: 'fjordhjelpen',
      storage: cast.bjorn.storage,
      fetch: lyingTo('bjorn'),
    })
    await again.nokkel.start()
    await again.nokkel.rfx.get(rfx.id).open()
    expect(again.nokkel.rfx.get(rfx.id).getSnapshot().error).toMatchObject({ code: 'rfx_rolled_back' })
    again.nokkel.close()
  })

  it('about which document is which', async () => {
    await rfx.addDocument(new File([new Uint8Array([1, 2, 3])], 'tegning.pdf'))
    await rfx.addDocument(new File([new Uint8Array([4, 5, 6])], 'avtale.pdf'))
    const again = await anew('bjorn', 'fjordhjelpen-medlem-1')
    const documents = new Map<number, RfxEntry>()
    lies.bjorn = async ({ method, path }, answer) => {
      if (method !== 'GET' || !path.endsWith('/entries')) return undefined
      for (const entry of (await answer()).entries) if (entry.kind === 'document') documents.set(entry.sequence, entry)
      return undefined
    }
    expect((await of('bjorn').documents()).map(({ file }) => file?.name).sort()).toEqual(['avtale.pdf', 'tegning.pdf'])
    const [one, two] = documents.values()
    if (!one || !two) throw new Error('there are two')
    lies.bjorn = async ({ method, path }, answer) => {
      if (method !== 'GET' || !path.startsWith(`/nokkel/rfx/${rfx.id}/entries`)) return undefined
      const { entries } = (await answer()) as { entries: RfxEntry[] }
      const exchanged = ({ wrappedKey, content }: RfxEntry) => ({ wrappedKey, content })
      return {
        entries: entries.map((entry) => ({
          ...entry,
          ...(entry.sequence === one.sequence ? exchanged(two) : entry.sequence === two.sequence ? exchanged(one) : {}),
        })),
      }
    }
    expect(await again(rfx.id, (opened) => opened.documents())).toBe('error rfx_tampered')
  })
})

const place = { table: 'lot', column: 'budget', row: '17' }

/** The same person on a device that has seen nothing yet: what they see of a project. */
async function anew(name: 'silje' | 'kari' | 'bjorn', person: string) {
  const telling = lies[name]
  lies[name] = undefined
  const device = real.createDevice({ organization: 'fjordhjelpen', fetch: lyingTo(name) })
  await device.logIn(person, 'bankid')
  lies[name] = telling
  return async (id: string, use?: (opened: Rfx) => Promise<unknown>): Promise<string> => {
    const opened = device.nokkel.rfx.get(id)
    await opened.reload()
    const { state, error } = opened.getSnapshot()
    if (!use || error) return error ? `${state} ${error.code}` : state
    return use(opened).then(
      () => 'nothing',
      (refusal: NokkelError) => refusal.code,
    )
  }
}

async function titleOf(name: 'kari'): Promise<FetchedRfx['title']> {
  let title: FetchedRfx['title'] = null
  lies[name] = lieAbout((fetched) => {
    title = fetched.title
    return fetched
  })
  await of(name).reload()
  return title
}

/** As a manifest has them. */
async function leavesOf(groupId: string, wraps: readonly RfxWrap[]): Promise<string> {
  const leaves = await Promise.all(
    wraps.map(async ({ owner, ownerId, role, thumbprint, encryptedSymmetricKey }) => {
      const wrapHash = await hashWrap(decodeBase64(encryptedSymmetricKey))
      return calculateWrapLeaf({
        groupId,
        version: 1,
        owner,
        ownerId,
        role,
        thumbprint: thumbprint as Thumbprint,
        wrapHash,
      })
    }),
  )
  return encodeBase64Url(Buffer.concat(leaves.sort(Buffer.compare)))
}

async function importOpening() {
  const { publicKey } = await deriveOpeningKeyPair(generateRfxKey())
  return { publicKey: await exportPublicJwk(publicKey) }
}

/** The statement with another key in it; the signature stays what it was. */
function exchangeSealTo(statement: string, sealTo: PublicJwk): string {
  const [header, payload = '', signature] = statement.split('.')
  const claims = JSON.parse(new TextDecoder().decode(decodeBase64Url(payload)))
  const changed = encodeBase64Url(new TextEncoder().encode(JSON.stringify({ ...claims, sealTo })))
  return [header, changed, signature].join('.')
}
