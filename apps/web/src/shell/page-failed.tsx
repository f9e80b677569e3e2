import { Button, Paragraph } from '@digdir/designsystemet-react'
import { useRouter } from '@tanstack/react-router'
import { PageHeading } from '../components/page-heading.tsx'
import * as m from '../paraglide/messages.js'

/** What stands in place of a page that threw while rendering. */
export function PageFailed() {
  const router = useRouter()
  return (
    <div className="page">
      <PageHeading>{m.page_failed_title()}</PageHeading>
      <Paragraph>{m.page_failed_body()}</Paragraph>
      <div className="actions">
        <Button onClick={() => void router.invalidate()}>{m.try_again()}</Button>
      </div>
    </div>
  )
}
