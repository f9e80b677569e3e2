import { Heading } from '@digdir/designsystemet-react'
import { type ReactNode, useEffect, useRef } from 'react'
import * as m from '../paraglide/messages.js'

let firstPage = true

/**
 * The heading of a page. It takes the focus when a person navigates, so that a screen reader says where they are;
 * not on the first page, where the browser has just said it. It also names the document.
 */
export function PageHeading({ children, title }: { children: ReactNode; title?: string }) {
  const ref = useRef<HTMLHeadingElement>(null)
  const name = title ?? (typeof children === 'string' ? children : undefined)

  useEffect(() => {
    if (!firstPage) ref.current?.focus({ preventScroll: true })
    firstPage = false
  }, [])
  useEffect(() => {
    document.title = name ? `${name} – ${m.product()}` : m.product()
  }, [name])

  return (
    <Heading ref={ref} level={1} data-size="md" tabIndex={-1} className="page-heading">
      {children}
    </Heading>
  )
}
