import { Button, Heading, Label, Paragraph, Select, Textfield } from '@digdir/designsystemet-react'
import { ArrowDownIcon, ArrowUpIcon, ChevronDownIcon, ChevronRightIcon, PlusIcon, TrashIcon } from '@navikt/aksel-icons'
import type { SavedSpecification, Specification, SpecificationField, SpecificationSection } from '@nokkel/client'
import { type Dispatch, type FormEvent, memo, useEffect, useId, useReducer, useRef, useState } from 'react'
import { codeOf, type ErrorCode } from '../components/explain.ts'
import { Problem } from '../components/problem.tsx'
import { DraftRestored } from '../drafts/draft-restored.tsx'
import { useKept } from '../drafts/use-draft.ts'
import * as m from '../paraglide/messages.js'
import { useLocale } from '../settings/locale.ts'
import { useProject } from './project.ts'
import { ConflictDialog } from './specification-conflict.tsx'
import { edit } from './specification-edit.ts'
import { editOpen, type OpenEdit, startOpen } from './specification-open.ts'
import { choices, fieldTypeName, fieldTypes, normalized, problemOfValue } from './specification-values.ts'
import { useUnsaved } from './unsaved.ts'

/** What is there again after a lock. */
export interface SpecificationDraft {
  readonly specification: Specification
  readonly revision: number
}

export const specificationPlace = (rfxId: string): string => `/rfx/${rfxId}`

interface SpecificationEditorProps {
  initial: Specification
  /** Whether it is what was written before a lock, and not what is saved. */
  isRestored: boolean
  /** What it was read as. */
  revision: number
  onClose: () => void
}

/** Writes the specification. When somebody else saved meanwhile, both are shown and the person decides. */
export function SpecificationEditor({ initial, isRestored, revision, onClose }: SpecificationEditorProps) {
  const { rfx } = useProject()
  const [begun] = useState(() => (initial.sections.length > 0 ? initial : edit(initial, { type: 'add-section' })))
  const [{ specification, open }, change] = useReducer(editOpen, begun, startOpen)
  const [basedOn, setBasedOn] = useState(revision)
  const [saving, setSaving] = useState(false)
  const [failed, setFailed] = useState<{ code: ErrorCode | undefined }>()
  const [theirs, setTheirs] = useState<SavedSpecification>()
  const [checked, setChecked] = useState(false)
  const [saved, setSaved] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  // A second click comes before the first one is drawn.
  const running = useRef(false)
  const isUnsaved = (isRestored || specification !== begun) && !saved
  useUnsaved(isUnsaved)
  useKept(specificationPlace(rfx.id), () =>
    isUnsaved ? ({ specification, revision: basedOn } satisfies SpecificationDraft) : undefined,
  )

  async function save(onTopOf: number) {
    if (running.current) return
    running.current = true
    setSaving(true)
    setFailed(undefined)
    try {
      await rfx.saveSpecification(normalized(specification), onTopOf)
      setSaved(true)
      onClose()
    } catch (error) {
      const code = codeOf(error)
      const latest = code === 'revision_stale' ? await rfx.specification().catch(() => null) : null
      if (latest) setTheirs(latest)
      else setFailed({ code })
    } finally {
      running.current = false
      setSaving(false)
    }
  }

  function submit(event: FormEvent) {
    event.preventDefault()
    setChecked(true)
    const wrong = specification.sections.find(({ fields }) => fields.some((field) => problemOfValue(field)))
    if (!wrong) {
      void save(basedOn)
      return
    }
    change({ type: 'unfold', id: wrong.id })
    requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
  }

  return (
    <form ref={form} className="stack" noValidate onSubmit={submit} aria-labelledby="specification">
      <Heading id="specification" level={2} data-size="xs">
        {m.spec_editing()}
      </Heading>
      {isRestored && <DraftRestored />}
      <fieldset className="form-fields" disabled={saving}>
        {specification.sections.map((section, index) => (
          <SectionEditor
            key={section.id}
            section={section}
            isOpen={open.has(section.id)}
            number={index + 1}
            isLast={index === specification.sections.length - 1}
            checked={checked}
            change={change}
          />
        ))}
        <div className="actions">
          <Button
            variant="secondary"
            disabled={specification.sections.length >= 200}
            onClick={() => change({ type: 'add-section' })}
          >
            <PlusIcon aria-hidden />
            {m.spec_add_section()}
          </Button>
        </div>
      </fieldset>
      {failed && <Problem code={failed.code} />}
      <div className="form-bar">
        <Button type="submit" loading={saving}>
          {saving ? m.saving() : m.save()}
        </Button>
        <Button variant="secondary" disabled={saving} onClick={onClose}>
          {m.cancel()}
        </Button>
        <Paragraph data-size="sm">{m.spec_lock()}</Paragraph>
      </div>
      {theirs && (
        <ConflictDialog
          theirs={theirs}
          mine={normalized(specification)}
          saving={saving}
          onKeepMine={() => {
            setTheirs(undefined)
            setBasedOn(theirs.revision)
            void save(theirs.revision)
          }}
          onTakeTheirs={onClose}
          onBack={() => {
            setTheirs(undefined)
            setBasedOn(theirs.revision)
          }}
        />
      )}
    </form>
  )
}

interface SectionEditorProps {
  section: SpecificationSection
  isOpen: boolean
  number: number
  isLast: boolean
  checked: boolean
  change: Dispatch<OpenEdit>
}

/** One section; folded it is a line, because a page of thousands of inputs is too slow to write in. */
const SectionEditor = memo(function SectionEditor(props: SectionEditorProps) {
  const { section, isOpen, number, isLast, checked, change } = props
  const { id, heading, fields } = section
  useLocale()
  const name = heading.trim() || m.spec_section_number({ number })
  const Chevron = isOpen ? ChevronDownIcon : ChevronRightIcon
  return (
    <section className="spec-edit" aria-label={name}>
      <div className="spec-edit-title">
        <Button
          variant="tertiary"
          data-size="sm"
          aria-expanded={isOpen}
          onClick={() => change(isOpen ? { type: 'fold', id } : { type: 'unfold', id })}
        >
          <Chevron aria-hidden />
          <span className="spec-edit-name">{name}</span>
          <span className="row-note">{m.spec_field_count({ count: fields.length })}</span>
        </Button>
        <Tools
          name={name}
          isFirst={number === 1}
          isLast={isLast}
          onMove={(by) => change({ type: 'move-section', id, by })}
          onRemove={() => change({ type: 'remove-section', id })}
        />
      </div>
      {isOpen && (
        <>
          <Textfield
            label={m.spec_heading()}
            value={heading}
            maxLength={500}
            autoComplete="off"
            onChange={(event) => change({ type: 'change-section', id, heading: event.target.value })}
          />
          {fields.map((field, index) => (
            <FieldEditor
              key={field.id}
              field={field}
              number={index + 1}
              isLast={index === fields.length - 1}
              checked={checked}
              change={change}
            />
          ))}
          <div className="actions">
            <Button
              variant="tertiary"
              data-size="sm"
              disabled={fields.length >= 200}
              onClick={() => change({ type: 'add-field', section: id })}
            >
              <PlusIcon aria-hidden />
              {m.spec_add_field()}
            </Button>
          </div>
        </>
      )}
    </section>
  )
})

interface FieldEditorProps {
  field: SpecificationField
  number: number
  isLast: boolean
  checked: boolean
  change: Dispatch<OpenEdit>
}

const FieldEditor = memo(function FieldEditor({ field, number, isLast, checked, change }: FieldEditorProps) {
  const { id, label, type, value } = field
  useLocale()
  const select = useId()
  const name = label.trim() || m.spec_field_number({ number })
  const set = (changed: Partial<Omit<SpecificationField, 'id'>>) =>
    change({ type: 'change-field', id, change: changed })
  return (
    <fieldset className="spec-edit-field">
      <legend className="ds-sr-only">{name}</legend>
      <Textfield
        label={m.spec_label()}
        value={label}
        maxLength={500}
        autoComplete="off"
        onChange={(event) => set({ label: event.target.value })}
      />
      <div className="field spec-edit-type">
        <Label htmlFor={select}>{m.spec_type()}</Label>
        <Select
          id={select}
          value={type}
          // What one type takes another may not.
          onChange={(event) => set({ type: event.target.value as SpecificationField['type'], value: '' })}
        >
          {fieldTypes.map((one) => (
            <Select.Option key={one} value={one}>
              {fieldTypeName[one]()}
            </Select.Option>
          ))}
        </Select>
      </div>
      <ValueEditor type={type} value={value} checked={checked} onChange={(changed) => set({ value: changed })} />
      <Tools
        name={name}
        isFirst={number === 1}
        isLast={isLast}
        onMove={(by) => change({ type: 'move-field', id, by })}
        onRemove={() => change({ type: 'remove-field', id })}
      />
    </fieldset>
  )
})

interface ValueEditorProps extends Pick<SpecificationField, 'type' | 'value'> {
  checked: boolean
  onChange: (value: string) => void
}

function ValueEditor({ type, value, checked, onChange }: ValueEditorProps) {
  const select = useId()
  if (type === 'choice') {
    return (
      <div className="field spec-edit-value">
        <Label htmlFor={select}>{m.spec_value()}</Label>
        <Select id={select} value={value} onChange={(event) => onChange(event.target.value)}>
          <Select.Option value="">{m.spec_empty_value()}</Select.Option>
          {Object.entries(choices).map(([choice, text]) => (
            <Select.Option key={choice} value={choice}>
              {text()}
            </Select.Option>
          ))}
          {value !== '' && !choices[value] && <Select.Option value={value}>{value}</Select.Option>}
        </Select>
      </div>
    )
  }
  const common = {
    className: 'spec-edit-value',
    label: m.spec_value(),
    value,
    autoComplete: 'off',
    error: checked ? problemOfValue({ type, value }) : undefined,
    onChange: (event: { target: { value: string } }) => onChange(event.target.value),
  }
  if (type === 'text') return <Textfield multiline rows={2} {...common} />
  return <Textfield {...(type === 'date' ? { type: 'date' } : { inputMode: 'decimal' as const })} {...common} />
}

interface ToolsProps {
  name: string
  isFirst: boolean
  isLast: boolean
  onMove: (by: -1 | 1) => void
  onRemove: () => void
}

/** Moves something up or down or takes it away. What cannot be done is not offered, so that the focus is where it was. */
function Tools({ name, isFirst, isLast, onMove, onRemove }: ToolsProps) {
  const group = useRef<HTMLDivElement>(null)
  const [moved, setMoved] = useState(0)
  // The button one pressed goes when the end is reached; the focus then stays with what was moved.
  useEffect(() => {
    if (moved > 0 && document.activeElement === document.body) group.current?.querySelector('button')?.focus()
  }, [moved])
  const move = (by: -1 | 1) => {
    onMove(by)
    setMoved((count) => count + 1)
  }
  return (
    <div ref={group} className="spec-tools">
      {!isFirst && (
        <Button icon variant="tertiary" data-size="sm" aria-label={m.spec_move_up({ name })} onClick={() => move(-1)}>
          <ArrowUpIcon aria-hidden />
        </Button>
      )}
      {!isLast && (
        <Button icon variant="tertiary" data-size="sm" aria-label={m.spec_move_down({ name })} onClick={() => move(1)}>
          <ArrowDownIcon aria-hidden />
        </Button>
      )}
      <Button
        icon
        variant="tertiary"
        data-size="sm"
        data-color="danger"
        aria-label={m.spec_remove({ name })}
        onClick={onRemove}
      >
        <TrashIcon aria-hidden />
      </Button>
    </div>
  )
}
