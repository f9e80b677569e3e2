import { SignJWT } from 'jose'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { SandboxClient } from './client.ts'
import type { Attempt, Login } from './login/login.ts'
import type { Recent } from './login/recent.ts'
import type { ProviderDefinition } from './provider-definition.ts'
import type { Answer, Claims, ScenarioContext } from './scenarios/scenario.ts'
import { createSigningKeys } from './signing-keys.ts'
import { TESTING_ONLY } from './testing-only.ts'

export interface AnswerDependencies {
  readonly clients: ReadonlyMap<string, SandboxClient>
  /** By the grant that the tokens come from. */
  readonly attempts: Recent<Attempt>
  readonly now: () => Date
  readonly wait: ScenarioContext['wait']
}

interface TokenBody {
  access_token: string
  id_token?: string
  [member: string]: unknown
}

/**
 * Gives what the provider answers the shape of BankID or Vipps, and lets the scenario of the login spoil it.
 * It runs around the whole provider, so a scenario shows on the wire exactly as a broken provider would.
 */
export function answers(definition: ProviderDefinition, dependencies: AnswerDependencies) {
  const { clients, attempts, now, wait } = dependencies
  const { name, issuer } = definition
  const keys = createSigningKeys(definition.signingKey)
  const userinfoRequests = new WeakMap<Attempt, number>()

  const contextOf = (ctx: KoaContextWithOIDC, attempt: Attempt, request = 0): ScenarioContext => ({
    provider: name,
    issuer,
    delayMilliseconds: attempt.delayMilliseconds,
    status: attempt.status,
    request,
    wait,
    hangUp() {
      ctx.respond = false
      ctx.req.socket.destroy()
    },
  })

  function loginOf(attempt: Attempt, clientId: string | undefined, scope: string | undefined): Login {
    const client = clients.get(clientId ?? '')
    if (!client) throw new TypeError('the tokens belong to no registered client')
    return { ...attempt, client, scopes: new Set(scope?.split(' ')) }
  }

  async function shapeCallback(ctx: KoaContextWithOIDC) {
    const { params, entities } = ctx.oidc
    const { location } = ctx.response.headers
    if (typeof params?.redirect_uri !== 'string' || !location?.startsWith(params.redirect_uri)) return
    const attempt = attempts.get(entities.Grant?.jti)
    const { AuthorizationCode: code } = entities
    let url = definition.callback(location, typeof params.scope === 'string' ? params.scope : undefined)
    if (attempt && code) {
      await attempt.scenario.authorizationCode?.(code)
      url = attempt.scenario.callback?.(url, contextOf(ctx, attempt)) ?? url
      // Every login shows the list of people again.
      await ctx.oidc.session?.destroy()
    }
    ctx.set('location', url)
    ctx.body = ''
  }

  async function shapeTokens(ctx: KoaContextWithOIDC) {
    const { Grant: grant, AuthorizationCode: code } = ctx.oidc.entities
    const attempt = attempts.get(grant?.jti)
    if (ctx.status !== 200 || !attempt || !code) return
    const { scenario } = attempt
    const context = contextOf(ctx, attempt)
    const body = ctx.body as TokenBody
    body.expires_in = definition.announcedAccessTokenSeconds
    if (body.id_token) {
      const claims = definition.idToken(loginOf(attempt, code.clientId, code.scope), {
        issuer,
        nonce: code.nonce,
        accessToken: body.access_token,
        issuedAt: Math.floor(now().getTime() / 1000),
      })
      const withheld = without(claims, scenario.withheldClaims)
      if (scenario.rotatesKey) await keys.rotate()
      const signingKey = keys.current()
      const { alg, kid, key } = (await scenario.signingKey?.(signingKey)) ?? signingKey
      body.id_token = await new SignJWT(scenario.idToken?.(withheld, context) ?? withheld)
        .setProtectedHeader({ alg, kid, typ: 'JWT' })
        .sign(key)
    }
    const answer = await scenario.tokenAnswer?.({ status: 200, contentType: 'application/json', body }, context)
    if (answer) send(ctx, answer)
  }

  async function shapeUserinfo(ctx: KoaContextWithOIDC) {
    const { Grant: grant, AccessToken: token } = ctx.oidc.entities
    const attempt = attempts.get(grant?.jti)
    if (ctx.status !== 200 || !attempt || !token) return
    const { scenario } = attempt
    const claims = without(definition.userinfo(loginOf(attempt, token.clientId, token.scope)), scenario.withheldClaims)
    const request = (userinfoRequests.get(attempt) ?? 0) + 1
    userinfoRequests.set(attempt, request)
    const body = scenario.userinfo?.(claims) ?? claims
    ctx.body = body
    const answer = await scenario.userinfoAnswer?.(
      { status: 200, contentType: 'application/json', body },
      contextOf(ctx, attempt, request),
    )
    if (answer) send(ctx, answer)
  }

  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    await next()
    switch (ctx.oidc?.route) {
      case 'discovery':
        ctx.body = { testing_only: TESTING_ONLY, ...definition.discovery(ctx.body as Record<string, unknown>) }
        ctx.set('cache-control', 'max-age=3600')
        break
      case 'authorization':
      case 'resume':
        await shapeCallback(ctx)
        break
      case 'token':
        await shapeTokens(ctx)
        break
      case 'userinfo':
        await shapeUserinfo(ctx)
        break
      case 'jwks':
        ctx.body = keys.published()
        break
      default:
    }
  }
}

function send(ctx: KoaContextWithOIDC, { status, contentType, body }: Answer): void {
  ctx.status = status
  ctx.body = body
  ctx.set('content-type', contentType)
}

function without(claims: Claims, names: readonly string[] = []): Claims {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name)))
}
