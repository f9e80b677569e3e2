import { Button, Textfield } from '@digdir/designsystemet-react'
import { CheckmarkIcon, FilesIcon } from '@navikt/aksel-icons'
import type { CompanyInvitation } from '@nokkel/client'
import { useState } from 'react'
import { formatExact } from '../components/format.ts'
import { invitationLink } from '../invitation.ts'
import * as m from '../paraglide/messages.js'

/** The link, to copy: the code stands after the `#`, where no server sees it. */
export function InvitationLink({ invitation: { code, expiresAt } }: { invitation: CompanyInvitation }) {
  const [copied, setCopied] = useState(false)
  const link = invitationLink(code)

  async function copy() {
    await navigator.clipboard.writeText(link)
    setCopied(true)
  }

  return (
    <div className="invitation">
      <Textfield
        readOnly
        label={m.invite_link()}
        description={m.invite_link_help({ when: formatExact(expiresAt) })}
        value={link}
        onFocus={(event) => event.target.select()}
      />
      <Button variant="secondary" onClick={() => void copy().catch(() => setCopied(false))}>
        {copied ? <CheckmarkIcon aria-hidden /> : <FilesIcon aria-hidden />}
        {copied ? m.invite_copied() : m.invite_copy()}
      </Button>
      <p className="ds-sr-only" role="status">
        {copied && m.invite_copied()}
      </p>
    </div>
  )
}
