import type { BeginLogin, LinkingOffer, LoginBegun, Me, Share, SignedIn } from '@nokkel/contract'
import { type FakePerson, type FakeSessions, randomToken } from './fake-sessions.ts'
import { type Handlers, Refusal } from './refusal.ts'

interface FakeAttempt {
  readonly shares: readonly Share[]
  readonly linkToken?: string
  readonly sessionId?: string
}

interface FakeLoginOptions {
  readonly sessions: FakeSessions
  /** Where logins come back to. */
  readonly appUrl: string
  readonly organization: Me['organization']
  /** Who logs in, until somebody else does. */
  readonly first: FakePerson
  readonly now: () => Date
}

/** Logging in and linking for the fake server: like that, they keep no promises of their own. */
export function createFakeLogins({ sessions, appUrl, organization, first, now }: FakeLoginOptions) {
  const attempts = new Map<string, FakeAttempt>()
  const links = new Map<string, string>()
  let next = first
  let offered: LinkingOffer['ways'] | undefined

  function begin(body: BeginLogin | Omit<BeginLogin, 'organization'>): LoginBegun {
    const loginId = crypto.randomUUID()
    const url = new URL('https://login.example.no/authorize')
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: 'nokkel-likeperson',
      redirect_uri: `${appUrl}/callback/${body.provider}/${organization.slug}`,
      scope: body.consent.shares.includes('personnummer') ? 'openid name nin' : 'openid name',
      code_challenge_method: 'S256',
      code_challenge: body.codeChallenge,
      state: body.state,
      nonce: body.nonce,
    }).toString()
    return { loginId, authorizationUrl: url.href, expiresAt: now().toISOString() }
  }

  function takeLink(token: string, thumbprint: string): void {
    if (links.get(token) !== thumbprint) throw new Refusal('link_unknown')
    links.delete(token)
  }

  const outcomeOf = (shares: readonly Share[]) => (shares.includes('personnummer') ? 'verified' : 'not_asked')

  function signedIn(thumbprint: string, outcome: SignedIn['outcome'], shares: readonly Share[]): SignedIn {
    const tokens = sessions.start(next, thumbprint)
    return { tokens, userId: next.id, outcome, personnummer: outcomeOf(shares) }
  }

  const handlers: Handlers = {
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
      const thumbprint = await sessions.proofOf(exchange)
      const attempt = attempts.get(exchange.body.loginId)
      if (!attempt) throw new Refusal('login_unknown')
      attempts.delete(exchange.body.loginId)
      const ways = offered
      offered = undefined
      if (ways) {
        const linking = { token: randomToken(), ways, expiresAt: new Date(now().getTime() + 900_000).toISOString() }
        links.set(linking.token, thumbprint)
        return { outcome: 'needs_linking', linking }
      }
      if (attempt.linkToken !== undefined) takeLink(attempt.linkToken, thumbprint)
      return signedIn(thumbprint, attempt.linkToken === undefined ? 'signed_in' : 'identity_linked', attempt.shares)
    },
    async continueLogin(exchange) {
      const thumbprint = await sessions.proofOf(exchange)
      takeLink(exchange.body.linkToken, thumbprint)
      return signedIn(thumbprint, 'account_created', [])
    },
    beginLink(exchange) {
      const { id } = sessions.sessionOf(exchange)
      const begun = begin(exchange.body)
      attempts.set(begun.loginId, { shares: exchange.body.consent.shares, sessionId: id })
      return begun
    },
    completeLink(exchange) {
      const { id } = sessions.sessionOf(exchange)
      const attempt = attempts.get(exchange.body.loginId)
      if (attempt?.sessionId !== id) throw new Refusal('login_unknown')
      attempts.delete(exchange.body.loginId)
      return { outcome: 'identity_linked', id: crypto.randomUUID(), personnummer: outcomeOf(attempt.shares) }
    },
  }

  return {
    handlers,
    /** The next login looks like one of an account that has these ways in. */
    offerLinking(...ways: LinkingOffer['ways']) {
      offered = ways
    },
    /** Who logs in next. */
    logInAs(person: FakePerson) {
      next = person
    },
  }
}
