import { Heading, Paragraph } from '@digdir/designsystemet-react'
import type { LoginSettings } from '@nokkel/client'
import * as m from '../paraglide/messages.js'

const brokerName = { idura: 'Idura', signicat: 'Signicat' } as const

/** What the operator has set up; there is nothing to change here. */
export function BankId({ bankid }: { bankid: LoginSettings['bankid'] }) {
  return (
    <section className="stack-tight" aria-labelledby="bankid">
      <Heading id="bankid" level={2} data-size="xs">
        {m.bankid_title()}
      </Heading>
      <Paragraph>
        {bankid
          ? [
              bankid.via === 'bankid' ? m.bankid_direct() : m.bankid_via({ via: brokerName[bankid.via] }),
              bankid.personnummer ? m.bankid_personnummer() : m.bankid_no_personnummer(),
            ].join(' ')
          : m.bankid_none()}
      </Paragraph>
    </section>
  )
}
