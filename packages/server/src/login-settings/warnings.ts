import { LoginWarning } from '@nokkel/contract'
import { isCapReached, type LoginSetup, type OperatorWays, vippsObstacles } from './login-setup.ts'

/** How much of a cap may be used before somebody is told. */
const near = 0.8

/** What an administrator should see to, most urgent first. */
export function loginWarnings(setup: LoginSetup, ways: OperatorWays): LoginWarning[] {
  const { slug, vipps, cost, logins, refusedAt, bankidRefusedAt } = setup
  const bankid = ways.registry.find('bankid', slug)
  const operated = ways.registry.find('vipps', slug)
  const obstacles = vippsObstacles(setup, ways)
  const inUse = !obstacles.includes('vipps_unconfigured') && !obstacles.includes('vipps_disabled')
  const approved = vipps ? vipps.personnummerApproved : operated?.personnummer === true
  const found = new Set<LoginWarning>(obstacles)
  if (!bankid) found.add('bankid_unconfigured')
  if (inUse && refusedAt) found.add('vipps_refused')
  if (bankid && bankidRefusedAt) found.add('bankid_refused')
  if ((!bankid || bankidRefusedAt) && (obstacles.length > 0 || refusedAt)) found.add('no_way_in')
  if (inUse && typeof cost?.monthlyCap === 'number' && !isCapReached(setup) && logins >= near * cost.monthlyCap) {
    found.add('vipps_cap_near')
  }
  if (inUse && (!cost || cost.costCentre === null || cost.pricePerLoginOre === null)) found.add('vipps_cost_unset')
  if (inUse && !approved) found.add('personnummer_not_approved')
  return LoginWarning.options.filter((warning) => found.has(warning))
}
