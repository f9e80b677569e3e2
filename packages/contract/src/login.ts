import { z } from '@hono/zod-openapi'
import { operation } from './operation.ts'
import { base64Url, compactJws, Instant, ProviderId, Slug, Uuid } from './scalars.ts'

/** What a provider can tell of a person. */
export const Share = z.enum(['name', 'birthDate', 'phoneNumber', 'email', 'address', 'personnummer'])
export type Share = z.infer<typeof Share>

/** What the person said yes to, before they left for the provider. */
const LoginConsent = z
  .strictObject({
    /** Of the text they saw. */
    version: z.string().regex(/^[a-z0-9.-]{1,32}$/),
    shares: z
      .array(Share)
      .min(1)
      .max(Share.options.length)
      .refine((shares) => new Set(shares).size === shares.length),
  })
  .openapi('LoginConsent')

/**
 * How the person goes to the provider and comes back: in the browser; in the browser, where the app of Vipps opens it
 * again; from our app to that of the provider, and back by way of it (`app_to_app`) or straight away (`app_to_app_v2`).
 */
export const LoginFlow = z.enum(['browser', 'automatic_return', 'app_to_app', 'app_to_app_v2'])
export type LoginFlow = z.infer<typeof LoginFlow>

const authorization = {
  provider: ProviderId,
  codeChallenge: base64Url(32, 32).openapi({
    description: 'S256 challenge (RFC 7636 §4.2); plain is not taken.',
  }),
  state: base64Url(16, 48),
  nonce: base64Url(16, 48),
  consent: LoginConsent,
  flow: LoginFlow.default('browser'),
}

export const BeginLogin = z
  .strictObject({
    ...authorization,
    organization: Slug,
    /** Saves typing at BankID. Sent there by PAR only, never looked up, never stored. */
    loginHint: z.strictObject({ personnummer: z.string().regex(/^\d{11}$/) }).optional(),
    /** Of a {@link LinkingOffer}: this login is to show that both are the same person. */
    linkToken: base64Url(32, 32).optional(),
    /** Access token of the Supabase project, of a login not older than five minutes: this login is to belong to its account. */
    supabaseToken: compactJws(8192).optional(),
    /**
     * Access token of the session whose person logs in anew. An administrator goes past a cap of Vipps with it, three times in
     * fifteen minutes, and only to their own account; without it, as for everybody else, that is `provider_unavailable`.
     */
    accessToken: compactJws(4096).optional(),
  })
  .openapi('BeginLogin')
export type BeginLogin = z.infer<typeof BeginLogin>

export const LoginBegun = z
  .strictObject({
    loginId: Uuid,
    authorizationUrl: z.url(),
    expiresAt: Instant,
  })
  .openapi('LoginBegun')
export type LoginBegun = z.infer<typeof LoginBegun>

export const CompleteLogin = z
  .strictObject({
    loginId: Uuid,
    provider: ProviderId,
    organization: Slug,
    callback: z.string().max(8192).openapi({
      description: 'Query string of the URL the provider redirected to, without the question mark.',
    }),
    codeVerifier: z.string().regex(/^[A-Za-z0-9\-._~]{43,128}$/),
    nonce: base64Url(16, 48),
    deviceName: z.string().min(1).max(80).optional(),
  })
  .openapi('CompleteLogin')
export type CompleteLogin = z.infer<typeof CompleteLogin>

/** Tokens of a session. The refresh token works only with a DPoP proof by the key the session is bound to. */
export const Tokens = z
  .strictObject({
    accessToken: z.string(),
    accessTokenExpiresAt: Instant,
    refreshToken: z.string(),
    sessionId: Uuid,
    sessionExpiresAt: Instant,
    /** Until when it can be refreshed without biometrics; `null` where its device is not enrolled. */
    unlockedUntil: Instant.nullable(),
  })
  .openapi('Tokens')
export type Tokens = z.infer<typeof Tokens>

/**
 * `verified`: the person's number is known now, or was. `absent`: it was asked for and did not come. `not_asked`: the
 * person did not agree to it, or the organisation may not ask.
 */
export const PersonnummerOutcome = z.enum(['verified', 'absent', 'not_asked'])
export type PersonnummerOutcome = z.infer<typeof PersonnummerOutcome>

/** The login looks like one of an account that is there already: the person is to show it by another way of theirs. */
export const LinkingOffer = z
  .strictObject({
    /** Works once, with a proof by the key of the login that it came from. */
    token: base64Url(32, 32),
    ways: z.array(z.enum(['bankid', 'vipps', 'supabase'])).min(1),
    expiresAt: Instant,
  })
  .openapi('LinkingOffer')
export type LinkingOffer = z.infer<typeof LinkingOffer>

export const SignedIn = z
  .strictObject({
    outcome: z.enum(['signed_in', 'identity_linked', 'account_created']),
    tokens: Tokens,
    userId: Uuid,
    personnummer: PersonnummerOutcome,
  })
  .openapi('SignedIn')
export type SignedIn = z.infer<typeof SignedIn>

export const LoginCompleted = z
  .discriminatedUnion('outcome', [
    SignedIn,
    z.strictObject({ outcome: z.literal('needs_linking'), linking: LinkingOffer }),
  ])
  .openapi('LoginCompleted')
export type LoginCompleted = z.infer<typeof LoginCompleted>

export const beginLogin = operation({
  method: 'post',
  path: '/nokkel/login',
  tags: ['Login'],
  summary: 'Record a login attempt and get the URL to send the person to',
  request: { body: BeginLogin },
  responses: { 201: LoginBegun },
  public: true,
})

export const completeLogin = operation({
  method: 'post',
  path: '/nokkel/login/complete',
  tags: ['Login'],
  summary: 'Finish a login: exchange the code, find the account, open a session bound to the DPoP key',
  request: { body: CompleteLogin },
  responses: { 200: LoginCompleted },
  public: true,
  dpop: true,
})

export const continueLogin = operation({
  method: 'post',
  path: '/nokkel/login/continue',
  tags: ['Login'],
  summary: 'Go on with an account of its own, when the person has no other way in',
  request: {
    body: z.strictObject({ linkToken: base64Url(32, 32), deviceName: z.string().min(1).max(80).optional() }),
  },
  responses: { 200: SignedIn },
  public: true,
  dpop: true,
})

/** One way in that a person has. */
export const LinkedLogin = z
  .strictObject({
    id: Uuid,
    provider: ProviderId,
    linkedAt: Instant,
    lastLoginAt: Instant.nullable(),
    /** The session this is asked in came from it. */
    current: z.boolean(),
    /** Of a Vipps: the organisation it is with. A BankID is the same everywhere. */
    organization: z.string().nullable(),
  })
  .openapi('LinkedLogin')
export type LinkedLogin = z.infer<typeof LinkedLogin>

/** What Vipps told of a person when they last agreed to it, cleaned. */
export const Contact = z
  .strictObject({
    phoneNumber: z.string().nullable().openapi({ description: 'E.164' }),
    email: z.string().nullable(),
    address: z
      .strictObject({
        street: z.string(),
        postalCode: z.string(),
        place: z.string(),
        country: z.string().openapi({ description: 'ISO 3166-1 alpha-2' }),
      })
      .nullable(),
    updatedAt: Instant,
  })
  .openapi('Contact')
export type Contact = z.infer<typeof Contact>

export const listLogins = operation({
  method: 'get',
  path: '/nokkel/me/logins',
  tags: ['Login'],
  summary: 'The ways in that the person has, and what came with them',
  responses: { 200: z.strictObject({ logins: z.array(LinkedLogin), contact: Contact.nullable() }) },
})

export const beginLink = operation({
  method: 'post',
  path: '/nokkel/me/logins',
  tags: ['Login'],
  summary: 'Begin to add a way in; bound to this session, which must be of a login not older than five minutes',
  request: { body: z.strictObject(authorization).openapi('BeginLink') },
  responses: { 201: LoginBegun },
})

export const completeLink = operation({
  method: 'post',
  path: '/nokkel/me/logins/complete',
  tags: ['Login'],
  summary: 'Finish adding a way in, in the session that began it',
  request: { body: CompleteLogin.omit({ deviceName: true }).openapi('CompleteLink') },
  responses: {
    200: z.strictObject({
      outcome: z.enum(['identity_linked', 'already_linked']),
      id: Uuid,
      personnummer: PersonnummerOutcome,
    }),
  },
})

export const removeLogin = operation({
  method: 'delete',
  path: '/nokkel/me/logins/{id}',
  tags: ['Login'],
  summary: 'Remove a way in, and end the sessions that came from it; not the last one, nor the one used now',
  request: { params: z.strictObject({ id: Uuid }) },
  responses: { 204: null },
})
