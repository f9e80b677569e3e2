import { Button, Checkbox, Dialog, Heading, List, Paragraph } from '@digdir/designsystemet-react'
import type { AuthState } from '@nokkel/client'
import { useEffect, useId, useRef, useState } from 'react'
import { providerName } from '../components/format.ts'
import { Waiting } from '../components/waiting.tsx'
import * as m from '../paraglide/messages.js'
import { useOrganization } from '../queries/organizations.ts'
import { useLocale } from '../settings/locale.ts'
import { type ProviderLogin, useLoginIn } from './use-logins.ts'

type Consent = NonNullable<AuthState['consent']>

const shareName: Record<Consent['shares'][number], () => string> = {
  name: m.consent_name,
  birthDate: m.consent_birth_date,
  phoneNumber: m.consent_phone_number,
  email: m.consent_email,
  address: m.consent_address,
  personnummer: m.consent_personnummer,
}

/** From the tap until the page is left: what will be shared, asked for a yes, and then the wait with a way out. */
export function LoginDialog() {
  useLocale()
  const login = useLoginIn('awaiting_consent', 'loading', 'awaiting_callback')
  const [open, setOpen] = useState(false)
  const status = login?.state.status
  // What loads before the question is a matter of the button that was pressed.
  const opens = status !== undefined && (status !== 'loading' || open)
  if (opens !== open) setOpen(opens)
  return open && login ? <OpenDialog login={login} /> : null
}

function OpenDialog({ login }: { login: ProviderLogin }) {
  const title = useId()
  const heading = useRef<HTMLHeadingElement>(null)
  const [opener] = useState(() => document.activeElement)
  const { consent, status } = login.state
  const provider = providerName(login.provider)
  const asks = status === 'awaiting_consent' && consent !== undefined

  // The question is read from its beginning, and no careless Enter answers it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is asked changes, and its heading with it
  useEffect(() => heading.current?.focus(), [asks])
  useEffect(
    () => () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    },
    [opener],
  )

  return (
    <Dialog
      open
      closeButton={false}
      className="login-dialog"
      aria-labelledby={title}
      onClose={() => (asks ? login.disagree() : void login.cancel())}
    >
      <Dialog.Block>
        <Heading id={title} ref={heading} level={2} data-size="xs" tabIndex={-1} className="page-heading">
          {asks
            ? m.consent_title({ provider })
            : login.state.purpose === 'link'
              ? m.login_to_linking({ provider })
              : m.login_to_title({ provider })}
        </Heading>
      </Dialog.Block>
      {asks ? <Question login={login} consent={consent} /> : <Leaving login={login} />}
    </Dialog>
  )
}

function Question({ login, consent }: { login: ProviderLogin; consent: Consent }) {
  const [personnummer, setPersonnummer] = useState(false)
  const organization = useOrganization()?.name ?? ''
  const provider = providerName(login.provider)
  return (
    <>
      <Dialog.Block className="stack">
        <Paragraph>
          {login.state.purpose === 'link'
            ? m.consent_intro_link({ provider })
            : m.consent_intro({ organization, provider })}
        </Paragraph>
        <List.Unordered className="consent-shares">
          {consent.shares.map((share) => (
            <List.Item key={share}>{shareName[share]()}</List.Item>
          ))}
        </List.Unordered>
        {consent.personnummer && (
          <Checkbox
            value="personnummer"
            variant="outline"
            label={m.consent_personnummer_label()}
            description={m.consent_personnummer_why()}
            checked={personnummer}
            onChange={(event) => setPersonnummer(event.target.checked)}
          />
        )}
        <Paragraph data-size="sm">{m.consent_nothing_yet()}</Paragraph>
      </Dialog.Block>
      <Dialog.Block className="actions">
        <Button onClick={() => void login.agree({ personnummer }).catch(() => undefined)}>
          {m.consent_yes({ provider })}
        </Button>
        <Button variant="secondary" onClick={login.disagree}>
          {m.consent_no()}
        </Button>
      </Dialog.Block>
    </>
  )
}

function Leaving({ login }: { login: ProviderLogin }) {
  const provider = providerName(login.provider)
  const left = login.state.status === 'awaiting_callback'
  return (
    <>
      <Dialog.Block className="stack">
        <Waiting reason={left ? m.login_to_waiting({ provider }) : m.login_leaving({ provider })} />
        <Paragraph>{left ? m.login_to_stuck() : m.login_to_body({ provider })}</Paragraph>
      </Dialog.Block>
      <Dialog.Block className="actions">
        <Button variant="secondary" onClick={() => void login.cancel()}>
          {m.login_cancel()}
        </Button>
      </Dialog.Block>
    </>
  )
}
