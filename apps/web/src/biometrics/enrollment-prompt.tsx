import { Button, Dialog, List, Paragraph } from '@digdir/designsystemet-react'
import type { ProviderId } from '@nokkel/client'
import { useEffect, useId, useState } from 'react'
import { DialogHeading } from '../components/dialog-heading.tsx'
import { providerName } from '../components/format.ts'
import * as m from '../paraglide/messages.js'
import { BiometricIcon } from './biometric-icon.tsx'
import { useNarrow } from './use-narrow.ts'

interface BiometricEnrollmentPromptProps {
  /** What the person logged in with. */
  provider: ProviderId
  /** Whether the answer was yes, and is being recorded. */
  enrolling: boolean
  onConfirm: () => void
  onDecline: () => void
}

/** Asks whether this device may be unlocked from now on: a sheet under the thumb on phones, a dialog where there is room. */
export function BiometricEnrollmentPrompt(props: BiometricEnrollmentPromptProps) {
  const { provider, enrolling, onConfirm, onDecline } = props
  const title = useId()
  const narrow = useNarrow()
  const [opener] = useState(() => document.activeElement)
  useEffect(
    () => () => {
      const back = opener instanceof HTMLElement && opener !== document.body && opener.isConnected ? opener : undefined
      ;(back ?? document.getElementById('content'))?.focus({ preventScroll: true })
    },
    [opener],
  )

  return (
    <Dialog
      open
      placement={narrow ? 'bottom' : 'center'}
      closedby={enrolling ? 'none' : 'closerequest'}
      closeButton={false}
      className={narrow ? 'enrollment sheet' : 'enrollment'}
      aria-labelledby={title}
      onClose={onDecline}
    >
      <Dialog.Block className={narrow ? 'stack sheet-text' : 'stack'}>
        <span className="enrollment-icon">
          <BiometricIcon />
        </span>
        <DialogHeading id={title}>{m.bio_prompt_title()}</DialogHeading>
        <Paragraph>{m.bio_prompt_lead({ provider: providerName(provider) })}</Paragraph>
        <List.Unordered className="enrollment-points">
          {[m.bio_prompt_local(), m.bio_prompt_later(), m.bio_prompt_pin(), m.bio_prompt_off()].map((point) => (
            <List.Item key={point}>{point}</List.Item>
          ))}
        </List.Unordered>
      </Dialog.Block>
      <Dialog.Block className={narrow ? 'actions sheet-actions' : 'actions'}>
        <Button loading={enrolling} onClick={onConfirm}>
          {enrolling ? m.bio_enrolling() : m.bio_prompt_confirm()}
        </Button>
        <Button variant="secondary" disabled={enrolling} onClick={onDecline}>
          {m.bio_prompt_decline()}
        </Button>
      </Dialog.Block>
    </Dialog>
  )
}
