import { Alert, Button, Heading, Paragraph } from '@digdir/designsystemet-react'

interface KeyNoticeProps {
  tone: 'info' | 'warning'
  title: string
  body: string
  action: string
  onAction: () => void
}

export function KeyNotice({ tone, title, body, action, onAction }: KeyNoticeProps) {
  return (
    <div className="page page-notice">
      <Alert data-color={tone} role="status" className="notice">
        <Heading level={2} data-size="2xs">
          {title}
        </Heading>
        <div className="notice-body">
          <Paragraph>{body}</Paragraph>
          <Button variant="secondary" onClick={onAction}>
            {action}
          </Button>
        </div>
      </Alert>
    </div>
  )
}
