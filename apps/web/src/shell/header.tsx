import { Button } from '@digdir/designsystemet-react'
import { MoonIcon, SunIcon } from '@navikt/aksel-icons'
import { useSession } from '@nokkel/client/react'
import { Link } from '@tanstack/react-router'
import * as m from '../paraglide/messages.js'
import { changeColorScheme, useColorScheme } from '../settings/color-scheme.ts'
import { changeLocale, useLocale } from '../settings/locale.ts'
import { AccountMenu } from './account-menu.tsx'
import { Mark } from './mark.tsx'
import { Navigation } from './navigation.tsx'

export function Header() {
  const locale = useLocale()
  const scheme = useColorScheme()
  const { state } = useSession()
  const me = state.status === 'signed_in' ? state.me : undefined
  const other = locale === 'nb' ? 'en' : 'nb'

  return (
    <header className="header">
      <div className="header-row">
        <Link to="/" className="brand">
          <Mark />
          <span className="brand-text">
            <span className="brand-name">{m.product()}</span>
            {me && <span className="brand-organization">{me.organization.name}</span>}
          </span>
        </Link>
        {me && <Navigation me={me} />}
        <div className="header-tools">
          <Button variant="tertiary" data-color="neutral" lang={other} onClick={() => changeLocale(other)}>
            <span className="wide-only">{m.language_switch()}</span>
            <span className="narrow-only">
              {m.language_switch_short()} <span className="ds-sr-only">{m.language_switch()}</span>
            </span>
          </Button>
          <Button
            icon
            variant="tertiary"
            data-color="neutral"
            aria-label={scheme === 'dark' ? m.theme_light() : m.theme_dark()}
            onClick={() => changeColorScheme(scheme === 'dark' ? 'light' : 'dark')}
          >
            {scheme === 'dark' ? <SunIcon aria-hidden /> : <MoonIcon aria-hidden />}
          </Button>
          {me && <AccountMenu me={me} />}
        </div>
      </div>
    </header>
  )
}
