import { Alert, Button, Heading, Paragraph } from '@digdir/designsystemet-react'
import { DownloadIcon } from '@navikt/aksel-icons'
import type { ExportedData } from '@nokkel/client'
import { useRef, useState } from 'react'
import { download, downloadName } from '../components/download.ts'
import { codeOf, type ErrorCode } from '../components/explain.ts'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import { FreshLoginNeeded, useFreshLogin } from '../login/fresh-login.tsx'
import * as m from '../paraglide/messages.js'
import { useExport } from './use-export.ts'

/** Everything held on the person, to take away. */
export function ExportSection() {
  const { tooOld, freshly, isTooOld } = useFreshLogin()
  const { exporting, start, finish } = useExport(isTooOld)
  const { state } = exporting

  return (
    <section className="stack" aria-labelledby="export">
      <div className="stack-tight">
        <Heading id="export" level={2} data-size="xs">
          {m.export_title()}
        </Heading>
        <Paragraph>{m.export_lead()}</Paragraph>
        <Paragraph>{m.export_assignments()}</Paragraph>
      </div>
      {exporting.state === 'ready' ? (
        <Ready exported={exporting.exported} onSaved={finish} />
      ) : (
        <div className="actions">
          <Button variant="secondary" disabled={state === 'working'} onClick={() => freshly(start)}>
            {m.export_start()}
          </Button>
        </div>
      )}
      <p role="status" className={state === 'saved' || state === 'let_go' ? 'row-note' : 'ds-sr-only'}>
        {state === 'saved' && m.export_saved_both()}
        {state === 'let_go' && m.export_let_go()}
      </p>
      {state === 'working' && <Waiting reason={m.export_working()} />}
      {tooOld && <FreshLoginNeeded why={m.fresh_body()} />}
      {exporting.state === 'failed' && <Problem code={exporting.code} />}
    </section>
  )
}

interface ReadyProps {
  exported: ExportedData
  /** Both forms are saved. */
  onSaved: () => void
}

function Ready({ exported: { data, json }, onSaved }: ReadyProps) {
  const [saved, setSaved] = useState('')
  const forms = useRef(new Set<string>())
  const [failed, setFailed] = useState<{ code: ErrorCode | undefined }>()

  function save(content: Blob, extension: string) {
    const name = downloadName(m.export_file(), data.exportedAt, extension)
    download(content, name)
    setSaved(m.export_saved({ name }))
    if (forms.current.add(extension).size === 2) onSaved()
  }
  async function saveReadable() {
    setFailed(undefined)
    try {
      const { renderExport } = await import('./export-document.ts')
      save(new Blob([renderExport(data)], { type: 'text/html;charset=utf-8' }), 'html')
    } catch (error) {
      setFailed({ code: codeOf(error) ?? 'network_unreachable' })
    }
  }

  return (
    <Alert data-color="success" role="status" className="notice">
      <div className="notice-body">
        <Paragraph>{m.export_ready()}</Paragraph>
        <div className="stack-tight">
          <Button variant="secondary" onClick={() => void saveReadable()}>
            <DownloadIcon aria-hidden />
            {m.export_html()}
          </Button>
          <Paragraph data-size="sm">{m.export_html_help()}</Paragraph>
        </div>
        <div className="stack-tight">
          <Button variant="secondary" onClick={() => save(json, 'json')}>
            <DownloadIcon aria-hidden />
            {m.export_json()}
          </Button>
          <Paragraph data-size="sm">{m.export_json_help()}</Paragraph>
        </div>
        <Paragraph>{m.export_care()}</Paragraph>
        {failed && <Problem code={failed.code} />}
        {saved && <Paragraph data-size="sm">{saved}</Paragraph>}
      </div>
    </Alert>
  )
}
