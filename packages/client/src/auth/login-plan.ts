import type { Share } from '@nokkel/contract'
import { NokkelError } from '../errors.ts'
import type { OrganizationService } from '../organizations/organization-service.ts'
import { type ProviderId, sessionName } from '../session/auth-token-store.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import type { AuthState, ConsentAnswer, ConsentRequest, SignInOptions } from './authentication-service.ts'
import { type RetryRecord, retryName } from './login-records.ts'
import type { LoginRequest } from './login-steps.ts'

/** What a login is begun with; kept for another try. */
export interface Plan extends SignInOptions {
  readonly purpose: AuthState['purpose']
  readonly withoutPersonnummer?: boolean
}

export interface PlanningDependencies {
  readonly organization: string
  readonly storage: SecureStorage
  readonly organizations: OrganizationService
  readonly now: () => Date
}

const consentVersion = 'v2'
const consentMilliseconds = 60 * 60_000

/** What the logins of one provider are begun with: what the person is asked, what comes of the answer, what is kept of it. */
export function createPlanning(provider: ProviderId, dependencies: PlanningDependencies) {
  const { organization, storage, organizations, now } = dependencies
  return { consentOf, requestOf, retryOf, storedPlan }

  async function consentOf({ withoutPersonnummer }: Plan): Promise<ConsentRequest> {
    const own = (await organizations.list()).find(({ slug }) => slug === organization)
    if (!own) throw new NokkelError('organization_unknown')
    const available = own.providers.filter((offer) => offer.available)
    const offer = own.providers.find(({ id }) => id === provider)
    // An administrator who is logged in may go past a cap: that is for the server to say.
    if (!offer?.available && !(offer && (await storage.get(sessionName)))) {
      throw new NokkelError('provider_unavailable', { data: { available: available.map(({ id }) => id) } })
    }
    const { shares, personnummer } = offer
    return { provider, version: consentVersion, shares, personnummer: personnummer && !withoutPersonnummer }
  }

  function requestOf(
    plan: Plan,
    { version, shares, personnummer }: ConsentRequest,
    answer: ConsentAnswer,
  ): LoginRequest {
    const { purpose, flow = 'browser', returnTo, supabaseToken, loginHint } = plan
    const agreed: Share[] = personnummer && answer.personnummer ? [...shares, 'personnummer'] : [...shares]
    return {
      provider,
      purpose,
      consent: { version, shares: agreed },
      flow,
      returnTo: isPath(returnTo) ? returnTo : undefined,
      supabaseToken,
      hint: loginHint?.personnummer,
    }
  }

  function retryOf({ consent, supabaseToken }: Plan, { purpose, flow, returnTo }: LoginRequest): RetryRecord {
    const startedAt = now().toISOString()
    return {
      ...{ provider, organization, purpose, flow, startedAt },
      ...(consent && { consent, consentVersion }),
      ...(returnTo !== undefined && { returnTo }),
      ...(supabaseToken !== undefined && { forSupabase: true }),
    }
  }

  async function storedPlan(): Promise<Plan | undefined> {
    const stored = (await storage.get(retryName)) as RetryRecord | undefined
    if (stored?.provider !== provider || stored.organization !== organization) return undefined
    // Without its token the login would find another account, or make one.
    if (stored.forSupabase) throw new NokkelError('supabase_token_invalid')
    const { startedAt, consent, consentVersion: agreedVersion, provider: _, organization: __, ...plan } = stored
    const isFresh = agreedVersion === consentVersion && now().getTime() - Date.parse(startedAt) < consentMilliseconds
    return { ...plan, consent: isFresh ? consent : undefined }
  }
}

function isPath(text = ''): boolean {
  const base = 'https://app.invalid'
  return text.startsWith('/') && URL.canParse(text, base) && new URL(text, base).origin === base
}
