import { Alert, Button, Heading, Paragraph } from '@digdir/designsystemet-react'
import { useSession } from '@nokkel/client/react'
import { useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { Facts } from '../components/facts.tsx'
import { formatTime, providerName } from '../components/format.ts'
import { LockLine } from '../components/lock-line.tsx'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import { When } from '../components/when.tsx'
import { useFreshLogin } from '../login/fresh-login.tsx'
import * as m from '../paraglide/messages.js'
import { useConsents, usePersonnummer } from '../queries/identity.ts'
import { useWays } from '../queries/organizations.ts'
import type { Consent, KeptPersonnummer, Me } from '../wire.ts'
import { MaskedPersonnummer } from './masked-personnummer.tsx'
import { PersonnummerOfferDialog } from './personnummer-offer-dialog.tsx'
import { TypePersonnummerDialog } from './type-personnummer-dialog.tsx'
import { WholePersonnummer } from './whole-personnummer.tsx'
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
      {kept && <Kept key={kept.keptAt} kept={kept} />}
      {kept === null && <Paragraph>{m.pnr_none()}</Paragraph>}
      {query.data && (
        <div className="actions">
          {/* What a provider vouched for is not replaced by what somebody typed. */}
          {(!kept || kept.source === 'typed') && (
            <Button variant="secondary" onClick={() => setDoing('typing')}>
              {kept ? m.pnr_type_again() : m.pnr_type()}
            </Button>
          )}
          {kept && consent && (
            <Button variant="secondary" data-color="danger" onClick={() => setDoing({ withdrawing: consent })}>
              {m.pnr_remove()}
            </Button>
          )}
        </div>
      )}
      {query.data && !offered && (!kept || kept.source === 'typed') && <FromProvider />}
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
      <p role="status" className={said ? 'row-note' : 'ds-sr-only'}>
        {said}
      </p>
    </section>
  )
}

function Kept({ kept }: { kept: KeptPersonnummer }) {
  const fresh = useFreshLogin()
  const typed = kept.source === 'typed'
  return (
    <>
      <Facts
        facts={[
          [m.pnr_kept_number(), <MaskedPersonnummer key="number" masked={kept.masked} />],
          [m.pnr_kept_source(), typed ? m.pnr_source_typed() : providerName(kept.source)],
          [m.pnr_kept_when(), <When key="when" at={kept.keptAt} />],
        ]}
      />
      {typed && <Paragraph data-size="sm">{m.pnr_typed_note()}</Paragraph>}
      <LockLine>{m.pnr_lock()}</LockLine>
      <WholePersonnummer fresh={fresh} />
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
