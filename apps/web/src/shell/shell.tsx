import { SkipLink } from '@digdir/designsystemet-react'
import { Outlet } from '@tanstack/react-router'
import { LoginDialog } from '../login/login-dialog.tsx'
import * as m from '../paraglide/messages.js'
import { useLocale } from '../settings/locale.ts'
import { Header } from './header.tsx'

export function Shell() {
  useLocale()
  return (
    <>
      <SkipLink href="#content">{m.skip_to_content()}</SkipLink>
      <Header />
      <main id="content" tabIndex={-1} className="content">
        <Outlet />
      </main>
      <LoginDialog />
    </>
  )
}
