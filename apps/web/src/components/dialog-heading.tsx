import { Heading } from '@digdir/designsystemet-react'
import { useEffect, useRef } from 'react'

interface DialogHeadingProps {
  id: string
  /** Whether it has the focus when the dialog opens: no careless Enter answers then. Default `true`. */
  first?: boolean
  children: string
}

/** The heading of a dialog; takes the focus whenever it says something else. */
export function DialogHeading({ id, first = true, children }: DialogHeadingProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  const said = useRef(children)
  useEffect(() => {
    if (said.current !== children) heading.current?.focus()
    said.current = children
  }, [children])

  return (
    <Heading
      id={id}
      ref={(element: HTMLHeadingElement | null) => {
        heading.current = element
        // React would focus it itself, before the dialog is open.
        if (first) element?.setAttribute('autofocus', '')
      }}
      level={2}
      data-size="xs"
      tabIndex={-1}
      className="page-heading"
    >
      {children}
    </Heading>
  )
}
