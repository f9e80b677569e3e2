import { Link as LinkStyle, Paragraph } from '@digdir/designsystemet-react'
import { Link } from '@tanstack/react-router'
import { PageHeading } from '../components/page-heading.tsx'
import * as m from '../paraglide/messages.js'
import { useLocale } from '../settings/locale.ts'

export function NotFoundPage() {
  useLocale()
  return (
    <div className="page">
      <PageHeading>{m.page_not_found_title()}</PageHeading>
      <Paragraph>{m.page_not_found_body()}</Paragraph>
      <Paragraph>
        <LinkStyle asChild>
          <Link to="/">{m.go_home()}</Link>
        </LinkStyle>
      </Paragraph>
    </div>
  )
}
