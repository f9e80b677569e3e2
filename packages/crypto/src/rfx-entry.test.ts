import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/rfx.json' with { type: 'json' }
import { decodeBase64Url } from './base64url.ts'
import { decodeOptional } from './claims.ts'
import { generateDeviceKeys } from './device-keys.ts'
import { digestOfJws } from './jws.ts'
import { exportPublicJwk } from './public-jwk.ts'
import {
  openRfxEntry,
  type RfxEntryKind,
  rewrapContentKey,
  type SealRfxEntryOptions,
  sealRfxEntry,
  type VerifyRfxEntryOptions,
  verifyRfxEntry,
} from './rfx-entry.ts'
import { asRfxKey, generateRfxKey, type RfxKey } from './rfx-key.ts'
import { flipEachByte, fromHex, fromText } from './testing/bytes.ts'
import {
  badIds,
  badNumbers,
  createDevice,
  deviceId,
  flipEachCharacter,
  now,
  organizationId,
  otherId,
  rfxId,
  userId,
} from './testing/rfx.ts'
import { calculateThumbprint } from './thumbprint.ts'

const openFailed = { name: 'CryptoError', code: 'open_failed' }
const signatureInvalid = { name: 'CryptoError', code: 'signature_invalid' }
const keyUnusable = { name: 'CryptoError', code: 'key_unusable' }
const author = await createDevice()
const key = generateRfxKey()
const digest = new Uint8Array(32).fill(7)
const object = '00000000-0000-4000-8000-000000000061'
const plaintext = fromText('Når er befaring?')
const comment: SealRfxEntryOptions = {
  organizationId,
  rfxId,
  sequence: 3,
  kind: 'comment',
  object,
  revision: 1,
  previous: digest,
  current: { title: 1, specification: 2 },
  plaintext,
  key,
  version: 2,
  author,
  now,
}

/** As it is stored, of an entry that has content. */
async function store(options: Partial<SealRfxEntryOptions> = {}) {
  const { wrappedKey, content, statement } = await sealRfxEntry({ ...comment, ...options })
  if (!wrappedKey || !content) throw new Error('the entry has no content')
  const { sequence, version } = { ...comment, ...options }
  return { organizationId, rfxId, sequence, version, key, wrappedKey, content, statement }
}

describe('pinned entries', () => {
  it.each(vectors.entries)('$sequence, a $kind', async (vector) => {
    const { kind, object, revision, current, sequence, version, plaintext } = vector
    const content = decodeOptional(vector.content)
    const verified = await verifyRfxEntry({ organizationId, rfxId, sequence, statement: vector.statement, content })
    expect(verified).toMatchObject({ kind, object, revision, current })
    expect(verified.digest).toEqual(decodeBase64Url(vector.digest))
    expect(verified.previous).toEqual(decodeOptional(vector.previous))
    expect(verified.author).toMatchObject({ userId, deviceId, signedAt: new Date(vectors.signedAt) })
    expect(content === null).toBe(plaintext === null)
    if (!content || !vector.wrappedKey) return
    const wrappedKey = decodeBase64Url(vector.wrappedKey)
    const pinnedKey = asRfxKey(fromHex(vectors.keys[0]?.key ?? ''))
    const opened = await openRfxEntry({ rfxId, sequence, version, key: pinnedKey, wrappedKey, content })
    expect(new TextDecoder().decode(opened)).toBe(plaintext)
  })

  it('each names the one before', () => {
    for (const [index, { previous }] of vectors.entries.entries()) {
      expect(previous).toBe(vectors.entries[index - 1]?.digest ?? null)
    }
  })

  it.each(vectors.entriesInvalid)('refused: $name', async ({ sequence, statement, content }) => {
    const options = { organizationId, rfxId, sequence, statement, content: decodeOptional(content) }
    await expect(verifyRfxEntry(options)).rejects.toMatchObject(signatureInvalid)
  })
})

describe('entry', () => {
  it('says what was signed', async () => {
    const { statement, digest: own, content } = await sealRfxEntry(comment)
    const jwk = await exportPublicJwk(author.signing.publicKey)
    expect(own).toEqual(await digestOfJws(statement))
    expect(await verifyRfxEntry({ organizationId, rfxId, sequence: 3, statement, content })).toEqual({
      kind: 'comment',
      object,
      revision: 1,
      previous: digest,
      current: { title: 1, specification: 2 },
      author: {
        userId,
        deviceId,
        jwk,
        thumbprint: await calculateThumbprint(jwk),
        signedAt: new Date('2026-11-21T10:00:00Z'),
      },
      digest: own,
    })
  })

  it('opens as what was sealed', async () => {
    const numbers = fc.integer({ min: 3, max: 2 ** 31 })
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), numbers, numbers, async (bytes, sequence, version) => {
        const stored = await store({ plaintext: new Uint8Array(bytes), sequence, version })
        expect(stored.wrappedKey.byteLength).toBe(80)
        expect(stored.content.byteLength).toBe(bytes.byteLength + 48)
        await verifyRfxEntry(stored)
        expect(await openRfxEntry(stored)).toEqual(new Uint8Array(bytes))
      }),
      { numRuns: 25 },
    )
  })

  it.each<[RfxEntryKind, object]>([
    ['title', { object: rfxId, current: { title: 3, specification: 2 } }],
    ['specification', { object: rfxId, current: { title: 1, specification: 3 } }],
    ['document', {}],
    ['removal', { plaintext: null }],
  ])('can be a %s', async (kind, other) => {
    const made = await sealRfxEntry({ ...comment, kind, ...other })
    const { content, statement } = made
    const verified = await verifyRfxEntry({ organizationId, rfxId, sequence: 3, statement, content })
    expect(verified.kind).toBe(kind)
    if (kind === 'removal') expect(made).toMatchObject({ wrappedKey: null, content: null })
  })

  it('can be the first', async () => {
    const options = { sequence: 1, previous: null, current: { title: 0, specification: 0 } }
    expect((await verifyRfxEntry(await store(options))).previous).toBeNull()
  })

  it('shows none of its content in what is stored, and never twice the same key', async () => {
    const [one, other] = [await store(), await store()]
    const [, payload = ''] = one.statement.split('.')
    const visible = new TextDecoder().decode(one.content) + new TextDecoder().decode(decodeBase64Url(payload))
    expect(visible).not.toContain('befaring')
    await expect(openRfxEntry({ ...one, wrappedKey: other.wrappedKey })).rejects.toMatchObject(openFailed)
  })

  it('fails on any flipped bit', async () => {
    const stored = await store()
    for (const statement of flipEachCharacter(stored.statement)) {
      await expect(verifyRfxEntry({ ...stored, statement })).rejects.toMatchObject(signatureInvalid)
    }
    for (const content of flipEachByte(stored.content)) {
      await expect(verifyRfxEntry({ ...stored, content })).rejects.toMatchObject(signatureInvalid)
      await expect(openRfxEntry({ ...stored, content })).rejects.toMatchObject(openFailed)
    }
    for (const wrappedKey of flipEachByte(stored.wrappedKey)) {
      await expect(openRfxEntry({ ...stored, wrappedKey })).rejects.toMatchObject(openFailed)
    }
  })

  it.each<[string, Partial<VerifyRfxEntryOptions>]>([
    ['organisation', { organizationId: otherId }],
    ['project', { rfxId: otherId }],
    ['place', { sequence: 4 }],
    ['first place', { sequence: 1 }],
    ['content', { content: fromText('content') }],
    ['content, of which there is none', { content: null }],
    ['statement', { statement: 'a.b.c' }],
  ])('does not verify as that of another %s', async (_, other) => {
    const stored = await store()
    await verifyRfxEntry(stored)
    await expect(verifyRfxEntry({ ...stored, ...other })).rejects.toMatchObject(signatureInvalid)
  })

  it('does not open with another key or version, or at another place', async () => {
    const stored = await store()
    for (const other of [{ key: generateRfxKey() }, { version: 1 }, { rfxId: otherId }, { sequence: 4 }]) {
      await expect(openRfxEntry({ ...stored, ...other })).rejects.toMatchObject(openFailed)
    }
    for (const other of [{ wrappedKey: new Uint8Array() }, { content: new Uint8Array() }]) {
      await expect(openRfxEntry({ ...stored, ...other })).rejects.toMatchObject(openFailed)
    }
  })

  it('refuses to say what is not so', async () => {
    const refused = (other: object, message: string) =>
      expect(sealRfxEntry({ ...comment, ...other })).rejects.toThrow(message)
    await refused({ previous: null }, 'previous')
    await refused({ sequence: 1, current: { title: 0, specification: 0 } }, 'previous')
    await refused({ kind: 'title', current: { title: 3, specification: 2 } }, 'object')
    await refused({ kind: 'specification', current: { title: 1, specification: 3 } }, 'object')
    await refused({ kind: 'title', object: rfxId }, 'current')
    await refused({ kind: 'specification', object: rfxId }, 'current')
    await refused({ current: { title: 3, specification: 2 } }, 'current')
    await refused({ current: { title: 1, specification: 4 } }, 'current')
    await refused({ plaintext: null }, 'plaintext')
    await refused({ kind: 'removal' }, 'plaintext')
  })

  it('refuses options that are not what they should be', async () => {
    const stored = await store()
    const refused = (other: object, message: string | RegExp) =>
      expect(sealRfxEntry({ ...comment, ...other })).rejects.toThrow(message)
    for (const id of badIds) {
      await refused({ organizationId: id }, 'organizationId')
      await refused({ rfxId: id }, 'rfxId')
      await refused({ object: id }, 'object')
      await expect(verifyRfxEntry({ ...stored, organizationId: id })).rejects.toThrow('organizationId')
      await expect(openRfxEntry({ ...stored, rfxId: id })).rejects.toThrow('rfxId')
    }
    for (const number of badNumbers as number[]) {
      await refused({ sequence: number }, 'sequence')
      await refused({ revision: number }, 'revision')
      await refused({ version: number }, 'version')
      await expect(verifyRfxEntry({ ...stored, sequence: number })).rejects.toThrow('sequence')
      await expect(openRfxEntry({ ...stored, version: number })).rejects.toThrow('version')
    }
    await refused({ kind: 'note' }, 'kind')
    await refused({ previous: new Uint8Array(31) }, 'previous')
    for (const current of [null, {}, { title: 1 }, { title: -1, specification: 0 }, { title: '1', specification: 0 }]) {
      await refused({ current }, 'current')
    }
    await refused({ plaintext: 'text' }, 'plaintext')
    await refused({ key: new Uint8Array(31) }, 'key')
    await refused({ author: undefined }, 'author')
    await refused({ author: { ...author, deviceId: 'dev_1' } }, 'author.deviceId')
    await refused({ now: () => new Date(Number.NaN) }, 'now')
    await expect(verifyRfxEntry({ ...stored, content: 'text' as never })).rejects.toThrow('content')
    await expect(openRfxEntry({ ...stored, wrappedKey: 'text' as never })).rejects.toThrow('wrappedKey')
    const { encryption } = await generateDeviceKeys()
    const options = { ...comment, author: { ...author, signing: encryption } }
    await expect(sealRfxEntry(options)).rejects.toMatchObject(keyUnusable)
  })
})

describe('content key under a new version', () => {
  const from = { key, version: 2 }
  const to = { key: generateRfxKey(), version: 3 }

  it('opens the same content', async () => {
    const stored = await store()
    const wrappedKey = await rewrapContentKey({ ...stored, from, to })
    expect(wrappedKey.byteLength).toBe(80)
    expect(await openRfxEntry({ ...stored, ...to, wrappedKey })).toEqual(plaintext)
    await expect(openRfxEntry({ ...stored, wrappedKey })).rejects.toMatchObject(openFailed)
    const again = await rewrapContentKey({ ...stored, wrappedKey, from: to, to: from })
    expect(await openRfxEntry({ ...stored, wrappedKey: again })).toEqual(plaintext)
  })

  it('is made from its own place, key and version alone', async () => {
    const stored = await store()
    const bad: object[] = [
      { rfxId: otherId },
      { sequence: 4 },
      { from: { ...from, version: 1 } },
      { from: { ...from, key: to.key } },
      ...[...flipEachByte(stored.wrappedKey)].map((wrappedKey) => ({ wrappedKey })),
    ]
    for (const other of bad) {
      await expect(rewrapContentKey({ ...stored, from, to, ...other })).rejects.toMatchObject(openFailed)
    }
  })

  it('refuses options that are not what they should be', async () => {
    const stored = await store()
    const short = new Uint8Array(31) as RfxKey
    const refused = (other: object, message: string) =>
      expect(rewrapContentKey({ ...stored, from, to, ...other })).rejects.toThrow(message)
    await refused({ rfxId: '' }, 'rfxId')
    await refused({ sequence: 0 }, 'sequence')
    await refused({ from: { ...from, version: 0 } }, 'from.version')
    await refused({ to: { ...to, version: 0 } }, 'to.version')
    await refused({ from: { ...from, key: short } }, 'from.key')
    await refused({ to: { ...to, key: short } }, 'to.key')
  })
})
