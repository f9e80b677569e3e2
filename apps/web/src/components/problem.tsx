import { Alert, Button, Heading, Paragraph } from '@digdir/designsystemet-react'
import type { ReactNode } from 'react'
import { LogInAgain } from '../login/log-in-again.tsx'
import * as m from '../paraglide/messages.js'
import { type ErrorCode, explain } from './explain.ts'

interface ProblemProps {
  code: ErrorCode | undefined
  title?: string
  /** What it means here. Default: what the code means everywhere. */
  explanation?: string | undefined
  onRetry?: (() => void) | undefined
  retryLabel?: string
  children?: ReactNode
}

/** Something failed: what in plain words, one action, and the stable code in small print. */
export function Problem({ code, title, explanation, onRetry, retryLabel, children }: ProblemProps) {
  return (
    <Alert data-color="danger" role="alert" className="notice">
      {title && (
        <Heading level={2} data-size="2xs">
          {title}
        </Heading>
      )}
      <div className="notice-body">
        <Paragraph>{explanation ?? explain(code)}</Paragraph>
        {children}
        {code === 'login_too_old' && <LogInAgain />}
        {onRetry && (
          <Button variant="secondary" onClick={onRetry}>
            {retryLabel ?? m.try_again()}
          </Button>
        )}
        {code && <Paragraph className="code">{m.error_code({ code })}</Paragraph>}
      </div>
    </Alert>
  )
}
