import { problems } from '@nokkel/contract'
import {
  createNokkelServer,
  environmentRootKeys,
  type NokkelServer,
  type RootKeyProvider,
  readConfiguration,
} from '@nokkel/server'

declare const Deno: {
  readonly env: { toObject(): Record<string, string>; delete(name: string): void }
  serve(answer: (request: Request, info: { remoteAddr: { hostname?: string } }) => Promise<Response>): unknown
}

declare const EdgeRuntime: { waitUntil(work: Promise<unknown>): void } | undefined

/**
 * Answers every request of an edge function with the one API. Its paths begin with the name of the function, so each
 * function answers for its own. A setting that is missing or wrong is told with each answer, in one sentence.
 */
export function serveNokkel(): void {
  const starting = startServer().catch((cause: Error) => {
    console.error(cause.message)
    return cause
  })
  Deno.serve(async (request, { remoteAddr }) => {
    const server = await starting
    return server instanceof Error
      ? unavailable(server)
      : server.fetch(request, { clientAddress: remoteAddr.hostname, waitUntil })
  })
}

/** An isolate that has answered may be stopped. Where nothing else runs, it goes on. */
function waitUntil(work: Promise<unknown>): void {
  if (typeof EdgeRuntime !== 'undefined') EdgeRuntime.waitUntil(work)
}

async function startServer(): Promise<NokkelServer> {
  const environment = Deno.env.toObject()
  const { databaseUrl, ...settings } = await readConfiguration(environment)
  return createNokkelServer({ database: databaseUrl, ...settings, rootKeys: takeRootKeys(environment) })
}

/** The keys leave the environment itself, too, where the runtime lets a function change it. */
function takeRootKeys(environment: Record<string, string>): RootKeyProvider {
  const names = Object.keys(environment)
  try {
    return environmentRootKeys(environment)
  } finally {
    for (const name of names) if (!Object.hasOwn(environment, name)) forget(name)
  }
}

function forget(name: string): void {
  try {
    Deno.env.delete(name)
  } catch {
    // It does not; nothing else of the function reads it.
  }
}

function unavailable({ message }: Error): Response {
  const code = 'unavailable'
  const { status, title } = problems[code]
  const problem = { type: `urn:nokkel:problem:${code}`, title, status, code, detail: message }
  return new Response(JSON.stringify(problem), { status, headers: { 'content-type': 'application/problem+json' } })
}
