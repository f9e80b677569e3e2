import { Button, Dialog, Paragraph } from '@digdir/designsystemet-react'
import type { PersonnummerStatus } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useId, useState } from 'react'
import { DialogHeading } from '../components/dialog-heading.tsx'
import { codeOf, type ErrorCode } from '../components/explain.ts'
import { formatTime, providerName } from '../components/format.ts'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'
import { useRefreshPersonalData } from '../queries/identity.ts'
import { MaskedPersonnummer } from './masked-personnummer.tsx'
import { PersonnummerTerms, personnummerConsent } from './personnummer-terms.tsx'

export type OfferedPersonnummer = NonNullable<PersonnummerStatus['offered']>

interface PersonnummerOfferDialogProps {
  offered: OfferedPersonnummer
  /** What the person said, for the page to tell; `undefined`: nothing yet. */
  onClose: (answer?: 'kept' | 'declined') => void
}

/** Asks whether the number that a provider told may be kept: a yes or a no, and neither is chosen beforehand. */
export function PersonnummerOfferDialog({ offered, onClose }: PersonnummerOfferDialogProps) {
  const { identity } = useNokkel()
  const refresh = useRefreshPersonalData()
  const title = useId()
  const [doing, setDoing] = useState<'kept' | 'declined'>()
  const [failed, setFailed] = useState<{ code: ErrorCode | undefined }>()
  const provider = providerName(offered.source)
  const time = formatTime(offered.expiresAt)
  const gone = failed?.code === 'personnummer_offer_gone'

  async function answer(said: 'kept' | 'declined') {
    if (doing) return
    setDoing(said)
    setFailed(undefined)
    try {
      await (said === 'kept' ? identity.keepOffered(personnummerConsent) : identity.declineOffered())
      close(said)
    } catch (error) {
      setFailed({ code: codeOf(error) })
    } finally {
      setDoing(undefined)
    }
  }

  // Not before: the question would go with what it is about, and why it failed would not be read.
  function close(said?: 'kept' | 'declined') {
    onClose(said)
    // What looks again and fails says so itself.
    void refresh().catch(() => undefined)
  }

  return (
    <Dialog
      open
      closedby={doing ? 'none' : 'closerequest'}
      closeButton={false}
      aria-labelledby={title}
      onClose={() => close()}
    >
      <Dialog.Block>
        <DialogHeading id={title}>{m.pnr_offer_title()}</DialogHeading>
      </Dialog.Block>
      <Dialog.Block className="stack">
        <Paragraph>{m.pnr_offer_lead({ provider })}</Paragraph>
        <PersonnummerTerms
          known={[
            [m.pnr_kept_number(), <MaskedPersonnummer key="number" masked={offered.masked} />],
            [m.pnr_kept_source(), provider],
          ]}
        />
        <Paragraph>{m.pnr_offer_until({ time })}</Paragraph>
      </Dialog.Block>
      <Dialog.Block className="actions dialog-answers">
        {failed && <Problem code={failed.code} />}
        {gone ? (
          <Button onClick={() => close()}>{m.close()}</Button>
        ) : (
          <>
            <Button variant="secondary" loading={doing === 'kept'} onClick={() => void answer('kept')}>
              {doing === 'kept' ? m.pnr_saving() : m.pnr_yes()}
            </Button>
            <Button variant="secondary" loading={doing === 'declined'} onClick={() => void answer('declined')}>
              {doing === 'declined' ? m.pnr_declining() : m.pnr_no()}
            </Button>
            <Button variant="tertiary" disabled={doing !== undefined} onClick={() => close()}>
              {m.pnr_later()}
            </Button>
          </>
        )}
      </Dialog.Block>
    </Dialog>
  )
}
