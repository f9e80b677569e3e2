import { Button, Heading, Paragraph, Tag } from '@digdir/designsystemet-react'
import type { ProviderFinding } from '@nokkel/client'
import { codeOf } from '../components/explain.ts'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'
import { useVippsCheck } from '../queries/administration.ts'

const checkName: Record<ProviderFinding['check'], () => string> = {
  discovery: m.finding_discovery,
  redirect_uri: m.finding_redirect_uri,
  credentials: m.finding_credentials,
  scopes: m.finding_scopes,
}

const whatToDo: Record<ProviderFinding['check'], () => string> = {
  discovery: m.finding_discovery_failed,
  redirect_uri: m.finding_redirect_uri_failed,
  credentials: m.finding_credentials_failed,
  scopes: m.finding_scopes_failed,
}

const results = {
  ok: { name: m.finding_ok, color: 'success' },
  failed: { name: m.finding_failed, color: 'danger' },
  unknown: { name: m.finding_unknown, color: 'neutral' },
} as const

/** Tries the stored settings against Vipps, and says what to do about what fails. */
export function CheckVipps() {
  const check = useVippsCheck()

  return (
    <section className="stack" aria-labelledby="check">
      <div className="stack-tight">
        <Heading id="check" level={2} data-size="xs">
          {m.check_vipps_title()}
        </Heading>
        <Paragraph>{m.check_vipps_body()}</Paragraph>
      </div>
      <div className="actions">
        <Button variant="secondary" loading={check.isFetching} onClick={() => void check.refetch()}>
          {check.isFetching ? m.check_vipps_working() : m.check_vipps_run()}
        </Button>
      </div>
      {check.isError && <Problem code={codeOf(check.error)} />}
      <div role="status">
        {check.data && !check.isError && (
          <ul className="rows">
            {check.data.map((finding, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: one check may find several things, and all come anew together
              <Finding key={index} finding={finding} />
            ))}
          </ul>
        )}
      </div>
    </section>
  )
}

function Finding({ finding: { check, result, detail } }: { finding: ProviderFinding }) {
  return (
    <li className="row">
      <div className="row-text">
        <span className="device-name">
          <span className="row-title">{checkName[check]()}</span>
          <Tag data-color={results[result].color}>{results[result].name()}</Tag>
        </span>
        {result === 'failed' && <span className="row-note">{whatToDo[check]()}</span>}
        {detail && <span className="row-note">{m.finding_detail({ detail })}</span>}
      </div>
    </li>
  )
}
