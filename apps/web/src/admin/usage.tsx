import { Heading, Paragraph, Table } from '@digdir/designsystemet-react'
import type { LoginSettings } from '@nokkel/client'
import { formatAmount, formatMonth, formatNumber } from '../components/format.ts'
import { Progress } from '../components/progress.tsx'
import * as m from '../paraglide/messages.js'

/** How often Vipps was logged in with, this month and before, and what that makes. */
export function Usage({ settings: { usage, cost }, month: current }: { settings: LoginSettings; month: string }) {
  const price = cost?.pricePerLoginOre ?? null
  const cap = cost?.monthlyCap ?? null
  const now = usage.find(({ month }) => month === current)?.logins ?? 0
  const amount = (logins: number) => (price === null ? '' : formatAmount(((logins * price) / 100).toFixed(2)))

  return (
    <section className="stack" aria-labelledby="usage">
      <Heading id="usage" level={2} data-size="xs">
        {m.usage_title()}
      </Heading>
      <div className="key-work">
        <Paragraph>
          {cap === null
            ? m.usage_month_uncapped({ count: now })
            : m.usage_month({ count: formatNumber(String(now)), cap: formatNumber(String(cap)) })}
          {price !== null && now > 0 && ` ${m.usage_cost({ amount: amount(now) })}`}
        </Paragraph>
        {cap !== null && <Progress label={m.usage_title()} value={Math.min(now, cap)} total={cap} />}
      </div>
      {usage.length === 0 ? (
        <Paragraph>{m.usage_none()}</Paragraph>
      ) : (
        <Table data-size="sm" className="usage">
          <caption className="ds-sr-only">{m.usage_months()}</caption>
          <Table.Head>
            <Table.Row>
              <Table.HeaderCell scope="col">{m.usage_column_month()}</Table.HeaderCell>
              <Table.HeaderCell scope="col">{m.usage_column_logins()}</Table.HeaderCell>
              {price !== null && <Table.HeaderCell scope="col">{m.usage_column_amount()}</Table.HeaderCell>}
            </Table.Row>
          </Table.Head>
          <Table.Body>
            {usage.map(({ month, logins }) => (
              <Table.Row key={month}>
                <Table.HeaderCell scope="row">{formatMonth(month)}</Table.HeaderCell>
                <Table.Cell>{formatNumber(String(logins))}</Table.Cell>
                {price !== null && <Table.Cell>{amount(logins)}</Table.Cell>}
              </Table.Row>
            ))}
          </Table.Body>
        </Table>
      )}
    </section>
  )
}
