import type { TestApi } from '../api.ts'
import type { TestDatabase } from '../database.ts'
import { createCompanyOf, storeCompanyKey } from '../managed-keys.ts'
import { createOrganization } from '../people.ts'
import { testPrivateKeys } from '../rsa-keys.ts'
import { createRfxPerson, type RfxPerson } from './person.ts'

/** Those who take part in projects, each with a key that no other of them has, and those who do not. */
export interface BiddingCast {
  readonly organization: string
  readonly companies: { readonly buyer: string; readonly first: string; readonly second: string }
  /** Of the buyer company. */
  readonly kari: RfxPerson
  readonly silje: RfxPerson
  readonly developer: RfxPerson
  /** Of the first supplier. */
  readonly bjorn: RfxPerson
  readonly berit: RfxPerson
  /** Of the second supplier. */
  readonly aile: RfxPerson
  /** In the organisation, and in nothing else. */
  readonly outsider: RfxPerson
  /** A developer of another organisation. */
  readonly stranger: RfxPerson
}

export async function createBiddingCast(database: TestDatabase, api: TestApi): Promise<BiddingCast> {
  const organization = await createOrganization(database)
  const texts = testPrivateKeys.toReversed()
  const person = (name: string, options: { readonly developer?: boolean; readonly of?: string } = {}) => {
    const { of = organization, ...rest } = options
    const text = texts.pop() ?? testPrivateKeys[0] ?? ''
    return createRfxPerson(database, api, of, { name, text, ...rest })
  }
  const kari = await person('Kari Nordmann')
  const silje = await person('Silje Vik')
  const developer = await person('Marit Strand', { developer: true })
  const bjorn = await person('Bjørn Haugen')
  const berit = await person('Berit Lund')
  const aile = await person('Áile Sara')
  const outsider = await person('Ola Fjell')
  const stranger = await person('Jon Dahl', { of: await createOrganization(database), developer: true })
  const company = (administrator: RfxPerson, ...members: RfxPerson[]) =>
    createCompanyOf(database, organization, {
      [administrator.id]: 'administrator',
      ...Object.fromEntries(members.map(({ id }) => [id, 'member' as const])),
    })
  const companies = {
    buyer: await company(silje, kari),
    first: await company(bjorn, berit),
    second: await company(aile),
  }
  // The opening key is not at Kari alone.
  await storeCompanyKey(database, api, companies.buyer, testPrivateKeys[0] ?? '')
  return { organization, companies, kari, silje, developer, bjorn, berit, aile, outsider, stranger }
}
