import { Button } from '@digdir/designsystemet-react'
import { LeaveIcon, PersonCircleIcon } from '@navikt/aksel-icons'
import type { Me } from '@nokkel/client'
import { useSession } from '@nokkel/client/react'
import { Link } from '@tanstack/react-router'
import { useId, useRef, useState } from 'react'
import * as m from '../paraglide/messages.js'
import { useLoginSettings } from '../queries/administration.ts'
import { roleName } from '../role.ts'

/** Who is logged in, and the way out. A native popover: the browser opens, closes and announces it. */
export function AccountMenu({ me }: { me: Me }) {
  const { signOut } = useSession()
  const [leaving, setLeaving] = useState(false)
  const warnings = useLoginSettings(me).data?.warnings.length ?? 0
  const menu = useId()
  const popover = useRef<HTMLDivElement>(null)

  async function leave() {
    setLeaving(true)
    try {
      await signOut()
    } finally {
      setLeaving(false)
    }
  }

  return (
    <>
      <Button
        variant="tertiary"
        data-color="neutral"
        popoverTarget={menu}
        aria-label={`${m.menu_account()}: ${me.name}`}
      >
        <PersonCircleIcon aria-hidden />
        {warnings > 0 && <span className="navigation-dot account-dot narrow-only" aria-hidden="true" />}
        <span className="wide-only">{me.name}</span>
      </Button>
      <div id={menu} ref={popover} popover="auto" className="account-menu">
        <p className="account-person">
          <strong>{me.name}</strong>
          <span>
            {roleName[me.role]()}, {me.organization.name}
          </span>
        </p>
        <Link to="/account" className="ds-link back" onClick={() => popover.current?.hidePopover()}>
          {m.menu_account_page()}
        </Link>
        {me.role === 'administrator' && (
          <Link to="/admin" className="ds-link back" onClick={() => popover.current?.hidePopover()}>
            {m.nav_admin()}
            {warnings > 0 && ` (${m.nav_admin_warnings({ count: warnings })})`}
          </Link>
        )}
        <Button variant="secondary" loading={leaving} onClick={() => void leave()}>
          {!leaving && <LeaveIcon aria-hidden />}
          {leaving ? m.signing_out() : m.sign_out()}
        </Button>
      </div>
    </>
  )
}
