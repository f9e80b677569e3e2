import { Paragraph } from '@digdir/designsystemet-react'
import { useSession } from '@nokkel/client/react'
import { Outlet } from '@tanstack/react-router'
import { PageHeading } from '../components/page-heading.tsx'
import * as m from '../paraglide/messages.js'
import { isCoordinator } from '../role.ts'
import { useLocale } from '../settings/locale.ts'

export function CoordinatorArea() {
  useLocale()
  const { state } = useSession()
  const me = state.me
  if (me && isCoordinator(me.role)) return <Outlet />
  return (
    <div className="page">
      <PageHeading>{m.role_needed_title()}</PageHeading>
      <Paragraph>{m.role_needed_body({ organization: me?.organization.name ?? '' })}</Paragraph>
    </div>
  )
}
