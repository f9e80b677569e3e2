import type { VippsCost, VippsSettings } from '@nokkel/contract'
import { parseHeader } from '@nokkel/crypto'
import type { Database } from '../db/database.ts'
import { toServerError } from '../db/refusal.ts'
import { checkSchema } from '../db/schema-version.ts'
import { ServerError } from '../http/server-error.ts'
import type { Keyring } from '../keyring/keyring.ts'
import type { RootKeyProvider } from '../keyring/root-keys.ts'
import { createServerKeys } from '../keyring/server-keys.ts'
import { unwrapClientSecret, wrapClientSecret } from '../login-settings/client-secret.ts'
import { assertAppUris } from '../login-settings/settings.ts'
import {
  applyOrganization,
  applyVippsCost,
  applyVippsSettings,
  type StoredSetup,
  selectSetups,
} from '../login-settings/store.ts'
import type { OrganizationDescription, VippsDescription } from './description.ts'

export interface ApplyOrganizationsOptions {
  /** Connected as `nokkel_server`. */
  readonly database: Database
  readonly organizations: readonly OrganizationDescription[]
  /** Needed where a client secret is given, which is stored under the master key. */
  readonly rootKeys?: RootKeyProvider
  /** As the server has them: an app of none of these is refused. Default none. */
  readonly appOrigins?: readonly string[]
  /** Says what would change, and changes nothing. Default `false`. */
  readonly dryRun?: boolean
  /** Of the server that has the same root keys. Default `production`, in which they must be random. */
  readonly mode?: 'development' | 'production'
}

/** What became of one organisation. */
export interface AppliedOrganization {
  readonly slug: string
  /** What was not as described and now is, by the name of the member; `created` for a new organisation. */
  readonly changes: readonly string[]
  /** Variables that are named and not set; what they are for stays as it was. */
  readonly missing: readonly string[]
  /** Why something stays as it was. */
  readonly problem: 'secret_required' | 'redirect_uri_invalid' | null
}

interface Run {
  readonly database: Database
  readonly keyring: Keyring | undefined
  readonly appOrigins: readonly string[]
  readonly dryRun: boolean
  readonly id: string
}

/**
 * Makes organisations as they are described: creates those that are not there, and changes what is otherwise. What a description
 * leaves out stays as it is. Doing it again changes nothing, and it may be stopped anywhere.
 *
 * @returns One outcome for each organisation, in order.
 * @throws {Error} The database or the root keys cannot be used; nothing was changed.
 */
export async function applyOrganizations(options: ApplyOrganizationsOptions): Promise<AppliedOrganization[]> {
  const { database, organizations, rootKeys, appOrigins = [], dryRun = false, mode = 'production' } = options
  await checkSchema(database)
  const needsKeys = organizations.some(({ vipps }) => vipps?.clientSecret !== undefined)
  if (needsKeys && !rootKeys) throw new TypeError('A client secret is given, and no root keys to store it under.')
  const keys =
    needsKeys && rootKeys
      ? createServerKeys(rootKeys, { database, logger: () => undefined, production: mode === 'production' })
      : undefined
  await keys?.load()
  await (dryRun ? keys?.verify() : keys?.check())
  const run: Run = { database, keyring: keys?.keyring, appOrigins, dryRun, id: crypto.randomUUID() }
  const setups = await selectSetups(
    database,
    organizations.map(({ slug }) => slug),
  )
  const applied: AppliedOrganization[] = []
  for (const description of organizations) {
    applied.push(
      await applyOne(
        run,
        description,
        setups.find(({ slug }) => slug === description.slug),
      ),
    )
  }
  return applied
}

async function applyOne(
  run: Run,
  description: OrganizationDescription,
  setup: StoredSetup | undefined,
): Promise<AppliedOrganization> {
  const { slug, vipps, cost, missing = [] } = description
  const wanted = {
    slug,
    name: description.name,
    enrollment: description.enrollment ?? setup?.enrollment ?? 'open',
    devicePolicy: description.devicePolicy ?? setup?.devicePolicy ?? 'one',
    minimumAssurance: description.minimumAssurance ?? setup?.minimumAssurance ?? 'low',
    retentionDays: description.retentionDays ?? setup?.retentionDays ?? 1095,
  }
  const changes: string[] = setup ? differences(wanted, setup) : ['created']
  let organizationId = setup?.organizationId
  if (changes.length > 0 && !run.dryRun) organizationId = await applyOrganization(run.database, wanted, run.id)
  try {
    if (vipps) changes.push(...(await applyVipps(run, vipps, setup, { slug, organizationId })))
  } catch (cause) {
    const { code } = toServerError(cause)
    if (code !== 'secret_required' && code !== 'redirect_uri_invalid') throw cause
    return { slug, changes, missing, problem: code }
  }
  if (cost) changes.push(...(await applyCost(run, cost, setup, organizationId)))
  return { slug, changes, missing, problem: null }
}

const vippsDefaults: Omit<VippsSettings, 'secretSet' | 'clientId'> = {
  enabled: true,
  environment: 'production',
  authentication: 'client_secret_basic',
  merchantSerialNumber: null,
  personnummerApproved: false,
  confirmInApp: false,
  appRedirectUri: null,
  appCallbackUri: null,
  market: null,
}

async function applyVipps(
  { database, keyring, appOrigins, dryRun, id }: Run,
  { clientSecret, ...given }: VippsDescription,
  setup: StoredSetup | undefined,
  { slug, organizationId }: { readonly slug: string; readonly organizationId: string | undefined },
): Promise<string[]> {
  const { secretSet = false, ...before } = setup?.vipps ?? {}
  const settings = { ...vippsDefaults, ...before, ...given }
  assertAppUris(settings, slug, appOrigins)
  const changes = differences(settings, before)
  const replaced = clientSecret !== undefined && !(await isStored(clientSecret, setup, keyring))
  const names = [...changes, ...(replaced ? ['clientSecret'] : [])].map((name) => `vipps.${name}`)
  const moved = changes.includes('clientId') || changes.includes('environment')
  if (secretSet && moved && clientSecret === undefined) throw new ServerError('secret_required')
  if (names.length === 0 || dryRun || organizationId === undefined) return names
  const secret =
    clientSecret !== undefined && keyring && (replaced || moved)
      ? await wrapClientSecret(keyring, organizationId, clientSecret)
      : null
  await applyVippsSettings(database, organizationId, settings, secret, id)
  return names
}

async function applyCost(
  { database, dryRun, id }: Run,
  given: NonNullable<OrganizationDescription['cost']>,
  setup: StoredSetup | undefined,
  organizationId: string | undefined,
): Promise<string[]> {
  const cost: VippsCost = { costCentre: null, pricePerLoginOre: null, monthlyCap: null, ...setup?.cost, ...given }
  const names = differences(cost, setup?.cost ?? {}).map((name) => `cost.${name}`)
  if (names.length > 0 && !dryRun && organizationId !== undefined) {
    await applyVippsCost(database, organizationId, cost, id)
  }
  return names
}

/** Whether it is there already, under the master key that wraps now. */
async function isStored(
  clientSecret: string,
  setup: StoredSetup | undefined,
  keyring: Keyring | undefined,
): Promise<boolean> {
  if (!setup?.wrappedClientSecret || !keyring) return false
  if (parseHeader(setup.wrappedClientSecret)?.keyId !== keyring.keyId) return false
  return (await unwrapClientSecret(keyring, setup.organizationId, setup.wrappedClientSecret)) === clientSecret
}

/** The members of `wanted` that `present` has otherwise. */
function differences<T extends object>(wanted: T, present: Partial<T>): (keyof T & string)[] {
  const names = Object.keys(wanted) as (keyof T & string)[]
  return names.filter((name) => wanted[name] !== present[name])
}
