import { describe, expect, it } from 'vitest'
import vectors from '../../../../vectors/client-vault.json' with { type: 'json' }
import { createOpenVault, derivePrfSalt, deriveVaultKey } from './open-vault.ts'

const { userId, values } = vectors
const sessionId = '00000000-0000-4000-8000-00000000000b'
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const secret = () => Uint8Array.from(Buffer.from(vectors.secret, 'hex'))

async function opened() {
  const vault = createOpenVault()
  vault.hold(sessionId, await deriveVaultKey(secret()))
  return vault
}

describe('pinned vectors', () => {
  it('of the salt and the key, which cannot be exported', async () => {
    expect(hex(await derivePrfSalt(userId))).toBe(vectors.salt)
    const { id, key } = await deriveVaultKey(secret())
    expect(id).toBe(vectors.keyId)
    expect(key.extractable).toBe(false)
  })

  it.each(values)('of a value of $name, which opens nowhere else and not with any changed byte', async (value) => {
    const { name, column, text, envelope } = value
    const vault = await opened()
    const place = { name, column, userId }
    expect(await vault.decrypt(sessionId, place, envelope)).toBe(text)
    const others = [
      { ...place, name: 'other' },
      { ...place, column: 'other' },
      { ...place, userId: 'other' },
    ]
    for (const other of others) {
      await expect(vault.decrypt(sessionId, other, envelope)).rejects.toMatchObject({ code: 'locked' })
    }
    const bytes = Buffer.from(envelope, 'base64url')
    for (let index = 0; index < bytes.byteLength; index++) {
      const flipped = Buffer.from(bytes.map((byte, at) => (at === index ? byte ^ 1 : byte))).toString('base64url')
      await expect(vault.decrypt(sessionId, place, flipped), String(index)).rejects.toMatchObject({ code: 'locked' })
    }
    vault.close()
  })
})

describe('the key', () => {
  const place = { name: 'session_v1', column: 'lockedRefreshToken', userId }

  it('is derived anew for another secret, and the secret is overwritten', async () => {
    const bytes = secret()
    await deriveVaultKey(bytes)
    expect(bytes).toEqual(new Uint8Array(32))
    expect((await deriveVaultKey(bytes)).id).not.toBe(vectors.keyId)
  })

  it('makes another envelope each time, and opens its own', async () => {
    const vault = await opened()
    const envelopes = [await vault.encrypt(sessionId, place, 'a'), await vault.encrypt(sessionId, place, 'a')]
    expect(new Set(envelopes).size).toBe(2)
    for (const envelope of envelopes) expect(await vault.decrypt(sessionId, place, envelope)).toBe('a')
    vault.close()
  })

  it('is of one session, and forgotten', async () => {
    const vault = await opened()
    await expect(vault.encrypt('another', place, 'a')).rejects.toMatchObject({ code: 'locked' })
    vault.forget()
    await expect(vault.encrypt(sessionId, place, 'a')).rejects.toMatchObject({ code: 'locked' })
    vault.close()
  })

  it('is given to another tab for its own session only', async () => {
    const vault = await opened()
    const other = createOpenVault()
    await expect(other.encrypt('another', place, 'a')).rejects.toMatchObject({ code: 'locked' })
    const envelope = await other.encrypt(sessionId, place, 'a')
    expect(await vault.decrypt(sessionId, place, envelope)).toBe('a')
    vault.close()
    other.close()
  })
})
