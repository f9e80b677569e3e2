import { Button, Textfield } from '@digdir/designsystemet-react'
import { CheckmarkIcon, FilesIcon } from '@navikt/aksel-icons'
import { useState } from 'react'
import * as m from '../paraglide/messages.js'

interface CopyFieldProps {
  label: string
  description: string
  value: string
  /** Says what is copied, to those who do not see what the button stands beside. */
  copyLabel: string
}

/** Text that is to be given to somebody exactly as it stands. */
export function CopyField({ label, description, value, copyLabel }: CopyFieldProps) {
  const [copied, setCopied] = useState(false)

  async function copy() {
    await navigator.clipboard.writeText(value)
    setCopied(true)
  }

  return (
    <div className="copy-field">
      <Textfield
        multiline
        readOnly
        label={label}
        description={description}
        value={value}
        onFocus={(event) => event.target.select()}
      />
      <Button
        variant="secondary"
        aria-label={copied ? undefined : copyLabel}
        onClick={() => void copy().catch(() => setCopied(false))}
      >
        {copied ? <CheckmarkIcon aria-hidden /> : <FilesIcon aria-hidden />}
        {copied ? m.copied() : m.copy()}
      </Button>
      <p className="ds-sr-only" role="status">
        {copied && m.copied()}
      </p>
    </div>
  )
}
