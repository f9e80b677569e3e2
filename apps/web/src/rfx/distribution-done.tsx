import { Alert, Heading, List, Paragraph } from '@digdir/designsystemet-react'
import type { DistributionError, DistributionResult } from '@nokkel/client'
import { type ErrorCode, explain } from '../components/explain.ts'
import { Waiting } from '../components/waiting.tsx'
import * as m from '../paraglide/messages.js'
import { useRecipients } from '../queries/rfx.ts'
import { useProject } from './project.ts'

/** Who got the key, who gets it later, and who did not get it and why. */
export function DistributionDone({ result: { wrapped, errors } }: { result: DistributionResult }) {
  const { nameOf, isPending } = useNames(errors)
  const missing = errors.filter(({ error }) => error === 'key_missing')
  const later = missing.filter(({ userId }) => userId !== '')
  const keylessCompanies = missing.filter(({ userId }) => userId === '')
  const failed = errors.filter(({ error }) => error !== 'key_missing')
  return (
    <>
      <Paragraph role="status">{wrapped > 0 ? m.rfx_handed({ count: wrapped }) : m.rfx_handed_none()}</Paragraph>
      {isPending && <Waiting reason={m.people_loading()} />}
      {!isPending && failed.length > 0 && (
        <Alert data-color="warning" className="notice">
          <Heading level={3} data-size="2xs">
            {m.rfx_handed_failed({ count: failed.length })}
          </Heading>
          <List.Unordered>
            {failed.map(({ companyId, userId, error }) => (
              <List.Item key={`${companyId} ${userId}`}>{explainError(error, nameOf(userId || companyId))}</List.Item>
            ))}
          </List.Unordered>
        </Alert>
      )}
      {!isPending && later.length > 0 && <Later errors={later} nameOf={nameOf} />}
      {!isPending && keylessCompanies.length > 0 && (
        <Paragraph data-size="sm">
          {m.rfx_handed_without_company_key({
            names: keylessCompanies.map(({ companyId }) => nameOf(companyId)).join(', '),
          })}
        </Paragraph>
      )}
    </>
  )
}

type NameOf = (id: string) => string

/** People who have no key yet, each company on a line of its own. */
function Later({ errors, nameOf }: { errors: readonly DistributionError[]; nameOf: NameOf }) {
  const companies = Map.groupBy(errors, ({ companyId }) => companyId)
  return (
    <>
      <Heading level={3} data-size="2xs">
        {m.rfx_handed_later({ count: errors.length })}
      </Heading>
      <Paragraph>{m.rfx_handed_later_why()}</Paragraph>
      <List.Unordered>
        {[...companies].map(([companyId, people]) => {
          const names = people.map(({ userId }) => nameOf(userId)).join(', ')
          return (
            <List.Item key={companyId}>
              {companyId ? m.rfx_handed_later_company({ company: nameOf(companyId), names }) : names}
            </List.Item>
          )
        })}
      </List.Unordered>
    </>
  )
}

function explainError(error: string, name: string): string {
  switch (error) {
    case 'key_changed':
      return m.rfx_error_key_changed({ name })
    case 'key_unusable':
      return m.rfx_error_key_unusable({ name })
    default:
      return m.rfx_error_other({ name, why: explain(error as ErrorCode) })
  }
}

/** Names of people and companies by their ids; who has just come into the project may not be among those it was read with. */
function useNames(errors: readonly DistributionError[]): { nameOf: NameOf; isPending: boolean } {
  const { rfx, details } = useProject()
  const { data: recipients = [], isFetching } = useRecipients(rfx, errors.length > 0)
  const names = new Map([
    ...recipients.map(({ ownerId, name }) => [ownerId, name] as const),
    ...[...details.suppliers, details.company].map(({ id, name }) => [id, name] as const),
  ])
  const people = new Set(errors.map(({ userId }) => userId).filter((id) => id !== ''))
  return {
    nameOf: (id) => names.get(id) ?? (people.has(id) ? m.rfx_somebody() : m.rfx_some_company()),
    isPending: isFetching && errors.some(({ companyId, userId }) => !names.has(userId || companyId)),
  }
}
