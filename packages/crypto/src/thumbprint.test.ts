import fc from 'fast-check'
import { calculateJwkThumbprint } from 'jose'
import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/encodings.json' with { type: 'json' }
import { encodeBase64Url } from './base64url.ts'
import { generateDeviceKeys } from './device-keys.ts'
import { exportPublicJwk, type PublicJwk } from './public-jwk.ts'
import { publicKeyId } from './seal.ts'
import { calculateThumbprint, formatFingerprint, type Thumbprint } from './thumbprint.ts'

describe('thumbprint', () => {
  it('is that of RFC 9449 §6.1', async () => {
    const x = 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs'
    const y = '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA'
    const expected = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'
    expect(await calculateThumbprint({ kty: 'EC', crv: 'P-256', x, y })).toBe(expected)
    expect(await calculateThumbprint({ y, x, crv: 'P-256', kty: 'EC' })).toBe(expected)
  })

  it.each(vectors.publicKey)('pinned: $fingerprint', async ({ jwk, thumbprint, keyId, fingerprint }) => {
    expect(await calculateThumbprint(jwk as PublicJwk)).toBe(thumbprint)
    expect(encodeBase64Url(await publicKeyId(jwk as PublicJwk))).toBe(keyId)
    expect(formatFingerprint(thumbprint as Thumbprint)).toBe(fingerprint)
  })

  it('agrees with jose', async () => {
    const { signing } = await generateDeviceKeys()
    const jwk = await exportPublicJwk(signing.publicKey)
    expect(await calculateThumbprint(jwk)).toBe(await calculateJwkThumbprint({ ...jwk }, 'sha256'))
  })
})

describe('fingerprint', () => {
  it('is six groups of five digits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        expect(formatFingerprint(encodeBase64Url(bytes) as Thumbprint)).toMatch(/^\d{5}( \d{5}){5}$/)
      }),
    )
  })

  it.each(['', 'AAAA', 'not a thumbprint'])('refuses %j', (text) => {
    expect(() => formatFingerprint(text as Thumbprint)).toThrow(TypeError)
  })
})
