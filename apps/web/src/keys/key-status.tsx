import { Paragraph, Spinner } from '@digdir/designsystemet-react'
import { useDeviceKeys, useSession } from '@nokkel/client/react'
import { LockLine } from '../components/lock-line.tsx'
import * as m from '../paraglide/messages.js'

/** One line: ready, or getting there. What needs a decision stands in the notice above the page. */
export function KeyStatus() {
  const { state } = useDeviceKeys()
  const { state: session } = useSession()
  const several = session.me?.organization.devicePolicy === 'several'

  switch (state.status) {
    case 'ready':
      return (
        <div role="status">
          <LockLine>{several ? m.keys_ready_several() : m.keys_ready()}</LockLine>
        </div>
      )
    case 'none':
    case 'generating':
    case 'registering':
      return (
        <div className="waiting-line" role="status">
          <Spinner aria-hidden="true" data-size="2xs" />
          <Paragraph data-size="sm">{m.keys_working()}</Paragraph>
        </div>
      )
    default:
      return null
  }
}
