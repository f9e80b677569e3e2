import type { UnlockCredential } from '@nokkel/contract'
import { decodeBase64Url, encodeBase64Url } from '@nokkel/crypto'

/** How an answer differs from what was asked for, or from the truth. */
export interface Misbehaviour {
  /** Of the page that asks. */
  readonly origin?: string
  readonly type?: string
  readonly challenge?: string
  readonly crossOrigin?: boolean
  readonly topOrigin?: string
  readonly rpId?: string
  readonly userPresent?: boolean
  readonly userVerified?: boolean
  /** Whether the credential may be copied, and has been. */
  readonly backup?: { readonly eligible: boolean; readonly state: boolean }
  readonly signCount?: number
  readonly userHandle?: string | null
  /** Also where the browser calls it otherwise than the authenticator. */
  readonly id?: string
  /** Default `none`. `packed` is a signature by the credential itself; `certified` says to have a certificate besides. */
  readonly attestation?: 'none' | 'packed' | 'certified'
  readonly extensions?: Record<string, boolean | string>
}

export interface AuthenticatorOptions {
  /** Of the page that asks. */
  readonly origin: string
  /** Default `ES256`. */
  readonly algorithm?: 'ES256' | 'RS256' | 'EdDSA'
  /** Whether it counts its signatures; those that copy credentials do not. Default `true`. */
  readonly counts?: boolean
}

interface Credential {
  readonly id: Uint8Array<ArrayBuffer>
  readonly keys: CryptoKeyPair
  readonly userHandle: string
}

/** The options as the server writes them; what is not read here is the browser's. */
type Options = Readonly<Record<string, unknown>> & { readonly challenge: string }

/** A platform authenticator with its browser, that verifies whoever asks. It has one credential: the last one made. */
export interface Authenticator {
  /** @throws {Error} None of the algorithms that are asked for is its own. */
  create(options: Options, misbehaviour?: Misbehaviour): Promise<UnlockCredential>
  /** @throws {Error} It has none of the credentials that are asked for. */
  get(options: Options, misbehaviour?: Misbehaviour): Promise<UnlockCredential>
  /** Answers whichever of the two a challenge asks for. */
  answer(
    challenge: { readonly kind: 'create' | 'get'; readonly options: Options },
    misbehaviour?: Misbehaviour,
  ): Promise<UnlockCredential>
}

const coseAlgorithms = { ES256: -7, RS256: -257, EdDSA: -8 } as const
const parameters = {
  ES256: [
    { name: 'ECDSA', namedCurve: 'P-256' },
    { name: 'ECDSA', hash: 'SHA-256' },
  ],
  RS256: [
    {
      name: 'RSASSA-PKCS1-v1_5',
      hash: 'SHA-256',
      modulusLength: 2048,
      publicExponent: Uint8Array.of(1, 0, 1),
    },
    { name: 'RSASSA-PKCS1-v1_5' },
  ],
  EdDSA: [{ name: 'Ed25519' }, { name: 'Ed25519' }],
} as const

/**
 * Written from WebAuthn Level 3 §6 and RFC 8949, not from the library that reads it.
 *
 * @see WebAuthn Level 3 §6.1 (authenticator data), §6.5 (attestation), RFC 9052 §7 (COSE_Key)
 */
export function createAuthenticator({
  origin,
  algorithm = 'ES256',
  counts = true,
}: AuthenticatorOptions): Authenticator {
  let credential: Credential | undefined
  let signatures = 0

  const clientData = (type: string, { challenge }: Options, changed: Misbehaviour) =>
    new TextEncoder().encode(
      JSON.stringify({
        type: changed.type ?? type,
        challenge: changed.challenge ?? challenge,
        origin: changed.origin ?? origin,
        crossOrigin: changed.crossOrigin ?? false,
        ...(changed.topOrigin === undefined ? {} : { topOrigin: changed.topOrigin }),
      }),
    )

  async function authenticatorData(rpId: string, changed: Misbehaviour, attested?: Uint8Array) {
    const { userPresent = true, userVerified = true, backup = { eligible: false, state: false }, extensions } = changed
    const flags = [userPresent, false, userVerified, backup.eligible, backup.state, false, attested, extensions]
    const bits = flags.reduce<number>((sum, flag, bit) => sum | (flag ? 1 << bit : 0), 0)
    if (counts) signatures += 1
    const count = new DataView(new ArrayBuffer(4))
    count.setUint32(0, changed.signCount ?? signatures)
    return concatenate(
      await sha256(new TextEncoder().encode(changed.rpId ?? rpId)),
      Uint8Array.of(bits),
      new Uint8Array(count.buffer),
      attested ?? new Uint8Array(),
      extensions ? encodeCbor(new Map(Object.entries(extensions))) : new Uint8Array(),
    )
  }

  async function sign({ keys }: Credential, data: Uint8Array, clientDataJson: Uint8Array<ArrayBuffer>) {
    const signed = concatenate(data, await sha256(clientDataJson))
    const signature = new Uint8Array(await crypto.subtle.sign(parameters[algorithm][1], keys.privateKey, signed))
    return algorithm === 'ES256' ? derOf(signature) : signature
  }

  const described = (of: Credential, changed: Misbehaviour) => {
    const id = changed.id ?? encodeBase64Url(of.id)
    return {
      id,
      rawId: id,
      type: 'public-key' as const,
      authenticatorAttachment: 'platform',
      clientExtensionResults: {},
    }
  }

  const authenticator: Authenticator = {
    async create(options, changed = {}) {
      const { rp, user, pubKeyCredParams } = options as unknown as {
        rp: { id: string }
        user: { id: string }
        pubKeyCredParams: { alg: number }[]
      }
      const alg = coseAlgorithms[algorithm]
      if (algorithm !== 'EdDSA' && !pubKeyCredParams.some((asked) => asked.alg === alg)) throw new Error('NotSupported')
      const keys = (await crypto.subtle.generateKey(parameters[algorithm][0], true, [
        'sign',
        'verify',
      ])) as CryptoKeyPair
      credential = { id: crypto.getRandomValues(new Uint8Array(32)), keys, userHandle: user.id }
      signatures = 0
      const length = Uint8Array.of(0, credential.id.byteLength)
      const attested = concatenate(new Uint8Array(16), length, credential.id, await coseKeyOf(keys.publicKey, alg))
      const data = await authenticatorData(rp.id, changed, attested)
      const json = clientData('webauthn.create', options, changed)
      const { attestation = 'none' } = changed
      const statement = new Map<string, Cbor>(
        attestation === 'none'
          ? []
          : [
              ['alg', alg],
              ['sig', await sign(credential, data, json)],
              ...(attestation === 'certified' ? [['x5c', [new Uint8Array(64)]] as [string, Cbor]] : []),
            ],
      )
      const attestationObject = encodeCbor(
        new Map<string, Cbor>([
          ['fmt', attestation === 'none' ? 'none' : 'packed'],
          ['attStmt', statement],
          ['authData', data],
        ]),
      )
      return {
        ...described(credential, changed),
        response: {
          clientDataJSON: encodeBase64Url(json),
          attestationObject: encodeBase64Url(attestationObject),
          transports: ['internal'],
        },
      }
    },
    async get(options, changed = {}) {
      const { rpId, allowCredentials } = options as unknown as { rpId: string; allowCredentials: { id: string }[] }
      if (!credential) throw new Error('NotAllowed')
      const id = encodeBase64Url(credential.id)
      if (!allowCredentials.some((allowed) => allowed.id === id)) throw new Error('NotAllowed')
      const data = await authenticatorData(rpId, changed)
      const json = clientData('webauthn.get', options, changed)
      return {
        ...described(credential, changed),
        response: {
          clientDataJSON: encodeBase64Url(json),
          authenticatorData: encodeBase64Url(data),
          signature: encodeBase64Url(await sign(credential, data, json)),
          ...(changed.userHandle === null ? {} : { userHandle: changed.userHandle ?? credential.userHandle }),
        },
      }
    },
    answer: ({ kind, options }, changed) => authenticator[kind](options, changed),
  }
  return authenticator
}

const sha256 = async (bytes: Uint8Array<ArrayBuffer>) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))

function concatenate(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.byteLength, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.byteLength
  }
  return all
}

async function coseKeyOf(publicKey: CryptoKey, alg: number): Promise<Uint8Array> {
  const { kty, x = '', y = '', n = '', e = '' } = await crypto.subtle.exportKey('jwk', publicKey)
  const members: Record<string, readonly [number, Cbor][]> = {
    EC: [
      [1, 2],
      [3, alg],
      [-1, 1],
      [-2, decodeBase64Url(x)],
      [-3, decodeBase64Url(y)],
    ],
    RSA: [
      [1, 3],
      [3, alg],
      [-1, decodeBase64Url(n)],
      [-2, decodeBase64Url(e)],
    ],
    OKP: [
      [1, 1],
      [3, alg],
      [-1, 6],
      [-2, decodeBase64Url(x)],
    ],
  }
  return encodeCbor(new Map(members[kty ?? '']))
}

/** RFC 3279 §2.2.3 of the two halves of RFC 6090. */
function derOf(signature: Uint8Array): Uint8Array<ArrayBuffer> {
  const integer = (half: Uint8Array) => {
    const digits = half.subarray(
      Math.max(
        0,
        half.findIndex((byte) => byte !== 0),
      ),
    )
    const padded = (digits[0] ?? 0) >= 0x80 ? concatenate(Uint8Array.of(0), digits) : digits
    return concatenate(Uint8Array.of(2, padded.byteLength), padded)
  }
  const both = concatenate(integer(signature.subarray(0, 32)), integer(signature.subarray(32)))
  return concatenate(Uint8Array.of(0x30, both.byteLength), both)
}

type Cbor = number | string | boolean | Uint8Array | readonly Cbor[] | ReadonlyMap<number | string, Cbor>

/** What authenticators write of RFC 8949: integers, texts, bytes, lists and maps of at most 65535 each. */
function encodeCbor(value: Cbor): Uint8Array<ArrayBuffer> {
  const head = (major: number, count: number) => {
    const first = major << 5
    if (count < 24) return Uint8Array.of(first | count)
    return count < 256 ? Uint8Array.of(first | 24, count) : Uint8Array.of(first | 25, count >> 8, count & 0xff)
  }
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'boolean') return Uint8Array.of(value ? 0xf5 : 0xf4)
  if (typeof value === 'string') {
    const text = new TextEncoder().encode(value)
    return concatenate(head(3, text.byteLength), text)
  }
  if (value instanceof Uint8Array) return concatenate(head(2, value.byteLength), value)
  if (Array.isArray(value)) return concatenate(head(4, value.length), ...value.map(encodeCbor))
  if (!(value instanceof Map)) throw new TypeError('This is nothing that authenticators write.')
  return concatenate(head(5, value.size), ...[...value].flat().map(encodeCbor))
}
