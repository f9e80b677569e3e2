import { Alert, Heading, Paragraph } from '@digdir/designsystemet-react'
import { CheckmarkCircleIcon } from '@navikt/aksel-icons'
import type { LoginWarning } from '@nokkel/client'
import * as m from '../paraglide/messages.js'
import { useVippsCheck } from '../queries/administration.ts'

const texts: Record<LoginWarning, { title: () => string; body: () => string; grave?: true }> = {
  no_way_in: { title: m.warning_no_way_in_title, body: m.warning_no_way_in_body, grave: true },
  vipps_unconfigured: { title: m.warning_vipps_unconfigured_title, body: m.warning_vipps_unconfigured_body },
  vipps_secret_missing: { title: m.warning_vipps_secret_missing_title, body: m.warning_vipps_secret_missing_body },
  vipps_environment_unavailable: { title: m.warning_vipps_environment_title, body: m.warning_vipps_environment_body },
  vipps_disabled: { title: m.warning_vipps_disabled_title, body: m.warning_vipps_disabled_body },
  vipps_cap_reached: { title: m.warning_vipps_cap_reached_title, body: m.warning_vipps_cap_reached_body, grave: true },
  vipps_cap_near: { title: m.warning_vipps_cap_near_title, body: m.warning_vipps_cap_near_body },
  vipps_below_assurance: { title: m.warning_vipps_below_title, body: m.warning_vipps_below_body },
  vipps_cost_unset: { title: m.warning_vipps_cost_title, body: m.warning_vipps_cost_body },
  vipps_refused: { title: m.warning_vipps_refused_title, body: m.warning_vipps_refused_body, grave: true },
  bankid_refused: { title: m.warning_bankid_refused_title, body: m.warning_bankid_refused_body, grave: true },
  personnummer_not_approved: { title: m.warning_personnummer_title, body: m.warning_personnummer_body },
  bankid_unconfigured: { title: m.warning_bankid_title, body: m.warning_bankid_body },
}

/** What an administrator should see to and how, the most urgent first. */
export function Warnings({ warnings }: { warnings: readonly LoginWarning[] }) {
  const failed = useVippsCheck().data?.some(({ result }) => result === 'failed')
  if (warnings.length === 0 && failed) return <p>{m.admin_check_failed()}</p>
  if (warnings.length === 0) {
    return (
      <p className="lock-line">
        <CheckmarkCircleIcon aria-hidden />
        <span>{m.admin_all_well()}</span>
      </p>
    )
  }
  return (
    <section className="stack" aria-labelledby="warnings">
      <Heading id="warnings" level={2} data-size="xs">
        {m.admin_warnings_title()}
      </Heading>
      {warnings.map((warning) => {
        const { title, body, grave } = texts[warning]
        return (
          <Alert key={warning} data-color={grave ? 'danger' : 'warning'} className="notice">
            <Heading level={3} data-size="2xs">
              {title()}
            </Heading>
            <Paragraph>{body()}</Paragraph>
          </Alert>
        )
      })}
    </section>
  )
}
