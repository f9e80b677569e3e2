import { describe, expect, it } from 'vitest'
import type { ProviderConnection } from './provider.ts'
import { createProviderRegistry, definitionOf } from './registry.ts'

const connection: ProviderConnection = {
  provider: 'vipps',
  organization: 'likeperson',
  issuer: 'https://api.vipps.no/access-management-1.0/access/',
  clientId: '123456',
  authentication: { method: 'client_secret_basic', secret: 'planted' },
}
const bankid: ProviderConnection = {
  ...connection,
  provider: 'bankid',
  issuer: 'https://auth.bankid.no/auth/realms/prod',
}
const appRedirectUri = 'https://app.example.no/callback/vipps/likeperson'

describe('registry of providers', () => {
  it('knows each way by provider and broker', () => {
    expect(definitionOf({ provider: 'bankid' }).subjectClaim).toBe('bankid_altsub')
    expect(definitionOf({ provider: 'bankid', via: 'idura' }).subjectClaim).toBe('uniqueuserid')
    expect(definitionOf({ provider: 'bankid', via: 'signicat' }).subjectClaim).toBe('nbid_alternative_subject')
    expect(definitionOf({ provider: 'vipps', via: 'idura' }).personnummerScope).toBe('ssn')
    expect(() => definitionOf({ provider: 'vipps', via: 'signicat' })).toThrow('There is no vipps by way of signicat.')
  })

  it('keys a BankID the same by every way, and a Vipps by client and way', () => {
    for (const via of [{}, { via: 'idura' }, { via: 'signicat' }] as const) {
      expect(definitionOf({ provider: 'bankid', ...via }).subjectOwner('1')).toBe('*')
    }
    expect(definitionOf({ provider: 'vipps' }).subjectOwner('1')).toBe('1')
    expect(definitionOf({ provider: 'vipps', via: 'idura' }).subjectOwner('1')).toBe('idura:1')
  })

  it('finds a connection by provider and organisation', () => {
    const registry = createProviderRegistry([connection, bankid])
    expect(registry.find('bankid', 'likeperson')).toBe(bankid)
    expect(registry.find('bankid', 'nordlys')).toBeUndefined()
    expect(registry.providersOf('likeperson')).toEqual(['vipps', 'bankid'])
    expect(registry.providersOf('nordlys')).toEqual([])
  })

  it('takes what each provider has', () => {
    const ok: ProviderConnection[] = [
      { ...connection, confirmInApp: true, market: 'NO', appRedirectUri },
      { ...connection, appRedirectUri, appCallbackUri: 'no.example.app:/callback/vipps/likeperson' },
      {
        ...bankid,
        appRedirectUri: 'no.example.app:/callback/bankid/likeperson',
        appCallbackUri: 'https://app.example.no/switch',
      },
      { ...bankid, via: 'signicat', issuer: 'https://example.sandbox.signicat.com/auth/open' },
    ]
    for (const one of ok) expect(createProviderRegistry([one]).connections).toEqual([one])
  })

  const wrong: [string, ProviderConnection[], string][] = [
    ['the same twice', [connection, connection], 'There are two connections for vipps/likeperson.'],
    ['an issuer that is none', [{ ...connection, issuer: 'vipps' }], 'The issuer of vipps/likeperson is not an URL.'],
    ['a broker that has it not', [{ ...connection, via: 'signicat' }], 'There is no vipps by way of signicat.'],
    ['confirmation in an app of BankID', [{ ...bankid, confirmInApp: true }], 'confirmInApp of bankid/likeperson'],
    [
      'confirmation by a broker',
      [{ ...connection, via: 'idura', confirmInApp: true }],
      'confirmInApp of vipps/likeperson',
    ],
    ['a market of BankID', [{ ...bankid, market: 'NO' }], 'The market of bankid/likeperson'],
    ['an app by a broker', [{ ...connection, via: 'idura', appRedirectUri }], 'cannot be reached by way of idura'],
    ['an app of another provider', [{ ...bankid, appRedirectUri }], 'appRedirectUri of bankid/likeperson'],
    [
      'a switch without return',
      [{ ...connection, appCallbackUri: appRedirectUri }],
      'appRedirectUri of vipps/likeperson',
    ],
    [
      'a switch that anybody may take',
      [{ ...connection, appRedirectUri, appCallbackUri: 'myapp://x' }],
      'appCallbackUri of vipps/likeperson must be https or',
    ],
    [
      'a switch of Vipps that the app cannot tell from another link',
      [{ ...connection, appRedirectUri, appCallbackUri: 'no.example.app:/switch' }],
      'and end with /callback/vipps/likeperson.',
    ],
    [
      'a switch of BankID that is no universal link',
      [
        {
          ...bankid,
          appRedirectUri: 'https://app.example.no/callback/bankid/likeperson',
          appCallbackUri: 'no.example.app:/switch',
        },
      ],
      'appCallbackUri of bankid/likeperson must be https.',
    ],
  ]
  it.each(wrong)('refuses %s', (_, connections, message) => {
    expect(() => createProviderRegistry(connections)).toThrow(TypeError)
    expect(() => createProviderRegistry(connections)).toThrow(message)
    expect(() => createProviderRegistry(connections)).not.toThrow('planted')
  })
})
