import type { Specification } from '@nokkel/client'
import { describe, expect, it } from 'vitest'
import { edit } from './specification-edit.ts'
import { editOpen, startOpen } from './specification-open.ts'
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
const long: Specification = {
  sections: Array.from({ length: 200 }, (_, section) => ({
    id: `s${section}`,
    heading: '',
    fields: Array.from({ length: 50 }, (_, index) => field(`${section}.${index}`, '')),
  })),
}
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

describe('what is not changed', () => {
  it('stays the same object, so that it need not be drawn anew', () => {
    for (const change of [
      { type: 'change-field', id: 'c', change: { value: 'Eik' } },
      { type: 'remove-field', id: 'c' },
      { type: 'move-field', id: 'c', by: -1 },
      { type: 'add-field', section: 'a' },
      { type: 'change-section', id: 'a', heading: 'Kai' },
    ] as const) {
      const [first, second] = edit(specification, change).sections
      expect(first, change.type).not.toEqual(brygge)
      expect(second, change.type).toBe(baathus)
    }
    const changed = edit(specification, { type: 'change-field', id: 'c', change: { value: 'Eik' } })
    expect(changed.sections[0]?.fields[0]).toBe(brygge.fields[0])
  })
})

describe('sections that are unfolded', () => {
  it('are all of a short specification and the first of a long one', () => {
    expect([...startOpen(specification).open]).toEqual(['a', 'd'])
    expect([...startOpen(long).open]).toEqual(['s0'])
  })

  it('fold when there would be too many fields, and by themselves', () => {
    const other = editOpen(startOpen(long), { type: 'unfold', id: 's7' })
    expect([...other.open]).toEqual(['s7'])
    expect(other.specification).toBe(long)
    expect([...editOpen(other, { type: 'fold', id: 's7' }).open]).toEqual([])
    expect([...editOpen(startOpen(specification), { type: 'fold', id: 'a' }).open]).toEqual(['d'])
  })

  it('are joined by one that is added', () => {
    const { specification: longer, open } = editOpen(startOpen(long), { type: 'add-section' })
    expect([...open]).toEqual(['s0', longer.sections.at(-1)?.id])
  })

  it('stay open while something is written in them, however long they get', () => {
    let present = startOpen(long)
    for (let count = 0; count < 20; count++) present = editOpen(present, { type: 'add-field', section: 's0' })
    expect([...present.open]).toEqual(['s0'])
    expect(present.specification.sections[0]?.fields).toHaveLength(70)
  })
})
