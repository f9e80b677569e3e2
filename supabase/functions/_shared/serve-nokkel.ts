import { problems } from '@nokkel/contract'
import { createNokkelServer, environmentRootKeys, type NokkelServer, readConfiguration } from '@nokkel/server'

declare const Deno: {
  readonly env: { toObject(): Record<string, string> }
  serve(answer: (request: Request, info: { remoteAddr: { hostname?: string } }) => Promise<Response>): unknown
}

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
    return server instanceof Error ? unavailable(server) : server.fetch(request, { clientAddress: remoteAddr.hostname })
  })
}

async function startServer(): Promise<NokkelServer> {
  const environment = Deno.env.toObject()
  const { databaseUrl, ...settings } = await readConfiguration(environment)
  return createNokkelServer({ database: databaseUrl, ...settings, rootKeys: environmentRootKeys(environment) })
}

function unavailable({ message }: Error): Response {
  const code = 'unavailable'
  const { status, title } = problems[code]
  const problem = { type: `urn:nokkel:problem:${code}`, title, status, code, detail: message }
  return new Response(JSON.stringify(problem), { status, headers: { 'content-type': 'application/problem+json' } })
}
