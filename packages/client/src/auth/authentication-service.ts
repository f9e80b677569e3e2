import type { LinkingOffer, LoginFlow, PersonnummerOutcome, Share, SignedIn } from '@nokkel/contract'
import type { AuthErrorCode } from '../errors.ts'
import type { ProviderId } from '../session/auth-token-store.ts'
import type { Observable } from '../state/store.ts'

/**
 * How far a login has come.
 *
 * - `idle`: none is under way
 * - `awaiting_consent`: the person has to say yes or no to what `consent` names; nothing is stored or sent before
 * - `loading`: preparing to leave; buttons are to be off
 * - `awaiting_callback`: the page is being left, or the person is in the app of the provider
 * - `exchanging`: they are back, and the code is being exchanged
 * - `authenticated`: it has succeeded; who is logged in stands in `auth`
 * - `needs_linking`: it looks like the login of somebody who has an account already; see `linking`
 * - `error`: see `reason`, then `retry`
 */
export type AuthStatus =
  | 'idle'
  | 'awaiting_consent'
  | 'loading'
  | 'awaiting_callback'
  | 'exchanging'
  | 'authenticated'
  | 'needs_linking'
  | 'error'

/** What the person is asked to agree to, before anything of theirs is asked for. */
export interface ConsentRequest {
  readonly provider: ProviderId
  /** Of the text that is shown; recorded with the yes. */
  readonly version: string
  /** What the provider tells in any case. */
  readonly shares: readonly Share[]
  /** Whether the personnummer may be asked for as well; the person chooses, and can log in without. */
  readonly personnummer: boolean
}

export interface ConsentAnswer {
  /** Whether to ask for the personnummer. Without effect where it may not be asked for. */
  readonly personnummer: boolean
}

export interface AuthState {
  readonly status: AuthStatus
  /** To log in, or to add a way in to the account of who is logged in. */
  readonly purpose: 'login' | 'link'
  /** When `awaiting_consent`. */
  readonly consent?: ConsentRequest
  /** When `needs_linking`: what the person can log in with to show that the account is theirs, and until when (RFC 3339). */
  readonly linking?: Pick<LinkingOffer, 'ways' | 'expiresAt'>
  /** When `authenticated`: what came of the personnummer in this login. */
  readonly personnummer?: PersonnummerOutcome
  /** When `authenticated` to add a way in. */
  readonly linked?: 'identity_linked' | 'already_linked'
  /** When `authenticated` to log in. */
  readonly outcome?: SignedIn['outcome']
  /** When `authenticated`: where the application goes, as it was given to `signIn`. */
  readonly returnTo?: string
  /** When `authenticated` with the confirmation of a login that waited: its provider, which is a way in now, too. */
  readonly linkedProvider?: ProviderId
  /** When `error`; when `needs_linking`, why the login that was to confirm it did not. */
  readonly reason?: AuthErrorCode
}

export interface SignInOptions {
  /** Where the application goes afterwards. A path of it; anything else is left out. */
  readonly returnTo?: string | undefined
  /** What the person has answered already, to the same question: leaves straight away. */
  readonly consent?: ConsentAnswer | undefined
  /** How to go to the app of the provider and back. Default `browser`. The others must be set up for the organisation. */
  readonly flow?: LoginFlow | undefined
  /** Access token of the Supabase project: the login is to belong to the account it is of. Never stored. */
  readonly supabaseToken?: string | undefined
  /** Saves typing at BankID; handed over without being in a URL. Eleven digits. Never stored. */
  readonly loginHint?: { readonly personnummer: string } | undefined
}

/**
 * Login with one provider, from the first tap to a session. One login at a time, whichever the provider.
 *
 * What a promise here is rejected with is in the state as well (`error`, `reason`), from which {@link retry} goes on.
 *
 * @example
 * ```ts
 * const { vipps } = createNokkel({ organization: 'likeperson' })
 * await vipps.signIn({ returnTo: '/inbox' })
 * const { consent } = vipps.getSnapshot()
 * if (confirm(`Vipps tells us your ${consent?.shares.join(', ')}`)) await vipps.agree({ personnummer: false })
 * else vipps.disagree()
 * ```
 *
 * @see docs/spec/login.md
 */
export interface AuthenticationService extends Observable<AuthState> {
  readonly provider: ProviderId
  /**
   * Begins a login: asks for consent, or with `options.consent` leaves for the provider. In `needs_linking`, and there
   * of the other service too, it shows that the account is the person's. Does nothing while a login is under way.
   *
   * @throws {NokkelError} `provider_unavailable` (`data.available`: what works instead), `organization_unknown`,
   * `provider_flow_unavailable`, `network_unreachable`, `storage_unavailable`, `login_state_mismatch`: the server gave
   * a URL that does not belong to this login or asks for more than the person agreed to.
   * @throws {TypeError} `loginHint` is not eleven digits, or is given to Vipps.
   */
  signIn(options?: SignInOptions): Promise<void>
  /**
   * Begins to add this way in to the account of who is logged in. It has to be finished in the same session.
   *
   * @throws {NokkelError} `signed_out`; `login_too_old`: log in again first; and those of {@link signIn}.
   */
  link(options?: SignInOptions): Promise<void>
  /** The person's yes: leaves for the provider. What the way back needs is stored before. Only in `awaiting_consent`. */
  agree(answer: ConsentAnswer): Promise<void>
  /** The person's no. Nothing was stored. Only in `awaiting_consent`. */
  disagree(): void
  /**
   * Begins anew with all that the failed login was begun with, and a new PKCE pair; asks for consent again where that
   * has changed. Works after the page was left, too. Only in `error` and `idle`.
   */
  retry(): Promise<void>
  /** Gives a login up and clears all that is stored of it, a link that waits for its confirmation as well. */
  cancel(): Promise<void>
  /**
   * Goes on with an account of its own, when the person has no other way in. Only in `needs_linking`.
   *
   * @throws {NokkelError} `link_unknown`: it took too long; log in again.
   */
  continueAsNew(): Promise<void>
}

export interface VippsAuthenticationService extends AuthenticationService {
  readonly provider: 'vipps'
}

export interface BankIdAuthenticationService extends AuthenticationService {
  readonly provider: 'bankid'
}

/** What `completeSignIn` gives. */
export interface CompletedSignIn {
  /** Where the application goes, as it was given to `signIn`. */
  readonly returnTo?: string
  /** Of the service of the provider: `authenticated`, `needs_linking`, or on its way again in the app of the provider. */
  readonly state: Readonly<AuthState>
}
