import { randomBytes } from 'node:crypto'
import { errors, Provider } from 'oidc-provider'
import { type AnswerDependencies, answers } from './answers.ts'
import { clientMetadata } from './client.ts'
import { errorPage } from './login/error-page.ts'
import { pageHeaders } from './login/layout.ts'
import { createMemoryAdapter } from './memory-adapter.ts'
import type { ProviderDefinition } from './provider-definition.ts'
import { isScenario } from './scenarios/index.ts'

const LOGIN_SECONDS = 900

/** Builds the OpenID provider of a definition: what is common to both, and never a default that warns. */
export function createProvider(
  definition: ProviderDefinition,
  mountPath: string,
  dependencies: AnswerDependencies,
): Provider {
  const { name, configuration } = definition
  const cookie = { httpOnly: true, sameSite: 'lax', path: mountPath } as const
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
      long: cookie,
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
      scenario(ctx, value) {
        if (value !== undefined && !isScenario(name, value)) throw new errors.InvalidRequest('scenario is unknown')
        definition.checkRequest(ctx.oidc.params ?? {})
      },
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
