import type { Assurance } from '@nokkel/contract'
import { describe, expect, it } from 'vitest'
import { cleanName, readIdentity } from './identity.ts'
import { bankid, bankidByIdura, bankidBySignicat } from './providers/bankid.ts'
import type { Claims, ProviderDefinition } from './providers/provider.ts'
import { vipps, vippsByIdura } from './providers/vipps.ts'

const altsub = '9578-6000-4-351726'
const guid = '{ee9b1bb9-05a6-458e-9f3b-9d068f1a3765}'
const number = '02918800045'

/** What each way tells of one person, at its highest. */
const ways = {
  bankid: {
    definition: bankid,
    claims: { sub: 'unstable', bankid_altsub: altsub, acr: 'urn:bankid:bid;LOA=4', nnin_altsub: number },
  },
  'bankid by idura': {
    definition: bankidByIdura,
    claims: {
      sub: guid,
      uniqueuserid: altsub,
      identityscheme: 'nobankid-oidc',
      authenticationtype: 'urn:grn:authn:no:bankid:high',
      socialno: number,
    },
  },
  'bankid by signicat': {
    definition: bankidBySignicat,
    claims: { sub: 'x=', nbid_alternative_subject: altsub, nbid_acr: 'urn:bankid:bid;LOA=4', nin: number },
  },
  vipps: { definition: vipps, claims: { sub: 'c06c4afe-d9e1-4c5d-939a-177d752a0944', nin: number } },
  'vipps by idura': {
    definition: vippsByIdura,
    claims: { sub: guid, identityscheme: 'novippslogin', socialno: number },
  },
} as const satisfies Record<string, { definition: ProviderDefinition; claims: Claims }>
type Way = keyof typeof ways

const allWays = Object.keys(ways) as Way[]
const bankidWays = allWays.filter((way) => ways[way].definition.id === 'bankid')

function read(
  way: Way,
  changes: Claims = {},
  demand: { minimumAssurance?: Assurance; confirmInApp?: boolean } = {},
  options: { asksPersonnummer?: boolean; allowSynthetic?: boolean } = {},
) {
  const { definition, claims } = ways[way]
  return readIdentity(
    definition,
    { name: 'Kari Nordmann', ...claims, ...changes },
    {
      demand: { minimumAssurance: 'low', confirmInApp: false, ...demand },
      asksPersonnummer: true,
      allowSynthetic: true,
      ...options,
    },
  )
}

const refused = (code: string) => expect.objectContaining({ code })

describe('identity', () => {
  it.each(bankidWays)('is the personal identifier of BankID: %s', (way) => {
    expect(read(way)).toMatchObject({ subject: altsub, name: 'Kari Nordmann', personnummer: number })
  })

  it('is the subject of Vipps, or of Vipps at Idura', () => {
    expect(read('vipps').subject).toBe(ways.vipps.claims.sub)
    expect(read('vipps by idura').subject).toBe(guid)
  })

  it.each(bankidWays)('is nobody without that identifier in its form: %s', (way) => {
    const { subjectClaim } = ways[way].definition
    for (const value of [
      undefined,
      '',
      7,
      [altsub],
      ` ${altsub}`,
      `${altsub}\n`,
      altsub.replace('9578', '9579'),
      '9578-6000-4',
      '9578-6000-4-',
      '9578-6000-4-1-1',
      `9578-6000-4-${'1'.repeat(300)}`,
      guid,
    ]) {
      expect(() => read(way, { [subjectClaim]: value }), String(value)).toThrow(refused('login_token_invalid'))
    }
  })

  it.each([undefined, '', 'with space', 'x'.repeat(256), 7])('is nobody at Vipps with the subject %j', (sub) => {
    expect(() => read('vipps', { sub })).toThrow(refused('login_token_invalid'))
  })

  it.each([undefined, '', guid.slice(1, -1), `${guid}x`])('is nobody at Idura with the subject %j', (sub) => {
    expect(() => read('vipps by idura', { sub })).toThrow(refused('login_token_invalid'))
  })

  it.each([
    ['bankid by idura', 'novippslogin'],
    ['bankid by idura', 'sebankid'],
    ['bankid by idura', undefined],
    ['vipps by idura', 'nobankid-oidc'],
    ['vipps by idura', undefined],
  ] as const)('is not taken from another eID of the broker: %s as %s', (way, identityscheme) => {
    expect(() => read(way, { identityscheme })).toThrow(refused('login_token_invalid'))
  })

  it('takes biometrics only where the organisation says that they suffice', () => {
    const biometric = {
      bankid: { acr: 'urn:bankid:bis;LOA=3' },
      'bankid by idura': { authenticationtype: 'urn:grn:authn:no:bankid:substantial' },
      'bankid by signicat': { nbid_acr: 'urn:bankid:bis;LOA=3' },
    } as const
    for (const [way, claims] of Object.entries(biometric) as [Way, Claims][]) {
      expect(read(way, claims, { minimumAssurance: 'substantial' })).toMatchObject({
        acr: Object.values(claims)[0],
        assurance: 'substantial',
      })
      for (const minimumAssurance of ['low', 'high'] as const) {
        expect(() => read(way, claims, { minimumAssurance })).toThrow(refused('login_assurance_too_low'))
      }
    }
  })

  it.each(bankidWays)('takes the highest level everywhere, and no other text for it: %s', (way) => {
    const { acrClaim } = ways[way].definition
    const { [acrClaim]: highest } = ways[way].claims as Record<string, string>
    for (const minimumAssurance of ['low', 'substantial', 'high'] as const) {
      expect(read(way, {}, { minimumAssurance })).toMatchObject({ acr: highest, assurance: 'high' })
      for (const value of [
        undefined,
        null,
        '',
        `${highest} `,
        [highest],
        'urn:bankid:bis',
        'urn:grn:authn:no:bankid',
      ]) {
        expect(() => read(way, { [acrClaim]: value }, { minimumAssurance })).toThrow(refused('login_assurance_too_low'))
      }
    }
  })

  it.each(['vipps', 'vipps by idura'] as const)('is no electronic ID at %s', (way) => {
    for (const minimumAssurance of ['substantial', 'high'] as const) {
      expect(() => read(way, { acr: 'urn:bankid:bid;LOA=4' }, { minimumAssurance })).toThrow(
        refused('login_assurance_too_low'),
      )
    }
  })

  it('must have been confirmed in the app where that was asked for', () => {
    const acr = 'urn:vipps:acr:app_auth'
    expect(read('vipps', { acr }, { confirmInApp: true })).toMatchObject({ acr, assurance: 'low' })
    for (const other of [undefined, `${acr}x`, [acr]]) {
      expect(() => read('vipps', { acr: other }, { confirmInApp: true })).toThrow(refused('login_assurance_too_low'))
    }
    expect(() => read('vipps by idura', { acr }, { confirmInApp: true })).toThrow(refused('login_assurance_too_low'))
  })

  it.each(allWays)('has no personnummer that was not asked for, is none, or is made up: %s', (way) => {
    const { personnummerClaim } = ways[way].definition
    expect(read(way).personnummer).toBe(number)
    expect(read(way, {}, {}, { asksPersonnummer: false }).personnummer).toBeNull()
    expect(read(way, {}, {}, { allowSynthetic: false }).personnummer).toBeNull()
    for (const value of [undefined, '', '02918800046', Number(number), [number], `${number} `]) {
      expect(read(way, { [personnummerClaim]: value }).personnummer).toBeNull()
    }
  })

  it.each([
    ['Kari Nordmann', 'Kari Nordmann'],
    ['  Kari\u00a0\t Nordmann\u200b ', 'Kari Nordmann'],
    ['Ka\u202eri\0', 'Ka ri'],
    ['A\u030asa \ud800', 'Åsa \ufffd'],
    ['ø'.repeat(300), 'ø'.repeat(200)],
    [' ', '—'],
    [undefined, '—'],
  ])('cleans the name %j', (value, expected) => {
    expect(cleanName(value)).toBe(expected)
  })
})
