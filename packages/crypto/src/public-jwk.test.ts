import { describe, expect, it } from 'vitest'
import { generateDeviceKeys } from './device-keys.ts'
import { exportPublicJwk, importEncryptionKey, importSigningKey, type PublicJwk } from './public-jwk.ts'
import { calculateThumbprint } from './thumbprint.ts'

const jwk: PublicJwk = {
  kty: 'EC',
  crv: 'P-256',
  x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
  y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
}
const keyUnusable = { name: 'CryptoError', code: 'key_unusable' }
// The prime of P-256, and x = 5 raised by it: the same point, written a second way.
const prime = '_____wAAAAEAAAAAAAAAAAAAAAD_______________8'

describe('device keys', () => {
  it('cannot be exported', async () => {
    const { encryption, signing } = await generateDeviceKeys()
    for (const key of [encryption.privateKey, signing.privateKey]) {
      expect(key.extractable).toBe(false)
      for (const format of ['jwk', 'pkcs8'] as const) {
        await expect(crypto.subtle.exportKey(format, key)).rejects.toThrow()
      }
      await expect(exportPublicJwk(key)).rejects.toMatchObject(keyUnusable)
    }
  })

  it('differ for each purpose and device', async () => {
    const devices = await Promise.all([generateDeviceKeys(), generateDeviceKeys()])
    const keys = devices.flatMap(({ encryption, signing }) => [encryption.publicKey, signing.publicKey])
    const jwks = await Promise.all(keys.map(exportPublicJwk))
    expect(new Set(jwks.map(({ x }) => x)).size).toBe(4)
  })

  it('export their public half as four members', async () => {
    const { encryption, signing } = await generateDeviceKeys()
    for (const key of [encryption.publicKey, signing.publicKey]) {
      const exported = await exportPublicJwk(key)
      expect(Object.keys(exported)).toEqual(['kty', 'crv', 'x', 'y'])
      expect(exported).toMatchObject({ kty: 'EC', crv: 'P-256' })
    }
  })
})

describe('public JWK', () => {
  it('imports for one use only', async () => {
    expect((await importEncryptionKey(jwk)).algorithm.name).toBe('ECDH')
    expect((await importSigningKey(jwk)).usages).toEqual(['verify'])
    expect(await exportPublicJwk(await importSigningKey(jwk))).toEqual(jwk)
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['text', 'jwk'],
    ['a list', []],
    ['another type', { ...jwk, kty: 'OKP' }],
    ['another curve', { ...jwk, crv: 'P-384' }],
    ['a private member', { ...jwk, d: jwk.x }],
    ['another member', { ...jwk, kid: '1' }],
    ['no y', { kty: 'EC', crv: 'P-256', x: jwk.x }],
    ['a number', { ...jwk, x: 7 }],
    ['a short coordinate', { ...jwk, x: jwk.x.slice(0, -1) }],
    ['a long coordinate', { ...jwk, x: `AA${jwk.x}` }],
    ['a padded coordinate', { ...jwk, x: `${jwk.x}=` }],
    ['left-over bits', { ...jwk, x: `${jwk.x.slice(0, -1)}t` }],
    ['a point off the curve', { ...jwk, y: jwk.x }],
    ['coordinates exchanged', { ...jwk, x: jwk.y, y: jwk.x }],
    ['zero', { ...jwk, x: 'A'.repeat(43), y: 'A'.repeat(43) }],
    ['a coordinate as large as the prime', { ...jwk, x: prime }],
  ])('refuses %s', async (_, bad) => {
    await expect(importEncryptionKey(bad as PublicJwk)).rejects.toMatchObject(keyUnusable)
    await expect(importSigningKey(bad as PublicJwk)).rejects.toMatchObject(keyUnusable)
  })

  it('refuses to export other keys', async () => {
    const p384 = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-384' }, true, ['deriveBits'])
    await expect(exportPublicJwk(p384.publicKey)).rejects.toMatchObject(keyUnusable)
    await expect(exportPublicJwk(undefined as never)).rejects.toMatchObject(keyUnusable)
    await expect(calculateThumbprint({ ...jwk, d: jwk.x } as never)).rejects.toMatchObject(keyUnusable)
  })
})
