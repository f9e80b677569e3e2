import { Alert, Button, Heading, Paragraph } from '@digdir/designsystemet-react'
import { CheckmarkCircleIcon } from '@navikt/aksel-icons'
import type { RfxFault, RfxRecipient } from '@nokkel/client'
import { Problem } from '../components/problem.tsx'
import { Progress } from '../components/progress.tsx'
import { Waiting } from '../components/waiting.tsx'
import * as m from '../paraglide/messages.js'
import { useRecipients } from '../queries/rfx.ts'
import { useProject } from '../rfx/project.ts'
import { TrustKeys } from '../rfx/trust-keys.tsx'
import { useWork } from '../rfx/use-work.ts'
import { useLocale } from '../settings/locale.ts'

/** Goes through keys and signatures of the project, and tells the result in words. */
export function CheckPage() {
  useLocale()
  const { rfx, details } = useProject()
  const isSupplier = details.role === 'supplier'
  const check = useWork((options) => rfx.check(options))
  const { data: recipients = [] } = useRecipients(rfx, !isSupplier)
  if (isSupplier) return <Paragraph>{m.people_not_for_suppliers()}</Paragraph>
  const running = check.state === 'running'

  return (
    <section className="stack" aria-labelledby="check">
      <Heading id="check" level={2} data-size="xs">
        {m.rfx_part_check()}
      </Heading>
      <Paragraph>{m.check_body()}</Paragraph>
      <div className="actions">
        <Button loading={running} onClick={() => check.start()}>
          {running ? m.check_running() : check.state === 'asking' ? m.check_run() : m.check_again()}
        </Button>
        {running && (
          <Button variant="secondary" onClick={check.stop}>
            {m.moving_stop()}
          </Button>
        )}
      </div>
      {running &&
        (check.progress && check.progress.total > 0 ? (
          <Progress label={m.check_running()} value={check.progress.done} total={check.progress.total} />
        ) : (
          <Waiting reason={m.check_waiting()} />
        ))}
      {check.state === 'failed' &&
        (check.code === 'cancelled' ? (
          <Paragraph role="status">{m.check_stopped()}</Paragraph>
        ) : (
          <Problem code={check.code} />
        ))}
      {check.state === 'done' && <CheckResult faults={check.result} recipients={recipients} />}
      {check.state === 'done' && check.result.some(({ problem }) => problem === 'chain_broken') && <TrustKeys />}
    </section>
  )
}

function CheckResult({ faults, recipients }: { faults: readonly RfxFault[]; recipients: readonly RfxRecipient[] }) {
  if (faults.length === 0) {
    return (
      <Alert data-color="success" role="status" className="notice">
        <Heading level={3} data-size="2xs">
          <CheckmarkCircleIcon aria-hidden /> {m.check_well_title()}
        </Heading>
        <Paragraph>{m.check_well_body()}</Paragraph>
      </Alert>
    )
  }
  const serious = faults.some(({ problem }) => problem !== 'rekey_pending' && problem !== 'wrap_missing')
  return (
    <Alert data-color={serious ? 'danger' : 'warning'} role="status" className="notice">
      <Heading level={3} data-size="2xs">
        {m.check_faults_title({ count: faults.length })}
      </Heading>
      <div className="notice-body">
        <ul className="faults">
          {faults.map((fault) => (
            <li key={`${fault.problem} ${fault.groupId} ${fault.subjectId}`}>{explainFault(fault, recipients)}</li>
          ))}
        </ul>
        <Paragraph>{serious ? m.check_serious() : m.check_by_itself()}</Paragraph>
      </div>
    </Alert>
  )
}

function explainFault({ problem, subjectId }: RfxFault, recipients: readonly RfxRecipient[]): string {
  const name = recipients.find(({ ownerId }) => ownerId === subjectId)?.name ?? m.check_somebody()
  switch (problem) {
    case 'wrap_surplus':
      return m.fault_wrap_surplus({ name })
    case 'wrap_missing':
      return m.fault_wrap_missing({ name })
    case 'rekey_pending':
      return m.fault_rekey_pending()
    case 'version_unsigned':
      return m.fault_version_unsigned()
    case 'manifest_invalid':
      return m.fault_manifest_invalid()
    case 'wrap_unsigned':
      return m.fault_wrap_unsigned({ name })
    case 'leaf_unexplained':
      return m.fault_leaf_unexplained()
    case 'chain_broken':
      return m.fault_chain_broken()
  }
}
