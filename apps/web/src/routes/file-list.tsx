import { Button } from '@digdir/designsystemet-react'
import { DownloadIcon, FileIcon } from '@navikt/aksel-icons'
import type { OpenedFile } from '@nokkel/client'
import { type ReactNode, useState } from 'react'
import { codeOf, type ErrorCode } from '../components/explain.ts'
import { formatFileName, formatPercent, formatSize } from '../components/format.ts'
import { Problem } from '../components/problem.tsx'
import { Progress } from '../components/progress.tsx'
import * as m from '../paraglide/messages.js'

export function FileList({ files }: { files: readonly OpenedFile[] }) {
  return (
    <ul className="files">
      {files.map((file, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the list of an opened assignment never changes
        <li key={index} className="file">
          <FileRow file={file} />
        </li>
      ))}
    </ul>
  )
}

type Download =
  | { state: 'idle' | 'done' }
  | { state: 'running'; bytes: number }
  | { state: 'failed'; code: ErrorCode | undefined }

interface FileRowProps {
  file: OpenedFile
  /** More about it, beside its size. */
  meta?: ReactNode
  /** What else can be done with it. */
  children?: ReactNode
}

/** What a list shows of one file: its name, its size and its download. */
export function FileRow({ file, meta, children }: FileRowProps) {
  const [download, setDownload] = useState<Download>({ state: 'idle' })
  const running = download.state === 'running'
  const name = formatFileName(file.name)

  async function start() {
    setDownload({ state: 'running', bytes: 0 })
    try {
      await file.download({ onProgress: (bytes) => setDownload({ state: 'running', bytes }) })
      setDownload({ state: 'done' })
    } catch (error) {
      setDownload({ state: 'failed', code: codeOf(error) })
    }
  }

  return (
    <>
      <FileIcon aria-hidden className="row-icon" />
      <div className="file-text">
        <span className="file-name">{name}</span>
        <span className="row-meta">
          <span>{formatSize(file.byteLength)}</span>
          {meta}
          {running && <span>{m.file_downloading({ percent: formatPercent(download.bytes, file.byteLength) })}</span>}
        </span>
        {running && <Progress label={m.send_progress()} value={download.bytes} total={file.byteLength} />}
      </div>
      <Button
        variant="secondary"
        loading={running}
        aria-label={m.file_download_named({ name })}
        onClick={() => void start()}
      >
        {!running && <DownloadIcon aria-hidden />}
        {m.file_download()}
      </Button>
      {children}
      <span className="ds-sr-only" role="status">
        {download.state === 'done' && m.file_downloaded({ name })}
      </span>
      {download.state === 'failed' && (
        <div className="file-problem">
          <Problem code={download.code} onRetry={() => void start()} />
        </div>
      )}
    </>
  )
}
