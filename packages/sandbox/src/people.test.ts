import { idnr } from '@navikt/fnrvalidator'
import { expect, test } from 'vitest'
import { people } from './people.ts'
import { fullName } from './person.ts'
import { bankidAltsub, bankidSubject, vippsSubject } from './subjects.ts'

const distinct = (values: readonly unknown[]) => new Set(values).size

test('every partner organisation has a coordinator and two members', () => {
  const ids = people.map(({ id }) => id)
  for (const slug of ['likeperson', 'hjertelaget', 'fjordhjelpen', 'nordlys']) {
    expect(ids).toEqual(expect.arrayContaining([`${slug}-koordinator`, `${slug}-medlem-1`, `${slug}-medlem-2`]))
  }
  expect(ids).toEqual(expect.arrayContaining(['administrator', 'ny-person', 'uten-fnr', 'uten-adresse']))
})

test('the people of the seed data keep their names', () => {
  const names = Object.fromEntries(people.map((person) => [person.id, fullName(person)]))
  expect(names).toMatchObject({
    'likeperson-koordinator': 'Ingrid Solberg',
    'likeperson-medlem-1': 'Kari Nordmann',
    'likeperson-medlem-2': 'Ola Fjell',
  })
})

test('identifiers, names, phone numbers, addresses and subjects are each distinct', () => {
  for (const of of [
    people.map(({ id }) => id),
    people.map(fullName),
    people.map(({ phoneNumber }) => phoneNumber),
    people.map(({ email }) => email),
    people.map(({ id }) => bankidAltsub(id)),
    people.map(({ id }) => vippsSubject('likeperson', id)),
  ]) {
    expect(distinct(of)).toBe(people.length)
  }
})

test('national numbers are synthetic, valid and distinct; one person has none', () => {
  const numbers = people.flatMap(({ nationalNumber }) => nationalNumber ?? [])
  expect(people.filter(({ nationalNumber }) => nationalNumber === undefined).map(({ id }) => id)).toEqual(['uten-fnr'])
  expect(distinct(numbers)).toBe(people.length - 1)
  for (const number of numbers) expect(idnr(number)).toEqual({ status: 'valid', type: 'tnr' })
})

test('phone numbers cannot reach anyone and e-mail addresses are reserved', () => {
  for (const { phoneNumber, email } of people) {
    expect(phoneNumber).toMatch(/^470\d{7}$/)
    expect(email).toMatch(/^[a-z0-9-]+@person\.example$/)
  }
})

test('subjects are pinned: seed data names them', () => {
  expect(bankidAltsub('likeperson-medlem-1')).toBe('9578-6000-4-7958655')
  expect(vippsSubject('x', 'likeperson-medlem-1')).toBe('cb888a04-329c-8385-ae13-d36f6f0f922a')
})

test('a Vipps subject belongs to one client, a bankid_altsub to the person, and sub is not bankid_altsub', () => {
  expect(vippsSubject('a', 'ny-person')).not.toBe(vippsSubject('b', 'ny-person'))
  expect(bankidSubject('a', 'ny-person')).not.toBe(bankidSubject('b', 'ny-person'))
  expect(bankidSubject('a', 'ny-person')).not.toBe(vippsSubject('a', 'ny-person'))
  expect(bankidAltsub('ny-person')).toMatch(/^9578-6000-4-\d{7}$/)
})
