import type { TestApi } from '../api.ts'
import type { TestDatabase } from '../database.ts'
import { createCompanyOf, storeCompanyKey } from '../managed-keys.ts'
import { createOrganization } from '../people.ts'
import { testPrivateKeys } from '../rsa-keys.ts'
import { createRfxPerson, type RfxPerson } from './person.ts'
import { createProjectAt, type ProjectStages } from './projects.ts'

/** One organisation with those who meet in its projects, and somebody of another. Everyone has a key. */
export interface RfxCast {
  readonly organization: string
  /** Administrator of the buyer company, and who makes the projects. */
  readonly buyer: RfxPerson
  /** Of the buyer company, as `another`. */
  readonly colleague: RfxPerson
  readonly another: RfxPerson
  readonly developer: RfxPerson
  readonly reviewer: RfxPerson
  readonly supplier: RfxPerson
  readonly supplierColleague: RfxPerson
  /** Of a company that is not invited unless a test does. */
  readonly rival: RfxPerson
  /** In the organisation, and in no company. */
  readonly outsider: RfxPerson
  readonly administrator: RfxPerson
  /** Of another organisation, where they administer a company and the organisation. */
  readonly stranger: RfxPerson
  /** These two companies have a key; that of the rival has none. */
  readonly company: string
  readonly supplierCompany: string
  readonly rivalCompany: string
}

export async function createRfxCast(database: TestDatabase, api: TestApi): Promise<RfxCast> {
  const organization = await createOrganization(database)
  const elsewhere = await createOrganization(database)
  const person = (options: Parameters<typeof createRfxPerson>[3] = {}, of = organization) =>
    createRfxPerson(database, api, of, options)
  const [buyer, colleague, another] = [
    await person({ name: 'Silje Vik' }),
    await person({ name: 'Kari Nordmann' }),
    await person({ name: 'Tone Sæther' }),
  ]
  const [developer, reviewer] = [
    await person({ name: 'Marit Strand', developer: true }),
    await person({ name: 'Ingrid Solberg', developer: true }),
  ]
  const [supplier, supplierColleague, rival] = [
    await person({ name: 'Bjørn Ødegård' }),
    await person({ name: 'Áile Gaup' }),
    await person({ name: 'Ola Fjell' }),
  ]
  const [outsider, administrator] = [
    await person({ name: 'Even Lunde' }),
    await person({ name: 'Henrik Aas', role: 'administrator' }),
  ]
  const stranger = await person({ name: 'Jonas Myhre', role: 'administrator', developer: true }, elsewhere)
  await createCompanyOf(database, elsewhere, { [stranger.id]: 'administrator' })
  const company = await createCompanyOf(database, organization, {
    [buyer.id]: 'administrator',
    [colleague.id]: 'member',
    [another.id]: 'member',
  })
  const supplierCompany = await createCompanyOf(database, organization, {
    [supplier.id]: 'administrator',
    [supplierColleague.id]: 'member',
  })
  const rivalCompany = await createCompanyOf(database, organization, { [rival.id]: 'administrator' })
  for (const id of [company, supplierCompany]) await storeCompanyKey(database, api, id, testPrivateKeys[1])
  return {
    organization,
    buyer,
    colleague,
    another,
    developer,
    reviewer,
    supplier,
    supplierColleague,
    rival,
    outsider,
    administrator,
    stranger,
    company,
    supplierCompany,
    rivalCompany,
  }
}

/** A project of the buyer with the supplier company invited, that has come so far; the key is with everyone. */
export function createProjectOf(
  api: TestApi,
  { buyer, developer, company, supplierCompany }: RfxCast,
  stages: Partial<ProjectStages> = {},
): Promise<string> {
  return createProjectAt(api, { buyer, developer, companyId: company, suppliers: [supplierCompany], ...stages })
}
