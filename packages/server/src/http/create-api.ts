import type { OpenAPIHono, RouteConfig } from '@hono/zod-openapi'
import type { Operation } from '@nokkel/contract'
import type { Context, Env } from 'hono'
import type { Claims } from '../db/with-claims.ts'
import type { Api, OperationRequest } from './api.ts'
import { parseRequest } from './parse-request.ts'
import { type RateLimiter, type RateLimits, rateClass } from './rate-limit.ts'
import { ServerError } from './server-error.ts'

export interface ApiVariables extends Env {
  Variables: { requestId: string; clientAddress: string }
}

export interface ApiDependencies {
  readonly authenticate: (authorization: string | undefined) => Promise<Claims>
  /** Gives the thumbprint of the key that made the proof. */
  readonly verifyProof: (proof: string | undefined, request: { method: string; path: string }) => Promise<string>
  /** Over all servers. */
  readonly limiter: RateLimiter
  /** For operations that answer without the database. */
  readonly localLimiter: RateLimiter
  readonly limits: RateLimits
}

export interface RegisteringApi extends Api {
  /** For operations that answer without the database: they are counted in this process. */
  readonly local: Api
  /** To be called when all operations are there: every other method on their paths is refused. */
  seal(): void
}

/** Puts operations of the contract on the application: who may call, how often, with what, and what comes back. */
export function createApi(app: OpenAPIHono<ApiVariables>, dependencies: ApiDependencies): RegisteringApi {
  const { authenticate, verifyProof, limits } = dependencies
  const methods = new Map<string, string[]>()

  async function admit(
    operation: Operation,
    context: Context<ApiVariables>,
    limiter: RateLimiter,
  ): Promise<{ claims: Claims; thumbprint: string }> {
    const group = rateClass(operation)
    await limiter(`${group} ${context.get('clientAddress')}`, limits[group].address)
    const claims = operation.needsToken ? await authenticate(context.req.header('authorization')) : undefined
    if (claims) await limiter(`${group} ${claims.sub}`, limits[group].person)
    const thumbprint = operation.needsDpop
      ? await verifyProof(context.req.header('dpop'), { method: context.req.method, path: context.req.path })
      : ''
    return { claims: claims as Claims, thumbprint }
  }

  const countedBy = (limiter: RateLimiter): Api => ({
    implement(operation, handler) {
      const path = operation.getRoutingPath()
      methods.set(path, [...(methods.get(path) ?? []), operation.method.toUpperCase()])
      app.openAPIRegistry.registerPath(operation as unknown as RouteConfig)
      app.on(operation.method.toUpperCase(), path, async (context) => {
        const admitted = await admit(operation, context, limiter)
        const parsed = await parseRequest(operation, context)
        const answer = await handler({ ...parsed, ...admitted, context } as unknown as OperationRequest<
          typeof operation
        >)
        return respond(operation, answer)
      })
    },
  })
  return {
    ...countedBy(dependencies.limiter),
    local: countedBy(dependencies.localLimiter),
    seal() {
      for (const [path, allow] of methods) {
        app.all(path, () => {
          throw new ServerError('method_not_allowed', { data: { allow } })
        })
      }
    },
  }
}

function respond(operation: Operation, answer: unknown): Response {
  const status = Number(Object.keys(operation.schemas.responses as object)[0])
  const headers = { 'cache-control': 'no-store' }
  if (answer === undefined) return new Response(null, { status, headers })
  if (answer instanceof Uint8Array) {
    return new Response(answer as Uint8Array<ArrayBuffer>, {
      status,
      headers: { ...headers, 'content-type': 'application/octet-stream' },
    })
  }
  return Response.json(answer, { status, headers })
}
