import { decodeBase64Url, encodeBase64Url } from '@nokkel/crypto'
import type {
  BiometricAuthenticator,
  CeremonyOptions,
  CeremonyResult,
  CredentialOptions,
  MadeCredential,
} from '../biometrics/biometric-authenticator.ts'
import { NokkelError, type NokkelErrorCode } from '../errors.ts'
import { type FakeSession, type FakeSessions, randomToken } from './fake-sessions.ts'
import { type Exchange, type Handlers, Refusal } from './refusal.ts'

interface FakeEnrollment {
  readonly userId: string
  readonly deviceId: string
  readonly enrolledAt: string
  credentialId?: string
}

const minute = 60_000
const readJson = (text: string) => JSON.parse(new TextDecoder().decode(decodeBase64Url(text)))

/** As a page on this machine may ask for it. */
const creation = {
  rp: { id: 'localhost', name: 'Nøkkel' },
  user: { id: randomToken(), name: 'Nøkkel', displayName: 'Nøkkel' },
  pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
  authenticatorSelection: { authenticatorAttachment: 'platform', userVerification: 'required' },
}

function requestOf(id: string | undefined) {
  const allowCredentials = [{ id, type: 'public-key', transports: ['internal'] }]
  return { rpId: 'localhost', userVerification: 'required', allowCredentials }
}

/** Enrolment and unlocking for the fake server: like that, they keep no promises of their own. */
export function createFakeBiometrics({ sessions, now }: { readonly sessions: FakeSessions; readonly now: () => Date }) {
  const { sessionOf, proofOf } = sessions
  const enrollments = new Map<string, FakeEnrollment>()
  const unlocked = new Map<string, { readonly at: number; until: number }>()
  const challenges = new Map<string, { readonly sessionId: string; readonly kind: 'create' | 'get' }>()
  const time = () => now().getTime()

  function enrollmentOf({ deviceId }: FakeSession): FakeEnrollment | undefined {
    return deviceId === null ? undefined : enrollments.get(deviceId)
  }

  function lastProofOf({ id, authenticatedAt }: FakeSession): number {
    return Math.max(Date.parse(authenticatedAt), unlocked.get(id)?.at ?? 0)
  }

  function untilOf(session: FakeSession): number {
    return Math.max(Date.parse(session.authenticatedAt) + 30 * minute, unlocked.get(session.id)?.until ?? 0)
  }

  async function lockedOf(exchange: Exchange): Promise<FakeSession> {
    const thumbprint = await proofOf(exchange)
    const session = sessions.list.find(({ id }) => id === exchange.body.sessionId)
    if (session?.thumbprint !== thumbprint) throw new Refusal('session_ended', 401)
    if (session.ended) throw new Refusal(session.ended, 401)
    return session
  }

  function viewOf({ credentialId, ...enrollment }: FakeEnrollment) {
    const credential = { createdAt: enrollment.enrolledAt, lastUsedAt: null, backedUp: false }
    return { ...enrollment, credential: credentialId === undefined ? null : credential }
  }

  const handlers: Handlers = {
    getBiometricEnrollment(exchange) {
      const enrollment = enrollmentOf(sessionOf(exchange))
      return { enrollment: enrollment ? viewOf(enrollment) : null }
    },
    enrollBiometrics(exchange) {
      const session = sessionOf(exchange)
      if (session.deviceId === null) throw new Refusal('device_required', 403)
      if (time() - Date.parse(session.authenticatedAt) > 5 * minute) throw new Refusal('login_too_old', 403)
      const enrolledAt = now().toISOString()
      const enrollment = { userId: session.user.id, deviceId: session.deviceId, enrolledAt }
      enrollments.set(session.deviceId, enrollment)
      return viewOf(enrollment)
    },
    removeBiometrics(exchange) {
      const session = sessionOf(exchange)
      if (!enrollmentOf(session)) throw new Refusal('biometrics_not_enrolled', 409)
      if (time() - lastProofOf(session) > 5 * minute) throw new Refusal('login_too_old', 403)
      enrollments.delete(session.deviceId ?? '')
    },
    async createUnlockChallenge(exchange) {
      const session = await lockedOf(exchange)
      const enrollment = enrollmentOf(session)
      if (!enrollment) throw new Refusal('biometrics_not_enrolled', 409)
      const { credentialId } = enrollment
      const kind = credentialId === undefined ? 'create' : 'get'
      const challenge = randomToken()
      challenges.set(challenge, { sessionId: session.id, kind })
      const expiresAt = new Date(time() + 5 * minute).toISOString()
      return { kind, options: { challenge, ...(kind === 'create' ? creation : requestOf(credentialId)) }, expiresAt }
    },
    async unlockSession(exchange) {
      const session = await lockedOf(exchange)
      const { credential } = exchange.body
      const { challenge } = readJson(credential.response.clientDataJSON)
      const given = challenges.get(challenge)
      challenges.delete(challenge)
      if (given?.sessionId !== session.id) throw new Refusal('unlock_challenge_unknown')
      const enrollment = enrollmentOf(session)
      if (!enrollment) throw new Refusal('biometrics_not_enrolled', 409)
      const isTaken = given.kind === 'create' && enrollment.credentialId !== undefined
      if (isTaken) throw new Refusal('unlock_challenge_unknown')
      if (given.kind === 'get' && credential.id !== enrollment.credentialId) throw new Refusal('unlock_failed')
      enrollment.credentialId = credential.id
      unlocked.set(session.id, { at: time(), until: time() + 30 * minute })
      return { unlockedUntil: new Date(untilOf(session)).toISOString() }
    },
  }

  return {
    handlers,
    enrollments,
    /** What a refresh finds: whether it is due, else until when it is not any more. */
    refreshed(session: FakeSession): string | null {
      if (!enrollmentOf(session)) return null
      if (time() > untilOf(session)) throw new Refusal('unlock_required', 401)
      const at = lastProofOf(session)
      unlocked.set(session.id, { at, until: Math.min(time() + 30 * minute, at + 12 * 60 * minute) })
      return new Date(untilOf(session)).toISOString()
    },
  }
}

/** An authenticator in memory: whoever is asked says yes, unless told otherwise. */
export function createMemoryAuthenticator() {
  const secrets = new Map<string, Uint8Array<ArrayBuffer>>()
  const failures: NokkelErrorCode[] = []
  const log: ('create' | 'get')[] = []
  const forgotten: MadeCredential[] = []
  let waiting: Promise<void> | undefined

  async function answer(id: string, { challenge }: CredentialOptions, { prfSalt, signal }: CeremonyOptions) {
    if (waiting !== undefined) await Promise.race([waiting, abortOf(signal)])
    const code = failures.shift()
    if (code) throw new NokkelError(code)
    const clientDataJSON = encodeBase64Url(new TextEncoder().encode(JSON.stringify({ challenge })))
    const credential = { id, rawId: id, type: 'public-key' as const, clientExtensionResults: {} }
    const secret = secrets.get(id)
    const prf = memory.hasPrf && prfSalt && secret && (await hmac(secret, prfSalt))
    return { credential: { ...credential, response: { clientDataJSON } }, ...(prf && { prf }) } satisfies CeremonyResult
  }

  const authenticator: BiometricAuthenticator = {
    isAvailable: async () => memory.isAvailable,
    async create(options, ceremony = {}) {
      log.push('create')
      const id = randomToken()
      secrets.set(id, crypto.getRandomValues(new Uint8Array(32)))
      return answer(id, options, ceremony)
    },
    async get(options, ceremony = {}) {
      log.push('get')
      const allowed = options.allowCredentials as { id: string }[]
      const known = allowed.find(({ id }) => secrets.has(id))
      if (!known) throw new NokkelError('biometrics_cancelled')
      return answer(known.id, options, ceremony)
    },
    forget: async (credential) => void forgotten.push(credential),
  }

  const memory = {
    isAvailable: true,
    hasPrf: false,
    authenticator,
    /** What was asked of it, in order. */
    log,
    /** What it was told to be of no use any more. */
    forgotten,
    /** The next answer is a failure. */
    failNext: (code: NokkelErrorCode) => void failures.push(code),
    /** The person is asked, and says nothing until what this returns is called. */
    hesitate() {
      let release = () => {}
      waiting = new Promise((resolve) => {
        release = resolve
      })
      return () => {
        waiting = undefined
        release()
      }
    },
    /** Its credentials are gone. */
    lose: () => secrets.clear(),
  }
  return memory
}

function abortOf(signal?: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(new NokkelError('biometrics_cancelled')))
  })
}

async function hmac(secret: Uint8Array<ArrayBuffer>, salt: Uint8Array<ArrayBuffer>) {
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, salt))
}
