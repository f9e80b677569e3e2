import { Paragraph } from '@digdir/designsystemet-react'
import { useSession } from '@nokkel/client/react'
import { Outlet } from '@tanstack/react-router'
import { PageHeading } from '../components/page-heading.tsx'
import * as m from '../paraglide/messages.js'
import { useLocale } from '../settings/locale.ts'

export function AdministratorArea() {
  useLocale()
  const { me } = useSession().state
  if (me?.role === 'administrator') return <Outlet />
  return (
    <div className="page">
      <PageHeading>{m.admin_needed_title()}</PageHeading>
      <Paragraph>{m.admin_needed_body({ organization: me?.organization.name ?? '' })}</Paragraph>
    </div>
  )
}
