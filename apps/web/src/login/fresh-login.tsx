import { Alert, Heading, Paragraph } from '@digdir/designsystemet-react'
import { useNokkel, useSession } from '@nokkel/client/react'
import { useState } from 'react'
import { codeOf } from '../components/explain.ts'
import * as m from '../paraglide/messages.js'
import { LogInAgain } from './log-in-again.tsx'

/** How long after a login its person may do what only they may. */
const freshMilliseconds = 5 * 60_000

export interface FreshLogin {
  /** Whether something was asked for that needs a newer login. */
  readonly tooOld: boolean
  /** Goes on only where the login is new enough; the server looks too. */
  freshly(action: () => void): void
  /** Whether it failed because the server finds the login too old, which is told from then on. */
  isTooOld(error: unknown): boolean
}

/** For what is done only right after a login. */
export function useFreshLogin(): FreshLogin {
  const nokkel = useNokkel()
  const { me } = useSession().state
  const [tooOld, setTooOld] = useState(false)
  return {
    tooOld,
    freshly(action) {
      const age = me ? nokkel.now().getTime() - new Date(me.session.authenticatedAt).getTime() : 0
      setTooOld(age > freshMilliseconds)
      if (age <= freshMilliseconds) action()
    },
    isTooOld(error) {
      const found = codeOf(error) === 'login_too_old'
      if (found) setTooOld(true)
      return found
    },
  }
}

/** The way to a login that is new enough. `why`: what it is needed for. */
export function FreshLoginNeeded({ why }: { why: string }) {
  return (
    <Alert data-color="info" role="alert" className="notice">
      <Heading level={3} data-size="2xs">
        {m.logins_too_old_title()}
      </Heading>
      <div className="notice-body">
        <Paragraph>{why}</Paragraph>
        <LogInAgain />
      </div>
    </Alert>
  )
}
