import type { ProviderFinding } from '@nokkel/contract'
import { encodeBase64Url } from '@nokkel/crypto'
import { genericGrantRequest, ResponseBodyError, WWWAuthenticateChallengeError } from 'openid-client'
import { sha256 } from '../../keyring/digest.ts'
import { createProviderClients, type ProviderClientOptions } from './client.ts'
import type { ProviderConnection, ProviderDefinition } from './provider.ts'
import { definitionOf } from './registry.ts'

/** A connection as far as it is there; without its secret everything else can still be tried. */
export type CheckedConnection = Omit<ProviderConnection, 'authentication'> &
  Partial<Pick<ProviderConnection, 'authentication'>>

export interface CheckOptions extends ProviderClientOptions {
  /** Where the provider sends browsers back to. */
  readonly redirectUri: string
}

type Metadata = Readonly<Record<string, unknown>>
type Result = ProviderFinding['result']

const finding = (check: ProviderFinding['check'], result: Result, detail: string): ProviderFinding => ({
  check,
  result,
  detail,
})

/**
 * Tries a connection against its provider without logging anybody in: what the provider announces, whether it knows the
 * redirect URIs, the client with its credentials, and the scopes. Each finding says what to do, and repeats no secret.
 */
export async function checkConnection(
  connection: CheckedConnection,
  options: CheckOptions,
): Promise<ProviderFinding[]> {
  const definition = definitionOf(connection)
  const redirectUris = [options.redirectUri, ...(connection.appRedirectUri ? [connection.appRedirectUri] : [])]
  const metadata = await readMetadata(connection, options)
  if (typeof metadata === 'string') {
    return [
      finding('discovery', 'failed', metadata),
      ...redirectUris.map((uri) => redirectFinding(uri, connection, options, undefined)),
      finding('credentials', 'unknown', 'Discovery must work before the credentials can be tried.'),
      finding('scopes', 'unknown', 'Discovery must work before the scopes can be tried.'),
    ]
  }
  const announced = announcementFaults(metadata, connection, definition)
  const probes = new Map<string, Probe>()
  for (const uri of redirectUris) probes.set(uri, await probe(uri, metadata, connection, definition, options))
  return [
    ...(announced.length > 0
      ? announced.map((fault) => finding('discovery', 'failed', fault))
      : [finding('discovery', 'ok', `${connection.issuer} is the issuer, and announces what is needed.`)]),
    ...redirectUris.map((uri) => redirectFinding(uri, connection, options, probes.get(uri))),
    await tryCredentials(connection, options),
    scopeFinding(metadata, connection, definition, probes.get(options.redirectUri)),
  ]
}

// Discovery ----------------------------------------------------------------------------------------------------------

/** Gives the metadata, or what is wrong. */
async function readMetadata(
  { issuer }: CheckedConnection,
  { timeoutSeconds }: CheckOptions,
): Promise<Metadata | string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  let answer: Response
  try {
    answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutSeconds * 1000) })
  } catch {
    return `${url} cannot be reached; check the address and whether this server may connect to it.`
  }
  if (answer.status !== 200) {
    await answer.body?.cancel()
    return `${url} answers ${answer.status}; check that the issuer is written as the provider writes it.`
  }
  const metadata = await answer.json().catch(() => undefined)
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    return `${url} is no discovery document; check the issuer.`
  }
  return metadata
}

function announcementFaults(
  metadata: Metadata,
  { issuer, authentication }: CheckedConnection,
  { signingAlgorithm }: ProviderDefinition,
): string[] {
  const faults: string[] = []
  if (metadata.issuer !== issuer) {
    const slash =
      typeof metadata.issuer === 'string' && metadata.issuer.replace(/\/$/, '') === issuer.replace(/\/$/, '')
    const more = slash ? ' They differ by the final slash.' : ''
    faults.push(`The provider calls itself otherwise than ${issuer}: write the issuer exactly as it does.${more}`)
  }
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri']) {
    if (typeof metadata[name] !== 'string' || !URL.canParse(metadata[name])) faults.push(`${name} is missing.`)
  }
  const expected: [string, string, (readonly string[])?][] = [
    ['response_types_supported', 'code'],
    ['code_challenge_methods_supported', 'S256'],
    ['id_token_signing_alg_values_supported', signingAlgorithm],
    // Left out, it means this one (OpenID Connect Discovery §3).
    ...(authentication
      ? [['token_endpoint_auth_methods_supported', authentication.method, ['client_secret_basic']] as const]
      : []
    ).map(([name, value, implied]): [string, string, readonly string[]] => [name, value, implied]),
  ]
  for (const [name, value, implied = []] of expected) {
    const values = Array.isArray(metadata[name]) ? metadata[name] : implied
    if (!values.includes(value))
      faults.push(`${name} does not have ${value}: this is not the provider it should be, or of another version.`)
  }
  return faults
}

// Redirect URIs and scopes -------------------------------------------------------------------------------------------

/** What an authorization request came to, before anybody logs in. */
type Probe =
  | { readonly kind: 'page' }
  | { readonly kind: 'returned'; readonly error: string }
  | { readonly kind: 'refused'; readonly status: number; readonly error?: string }
  | { readonly kind: 'unreachable' }

const asked = (connection: CheckedConnection, { scopes, personnummerScope }: ProviderDefinition) => [
  ...scopes,
  ...(connection.personnummer ? [personnummerScope] : []),
]

/** Asks to go on without a word to the person (`prompt=none`): the provider then says at once what is wrong. */
async function probe(
  redirectUri: string,
  metadata: Metadata,
  connection: CheckedConnection,
  definition: ProviderDefinition,
  { timeoutSeconds }: CheckOptions,
): Promise<Probe> {
  if (typeof metadata.authorization_endpoint !== 'string' || !URL.canParse(metadata.authorization_endpoint)) {
    return { kind: 'unreachable' }
  }
  const url = new URL(metadata.authorization_endpoint)
  const acrValues = definition.acrValues({
    minimumAssurance: definition.highestAssurance,
    confirmInApp: connection.confirmInApp ?? false,
  })
  const parameters = {
    client_id: connection.clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: asked(connection, definition).join(' '),
    state: random(),
    nonce: random(),
    code_challenge: encodeBase64Url(await sha256(random())),
    code_challenge_method: 'S256',
    prompt: 'none',
    ...(acrValues !== undefined && { acr_values: acrValues }),
    ...definition.parametersOf({ ...connection, authentication: { method: 'client_secret_basic', secret: '' } }),
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  let answer: Response
  try {
    answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutSeconds * 1000) })
  } catch {
    return { kind: 'unreachable' }
  }
  await answer.body?.cancel()
  const { status } = answer
  if (status >= 500) return { kind: 'unreachable' }
  if (status >= 400) return { kind: 'refused', status }
  const location = answer.headers.get('location')
  if (location === null) return { kind: 'page' }
  const target = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined
  const error =
    target && cleanCode(target.searchParams.get('error') ?? new URLSearchParams(target.hash.slice(1)).get('error'))
  if (location.startsWith(`${redirectUri}?`) || location.startsWith(`${redirectUri}#`)) {
    return { kind: 'returned', error: error ?? 'unknown' }
  }
  return error === undefined ? { kind: 'page' } : { kind: 'refused', status, error }
}

function redirectFinding(
  uri: string,
  { clientId }: CheckedConnection,
  { production }: CheckOptions,
  tried: Probe | undefined,
): ProviderFinding {
  const register = `Register exactly ${uri} for the client ${clientId}.`
  if (production && new URL(uri).protocol === 'http:') {
    return finding('redirect_uri', 'failed', `${uri} is not https; set PUBLIC_URL to an https URL.`)
  }
  switch (tried?.kind) {
    case undefined:
    case 'unreachable':
      return finding('redirect_uri', 'unknown', `The provider could not be asked. ${register}`)
    case 'refused': {
      const how = tried.error === undefined ? `with ${tried.status}` : `with ${tried.error}`
      return finding(
        'redirect_uri',
        'failed',
        `The provider refuses the authorization request ${how}: it does not know the client or the redirect URI. ${register}`,
      )
    }
    case 'page':
    case 'returned':
      return finding('redirect_uri', 'ok', `${uri} is registered.`)
  }
}

/** What a provider says who would log somebody in if it might show them a page. */
const wouldLogIn = new Set(['login_required', 'interaction_required', 'consent_required', 'account_selection_required'])

function scopeFinding(
  metadata: Metadata,
  connection: CheckedConnection,
  definition: ProviderDefinition,
  tried: Probe | undefined,
): ProviderFinding {
  const scopes = asked(connection, definition)
  const list = scopes.join(' ')
  const announced = Array.isArray(metadata.scopes_supported) ? metadata.scopes_supported : undefined
  const missing = announced ? scopes.filter((scope) => !announced.includes(scope)) : []
  const accepted = tried?.kind === 'page' || (tried?.kind === 'returned' && wouldLogIn.has(tried.error))
  if (tried?.kind === 'returned' && tried.error === 'invalid_scope') {
    const personnummer = connection.personnummer
      ? ` If it is ${definition.personnummerScope}: switch the personnummer off until the provider has approved it.`
      : ''
    return finding('scopes', 'failed', `The provider refuses a scope of ${list}; order what is missing.${personnummer}`)
  }
  if (missing.length > 0) {
    const detail = `The provider does not announce ${missing.join(' ')}; ask it whether this client may have it.`
    return finding('scopes', accepted ? 'unknown' : 'failed', detail)
  }
  if (accepted) {
    return finding('scopes', 'ok', `${list} may be asked for. What comes of it shows only when somebody logs in.`)
  }
  const because =
    tried?.kind === 'returned' ? `The provider answers ${tried.error}.` : 'The provider did not come that far.'
  return finding('scopes', 'unknown', `${because} Whether ${list} may be asked for shows when somebody logs in.`)
}

// Credentials --------------------------------------------------------------------------------------------------------

/** A code that nobody has given out is refused as a code only after the client has been let in. */
async function tryCredentials(connection: CheckedConnection, options: CheckOptions): Promise<ProviderFinding> {
  const { authentication, clientId } = connection
  if (!authentication)
    return finding('credentials', 'failed', 'There is no client secret; store the one of this client.')
  const wrong = `The provider does not let the client ${clientId} in by ${authentication.method}: id, secret, method or environment is wrong, or the product is not activated for it.`
  try {
    const { configuration } = await createProviderClients(options)({ ...connection, authentication })
    await genericGrantRequest(configuration, 'authorization_code', {
      code: `nokkel-check-${random()}`,
      redirect_uri: options.redirectUri,
      code_verifier: random(),
    })
    return finding('credentials', 'failed', 'The provider took a code that it never gave out; do not use it.')
  } catch (cause) {
    if (cause instanceof WWWAuthenticateChallengeError) return finding('credentials', 'failed', wrong)
    if (!(cause instanceof ResponseBodyError)) {
      return finding('credentials', 'unknown', 'The token endpoint gave no usable answer; try again.')
    }
    if (cause.error === 'invalid_grant') {
      return finding('credentials', 'ok', `The provider lets the client ${clientId} in by ${authentication.method}.`)
    }
    if (cause.error === 'invalid_client' || cause.status === 401) return finding('credentials', 'failed', wrong)
    if (cause.error === 'unauthorized_client') {
      return finding(
        'credentials',
        'failed',
        `The client ${clientId} may not use the authorization code flow; have it switched on.`,
      )
    }
    return finding('credentials', 'unknown', `The token endpoint answers ${cleanCode(cause.error)}.`)
  }
}

const random = () => encodeBase64Url(crypto.getRandomValues(new Uint8Array(32)))

/** An error code of OAuth; anything else could be text of somebody's choice. */
function cleanCode(code: string | null): string | undefined {
  if (code === null) return undefined
  return /^[a-z_]{1,64}$/.test(code) ? code : 'unknown'
}
