import { Button, Heading, Label, Paragraph } from '@digdir/designsystemet-react'
import { FileIcon, FileXMarkIcon, FolderIcon, TrashIcon, UploadIcon } from '@navikt/aksel-icons'
import type { RfxDocument } from '@nokkel/client'
import { useId, useState } from 'react'
import { Empty } from '../components/empty.tsx'
import { codeOf } from '../components/explain.ts'
import { formatFileName, formatPercent, formatSize } from '../components/format.ts'
import { ListSkeleton } from '../components/list-skeleton.tsx'
import { Problem } from '../components/problem.tsx'
import { Progress } from '../components/progress.tsx'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'
import { useDocuments, useRefreshRfx } from '../queries/rfx.ts'
import { useProject } from '../rfx/project.ts'
import type { Upload } from '../rfx/use-uploads.ts'
import { WorkDialog } from '../rfx/work-dialog.tsx'
import { useLocale } from '../settings/locale.ts'
import { FileRow } from './file-list.tsx'

export function DocumentsPage() {
  useLocale()
  const { rfx, details, uploads } = useProject()
  const query = useDocuments(rfx)
  const { role, status } = details
  const mayWrite = role === 'buyer' ? status !== 'closed' : role === 'developer' && status === 'in_review'
  const documents = query.data ?? []

  return (
    <section className="stack" aria-labelledby="documents">
      <Heading id="documents" level={2} data-size="xs">
        {m.rfx_part_documents()}
      </Heading>
      {query.isPending && <ListSkeleton reason={m.doc_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {query.isSuccess && documents.length === 0 && uploads.list.length === 0 && (
        <Empty
          icon={<FolderIcon aria-hidden />}
          title={m.doc_empty_title()}
          body={mayWrite ? m.doc_empty_body_writer() : m.doc_empty_body()}
        />
      )}
      {documents.length > 0 && (
        <ul className="files">
          {documents.map((document) => (
            <li key={document.id} className="file">
              <DocumentRow document={document} mayWrite={mayWrite} />
            </li>
          ))}
        </ul>
      )}
      {uploads.list.length > 0 && (
        <ul className="files" aria-label={m.doc_uploads()}>
          {uploads.list.map((upload) => (
            <li key={upload.id} className="file">
              <UploadRow upload={upload} />
            </li>
          ))}
        </ul>
      )}
      <p className="ds-sr-only" role="status">
        {uploads.finished > 0 && m.doc_uploaded({ count: uploads.finished })}
      </p>
      {mayWrite && (
        <div className="stack-tight">
          <UploadButton label={m.doc_add()} onFiles={(files) => uploads.add(files)} multiple />
          <Paragraph data-size="sm">{m.doc_help()}</Paragraph>
        </div>
      )}
    </section>
  )
}

interface UploadButtonProps {
  label: string
  /** What a screen reader says where the label alone is not enough. */
  name?: string
  multiple?: boolean
  onFiles: (files: readonly File[]) => void
}

function UploadButton({ label, name, multiple = false, onFiles }: UploadButtonProps) {
  const input = useId()
  return (
    <span className="drop-inline">
      <input
        id={input}
        type="file"
        multiple={multiple}
        className="ds-sr-only"
        aria-label={name}
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])])
          // So that choosing the same file again, to go on with it, is noticed.
          event.target.value = ''
        }}
      />
      <Label htmlFor={input} className="ds-button drop-button" data-variant="secondary">
        <UploadIcon aria-hidden />
        {label}
      </Label>
    </span>
  )
}

function DocumentRow({ document, mayWrite }: { document: RfxDocument; mayWrite: boolean }) {
  const { uploads } = useProject()
  const [removing, setRemoving] = useState(false)
  const { file, author, revision, writtenAt } = document
  const name = nameOf(document)
  const meta = (
    <>
      <span>{author.name ?? m.rfx_other_supplier()}</span>
      <When at={writtenAt} />
      {revision > 1 && <span>{m.doc_revision({ revision })}</span>}
    </>
  )
  const tools = mayWrite && (
    <>
      <UploadButton
        label={m.doc_replace()}
        name={m.doc_replace_named({ name })}
        onFiles={(files) => uploads.add(files, document)}
      />
      <Button
        icon
        variant="tertiary"
        data-color="danger"
        aria-label={m.doc_remove_named({ name })}
        onClick={() => setRemoving(true)}
      >
        <TrashIcon aria-hidden />
      </Button>
      {removing && <RemoveDialog document={document} onClose={() => setRemoving(false)} />}
    </>
  )
  if (file) {
    return (
      <FileRow file={file} meta={meta}>
        {tools}
      </FileRow>
    )
  }
  return (
    <>
      <FileXMarkIcon aria-hidden className="row-icon" />
      <div className="file-text">
        <span className="file-name">{name}</span>
        <span className="row-meta">{meta}</span>
      </div>
      {tools}
      <p className="file-problem row-note">{mayWrite ? m.doc_unreadable_writer() : m.doc_unreadable_reader()}</p>
    </>
  )
}

/** Who cannot read a document does not know its name either. */
const nameOf = ({ file }: RfxDocument): string => (file ? formatFileName(file.name) : m.doc_unreadable())

function RemoveDialog({ document, onClose }: { document: RfxDocument; onClose: () => void }) {
  const { rfx } = useProject()
  return (
    <WorkDialog
      title={m.doc_remove_title({ name: nameOf(document) })}
      points={[m.doc_remove_gone(), m.doc_remove_downloaded()]}
      confirm={m.doc_remove_confirm()}
      working={m.doc_removing()}
      danger
      run={() => rfx.removeDocument(document.id)}
      onSettled={useRefreshRfx(rfx)}
      onClose={onClose}
    />
  )
}

function UploadRow({ upload: { id, file, replaces, state, done, resumed, code } }: { upload: Upload }) {
  const { uploads } = useProject()
  const name = formatFileName(file.name)
  return (
    <>
      <FileIcon aria-hidden className="row-icon" />
      <div className="file-text">
        <span className="file-name">{name}</span>
        <span className="row-meta">
          <span>{formatSize(file.size)}</span>
          {replaces && <span>{m.doc_replaces({ name: nameOf(replaces) })}</span>}
          <span>
            {state === 'waiting' && m.doc_waiting()}
            {state === 'running' && m.doc_uploading({ percent: formatPercent(done, file.size) })}
            {state === 'failed' && m.doc_failed()}
          </span>
        </span>
        {state === 'running' && <Progress label={m.send_progress()} value={done} total={file.size} />}
        {resumed > 0 && (
          <Paragraph data-size="sm" role="status">
            {m.doc_resumed({ size: formatSize(resumed) })}
          </Paragraph>
        )}
      </div>
      <Button variant="secondary" aria-label={m.doc_cancel_named({ name })} onClick={() => uploads.cancel(id)}>
        {m.cancel()}
      </Button>
      {state === 'failed' && (
        <div className="file-problem">
          <Problem code={code} onRetry={() => uploads.retry(id)} />
        </div>
      )}
    </>
  )
}
