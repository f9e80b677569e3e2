import type { Company, CompanyKey, CompanySummary, UserKey } from '@nokkel/contract'
import { decodeBase64, encodeBase64, encodeBase64Url, importPrivateKey } from '@nokkel/crypto'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import type { FakePerson } from './fake-sessions.ts'
import { type Exchange, type Handlers, Refusal } from './refusal.ts'

interface FakeWrap {
  readonly rfxId: string
  readonly version: number
  /** Does not open. */
  readonly broken?: boolean
}

/** A key of a person or a company, by the id of its owner. */
export interface FakeKey {
  readonly id: string
  readonly ownerId: string
  /** PKCS#8 in base64, as it was sent. */
  readonly text: string
  readonly publicKey: string
  readonly thumbprint: string
  readonly createdAt: string
  state: UserKey['state']
  wraps: FakeWrap[]
}

interface FakeCompany {
  readonly id: string
  readonly name: string
  readonly organizationNumber: string | null
  readonly members: Map<FakePerson, 'member' | 'administrator'>
}

interface FakeManagedKeyOptions {
  readonly userOf: (exchange: Exchange) => FakePerson
  readonly people: readonly FakePerson[]
  readonly isoNow: () => string
}

const pageSize = 2
/** The fake wraps nothing: the nonce says where the text is. */
const iv = encodeBase64(new Uint8Array(12))

/** Managed keys and companies for the fake server: like that, they keep no promises of their own. */
export function createFakeManagedKeys({ userOf, people, isoNow }: FakeManagedKeyOptions) {
  const keys: FakeKey[] = []
  const companies: FakeCompany[] = []
  const invitations = new Map<string, { company: FakeCompany; role: 'member' | 'administrator' }>()
  const unwrapped: { rfxId: string; version: number; via: string }[] = []
  let generated = 0

  const keysOf = (ownerId: string) => keys.filter((key) => key.ownerId === ownerId)

  async function add(ownerId: string, text: string, replaces: string | undefined): Promise<FakeKey> {
    const own = keysOf(ownerId)
    const active = own.find(({ state }) => state === 'active')
    if (active?.text === text) return active
    if (active?.id !== replaces) throw new Refusal('key_exists', 409, { keyId: active?.id })
    if (active) active.state = 'superseded'
    const { publicKey, thumbprint } = await importPrivateKey(decodeBase64(text))
    const key: FakeKey = {
      id: crypto.randomUUID(),
      ownerId,
      text,
      publicKey: encodeBase64(publicKey),
      thumbprint,
      createdAt: isoNow(),
      state: 'active',
      wraps: [],
    }
    keys.unshift(key)
    return key
  }

  function keyOf(ownerId: string, id: string | undefined): FakeKey {
    const key = keysOf(ownerId).find((candidate) => candidate.id === id)
    if (!key) throw new Refusal('not_found', 404)
    return key
  }

  function revoke(key: FakeKey) {
    key.state = 'revoked'
    return { compromisedVersions: key.wraps.length }
  }

  function rewrap(key: FakeKey, cursor = '0') {
    const active = keysOf(key.ownerId).find(({ state }) => state === 'active')
    if (!active || active === key) throw new Refusal('conflict', 409)
    const start = Number(cursor)
    const page = key.wraps.slice(start, start + pageSize)
    const failed = page.filter(({ broken }) => broken)
    const good = page.filter(({ broken }) => !broken)
    key.wraps = key.wraps.filter((wrap) => !good.includes(wrap))
    active.wraps.push(...good)
    const remaining = key.wraps.length - start - failed.length
    return {
      rewrapped: good.length,
      remaining,
      failed: failed.map(({ rfxId, version }) => ({ rfxId, version, code: 'open_failed' })),
      ...(remaining > 0 && { cursor: String(start + failed.length) }),
    }
  }

  function destroy(key: FakeKey): void {
    if (key.wraps.length > 0) throw new Refusal('key_in_use', 409)
    key.state = 'destroyed'
  }

  function viewOf({ ownerId: _, text: __, wraps, ...key }: FakeKey): CompanyKey {
    const at = (state: FakeKey['state']) => (key.state === state ? isoNow() : null)
    const times = { supersededAt: at('superseded'), revokedAt: at('revoked'), destroyedAt: at('destroyed') }
    return { ...key, ...times, wraps: wraps.length }
  }

  function userViewOf(key: FakeKey): UserKey {
    const encryptedPrivateKey = { data: encodeBase64(new TextEncoder().encode(key.id)), iv, v: 1 as const, kid: 'mk_1' }
    return { ...viewOf(key), encryptedPrivateKey: key.state === 'destroyed' ? null : encryptedPrivateKey }
  }

  function companyOf(exchange: Exchange, role?: 'administrator'): FakeCompany {
    const user = userOf(exchange)
    const id = exchange.params.companyId ?? exchange.params.id ?? exchange.body?.companyId
    const company = companies.find((candidate) => candidate.id === id && candidate.members.has(user))
    if (!company) throw new Refusal('not_found', 404)
    if (role && company.members.get(user) !== role) throw new Refusal('forbidden', 403)
    return company
  }

  function summaryOf({ id, name, organizationNumber, members }: FakeCompany, user: FakePerson): CompanySummary {
    const active = keysOf(id).find(({ state }) => state === 'active')
    const { publicKey, thumbprint, createdAt } = active ?? { publicKey: '', thumbprint: '', createdAt: '' }
    const key = active ? { id: active.id, publicKey, thumbprint, createdAt } : null
    return { id, name, organizationNumber, key, role: members.get(user) ?? null }
  }

  function detailsOf(company: FakeCompany, user: FakePerson): Company {
    const members = [...company.members].map(([{ id, name }, role]) => ({ id, name, role, joinedAt: isoNow() }))
    return { ...summaryOf(company, user), members, keys: keysOf(company.id).map(viewOf) }
  }

  function memberOf(company: FakeCompany, id: string | undefined): FakePerson {
    const person = people.find((candidate) => candidate.id === id && company.members.has(candidate))
    if (!person) throw new Refusal('not_found', 404)
    const administrators = [...company.members].filter(([, role]) => role === 'administrator')
    if (administrators.length === 1 && administrators[0]?.[0] === person) {
      throw new Refusal('company_needs_administrator', 409)
    }
    return person
  }

  const handlers: Handlers = {
    listUserKeys: (exchange) => ({ keys: keysOf(userOf(exchange).id).map(userViewOf) }),
    async cryptoService(exchange) {
      const { id } = userOf(exchange)
      const { action, text, data, replaces, ...asked } = exchange.body
      if (action === 'encrypt') {
        const key = await add(id, text, replaces)
        return { keyId: key.id, publicKey: key.publicKey, data: '', iv: '' }
      }
      if (action === 'unwrap') {
        unwrapped.push(asked)
        return { key: encodeBase64(new Uint8Array(32).fill(asked.version)) }
      }
      const key = keysOf(id).find((own) => own.id === new TextDecoder().decode(decodeBase64(data)))
      if (key?.state !== 'active' && key?.state !== 'superseded') throw new Refusal('open_refused', 404)
      return { text: key.text }
    },
    async generateUserKeys(exchange) {
      const { id } = userOf(exchange)
      const text = testPrivateKeys[testPrivateKeys.length - 1 - generated++] ?? ''
      return userViewOf(await add(id, text, exchange.body.replaces))
    },
    revokeUserKey: (exchange) => revoke(keyOf(userOf(exchange).id, exchange.params.id)),
    rewrapUserKey: (exchange) => rewrap(keyOf(userOf(exchange).id, exchange.params.id), exchange.body.cursor),
    destroyUserKey: (exchange) => destroy(keyOf(userOf(exchange).id, exchange.params.id)),

    listCompanies(exchange) {
      const user = userOf(exchange)
      const mine = exchange.url.searchParams.get('mine') === 'true'
      const search = exchange.url.searchParams.get('search')?.toLowerCase() ?? ''
      const listed = companies.filter(({ name, members }) => {
        return (!mine || members.has(user)) && name.toLowerCase().includes(search)
      })
      return { companies: listed.map((company) => summaryOf(company, user)) }
    },
    createCompany(exchange) {
      const user = userOf(exchange)
      if (user.role === 'member') throw new Refusal('forbidden', 403)
      const { name, organizationNumber = null } = exchange.body
      const members = new Map([[user, 'administrator' as const]])
      const company: FakeCompany = { id: crypto.randomUUID(), name, organizationNumber, members }
      companies.push(company)
      return detailsOf(company, user)
    },
    getCompany: (exchange) => detailsOf(companyOf(exchange), userOf(exchange)),
    inviteToCompany(exchange) {
      const company = companyOf(exchange, 'administrator')
      const code = encodeBase64Url(crypto.getRandomValues(new Uint8Array(16)))
      invitations.set(code, { company, role: exchange.body.role })
      return { code, expiresAt: isoNow() }
    },
    joinCompany(exchange) {
      const user = userOf(exchange)
      const invitation = invitations.get(exchange.body.code)
      if (!invitation) throw new Refusal('invitation_unknown', 404)
      invitations.delete(exchange.body.code)
      invitation.company.members.set(user, invitation.role)
      return detailsOf(invitation.company, user)
    },
    changeCompanyMember(exchange) {
      const company = companyOf(exchange, 'administrator')
      company.members.set(memberOf(company, exchange.params.userId), exchange.body.role)
    },
    removeCompanyMember(exchange) {
      const company = companyOf(exchange)
      company.members.delete(memberOf(company, exchange.params.userId))
    },
    async generateCompanyKeys(exchange) {
      const company = companyOf(exchange, 'administrator')
      const text = testPrivateKeys[testPrivateKeys.length - 1 - generated++] ?? ''
      return viewOf(await add(company.id, text, exchange.body.replaces))
    },
    revokeCompanyKey: (exchange) => revoke(keyOf(companyOf(exchange, 'administrator').id, exchange.params.id)),
    rewrapCompanyKey(exchange) {
      return rewrap(keyOf(companyOf(exchange, 'administrator').id, exchange.params.id), exchange.body.cursor)
    },
    destroyCompanyKey: (exchange) => destroy(keyOf(companyOf(exchange, 'administrator').id, exchange.params.id)),
  }

  return { handlers, keys, companies, unwrapped }
}
