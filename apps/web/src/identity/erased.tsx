import { Button, Heading, Paragraph } from '@digdir/designsystemet-react'
import { CheckmarkCircleIcon, DownloadIcon } from '@navikt/aksel-icons'
import type { ErasureCertificate } from '@nokkel/client'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { download, downloadName } from '../components/download.ts'
import { Facts } from '../components/facts.tsx'
import { formatDate, formatMoment } from '../components/format.ts'
import { PageHeading } from '../components/page-heading.tsx'
import * as m from '../paraglide/messages.js'
import { NotPurged } from './not-purged.tsx'

/** What is left to say when the account is gone. */
export function Erased({ certificate }: { certificate: ErasureCertificate }) {
  const [saved, setSaved] = useState('')
  const { id, erasedAt, backupsExpireAt, removed } = certificate
  const rows = Object.values(removed).reduce((sum, count) => sum + count, 0)

  function save() {
    const name = downloadName(m.erase_certificate_file(), erasedAt, 'json')
    download(new Blob([JSON.stringify(certificate, null, 2)], { type: 'application/json' }), name)
    setSaved(m.erase_certificate_saved({ name }))
  }

  return (
    <div className="page page-narrow">
      <div className="stack-tight">
        <CheckmarkCircleIcon aria-hidden className="done-icon" />
        <PageHeading>{m.erase_done_title()}</PageHeading>
        <Paragraph>{m.erase_done_lead()}</Paragraph>
        <Paragraph>{m.erase_backups({ date: formatDate(backupsExpireAt) })}</Paragraph>
      </div>
      <NotPurged />
      <Paragraph>{m.bio_passkey_erased()}</Paragraph>
      <section className="stack" aria-labelledby="certificate">
        <div className="stack-tight">
          <Heading id="certificate" level={2} data-size="xs">
            {m.erase_certificate()}
          </Heading>
          <Paragraph>{m.erase_certificate_lead()}</Paragraph>
        </div>
        <Facts
          facts={[
            [m.erase_certificate_id(), id],
            [m.erase_certificate_when(), formatMoment(new Date(erasedAt))],
            [m.erase_certificate_backups(), formatDate(backupsExpireAt)],
            [m.erase_certificate_rows(), String(rows)],
          ]}
        />
        <div className="actions">
          <Button onClick={save}>
            <DownloadIcon aria-hidden />
            {m.erase_certificate_save()}
          </Button>
        </div>
        <p role="status" className={saved ? 'row-note' : 'ds-sr-only'}>
          {saved}
        </p>
      </section>
      <Link to="/login" className="ds-link back">
        {m.erase_done_leave()}
      </Link>
    </div>
  )
}
