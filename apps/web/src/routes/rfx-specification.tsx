import { Button, Heading } from '@digdir/designsystemet-react'
import { FileTextIcon, PencilIcon } from '@navikt/aksel-icons'
import type { SavedSpecification, Specification } from '@nokkel/client'
import { useState } from 'react'
import { Empty } from '../components/empty.tsx'
import { codeOf } from '../components/explain.ts'
import { ListSkeleton } from '../components/list-skeleton.tsx'
import { Problem } from '../components/problem.tsx'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'
import { useSpecification } from '../queries/rfx.ts'
import { useProject } from '../rfx/project.ts'
import { SpecificationEditor } from '../rfx/specification-editor.tsx'
import { formatValue } from '../rfx/specification-values.ts'
import { useLocale } from '../settings/locale.ts'

const nothing: Specification = { sections: [] }

export function SpecificationPage() {
  useLocale()
  const { rfx, details } = useProject()
  const query = useSpecification(rfx)
  const [editing, setEditing] = useState<{ readonly specification: Specification; readonly revision: number }>()
  const mayWrite = details.role === 'buyer' && (details.status === 'draft' || details.status === 'in_review')
  const saved = query.data
  const start = () => setEditing({ specification: saved?.specification ?? nothing, revision: saved?.revision ?? 0 })

  if (editing) {
    return (
      <SpecificationEditor
        initial={editing.specification}
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
        {mayWrite && saved && saved.specification.sections.length > 0 && (
          <Button variant="secondary" onClick={start}>
            <PencilIcon aria-hidden />
            {m.spec_edit()}
          </Button>
        )}
      </div>
      {query.isPending && <ListSkeleton reason={m.spec_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {query.isSuccess && (!saved || saved.specification.sections.length === 0) && (
        <Empty
          icon={<FileTextIcon aria-hidden />}
          title={m.spec_empty_title()}
          body={mayWrite ? m.spec_empty_body_buyer() : m.spec_empty_body()}
        >
          {mayWrite && <Button onClick={start}>{m.spec_begin()}</Button>}
        </Empty>
      )}
      {saved && saved.specification.sections.length > 0 && <SpecificationText saved={saved} />}
    </section>
  )
}

function SpecificationText({ saved: { specification, author, writtenAt } }: { saved: SavedSpecification }) {
  return (
    <>
      <p className="row-meta">
        <span>{m.spec_saved_by({ name: author.name ?? m.rfx_somebody() })}</span>
        <When at={writtenAt} />
      </p>
      {specification.sections.map(({ id, heading, fields }) => (
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
      ))}
    </>
  )
}
