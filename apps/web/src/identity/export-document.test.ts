import type { PersonalData } from '@nokkel/client'
import { describe, expect, it } from 'vitest'
import { countGroups } from './data-groups.ts'
import { kindName, memberName } from './data-names.ts'
import { renderExport } from './export-document.ts'

const data: PersonalData = {
  format: 'nokkel/export/v1',
  exportedAt: '2026-11-21T12:00:00.000Z',
  userId: '0b9e2f9e-5a0f-4b5e-9b1b-0d3c5b1f8a11',
  contact: null,
  personnummer: null,
  data: {},
}
const hostile = `"'><script>alert(1)</script>&lt;img src=x onerror=alert(2)>`

describe('the export as a page', () => {
  it('never takes what people wrote for a part of itself', () => {
    const html = renderExport({
      ...data,
      personnummer: hostile,
      contact: {
        phoneNumber: hostile,
        email: hostile,
        address: { street: hostile, postalCode: hostile, place: hostile, country: hostile },
        updatedAt: data.exportedAt,
      },
      data: {
        [hostile]: [{ [hostile]: hostile }],
        app_user: [{ name: hostile, list: [hostile, { [hostile]: hostile }], empty: null }],
        notes: [{ about: 'app_user', nb: hostile, en: hostile }],
      },
    })
    expect(html).not.toContain('<script')
    expect(html).not.toContain('<img')
    expect(html).not.toMatch(/="[^"]*alert/)
    // Each of them is there to be read.
    expect(html.match(/&#60;script&#62;alert\(1\)/gi)).toHaveLength(16)
  })

  it('fetches nothing, and forbids itself to', () => {
    const html = renderExport({ ...data, data: { session: [{ id: 'https://example.org/' }] } })
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
    expect(html).not.toMatch(/(?:src|href)="(?!#)|url\(|@import/)
  })

  it('has every row under the name of what it is of, the notes on it, and says what there is nothing of', () => {
    const html = renderExport({
      ...data,
      personnummer: '12345678901',
      data: {
        consent: [{ purpose: 'contact', withdrawn_at: null }, { purpose: 'recognition' }],
        device_key: [],
        audit_log: [],
        app_user: [{ name: 'Kari' }],
        something_new: [{ usedTwice: true, count: 0, at: '2026-11-21T12:00:00Z' }],
        notes: [{ about: 'consent', nb: 'Til dem som leser norsk.', en: 'For readers of English.' }],
      },
    })
    const text = html.replace(/<style>[\s\S]*<\/style>/, '').replace(/<[^>]*>/g, '\n')
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    for (const line of [
      '12345678901',
      'Samtykker',
      '2 rader',
      'Formål',
      'Å kunne nå deg',
      'Å kjenne deg igjen på fødselsnummeret',
      'Something new',
    ]) {
      expect(lines).toContain(line)
    }
    expect(html.match(/(?<=<h2 id="[^"]*">)[^<]*/g)).toEqual(['Kontoen', 'Samtykker', 'Something new'])
    expect(lines).toContain('Til dem som leser norsk.')
    expect(lines).not.toContain('For readers of English.')
    expect(lines.slice(lines.indexOf('Used twice'), lines.indexOf('Used twice') + 2)).toEqual(['Used twice', 'ja'])
    expect(lines.slice(lines.indexOf('Count'), lines.indexOf('Count') + 2)).toEqual(['Count', '0'])
    expect(lines).not.toContain('Tatt tilbake')
    expect(lines.slice(lines.indexOf('Dette har vi ingenting av'))).toEqual([
      'Dette har vi ingenting av',
      'Enheter',
      'Logg over det du har gjort, og det som er gjort med kontoen',
    ])
    expect(text).not.toContain('2026-11-21T12')
  })
})

describe('rows of the export', () => {
  const organization = '1d7a3a52-58c5-4b66-8f6e-b9f0c2b9d001'
  const login = '1d7a3a52-58c5-4b66-8f6e-b9f0c2b9d002'
  const foreign = '1d7a3a52-58c5-4b66-8f6e-b9f0c2b9d003'
  const key = { kty: 'EC', crv: 'P-256', x: 'not-to-be-read', y: 'not-to-be-read' }
  const lines = renderExport({
    ...data,
    data: {
      organization: [{ id: organization, name: 'Fjordhjelpen' }],
      external_identity: [{ id: login, user_id: data.userId, provider: 'vipps', subject: 'abc' }],
      session: [{ user_id: data.userId, organization_id: organization, identity_id: login, ended_reason: 'reuse' }],
      consent: [
        { purpose: 'contact', shares: ['email', 'something_new'], legal_basis: 'gdpr-6-1-a', role: 'toString' },
      ],
      company_member: [{ user_id: foreign, company_id: foreign, role: 'administrator' }],
      device_key: [{ thumbprint: 'abc', encryption_key: key }],
      user_key: [{ public_key: key }],
    },
  })
    .replace(/<style>[\s\S]*<\/style>/, '')
    .split(/<[^>]*>|\n/)
    .filter((line) => line !== '')
  const valuesOf = (member: string) => lines.flatMap((line, index) => (line === member ? [lines[index + 1]] : []))

  it('name organisations and ways to log in, and codes in words', () => {
    expect(valuesOf('Virksomhet')).toEqual(['Fjordhjelpen'])
    expect(valuesOf('Innloggingsmåte')).toEqual(['Vipps'])
    expect(valuesOf('Leverandør')).toEqual(['Vipps'])
    expect(valuesOf('Formål')).toEqual(['Å kunne nå deg'])
    expect(valuesOf('Rolle')).toEqual(['toString', 'Administrator'])
    expect(valuesOf('Opplysninger')).toEqual(['E-post, something_new'])
    expect(valuesOf('Avsluttet fordi')).toEqual(['Noen brukte en nøkkel til økten som alt var brukt'])
  })

  it('leave out that they are the person’s own, and keys that have a fingerprint, and nothing else', () => {
    expect(valuesOf('Bruker')).toEqual([foreign])
    expect(valuesOf('Selskap')).toEqual([foreign])
    expect(valuesOf('Fingeravtrykk')).toEqual(['abc'])
    expect(lines.filter((line) => line.includes('not-to-be-read'))).toHaveLength(2)
  })
})

describe('names of data', () => {
  it('are spelled out where nobody has given one', () => {
    expect(kindName('a_new_table')).toBe('A new table')
    expect(memberName('newThingId')).toBe('New thing id')
  })

  it('group the kinds, count each once and leave out nothing', () => {
    expect(countGroups({ session: 2, external_identity: 1, consent: 0, a_new_table: 3, rfx_bid: 4 })).toEqual([
      ['Innlogginger', 3],
      ['Prosjekter og tilbud', 4],
      ['Annet', 3],
    ])
    expect(countGroups({})).toEqual([])
  })
})
