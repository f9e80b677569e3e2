import { Button, Heading } from '@digdir/designsystemet-react'
import { useNokkel, useSession } from '@nokkel/client/react'
import { useState } from 'react'
import * as m from '../paraglide/messages.js'
import { WorkDialog } from '../rfx/work-dialog.tsx'

/** The ways out: here, or everywhere. */
export function Leave() {
  const { auth } = useNokkel()
  const { signOut } = useSession()
  const [leaving, setLeaving] = useState(false)
  const [everywhere, setEverywhere] = useState(false)

  async function leave() {
    setLeaving(true)
    try {
      await signOut()
    } finally {
      setLeaving(false)
    }
  }

  return (
    <section className="stack" aria-labelledby="leave">
      <Heading id="leave" level={2} data-size="xs">
        {m.account_leave_title()}
      </Heading>
      <div className="actions">
        <Button variant="secondary" loading={leaving} onClick={() => void leave()}>
          {leaving ? m.signing_out() : m.sign_out()}
        </Button>
        <Button variant="secondary" data-color="danger" onClick={() => setEverywhere(true)}>
          {m.sign_out_everywhere()}
        </Button>
      </div>
      {everywhere && (
        <WorkDialog
          title={m.sign_out_everywhere_title()}
          intro={m.sign_out_everywhere_body()}
          confirm={m.sign_out_everywhere_confirm()}
          working={m.signing_out()}
          danger
          run={() => auth.signOutEverywhere()}
          onClose={() => setEverywhere(false)}
        />
      )}
    </section>
  )
}
