import { Button, Label, Paragraph } from '@digdir/designsystemet-react'
import { FileIcon, TrashIcon, UploadIcon } from '@navikt/aksel-icons'
import type { OutgoingFile } from '@nokkel/client'
import { type DragEvent, useId, useState } from 'react'
import { formatFileName, formatSize } from '../components/format.ts'
import * as m from '../paraglide/messages.js'

interface FilePickerProps {
  files: readonly OutgoingFile[]
  onChange: (files: readonly OutgoingFile[]) => void
}

export function FilePicker({ files, onChange }: FilePickerProps) {
  const input = useId()
  const help = useId()
  const [over, setOver] = useState(false)
  const add = (added: FileList | null) => added && onChange([...files, ...added])

  function drop(event: DragEvent) {
    event.preventDefault()
    setOver(false)
    add(event.dataTransfer.files)
  }

  return (
    <div className="field">
      <span className="ds-label">{m.send_files()}</span>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut, the file input inside is the way for keyboards */}
      <div
        className={over ? 'drop drop-over' : 'drop'}
        onDragOver={(event) => {
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <Paragraph id={help} data-size="sm">
          {over ? m.send_files_drop() : m.send_files_help()}
        </Paragraph>
        <input
          id={input}
          type="file"
          multiple
          className="ds-sr-only"
          aria-describedby={help}
          onChange={(event) => {
            add(event.target.files)
            // So that choosing a file again after removing it is noticed.
            event.target.value = ''
          }}
        />
        <Label htmlFor={input} className="ds-button drop-button" data-variant="secondary">
          <UploadIcon aria-hidden />
          {m.send_files_choose()}
        </Label>
      </div>
      {files.length > 0 && (
        <ul className="files">
          {files.map((file, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the same file may be attached twice
            <li key={`${file.name} ${index}`} className="file">
              <FileIcon aria-hidden className="row-icon" />
              <div className="file-text">
                <span className="file-name">{formatFileName(file.name)}</span>
                <span className="row-meta">
                  <span>{formatSize(file.size)}</span>
                </span>
              </div>
              <Button
                icon
                variant="tertiary"
                data-color="danger"
                aria-label={m.send_file_remove({ name: formatFileName(file.name) })}
                onClick={() => onChange(files.filter((_, other) => other !== index))}
              >
                <TrashIcon aria-hidden />
              </Button>
            </li>
          ))}
        </ul>
      )}
      <p className="ds-sr-only" role="status">
        {files.length > 0 && m.send_files_added({ count: files.length })}
      </p>
    </div>
  )
}
