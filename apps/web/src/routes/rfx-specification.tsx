import { Alert, Button, Heading, Paragraph } from '@digdir/designsystemet-react'
import { FileTextIcon, PencilIcon } from '@navikt/aksel-icons'
import type { SavedSpecification, Specification, SpecificationSection } from '@nokkel/client'
import { memo, useState } from 'react'
import { Empty } from '../components/empty.tsx'
import { codeOf } from '../components/explain.ts'
import { ListSkeleton } from '../components/list-skeleton.tsx'
import { Problem } from '../components/problem.tsx'
import { When } from '../components/when.tsx'
import { useRestored } from '../drafts/use-draft.ts'
import * as m from '../paraglide/messages.js'
import { useSpecification } from '../queries/rfx.ts'
import { useProject } from '../rfx/project.ts'
import { type SpecificationDraft, SpecificationEditor, specificationPlace } from '../rfx/specification-editor.tsx'
import { formatValue } from '../rfx/specification-values.ts'
import { useLocale } from '../settings/locale.ts'

const nothing: Specification = { sections: [] }

export function SpecificationPage() {
  useLocale()
  const { rfx, details } = useProject()
  const query = useSpecification(rfx)
  const restored = useRestored<SpecificationDraft>(specificationPlace(rfx.id))
  const [editing, setEditing] = useState(restored)
  const mayWrite = details.role === 'buyer' && (details.status === 'draft' || details.status === 'in_review')
  const saved = query.data
  const sections = saved?.specification?.sections ?? []
  const unreadable = saved?.specification === null
  const start = () => setEditing({ specification: saved?.specification ?? nothing, revision: saved?.revision ?? 0 })

  if (editing) {
    return (
      <SpecificationEditor
        initial={editing.specification}
        isRestored={editing === restored}
        revision={editing.revision}
        onClose={() => {
          setEditing(undefined)
          void query.refetch()
        }}
      />
    )
  }
  return (
    <section className="stack" aria-labelledby="specification">
      <div className="page-head">
        <Heading id="specification" level={2} data-size="xs">
          {m.rfx_part_specification()}
        </Heading>
        {mayWrite && sections.length > 0 && (
          <Button variant="secondary" onClick={start}>
            <PencilIcon aria-hidden />
            {m.spec_edit()}
          </Button>
        )}
      </div>
      {query.isPending && <ListSkeleton reason={m.spec_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {saved && unreadable && (
        <Alert data-color="warning" className="notice">
          <Heading level={3} data-size="2xs">
            {m.spec_unreadable_title()}
          </Heading>
          <div className="notice-body">
            <SavedBy saved={saved} />
            <Paragraph>{mayWrite ? m.spec_unreadable_writer() : m.spec_unreadable_reader()}</Paragraph>
            {mayWrite && <Button onClick={start}>{m.spec_begin_anew()}</Button>}
          </div>
        </Alert>
      )}
      {query.isSuccess && !unreadable && sections.length === 0 && (
        <Empty
          icon={<FileTextIcon aria-hidden />}
          title={m.spec_empty_title()}
          body={mayWrite ? m.spec_empty_body_buyer() : m.spec_empty_body()}
        >
          {mayWrite && <Button onClick={start}>{m.spec_begin()}</Button>}
        </Empty>
      )}
      {saved && sections.length > 0 && (
        <>
          <SavedBy saved={saved} />
          <SpecificationText revision={saved.revision} sections={sections} />
        </>
      )}
    </section>
  )
}

function SavedBy({ saved: { author, writtenAt } }: { saved: SavedSpecification }) {
  return (
    <p className="row-meta">
      <span>{m.spec_saved_by({ name: author.name ?? m.rfx_somebody() })}</span>
      <When at={writtenAt} />
    </p>
  )
}

interface SpecificationTextProps {
  revision: number
  sections: readonly SpecificationSection[]
}

/** It may have tens of thousands of fields, and is fetched again and again: drawn anew only when it is another revision. */
const SpecificationText = memo(
  function SpecificationText({ sections }: SpecificationTextProps) {
    useLocale()
    return sections.map(({ id, heading, fields }) => (
      <section key={id} className="spec-section" aria-labelledby={id}>
        <Heading id={id} level={3} data-size="2xs">
          {heading || m.spec_unnamed()}
        </Heading>
        <dl className="spec-fields">
          {fields.map((field) => (
            <div key={field.id} className="spec-field">
              <dt>{field.label || m.spec_unnamed()}</dt>
              <dd className={field.value === '' ? 'spec-empty' : undefined}>{formatValue(field)}</dd>
            </div>
          ))}
        </dl>
      </section>
    ))
  },
  (before, after) => before.revision === after.revision,
)
