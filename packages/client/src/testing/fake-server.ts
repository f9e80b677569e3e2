import type {
  Assignment,
  AssignmentSummary,
  BeginLogin,
  LinkingOffer,
  LoginBegun,
  Me,
  Member,
  ProblemCode,
  Share,
  SignedIn,
  Tokens,
} from '@nokkel/contract'
import {
  calculateThumbprint,
  decodeBase64Url,
  encodeBase64Url,
  type PublicJwk,
  seal,
  verifyDpopProof,
  verifyJws,
} from '@nokkel/crypto'
import { type Endpoint, endpoints } from '../http/endpoints.ts'
import { createFakeBiometrics } from './fake-biometrics.ts'
import { createFakeIdentity } from './fake-identity.ts'
import { createFakeManagedKeys } from './fake-managed-keys.ts'
import { createFakeProjects } from './fake-projects.ts'

export interface FakePerson {
  readonly id: string
  readonly name: string
  readonly role: Me['role']
}

interface FakeDevice {
  readonly id: string
  readonly user: FakePerson
  readonly name: string
  readonly encryptionKey: PublicJwk
  readonly signingKey: PublicJwk
  readonly encryptionThumbprint: string
  readonly signingThumbprint: string
  readonly registeredAt: string
  state: 'active' | 'superseded' | 'revoked'
  endedAt: string | null
}

interface FakeAttempt {
  readonly shares: readonly Share[]
  readonly linkToken?: string
  readonly sessionId?: string
}

interface FakeSession {
  readonly id: string
  readonly user: FakePerson
  readonly authenticatedAt: string
  accessTokens: string[]
  refreshToken: string
  thumbprint: string
  deviceId: string | null
  ended?: ProblemCode
}

export interface Exchange {
  readonly endpoint: Endpoint
  readonly url: URL
  readonly params: Record<string, string>
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire, each handler knows its shape
  readonly body: any
  readonly bytes: Uint8Array
  readonly headers: Headers
}

/** Answers instead of the server. `undefined`: the server answers after all. */
export type Intercept = (exchange: Exchange) => Response | undefined | Promise<Response | undefined>

/** Says no, as the server does. */
export class Refusal extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly data: Record<string, unknown> | undefined

  constructor(code: ProblemCode, status = 400, data?: Record<string, unknown>) {
    super(code)
    this.code = code
    this.status = status
    this.data = data
  }

  toResponse(): Response {
    const { code, status, data } = this
    const problem = { type: `urn:nokkel:problem:${code}`, title: code, status, code, ...(data && { data }) }
    return Response.json(problem, { status, headers: { 'content-type': 'application/problem+json' } })
  }
}

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
  const attempts = new Map<string, FakeAttempt>()
  const links = new Map<string, string>()
  const sessions: FakeSession[] = []
  const devices: FakeDevice[] = []
  const challenges = new Map<string, { challenge: string; nonce: string }>()
  const blobs = new Map<string, { count: number; chunks: Map<number, Uint8Array> }>()
  const assignments: (Omit<Assignment, 'key' | 'signer' | 'readable'> & { keys: NonNullable<Assignment['key']>[] })[] =
    []
  const intercepts: [Endpoint, Intercept][] = []
  const log: Endpoint[] = []
  const observers: ((exchange: Exchange) => void)[] = []
  let next: FakePerson = member
  let offered: LinkingOffer['ways'] | undefined

  const isoNow = () => now().toISOString()
  const random = () => encodeBase64Url(crypto.getRandomValues(new Uint8Array(32)))

  function tokensOf(session: FakeSession, unlockedUntil: string | null = null): Tokens {
    const accessToken = random()
    session.accessTokens.push(accessToken)
    session.refreshToken = random()
    return {
      accessToken,
      accessTokenExpiresAt: new Date(now().getTime() + 600_000).toISOString(),
      refreshToken: session.refreshToken,
      sessionId: session.id,
      sessionExpiresAt: new Date(now().getTime() + 30 * 86_400_000).toISOString(),
      unlockedUntil,
    }
  }

  async function proofOf({ headers, url }: Exchange): Promise<string> {
    try {
      const proof = await verifyDpopProof(headers.get('dpop') ?? '', { method: 'POST', url, now })
      return proof.thumbprint
    } catch {
      throw new Refusal('dpop_proof_invalid', 401)
    }
  }

  function sessionOf({ headers }: Exchange): FakeSession {
    const token = headers.get('authorization')?.replace('Bearer ', '')
    const session = sessions.find(({ accessTokens }) => token !== undefined && accessTokens.includes(token))
    if (!session) throw new Refusal('token_invalid', 401)
    if (session.ended) throw new Refusal(session.ended, 401)
    return session
  }

  function endDevice(device: FakeDevice, state: 'superseded' | 'revoked'): void {
    device.state = state
    device.endedAt = isoNow()
    for (const session of sessions) if (session.deviceId === device.id) session.ended ??= `device_${state}`
  }

  function memberOf(person: FakePerson): Member {
    const active = devices.filter(({ user, state }) => user === person && state === 'active')
    return {
      id: person.id,
      name: person.name,
      role: person.role,
      joinedAt: isoNow(),
      devices: active.map(({ id, encryptionKey, encryptionThumbprint, registeredAt }) => {
        return { id, encryptionKey, thumbprint: encryptionThumbprint, registeredAt }
      }),
    }
  }

  function summaryOf(assignment: (typeof assignments)[number], session: FakeSession): AssignmentSummary {
    const { content: _, statement: __, keys, ...summary } = assignment
    const recipients = [...new Set(keys.map(({ userId }) => userId))].filter((id) => id !== summary.sender.id)
    return {
      ...summary,
      readable: keys.some(({ deviceId }) => deviceId === session.deviceId),
      ...(summary.sender.id === session.user.id && {
        deliveries: recipients.map((userId) => ({
          userId,
          name: '',
          state: 'sent' as const,
          fetchedAt: null,
          openedAt: null,
          hasActiveDevice: true,
        })),
      }),
    }
  }

  function begin(body: BeginLogin | Omit<BeginLogin, 'organization'>): LoginBegun {
    const loginId = crypto.randomUUID()
    const url = new URL('https://login.example.no/authorize')
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: 'nokkel-likeperson',
      redirect_uri: `${origin}/callback/${body.provider}/${organization.slug}`,
      scope: body.consent.shares.includes('personnummer') ? 'openid name nin' : 'openid name',
      code_challenge_method: 'S256',
      code_challenge: body.codeChallenge,
      state: body.state,
      nonce: body.nonce,
    }).toString()
    return { loginId, authorizationUrl: url.href, expiresAt: isoNow() }
  }

  function takeLink(token: string, thumbprint: string): void {
    if (links.get(token) !== thumbprint) throw new Refusal('link_unknown')
    links.delete(token)
  }

  const outcomeOf = (shares: readonly Share[]) => (shares.includes('personnummer') ? 'verified' : 'not_asked')

  function signedIn(thumbprint: string, outcome: SignedIn['outcome'], shares: readonly Share[]): SignedIn {
    const session: FakeSession = {
      id: crypto.randomUUID(),
      user: next,
      authenticatedAt: isoNow(),
      accessTokens: [],
      refreshToken: '',
      thumbprint,
      deviceId: null,
    }
    sessions.push(session)
    return { tokens: tokensOf(session), userId: session.user.id, outcome, personnummer: outcomeOf(shares) }
  }

  const identity = createFakeIdentity({
    userOf: (exchange) => sessionOf(exchange).user,
    deviceOf: (exchange) => devices.find(({ id }) => id === sessionOf(exchange).deviceId),
    erase(person) {
      for (const session of sessions) if (session.user === person) session.ended ??= 'account_erased'
    },
    isoNow,
  })
  const biometrics = createFakeBiometrics({ sessions, sessionOf, proofOf, now })
  const managed = createFakeManagedKeys({ userOf: (exchange) => sessionOf(exchange).user, people, isoNow })

  const handlers: { [E in Endpoint]?: (exchange: Exchange) => unknown } = {
    ...managed.handlers,
    ...biometrics.handlers,
    ...identity.handlers,
    ...createFakeProjects({ userOf: (exchange) => sessionOf(exchange).user, isoNow }).handlers,
    listOrganizations: () => ({
      organizations: [
        {
          slug: organization.slug,
          name: organization.name,
          providers: [
            { id: 'bankid', available: true, shares: ['name', 'birthDate'], personnummer: true },
            { id: 'vipps', available: true, shares: ['name', 'phoneNumber', 'email', 'address'], personnummer: true },
          ],
        },
      ],
    }),
    beginLogin({ body }) {
      const begun = begin(body)
      if (body.linkToken !== undefined && !links.has(body.linkToken)) throw new Refusal('link_unknown')
      attempts.set(begun.loginId, { shares: body.consent.shares, ...(body.linkToken && { linkToken: body.linkToken }) })
      return begun
    },
    async completeLogin(exchange) {
      const thumbprint = await proofOf(exchange)
      const attempt = attempts.get(exchange.body.loginId)
      if (!attempt) throw new Refusal('login_unknown')
      attempts.delete(exchange.body.loginId)
      const ways = offered
      offered = undefined
      if (ways) {
        const linking = { token: random(), ways, expiresAt: new Date(now().getTime() + 900_000).toISOString() }
        links.set(linking.token, thumbprint)
        return { outcome: 'needs_linking', linking }
      }
      if (attempt.linkToken !== undefined) takeLink(attempt.linkToken, thumbprint)
      return signedIn(thumbprint, attempt.linkToken === undefined ? 'signed_in' : 'identity_linked', attempt.shares)
    },
    async continueLogin(exchange) {
      const thumbprint = await proofOf(exchange)
      takeLink(exchange.body.linkToken, thumbprint)
      return signedIn(thumbprint, 'account_created', [])
    },
    beginLink(exchange) {
      const { id } = sessionOf(exchange)
      const begun = begin(exchange.body)
      attempts.set(begun.loginId, { shares: exchange.body.consent.shares, sessionId: id })
      return begun
    },
    completeLink(exchange) {
      const { id } = sessionOf(exchange)
      const attempt = attempts.get(exchange.body.loginId)
      if (attempt?.sessionId !== id) throw new Refusal('login_unknown')
      attempts.delete(exchange.body.loginId)
      return { outcome: 'identity_linked', id: crypto.randomUUID(), personnummer: outcomeOf(attempt.shares) }
    },
    revokeOtherSessions(exchange) {
      const current = sessionOf(exchange)
      const others = sessions.filter((session) => session !== current && !session.ended)
      for (const session of others) session.ended = 'session_ended'
      return { ended: others.length }
    },
    async refreshSession(exchange) {
      const thumbprint = await proofOf(exchange)
      const session = sessions.find(({ refreshToken }) => refreshToken === exchange.body.refreshToken)
      if (!session) throw new Refusal('refresh_token_unknown', 401)
      if (session.thumbprint !== thumbprint) throw new Refusal('dpop_proof_invalid', 401)
      if (session.ended) throw new Refusal(session.ended, 401)
      return tokensOf(session, biometrics.refreshed(session))
    },
    signOut(exchange) {
      sessionOf(exchange).ended = 'session_ended'
    },
    async endSession(exchange) {
      const thumbprint = await proofOf(exchange)
      const session = sessions.find(({ id }) => id === exchange.body.sessionId)
      if (session?.thumbprint === thumbprint) session.ended ??= 'session_ended'
    },
    getMe(exchange) {
      const { user, id, authenticatedAt, deviceId } = sessionOf(exchange)
      return {
        ...user,
        organization,
        session: { id, provider: 'vipps', authenticatedAt, expiresAt: isoNow(), deviceId },
        personnummerVerified: false,
        formerIds: [],
      } satisfies Me
    },
    async createDeviceChallenge(exchange) {
      const { user } = sessionOf(exchange)
      const id = crypto.randomUUID()
      const nonce = crypto.getRandomValues(new Uint8Array(32))
      challenges.set(id, { challenge: random(), nonce: encodeBase64Url(nonce) })
      const context = { purpose: 'device-registration', table: 'device_key', column: 'nonce', row: id, owner: user.id }
      const sealedNonce = encodeBase64Url(await seal(nonce, exchange.body.encryptionKey as PublicJwk, context))
      return { id, challenge: challenges.get(id)?.challenge, sealedNonce, expiresAt: isoNow() }
    },
    async registerDevice(exchange) {
      const session = sessionOf(exchange)
      const { payload, jwk, thumbprint } = await verifyJws(exchange.body.registration, 'nokkel-device+jwt')
      const given = challenges.get(String(payload.id))
      challenges.delete(String(payload.id))
      if (
        thumbprint !== session.thumbprint ||
        given?.nonce !== payload.nonce ||
        given?.challenge !== payload.challenge
      ) {
        throw new Refusal('device_proof_invalid')
      }
      if (now().getTime() - Date.parse(session.authenticatedAt) > 300_000) throw new Refusal('login_too_old', 403)
      const active = devices.filter(({ user, state }) => user === session.user && state === 'active')
      if (active.length > 0 && payload.replaces !== true) {
        const others = active.map(({ name, registeredAt }) => ({ name, registeredAt }))
        throw new Refusal('device_exists', 409, { devices: others })
      }
      for (const device of active) endDevice(device, 'superseded')
      const encryptionKey = payload.encryptionKey as PublicJwk
      const device: FakeDevice = {
        id: crypto.randomUUID(),
        user: session.user,
        name: String(payload.name),
        encryptionKey,
        signingKey: jwk,
        encryptionThumbprint: await calculateThumbprint(encryptionKey),
        signingThumbprint: thumbprint,
        registeredAt: isoNow(),
        state: 'active',
        endedAt: null,
      }
      devices.push(device)
      session.deviceId = device.id
      return viewOf(device, session)
    },
    async resumeDevice(exchange) {
      const session = sessionOf(exchange)
      const { payload, thumbprint } = await verifyJws(exchange.body.proof, 'nokkel-device-resume+jwt')
      const device = devices.find(({ signingThumbprint }) => signingThumbprint === thumbprint)
      if (payload.session !== session.id || payload.thumbprint !== session.thumbprint)
        throw new Refusal('device_proof_invalid')
      if (!device) throw new Refusal('not_found', 404)
      if (device.state !== 'active') throw new Refusal(`device_${device.state}`, 401)
      session.deviceId = device.id
      session.thumbprint = thumbprint
      return { deviceId: device.id }
    },
    listDevices(exchange) {
      const session = sessionOf(exchange)
      return { devices: devices.filter(({ user }) => user === session.user).map((device) => viewOf(device, session)) }
    },
    revokeDevice(exchange) {
      const device = devices.find(({ id }) => id === exchange.params.id)
      if (!device || device.user !== sessionOf(exchange).user) throw new Refusal('not_found', 404)
      endDevice(device, 'revoked')
    },
    findRfxSigners(exchange) {
      sessionOf(exchange)
      const found = devices.filter(({ signingThumbprint }) => exchange.body.thumbprints.includes(signingThumbprint))
      const signers = found.map(({ id, user, signingThumbprint, signingKey, registeredAt, endedAt }) => {
        const device = { deviceId: id, userId: user.id, thumbprint: signingThumbprint, publicKey: signingKey }
        return { ...device, validFrom: registeredAt, validUntil: endedAt }
      })
      return { signers }
    },
    getMembersById(exchange) {
      sessionOf(exchange)
      return { members: people.filter(({ id }) => exchange.body.ids.includes(id)).map(memberOf) }
    },
    createBlob({ body }) {
      const blob = blobs.get(body.id) ?? { count: body.chunkCount, chunks: new Map() }
      blobs.set(body.id, blob)
      return { id: body.id, received: [...blob.chunks.keys()] }
    },
    putBlobChunk({ params, bytes }) {
      blobs.get(String(params.id))?.chunks.set(Number(params.index), bytes)
    },
    getBlobChunk({ params }) {
      const bytes = blobs.get(String(params.id))?.chunks.get(Number(params.index))
      if (!bytes) throw new Refusal('not_found', 404)
      return bytes
    },
    sendAssignment(exchange) {
      const session = sessionOf(exchange)
      const { id, content, statement, keys, blobs: files } = exchange.body
      const existing = assignments.find((assignment) => assignment.id === id)
      if (existing) {
        if (existing.statement !== statement) throw new Refusal('conflict', 409)
        return summaryOf(existing, session)
      }
      const assignment = {
        id,
        organizationId: organization.id,
        sender: { id: session.user.id, name: session.user.name },
        sentAt: isoNow(),
        revision: 1,
        byteLength: decodeBase64Url(content).byteLength,
        fileCount: files.length,
        readable: true,
        openedAt: null,
        content,
        statement,
        keys,
      }
      assignments.push(assignment)
      return summaryOf(assignment, session)
    },
    readdressAssignment(exchange) {
      const session = sessionOf(exchange)
      const assignment = assignments.find(({ id }) => id === exchange.params.id)
      if (!assignment) throw new Refusal('not_found', 404)
      assignment.revision += 1
      assignment.keys = exchange.body.keys
      assignment.statement = exchange.body.statement
      return summaryOf(assignment, session)
    },
    listAssignments(exchange) {
      const session = sessionOf(exchange)
      const sent = exchange.url.searchParams.get('box') === 'sent'
      const mine = assignments.filter(({ sender, keys }) =>
        sent ? sender.id === session.user.id : keys.some(({ userId }) => userId === session.user.id),
      )
      return { assignments: mine.map((assignment) => summaryOf(assignment, session)) }
    },
    async getAssignment(exchange) {
      const session = sessionOf(exchange)
      const assignment = assignments.find(({ id }) => id === exchange.params.id)
      if (!assignment) throw new Refusal('not_found', 404)
      const { content, statement, keys } = assignment
      const { thumbprint } = await verifyJws(statement, 'nokkel-assignment+jwt')
      const signer = devices.find(({ signingThumbprint }) => signingThumbprint === thumbprint)
      if (!signer) throw new Refusal('not_found', 404)
      return {
        ...summaryOf(assignment, session),
        content,
        statement,
        key: keys.find(({ deviceId }) => deviceId === session.deviceId) ?? null,
        signer: {
          deviceId: signer.id,
          userId: signer.user.id,
          signingKey: signer.signingKey,
          thumbprint: signer.signingThumbprint,
          validFrom: signer.registeredAt,
          validUntil: signer.endedAt,
        },
      } satisfies Assignment
    },
    markAssignmentOpened: () => undefined,
  }

  function viewOf(device: FakeDevice, session: FakeSession) {
    const { user: _, encryptionKey: __, signingKey: ___, ...rest } = device
    return { ...rest, current: session.deviceId === device.id, lastSeenAt: null }
  }

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
    organization,
    member,
    coordinator,
    sessions,
    devices,
    blobs,
    assignments,
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
    /** The next login looks like one of an account that has these ways in. */
    offerLinking(...ways: LinkingOffer['ways']) {
      offered = ways
    },
    /** Who logs in next. */
    logInAs(person: FakePerson) {
      next = person
    },
    /** Meets the next request to an endpoint. */
    intercept(endpoint: Endpoint, intercept: Intercept) {
      intercepts.push([endpoint, intercept])
    },
    /** Sees every request, before it is met or answered. */
    observe: (observer: (exchange: Exchange) => void) => void observers.push(observer),
    /** Does what the endpoint does; for an intercept that then loses the answer. */
    respond,
    endDevice,
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
