import { OpenAPIHono } from '@hono/zod-openapi'
import type { ProblemCode } from '@nokkel/contract'
import type { Context } from 'hono'
import { cors } from 'hono/cors'
import { routePath } from 'hono/route'
import { toServerError } from '../db/refusal.ts'
import { clientAddress, type RequestEnvironment } from './client-address.ts'
import type { ApiVariables } from './create-api.ts'
import { describeFailure, type LogEntry, type Logger } from './logger.ts'
import { problemResponse } from './problem.ts'
import { securityHeaders } from './security-headers.ts'
import { ServerError } from './server-error.ts'

export interface AppOptions {
  readonly logger: Logger
  readonly production: boolean
  /** Other origins whose pages may call the API. */
  readonly allowedOrigins: readonly string[]
  readonly trustedProxies: number
}

/** Problems somebody should look at, with their cause. */
const levels: Partial<Record<ProblemCode, LogEntry['level']>> = {
  server_failed: 'error',
  unavailable: 'error',
  provider_misconfigured: 'warn',
  provider_unreachable: 'warn',
  login_token_invalid: 'warn',
}

/** The application before any route: request ids, security headers, logs, and problems for whatever fails. */
export function createApp({ logger, production, allowedOrigins, trustedProxies }: AppOptions) {
  const app = new OpenAPIHono<ApiVariables>()
  const headers = Object.entries(securityHeaders(production))

  app.use(async (context, next) => {
    const started = performance.now()
    const requestId = crypto.randomUUID()
    context.set('requestId', requestId)
    context.set('clientAddress', clientAddress(context.req.raw, context.env as RequestEnvironment, trustedProxies))
    await next()
    for (const [name, value] of headers) context.res.headers.set(name, value)
    context.res.headers.set('x-request-id', requestId)
    logger({
      level: 'info',
      event: 'request',
      requestId,
      method: context.req.method,
      route: routeOf(context),
      status: context.res.status,
      milliseconds: Math.round(performance.now() - started),
    })
  })
  if (allowedOrigins.length > 0) {
    app.use(
      cors({
        origin: [...allowedOrigins],
        allowMethods: ['GET', 'POST', 'PUT', 'DELETE'],
        allowHeaders: ['authorization', 'content-type', 'dpop'],
        exposeHeaders: ['date', 'retry-after', 'x-request-id'],
        maxAge: 600,
      }),
    )
  }
  app.notFound((context) => problemResponse(new ServerError('route_unknown'), context.get('requestId')))
  app.onError((cause, context) => {
    const requestId = context.get('requestId')
    const error = toServerError(cause)
    const level = levels[error.code] ?? 'info'
    logger({
      level,
      event: 'problem',
      requestId,
      route: routeOf(context),
      code: error.code,
      ...(level !== 'info' && error.cause !== undefined ? { error: describeFailure(error.cause) } : {}),
    })
    return problemResponse(error, requestId)
  })
  return app
}

/** The pattern of the last route that fits; those of middleware end with a star. */
function routeOf(context: Context): string {
  const path = routePath(context, -1)
  return path.endsWith('*') ? 'unknown' : path
}
