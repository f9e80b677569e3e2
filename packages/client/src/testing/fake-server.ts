import { type Endpoint, endpoints } from '../http/endpoints.ts'
import { createFakeAssignments } from './fake-assignments.ts'
import { createFakeBiometrics } from './fake-biometrics.ts'
import { createFakeBlobs } from './fake-blobs.ts'
import { createFakeDevices } from './fake-devices.ts'
import { createFakeIdentity } from './fake-identity.ts'
import { createFakeLogins } from './fake-logins.ts'
import { createFakeManagedKeys } from './fake-managed-keys.ts'
import { createFakeProjects } from './fake-projects.ts'
import { createFakeSessions, type FakePerson, type FakeSessions } from './fake-sessions.ts'
import { type Exchange, type Handlers, type Intercept, Refusal } from './refusal.ts'

const origin = 'https://keys.example.no'
const organization = { id: crypto.randomUUID(), slug: 'likeperson', name: 'Likeperson', devicePolicy: 'one' as const }

/**
 * As much of the API, in memory, as it takes to provoke faults a real server does not have: it keeps no promises of its
 * own and proves nothing about the server.
 */
export function createFakeServer({ now = () => new Date() }: { now?: () => Date } = {}) {
  const people: FakePerson[] = [
    { id: crypto.randomUUID(), name: 'Kari Nordmann', role: 'member' },
    { id: crypto.randomUUID(), name: 'Ingrid Solberg', role: 'coordinator' },
  ]
  const [member, coordinator] = people as [FakePerson, FakePerson]
  const isoNow = () => now().toISOString()

  const sessions: FakeSessions = createFakeSessions({
    organization,
    refreshed: (session) => biometrics.refreshed(session),
    now,
  })
  const { sessionOf, userOf } = sessions
  const biometrics = createFakeBiometrics({ sessions, now })
  // In a browser the pages are those of the test.
  const appUrl = globalThis.location?.origin ?? origin
  const logins = createFakeLogins({ sessions, appUrl, organization, first: member, now })
  const devices = createFakeDevices({ sessions, people, now })
  const identity = createFakeIdentity({
    userOf,
    deviceOf: (exchange) => devices.list.find(({ id }) => id === sessionOf(exchange).deviceId),
    erase(person) {
      for (const session of sessions.list) if (session.user === person) session.ended ??= 'account_erased'
    },
    isoNow,
  })
  const managed = createFakeManagedKeys({ userOf, people, isoNow })
  const projects = createFakeProjects({ userOf, isoNow })
  const blobs = createFakeBlobs({ notFound: () => new Refusal('not_found', 404) })
  const assignments = createFakeAssignments({
    organizationId: organization.id,
    sessionOf,
    devices: devices.list,
    isoNow,
  })
  const handlers: Handlers = {
    ...sessions.handlers,
    ...biometrics.handlers,
    ...logins.handlers,
    ...devices.handlers,
    ...identity.handlers,
    ...managed.handlers,
    ...projects.handlers,
    ...blobs.handlers,
    ...assignments.handlers,
  }
  const intercepts: [Endpoint, Intercept][] = []
  const log: Endpoint[] = []
  const observers: ((exchange: Exchange) => void)[] = []

  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url)
    const route = routes.find(({ method, pattern }) => method === request.method && pattern.test(url.pathname))
    if (!route) return new Refusal('route_unknown', 404).toResponse()
    const bytes = new Uint8Array(await request.arrayBuffer())
    const isJson = request.headers.get('content-type') === 'application/json'
    const exchange: Exchange = {
      endpoint: route.endpoint,
      url,
      params: { ...route.pattern.exec(url.pathname)?.groups },
      body: isJson ? JSON.parse(new TextDecoder().decode(bytes)) : undefined,
      bytes,
      headers: request.headers,
    }
    log.push(route.endpoint)
    for (const observe of observers) observe(exchange)
    const index = intercepts.findIndex(([endpoint]) => endpoint === route.endpoint)
    if (index >= 0) {
      const [[, intercept]] = intercepts.splice(index, 1) as [[Endpoint, Intercept]]
      const response = await intercept(exchange)
      if (response) return response
    }
    return respond(exchange)
  }

  async function respond(exchange: Exchange): Promise<Response> {
    try {
      const body = await handlers[exchange.endpoint]?.(exchange)
      if (body === undefined) return new Response(null, { status: 204 })
      return body instanceof Uint8Array ? new Response(body.slice()) : Response.json(body)
    } catch (error) {
      if (error instanceof Refusal) return error.toResponse()
      throw error
    }
  }

  return {
    origin,
    appUrl,
    organization,
    member,
    coordinator,
    sessions: sessions.list,
    devices: devices.list,
    blobs: blobs.blobs,
    assignments: assignments.list,
    managedKeys: managed.keys,
    companies: managed.companies,
    biometrics,
    identity,
    /** What was asked to be unwrapped. */
    unwrapped: managed.unwrapped,
    /** The endpoints called, in order. */
    log,
    fetch: ((input, init) => {
      const request = new Request(input, init)
      return Promise.race([answer(request), abortOf(request.signal)])
    }) as typeof fetch,
    offerLinking: logins.offerLinking,
    logInAs: logins.logInAs,
    /** Meets the next request to an endpoint. */
    intercept(endpoint: Endpoint, intercept: Intercept) {
      intercepts.push([endpoint, intercept])
    },
    /** Sees every request, before it is met or answered. */
    observe: (observer: (exchange: Exchange) => void) => void observers.push(observer),
    /** Does what the endpoint does; for an intercept that then loses the answer. */
    respond,
    endDevice: devices.end,
  }
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

export type FakeServer = ReturnType<typeof createFakeServer>

const routes = Object.entries(endpoints).map(([endpoint, route]) => {
  const [method, path] = route.split(' ') as [string, string]
  const pattern = new RegExp(`^${path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`)
  return { endpoint: endpoint as Endpoint, method, pattern }
})
