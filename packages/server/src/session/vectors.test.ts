import { decodeBase64Url } from '@nokkel/crypto'
import { describe, expect, it } from 'vitest'
import vectors from '../../../../vectors/session.json' with { type: 'json' }
import { createBlindIndex } from '../auth/blind-index.ts'
import { hashRefreshToken, openSuccessor, parseRefreshToken, type RefreshToken } from './refresh-token.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('pinned vectors', () => {
  const { token, hash, successor, sealedSuccessor } = vectors.refresh
  const sealed = Buffer.from(sealedSuccessor, 'hex')

  it('of the refresh token', async () => {
    expect(parseRefreshToken(token)).toBe(token)
    expect(hex(await hashRefreshToken(token as RefreshToken))).toBe(hash)
    expect(await openSuccessor(token as RefreshToken, sealed)).toBe(successor)
  })

  it('of the successor, which no other token and no changed byte opens', async () => {
    expect(await openSuccessor(successor as RefreshToken, sealed)).toBeNull()
    for (let index = 0; index < sealed.byteLength; index++) {
      const flipped = Uint8Array.from(sealed, (byte, at) => (at === index ? byte ^ 1 : byte))
      expect(await openSuccessor(token as RefreshToken, flipped), String(index)).toBeNull()
    }
  })

  it('of the blind index', async () => {
    const { indexKey, number, index, keyId } = vectors.personnummer
    const blindIndex = createBlindIndex(Uint8Array.from(Buffer.from(indexKey, 'hex')))
    expect(hex(await blindIndex.index('personnummer', number))).toBe(index)
    expect(await blindIndex.keyId()).toBe(keyId)
    expect(decodeBase64Url(keyId)).toHaveLength(16)
  })
})
