import type { Consent } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import * as m from '../paraglide/messages.js'
import { useRefreshPersonalData } from '../queries/identity.ts'
import { WorkDialog } from '../rfx/work-dialog.tsx'
import { purposeName } from './consent-names.ts'

const points: Record<Consent['purpose'], readonly (() => string)[]> = {
  contact: [m.cons_withdraw_contact, m.cons_withdraw_contact_later],
  recognition: [m.cons_withdraw_recognition, m.cons_withdraw_recognition_later],
  personnummer: [m.cons_withdraw_personnummer, m.cons_withdraw_personnummer_later],
}

interface WithdrawDialogProps {
  consent: Consent
  onWithdrawn: () => void
  onClose: () => void
}

/** Says what goes with a yes that is taken back, and takes it back. */
export function WithdrawDialog({ consent, onWithdrawn, onClose }: WithdrawDialogProps) {
  const { privacy } = useNokkel()
  return (
    <WorkDialog
      title={m.cons_withdraw_title()}
      intro={purposeName[consent.purpose]()}
      points={[...points[consent.purpose], m.cons_withdraw_keep].map((point) => point())}
      confirm={m.cons_withdraw_confirm()}
      working={m.cons_withdrawing()}
      danger
      run={async () => {
        await privacy.withdraw(consent.id)
        onWithdrawn()
      }}
      onSettled={useRefreshPersonalData()}
      onClose={onClose}
    />
  )
}
