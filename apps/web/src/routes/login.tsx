import { Alert, Card, Heading, Label, List, Paragraph, Select } from '@digdir/designsystemet-react'
import type { ProviderId } from '@nokkel/client'
import { useSession } from '@nokkel/client/react'
import { useSearch } from '@tanstack/react-router'
import { useEffect, useId } from 'react'
import { chooseOrganization, restart } from '../client.ts'
import { codeOf } from '../components/explain.ts'
import { providerName } from '../components/format.ts'
import { LockLine } from '../components/lock-line.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import { NotPurged } from '../identity/not-purged.tsx'
import { LoginFailure } from '../login/login-failure.tsx'
import { NeedsLinking } from '../login/needs-linking.tsx'
import { ProviderButton } from '../login/provider-button.tsx'
import { lastFirst, useLoginIn, useLogins } from '../login/use-logins.ts'
import * as m from '../paraglide/messages.js'
import { useOrganization, useOrganizations } from '../queries/organizations.ts'
import { useLocale } from '../settings/locale.ts'
import { Redirect } from '../shell/redirect.tsx'
import { Fjord } from './login-fjord.tsx'
import { LoginNotice } from './login-notice.tsx'

export function LoginPage() {
  useLocale()
  const { state } = useSession()
  const { to } = useSearch({ from: '/login' })
  const linking = useLoginIn('needs_linking')
  const failed = useLoginIn('error')
  const arrived = useLoginIn('authenticated')?.state.purpose === 'login'
  if (state.status === 'signed_in') return <Redirect to={to ?? '/'} afterLogin={arrived} />

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
        {linking ? (
          <NeedsLinking login={linking} />
        ) : (
          <>
            {state.notice && <LoginNotice notice={state.notice} />}
            <NotPurged />
            <div className="stack-tight">
              <PageHeading>{m.login_title()}</PageHeading>
              <Paragraph>{m.login_lead()}</Paragraph>
            </div>
            {state.status === 'error' && <Problem code={state.reason} onRetry={restart} />}
            {failed && failed.state.reason !== state.reason && <LoginFailure login={failed} returnTo={to} />}
            <ChooseOrganization />
            <Ways returnTo={to} />
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
          </>
        )}
      </div>
    </div>
  )
}

function ChooseOrganization() {
  const select = useId()
  const query = useOrganizations()
  const chosen = useOrganization()
  const only = query.data?.length === 1 ? query.data[0]?.slug : undefined
  useEffect(() => {
    if (only) chooseOrganization(only)
  }, [only])

  if (query.isPending) return <Waiting reason={m.login_loading_organizations()} />
  if (query.isError) return <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />
  if (query.data.length === 0) return <Paragraph>{m.login_no_organizations()}</Paragraph>
  return (
    <div className="field">
      <Label htmlFor={select}>{m.login_organization()}</Label>
      <Select id={select} value={chosen?.slug ?? ''} onChange={(event) => chooseOrganization(event.target.value)}>
        <Select.Option value="" disabled>
          {m.login_organization_choose()}
        </Select.Option>
        {query.data.map(({ slug, name }) => (
          <Select.Option key={slug} value={slug}>
            {name}
          </Select.Option>
        ))}
      </Select>
    </div>
  )
}

/** A button for each way in that works now, and a plain sentence for one that does not or is not there. */
function Ways({ returnTo }: { returnTo: string | undefined }) {
  const { isSuccess } = useOrganizations()
  const organization = useOrganization()
  const { lastProvider } = useSession().state
  const logins = lastFirst(useLogins(), lastProvider)
  const last = useId()
  const starting = logins.find(({ state }) => state.status === 'loading')
  if (!organization) return isSuccess ? <Paragraph>{m.login_choose_first()}</Paragraph> : null
  const offered = new Map(organization.providers.map(({ id, available }) => [id, available]))
  const works = logins.filter(({ provider }) => offered.get(provider))
  const [only] = works
  if (!only) return <NoWay organization={organization.name} down={[...offered.keys()].map(providerName)} />
  const sentence = (provider: ProviderId) => (offered.has(provider) ? m.login_unavailable : m.login_not_offered)

  return (
    <div className="login-providers">
      {works.map((login) => {
        const isLast = login.provider === lastProvider && works.length > 1
        return (
          <div key={login.provider} className="login-way">
            {isLast && (
              <span id={last} className="login-last">
                {m.login_last_used()}
              </span>
            )}
            <ProviderButton
              provider={login.provider}
              loading={login === starting}
              describedBy={isLast ? last : undefined}
              // Why it failed is in the state of the login.
              onClick={() => void login.signIn({ returnTo }).catch(() => undefined)}
            />
          </div>
        )
      })}
      {logins
        .filter((login) => !works.includes(login))
        .map(({ provider }) => (
          <Paragraph key={provider} className="login-unavailable">
            {sentence(provider)({
              provider: providerName(provider),
              organization: organization.name,
              other: providerName(only.provider),
            })}
          </Paragraph>
        ))}
      <p className="ds-sr-only" role="status">
        {starting && m.login_preparing()}
      </p>
    </div>
  )
}

/** `down`: the names of what is set up and does not work. */
function NoWay({ organization, down }: { organization: string; down: readonly string[] }) {
  const [provider, another] = down
  return (
    <Alert data-color="warning" role="status" className="notice">
      <Heading level={2} data-size="2xs">
        {m.login_no_way_title({ organization })}
      </Heading>
      <div className="notice-body">
        <Paragraph>
          {!provider
            ? m.login_no_way_unset()
            : another
              ? m.login_no_way_down()
              : m.login_no_way_only_down({ provider, organization })}
        </Paragraph>
        <Paragraph>{m.login_no_way_body({ organization })}</Paragraph>
      </div>
    </Alert>
  )
}
