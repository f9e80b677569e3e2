import { Link } from '@tanstack/react-router'
import * as m from '../paraglide/messages.js'

const pages = [
  { to: '/account', label: m.account_title, exact: true },
  { to: '/account/data', label: m.data_title, exact: false },
] as const

/** What there is about oneself. */
export function AccountPages() {
  return (
    <nav aria-label={m.account_pages()}>
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
