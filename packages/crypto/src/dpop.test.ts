import { describe, expect, it } from 'vitest'
import { generateDeviceKeys } from './device-keys.ts'
import { createDpopProof, verifyDpopProof } from './dpop.ts'
import { signJws, verifyJws } from './jws.ts'
import { exportPublicJwk } from './public-jwk.ts'
import { calculateThumbprint } from './thumbprint.ts'

const signatureInvalid = { name: 'CryptoError', code: 'signature_invalid' }
const seconds = 1_795_255_200
const at = (offset: number) => () => new Date((seconds + offset) * 1000)
const request = { method: 'POST', url: 'https://keys.example.no/nokkel/token' }

describe('DPoP', () => {
  it('proves one request', async () => {
    const { signing } = await generateDeviceKeys()
    const proof = await createDpopProof({ ...request, signer: signing, now: at(0) })
    const { jti, thumbprint, expiresAt } = await verifyDpopProof(proof, { ...request, now: at(0) })
    expect(jti).toMatch(/^[\w-]{22}$/)
    expect(thumbprint).toBe(await calculateThumbprint(await exportPublicJwk(signing.publicKey)))
    expect(expiresAt).toEqual(at(61)())
    await expect(verifyDpopProof(proof, { ...request, now: () => expiresAt })).rejects.toMatchObject(signatureInvalid)
  })

  it('verifies the proof of RFC 9449 §4.1', async () => {
    const proof =
      'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19' +
      '.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ' +
      '.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg'
    const now = () => new Date(1_562_262_616_000)
    const { jti, thumbprint } = await verifyDpopProof(proof, {
      method: 'POST',
      url: 'https://server.example.com/token',
      now,
    })
    expect(jti).toBe('-BwC3ESc6acc2lTc')
    expect(thumbprint).toBe('0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I')
  })

  it('names the access token as RFC 9449 §7.1 does', async () => {
    const { signing } = await generateDeviceKeys()
    const accessToken = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU'
    const proof = await createDpopProof({ ...request, signer: signing, accessToken, now: at(0) })
    expect((await verifyJws(proof, 'dpop+jwt')).payload.ath).toBe('fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo')
    await verifyDpopProof(proof, { ...request, accessToken, now: at(0) })
    const other = { ...request, accessToken: `${accessToken}0`, now: at(0) }
    await expect(verifyDpopProof(proof, other)).rejects.toMatchObject(signatureInvalid)
    const without = await createDpopProof({ ...request, signer: signing, now: at(0) })
    await expect(verifyDpopProof(without, { ...request, accessToken, now: at(0) })).rejects.toMatchObject(
      signatureInvalid,
    )
  })

  it('leaves out query and fragment and normalises the rest', async () => {
    const { signing } = await generateDeviceKeys()
    const url = 'HTTPS://Keys.Example.no:443/nokkel/token?code=secret#top'
    const proof = await createDpopProof({ method: 'POST', url, signer: signing, now: at(0) })
    expect((await verifyJws(proof, 'dpop+jwt')).payload.htu).toBe(request.url)
    await verifyDpopProof(proof, { ...request, url: new URL(`${request.url}?other`), now: at(0) })
  })

  it.each([-60, 0, 60])('accepts an age of %i seconds', async (age) => {
    const { signing } = await generateDeviceKeys()
    const proof = await createDpopProof({ ...request, signer: signing, now: at(0) })
    await verifyDpopProof(proof, { ...request, now: at(age) })
  })

  it.each([-61, 61, 3600])('refuses an age of %i seconds', async (age) => {
    const { signing } = await generateDeviceKeys()
    const proof = await createDpopProof({ ...request, signer: signing, now: at(0) })
    await expect(verifyDpopProof(proof, { ...request, now: at(age) })).rejects.toMatchObject(signatureInvalid)
  })

  it.each([
    { method: 'GET' },
    { method: 'post' },
    { url: 'https://keys.example.no/nokkel/token/' },
    { url: 'http://keys.example.no/nokkel/token' },
    { url: 'https://keys.example.no:8443/nokkel/token' },
    { url: 'https://other.example.no/nokkel/token' },
  ])('refuses a proof used for %j', async (other) => {
    const { signing } = await generateDeviceKeys()
    const proof = await createDpopProof({ ...request, signer: signing, now: at(0) })
    await expect(verifyDpopProof(proof, { ...request, ...other, now: at(0) })).rejects.toMatchObject(signatureInvalid)
  })

  const payload = { jti: 'abc', htm: 'POST', htu: request.url, iat: seconds }
  it.each<[string, object]>([
    ['no jti', { ...payload, jti: undefined }],
    ['an empty jti', { ...payload, jti: '' }],
    ['a huge jti', { ...payload, jti: 'a'.repeat(129) }],
    ['a number as jti', { ...payload, jti: 1 }],
    ['no iat', { ...payload, iat: undefined }],
    ['a text as iat', { ...payload, iat: String(seconds) }],
    ['a broken iat', { ...payload, iat: seconds + 0.5 }],
    ['no htm', { ...payload, htm: undefined }],
    ['no htu', { ...payload, htu: undefined }],
    ['a broken htu', { ...payload, htu: 'not a url' }],
    ['a relative htu', { ...payload, htu: '/nokkel/token' }],
  ])('refuses %s', async (_, bad) => {
    const { signing } = await generateDeviceKeys()
    const proof = await signJws(bad, signing, 'dpop+jwt')
    await expect(verifyDpopProof(proof, { ...request, now: at(0) })).rejects.toMatchObject(signatureInvalid)
  })

  it('refuses another kind of JWS', async () => {
    const { signing } = await generateDeviceKeys()
    const jws = await signJws(payload, signing, 'nokkel-device+jwt')
    await expect(verifyDpopProof(jws, { ...request, now: at(0) })).rejects.toMatchObject(signatureInvalid)
  })

  it('names the option that is not what it should be', async () => {
    const { signing } = await generateDeviceKeys()
    const good = { ...request, signer: signing, now: at(0) }
    await expect(createDpopProof({ ...good, method: '' })).rejects.toThrow('method')
    await expect(createDpopProof({ ...good, url: '/token' })).rejects.toThrow(TypeError)
    await expect(createDpopProof({ ...good, accessToken: '' })).rejects.toThrow('accessToken')
    await expect(createDpopProof({ ...good, now: () => new Date(Number.NaN) })).rejects.toThrow('now')
    const proof = await createDpopProof(good)
    await expect(verifyDpopProof(proof, { ...good, maxAgeSeconds: 0 })).rejects.toThrow('maxAgeSeconds')
    await expect(verifyDpopProof(proof, { ...good, maxAgeSeconds: Number.NaN })).rejects.toThrow('maxAgeSeconds')
  })
})
