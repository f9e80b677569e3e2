import { Heading, Paragraph } from '@digdir/designsystemet-react'
import { useNokkel } from '@nokkel/client/react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { codeOf } from '../components/explain.ts'
import { ListSkeleton } from '../components/list-skeleton.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { KeyStatus } from '../keys/key-status.tsx'
import { KeyPages } from '../managed-keys/key-pages.tsx'
import * as m from '../paraglide/messages.js'
import { useLocale } from '../settings/locale.ts'
import { DeviceCard } from './device-card.tsx'

export function DevicesPage() {
  useLocale()
  const { devices } = useNokkel()
  const query = useQuery({ queryKey: ['devices'], queryFn: () => devices.list(), refetchInterval: 15_000 })
  const active = query.data?.filter(({ state }) => state === 'active') ?? []
  const ended = query.data?.filter(({ state }) => state !== 'active') ?? []

  return (
    <div className="page">
      <KeyPages />
      <div className="stack-tight">
        <PageHeading>{m.devices_title()}</PageHeading>
        <KeyStatus />
        <Paragraph>{m.devices_lead()}</Paragraph>
      </div>
      {query.isPending && <ListSkeleton reason={m.devices_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {query.data && active.length === 0 && <Paragraph>{m.devices_empty()}</Paragraph>}
      {active.map((device) => (
        <DeviceCard key={device.id} device={device} level={2} />
      ))}
      <Link to="/account" className="ds-link back">
        {m.sessions_elsewhere()}
      </Link>
      {ended.length > 0 && (
        <section className="stack" aria-labelledby="ended">
          <Heading id="ended" level={2} data-size="xs">
            {m.devices_ended_heading()}
          </Heading>
          {ended.map((device) => (
            <DeviceCard key={device.id} device={device} level={3} />
          ))}
        </section>
      )}
    </div>
  )
}
