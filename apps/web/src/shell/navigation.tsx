import { InboxIcon, LaptopIcon, PaperplaneIcon, PencilWritingIcon } from '@navikt/aksel-icons'
import { Link } from '@tanstack/react-router'
import * as m from '../paraglide/messages.js'
import { isCoordinator } from '../role.ts'
import type { Role } from '../wire.ts'

export function Navigation({ role }: { role: Role }) {
  const places = [
    ...(isCoordinator(role)
      ? [
          { to: '/sent', label: m.nav_sent(), Icon: PaperplaneIcon },
          { to: '/send', label: m.nav_send(), Icon: PencilWritingIcon },
        ]
      : []),
    { to: '/inbox', label: m.nav_inbox(), Icon: InboxIcon },
    { to: '/devices', label: m.nav_devices(), Icon: LaptopIcon },
  ] as const

  return (
    <nav className="navigation" aria-label={m.nav_label()}>
      <ul>
        {places.map(({ to, label, Icon }) => (
          <li key={to}>
            <Link to={to} className="navigation-link">
              <Icon aria-hidden />
              <span>{label}</span>
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
