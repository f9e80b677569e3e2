import { SkipLink } from '@digdir/designsystemet-react'
import { useSession } from '@nokkel/client/react'
import { Outlet, useLocation } from '@tanstack/react-router'
import { LockPage } from '../biometrics/lock-page.tsx'
import { LoginDialog } from '../login/login-dialog.tsx'
import * as m from '../paraglide/messages.js'
import { useLocale } from '../settings/locale.ts'
import { Header } from './header.tsx'

export function Shell() {
  useLocale()
  const { status } = useSession().state
  const { pathname } = useLocation()
  // A login can be finished while the session is locked.
  const locked = status === 'locked' && !pathname.startsWith('/callback/')
  return (
    <>
      <SkipLink href="#content">{m.skip_to_content()}</SkipLink>
      <Header />
      <main id="content" tabIndex={-1} className="content">
        {locked ? <LockPage /> : <Outlet />}
      </main>
      <LoginDialog />
    </>
  )
}
