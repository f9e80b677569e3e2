import { Alert, Button, Heading, Paragraph } from '@digdir/designsystemet-react'
import { EyeIcon, EyeSlashIcon } from '@navikt/aksel-icons'
import type { Consent, Me, PersonnummerStatus } from '@nokkel/client'
import { useSession } from '@nokkel/client/react'
import { useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { Facts } from '../components/facts.tsx'
import { formatTime, providerName } from '../components/format.ts'
import { LockLine } from '../components/lock-line.tsx'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import { When } from '../components/when.tsx'
import { FreshLoginNeeded, useFreshLogin } from '../login/fresh-login.tsx'
import * as m from '../paraglide/messages.js'
import { useConsents, usePersonnummer } from '../queries/identity.ts'
import { useWays } from '../queries/organizations.ts'
import { MaskedPersonnummer } from './masked-personnummer.tsx'
import { PersonnummerOfferDialog } from './personnummer-offer-dialog.tsx'
import { TypePersonnummerDialog } from './type-personnummer-dialog.tsx'
import { useWholePersonnummer } from './use-whole-personnummer.ts'
import { WithdrawDialog } from './withdraw-dialog.tsx'

type Doing = 'answering' | 'typing' | { withdrawing: Consent }

/** Whether the person's number is kept: seeing it, giving it and taking it away. */
export function PersonnummerSection({ me }: { me: Me }) {
  const query = usePersonnummer()
  const consents = useConsents()
  const [doing, setDoing] = useState<Doing>()
  const [said, setSaid] = useState('')
  const { kept, offered } = query.data ?? {}
  const consent = consents.data?.find(({ purpose, withdrawnAt }) => purpose === 'personnummer' && !withdrawnAt)
  const close = () => setDoing(undefined)

  return (
    <section className="stack" aria-labelledby="personnummer">
      <Heading id="personnummer" level={2} data-size="xs">
        {m.pnr_title()}
      </Heading>
      <p role="status" className={said ? 'row-note' : 'ds-sr-only'}>
        {said}
      </p>
      {query.isPending && <Waiting reason={m.pnr_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {offered && (
        <Alert data-color="info" className="notice">
          <div className="notice-body">
            <Paragraph>
              {m.pnr_waiting({ provider: providerName(offered.source), time: formatTime(offered.expiresAt) })}
            </Paragraph>
            <Button variant="secondary" onClick={() => setDoing('answering')}>
              {m.pnr_answer()}
            </Button>
          </div>
        </Alert>
      )}
      {kept && (
        <Kept
          key={kept.keptAt}
          kept={kept}
          onRemove={consent && (() => setDoing({ withdrawing: consent }))}
          onReplace={() => setDoing('typing')}
        />
      )}
      {kept === null && (
        <>
          <Paragraph>{m.pnr_none()}</Paragraph>
          {!offered && <FromProvider />}
          <div className="actions">
            <Button variant="secondary" onClick={() => setDoing('typing')}>
              {m.pnr_type()}
            </Button>
          </div>
        </>
      )}
      {doing === 'answering' && offered && (
        <PersonnummerOfferDialog
          offered={offered}
          onClose={(answer) => {
            close()
            if (answer === 'kept') setSaid(m.pnr_saved())
            if (answer === 'declined') setSaid(m.pnr_declined({ provider: providerName(offered.source) }))
          }}
        />
      )}
      {doing === 'typing' && (
        <TypePersonnummerDialog userId={me.id} onSaved={() => setSaid(m.pnr_saved())} onClose={close} />
      )}
      {typeof doing === 'object' && (
        <WithdrawDialog
          consent={doing.withdrawing}
          onWithdrawn={() => setSaid(m.cons_withdraw_done())}
          onClose={close}
        />
      )}
    </section>
  )
}

interface KeptProps {
  kept: NonNullable<PersonnummerStatus['kept']>
  onRemove: (() => void) | undefined
  onReplace: () => void
}

function Kept({ kept, onRemove, onReplace }: KeptProps) {
  const { tooOld, freshly, isTooOld } = useFreshLogin()
  const { whole, show, hide } = useWholePersonnummer(isTooOld)
  const typed = kept.source === 'typed'
  const shown = whole.state === 'shown'
  const loading = whole.state === 'loading'
  return (
    <>
      <Facts
        facts={[
          [
            m.pnr_kept_number(),
            shown ? (
              <span key="whole">{`${whole.digits.slice(0, 6)} ${whole.digits.slice(6)}`}</span>
            ) : (
              <MaskedPersonnummer key="masked" masked={kept.masked} />
            ),
          ],
          [m.pnr_kept_source(), typed ? m.pnr_source_typed() : providerName(kept.source)],
          [m.pnr_kept_when(), <When key="when" at={kept.keptAt} />],
        ]}
      />
      <p role="status" className={shown ? 'row-note' : 'ds-sr-only'}>
        {shown && m.pnr_shown()}
        {whole.state === 'hidden_again' && m.pnr_hidden()}
      </p>
      <div className="actions">
        <Button variant="secondary" loading={loading} onClick={() => (shown ? hide() : freshly(show))}>
          {shown ? <EyeSlashIcon aria-hidden /> : !loading && <EyeIcon aria-hidden />}
          {shown ? m.pnr_hide() : loading ? m.pnr_showing() : m.pnr_show()}
        </Button>
        {/* What a provider vouched for is not replaced by what somebody typed. */}
        {typed && (
          <Button variant="secondary" onClick={onReplace}>
            {m.pnr_type_again()}
          </Button>
        )}
        {onRemove && (
          <Button variant="secondary" data-color="danger" onClick={onRemove}>
            {m.pnr_remove()}
          </Button>
        )}
      </div>
      {tooOld && <FreshLoginNeeded why={m.fresh_body()} />}
      {whole.state === 'failed' && <Problem code={whole.code} />}
      {typed && <Paragraph data-size="sm">{m.pnr_typed_note()}</Paragraph>}
      <LockLine>{m.pnr_lock()}</LockLine>
      {typed && <FromProvider />}
    </>
  )
}

/** The way to a number that is vouched for: a login in which the person agrees to share it. */
function FromProvider() {
  const { signIn } = useSession()
  const [way] = useWays().filter(({ personnummer }) => personnummer)
  if (!way) return null
  const provider = providerName(way.id)
  return (
    <div className="stack-tight">
      <Button
        variant="secondary"
        onClick={() => void signIn(way.id, { returnTo: '/account/data' }).catch(() => undefined)}
      >
        {m.pnr_fetch({ provider })}
      </Button>
      <Paragraph data-size="sm">{m.pnr_fetch_body({ provider })}</Paragraph>
    </div>
  )
}
