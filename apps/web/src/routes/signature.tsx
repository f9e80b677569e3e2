import { Details, Paragraph } from '@digdir/designsystemet-react'
import { ShieldCheckmarkIcon } from '@navikt/aksel-icons'
import type { SignerView } from '@nokkel/client'
import { Fingerprint } from '../components/fingerprint.tsx'
import { formatWhen } from '../components/format.ts'
import * as m from '../paraglide/messages.js'

/** Who signed, whether their device is still in use, and the fingerprint for whoever wants to compare. */
export function Signature({ signer }: { signer: SignerView }) {
  const name = signer.name ?? m.unknown_sender()
  const when = formatWhen(signer.signedAt)
  return (
    <section className="signature">
      <ShieldCheckmarkIcon aria-hidden className="signature-icon" />
      <div className="stack-tight">
        <Paragraph>
          <strong>{m.assignment_signed({ name })}</strong>
        </Paragraph>
        <Paragraph data-size="sm">
          {signer.verified === 'verified'
            ? m.assignment_signed_when({ name, when })
            : m.assignment_signed_ended({ name, when })}
        </Paragraph>
        {signer.firstSeen && <Paragraph data-size="sm">{m.assignment_first_seen({ name })}</Paragraph>}
        <Details data-size="sm" className="disclosure">
          <Details.Summary>{m.assignment_fingerprint()}</Details.Summary>
          <Details.Content>
            <Fingerprint value={signer.fingerprint} />
          </Details.Content>
        </Details>
      </div>
    </section>
  )
}
