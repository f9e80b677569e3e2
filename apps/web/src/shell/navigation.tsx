import {
  BriefcaseIcon,
  Buildings3Icon,
  CogIcon,
  InboxIcon,
  KeyHorizontalIcon,
  PaperplaneIcon,
  PencilWritingIcon,
} from '@navikt/aksel-icons'
import type { Me } from '@nokkel/client'
import { Link, useLocation } from '@tanstack/react-router'
import * as m from '../paraglide/messages.js'
import { useLoginSettings } from '../queries/administration.ts'
import { useHasProjects } from '../queries/rfx.ts'
import { isCoordinator } from '../role.ts'

export function Navigation({ me }: { me: Me }) {
  const { pathname } = useLocation()
  const hasProjects = useHasProjects(me)
  const warnings = useLoginSettings(me).data?.warnings.length ?? 0
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
    ...(me.role === 'administrator' ? [{ to: '/admin', label: m.nav_admin(), Icon: CogIcon }] : []),
  ] as const
  // The devices are found from the page of the keys, so they are in its place.
  const here = pathname.startsWith('/admin') ? '/admin' : { '/devices': '/keys', '/reviewers': '/rfx' }[pathname]

  return (
    <nav className="navigation" aria-label={m.nav_label()}>
      <ul>
        {places.map(({ to, label, Icon }) => (
          <li key={to} className={to === '/admin' ? 'wide-only' : undefined}>
            <Link to={to} className={to === here ? 'navigation-link navigation-here' : 'navigation-link'}>
              <Icon aria-hidden />
              <span>{label}</span>
              {to === '/admin' && warnings > 0 && (
                <>
                  <span className="navigation-dot" aria-hidden="true" />
                  <span className="ds-sr-only">{m.nav_admin_warnings({ count: warnings })}</span>
                </>
              )}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
