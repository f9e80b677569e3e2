import type { Specification, SpecificationField, SpecificationSection } from '@nokkel/client'

/** What can be done to a specification while it is written; each gives a new one. */
export type Edit =
  | { type: 'add-section' }
  | { type: 'change-section'; id: string; heading: string }
  | { type: 'remove-section'; id: string }
  | { type: 'move-section'; id: string; by: -1 | 1 }
  | { type: 'add-field'; section: string }
  | { type: 'change-field'; id: string; change: Partial<Omit<SpecificationField, 'id'>> }
  | { type: 'remove-field'; id: string }
  | { type: 'move-field'; id: string; by: -1 | 1 }
  | { type: 'replace'; specification: Specification }

export function edit(specification: Specification, change: Edit): Specification {
  const { sections } = specification
  switch (change.type) {
    case 'add-section':
      return { sections: [...sections, { id: crypto.randomUUID(), heading: '', fields: [newField()] }] }
    case 'change-section':
      return { sections: sections.map((one) => (one.id === change.id ? { ...one, heading: change.heading } : one)) }
    case 'remove-section':
      return { sections: sections.filter(({ id }) => id !== change.id) }
    case 'move-section':
      return { sections: moved(sections, change.id, change.by) }
    case 'add-field':
      return inSections(sections, (fields, id) => (id === change.section ? [...fields, newField()] : fields))
    case 'change-field':
      return inSections(sections, (fields) =>
        fields.some(({ id }) => id === change.id)
          ? fields.map((field) => (field.id === change.id ? { ...field, ...change.change } : field))
          : fields,
      )
    case 'remove-field':
      return inSections(sections, (fields) =>
        fields.some(({ id }) => id === change.id) ? fields.filter(({ id }) => id !== change.id) : fields,
      )
    case 'move-field':
      return inSections(sections, (fields) => moved(fields, change.id, change.by))
    case 'replace':
      return change.specification
  }
}

const newField = (): SpecificationField => ({ id: crypto.randomUUID(), label: '', type: 'text', value: '' })

/** Sections whose fields stay the same stay the same object, so that they need not be drawn anew. */
function inSections(
  sections: readonly SpecificationSection[],
  change: (fields: readonly SpecificationField[], sectionId: string) => readonly SpecificationField[],
): Specification {
  return {
    sections: sections.map((section) => {
      const fields = change(section.fields, section.id)
      return fields === section.fields ? section : { ...section, fields }
    }),
  }
}

/** The same list with one of it a place further up or down; at the end it stays. */
function moved<T extends { readonly id: string }>(list: readonly T[], id: string, by: -1 | 1): readonly T[] {
  const from = list.findIndex((one) => one.id === id)
  const one = list[from]
  const to = from + by
  if (!one || to < 0 || to >= list.length) return list
  return list.toSpliced(from, 1).toSpliced(to, 0, one)
}
