import { Alert, Button, Heading, Paragraph, Skeleton } from '@digdir/designsystemet-react'
import { PadlockLockedIcon } from '@navikt/aksel-icons'
import type { Rfx, RfxSnapshot } from '@nokkel/client'
import { useUserKey } from '@nokkel/client/react'
import { Link } from '@tanstack/react-router'
import type { ErrorCode } from '../components/explain.ts'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'

/** Why a project cannot be shown now, what happens next, and when. */
export function ProjectUnopened({ rfx, snapshot }: { rfx: Rfx; snapshot: Readonly<RfxSnapshot> }) {
  switch (snapshot.state) {
    case 'waiting_for_key':
      return <WaitingForKey snapshot={snapshot} />
    case 'denied':
      return (
        <div className="stack-tight">
          <PageHeading>{m.rfx_denied_title()}</PageHeading>
          <Paragraph>{m.rfx_denied_body()}</Paragraph>
          <Button variant="secondary" onClick={() => void rfx.reload()}>
            {m.try_again()}
          </Button>
        </div>
      )
    case 'error':
      return <ProjectFailed code={snapshot.error?.code} rfx={rfx} />
    default:
      return (
        <div className="stack" role="status">
          <span className="ds-sr-only">{m.rfx_opening()}</span>
          <div className="stack" aria-hidden="true">
            <Skeleton width="70%" height="2rem" />
            <Skeleton width="45%" height="1rem" />
            <Skeleton variant="rectangle" height="3rem" />
            <Skeleton variant="rectangle" height="9rem" />
          </div>
        </div>
      )
  }
}

function WaitingForKey({ snapshot: { waiting, details } }: { snapshot: Readonly<RfxSnapshot> }) {
  const { state: own } = useUserKey()
  const company = details?.company.name
  return (
    <>
      <PageHeading>{company ? m.rfx_untitled({ company }) : m.rfx_waiting_title()}</PageHeading>
      <div className="empty">
        <div className="empty-icon">
          <PadlockLockedIcon aria-hidden />
        </div>
        <Heading level={2} data-size="xs">
          {m.rfx_waiting_title()}
        </Heading>
        <div role="status" className="stack">
          {waiting === 'no_own_key' ? (
            <>
              <Paragraph>{m.rfx_waiting_own_key()}</Paragraph>
              {own.status === 'failed' && (
                <Link to="/keys" className="ds-link">
                  {m.my_keys_title()}
                </Link>
              )}
            </>
          ) : (
            <Paragraph>{company ? m.rfx_waiting_key({ company }) : m.rfx_waiting_key_unknown()}</Paragraph>
          )}
          <Paragraph>{m.rfx_waiting_next()}</Paragraph>
        </div>
      </div>
    </>
  )
}

function ProjectFailed({ code, rfx }: { code: ErrorCode | undefined; rfx: Rfx }) {
  if (code !== 'rfx_rolled_back' && code !== 'rfx_tampered') {
    return (
      <>
        <PageHeading>{m.rfx_failed_title()}</PageHeading>
        <Problem code={code} onRetry={() => void rfx.reload()} />
      </>
    )
  }
  return (
    <>
      <PageHeading>{m.rfx_stop_title()}</PageHeading>
      <Alert data-color="danger" role="alert" className="notice">
        <Heading level={2} data-size="2xs">
          {code === 'rfx_rolled_back' ? m.rfx_stop_rolled_back() : m.rfx_stop_tampered()}
        </Heading>
        <div className="notice-body">
          <Paragraph>{m.rfx_stop_do_not()}</Paragraph>
          <Paragraph>{m.rfx_stop_tell({ id: rfx.id })}</Paragraph>
          <Paragraph className="code">{m.error_code({ code })}</Paragraph>
        </div>
      </Alert>
    </>
  )
}
