import type { Specification } from '@nokkel/client'
import { describe, expect, it } from 'vitest'
import { edit } from './specification-edit.ts'
import { differencesOf, formatValue, normalized, problemOfValue } from './specification-values.ts'

const field = (id: string, value: string, type: 'text' | 'number' | 'date' | 'choice' = 'text') => ({
  id,
  label: `Felt ${id}`,
  type,
  value,
})
const brygge = { id: 'a', heading: 'Brygge', fields: [field('b', '12', 'number'), field('c', 'Furu')] }
const baathus = { id: 'd', heading: 'Båthus', fields: [field('e', 'required', 'choice')] }
const specification: Specification = { sections: [brygge, baathus] }
const idsOf = ({ sections }: Specification) => sections.map(({ id, fields }) => [id, ...fields.map((one) => one.id)])

describe('edit', () => {
  it('adds a section with a field to begin with, and fields, each with an id of its own', () => {
    const { sections } = edit(specification, { type: 'add-section' })
    expect(sections.slice(0, 2)).toEqual(specification.sections)
    expect(sections[2]?.fields).toHaveLength(1)
    const more = edit(specification, { type: 'add-field', section: 'd' })
    expect(more.sections[0]).toEqual(brygge)
    const ids = idsOf(more).flat()
    expect(ids).toHaveLength(6)
    expect(new Set(ids).size).toBe(6)
  })

  it('changes and removes what is named, and nothing else', () => {
    expect(edit(specification, { type: 'change-section', id: 'd', heading: 'Naust' }).sections).toEqual([
      brygge,
      { ...baathus, heading: 'Naust' },
    ])
    const changed = edit(specification, { type: 'change-field', id: 'c', change: { value: 'Eik' } })
    expect(changed.sections[0]?.fields).toEqual([brygge.fields[0], field('c', 'Eik')])
    expect(idsOf(edit(specification, { type: 'remove-field', id: 'b' }))).toEqual([
      ['a', 'c'],
      ['d', 'e'],
    ])
    expect(idsOf(edit(specification, { type: 'remove-section', id: 'a' }))).toEqual([['d', 'e']])
  })

  it.each([
    ['down', 1, ['d', 'a']],
    ['up, beyond the end', -1, ['a', 'd']],
  ] as const)('moves a section %s', (_, by, ids) => {
    expect(edit(specification, { type: 'move-section', id: 'a', by }).sections.map(({ id }) => id)).toEqual(ids)
  })

  it('moves a field within its section', () => {
    expect(idsOf(edit(specification, { type: 'move-field', id: 'c', by: -1 }))).toEqual([
      ['a', 'c', 'b'],
      ['d', 'e'],
    ])
    expect(edit(specification, { type: 'move-field', id: 'c', by: 1 })).toEqual(specification)
  })
})

describe('what is saved', () => {
  it('is what was typed in the form that is stored', () => {
    const typed = edit(edit(specification, { type: 'change-field', id: 'b', change: { value: ' 1 250,5 ' } }), {
      type: 'change-section',
      id: 'a',
      heading: ' Brygge ',
    })
    expect(normalized(typed).sections[0]).toMatchObject({ heading: 'Brygge', fields: [{ value: '1250.5' }, {}] })
  })

  it.each([
    ['', undefined],
    ['12,5', undefined],
    ['1 000', undefined],
    ['tolv', 'Skriv et tall, for eksempel 12,5'],
    ['1,2,3', 'Skriv et tall, for eksempel 12,5'],
    ['-3', 'Skriv et tall, for eksempel 12,5'],
  ])('of the number %j says %j', (value, problem) => {
    expect(problemOfValue({ type: 'number', value })).toBe(problem)
  })

  it.each([
    ['number', '1250.5', '1 250,5'],
    ['date', '2027-05-14', '14. mai 2027'],
    ['choice', 'desired', 'Ønskelig'],
    ['choice', 'of another page', 'of another page'],
    ['text', '', 'Ikke fylt ut'],
  ] as const)('of type %s as %j is shown as %j', (type, value, text) => {
    expect(formatValue({ type, value }).replace(/\s/g, ' ')).toBe(text)
  })
})

describe('differencesOf', () => {
  it('gives both sides of what differs, also of what only one of them has', () => {
    const mine = edit(edit(specification, { type: 'change-field', id: 'b', change: { value: '14' } }), {
      type: 'remove-section',
      id: 'd',
    })
    expect(differencesOf(specification, mine)).toEqual([
      { key: 'b', where: 'Brygge', theirs: 'Felt b: 12', mine: 'Felt b: 14' },
      { key: 'd', where: 'Overskrift', theirs: 'Båthus', mine: 'Finnes ikke' },
      { key: 'e', where: 'Båthus', theirs: 'Felt e: Må være med', mine: 'Finnes ikke' },
    ])
  })

  it('finds nothing in what is only in another order', () => {
    expect(differencesOf(specification, edit(specification, { type: 'move-section', id: 'a', by: 1 }))).toEqual([])
  })
})
