import { CompactSign, compactVerify, EmbeddedJWK, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/jws.json' with { type: 'json' }
import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { sha256 } from './bytes.ts'
import { generateDeviceKeys } from './device-keys.ts'
import { signEs256, verifyEs256 } from './hazmat/es256.ts'
import { digestOfJws, type JwsType, signJws, verifyJws } from './jws.ts'
import { exportPublicJwk, importSigningKey } from './public-jwk.ts'
import { flipEachByte, fromText, toHex } from './testing/bytes.ts'
import { withOtherSignature } from './testing/jws.ts'
import { importSigningPair } from './testing/keys.ts'

const signatureInvalid = { name: 'CryptoError', code: 'signature_invalid' }
const keyUnusable = { name: 'CryptoError', code: 'key_unusable' }
const typ = 'nokkel-device+jwt'

describe('JWS', () => {
  it.each(vectors.valid)('pinned: $name', async ({ typ, jws, payload, thumbprint }) => {
    const { d: _, ...jwk } = vectors.signer
    expect(await verifyJws(jws, typ as JwsType)).toEqual({ payload, jwk, thumbprint })
  })

  it.each(vectors.invalid)('refused: $name', async ({ typ, jws }) => {
    await expect(verifyJws(jws, typ as JwsType)).rejects.toMatchObject(signatureInvalid)
  })

  it('signs what it verifies', async () => {
    const { signing } = await generateDeviceKeys()
    const payload = { text: 'Nøkkel 🔑', number: 1.5, list: [null, true], nested: { a: '\u2028' } }
    const verified = await verifyJws(await signJws(payload, signing, typ), typ)
    expect(verified.payload).toEqual(payload)
    expect(verified.jwk).toEqual(await exportPublicJwk(signing.publicKey))
  })

  it('fails on any flipped bit', async () => {
    const { signing } = await generateDeviceKeys()
    const [header = '', payload = '', signature = ''] = (await signJws({ a: 1 }, signing, typ)).split('.')
    const parts = [header, payload, signature]
    for (const [index, part] of parts.entries()) {
      for (const flipped of flipEachByte(decodeBase64Url(part))) {
        const jws = parts.with(index, encodeBase64Url(flipped)).join('.')
        await expect(verifyJws(jws, typ)).rejects.toMatchObject(signatureInvalid)
      }
    }
  })

  it('verifies the ES256 signature of RFC 7515 A.3', async () => {
    const input =
      'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
    const signature = 'DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q'
    const key = await importSigningKey({
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    })
    expect(await verifyEs256(key, decodeBase64Url(signature), fromText(input))).toBe(true)
    expect(await verifyEs256(key, decodeBase64Url(signature), fromText(`${input}A`))).toBe(false)
    await expect(verifyJws(`${input}.${signature}`, typ)).rejects.toMatchObject(signatureInvalid)
  })

  it('is verified by jose', async () => {
    const { signing } = await generateDeviceKeys()
    const jws = await signJws({ sub: 'usr_1' }, signing, typ)
    const { payload, protectedHeader } = await jwtVerify(jws, EmbeddedJWK, { typ, algorithms: ['ES256'] })
    expect(payload).toEqual({ sub: 'usr_1' })
    expect(Object.keys(protectedHeader)).toEqual(['alg', 'typ', 'jwk'])
    expect(new TextDecoder().decode((await compactVerify(jws, signing.publicKey)).payload)).toBe('{"sub":"usr_1"}')
  })

  it('verifies what jose signs', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const { kty, crv, x, y } = await exportJWK(publicKey)
    const header = { typ, alg: 'ES256', jwk: { x, y, crv, kty } }
    const jws = await new SignJWT({ sub: 'usr_1' }).setProtectedHeader(header as never).sign(privateKey)
    expect((await verifyJws(jws, typ)).payload).toEqual({ sub: 'usr_1' })
    const more = { ...header, kid: '1' }
    const refused = await new CompactSign(fromText('{}')).setProtectedHeader(more as never).sign(privateKey)
    await expect(verifyJws(refused, typ)).rejects.toMatchObject(signatureInvalid)
  })

  it('refuses keys that cannot sign', async () => {
    const { encryption, signing } = await generateDeviceKeys()
    await expect(signJws({}, encryption, typ)).rejects.toMatchObject(keyUnusable)
    await expect(signJws({}, signing.privateKey as never, typ)).rejects.toMatchObject(keyUnusable)
    await expect(signJws({}, undefined as never, typ)).rejects.toMatchObject(keyUnusable)
  })

  it('refuses payloads and types it does not know', async () => {
    const { signing } = await generateDeviceKeys()
    for (const payload of [null, 'text', 7, []]) {
      await expect(signJws(payload as never, signing, typ)).rejects.toThrow(TypeError)
    }
    await expect(signJws({}, signing, 'JWT' as never)).rejects.toThrow(TypeError)
    await expect(verifyJws('', 'JWT' as never)).rejects.toThrow(TypeError)
    await expect(verifyJws(7 as never, typ)).rejects.toMatchObject(signatureInvalid)
  })

  it('signs 64 bytes as pinned', async () => {
    const { privateKey, publicKey } = await importSigningPair(vectors.signer)
    const signature = await signEs256(privateKey, fromText('hei'))
    expect(signature.byteLength).toBe(64)
    expect(await verifyEs256(publicKey, signature, fromText('hei'))).toBe(true)
  })

  it.each(vectors.valid)('has the digest of its signing input: $name', async ({ jws }) => {
    const [header, payload] = jws.split('.')
    expect(await digestOfJws(jws)).toEqual(await sha256(fromText(`${header}.${payload}`)))
  })

  it('has one digest under any signature, and another for any other payload', async () => {
    const { signing } = await generateDeviceKeys()
    const one = await signJws({ a: 1 }, signing, typ)
    const again = withOtherSignature(one)
    expect(again).not.toBe(one)
    expect((await verifyJws(again, typ)).payload).toEqual({ a: 1 })
    expect(toHex(await digestOfJws(one))).toBe(toHex(await digestOfJws(again)))
    const other = [await signJws({ a: 2 }, signing, typ), await signJws({ a: 1 }, signing, 'nokkel-rfx-entry+jwt')]
    for (const jws of other) expect(toHex(await digestOfJws(jws))).not.toBe(toHex(await digestOfJws(one)))
  })

  it('has no digest unless it has three parts', async () => {
    for (const bad of ['', 'a', 'a.b', 'a.b.c.d', 7, undefined]) {
      await expect(digestOfJws(bad as never)).rejects.toMatchObject(signatureInvalid)
    }
  })

  it.each(['nokkel-rfx-manifest+jwt', 'nokkel-rfx-entry+jwt', 'nokkel-rfx-bid+jwt'] as const)(
    'verifies as %s and as nothing else',
    async (own) => {
      const { signing } = await generateDeviceKeys()
      const jws = await signJws({ a: 1 }, signing, own)
      expect((await verifyJws(jws, own)).payload).toEqual({ a: 1 })
      const others = ['nokkel-assignment+jwt', 'nokkel-rfx-manifest+jwt', 'nokkel-rfx-entry+jwt', 'nokkel-rfx-bid+jwt']
      for (const other of others.filter((one) => one !== own)) {
        await expect(verifyJws(jws, other as JwsType)).rejects.toMatchObject(signatureInvalid)
      }
    },
  )
})
