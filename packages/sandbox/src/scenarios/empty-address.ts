import { emptyAddress } from '../vipps/claims.ts'
import type { Scenario } from './scenario.ts'

export const emptyAddressScenario: Scenario = {
  title: { nb: 'Adressen er tom', en: 'The address is empty' },
  providers: ['vipps'],
  userinfo: (claims) => ('address' in claims ? { ...claims, address: emptyAddress, other_addresses: [] } : claims),
}
