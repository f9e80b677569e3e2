import type { Specification, SpecificationField, SpecificationFieldType } from '@nokkel/client'
import { formatDay, formatNumber, parseNumber } from '../components/format.ts'
import * as m from '../paraglide/messages.js'

export const fieldTypes = ['text', 'number', 'date', 'choice'] as const

export const fieldTypeName: Record<SpecificationFieldType, () => string> = {
  text: m.spec_type_text,
  number: m.spec_type_number,
  date: m.spec_type_date,
  choice: m.spec_type_choice,
}

/** What is chosen between, as it is stored. */
export const choices: Record<string, () => string> = {
  required: m.spec_choice_required,
  desired: m.spec_choice_desired,
  not_needed: m.spec_choice_not_needed,
}

/** A value in words; what is not filled in says so. */
export function formatValue({ type, value }: Pick<SpecificationField, 'type' | 'value'>): string {
  if (value === '') return m.spec_empty_value()
  switch (type) {
    case 'number':
      return formatNumber(value)
    case 'date':
      return formatDay(value)
    case 'choice':
      return choices[value]?.() ?? value
    case 'text':
      return value
  }
}

/** What is wrong with what was typed; nothing when it can be saved. */
export function problemOfValue({ type, value }: Pick<SpecificationField, 'type' | 'value'>): string | undefined {
  return type === 'number' && value.trim() !== '' && parseNumber(value) === null ? m.spec_number_wrong() : undefined
}

/** What was typed in the form it is stored in. */
export function normalized({ sections }: Specification): Specification {
  return {
    sections: sections.map(({ id, heading, fields }) => ({
      id,
      heading: heading.trim(),
      fields: fields.map((field) => ({ ...field, label: field.label.trim(), value: storedValue(field) })),
    })),
  }
}

function storedValue({ type, value }: SpecificationField): string {
  if (type === 'number') return parseNumber(value) ?? ''
  return type === 'text' ? value.trim() : value
}

export interface Difference {
  readonly key: string
  readonly where: string
  readonly theirs: string
  readonly mine: string
}

/** Where two specifications say different things: headings, fields, and what only one of them has. */
export function differencesOf(theirs: Specification, mine: Specification): Difference[] {
  const [a, b] = [linesOf(theirs), linesOf(mine)]
  const differences: Difference[] = []
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const [their, my] = [a.get(key), b.get(key)]
    if (their?.text === my?.text) continue
    const where = my?.where ?? their?.where ?? ''
    differences.push({ key, where, theirs: their?.text ?? m.spec_not_there(), mine: my?.text ?? m.spec_not_there() })
  }
  return differences
}

function linesOf({ sections }: Specification): Map<string, { where: string; text: string }> {
  const lines = new Map<string, { where: string; text: string }>()
  for (const { id, heading, fields } of sections) {
    lines.set(id, { where: m.spec_heading(), text: heading })
    for (const field of fields) {
      lines.set(field.id, { where: heading, text: `${field.label || m.spec_unnamed()}: ${formatValue(field)}` })
    }
  }
  return lines
}
