import { Alert, Button, Heading, Paragraph, Tag } from '@digdir/designsystemet-react'
import { EnterIcon, PlusIcon } from '@navikt/aksel-icons'
import type { LinkedLogin, Me } from '@nokkel/client'
import { useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { providerName } from '../components/format.ts'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import { When } from '../components/when.tsx'
import { FreshLoginNeeded, useFreshLogin } from '../login/fresh-login.tsx'
import { useLinkFailure } from '../login/link-failure.ts'
import { LoginFailure } from '../login/login-failure.tsx'
import { type ProviderLogin, useLogins } from '../login/use-logins.ts'
import * as m from '../paraglide/messages.js'
import { useLinkedLogins } from '../queries/logins.ts'
import { useWays } from '../queries/organizations.ts'
import { nameOf } from './login-name.ts'
import { RemoveLoginDialog } from './remove-login-dialog.tsx'

/** The ways in that the person has: adding one, and removing what is neither the last one nor in use. */
export function LoginList({ me }: { me: Me }) {
  const query = useLinkedLogins()
  const services = useLogins()
  const [removing, setRemoving] = useState<LinkedLogin>()
  const { tooOld, freshly, isTooOld } = useFreshLogin()
  const [removed, setRemoved] = useState('')
  const logins = query.data?.logins ?? []
  const linking = services.find(({ state }) => state.purpose === 'link' && state.status === 'authenticated')
  const [kept, forget] = useLinkFailure()
  const keptOf = services.find(({ provider, state }) => provider === kept?.provider && state.status === 'idle')
  const failed = services.find(({ state }) => state.purpose === 'link' && state.status === 'error') ?? keptOf

  return (
    <section className="stack" aria-labelledby="logins">
      <div className="stack-tight">
        <Heading id="logins" level={2} data-size="xs">
          {m.logins_title()}
        </Heading>
        <Paragraph>{m.logins_lead()}</Paragraph>
      </div>
      {linking && <Linked login={linking} />}
      {failed && <LoginFailure login={failed} kept={kept} returnTo="/account" onClose={forget} />}
      {query.isPending && <Waiting reason={m.logins_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {query.data && (
        <ul className="rows">
          {logins.map((login) => (
            <Row
              key={login.id}
              login={login}
              last={logins.length === 1}
              onRemove={() => freshly(() => setRemoving(login))}
            />
          ))}
        </ul>
      )}
      {tooOld && <FreshLoginNeeded why={m.logins_too_old()} />}
      {query.data && <Additions me={me} logins={logins} freshly={freshly} />}
      {removing && (
        <RemoveLoginDialog
          login={removing}
          onFailed={(error) => {
            if (!isTooOld(error)) throw error
            setRemoving(undefined)
          }}
          onRemoved={() => {
            setRemoved(m.logins_removed({ provider: nameOf(removing) }))
            setRemoving(undefined)
          }}
          onClose={() => setRemoving(undefined)}
        />
      )}
      <p role="status" className={removed ? 'row-note' : 'ds-sr-only'}>
        {removed}
      </p>
    </section>
  )
}

function Row({ login, last, onRemove }: { login: LinkedLogin; last: boolean; onRemove: () => void }) {
  const why = last ? m.logins_remove_last() : login.current ? m.logins_remove_current() : undefined
  return (
    <li className="row row-person">
      <EnterIcon aria-hidden className="row-icon" />
      <div className="row-body">
        <div className="row-text">
          <span className="device-name">
            <span className="row-title">{nameOf(login)}</span>
            {login.current && <Tag data-color="accent">{m.logins_current()}</Tag>}
          </span>
          <span className="row-meta">
            <When at={login.linkedAt} text={(when) => m.logins_linked({ when })} />
            {login.lastLoginAt ? (
              <When at={login.lastLoginAt} text={(when) => m.logins_used({ when })} />
            ) : (
              <span>{m.logins_never_used()}</span>
            )}
          </span>
        </div>
        {why ? (
          <p className="row-note">{why}</p>
        ) : (
          <Button
            variant="secondary"
            data-color="danger"
            aria-label={m.logins_remove_named({ provider: nameOf(login) })}
            onClick={onRemove}
          >
            {m.logins_remove()}
          </Button>
        )}
      </div>
    </li>
  )
}

interface AdditionsProps {
  me: Me
  logins: readonly LinkedLogin[]
  freshly: (action: () => void) => void
}

/** The ways in that are missing. A Vipps counts only with the organisation it is with. */
function Additions({ me, logins, freshly }: AdditionsProps) {
  const ways = useWays()
  const has = (provider: string) =>
    logins.some(
      (login) => login.provider === provider && (provider === 'bankid' || login.organization === me.organization.name),
    )
  const missing = useLogins().filter(({ provider }) => !has(provider))
  return missing.map((login) => {
    const provider = providerName(login.provider)
    return ways.some(({ id }) => id === login.provider) ? (
      <div key={login.provider} className="stack-tight">
        <Button
          variant="secondary"
          loading={login.state.status === 'loading'}
          onClick={() => freshly(() => void login.link({ returnTo: '/account' }).catch(() => undefined))}
        >
          <PlusIcon aria-hidden />
          {m.logins_add({ provider })}
        </Button>
        <Paragraph data-size="sm">{m.logins_add_body({ provider })}</Paragraph>
      </div>
    ) : (
      <Paragraph key={login.provider} data-size="sm">
        {m.logins_add_unavailable({ provider, organization: me.organization.name })}
      </Paragraph>
    )
  })
}

function Linked({ login }: { login: ProviderLogin }) {
  const provider = providerName(login.provider)
  return (
    <Alert data-color="success" role="status" className="notice">
      <Paragraph>
        {login.state.linked === 'already_linked'
          ? m.after_link_already({ provider })
          : m.after_link_added({ provider })}
      </Paragraph>
    </Alert>
  )
}
