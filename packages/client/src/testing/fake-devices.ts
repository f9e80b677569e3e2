import type { Member } from '@nokkel/contract'
import { calculateThumbprint, encodeBase64Url, type PublicJwk, seal, verifyJws } from '@nokkel/crypto'
import { type FakePerson, type FakeSession, type FakeSessions, randomToken } from './fake-sessions.ts'
import { type Handlers, Refusal } from './refusal.ts'

export interface FakeDevice {
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

interface FakeDeviceOptions {
  readonly sessions: FakeSessions
  readonly people: readonly FakePerson[]
  readonly now: () => Date
}

/** Devices, and members with theirs, for the fake server: like that, they keep no promises of their own. */
export function createFakeDevices({ sessions: { list: sessions, sessionOf }, people, now }: FakeDeviceOptions) {
  const list: FakeDevice[] = []
  const challenges = new Map<string, { challenge: string; nonce: string }>()
  const isoNow = () => now().toISOString()
  const activeOf = (person: FakePerson) => list.filter(({ user, state }) => user === person && state === 'active')

  function end(device: FakeDevice, state: 'superseded' | 'revoked'): void {
    device.state = state
    device.endedAt = isoNow()
    for (const session of sessions) if (session.deviceId === device.id) session.ended ??= `device_${state}`
  }

  function viewOf(device: FakeDevice, session: FakeSession) {
    const { user: _, encryptionKey: __, signingKey: ___, ...rest } = device
    return { ...rest, current: session.deviceId === device.id, lastSeenAt: null }
  }

  function memberOf(person: FakePerson): Member {
    return {
      id: person.id,
      name: person.name,
      role: person.role,
      joinedAt: isoNow(),
      devices: activeOf(person).map(({ id, encryptionKey, encryptionThumbprint, registeredAt }) => {
        return { id, encryptionKey, thumbprint: encryptionThumbprint, registeredAt }
      }),
    }
  }

  const handlers: Handlers = {
    async createDeviceChallenge(exchange) {
      const { user } = sessionOf(exchange)
      const id = crypto.randomUUID()
      const challenge = randomToken()
      const nonce = crypto.getRandomValues(new Uint8Array(32))
      challenges.set(id, { challenge, nonce: encodeBase64Url(nonce) })
      const context = { purpose: 'device-registration', table: 'device_key', column: 'nonce', row: id, owner: user.id }
      const sealedNonce = encodeBase64Url(await seal(nonce, exchange.body.encryptionKey as PublicJwk, context))
      return { id, challenge, sealedNonce, expiresAt: isoNow() }
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
      const active = activeOf(session.user)
      if (active.length > 0 && payload.replaces !== true) {
        const others = active.map(({ name, registeredAt }) => ({ name, registeredAt }))
        throw new Refusal('device_exists', 409, { devices: others })
      }
      for (const device of active) end(device, 'superseded')
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
      list.push(device)
      session.deviceId = device.id
      return viewOf(device, session)
    },
    async resumeDevice(exchange) {
      const session = sessionOf(exchange)
      const { payload, thumbprint } = await verifyJws(exchange.body.proof, 'nokkel-device-resume+jwt')
      const device = list.find(({ signingThumbprint }) => signingThumbprint === thumbprint)
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
      return { devices: list.filter(({ user }) => user === session.user).map((device) => viewOf(device, session)) }
    },
    revokeDevice(exchange) {
      const device = list.find(({ id }) => id === exchange.params.id)
      if (!device || device.user !== sessionOf(exchange).user) throw new Refusal('not_found', 404)
      end(device, 'revoked')
    },
    findRfxSigners(exchange) {
      sessionOf(exchange)
      const found = list.filter(({ signingThumbprint }) => exchange.body.thumbprints.includes(signingThumbprint))
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
  }

  return { handlers, list, end }
}
