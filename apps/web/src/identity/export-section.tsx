import { Alert, Button, Heading, Paragraph } from '@digdir/designsystemet-react'
import { DownloadIcon } from '@navikt/aksel-icons'
import { useNokkel } from '@nokkel/client/react'
import { useState } from 'react'
import { download, downloadName } from '../components/download.ts'
import { codeOf, type ErrorCode } from '../components/explain.ts'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import { FreshLoginNeeded, useFreshLogin } from '../login/fresh-login.tsx'
import * as m from '../paraglide/messages.js'
import type { ExportedData } from '../wire.ts'

type Exporting =
  | { state: 'idle' | 'working' }
  | { state: 'ready'; exported: ExportedData }
  | { state: 'failed'; code: ErrorCode | undefined }

/** Everything held on the person, to take away. It is in the memory of this component alone until they save it. */
export function ExportSection() {
  const { privacy } = useNokkel()
  const fresh = useFreshLogin()
  const [exporting, setExporting] = useState<Exporting>({ state: 'idle' })

  async function start() {
    setExporting({ state: 'working' })
    try {
      setExporting({ state: 'ready', exported: await privacy.exportData() })
    } catch (error) {
      setExporting(fresh.isTooOld(error) ? { state: 'idle' } : { state: 'failed', code: codeOf(error) })
    }
  }

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
        <Ready exported={exporting.exported} />
      ) : (
        <div className="actions">
          <Button
            variant="secondary"
            disabled={exporting.state === 'working'}
            onClick={() => fresh.freshly(() => void start())}
          >
            {m.export_start()}
          </Button>
        </div>
      )}
      {exporting.state === 'working' && <Waiting reason={m.export_working()} />}
      {fresh.tooOld && <FreshLoginNeeded why={m.fresh_body()} />}
      {exporting.state === 'failed' && <Problem code={exporting.code} />}
    </section>
  )
}

function Ready({ exported: { data, json } }: { exported: ExportedData }) {
  const [saved, setSaved] = useState('')
  const [failed, setFailed] = useState<{ code: ErrorCode | undefined }>()

  function save(content: Blob, extension: string) {
    const name = downloadName(m.export_file(), data.exportedAt, extension)
    download(content, name)
    setSaved(m.export_saved({ name }))
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
