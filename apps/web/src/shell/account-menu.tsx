import { Dropdown } from '@digdir/designsystemet-react'
import { LeaveIcon, PersonCircleIcon } from '@navikt/aksel-icons'
import { useSession } from '@nokkel/client/react'
import type { Me } from '@nokkel/contract'
import { useState } from 'react'
import * as m from '../paraglide/messages.js'
import type { Role } from '../role.ts'

const roleName: Record<Role, () => string> = {
  member: m.role_member,
  coordinator: m.role_coordinator,
  administrator: m.role_administrator,
}

export function AccountMenu({ me }: { me: Me }) {
  const { signOut } = useSession()
  const [leaving, setLeaving] = useState(false)

  async function leave() {
    setLeaving(true)
    try {
      await signOut()
    } finally {
      setLeaving(false)
    }
  }

  return (
    <Dropdown.TriggerContext>
      <Dropdown.Trigger variant="tertiary" data-color="neutral" aria-label={`${m.menu_account()}: ${me.name}`}>
        <PersonCircleIcon aria-hidden />
        <span className="account-name">{me.name}</span>
      </Dropdown.Trigger>
      <Dropdown>
        <Dropdown.Heading className="account-heading">
          <strong>{me.name}</strong>
          <span>
            {roleName[me.role]()}, {me.organization.name}
          </span>
        </Dropdown.Heading>
        <Dropdown.List>
          <Dropdown.Item>
            <Dropdown.Button disabled={leaving} onClick={() => void leave()}>
              <LeaveIcon aria-hidden />
              {leaving ? m.signing_out() : m.sign_out()}
            </Dropdown.Button>
          </Dropdown.Item>
        </Dropdown.List>
      </Dropdown>
    </Dropdown.TriggerContext>
  )
}
