import { createRoute, type RouteConfig, type z } from '@hono/zod-openapi'
import { Problem } from './problems.ts'

type Method = 'get' | 'post' | 'put' | 'delete'

interface OperationInput {
  method: Method
  path: string
  tags: [string]
  summary: string
  request?: {
    query?: z.ZodObject
    params?: z.ZodObject
    body?: z.ZodType
    bytes?: { maximum: number }
  }
  /** Status → body schema; `null` for no body, `'bytes'` for an octet stream. */
  responses: Record<number, z.ZodType | null | 'bytes'>
  /** Needs no access token. */
  public?: true
  /** Needs a DPoP proof (RFC 9449). */
  dpop?: true
  /** Largest request body in bytes. Default 65 536. */
  maximumBodyBytes?: number
}

/** One operation of the API: an OpenAPI 3.1 route whose failures are all {@link Problem} documents. */
export function operation<const O extends OperationInput>(input: O) {
  const { method, path, tags, summary, request, responses, maximumBodyBytes = 65_536 } = input
  const { body, bytes, ...parameters } = request ?? {}
  const described: RouteConfig['responses'] = {}
  for (const [status, schema] of Object.entries(responses)) {
    described[status] =
      schema === null
        ? { description: 'Done' }
        : schema === 'bytes'
          ? {
              description: 'Bytes',
              content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
            }
          : { description: 'Done', content: { 'application/json': { schema } } }
  }
  const route = createRoute({
    method,
    path,
    tags,
    summary,
    security: input.public ? [] : [{ accessToken: [] }],
    request: {
      ...parameters,
      ...(body && { body: { required: true, content: { 'application/json': { schema: body } } } }),
      ...(bytes && {
        body: {
          required: true,
          content: { 'application/octet-stream': { schema: { type: 'string' as const, format: 'binary' as const } } },
        },
      }),
    },
    responses: {
      ...described,
      default: { description: 'Problem', content: { 'application/problem+json': { schema: Problem } } },
    },
  })
  return Object.assign(route, {
    schemas: { query: request?.query, params: request?.params, body, responses } as {
      query: O['request'] extends { query: infer Q } ? Q : undefined
      params: O['request'] extends { params: infer P } ? P : undefined
      body: O['request'] extends { body: infer B } ? B : undefined
      responses: O['responses']
    },
    needsToken: !input.public,
    needsDpop: input.dpop === true,
    maximumBodyBytes: bytes?.maximum ?? maximumBodyBytes,
    takesBytes: bytes !== undefined,
  })
}

type Schemas = { query: unknown; params: unknown; body: unknown; responses: unknown }

/** Any operation of this contract. */
export type Operation = Omit<ReturnType<typeof operation>, 'schemas'> & { readonly schemas: Schemas }

type Infer<S> = S extends z.ZodType ? z.infer<S> : undefined
type Input<S> = S extends z.ZodType ? z.input<S> : undefined

/** What the caller sends. */
export type RequestOf<O extends Operation> = {
  query: Input<O['schemas']['query']>
  params: Input<O['schemas']['params']>
  body: Input<O['schemas']['body']>
}

/** What the handler gets after parsing. */
export type ParsedOf<O extends Operation> = {
  query: Infer<O['schemas']['query']>
  params: Infer<O['schemas']['params']>
  body: Infer<O['schemas']['body']>
}

/** The body of the answer of an operation. */
export type AnswerOf<O extends Operation> = Infer<O['schemas']['responses'][keyof O['schemas']['responses']]>
