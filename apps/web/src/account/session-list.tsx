import { Button, Heading, Paragraph, Tag } from '@digdir/designsystemet-react'
import { useNokkel } from '@nokkel/client/react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { providerName } from '../components/format.ts'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'

/** Where the person is logged in, and ending one or all the others. */
export function SessionList() {
  const { auth } = useNokkel()
  const queries = useQueryClient()
  const [done, setDone] = useState('')
  const query = useQuery({ queryKey: ['sessions'], queryFn: () => auth.sessions(), refetchInterval: 15_000 })
  const refresh = () => queries.invalidateQueries({ queryKey: ['sessions'] })
  const endOne = useMutation({
    mutationFn: (id: string) => auth.endSession(id),
    onSuccess: async () => {
      await refresh()
      setDone(m.session_end_done())
    },
  })
  const endOthers = useMutation({
    mutationFn: () => auth.endOtherSessions(),
    onSuccess: async () => {
      await refresh()
      setDone(m.sessions_end_others_done())
    },
  })
  const failed = endOne.error ?? endOthers.error
  const others = query.data?.filter(({ current }) => !current) ?? []

  return (
    <section className="stack" aria-labelledby="sessions">
      <div className="stack-tight">
        <Heading id="sessions" level={2} data-size="xs">
          {m.sessions_title()}
        </Heading>
        <Paragraph>{m.sessions_lead()}</Paragraph>
      </div>
      {query.isPending && <Waiting reason={m.sessions_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {query.data && (
        <ul className="rows">
          {query.data.map((session) => (
            <li key={session.id} className="row">
              <div className="row-text">
                <span className="device-name">
                  <span className="row-title">{session.deviceName}</span>
                  {session.current && <Tag data-color="accent">{m.session_this()}</Tag>}
                </span>
                <span className="row-meta">
                  <When
                    at={session.authenticatedAt}
                    text={(when) => m.session_with({ provider: providerName(session.provider), when })}
                  />
                  <When at={session.lastUsedAt} text={(when) => m.session_last_used({ when })} />
                </span>
              </div>
              {!session.current && (
                <Button
                  variant="secondary"
                  loading={endOne.isPending && endOne.variables === session.id}
                  aria-label={m.session_end_named({ name: session.deviceName })}
                  onClick={() => endOne.mutate(session.id)}
                >
                  {m.session_end()}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      {others.length > 0 && (
        <div className="actions">
          <Button variant="secondary" loading={endOthers.isPending} onClick={() => endOthers.mutate()}>
            {m.sessions_end_others()}
          </Button>
        </div>
      )}
      {failed && <Problem code={codeOf(failed)} />}
      <p className="ds-sr-only" role="status">
        {done}
      </p>
    </section>
  )
}
