import { Alert, Button, Paragraph } from '@digdir/designsystemet-react'
import type { AuthState } from '@nokkel/client'
import { useNokkel, useSession } from '@nokkel/client/react'
import { useLocation } from '@tanstack/react-router'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { formatTime, providerName } from '../components/format.ts'
import { useLoginIn } from '../login/use-logins.ts'
import * as m from '../paraglide/messages.js'
import { useFollowPersonalData, usePersonnummer } from '../queries/identity.ts'
import { type OfferedPersonnummer, PersonnummerOfferDialog } from './personnummer-offer-dialog.tsx'

/** Logins after which the question was put by itself. From then on a notice leads to it. */
const put = new WeakSet<AuthState>()

/** How long what a login brought waits at the server. */
const waitsMilliseconds = 60 * 60_000

export interface PersonnummerQuestion {
  /** Whether it may still come: what else is to be asked waits. */
  readonly undecided: boolean
  /** Whether it stands on the screen. */
  readonly asking: boolean
  readonly element: ReactNode
}

/**
 * The question whether a number that a login brought may be kept: right after the login, and a notice of it on every
 * page for as long as it is not answered, also after a reload.
 */
export function usePersonnummerQuestion(): PersonnummerQuestion {
  useFollowPersonalData()
  const nokkel = useNokkel()
  const { me } = useSession().state
  const { pathname } = useLocation()
  const login = useLoginIn('authenticated')?.state
  const [settled, setSettled] = useState<AuthState>()
  const [answering, setAnswering] = useState(false)
  const [said, setSaid] = useState('')
  const isRecent = me && nokkel.now().getTime() - new Date(me.session.authenticatedAt).getTime() < waitsMilliseconds
  // Where the page was loaded after the login, nobody knows what it brought.
  const mayWait = login ? login.personnummer === 'verified' : Boolean(isRecent)
  // Who has come to leave is not asked whether something may be kept.
  const looks = mayWait && pathname !== '/account/erase'
  const { data, isPending } = usePersonnummer({ enabled: looks })
  const offered = (looks && data?.offered) || undefined
  const isDue = looks && login !== undefined && settled !== login && !put.has(login)
  const asking = offered !== undefined && (isDue || answering)

  const stood = useRef<OfferedPersonnummer>(undefined)
  useEffect(() => {
    const before = stood.current
    stood.current = asking ? offered : undefined
    // It was answered in another tab, or its hour is over.
    if (!before || asking || !data || data.offered) return
    setAnswering(false)
    setSaid(data.kept ? m.pnr_saved() : m.pnr_declined({ provider: providerName(before.source) }))
  }, [asking, offered, data])

  function close(answer: 'kept' | 'declined' | undefined, { source }: OfferedPersonnummer) {
    if (login) put.add(login)
    setSettled(login)
    setAnswering(false)
    if (answer === 'kept') setSaid(m.pnr_saved())
    if (answer === 'declined') setSaid(m.pnr_declined({ provider: providerName(source) }))
  }

  return {
    undecided: isDue && (isPending || offered !== undefined),
    asking,
    element: (
      <>
        {asking && <PersonnummerOfferDialog offered={offered} onClose={(answer) => close(answer, offered)} />}
        {offered && !asking && !said && pathname !== '/account/data' && (
          <Notice kind="info" text={waiting(offered)} button={m.pnr_answer()} onPress={() => setAnswering(true)} />
        )}
        {said && <Notice kind="success" text={said} button={m.after_dismiss()} onPress={() => setSaid('')} />}
      </>
    ),
  }
}

const waiting = ({ source, expiresAt }: OfferedPersonnummer): string =>
  m.pnr_waiting({ provider: providerName(source), time: formatTime(expiresAt) })

interface NoticeProps {
  kind: 'info' | 'success'
  text: string
  button: string
  onPress: () => void
}

function Notice({ kind, text, button, onPress }: NoticeProps) {
  return (
    <div className="page page-notice">
      <Alert data-color={kind} role="status" className="notice">
        <div className="notice-body">
          <Paragraph>{text}</Paragraph>
          <Button variant="secondary" onClick={onPress}>
            {button}
          </Button>
        </div>
      </Alert>
    </div>
  )
}
