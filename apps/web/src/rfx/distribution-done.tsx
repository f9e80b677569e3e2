import { Alert, Heading, List, Paragraph } from '@digdir/designsystemet-react'
import type { DistributionError, DistributionResult } from '@nokkel/client'
import { type ErrorCode, explain } from '../components/explain.ts'
import * as m from '../paraglide/messages.js'
import { useRecipients } from '../queries/rfx.ts'
import { useProject } from './project.ts'

/** Who got the key, who gets it later, and who did not get it and why. */
export function DistributionDone({ result: { wrapped, errors } }: { result: DistributionResult }) {
  const nameOf = useNames(errors.length > 0)
  const missing = errors.filter(({ error }) => error === 'key_missing')
  const later = missing.filter(({ userId }) => userId !== '')
  const keylessCompanies = missing.filter(({ userId }) => userId === '')
  const failed = errors.filter(({ error }) => error !== 'key_missing')
  return (
    <>
      <Paragraph role="status">{wrapped > 0 ? m.rfx_handed({ count: wrapped }) : m.rfx_handed_none()}</Paragraph>
      {failed.length > 0 && (
        <Alert data-color="warning" className="notice">
          <Heading level={3} data-size="2xs">
            {m.rfx_handed_failed({ count: failed.length })}
          </Heading>
          <ErrorList errors={failed} nameOf={nameOf} />
        </Alert>
      )}
      {later.length > 0 && (
        <>
          <Heading level={3} data-size="2xs">
            {m.rfx_handed_later({ count: later.length })}
          </Heading>
          <ErrorList errors={later} nameOf={nameOf} />
        </>
      )}
      {keylessCompanies.length > 0 && (
        <Paragraph data-size="sm">
          {m.rfx_handed_without_company_key({ names: keylessCompanies.map(nameOf).join(', ') })}
        </Paragraph>
      )}
    </>
  )
}

type NameOf = (error: DistributionError) => string

function ErrorList({ errors, nameOf }: { errors: readonly DistributionError[]; nameOf: NameOf }) {
  return (
    <List.Unordered>
      {errors.map((error) => (
        <List.Item key={`${error.companyId} ${error.userId}`}>{explainError(error, nameOf(error))}</List.Item>
      ))}
    </List.Unordered>
  )
}

function explainError({ error }: DistributionError, name: string): string {
  switch (error) {
    case 'key_missing':
      return m.rfx_error_key_missing({ name })
    case 'key_changed':
      return m.rfx_error_key_changed({ name })
    case 'key_unusable':
      return m.rfx_error_key_unusable({ name })
    default:
      return m.rfx_error_other({ name, why: explain(error as ErrorCode) })
  }
}

function useNames(enabled: boolean): NameOf {
  const { rfx, details } = useProject()
  const { data: recipients = [] } = useRecipients(rfx, enabled)
  return ({ companyId, userId }) => {
    const id = userId || companyId
    const known = [
      ...recipients.map(({ ownerId, name }) => ({ id: ownerId, name })),
      ...details.suppliers,
      details.company,
    ]
    return known.find((one) => one.id === id)?.name ?? (userId ? m.rfx_somebody() : m.rfx_some_company())
  }
}
