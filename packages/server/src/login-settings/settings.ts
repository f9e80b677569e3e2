import type {
  LoginSettings,
  ParsedOf,
  putVippsCost as putCostOperation,
  putLoginSettings as putLoginOperation,
  putVippsSettings as putVippsOperation,
  VippsSettings,
} from '@nokkel/contract'
import type { Caller } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import { isRedirectOfApp } from '../auth/providers/redirect-uri.ts'
import type { Database, Transaction } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import type { Keyring } from '../keyring/keyring.ts'
import { wrapClientSecret } from './client-secret.ts'
import type { OperatorWays } from './login-setup.ts'
import { redirectUriOf } from './redirect-uri.ts'
import {
  requireOwnOrganization,
  selectOwnSetup,
  storeMinimumAssurance,
  storeVippsCost,
  storeVippsSettings,
} from './store.ts'
import { loginWarnings } from './warnings.ts'

export interface LoginSettingsDependencies extends OperatorWays {
  readonly database: Database
  readonly keyring: Keyring
  readonly appUrl: string
  /** Into which apps people may be sent back: https origins and reverse-domain schemes. */
  readonly appOrigins: readonly string[]
}

/** @throws {ServerError} `forbidden`: for whoever is no administrator of the organisation. */
export async function readLoginSettings(
  dependencies: LoginSettingsDependencies,
  claims: Claims,
): Promise<LoginSettings> {
  const found = await withClaims(dependencies.database, claims, selectOwnSetup)
  if (!found) throw new ServerError('forbidden')
  const { setup, usage } = found
  const bankid = dependencies.registry.find('bankid', setup.slug)
  return {
    organization: setup.slug,
    minimumAssurance: setup.minimumAssurance,
    bankid: bankid ? { via: bankid.via ?? 'bankid', personnummer: bankid.personnummer ?? false } : null,
    vipps: setup.vipps,
    vippsRedirectUri: redirectUriOf(dependencies.appUrl, 'vipps', setup.slug),
    cost: setup.cost,
    usage: [...usage],
    warnings: loginWarnings(setup, dependencies),
    ...(setup.refusedAt && { vippsRefusedAt: instant(setup.refusedAt) }),
    ...(setup.bankidRefusedAt && bankid && { bankidRefusedAt: instant(setup.bankidRefusedAt) }),
  }
}

/** The database decides and records what it allows; what is refused is recorded here. */
async function change(
  { database }: LoginSettingsDependencies,
  caller: Caller,
  action: string,
  work: (transaction: Transaction) => Promise<void>,
): Promise<void> {
  await recordRefusal(database, caller, subjectOf(caller, action), () => withClaims(database, caller.claims, work))
}

const subjectOf = ({ claims }: Caller, action: string) => ({ action, type: 'organization', id: claims.organization })

/** @throws {ServerError} `forbidden`; `login_too_old`; `login_assurance_too_low`: that would end the session of whoever asks. */
export async function putMinimumAssurance(
  dependencies: LoginSettingsDependencies,
  caller: Caller,
  { minimumAssurance }: ParsedOf<typeof putLoginOperation>['body'],
): Promise<LoginSettings> {
  await change(dependencies, caller, 'minimum_assurance.change', (transaction) =>
    storeMinimumAssurance(transaction, minimumAssurance, caller.requestId),
  )
  return readLoginSettings(dependencies, caller.claims)
}

/** @throws {ServerError} `forbidden` or `login_too_old`. */
export async function putVippsCost(
  dependencies: LoginSettingsDependencies,
  caller: Caller,
  cost: ParsedOf<typeof putCostOperation>['body'],
): Promise<LoginSettings> {
  await change(dependencies, caller, 'vipps_cost.change', (transaction) =>
    storeVippsCost(transaction, cost, caller.requestId),
  )
  return readLoginSettings(dependencies, caller.claims)
}

/** @throws {ServerError} `forbidden`, `login_too_old`, `redirect_uri_invalid`, `secret_required` or `master_key_exhausted`. */
export async function putVippsSettings(
  dependencies: LoginSettingsDependencies,
  caller: Caller,
  { clientSecret, ...settings }: ParsedOf<typeof putVippsOperation>['body'],
): Promise<LoginSettings> {
  const { database, keyring } = dependencies
  const { claims } = caller
  await recordRefusal(database, caller, subjectOf(caller, 'vipps_config.change'), async () => {
    // Before anything is wrapped: that is counted, and wraps are not for whoever may not use them.
    const found = await withClaims(database, claims, async (transaction) => {
      await requireOwnOrganization(transaction)
      return selectOwnSetup(transaction)
    })
    if (!found) throw new ServerError('forbidden')
    assertAppUris(settings, found.setup.slug, dependencies.appOrigins)
    const secret =
      clientSecret === undefined ? null : await wrapClientSecret(keyring, claims.organization, clientSecret)
    await storeVippsSettings(database, caller, settings, secret)
  })
  return readLoginSettings(dependencies, claims)
}

/**
 * Administrators choose only among the apps that the operator knows.
 *
 * @throws {ServerError} `redirect_uri_invalid`.
 */
export function assertAppUris(
  { appRedirectUri, appCallbackUri }: Pick<VippsSettings, 'appRedirectUri' | 'appCallbackUri'>,
  organization: string,
  appOrigins: readonly string[],
): void {
  const refuse = (member: string) => new ServerError('redirect_uri_invalid', { data: { member } })
  const isOurs = (uri: string) => isRedirectOfApp(uri, 'vipps', organization, appOrigins)
  if (appRedirectUri !== null && !isOurs(appRedirectUri)) throw refuse('appRedirectUri')
  if (appCallbackUri === null) return
  // It is a stop on the way back to the other one.
  if (appRedirectUri === null) throw refuse('appRedirectUri')
  if (!isOurs(appCallbackUri)) throw refuse('appCallbackUri')
}
