import { decodeBase64Url, encodeBase64Url } from '@nokkel/crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { addVirtualAuthenticator, type VirtualAuthenticator } from '../testing/virtual-authenticator.ts'
import { webAuthenticator } from './biometric-authenticator.ts'

let device: VirtualAuthenticator | undefined

afterEach(async () => {
  await device?.remove()
  device = undefined
})

const bytes = (byteLength: number) => crypto.getRandomValues(new Uint8Array(byteLength))
const random = () => encodeBase64Url(bytes(32))

function creation() {
  return {
    challenge: random(),
    rp: { id: 'localhost', name: 'Nøkkel' },
    user: { id: random(), name: 'Nøkkel', displayName: 'Nøkkel' },
    pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
    authenticatorSelection: { authenticatorAttachment: 'platform', userVerification: 'required' },
    extensions: { credProps: true },
    timeout: 5000,
  }
}

function request(...ids: string[]) {
  const allowCredentials = ids.map((id) => ({ id, type: 'public-key', transports: ['internal'] }))
  return { challenge: random(), rpId: 'localhost', userVerification: 'required', allowCredentials, timeout: 5000 }
}

/** User present, user verified: flags of the authenticator data (WebAuthn Level 3 §6.1). */
function flagsOf({ response }: { readonly response: object }): number {
  const { authenticatorData } = response as { authenticatorData: string }
  return (decodeBase64Url(authenticatorData)[32] ?? 0) & 0b101
}

describe('the authenticator of the browser', () => {
  it('is not available where there is none', async () => {
    expect(await webAuthenticator.isAvailable()).toBe(false)
    device = await addVirtualAuthenticator()
    expect(await webAuthenticator.isAvailable()).toBe(true)
  })

  it('makes a credential for a verified person and signs with it; what extensions give stays here', async () => {
    device = await addVirtualAuthenticator()
    const prfSalt = bytes(32)
    const options = creation()
    const made = await webAuthenticator.create(options, { prfSalt })
    expect(made.credential.clientExtensionResults).toEqual({})
    expect(flagsOf(made.credential)).toBe(0b101)
    const clientData = JSON.parse(new TextDecoder().decode(decodeBase64Url(made.credential.response.clientDataJSON)))
    expect(clientData).toMatchObject({ type: 'webauthn.create', challenge: options.challenge, origin: location.origin })
    expect(made.prf?.byteLength).toBe(32)
    const used = await webAuthenticator.get(request(made.credential.id), { prfSalt })
    expect(used.credential).toMatchObject({ id: made.credential.id, type: 'public-key', clientExtensionResults: {} })
    expect(flagsOf(used.credential)).toBe(0b101)
    expect(used.prf).toEqual(made.prf)
    const sent = JSON.stringify([made.credential, used.credential])
    expect(sent).not.toContain(encodeBase64Url(made.prf ?? bytes(32)))
    const other = await webAuthenticator.get(request(made.credential.id), { prfSalt: bytes(32) })
    expect(other.prf).not.toEqual(made.prf)
    expect(await webAuthenticator.get(request(made.credential.id))).not.toHaveProperty('prf')
  })

  it('works without giving a secret', async () => {
    device = await addVirtualAuthenticator({ hasPrf: false })
    const prfSalt = bytes(32)
    const made = await webAuthenticator.create(creation(), { prfSalt })
    expect(made).not.toHaveProperty('prf')
    expect(await webAuthenticator.get(request(made.credential.id), { prfSalt })).not.toHaveProperty('prf')
  })

  it('is cancelled for a person who does not pass', async () => {
    device = await addVirtualAuthenticator()
    const { credential } = await webAuthenticator.create(creation())
    await device.refuse()
    await expect(webAuthenticator.create(creation())).rejects.toMatchObject({ code: 'biometrics_cancelled' })
    await expect(webAuthenticator.get(request(credential.id))).rejects.toMatchObject({ code: 'biometrics_cancelled' })
    await device.recover()
    expect(await webAuthenticator.get(request(credential.id))).toBeTruthy()
  })

  it('is cancelled when the question is taken back', async () => {
    device = await addVirtualAuthenticator({ answers: false })
    const end = new AbortController()
    const asked = webAuthenticator.create(creation(), { signal: end.signal })
    setTimeout(() => end.abort(), 100)
    await expect(asked).rejects.toMatchObject({ code: 'biometrics_cancelled' })
    await expect(webAuthenticator.create(creation(), { signal: end.signal })).rejects.toMatchObject({
      code: 'biometrics_cancelled',
    })
  })

  it('is cancelled when the credential is not there any more', async () => {
    device = await addVirtualAuthenticator()
    const { credential } = await webAuthenticator.create(creation())
    await device.lose()
    await expect(webAuthenticator.get(request(credential.id))).rejects.toMatchObject({ code: 'biometrics_cancelled' })
  })

  it('is not available to a page of another domain than the server says', async () => {
    device = await addVirtualAuthenticator()
    const options = { ...creation(), rp: { id: 'example.no', name: 'Another' } }
    await expect(webAuthenticator.create(options)).rejects.toMatchObject({ code: 'biometrics_unavailable' })
  })

  it('fails at what is no answer to give', async () => {
    device = await addVirtualAuthenticator()
    await expect(webAuthenticator.create({ challenge: '' })).rejects.toMatchObject({ code: 'unlock_failed' })
  })
})
