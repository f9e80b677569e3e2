import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/assignment.json' with { type: 'json' }
import { openAssignment, readdressAssignment, sealAssignment } from './assignment.ts'
import { encodeAssignmentContent, parseAssignmentContent } from './assignment-content.ts'
import { type AssignmentKey, signStatement, verifyAssignmentStatement } from './assignment-statement.ts'
import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { type Bytes, sha256 } from './bytes.ts'
import { generateContentKey } from './content-key.ts'
import { type DeviceKeys, generateDeviceKeys } from './device-keys.ts'
import { encryptEnvelope, importEnvelopeKey } from './envelope.ts'
import { signJws, verifyJws } from './jws.ts'
import { exportPublicJwk } from './public-jwk.ts'
import { seal } from './seal.ts'
import { flipEachByte, fromText } from './testing/bytes.ts'
import { importDevice, importEncryptionPair } from './testing/keys.ts'
import { calculateThumbprint } from './thumbprint.ts'

const openFailed = { name: 'CryptoError', code: 'open_failed' }
const signatureInvalid = { name: 'CryptoError', code: 'signature_invalid' }
const keyUnusable = { name: 'CryptoError', code: 'key_unusable' }
const now = () => new Date('2026-11-21T10:00:00.900Z')
const ids = { id: 'asg_1', organizationId: 'org_1' }
const content = { title: 'Besøk på mandag', body: 'Ta med nøkkelen.', files: [] }

const [sender, member, stranger] = await Promise.all([generateDeviceKeys(), generateDeviceKeys(), generateDeviceKeys()])
const senderRecipient = await recipientOf('usr_sender', 'dev_sender', sender)
const memberRecipient = await recipientOf('usr_member', 'dev_member', member)
const address = {
  ...ids,
  sender: { userId: 'usr_sender', deviceId: 'dev_sender', signing: sender.signing },
  recipients: [senderRecipient, memberRecipient],
  now,
}
const sealed = await sealAssignment({ ...address, content })
const [senderKey, memberKey] = sealed.keys as [AssignmentKey, AssignmentKey]
const received = {
  ...ids,
  senderUserId: 'usr_sender',
  content: sealed.content,
  statement: sealed.statement,
  recipient: { ...memberKey, encryption: member.encryption },
}
const stored = {
  ...ids,
  senderUserId: 'usr_sender',
  content: sealed.content,
  statement: sealed.statement,
  keys: sealed.keys,
}

async function recipientOf(userId: string, deviceId: string, { encryption }: DeviceKeys) {
  return { userId, deviceId, encryptionKey: await exportPublicJwk(encryption.publicKey) }
}

describe('pinned assignment', () => {
  const { id, organizationId, senderUserId, plaintext, revisions, devices } = vectors
  const envelope = decodeBase64Url(vectors.content)
  const decoded = (keys: readonly { userId: string; deviceId: string; wrappedKey: string }[]) =>
    keys.map((key) => ({ ...key, wrappedKey: decodeBase64Url(key.wrappedKey) }))

  it.each(revisions)(
    'revision $revision is verified and opened by each device',
    async ({ revision, statement, keys }) => {
      const all = decoded(keys)
      const verified = await verifyAssignmentStatement({
        id,
        organizationId,
        senderUserId,
        content: envelope,
        statement,
        keys: all,
      })
      expect(verified).toMatchObject({ revision, recipientCount: 2 })
      expect(verified.signer.signedAt.toISOString()).toBe(vectors.signedAt)
      for (const key of all) {
        const device = Object.values(devices).find(({ deviceId }) => deviceId === key.deviceId)
        if (!device) throw new Error('the vector names no such device')
        const recipient = { ...key, encryption: await importEncryptionPair(device.encryption) }
        const opened = await openAssignment({
          id,
          organizationId,
          senderUserId,
          content: envelope,
          statement,
          recipient,
        })
        expect(new TextDecoder().decode(encodeAssignmentContent(opened.content))).toBe(plaintext)
        expect(opened.signer.thumbprint).toBe(verified.signer.thumbprint)
      }
    },
  )

  it('is signed by the device it names', async () => {
    const { signing } = await importDevice(devices.sender)
    const expected = await calculateThumbprint(await exportPublicJwk(signing.publicKey))
    expect((await verifyJws(revisions[0]?.statement ?? '', 'nokkel-assignment+jwt')).thumbprint).toBe(expected)
  })

  it('does not open with the keys of another revision', async () => {
    const [first, second] = revisions
    const keys = decoded(first?.keys ?? [])
    const options = { id, organizationId, senderUserId, content: envelope, statement: second?.statement ?? '', keys }
    await expect(verifyAssignmentStatement(options)).rejects.toMatchObject(signatureInvalid)
  })
})

describe('assignment', () => {
  it('is opened by every recipient and the sender', async () => {
    for (const [key, device] of [
      [memberKey, member],
      [senderKey, sender],
    ] as const) {
      const opened = await openAssignment({ ...received, recipient: { ...key, encryption: device.encryption } })
      expect(opened.content).toEqual(content)
      expect(opened).toMatchObject({ revision: 1, recipientCount: 2 })
      expect(opened.signer).toEqual({
        userId: 'usr_sender',
        deviceId: 'dev_sender',
        jwk: await exportPublicJwk(sender.signing.publicKey),
        thumbprint: await calculateThumbprint(await exportPublicJwk(sender.signing.publicKey)),
        signedAt: new Date('2026-11-21T10:00:00Z'),
      })
    }
  })

  it('carries files with their keys and digests', async () => {
    const file = {
      blobId: 'blob_1',
      name: 'plan.pdf',
      type: '',
      byteLength: 0,
      key: generateContentKey(),
      digests: new Uint8Array(32),
    }
    const {
      content: envelope,
      statement,
      keys,
    } = await sealAssignment({ ...address, content: { ...content, files: [file] } })
    const recipient = { ...(keys[1] as AssignmentKey), encryption: member.encryption }
    const opened = await openAssignment({ ...received, content: envelope, statement, recipient })
    expect(opened.content.files).toEqual([file])
  })

  it('shows neither content nor keys in what is stored', () => {
    const [, payload = ''] = sealed.statement.split('.')
    const visible = new TextDecoder().decode(sealed.content) + new TextDecoder().decode(decodeBase64Url(payload))
    for (const word of ['mandag', 'nøkkelen', 'title', 'usr_member', 'dev_member']) expect(visible).not.toContain(word)
  })

  it('fails on any flipped bit of the content', async () => {
    for (const flipped of flipEachByte(sealed.content)) {
      await expect(openAssignment({ ...received, content: flipped })).rejects.toMatchObject(signatureInvalid)
    }
  })

  it('fails on any flipped bit of the sealed key', async () => {
    for (const wrappedKey of flipEachByte(memberKey.wrappedKey)) {
      const recipient = { ...received.recipient, wrappedKey }
      await expect(openAssignment({ ...received, recipient })).rejects.toMatchObject(signatureInvalid)
      const keys = [senderKey, { ...memberKey, wrappedKey }]
      await expect(verifyAssignmentStatement({ ...stored, keys })).rejects.toMatchObject(signatureInvalid)
    }
  })

  it('fails on any flipped bit of the statement', async () => {
    for (const flipped of flipEachByte(fromText(sealed.statement))) {
      const statement = new TextDecoder().decode(flipped)
      await expect(openAssignment({ ...received, statement })).rejects.toMatchObject(signatureInvalid)
    }
  })

  it.each([
    ['another id', { id: 'asg_2' }],
    ['another organisation', { organizationId: 'org_2' }],
    ['another sender', { senderUserId: 'usr_member' }],
    ['another recipient', { recipient: { ...received.recipient, userId: 'usr_other' } }],
    ['another device', { recipient: { ...received.recipient, deviceId: 'dev_other' } }],
    ['the key of the sender', { recipient: { ...received.recipient, wrappedKey: senderKey.wrappedKey } }],
    ['no statement', { statement: '' }],
  ])('does not open as that of %s', async (_, other) => {
    await expect(openAssignment({ ...received, ...other })).rejects.toMatchObject(signatureInvalid)
  })

  it('does not open with the keys of another device', async () => {
    const recipient = { ...received.recipient, encryption: stranger.encryption }
    await expect(openAssignment({ ...received, recipient })).rejects.toMatchObject(openFailed)
  })

  it('does not let a recipient and the server replace the body', async () => {
    const forged = await sealAssignment({
      ...address,
      sender: { ...address.sender, signing: member.signing },
      content: { ...content, body: 'Something else.' },
    })
    const recipient = { ...(forged.keys[1] as AssignmentKey), encryption: member.encryption }
    await expect(openAssignment({ ...received, content: forged.content })).rejects.toMatchObject(signatureInvalid)
    const opened = await openAssignment({
      ...received,
      content: forged.content,
      statement: forged.statement,
      recipient,
    })
    expect(opened.signer.thumbprint).not.toBe(
      await calculateThumbprint(await exportPublicJwk(sender.signing.publicKey)),
    )
  })
})

describe('what the server can check', () => {
  it('is that the statement fits', async () => {
    const expected = { revision: 1, recipientCount: 2, signer: { userId: 'usr_sender', deviceId: 'dev_sender' } }
    expect(await verifyAssignmentStatement(stored)).toMatchObject(expected)
    expect(await verifyAssignmentStatement({ ...stored, keys: [memberKey, senderKey] })).toMatchObject(expected)
    const { content: _, ...rest } = stored
    const contentDigest = await sha256(sealed.content)
    expect(await verifyAssignmentStatement({ ...rest, contentDigest })).toMatchObject(expected)
  })

  it.each([
    ['a key is missing', { keys: [senderKey] }],
    ['there are no keys', { keys: [] }],
    ['a key is there twice', { keys: [senderKey, memberKey, memberKey] }],
    ['a key is one too many', { keys: [senderKey, memberKey, { ...memberKey, deviceId: 'dev_other' }] }],
    [
      'two keys are exchanged',
      {
        keys: [
          { ...senderKey, wrappedKey: memberKey.wrappedKey },
          { ...memberKey, wrappedKey: senderKey.wrappedKey },
        ],
      },
    ],
    ['a key is given to another person', { keys: [senderKey, { ...memberKey, userId: 'usr_other' }] }],
    ['the id is another', { id: 'asg_2' }],
    ['the organisation is another', { organizationId: 'org_2' }],
    ['the sender is another', { senderUserId: 'usr_member' }],
    ['the content is another', { content: new Uint8Array(100) }],
    ['the statement is no JWS', { statement: 'statement' }],
  ])('refuses when %s', async (_, other) => {
    await expect(verifyAssignmentStatement({ ...stored, ...other })).rejects.toMatchObject(signatureInvalid)
  })

  it('refuses when the signing device has no key of its own', async () => {
    const keys = [memberKey]
    const statement = await signStatement({ ...address, content: sealed.content, keys, revision: 1, now })
    await expect(verifyAssignmentStatement({ ...stored, statement, keys })).rejects.toMatchObject(signatureInvalid)
  })

  it('refuses a device with two keys', async () => {
    const keys = [senderKey, memberKey, { ...memberKey, wrappedKey: senderKey.wrappedKey }]
    const statement = await signStatement({ ...address, content: sealed.content, keys, revision: 1, now })
    await expect(verifyAssignmentStatement({ ...stored, statement, keys })).rejects.toMatchObject(signatureInvalid)
  })

  it('wants the content or its digest, not both', async () => {
    const contentDigest = await sha256(sealed.content)
    await expect(verifyAssignmentStatement({ ...stored, contentDigest } as never)).rejects.toThrow(TypeError)
    await expect(verifyAssignmentStatement({ ...stored, content: undefined } as never)).rejects.toThrow(TypeError)
    const short = { ...stored, content: undefined, contentDigest: new Uint8Array(31) }
    await expect(verifyAssignmentStatement(short as never)).rejects.toThrow(RangeError)
  })

  it('refuses a statement that says more, less or something else', async () => {
    const { payload } = await verifyJws(sealed.statement, 'nokkel-assignment+jwt')
    const recipients = payload.recipients as string[]
    const { iat: _, ...less } = payload
    const bad: object[] = [
      less,
      { ...payload, exp: 1 },
      { ...payload, v: 2 },
      { ...payload, v: '1' },
      { ...payload, purpose: 'rfx' },
      { ...payload, sender: { user: 'usr_sender' } },
      { ...payload, sender: { user: 'usr_sender', device: 'dev_sender', name: 'x' } },
      { ...payload, sender: { user: 'usr_sender', device: '' } },
      { ...payload, sender: { user: 'usr_sender', device: 1 } },
      { ...payload, sender: ['usr_sender', 'dev_sender'] },
      { ...payload, recipients: recipients.toReversed() },
      { ...payload, recipients: [...recipients, recipients.at(-1)] },
      { ...payload, recipients: recipients.map((hash) => `${hash}=`) },
      { ...payload, recipients: recipients.join() },
      { ...payload, recipients: [] },
      { ...payload, revision: 0 },
      { ...payload, revision: 1.5 },
      { ...payload, revision: '1' },
      { ...payload, iat: -1 },
      { ...payload, iat: 'now' },
      { ...payload, iat: 1e15 },
      { ...payload, content: `${payload.content}=` },
    ]
    for (const claims of bad) {
      const statement = await signJws(claims, sender.signing, 'nokkel-assignment+jwt')
      await expect(verifyAssignmentStatement({ ...stored, statement })).rejects.toMatchObject(signatureInvalid)
    }
    const otherType = await signJws(payload, sender.signing, 'nokkel-device+jwt')
    await expect(verifyAssignmentStatement({ ...stored, statement: otherType })).rejects.toMatchObject(signatureInvalid)
  })
})

describe('addressing anew', () => {
  const own = { ...senderKey, encryption: sender.encryption }
  const current = { ...address, content: sealed.content, statement: sealed.statement, own }

  it('lets a new device read and the old one no longer', async () => {
    const device = await generateDeviceKeys()
    const recipients = [senderRecipient, await recipientOf('usr_member', 'dev_new', device)]
    const { statement, keys } = await readdressAssignment({ ...current, recipients })
    const recipient = { ...(keys[1] as AssignmentKey), encryption: device.encryption }
    const opened = await openAssignment({ ...received, statement, recipient })
    expect(opened).toMatchObject({ content, revision: 2, recipientCount: 2 })
    await expect(openAssignment({ ...received, statement })).rejects.toMatchObject(signatureInvalid)
    const again = await readdressAssignment({ ...current, statement, own: { ...own, ...(keys[0] as AssignmentKey) } })
    expect(
      (await verifyAssignmentStatement({ ...stored, statement: again.statement, keys: again.keys })).revision,
    ).toBe(3)
  })

  it('does not sign what another key has signed', async () => {
    const forged = await sealAssignment({
      ...address,
      sender: { ...address.sender, signing: stranger.signing },
      content: { ...content, body: 'Something else.' },
    })
    const planted = {
      ...current,
      content: forged.content,
      statement: forged.statement,
      own: { ...own, ...(forged.keys[0] as AssignmentKey) },
    }
    await expect(readdressAssignment(planted)).rejects.toMatchObject(signatureInvalid)
  })

  it('signs what another device of the sender has signed, when told of it', async () => {
    const trusted = await calculateThumbprint(await exportPublicJwk(sender.signing.publicKey))
    const second = await generateDeviceKeys()
    const secondRecipient = await recipientOf('usr_sender', 'dev_second', second)
    const first = await readdressAssignment({ ...current, recipients: [senderRecipient, secondRecipient] })
    const fromSecond = {
      ...current,
      statement: first.statement,
      sender: { userId: 'usr_sender', deviceId: 'dev_second', signing: second.signing },
      own: { ...(first.keys[1] as AssignmentKey), encryption: second.encryption },
      recipients: [secondRecipient, memberRecipient],
    }
    await expect(readdressAssignment(fromSecond)).rejects.toMatchObject(signatureInvalid)
    const { keys, statement } = await readdressAssignment({ ...fromSecond, trustedSigners: [trusted] })
    expect(await verifyAssignmentStatement({ ...stored, keys, statement })).toMatchObject({
      revision: 3,
      signer: { deviceId: 'dev_second' },
    })
  })

  it('does not sign content that does not open', async () => {
    const key = await importEnvelopeKey(generateContentKey())
    const where = {
      purpose: 'assignment-content',
      table: 'assignment',
      column: 'content',
      row: 'asg_1',
      owner: 'usr_sender',
    }
    const foreign = await encryptEnvelope(encodeAssignmentContent(content), key, where)
    const statement = await signStatement({ ...address, content: foreign, keys: sealed.keys, revision: 1, now })
    await expect(readdressAssignment({ ...current, content: foreign, statement })).rejects.toMatchObject(openFailed)
    await expect(readdressAssignment({ ...current, content: foreign })).rejects.toMatchObject(signatureInvalid)
  })

  it('refuses a sealed key that holds no key', async () => {
    const where = {
      purpose: 'assignment-key',
      table: 'assignment_key',
      column: 'wrapped_key',
      row: 'asg_1',
      owner: 'dev_member',
    }
    const wrappedKey = await seal(new Uint8Array(16), memberRecipient.encryptionKey, where)
    const keys = [senderKey, { ...memberKey, wrappedKey }]
    const statement = await signStatement({ ...address, content: sealed.content, keys, revision: 1, now })
    const recipient = { ...received.recipient, wrappedKey }
    await expect(openAssignment({ ...received, statement, recipient })).rejects.toMatchObject(openFailed)
  })
})

describe('content of an assignment', () => {
  const file = {
    blobId: 'blob_1',
    name: 'a',
    type: '',
    byteLength: 5,
    key: generateContentKey(),
    digests: new Uint8Array(32),
  }

  it.each<[string, object]>([
    ['no title', { body: '', files: [] }],
    ['a member too many', { ...content, due: 'monday' }],
    ['a title that is no text', { ...content, title: 7 }],
    ['a title with a lone surrogate', { ...content, title: '\ud800' }],
    ['files that are no list', { ...content, files: {} }],
    ['a file that is no object', { ...content, files: [null] }],
    ['a file with a member too many', { ...content, files: [{ ...file, path: '/' }] }],
    ['a file without an id', { ...content, files: [{ ...file, blobId: '' }] }],
    ['a file of negative size', { ...content, files: [{ ...file, byteLength: -1 }] }],
    ['a file of broken size', { ...content, files: [{ ...file, byteLength: 1.5 }] }],
    ['a short file key', { ...content, files: [{ ...file, key: new Uint8Array(16) }] }],
    ['a file key as text', { ...content, files: [{ ...file, key: 'AAAA' }] }],
    ['too few digests', { ...content, files: [{ ...file, byteLength: 2_000_000 }] }],
    ['too many digests', { ...content, files: [{ ...file, digests: new Uint8Array(64) }] }],
  ])('is refused with %s', async (_, bad) => {
    await expect(sealAssignment({ ...address, content: bad as never })).rejects.toThrow(/content/)
  })

  it('opens only in the one form it is written in', async () => {
    const good = new TextDecoder().decode(encodeAssignmentContent({ ...content, files: [file] }))
    expect(parseAssignmentContent(fromText(good))).toEqual({ ...content, files: [file] })
    const bad = [
      '',
      'null',
      '[]',
      good.replace('"v":1', '"v":2'),
      good.replace('"v":1,', ''),
      good.replace('{', '{ '),
      good.replace('"v":1', '"v":1,"due":1'),
      good.replace('"v":1', '"v":1,"title":"a"'),
      good.replace('"byteLength":5', '"byteLength":5.0'),
      good.replace('"byteLength":5', '"byteLength":"5"'),
      good.replace('"byteLength":5', '"byteLength":5,"path":"/"'),
      good.replace(/"key":"[^"]*"/, '"key":null'),
      good.replace(/"key":"([^"]*)"/, '"key":"$1="'),
      good.replace(/"files":.*/, '"files":null}'),
      `\ufeff${good}`,
      good.slice(0, -1),
      content.body,
    ]
    const contentKey = generateContentKey()
    const where = {
      purpose: 'assignment-content',
      table: 'assignment',
      column: 'content',
      row: 'asg_1',
      owner: 'usr_sender',
    }
    const place = {
      purpose: 'assignment-key',
      table: 'assignment_key',
      column: 'wrapped_key',
      row: 'asg_1',
      owner: 'dev_member',
    }
    const wrappedKey = await seal(contentKey, memberRecipient.encryptionKey, place)
    const keys = [{ ...memberKey, wrappedKey }]
    for (const text of bad) {
      const envelope: Bytes = await encryptEnvelope(fromText(text), await importEnvelopeKey(contentKey), where)
      const statement = await signStatement({ ...address, content: envelope, keys, revision: 1, now })
      const recipient = { ...received.recipient, wrappedKey }
      const options = { ...received, content: envelope, statement, recipient }
      const error = (await openAssignment(options).catch((reason: unknown) => reason)) as Error
      expect(error, text).toMatchObject(openFailed)
      expect(`${error} ${error.cause}`).not.toMatch(/mandag|nøkkelen/)
    }
  })
})

describe('arguments of an assignment', () => {
  it('must name the sender among the recipients, and each device once', async () => {
    const options = { ...address, content }
    await expect(sealAssignment({ ...options, recipients: [memberRecipient] })).rejects.toThrow(RangeError)
    await expect(sealAssignment({ ...options, recipients: [] })).rejects.toThrow(RangeError)
    const twice = [senderRecipient, memberRecipient, memberRecipient]
    await expect(sealAssignment({ ...options, recipients: twice })).rejects.toThrow('twice')
  })

  it('must be what their types say', async () => {
    const options = { ...address, content }
    await expect(sealAssignment({ ...options, id: '' })).rejects.toThrow('id')
    await expect(sealAssignment({ ...options, organizationId: '' })).rejects.toThrow('organizationId')
    await expect(sealAssignment({ ...options, sender: { ...address.sender, deviceId: '' } })).rejects.toThrow(
      'sender.deviceId',
    )
    await expect(sealAssignment({ ...options, sender: undefined as never })).rejects.toThrow('sender')
    await expect(sealAssignment({ ...options, recipients: 'all' as never })).rejects.toThrow('recipients')
    await expect(sealAssignment({ ...options, now: () => new Date(Number.NaN) })).rejects.toThrow('now')
    await expect(openAssignment({ ...received, content: 'text' as never })).rejects.toThrow('content')
    const wrappedKey = encodeBase64Url(memberKey.wrappedKey) as never
    await expect(openAssignment({ ...received, recipient: { ...received.recipient, wrappedKey } })).rejects.toThrow(
      'wrappedKey',
    )
  })

  it('must be keys that can do what is asked', async () => {
    const options = { ...address, content }
    const badSender = { ...address.sender, signing: sender.encryption }
    await expect(sealAssignment({ ...options, sender: badSender })).rejects.toMatchObject(keyUnusable)
    const badKey = { ...memberRecipient.encryptionKey, x: memberRecipient.encryptionKey.y }
    const recipients = [senderRecipient, { ...memberRecipient, encryptionKey: badKey }]
    await expect(sealAssignment({ ...options, recipients })).rejects.toMatchObject(keyUnusable)
    const recipient = { ...received.recipient, encryption: member.signing }
    await expect(openAssignment({ ...received, recipient })).rejects.toMatchObject(keyUnusable)
  })
})
