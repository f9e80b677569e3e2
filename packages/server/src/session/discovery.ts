import type { Hono } from 'hono'
import type { ApiVariables } from '../http/create-api.ts'
import type { SessionKeyStore } from './session-keys.ts'

const headers = { 'cache-control': 'public, max-age=300', 'access-control-allow-origin': '*' }

/**
 * What others need to verify our access tokens.
 *
 * @see OpenID Connect Discovery 1.0 §4, RFC 7517 §5
 */
export function registerDiscovery(app: Hono<ApiVariables>, issuer: string, keys: SessionKeyStore): void {
  const document = {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    response_types_supported: [],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    dpop_signing_alg_values_supported: ['ES256'],
  }
  app.get('/nokkel/.well-known/openid-configuration', () => Response.json(document, { headers }))
  app.get('/nokkel/.well-known/jwks.json', async () => Response.json((await keys.current()).jwks, { headers }))
}
