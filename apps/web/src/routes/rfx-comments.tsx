import { Button, Heading, Label, Select, Tag, Textfield } from '@digdir/designsystemet-react'
import { Chat2Icon } from '@navikt/aksel-icons'
import { type FormEvent, useId, useState } from 'react'
import { Empty } from '../components/empty.tsx'
import { codeOf } from '../components/explain.ts'
import { ListSkeleton } from '../components/list-skeleton.tsx'
import { LockLine } from '../components/lock-line.tsx'
import { Problem } from '../components/problem.tsx'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'
import { useComments, useSpecification } from '../queries/rfx.ts'
import { roleName } from '../rfx/names.ts'
import { useProject } from '../rfx/project.ts'
import { TrustKeys } from '../rfx/trust-keys.tsx'
import { type CommentDraft, useUnsaved } from '../rfx/unsaved.ts'
import { useWork } from '../rfx/use-work.ts'
import { useLocale } from '../settings/locale.ts'

export function CommentsPage() {
  useLocale()
  const { rfx, details, me } = useProject()
  const query = useComments(rfx)
  const { data: saved } = useSpecification(rfx)
  const sections = saved?.specification?.sections ?? []
  const headingOf = (id: string | null) => sections.find((section) => section.id === id)?.heading
  const comments = query.data?.toSorted((a, b) => a.sequence - b.sequence) ?? []

  return (
    <section className="stack" aria-labelledby="comments">
      <Heading id="comments" level={2} data-size="xs">
        {m.rfx_part_comments()}
      </Heading>
      {query.isPending && <ListSkeleton reason={m.comment_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {query.isSuccess && comments.length === 0 && (
        <Empty
          icon={<Chat2Icon aria-hidden />}
          title={m.comment_empty_title()}
          body={details.status === 'closed' ? m.comment_empty_closed() : m.comment_empty_body()}
        />
      )}
      {comments.length > 0 && (
        <ol className="comments" aria-label={m.rfx_part_comments()}>
          {comments.map(({ id, text, section, author, writtenAt }) => (
            <li key={id} className={author.id === me.id ? 'comment comment-mine' : 'comment'}>
              <p className="device-name">
                <span className="row-title">{author.name ?? m.rfx_other_supplier()}</span>
                {author.role && <Tag data-color="neutral">{roleName[author.role]()}</Tag>}
              </p>
              <p className="row-meta">
                <When at={writtenAt} />
                {section !== null && (
                  <span>{m.comment_about({ heading: headingOf(section) ?? m.spec_unnamed() })}</span>
                )}
              </p>
              {text === null ? (
                <p className="row-note">{m.comment_damaged()}</p>
              ) : (
                <p className="comment-text">{text}</p>
              )}
            </li>
          ))}
        </ol>
      )}
      {details.status !== 'closed' && <CommentForm sections={sections} onWritten={() => void query.refetch()} />}
    </section>
  )
}

interface CommentFormProps {
  sections: readonly { readonly id: string; readonly heading: string }[]
  onWritten: () => void
}

function CommentForm({ sections, onWritten }: CommentFormProps) {
  const { rfx, details, unsaved } = useProject()
  const select = useId()
  const [text, setText] = useState(unsaved.comment.text)
  const [section, setSection] = useState(unsaved.comment.section)
  const [checked, setChecked] = useState(false)
  const missing = text.trim() === ''
  const write = useWork(() => rfx.comment(text.trim(), section === '' ? null : section))
  const writing = write.state === 'running'
  // The draft is kept when one looks at another part meanwhile, but not whether it was sent.
  useUnsaved(writing)

  function keep(changed: Partial<CommentDraft>) {
    unsaved.comment = { text, section, ...changed }
    setText(unsaved.comment.text)
    setSection(unsaved.comment.section)
  }

  function submit(event: FormEvent) {
    event.preventDefault()
    setChecked(true)
    if (missing) return
    write.start(() => {
      keep({ text: '' })
      setChecked(false)
      onWritten()
    })
  }

  return (
    <form className="stack" noValidate onSubmit={submit}>
      {sections.length > 0 && (
        <div className="field">
          <Label htmlFor={select}>{m.comment_section()}</Label>
          <Select id={select} value={section} onChange={(event) => keep({ section: event.target.value })}>
            <Select.Option value="">{m.comment_whole()}</Select.Option>
            {sections.map(({ id, heading }) => (
              <Select.Option key={id} value={id}>
                {heading || m.spec_unnamed()}
              </Select.Option>
            ))}
          </Select>
        </div>
      )}
      <Textfield
        multiline
        rows={3}
        label={m.comment_new()}
        value={text}
        maxLength={10_000}
        error={checked && missing ? m.comment_missing() : undefined}
        readOnly={writing}
        onChange={(event) => keep({ text: event.target.value })}
      />
      <LockLine>{details.role === 'supplier' ? m.comment_lock_supplier() : m.comment_lock()}</LockLine>
      {write.state === 'failed' && <Problem code={write.code} />}
      {write.state === 'failed' && write.code === 'key_unproven' && <TrustKeys />}
      <div className="actions">
        <Button type="submit" loading={writing}>
          {writing ? m.comment_writing() : m.comment_write()}
        </Button>
      </div>
      <p className="ds-sr-only" role="status">
        {write.state === 'done' && m.comment_written()}
      </p>
    </form>
  )
}
