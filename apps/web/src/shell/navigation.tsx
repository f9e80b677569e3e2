import {
  BriefcaseIcon,
  Buildings3Icon,
  InboxIcon,
  KeyHorizontalIcon,
  PaperplaneIcon,
  PencilWritingIcon,
} from '@navikt/aksel-icons'
import { Link, useLocation } from '@tanstack/react-router'
import * as m from '../paraglide/messages.js'
import { useHasProjects } from '../queries/rfx.ts'
import { isCoordinator } from '../role.ts'
import type { Me } from '../wire.ts'

export function Navigation({ me }: { me: Me }) {
  const { pathname } = useLocation()
  const hasProjects = useHasProjects(me)
  const places = [
    ...(isCoordinator(me.role)
      ? [
          { to: '/sent', label: m.nav_sent(), Icon: PaperplaneIcon },
          { to: '/send', label: m.nav_send(), Icon: PencilWritingIcon },
        ]
      : []),
    { to: '/inbox', label: m.nav_inbox(), Icon: InboxIcon },
    ...(hasProjects ? [{ to: '/rfx', label: m.nav_rfx(), Icon: BriefcaseIcon }] : []),
    { to: '/companies', label: m.nav_companies(), Icon: Buildings3Icon },
    { to: '/keys', label: m.nav_keys(), Icon: KeyHorizontalIcon },
  ] as const
  // The devices are found from the page of the keys, so they are in its place.
  const here = { '/devices': '/keys', '/reviewers': '/rfx' }[pathname]

  return (
    <nav className="navigation" aria-label={m.nav_label()}>
      <ul>
        {places.map(({ to, label, Icon }) => (
          <li key={to}>
            <Link to={to} className={to === here ? 'navigation-link navigation-here' : 'navigation-link'}>
              <Icon aria-hidden />
              <span>{label}</span>
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
