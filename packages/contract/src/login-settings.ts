import { z } from '@hono/zod-openapi'
import { operation } from './operation.ts'
import { Instant, Slug } from './scalars.ts'

/** `low`: any provider; `substantial`: BankID, with biometrics too; `high`: BankID with code device or app only. */
export const Assurance = z.enum(['low', 'substantial', 'high'])
export type Assurance = z.infer<typeof Assurance>

const vippsSettings = {
  enabled: z.boolean(),
  /** `test` is there where the operator offers it: that of Vipps itself never in production mode. */
  environment: z.enum(['production', 'test']),
  clientId: z.string().regex(/^[\x21-\x7e]{1,255}$/),
  authentication: z.enum(['client_secret_basic', 'client_secret_post']),
  merchantSerialNumber: z
    .string()
    .regex(/^\d{4,10}$/)
    .nullable(),
  /** Whether Vipps has approved this sales unit for `nin`. */
  personnummerApproved: z.boolean(),
  /** Whether everybody must confirm in the app, also in a browser that Vipps remembers. */
  confirmInApp: z.boolean(),
  /** Where the app of Vipps opens our app, one that the operator knows: ends with `/callback/vipps/<organisation>`. */
  appRedirectUri: z.string().max(500).nullable(),
  /** Where the app of Vipps hands over to ours before the login ends, or gives up: of the same form. */
  appCallbackUri: z.string().max(500).nullable(),
  market: z.enum(['NO', 'DK', 'FI', 'SE']).nullable(),
}

/** How the organisation is a client of Vipps. The secret goes in and never comes out. */
export const VippsSettings = z.strictObject({ ...vippsSettings, secretSet: z.boolean() }).openapi('VippsSettings')
export type VippsSettings = z.infer<typeof VippsSettings>

export const VippsCost = z
  .strictObject({
    costCentre: z.string().max(100).nullable(),
    pricePerLoginOre: z.int().min(0).max(1_000_000).nullable(),
    /** Logins in a calendar month (Europe/Oslo), after which none begins; `null`: no cap. */
    monthlyCap: z.int().min(0).max(10_000_000).nullable(),
  })
  .openapi('VippsCost')
export type VippsCost = z.infer<typeof VippsCost>

/** What an administrator should see to, most urgent first. */
export const LoginWarning = z.enum([
  'no_way_in',
  'vipps_unconfigured',
  'vipps_secret_missing',
  /** Vipps did not take client id or secret at the newest login. */
  'vipps_refused',
  /** BankID, or the broker in its place, did not take the client at the newest login. */
  'bankid_refused',
  'vipps_environment_unavailable',
  'vipps_disabled',
  'vipps_cap_reached',
  'vipps_cap_near',
  'vipps_below_assurance',
  'vipps_cost_unset',
  'personnummer_not_approved',
  'bankid_unconfigured',
])
export type LoginWarning = z.infer<typeof LoginWarning>

export const LoginSettings = z
  .strictObject({
    organization: Slug,
    minimumAssurance: Assurance,
    /** Set up by the operator, not here; `null` when it is not. */
    bankid: z.strictObject({ via: z.enum(['bankid', 'idura', 'signicat']), personnummer: z.boolean() }).nullable(),
    vipps: VippsSettings.nullable(),
    /** What to register in the portal of Vipps. */
    vippsRedirectUri: z.string(),
    cost: VippsCost.nullable(),
    /** The newest first, at most 13. */
    usage: z.array(z.strictObject({ month: z.string().regex(/^\d{4}-\d{2}$/), logins: z.int() })),
    warnings: z.array(LoginWarning),
    /** Since when Vipps has taken neither client id nor secret. */
    vippsRefusedAt: Instant.optional(),
    /** Since when BankID, or the broker in its place, has not taken the client. */
    bankidRefusedAt: Instant.optional(),
  })
  .openapi('LoginSettings')
export type LoginSettings = z.infer<typeof LoginSettings>

/** One thing that was tried against a provider. */
export const ProviderFinding = z
  .strictObject({
    check: z.enum(['discovery', 'redirect_uri', 'credentials', 'scopes']),
    result: z.enum(['ok', 'failed', 'unknown']),
    /** What is wrong and what to do, for an operator; in English. */
    detail: z.string(),
  })
  .openapi('ProviderFinding')
export type ProviderFinding = z.infer<typeof ProviderFinding>

const tags: [string] = ['Organizations']
/** What changes anything is for administrators whose login is not older than five minutes. */
const settings = { 200: LoginSettings }

export const getLoginSettings = operation({
  method: 'get',
  path: '/nokkel/organization/login',
  tags,
  summary: 'How people log in to the organisation, what it costs and what is amiss; for administrators',
  responses: settings,
})

export const putLoginSettings = operation({
  method: 'put',
  path: '/nokkel/organization/login',
  tags,
  summary: 'Set the least assurance of a login, and end the sessions that came by less; for administrators',
  request: { body: z.strictObject({ minimumAssurance: Assurance }) },
  responses: settings,
})

export const putVippsSettings = operation({
  method: 'put',
  path: '/nokkel/organization/vipps',
  tags,
  summary: 'Set up Vipps; without `clientSecret` the one that is there stays, unless client or environment change',
  request: {
    body: z
      .strictObject({ ...vippsSettings, clientSecret: z.string().min(1).max(500).optional() })
      .openapi('VippsSettingsInput'),
  },
  responses: settings,
})

export const putVippsCost = operation({
  method: 'put',
  path: '/nokkel/organization/vipps/cost',
  tags,
  summary: 'Set cost centre, price and monthly cap; for administrators',
  request: { body: VippsCost },
  responses: settings,
})

export const checkVippsSettings = operation({
  method: 'post',
  path: '/nokkel/organization/vipps/check',
  tags,
  summary: 'Try the settings against Vipps, without logging anybody in; for administrators',
  responses: { 200: z.strictObject({ findings: z.array(ProviderFinding) }) },
})
