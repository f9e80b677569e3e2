import { randomBytes } from 'node:crypto'
import { errors, Provider } from 'oidc-provider'
import { type AnswerDependencies, answers } from './answers.ts'
import { clientMetadata } from './client.ts'
import { errorPage } from './login/error-page.ts'
import { pageHeaders } from './login/layout.ts'
import { createMemoryAdapter } from './memory-adapter.ts'
import type { AuthorizationRequest, ProviderDefinition } from './provider-definition.ts'
import { isScenario } from './scenarios/index.ts'

const LOGIN_SECONDS = 900

/** Builds the OpenID provider of a definition: what is common to both, and never a default that warns. */
export function createProvider(
  definition: ProviderDefinition,
  mountPath: string,
  dependencies: AnswerDependencies,
): Provider {
  const { name, configuration } = definition
  const cookie = { httpOnly: true, sameSite: 'lax' } as const
  const provider = new Provider(definition.issuer, {
    ...configuration,
    adapter: createMemoryAdapter(),
    clients: [...dependencies.clients.values()].map((client) => clientMetadata(client, definition)),
    jwks: { keys: [definition.jwk] },
    scopes: definition.scopes,
    clientAuthMethods: definition.clientAuthentication,
    claims: { openid: ['sub'], ...configuration.claims },
    responseTypes: ['code'],
    pkce: { required: () => true },
    cookies: {
      keys: [randomBytes(32).toString('base64url')],
      names: {
        session: `sandbox_${name}_session`,
        interaction: `sandbox_${name}_login`,
        resume: `sandbox_${name}_resume`,
      },
      long: { ...cookie, path: mountPath },
      // Each is of its own login, by its path, so that one browser can have several under way.
      short: cookie,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      resourceIndicators: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      ...configuration.features,
    },
    interactions: { url: (_, { uid }) => `${mountPath}/login/${uid}` },
    extraParams: {
      ...Object.fromEntries((definition.parameters ?? []).map((parameter) => [parameter, null])),
      scenario(ctx, value) {
        if (value !== undefined && !isScenario(name, value)) throw new errors.InvalidRequest('scenario is unknown')
        const { params, route, entities } = ctx.oidc
        const client = dependencies.clients.get(ctx.oidc.client?.clientId ?? '')
        if (!client) throw new errors.InvalidRequest('client_id is unknown')
        const pushed = route === 'pushed_authorization_request' || entities.PushedAuthorizationRequest !== undefined
        const { response_type: responseType } = (ctx.oidc.body ?? ctx.query) as Record<string, unknown>
        definition.checkRequest((params ?? {}) as AuthorizationRequest, { client, pushed, responseType })
      },
    },
    // RFC 7523bis: any other audience lets one server use an assertion that was meant for another.
    async assertJwtClientAuthClaimsAndHeader(_, claims) {
      if (claims.aud === definition.issuer) return
      throw new errors.InvalidClientAuth('audience (aud) must equal the issuer identifier')
    },
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    clientBasedCORS: () => false,
    expiresWithSession: () => false,
    renderError(ctx, { error, error_description: description }) {
      ctx.set(pageHeaders())
      ctx.body = errorPage(error, description ?? '')
    },
    ttl: {
      AccessToken: definition.accessTokenSeconds,
      AuthorizationCode: 120,
      Grant: LOGIN_SECONDS,
      IdToken: LOGIN_SECONDS,
      Interaction: LOGIN_SECONDS,
      Session: LOGIN_SECONDS,
    },
  })
  provider.proxy = true
  provider.use(answers(definition, dependencies))
  return provider
}
