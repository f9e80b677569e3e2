import type { Consent, PersonnummerStatus, UserIdentity } from '@nokkel/contract'
import {
  CryptoError,
  decodeBase64Url,
  encodeBase64Url,
  exportPublicJwk,
  generateDeviceKeys,
  open,
  type PublicJwk,
  seal,
} from '@nokkel/crypto'
import type { FakePerson } from './fake-sessions.ts'
import { type Exchange, type Handlers, Refusal } from './refusal.ts'

interface FakeKept {
  readonly personnummer: string
  readonly source: 'bankid' | 'vipps' | 'typed'
  readonly keptAt: string
}

interface FakeIdentityOptions {
  readonly userOf: (exchange: Exchange) => FakePerson
  readonly deviceOf: (exchange: Exchange) => { readonly id: string; readonly encryptionKey: PublicJwk } | undefined
  readonly erase: (person: FakePerson) => void
  readonly isoNow: () => string
}

const mask = (personnummer: string) => `${personnummer.slice(0, 6)}*****`

/** Identities, consents, export and erasure for the fake server: like that, they keep no promises of their own. */
export function createFakeIdentity({ userOf, deviceOf, erase, isoNow }: FakeIdentityOptions) {
  const rows = new Map<string, UserIdentity>()
  const kept = new Map<string, FakeKept>()
  const offered = new Map<string, { readonly personnummer: string; readonly source: 'bankid' | 'vipps' }>()
  const consents = new Map<string, Consent[]>()
  let identityKey = generateDeviceKeys()

  function change(userId: string, changes: Partial<UserIdentity> = {}): UserIdentity {
    const present = rows.get(userId) ?? {
      id: crypto.randomUUID(),
      userId,
      personnummer: null,
      personnummerSource: null,
      personnummerVerified: false,
      bankidVerified: false,
      bankidVerifiedAt: null,
      vippsSub: null,
      createdAt: isoNow(),
      updatedAt: isoNow(),
    }
    const row = { ...present, ...changes, updatedAt: isoNow() }
    rows.set(userId, row)
    return row
  }

  function keep(userId: string, personnummer: string, source: FakeKept['source'], textVersion: string): UserIdentity {
    kept.set(userId, { personnummer, source, keptAt: isoNow() })
    const consent: Consent = {
      id: crypto.randomUUID(),
      purpose: 'personnummer',
      shares: [],
      legalBasis: 'gdpr-6-1-a+popplyl-12',
      textVersion,
      organization: 'Likeperson',
      givenAt: isoNow(),
      withdrawnAt: null,
    }
    consents.set(userId, [consent, ...(consents.get(userId) ?? [])])
    // Stands for an envelope, which the client cannot tell from other bytes.
    const envelope = encodeBase64Url(crypto.getRandomValues(new Uint8Array(59)))
    return change(userId, { personnummer: envelope, personnummerSource: source })
  }

  async function sealToDevice(exchange: Exchange, personnummer: string): Promise<string> {
    const device = deviceOf(exchange)
    if (!device) throw new Refusal('device_required', 403)
    const place = { table: 'device_key', column: 'encryption_key', row: device.id, owner: userOf(exchange).id }
    const context = { purpose: 'personnummer-reveal', ...place }
    return encodeBase64Url(await seal(new TextEncoder().encode(personnummer), device.encryptionKey, context))
  }

  const handlers: Handlers = {
    getIdentity: (exchange) => ({ identity: rows.get(userOf(exchange).id) ?? null }),
    upsertIdentity(exchange) {
      const { id } = userOf(exchange)
      if (exchange.body.userId !== id) throw new Refusal('not_found', 404)
      return change(id)
    },
    markBankIdVerified: (exchange) => change(userOf(exchange).id, { bankidVerified: true, bankidVerifiedAt: isoNow() }),
    async getIdentityKey(exchange) {
      userOf(exchange)
      return { publicKey: await exportPublicJwk((await identityKey).encryption.publicKey) }
    },
    getPersonnummer(exchange) {
      const { id } = userOf(exchange)
      const [own, offer] = [kept.get(id), offered.get(id)]
      return {
        kept: own ? { masked: mask(own.personnummer), source: own.source, keptAt: own.keptAt } : null,
        offered: offer ? { masked: mask(offer.personnummer), source: offer.source, expiresAt: isoNow() } : null,
      } satisfies PersonnummerStatus
    },
    async keepPersonnummer(exchange) {
      const { id } = userOf(exchange)
      const { from, consent, sealed } = exchange.body
      if (from === 'provider') {
        const offer = offered.get(id)
        if (!offer) throw new Refusal('personnummer_offer_gone', 409)
        offered.delete(id)
        return keep(id, offer.personnummer, offer.source, consent.version)
      }
      if ((kept.get(id)?.source ?? 'typed') !== 'typed') throw new Refusal('personnummer_known', 409)
      const context = { purpose: 'personnummer', table: 'user_identities', column: 'personnummer', row: id, owner: id }
      try {
        const bytes = await open(decodeBase64Url(sealed), (await identityKey).encryption, context)
        return keep(id, new TextDecoder().decode(bytes), 'typed', consent.version)
      } catch (error) {
        if (error instanceof CryptoError) throw new Refusal('identity_key_unknown', 409)
        throw error
      }
    },
    declinePersonnummer(exchange) {
      if (!offered.delete(userOf(exchange).id)) throw new Refusal('personnummer_offer_gone', 409)
    },
    async revealPersonnummer(exchange) {
      const own = kept.get(userOf(exchange).id)
      if (!own) throw new Refusal('not_found', 404)
      return { sealed: await sealToDevice(exchange, own.personnummer) }
    },
    listConsents: (exchange) => ({ consents: consents.get(userOf(exchange).id) ?? [] }),
    withdrawConsent(exchange) {
      const { id } = userOf(exchange)
      const own = consents.get(id) ?? []
      const consent = own.find((candidate) => candidate.id === exchange.params.id)
      if (!consent) throw new Refusal('not_found', 404)
      consents.set(
        id,
        own.map((each) => (each === consent ? { ...each, withdrawnAt: isoNow() } : each)),
      )
      kept.delete(id)
      change(id, { personnummer: null, personnummerSource: null })
    },
    async exportPersonalData(exchange) {
      const { id } = userOf(exchange)
      const own = kept.get(id)
      return {
        format: 'nokkel/export/v1',
        exportedAt: isoNow(),
        userId: id,
        contact: null,
        sealedPersonnummer: own ? await sealToDevice(exchange, own.personnummer) : null,
        data: {
          user_identities: [{ ...rows.get(id) }],
          consents: (consents.get(id) ?? []).map((each) => ({ ...each })),
        },
      }
    },
    previewErasure(exchange) {
      const has = rows.has(userOf(exchange).id)
      return { removed: { user_identities: has ? 1 : 0 }, kept: {}, blockers: [], backupsExpireAt: isoNow() }
    },
    erasePerson(exchange) {
      const person = userOf(exchange)
      for (const things of [rows, kept, offered, consents]) things.delete(person.id)
      erase(person)
      return {
        id: crypto.randomUUID(),
        erasedAt: isoNow(),
        backupsExpireAt: isoNow(),
        removed: { user_identities: 1 },
        certificate: 'e30.e30.e30',
      }
    },
  }

  return {
    handlers,
    /** The numbers that are kept, in the clear. */
    kept,
    rows,
    /** What a provider has told waits for a yes. */
    offer: (userId: string, personnummer: string) => void offered.set(userId, { personnummer, source: 'bankid' }),
    /** There is another identity key, and what is sealed to the former one does not open. */
    replaceKey() {
      identityKey = generateDeviceKeys()
    },
  }
}
