import { syntheticNationalNumber } from './national-number.ts'
import type { Address, Person, Text } from './person.ts'

const member: Text = { nb: 'Medlem', en: 'Member' }
const coordinator: Text = { nb: 'Koordinator', en: 'Coordinator' }

const oslo = (street: string, postalCode: string): Address => ({
  type: 'home',
  street,
  postalCode,
  region: 'OSLO',
  country: 'NO',
})

interface Sketch extends Omit<Person, 'nationalNumber' | 'phoneNumber' | 'email' | 'addresses'> {
  readonly addresses?: readonly Address[]
  readonly withoutNationalNumber?: true
}

// Subscriber numbers in Norway never begin with 0, so none of these can reach anyone.
function person({ withoutNationalNumber, ...sketch }: Sketch, index: number): Person {
  return {
    ...(withoutNationalNumber ? {} : { nationalNumber: syntheticNationalNumber(sketch.birthDate) }),
    phoneNumber: `470000${String(index + 1).padStart(4, '0')}`,
    email: `${sketch.id}@person.example`,
    addresses: [oslo(`Testveien ${index + 1}`, '0150')],
    ...sketch,
  }
}

const sketches: readonly Sketch[] = [
  {
    id: 'likeperson-koordinator',
    givenName: 'Ingrid',
    familyName: 'Solberg',
    birthDate: '1979-05-14',
    gender: 'female',
    role: coordinator,
    organization: 'Likeperson',
  },
  {
    id: 'likeperson-medlem-1',
    givenName: 'Kari',
    familyName: 'Nordmann',
    birthDate: '1988-11-02',
    gender: 'female',
    role: member,
    organization: 'Likeperson',
    addresses: [
      oslo('Prøvegata 12\nH0302', '0603'),
      { ...oslo('Arbeidsveien 3', '0181'), type: 'work' },
      { type: 'other', street: 'Hytteveien 7', postalCode: '3580', region: 'GEILO', country: 'NO' },
    ],
  },
  {
    id: 'likeperson-medlem-2',
    givenName: 'Ola',
    familyName: 'Fjell',
    birthDate: '1969-02-28',
    gender: 'male',
    role: member,
    organization: 'Likeperson',
  },
  {
    id: 'hjertelaget-koordinator',
    givenName: 'Magnus',
    familyName: 'Haugland',
    birthDate: '1974-08-30',
    gender: 'male',
    role: coordinator,
    organization: 'Hjertelaget',
  },
  {
    id: 'hjertelaget-medlem-1',
    givenName: 'Astrid',
    familyName: 'Bakken',
    birthDate: '1952-12-24',
    gender: 'female',
    role: member,
    organization: 'Hjertelaget',
  },
  {
    id: 'hjertelaget-medlem-2',
    givenName: 'Jonas',
    familyName: 'Myhre',
    birthDate: '1996-04-09',
    gender: 'male',
    role: member,
    organization: 'Hjertelaget',
  },
  {
    id: 'fjordhjelpen-koordinator',
    givenName: 'Silje',
    familyName: 'Vik',
    birthDate: '1985-09-19',
    gender: 'female',
    role: coordinator,
    organization: 'Fjordhjelpen',
  },
  {
    id: 'fjordhjelpen-medlem-1',
    givenName: 'Bjørn',
    familyName: 'Ødegård',
    birthDate: '1961-06-01',
    gender: 'male',
    role: member,
    organization: 'Fjordhjelpen',
  },
  {
    id: 'fjordhjelpen-medlem-2',
    givenName: 'Áile',
    familyName: 'Gaup',
    birthDate: '2003-02-06',
    gender: 'female',
    role: member,
    organization: 'Fjordhjelpen',
  },
  {
    id: 'nordlys-koordinator',
    givenName: 'Henrik',
    familyName: 'Aas',
    birthDate: '1990-01-31',
    gender: 'male',
    role: coordinator,
    organization: 'Nordlys',
  },
  {
    id: 'nordlys-medlem-1',
    givenName: 'Tone',
    familyName: 'Sæther',
    birthDate: '1983-07-22',
    gender: 'female',
    role: member,
    organization: 'Nordlys',
  },
  {
    id: 'nordlys-medlem-2',
    givenName: 'Even',
    familyName: 'Lunde',
    birthDate: '2000-02-29',
    gender: 'male',
    role: member,
    organization: 'Nordlys',
  },
  {
    id: 'administrator',
    givenName: 'Marit',
    familyName: 'Strand',
    birthDate: '1977-10-10',
    gender: 'female',
    role: { nb: 'Administrator', en: 'Administrator' },
  },
  {
    id: 'ny-person',
    givenName: 'Nina',
    familyName: 'Nyland',
    birthDate: '1993-03-17',
    gender: 'female',
    role: { nb: 'Ukjent for systemet', en: 'Not known to the system' },
  },
  {
    id: 'uten-fnr',
    givenName: 'Ulrik',
    familyName: 'Moe',
    birthDate: '1987-05-05',
    gender: 'male',
    role: { nb: 'Uten fødselsnummer', en: 'Without a national number' },
    withoutNationalNumber: true,
  },
  {
    id: 'uten-adresse',
    givenName: 'Ada',
    familyName: 'Tveit',
    birthDate: '1999-12-31',
    gender: 'female',
    role: { nb: 'Uten adresse', en: 'Without an address' },
    addresses: [],
  },
]

/** The synthetic people of the sandbox: three for each partner organisation, and some for special cases. */
export const people: readonly Person[] = sketches.map(person)
