import type { Operation } from '@nokkel/contract'
import type { Context } from 'hono'
import type { ZodType } from 'zod'
import { readBody } from './read-body.ts'
import { ServerError } from './server-error.ts'

interface ParsedRequest {
  readonly query: unknown
  readonly params: unknown
  readonly body: unknown
  readonly bytes: Uint8Array
}

const noBytes = new Uint8Array()

/**
 * Everything of the request as the operation describes it, and nothing it does not.
 *
 * @throws {ServerError} `request_malformed` with the places that are wrong, never their values;
 * `media_type_unsupported`; `body_too_large`.
 */
export async function parseRequest(operation: Operation, context: Context): Promise<ParsedRequest> {
  const { query, params, body } = operation.schemas as Record<string, ZodType | undefined>
  const parsed = {
    params: parse('path', params, params && context.req.param()),
    query: parse('query', query, readQuery(new URL(context.req.url))),
  }
  if (!body && !operation.takesBytes) return { ...parsed, body: undefined, bytes: noBytes }
  expectMediaType(context, operation.takesBytes ? 'application/octet-stream' : 'application/json')
  const bytes = await readBody(context.req.raw, operation.maximumBodyBytes)
  return operation.takesBytes
    ? { ...parsed, body: undefined, bytes }
    : { ...parsed, body: parse('body', body, parseJson(bytes)), bytes: noBytes }
}

function parse(place: string, schema: ZodType | undefined, value: unknown): unknown {
  if (!schema) {
    if (value && Object.keys(value).length > 0) throw malformed([{ path: place, problem: 'unrecognized_keys' }])
    return undefined
  }
  const result = schema.safeParse(value)
  if (result.success) {
    // Only what fits a schema, which is never deep: the nesting of the rest is the sender's choice.
    assertStorable(place, value)
    return result.data
  }
  throw malformed(
    result.error.issues.map(({ path, code }) => ({ path: [place, ...path].map(String).join('.'), problem: code })),
  )
}

function malformed(issues: readonly { readonly path: string; readonly problem: string }[]): ServerError {
  const [first = { path: 'request', problem: 'invalid' }] = issues
  return new ServerError('request_malformed', {
    detail: `${first.path}: ${first.problem}`,
    data: { issues: issues.slice(0, 20) },
  })
}

function readQuery(url: URL): Record<string, string> {
  const names = [...url.searchParams.keys()]
  if (new Set(names).size !== names.length) throw malformed([{ path: 'query', problem: 'repeated' }])
  return Object.fromEntries(url.searchParams)
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw malformed([{ path: 'body', problem: 'not_json' }])
  }
}

/** Postgres stores neither U+0000 nor half of a surrogate pair. */
function assertStorable(place: string, value: unknown): void {
  if (typeof value === 'string') {
    if (value.includes('\0') || !value.isWellFormed()) throw malformed([{ path: place, problem: 'not_text' }])
  } else if (value !== null && typeof value === 'object') {
    for (const member of Object.values(value)) assertStorable(place, member)
  }
}

function expectMediaType(context: Context, expected: string): void {
  const [type = '', ...parameters] = (context.req.header('content-type') ?? '').toLowerCase().split(';')
  const fits =
    type.trim() === expected &&
    parameters.every((parameter) => /^\s*charset="?utf-8"?\s*$/.test(parameter)) &&
    context.req.header('content-encoding') === undefined
  if (!fits) throw new ServerError('media_type_unsupported', { data: { expected } })
}
