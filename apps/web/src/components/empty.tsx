import { Heading, Paragraph } from '@digdir/designsystemet-react'
import type { ReactNode } from 'react'

export function Empty({
  icon,
  title,
  body,
  children,
}: {
  icon: ReactNode
  title: string
  body: string
  children?: ReactNode
}) {
  return (
    <div className="empty">
      <div className="empty-icon">{icon}</div>
      <Heading level={2} data-size="xs">
        {title}
      </Heading>
      <Paragraph>{body}</Paragraph>
      {children}
    </div>
  )
}
