import type { Assurance, LoginWarning, VippsCost, VippsSettings } from '@nokkel/contract'
import { reaches } from '../auth/providers/assurance.ts'
import { assertIssuer } from '../auth/providers/client.ts'
import { definitionOf, type ProviderRegistry } from '../auth/providers/registry.ts'

/** How people log in to one organisation, as the database has it. */
export interface LoginSetup {
  readonly organizationId: string
  readonly slug: string
  readonly minimumAssurance: Assurance
  /** `null`: not set up in the database; the operator may still have configured it. */
  readonly vipps: VippsSettings | null
  readonly cost: VippsCost | null
  /** By Vipps in this calendar month. */
  readonly logins: number
  /** Since when Vipps has not taken client id or secret. */
  readonly refusedAt: Date | null
  /** Since when BankID, or the broker in its place, has not taken the client. */
  readonly bankidRefusedAt: Date | null
}

export type VippsEnvironment = VippsSettings['environment']

/** Where Vipps is, exactly as it writes its issuer. What is not here cannot be chosen. */
export type VippsIssuers = Readonly<Partial<Record<VippsEnvironment, string>>>

export const knownVippsIssuers = {
  production: 'https://api.vipps.no/access-management-1.0/access/',
  test: 'https://apitest.vipps.no/access-management-1.0/access/',
} as const satisfies Record<VippsEnvironment, string>

/** What the operator decides, whatever an organisation sets up. */
export interface OperatorWays {
  readonly registry: ProviderRegistry
  readonly vippsIssuers: VippsIssuers
}

/** @throws {TypeError} An issuer may not be spoken to in this mode; says which and why. */
export function assertIssuers({ registry, vippsIssuers }: OperatorWays, production: boolean): void {
  for (const connection of registry.connections) assertIssuer(connection, production)
  for (const [environment, issuer] of Object.entries(vippsIssuers)) {
    if (!URL.canParse(issuer)) throw new TypeError(`The issuer of vipps/${environment} is not an URL.`)
    assertIssuer({ issuer, provider: 'vipps', organization: environment }, production)
  }
}

/** Why no login by Vipps can begin now; none when it can. Of what is switched off nothing more is said. */
export function vippsObstacles(setup: LoginSetup, { registry, vippsIssuers }: OperatorWays): LoginWarning[] {
  const { slug, vipps, minimumAssurance } = setup
  if (!vipps && !registry.find('vipps', slug)) return ['vipps_unconfigured']
  if (vipps && !vipps.enabled) return ['vipps_disabled']
  const obstacles: [LoginWarning, boolean][] = [
    ['vipps_secret_missing', vipps !== null && !vipps.secretSet],
    ['vipps_environment_unavailable', vipps !== null && vippsIssuers[vipps.environment] === undefined],
    ['vipps_cap_reached', isCapReached(setup)],
    ['vipps_below_assurance', !reaches(definitionOf({ provider: 'vipps' }).highestAssurance, minimumAssurance)],
  ]
  return obstacles.flatMap(([obstacle, stands]) => (stands ? [obstacle] : []))
}

export function isCapReached({ cost, logins }: LoginSetup): boolean {
  return typeof cost?.monthlyCap === 'number' && logins >= cost.monthlyCap
}
