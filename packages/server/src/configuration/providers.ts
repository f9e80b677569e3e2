import { z } from 'zod'
import type { ClientAuthentication, ProviderConnection } from '../auth/providers/provider.ts'
import { createProviderRegistry, type ProviderRegistry } from '../auth/providers/registry.ts'
import { ConfigurationError } from './configuration-error.ts'

const Secret = z.union([z.string().min(1), z.strictObject({ variable: z.string().min(1) })])

const Connection = z.strictObject({
  provider: z.enum(['bankid', 'vipps']),
  via: z.enum(['idura', 'signicat']).optional(),
  organization: z.string().min(1),
  issuer: z.string().min(1),
  clientId: z.string().min(1),
  authentication: z.discriminatedUnion('method', [
    z.strictObject({ method: z.enum(['client_secret_basic', 'client_secret_post']), secret: Secret }),
    z.strictObject({ method: z.literal('private_key_jwt'), key: Secret, kid: z.string().min(1).optional() }),
  ]),
  personnummer: z.boolean().optional(),
  confirmInApp: z.boolean().optional(),
  appRedirectUri: z.string().optional(),
  appCallbackUri: z.string().optional(),
  market: z.enum(['NO', 'DK', 'FI', 'SE']).optional(),
})
type Connection = z.infer<typeof Connection>

const ProviderList = z.array(Connection)

/**
 * Reads how each organisation lets its people log in.
 *
 * @param json - A list of connections, members as in `ProviderConnection`. A secret may stand there, or
 *   `{"variable": NAME}` may say which variable holds it; the key of `private_key_jwt` is a private JWK as text.
 * @param name - What to call it in an error.
 * @throws {ConfigurationError} What is wrong and where, without a value.
 */
export async function parseProviders(
  json: string,
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ProviderRegistry> {
  const { success, data, error } = ProviderList.safeParse(parseJson(json, name))
  if (!success) {
    const [issue] = error.issues
    throw new ConfigurationError(`${name} is wrong at ${issue?.path.join('.') || 'the top'}: ${issue?.message}.`)
  }
  const secretOf = (secret: z.infer<typeof Secret>): string => {
    if (typeof secret === 'string') return secret
    const value = environment[secret.variable]
    if (!value) throw new ConfigurationError(`${secret.variable} is not set; ${name} names it.`)
    return value
  }
  const connections = await Promise.all(data.map((connection) => toConnection(connection, secretOf, name)))
  try {
    return createProviderRegistry(connections)
  } catch (cause) {
    throw new ConfigurationError(`${name} is wrong: ${(cause as Error).message}`, { cause })
  }
}

async function toConnection(
  { authentication, ...rest }: Connection,
  secretOf: (secret: z.infer<typeof Secret>) => string,
  name: string,
): Promise<ProviderConnection> {
  const given = Object.entries(rest).filter(([, value]) => value !== undefined)
  return {
    ...(Object.fromEntries(given) as Omit<ProviderConnection, 'authentication'>),
    authentication: await toAuthentication(authentication, secretOf, name),
  }
}

async function toAuthentication(
  authentication: Connection['authentication'],
  secretOf: (secret: z.infer<typeof Secret>) => string,
  name: string,
): Promise<ClientAuthentication> {
  if (authentication.method !== 'private_key_jwt') {
    return { method: authentication.method, secret: secretOf(authentication.secret) }
  }
  const { method, kid } = authentication
  const key = await importSigningJwk(secretOf(authentication.key), name)
  return { method, key, ...(kid !== undefined && { kid }) }
}

async function importSigningJwk(text: string, name: string): Promise<CryptoKey> {
  try {
    const jwk = JSON.parse(text) as JsonWebKey
    const algorithm =
      jwk.kty === 'RSA' ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } : { name: 'ECDSA', namedCurve: 'P-256' }
    return await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign'])
  } catch {
    throw new ConfigurationError(`${name} has a key for private_key_jwt that is no private JWK of RSA or P-256.`)
  }
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ConfigurationError(`${name} is not JSON.`)
  }
}
