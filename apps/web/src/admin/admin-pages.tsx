import { Link } from '@tanstack/react-router'
import * as m from '../paraglide/messages.js'

const pages = [
  { to: '/admin', label: m.admin_login_title, exact: true },
  { to: '/admin/duplicates', label: m.admin_duplicates_title, exact: false },
] as const

/** What there is to administer. */
export function AdministrationPages() {
  return (
    <nav aria-label={m.admin_pages()}>
      <ul className="subpages">
        {pages.map(({ to, label, exact }) => (
          <li key={to}>
            <Link to={to} activeOptions={{ exact }} className="subpage">
              {label()}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
