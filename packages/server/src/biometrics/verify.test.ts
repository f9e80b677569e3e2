import type { UnlockCredential } from '@nokkel/contract'
import { decodeBase64Url, encodeBase64Url } from '@nokkel/crypto'
import { describe, expect, it } from 'vitest'
import {
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  type Misbehaviour,
} from '../../../../tools/testing/authenticator.ts'
import { parseClientData } from './client-data.ts'
import { isUsableKey } from './credential-key.ts'
import { creationOptions, requestOptions } from './options.ts'
import { createRelyingParties } from './relying-party.ts'
import { type NewCredential, verifyAssertion, verifyNewCredential } from './verify.ts'

const origin = 'https://keys.example.no'
const parties = createRelyingParties(origin, ['https://app.keys.example.no', 'https://keys.example.no:8443'], true)
const party = parties.ofPage(origin)
const userHandle = crypto.getRandomValues(new Uint8Array(32))
const challengeBytes = () => crypto.getRandomValues(new Uint8Array(32))
const failed = expect.objectContaining({ code: 'unlock_failed' })

async function verifyCreated(credential: UnlockCredential): Promise<NewCredential> {
  const clientData = parseClientData(credential.response.clientDataJSON)
  if (!clientData) throw new Error('There is no challenge in it.')
  return verifyNewCredential(party, clientData, credential)
}

async function create(changed: Misbehaviour = {}, options: Partial<AuthenticatorOptions> = {}) {
  const authenticator = createAuthenticator({ origin, ...options })
  const answer = await authenticator.create(
    { ...creationOptions(party.id, challengeBytes(), userHandle, 'Likeperson') },
    changed,
  )
  return { authenticator, answer }
}

async function assertionOf(authenticator: Authenticator, known: NewCredential, changed: Misbehaviour = {}) {
  return authenticator.get({ ...requestOptions(party.id, challengeBytes(), known.credentialId) }, changed)
}

async function verifyAnswer(answer: UnlockCredential, known: NewCredential, signCount = known.signCount) {
  const clientData = parseClientData(answer.response.clientDataJSON)
  if (!clientData) throw new Error('There is no challenge in it.')
  return verifyAssertion(party, clientData, answer, { ...known, signCount, userHandle })
}

/** The answer with one bit of one member another one. */
function flip(answer: UnlockCredential, member: string, bit: number): UnlockCredential {
  const response = answer.response as Record<string, unknown>
  const bytes = decodeBase64Url(response[member] as string)
  const at = bit % (bytes.byteLength * 8)
  bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7))
  return { ...answer, response: { ...answer.response, [member]: encodeBase64Url(bytes) } }
}

describe('the relying party', () => {
  const unavailable = expect.objectContaining({ code: 'biometrics_unavailable' })
  const ofPage = (page: string | undefined, allowed: readonly string[] = [], production = true) =>
    createRelyingParties('https://keys.example.no/behind/a/path', allowed, production).ofPage(page)

  it('is the host of the page, whatever its port', () => {
    expect(ofPage(origin)).toEqual({ id: 'keys.example.no', origins: [origin] })
    const allowed = ['https://app.example.no', 'https://keys.example.no:8443', 'https://app.keys.example.no']
    expect(ofPage('https://app.example.no', allowed)).toEqual({ id: 'app.example.no', origins: [allowed[0]] })
    expect(ofPage(allowed[1], allowed)).toEqual({ id: 'keys.example.no', origins: [origin, allowed[1]] })
    expect(ofPage(allowed[2], allowed)).toEqual({ id: 'app.keys.example.no', origins: [allowed[2]] })
  })

  it('is the host of the public URL, where no page asks', () => {
    expect(ofPage(undefined, ['https://app.example.no'])).toEqual({ id: 'keys.example.no', origins: [origin] })
  })

  it.each([
    'https://app.example.no',
    'https://example.no',
    'https://evilkeys.example.no',
    'https://keys.example.no.evil.example',
    'http://keys.example.no',
    'https://keys.example.no/',
    'null',
    '',
  ])('is none for a page of %j, which is not allowed', (page) => {
    expect(() => ofPage(page, ['https://other.example.no'])).toThrow(unavailable)
  })

  it.each(['http://app.example.no', 'https://203.0.113.1', 'https://[2001:db8::1]', 'http://localhost:5173'])(
    'is none for a page of %s, which has no WebAuthn to offer',
    (page) => {
      expect(() => ofPage(page, [page])).toThrow(unavailable)
    },
  )

  it('is localhost in development', () => {
    const page = 'http://localhost:5173'
    expect(ofPage(page, [page], false)).toEqual({ id: 'localhost', origins: [page] })
    expect(() => ofPage('http://app.example.no', ['http://app.example.no'], false)).toThrow(unavailable)
  })

  it('has no origins left where its host is not allowed any more', () => {
    expect(parties.ofId('app.example.no')).toEqual({ id: 'app.example.no', origins: [] })
  })
})

describe('a new credential', () => {
  it.each(['ES256', 'RS256'] as const)('of %s is taken, and answers later', async (algorithm) => {
    const { authenticator, answer } = await create({}, { algorithm })
    const made = await verifyCreated(answer)
    expect(made).toMatchObject({
      credentialId: decodeBase64Url(answer.id),
      signCount: 1,
      deviceType: 'singleDevice',
      backedUp: false,
      aaguid: '00000000-0000-0000-0000-000000000000',
    })
    expect(await verifyAnswer(await assertionOf(authenticator, made), made)).toEqual({ signCount: 2, backedUp: false })
  })

  it('is taken with a signature by itself, from an allowed page, and where it is copied', async () => {
    expect(await verifyCreated((await create({ attestation: 'packed' })).answer)).toMatchObject({ signCount: 1 })
    const page = { origin: 'https://keys.example.no:8443' }
    expect(await verifyCreated((await create(page)).answer)).toMatchObject({ signCount: 1 })
    const copied = await create({ backup: { eligible: true, state: true } })
    expect(await verifyCreated(copied.answer)).toMatchObject({ deviceType: 'multiDevice', backedUp: true })
  })

  it.each<[string, Misbehaviour]>([
    ['another origin', { origin: 'https://evil.example' }],
    ['a host above ours', { origin: 'https://example.no' }],
    ['a host below ours', { origin: 'https://app.keys.example.no' }],
    ['no TLS', { origin: 'http://keys.example.no' }],
    ['a frame of another page', { crossOrigin: true, topOrigin: 'https://evil.example' }],
    ['a frame of a page that is not named', { crossOrigin: true }],
    ['a page around it that is said not to be there', { topOrigin: 'https://evil.example' }],
    ['another relying party', { rpId: 'evil.example' }],
    ['another type', { type: 'webauthn.get' }],
    ['nobody present', { userPresent: false }],
    ['a person who was not verified', { userVerified: false }],
    ['another id', { id: encodeBase64Url(challengeBytes()) }],
    ['a certificate', { attestation: 'certified' }],
    ['a copy of what cannot be copied', { backup: { eligible: false, state: true } }],
  ])('with %s is refused', async (_name, changed) => {
    await expect(verifyCreated((await create(changed)).answer)).rejects.toEqual(failed)
  })

  it('of an algorithm that was not asked for is refused', async () => {
    await expect(verifyCreated((await create({}, { algorithm: 'EdDSA' })).answer)).rejects.toEqual(failed)
  })

  it('that is cut short or has more behind it is refused', async () => {
    const { answer } = await create()
    const bytes = decodeBase64Url(answer.response.attestationObject ?? '')
    const resized = [0, 1, 30, bytes.byteLength - 1].map((length) => bytes.slice(0, length))
    for (const attestationObject of resized) {
      const response = { ...answer.response, attestationObject: encodeBase64Url(attestationObject) }
      await expect(verifyCreated({ ...answer, response })).rejects.toEqual(failed)
    }
    const { attestationObject: _, ...without } = answer.response
    await expect(verifyCreated({ ...answer, response: without })).rejects.toEqual(failed)
  })

  it('that nests without end is refused', async () => {
    const { answer } = await create()
    const response = { ...answer.response, attestationObject: encodeBase64Url(new Uint8Array(12_000).fill(0x81)) }
    await expect(verifyCreated({ ...answer, response })).rejects.toEqual(failed)
  })
})

describe('an assertion', () => {
  const setUp = async (changed: Misbehaviour = {}, options: Partial<AuthenticatorOptions> = {}) => {
    const { authenticator, answer } = await create(changed, options)
    return { authenticator, known: await verifyCreated(answer) }
  }

  it('is taken without a user handle, and with extensions', async () => {
    const { authenticator, known } = await setUp()
    for (const changed of [{ userHandle: null }, { extensions: { credProtect: 'x' } }]) {
      expect(await verifyAnswer(await assertionOf(authenticator, known, changed), known)).toMatchObject({
        backedUp: false,
      })
    }
  })

  it.each<[string, Misbehaviour]>([
    ['another origin', { origin: 'https://evil.example' }],
    ['a frame of another page', { crossOrigin: true, topOrigin: 'https://evil.example' }],
    ['a frame of a page that is not named', { crossOrigin: true }],
    ['another relying party', { rpId: 'evil.example' }],
    ['another type', { type: 'webauthn.create' }],
    ['nobody present', { userPresent: false }],
    ['a person who was not verified', { userVerified: false }],
    ['another id', { id: encodeBase64Url(challengeBytes()) }],
    ['another user handle', { userHandle: encodeBase64Url(challengeBytes()) }],
    ['the same count', { signCount: 1 }],
    ['a lower count', { signCount: 0 }],
    ['another kind of credential', { backup: { eligible: true, state: false } }],
  ])('with %s is refused', async (_name, changed) => {
    const { authenticator, known } = await setUp()
    await expect(verifyAnswer(await assertionOf(authenticator, known, changed), known)).rejects.toEqual(failed)
  })

  it('of another credential under the same id is refused', async () => {
    const { known } = await setUp()
    const thief = await setUp()
    const answer = await assertionOf(thief.authenticator, thief.known, {})
    const id = encodeBase64Url(known.credentialId)
    await expect(verifyAnswer({ ...answer, id, rawId: id }, known)).rejects.toEqual(failed)
    await expect(verifyAnswer(answer, known)).rejects.toEqual(failed)
  })

  it('that counts nothing is taken again and again', async () => {
    const { authenticator, known } = await setUp({}, { counts: false })
    for (let times = 0; times < 2; times++) {
      expect(await verifyAnswer(await assertionOf(authenticator, known), known)).toMatchObject({ signCount: 0 })
    }
  })

  it('with any bit flipped is refused', async () => {
    const { authenticator, known } = await setUp()
    const answer = await assertionOf(authenticator, known)
    expect(await verifyAnswer(answer, known)).toMatchObject({ signCount: 2 })
    for (const member of ['signature', 'authenticatorData', 'clientDataJSON'] as const) {
      const bits = decodeBase64Url(answer.response[member] ?? '').byteLength * 8
      for (let bit = 0; bit < bits; bit++) {
        const flipped = flip(answer, member, bit)
        // What names no challenge any more is not looked at.
        const clientData = parseClientData(flipped.response.clientDataJSON)
        if (clientData === null) continue
        const verifying = verifyAssertion(party, clientData, flipped, { ...known, userHandle })
        await expect(verifying, `${member} ${bit}`).rejects.toEqual(failed)
      }
    }
  })

  it('that is cut short or lacks something is refused', async () => {
    const { authenticator, known } = await setUp()
    const answer = await assertionOf(authenticator, known)
    for (const member of ['signature', 'authenticatorData'] as const) {
      const { [member]: text = '', ...without } = answer.response
      const bytes = decodeBase64Url(text)
      const changed = [bytes.slice(0, -1), new Uint8Array([...bytes, 0]), new Uint8Array()].map(encodeBase64Url)
      for (const value of changed) {
        const response = { ...answer.response, [member]: value }
        await expect(verifyAnswer({ ...answer, response }, known), member).rejects.toEqual(failed)
      }
      await expect(verifyAnswer({ ...answer, response: without }, known), member).rejects.toEqual(failed)
    }
  })
})

describe('the key of a credential', () => {
  const [x, y] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
  it.each<[string, [number, unknown][]]>([
    [
      'a point that is on no curve',
      [
        [3, -7],
        [-1, 1],
        [-2, x],
        [-3, y],
      ],
    ],
    ['no point', [[3, -7]]],
    ['no modulus', [[3, -257]]],
    [
      'a short modulus',
      [
        [3, -257],
        [-1, new Uint8Array(128).fill(0xff)],
        [-2, Uint8Array.of(1, 0, 1)],
      ],
    ],
  ])('is not taken with %s', async (_name, members) => {
    expect(await isUsableKey(new Map(members))).toBe(false)
  })
})

describe('client data', () => {
  const encode = (text: string) => encodeBase64Url(new TextEncoder().encode(text))
  it.each([
    ['nothing', ''],
    ['no base64url', '!'],
    ['no text', encodeBase64Url(Uint8Array.of(0xff, 0xfe))],
    ['no JSON', encode('{')],
    ['a list', encode('[]')],
    ['nobody', encode('null')],
    ['no challenge', encode('{"type":"webauthn.get"}')],
    ['a challenge that is no text', encode('{"challenge":1}')],
    ['a challenge that is no base64url', encode('{"challenge":"=="}')],
    ['a challenge that is not canonical', encode('{"challenge":"AB"}')],
  ])('of %s names no challenge', (_name, text) => {
    expect(parseClientData(text)).toBeNull()
  })
})
