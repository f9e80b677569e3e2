import { Alert, Button, Paragraph } from '@digdir/designsystemet-react'
import type { AuthState } from '@nokkel/client'
import { useLocation } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { providerName } from '../components/format.ts'
import { useLoginIn } from '../login/use-logins.ts'
import * as m from '../paraglide/messages.js'
import { usePersonnummer } from '../queries/identity.ts'
import { PersonnummerOfferDialog } from './personnummer-offer-dialog.tsx'

/** Logins after which the question was put already. It is put once; then it waits on the person's own page. */
const put = new WeakSet<AuthState>()

export interface PersonnummerQuestion {
  /** Whether it may still come: what else is to be asked waits. */
  readonly undecided: boolean
  /** Whether it stands on the screen. */
  readonly asking: boolean
  readonly element: ReactNode
}

/** After a login that brought a number: the question whether it may be kept. */
export function usePersonnummerQuestion(): PersonnummerQuestion {
  const { pathname } = useLocation()
  const state = useLoginIn('authenticated')?.state
  const [settled, setSettled] = useState<AuthState>()
  const [said, setSaid] = useState('')
  // Who has come to leave is not asked whether something may be kept.
  const brought = state?.personnummer === 'verified' && pathname !== '/account/erase'
  const open = brought && settled !== state && !put.has(state)
  const { data, isPending } = usePersonnummer({ enabled: open })
  const offered = open ? data?.offered : undefined

  return {
    undecided: open && (isPending || Boolean(offered)),
    asking: Boolean(offered),
    element: (
      <>
        {offered && (
          <PersonnummerOfferDialog
            offered={offered}
            onClose={(answer) => {
              if (state) put.add(state)
              setSettled(state)
              if (answer === 'kept') setSaid(m.pnr_saved())
              if (answer === 'declined') setSaid(m.pnr_declined({ provider: providerName(offered.source) }))
            }}
          />
        )}
        {said && (
          <div className="page page-notice">
            <Alert data-color="success" role="status" className="notice">
              <div className="notice-body">
                <Paragraph>{said}</Paragraph>
                <Button variant="secondary" onClick={() => setSaid('')}>
                  {m.after_dismiss()}
                </Button>
              </div>
            </Alert>
          </div>
        )}
      </>
    ),
  }
}
