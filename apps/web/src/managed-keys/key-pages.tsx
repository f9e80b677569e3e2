import { Link } from '@tanstack/react-router'
import * as m from '../paraglide/messages.js'

const pages = [
  { to: '/keys', label: m.my_keys_title },
  { to: '/devices', label: m.devices_title },
] as const

/** What is the person's own: the key that follows them, and the devices with theirs. */
export function KeyPages() {
  return (
    <nav aria-label={m.my_keys_pages()}>
      <ul className="subpages">
        {pages.map(({ to, label }) => (
          <li key={to}>
            <Link to={to} className="subpage">
              {label()}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
