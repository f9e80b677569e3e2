import type { PersonalData } from '@nokkel/client'
import { providerName } from '../components/format.ts'
import * as m from '../paraglide/messages.js'
import { roleName as projectRoleName } from '../rfx/names.ts'
import { roleName } from '../role.ts'
import { basisName, purposeName, shareName } from './consent-names.ts'

type Names = Readonly<Record<string, () => string>>
type Row = Readonly<Record<string, unknown>>

const provider: Names = {
  bankid: () => providerName('bankid'),
  vipps: () => providerName('vipps'),
  typed: m.pnr_source_typed,
}

/** What the codes of a member are called, by its name in a row. */
const codes: Readonly<Record<string, Names>> = {
  provider,
  source: provider,
  personnummer_source: provider,
  purpose: purposeName,
  legal_basis: basisName,
  shares: shareName,
  role: { ...projectRoleName, ...roleName },
  ended_reason: {
    signed_out: m.ended_signed_out,
    revoked: m.ended_revoked,
    reuse: m.ended_reuse,
    device_superseded: m.ended_device_superseded,
    device_revoked: m.ended_device_revoked,
    merged: m.ended_merged,
    erased: m.ended_erased,
  },
}

/** What a code of this member is called; one that this version does not know is shown as it is. */
export function codeName(member: string, value: string): string {
  const names = codes[member]
  return (names && Object.hasOwn(names, value) && names[value]?.()) || value
}

/** What the ids in an export stand for, where it has the name: organisations, companies, devices and ways to log in. */
export function namesOfIds({ userId, data }: PersonalData): ReadonlyMap<string, string> {
  const named = (rows: readonly Row[] = [], nameOf: (row: Row) => unknown): (readonly [string, string])[] =>
    rows.flatMap((row) => {
      const name = nameOf(row)
      return typeof row.id === 'string' && typeof name === 'string' && name !== '' ? [[row.id, name]] : []
    })
  return new Map([
    ...named(data.organization, ({ name }) => name),
    ...named(data.company, ({ name }) => name),
    ...named(data.device_key, ({ name, device_name }) => name ?? device_name),
    ...named(data.external_identity, (row) =>
      typeof row.provider === 'string' ? codeName('provider', row.provider) : undefined,
    ),
    [userId, m.export_page_you()] as const,
  ])
}

const own: readonly string[] = ['user_id', 'auth_user_id']

/** What a page for people goes without: that a row is theirs, and keys whose fingerprint it has. The file for machines has all. */
export function isLeftOut(member: string, value: unknown, row: Row, userId: string): boolean {
  if (own.includes(member)) return value === userId
  const isKey = /(?:^|_)key$/.test(member) && typeof value === 'object' && value !== null
  return isKey && Object.keys(row).some((name) => name.endsWith('thumbprint'))
}
