import { importEnvelopeKey, open, type PublicJwk } from '@nokkel/crypto'
import { describe, expect, it } from 'vitest'
import vectors from '../../../../vectors/personal-data.json' with { type: 'json' }
import { openIdentityKey } from '../identity/identity-keys.ts'
import { decryptPersonnummer, sealPersonnummer, typedContextOf } from '../identity/personnummer-envelope.ts'
import { createKeyring } from '../keyring/keyring.ts'
import { createBlindIndex } from './blind-index.ts'
import { decryptContact, encryptContact, unwrapWaitingContact, wrapWaitingContact } from './contact-store.ts'
import { openPersonKey } from './person-key.ts'
import type { Personnummer } from './personnummer.ts'

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))
const { contact, userId, waitingId } = vectors
const somebody = crypto.randomUUID()
const keyringOf = async (key: string) => createKeyring([await importEnvelopeKey(hex(key))], async () => undefined)
const personKey = async () => openPersonKey(await keyringOf(vectors.masterKey), userId, hex(vectors.wrappedKey))

/** What comes of it with any one bit changed, each code once. */
async function refusals(bytes: Uint8Array, use: (bytes: Uint8Array) => Promise<unknown>): Promise<unknown[]> {
  const outcomes = await Promise.allSettled(
    Array.from(bytes, (_, at) => use(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)))),
  )
  return [...new Set(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code))]
}

describe('pinned vectors of personal data', () => {
  it('of the key of a person', async () => {
    expect((await personKey()).id).toBe((await importEnvelopeKey(hex(vectors.personKey))).id)
  })

  it('of their contact', async () => {
    expect(await decryptContact(hex(vectors.encryptedContact), await personKey(), userId)).toEqual(contact)
    expect(Buffer.from(vectors.plaintext, 'hex').toString()).toBe(JSON.stringify(contact))
  })

  it('of the contact of a login that waits', async () => {
    const keyring = await keyringOf(vectors.masterKey)
    expect(await unwrapWaitingContact(keyring, hex(vectors.waitingContact), waitingId)).toEqual(contact)
  })

  it('of the blind indexes', async () => {
    const blindIndex = createBlindIndex(hex(vectors.indexKey))
    expect(await blindIndex.index('phone', contact.phoneNumber)).toEqual(hex(vectors.phoneIndex))
    expect(await blindIndex.index('email', contact.email)).toEqual(hex(vectors.emailIndex))
  })

  it('of a personnummer that is kept, and of one that is offered', async () => {
    const key = await personKey()
    expect(await decryptPersonnummer(hex(vectors.encryptedPersonnummer), key, 'kept', userId)).toBe(
      vectors.personnummer,
    )
    expect(await decryptPersonnummer(hex(vectors.offeredPersonnummer), key, 'offered', userId)).toBe(
      vectors.personnummer,
    )
    expect(
      await refusals(hex(vectors.encryptedPersonnummer), (envelope) =>
        decryptPersonnummer(envelope, key, 'kept', userId),
      ),
    ).toEqual(['open_failed'])
    const foreign = await importEnvelopeKey(hex(vectors.masterKey))
    const moved = await Promise.allSettled([
      decryptPersonnummer(hex(vectors.encryptedPersonnummer), key, 'offered', userId),
      decryptPersonnummer(hex(vectors.offeredPersonnummer), key, 'kept', userId),
      decryptPersonnummer(hex(vectors.encryptedPersonnummer), key, 'kept', somebody),
      decryptPersonnummer(hex(vectors.encryptedPersonnummer), foreign, 'kept', userId),
    ])
    expect(moved.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual(
      Array(4).fill('open_failed'),
    )
  })

  it('of the identity key, and of a number that was sealed to it', async () => {
    const { d: _, ...publicKey } = vectors.identityKey
    const row = {
      kid: vectors.identityKeyId,
      publicKey: publicKey as PublicJwk,
      wrappedPrivateKey: hex(vectors.wrappedIdentityKey),
    }
    const keyring = await keyringOf(vectors.masterKey)
    const pair = await openIdentityKey(keyring, row)
    expect(pair.privateKey.extractable).toBe(false)
    const sealed = hex(vectors.sealedPersonnummer)
    expect(new TextDecoder().decode(await open(sealed, pair, typedContextOf(userId)))).toBe(vectors.personnummer)
    expect(await refusals(sealed, (bytes) => open(bytes, pair, typedContextOf(userId)))).toEqual(['open_failed'])
    await expect(open(sealed, pair, typedContextOf(somebody))).rejects.toMatchObject({ code: 'open_failed' })
    await expect(openIdentityKey(keyring, { ...row, kid: 'another' })).rejects.toMatchObject({ code: 'open_failed' })
  })

  it('of a number that was revealed to a device', async () => {
    const { d, ...publicKey } = vectors.deviceKey
    const algorithm = { name: 'ECDH', namedCurve: 'P-256' }
    const device = {
      privateKey: await crypto.subtle.importKey('jwk', { ...publicKey, d }, algorithm, false, ['deriveBits']),
      publicKey: await crypto.subtle.importKey('jwk', publicKey, algorithm, true, []),
    }
    const context = {
      purpose: 'personnummer-reveal',
      table: 'device_key',
      column: 'encryption_key',
      row: vectors.deviceId,
      owner: userId,
    }
    expect(new TextDecoder().decode(await open(hex(vectors.revealedPersonnummer), device, context))).toBe(
      vectors.personnummer,
    )
    const sealed = await sealPersonnummer(
      vectors.personnummer as Personnummer,
      { id: vectors.deviceId, encryptionKey: publicKey as PublicJwk },
      userId,
    )
    expect(sealed).toHaveLength(112)
    expect(new TextDecoder().decode(await open(sealed, device, context))).toBe(vectors.personnummer)
  })

  it('none of which opens for somebody else, in another place, under another key or changed', async () => {
    const [keyring, key] = [await keyringOf(vectors.masterKey), await personKey()]
    const foreign = await importEnvelopeKey(hex(vectors.masterKey))
    const other = await keyringOf(vectors.personKey)
    const outcomes = await Promise.allSettled([
      openPersonKey(keyring, somebody, hex(vectors.wrappedKey)),
      openPersonKey(other, userId, hex(vectors.wrappedKey)),
      decryptContact(hex(vectors.encryptedContact), key, somebody),
      decryptContact(hex(vectors.encryptedContact), foreign, userId),
      decryptContact(hex(vectors.waitingContact), foreign, userId),
      unwrapWaitingContact(keyring, hex(vectors.waitingContact), somebody),
      unwrapWaitingContact(keyring, hex(vectors.encryptedContact), waitingId),
      ...Array.from(hex(vectors.encryptedContact), (_, at) =>
        decryptContact(
          hex(vectors.encryptedContact).map((byte, index) => (index === at ? byte ^ 1 : byte)),
          key,
          userId,
        ),
      ),
    ])
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual(
      outcomes.map(() => 'open_failed'),
    )
  })
})

describe('contact', () => {
  it('comes back as it was, whatever of it there is', async () => {
    const key = await personKey()
    const keyring = await keyringOf(vectors.masterKey)
    for (const some of [
      contact,
      { ...contact, address: null },
      { phoneNumber: null, email: null, address: contact.address },
    ]) {
      expect(await decryptContact(await encryptContact(some, key, userId), key, userId)).toEqual(some)
      const waiting = await wrapWaitingContact(keyring, some, waitingId)
      expect(await unwrapWaitingContact(keyring, waiting, waitingId)).toEqual(some)
    }
  })

  it('is only what is said to be of it', async () => {
    const key = await personKey()
    const more = { ...contact, nin: '1', address: { ...contact.address, formatted: 'x' } }
    expect(await decryptContact(await encryptContact(more, key, userId), key, userId)).toEqual(contact)
  })
})
