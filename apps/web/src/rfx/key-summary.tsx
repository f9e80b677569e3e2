import { Button, Heading, Paragraph } from '@digdir/designsystemet-react'
import { KeyHorizontalIcon } from '@navikt/aksel-icons'
import type { RfxRecipient } from '@nokkel/client'
import { LockLine } from '../components/lock-line.tsx'
import { Problem } from '../components/problem.tsx'
import { Progress } from '../components/progress.tsx'
import * as m from '../paraglide/messages.js'
import { useRefreshRfx } from '../queries/rfx.ts'
import { DistributionDone } from './distribution-done.tsx'
import { useProject } from './project.ts'
import { useWork } from './use-work.ts'

/** How far the key of the project has come, and handing it to those who wait. */
export function KeySummary({ recipients }: { recipients: readonly RfxRecipient[] }) {
  const { rfx, details } = useProject()
  const hand = useWork((options) => rfx.distribute(options), useRefreshRfx(rfx))
  const people = recipients.filter(({ owner }) => owner === 'user')
  const companies = new Set(
    recipients.filter(({ owner, state }) => owner === 'company' && state === 'wrapped').map(({ ownerId }) => ownerId),
  )
  const reads = ({ state, companyId }: RfxRecipient) =>
    state === 'wrapped' || (companyId !== null && companies.has(companyId))
  const waiting = recipients.filter(({ state }) => state === 'missing').length
  const running = hand.state === 'running' ? hand.progress : undefined

  return (
    <section className="device" aria-labelledby="key">
      <KeyHorizontalIcon aria-hidden className="row-icon" />
      <div className="device-text">
        <Heading id="key" level={2} data-size="2xs">
          {m.people_key()}
        </Heading>
        {people.length > 0 && (
          <Paragraph>{m.people_coverage({ count: people.filter(reads).length, total: people.length })}</Paragraph>
        )}
        <p className="row-meta">
          <span>{m.people_version({ version: details.version })}</span>
          {waiting > 0 && <span>{m.people_waiting({ count: waiting })}</span>}
        </p>
        <LockLine>{m.people_lock()}</LockLine>
        {running && running.total > 0 && (
          <>
            <Paragraph data-size="sm" role="status">
              {m.rfx_work_distributing({ done: running.done, total: running.total })}
            </Paragraph>
            <Progress label={m.rfx_work()} value={running.done} total={running.total} />
          </>
        )}
        {hand.state === 'failed' &&
          (hand.code === 'cancelled' ? (
            <Paragraph role="status">{m.rfx_stopped()}</Paragraph>
          ) : (
            <Problem code={hand.code} />
          ))}
        {hand.state === 'done' && <DistributionDone result={hand.result} />}
        {waiting > 0 && details.status !== 'closed' && (
          <div className="actions">
            <Button variant="secondary" loading={hand.state === 'running'} onClick={() => hand.start()}>
              {hand.state === 'running' ? m.rfx_handing_over() : m.people_hand_over()}
            </Button>
            {hand.state === 'running' && (
              <Button variant="secondary" onClick={hand.stop}>
                {m.moving_stop()}
              </Button>
            )}
          </div>
        )}
      </div>
    </section>
  )
}
