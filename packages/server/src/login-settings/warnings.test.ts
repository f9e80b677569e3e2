import { describe, expect, it } from 'vitest'
import { createProviderRegistry } from '../auth/providers/registry.ts'
import { knownVippsIssuers, type LoginSetup } from './login-setup.ts'
import { loginWarnings } from './warnings.ts'

const connection = (provider: 'bankid' | 'vipps', personnummer = true) => ({
  provider,
  organization: 'likeperson',
  issuer: 'https://provider.example/',
  clientId: 'client',
  authentication: { method: 'client_secret_basic', secret: 'x' } as const,
  personnummer,
})
const vipps: NonNullable<LoginSetup['vipps']> = {
  enabled: true,
  environment: 'production',
  clientId: 'client',
  authentication: 'client_secret_basic',
  merchantSerialNumber: null,
  personnummerApproved: true,
  confirmInApp: false,
  appRedirectUri: null,
  appCallbackUri: null,
  market: null,
  secretSet: true,
}
const cost = { costCentre: '4711', pricePerLoginOre: 149, monthlyCap: 100 }
const setup: LoginSetup = {
  organizationId: '00000000-0000-4000-8000-000000000001',
  slug: 'likeperson',
  minimumAssurance: 'low',
  vipps,
  cost,
  logins: 0,
  refusedAt: null,
  bankidRefusedAt: null,
}
const warnings = (changes: Partial<LoginSetup>, connections = [connection('bankid')]) =>
  loginWarnings(
    { ...setup, ...changes },
    { registry: createProviderRegistry(connections), vippsIssuers: knownVippsIssuers },
  )

describe('login warnings', () => {
  it.each<[string, readonly string[], Partial<LoginSetup>, ReturnType<typeof connection>[]?]>([
    ['all is well', [], {}],
    ['Vipps is not set up', ['vipps_unconfigured'], { vipps: null }],
    ['Vipps is what the operator configured', [], { vipps: null }, [connection('bankid'), connection('vipps')]],
    [
      'nobody approved the number for what the operator configured',
      ['personnummer_not_approved'],
      { vipps: null },
      [connection('bankid'), connection('vipps', false)],
    ],
    ['there is no secret', ['vipps_secret_missing'], { vipps: { ...vipps, secretSet: false } }],
    [
      'Vipps is off, and nothing more is said of it',
      ['vipps_disabled'],
      { vipps: { ...vipps, enabled: false }, cost: null },
    ],
    ['Vipps did not take the client', ['vipps_refused'], { refusedAt: new Date(0) }],
    [
      'Vipps did not take the client, and BankID is not set up',
      ['no_way_in', 'vipps_refused', 'bankid_unconfigured'],
      { refusedAt: new Date(0) },
      [],
    ],
    ['BankID did not take the client', ['bankid_refused'], { bankidRefusedAt: new Date(0) }],
    [
      'BankID did not take the client, and the cap of Vipps is reached',
      ['no_way_in', 'bankid_refused', 'vipps_cap_reached'],
      { bankidRefusedAt: new Date(0), logins: 100 },
    ],
    [
      'neither took the client',
      ['no_way_in', 'vipps_refused', 'bankid_refused'],
      { bankidRefusedAt: new Date(0), refusedAt: new Date(0) },
    ],
    ['BankID is there no more', ['bankid_unconfigured'], { bankidRefusedAt: new Date(0) }, []],
    ['Vipps is off since', ['vipps_disabled'], { vipps: { ...vipps, enabled: false }, refusedAt: new Date(0) }],
    ['BankID is what is asked for', ['vipps_below_assurance'], { minimumAssurance: 'substantial' }],
    ['the cap is near', ['vipps_cap_near'], { logins: 80 }],
    ['the cap is reached', ['vipps_cap_reached'], { logins: 100 }],
    ['there is no cap', [], { logins: 100, cost: { ...cost, monthlyCap: null } }],
    ['nobody knows what it costs', ['vipps_cost_unset'], { cost: null }],
    ['nobody knows who pays', ['vipps_cost_unset'], { cost: { ...cost, costCentre: null } }],
    ['Vipps gives no number', ['personnummer_not_approved'], { vipps: { ...vipps, personnummerApproved: false } }],
    ['BankID is not set up', ['bankid_unconfigured'], {}, []],
    ['nothing is set up', ['no_way_in', 'vipps_unconfigured', 'bankid_unconfigured'], { vipps: null, cost: null }, []],
    [
      'BankID is not set up, and the cap is reached',
      ['no_way_in', 'vipps_cap_reached', 'bankid_unconfigured'],
      { logins: 100 },
      [],
    ],
  ])('%s: %j', (_what, expected, changes, connections) => {
    expect(warnings(changes, connections)).toEqual(expected)
  })

  it('say when the environment is not to be had here', () => {
    const registry = createProviderRegistry([connection('bankid')])
    const test = { ...setup, vipps: { ...vipps, environment: 'test' as const } }
    const ways = { registry, vippsIssuers: { production: knownVippsIssuers.production } }
    expect(loginWarnings(test, ways)).toEqual(['vipps_environment_unavailable'])
    expect(loginWarnings(test, { registry, vippsIssuers: knownVippsIssuers })).toEqual([])
  })
})
