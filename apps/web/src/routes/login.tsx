import { Button, Card, Heading, Label, List, Paragraph, Select } from '@digdir/designsystemet-react'
import { useNokkel, useSession } from '@nokkel/client/react'
import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { useEffect, useId, useState } from 'react'
import { chooseOrganization, currentClient } from '../client.ts'
import { codeOf } from '../components/explain.ts'
import { providerName } from '../components/format.ts'
import { LockLine } from '../components/lock-line.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import * as m from '../paraglide/messages.js'
import { useLocale } from '../settings/locale.ts'
import { Redirect } from '../shell/redirect.tsx'
import { Fjord } from './login-fjord.tsx'
import { LoginNotice } from './login-notice.tsx'

type Provider = 'bankid' | 'vipps'

const signInWith: Record<Provider, () => string> = { bankid: m.login_with_bankid, vipps: m.login_with_vipps }

export function LoginPage() {
  useLocale()
  const nokkel = useNokkel()
  const { state, signIn } = useSession()
  const { to } = useSearch({ from: '/login' })
  const [leavingFor, setLeavingFor] = useState<Provider>()
  const select = useId()

  const organizations = useQuery({
    queryKey: ['organizations'],
    queryFn: () => nokkel.organizations.list(),
    staleTime: 60_000,
  })
  const only = organizations.data?.length === 1 ? organizations.data[0]?.slug : undefined
  useEffect(() => {
    if (only) chooseOrganization(only)
  }, [only])

  if (state.status === 'signed_in') return <Redirect to={to ?? '/'} />
  const organization = organizations.data?.find(({ slug }) => slug === currentClient.organization())

  const leaving = state.status === 'loading' || state.status === 'awaiting_callback'

  function leave(provider: Provider) {
    setLeavingFor(provider)
    // Why it failed is in the state of the session.
    signIn(provider, to ? { returnTo: to } : {}).catch(() => undefined)
  }

  return (
    <div className="login">
      <section className="login-pitch" data-color-scheme="dark" aria-labelledby="pitch">
        <Fjord />
        <div className="login-pitch-text">
          <Heading id="pitch" level={2} data-size="lg">
            {m.login_pitch()}
          </Heading>
          <LockLine>{m.login_pitch_detail()}</LockLine>
        </div>
      </section>
      <div className="login-form">
        {state.notice && <LoginNotice notice={state.notice} />}
        <div className="stack-tight">
          <PageHeading>{m.login_title()}</PageHeading>
          <Paragraph>{m.login_lead()}</Paragraph>
        </div>
        {state.status === 'error' && <Problem code={state.reason} title={m.login_failed_title()} />}
        {organizations.isPending && <Waiting reason={m.login_loading_organizations()} />}
        {organizations.isError && (
          <Problem code={codeOf(organizations.error)} onRetry={() => void organizations.refetch()} />
        )}
        {organizations.data?.length === 0 && <Paragraph>{m.login_no_organizations()}</Paragraph>}
        {organizations.data && organizations.data.length > 0 && (
          <div className="field">
            <Label htmlFor={select}>{m.login_organization()}</Label>
            <Select
              id={select}
              value={organization?.slug ?? ''}
              onChange={(event) => chooseOrganization(event.target.value)}
            >
              <Select.Option value="" disabled>
                {m.login_organization_choose()}
              </Select.Option>
              {organizations.data.map(({ slug, name }) => (
                <Select.Option key={slug} value={slug}>
                  {name}
                </Select.Option>
              ))}
            </Select>
          </div>
        )}
        <div className="login-providers">
          {(organization?.providers.map(({ id }) => id) ?? (['bankid', 'vipps'] as const)).map((provider) => (
            <Button
              key={provider}
              data-size="lg"
              data-color={provider === 'vipps' ? 'ember' : 'accent'}
              disabled={!organization || (leaving && leavingFor !== provider)}
              loading={leaving && leavingFor === provider}
              onClick={() => leave(provider)}
            >
              {signInWith[provider]()}
            </Button>
          ))}
          <p className="ds-sr-only" role="status">
            {leaving && leavingFor && m.login_leaving({ provider: providerName(leavingFor) })}
          </p>
        </div>
        <Card variant="tinted" data-color="accent" className="login-how">
          <Card.Block>
            <Heading level={2} data-size="2xs">
              {m.login_how_title()}
            </Heading>
            <List.Ordered>
              <List.Item>{m.login_how_1()}</List.Item>
              <List.Item>{m.login_how_2()}</List.Item>
              <List.Item>{m.login_how_3()}</List.Item>
            </List.Ordered>
          </Card.Block>
        </Card>
      </div>
    </div>
  )
}
