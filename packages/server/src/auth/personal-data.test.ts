import { importEnvelopeKey } from '@nokkel/crypto'
import { describe, expect, it } from 'vitest'
import vectors from '../../../../vectors/personal-data.json' with { type: 'json' }
import { createKeyring } from '../keyring/keyring.ts'
import { createBlindIndex } from './blind-index.ts'
import { decryptContact, encryptContact, unwrapWaitingContact, wrapWaitingContact } from './contact-store.ts'
import { openPersonKey } from './person-key.ts'

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))
const { contact, userId, waitingId } = vectors
const somebody = crypto.randomUUID()
const keyringOf = async (key: string) => createKeyring([await importEnvelopeKey(hex(key))], async () => undefined)
const personKey = async () => openPersonKey(await keyringOf(vectors.masterKey), userId, hex(vectors.wrappedKey))

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
