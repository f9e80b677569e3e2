import { createDpopProof, encodeBase64Url, generateDeviceKeys } from '@nokkel/crypto'
import { type ChangedPerson, signIn } from '@nokkel/sandbox'
import { consentTo } from '../../../tools/testing/login.ts'
import { killHeader } from './server-plan.ts'

/** Where requests go, and what the server calls itself. */
export interface Address {
  readonly publicUrl: string
  /** Default `publicUrl`. */
  readonly url?: string
}

export interface RequestOptions {
  readonly body?: unknown
  readonly signing?: CryptoKeyPair
  readonly token?: string
  /** The point at which the server kills itself. */
  readonly killAt?: number | undefined
}

export interface PlainAnswer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came back
  readonly body: any
}

/** One request; rejects when the server died of it. */
export async function send(
  { publicUrl, url = publicUrl }: Address,
  method: string,
  path: string,
  { body, signing, token, killAt }: RequestOptions = {},
): Promise<PlainAnswer> {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(signing ? { dpop: await createDpopProof({ signer: signing, method, url: `${publicUrl}${path}` }) } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(killAt === undefined ? {} : { [killHeader]: String(killAt) }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}

export interface PlainLoginOptions {
  readonly provider: 'bankid' | 'vipps'
  readonly organization: string
  readonly person: string | ChangedPerson
  readonly signing?: CryptoKeyPair
  /** Further members of the request that begins it. */
  readonly begin?: Record<string, unknown>
  /** Begins to add a way in to the account of this access token. */
  readonly token?: string
}

/** Somebody who is back from the provider, and has only to say so. */
export interface ReturnedLogin {
  readonly signing: CryptoKeyPair
  readonly body: Record<string, unknown>
}

export async function goToProvider(address: Address, options: PlainLoginOptions): Promise<ReturnedLogin> {
  const { provider, organization, person, begin = {}, token } = options
  const { signing = (await generateDeviceKeys()).signing } = options
  const [state, nonce, codeVerifier] = [random(), random(), random()]
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(codeVerifier))
  const codeChallenge = encodeBase64Url(new Uint8Array(digest))
  const body = { provider, state, nonce, codeChallenge, consent: consentTo(provider), ...begin }
  const begun =
    token === undefined
      ? await send(address, 'POST', '/nokkel/login', { body: { ...body, organization } })
      : await send(address, 'POST', '/nokkel/me/logins', { body, token })
  if (begun.status !== 201) throw new Error(`beginning answered ${begun.status} ${begun.body.code}`)
  const { loginId, authorizationUrl } = begun.body
  const returned = await signIn(authorizationUrl, { person })
  const callback = returned.slice(returned.indexOf('?') + 1)
  return { signing, body: { loginId, provider, organization, callback, codeVerifier, nonce } }
}

const random = () => encodeBase64Url(crypto.getRandomValues(new Uint8Array(32)))
